"""From purchases to repeats, recency and age."""

from __future__ import annotations

import numpy as np
import pytest

from retain.lifetime.history import Days, History, distinct, histories
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


def test_each_day_with_a_purchase_is_there_once() -> None:
    """By customer and then day, also before 1970, with the purchases of each."""
    random = np.random.default_rng(1)
    customer, time = random.integers(0, 50, 900), random.integers(-20 * DAY, 20 * DAY, 900)
    found = Days.of(customer, time)
    pairs, counts = np.unique(np.stack([customer, time // DAY], axis=1), axis=0, return_counts=True)
    assert np.stack([found.customer, found.day], axis=1).tolist() == pairs.tolist()
    assert np.diff(found.first, append=900).tolist() == counts.tolist()
    assert (np.diff(customer[found.order]) >= 0).all()


def test_no_purchase_is_no_day() -> None:
    """Nothing comes of nothing."""
    nothing = np.empty(0, dtype=np.int64)
    found = Days.of(nothing, nothing)
    assert len(found.customer) == len(found.day) == len(found.order) == len(found.first) == 0


def test_rows_that_are_alike_are_told_once() -> None:
    """In the order of their columns, and each row knows its kind."""
    random = np.random.default_rng(2)
    columns = random.integers(0, 5, (3, 400)).astype(np.float64)
    row, place = distinct(*columns)
    kinds, among = np.unique(columns.T, axis=0, return_inverse=True)
    assert columns.T[row].tolist() == kinds.tolist()
    assert place.tolist() == among.ravel().tolist()


def test_no_row_is_of_no_kind() -> None:
    """Of no rows none is different."""
    row, place = distinct(np.empty(0), np.empty(0))
    assert len(row) == len(place) == 0
