"""From purchases to repeats, recency and age."""

from __future__ import annotations

import numpy as np
import pytest

from retain.lifetime.history import History, histories
from retain.timeline import DAY, HOUR


def test_purchases_become_histories() -> None:
    """Days count, not purchases; what comes at or after the cutoff does not."""
    purchases = np.array(
        [
            (4, 5 * DAY),
            (2, 40 * DAY),
            (2, 12 * DAY + 3 * HOUR),
            (2, 12 * DAY),
            (2, 20 * DAY),
            (9, 31 * DAY),
            (4, 30 * DAY),
        ]
    )
    who, history = histories(purchases[:, 0], purchases[:, 1], 30 * DAY)
    assert who.tolist() == [2, 4]
    assert history.repeats.tolist() == [1, 0]
    assert history.last_days.tolist() == [8.0, 0.0]
    assert history.age_days.tolist() == [18.0, 25.0]


def test_nobody_has_bought() -> None:
    """No purchases before the cutoff are no customers."""
    who, history = histories(np.array([1]), np.array([DAY]), DAY)
    assert len(who) == len(history) == 0


@pytest.mark.parametrize(
    ("repeats", "last", "age", "message"),
    [
        ([1], [3.0], [2.0], "last_days <= age_days"),
        ([-1], [0.0], [2.0], "repeats >= 0"),
        ([0], [1.0], [2.0], "exactly when"),
        ([2], [0.0], [2.0], "exactly when"),
        ([0, 0], [0.0], [2.0], "different lengths"),
        ([0], [0.0], [np.nan], "not a finite number"),
    ],
)
def test_impossible_lives_are_refused(
    repeats: list[int], last: list[float], age: list[float], message: str
) -> None:
    """The message says what cannot be."""
    with pytest.raises(ValueError, match=message):
        History(np.array(repeats), np.array(last), np.array(age))
