"""Which of some moments lie before an event, found by a division where that can be."""

from __future__ import annotations

import numpy as np
import pytest

from retain.engine.sorted_columns import passed
from retain.timeline import DAY, HOUR, NEVER, instant


@pytest.mark.parametrize(
    "moments",
    [
        [],
        [NEVER],
        [instant("2024-01-01")],
        [instant("2024-01-01"), instant("2024-02-01"), instant("2024-03-01")],
        [NEVER, instant("2023-12-31"), instant("2024-02-29")],
        # Midnights of a zone with summer time are whole hours apart.
        [instant("2024-03-01T00:00+02:00"), instant("2024-04-01T00:00+03:00")],
        # These have no common step that a table could hold.
        [instant("2024-01-01"), instant("2024-01-01") + 1, instant("2024-05-01")],
        [-7 * DAY, -3 * DAY, 0, 11 * DAY],
    ],
)
def test_moments_passed(moments: list[int]) -> None:
    """An instant counts the moments that do not come after it, at, just before and just after each of them, and far away."""
    near = [moment + step for moment in moments if moment != NEVER for step in (-HOUR, -1, 0, 1, HOUR)]
    time = np.array([instant("0001-01-01"), 0, instant("2024-03-15T12:34"), instant("9999-12-31"), *near])
    found = passed(np.array(moments, dtype=np.int64), time)
    assert found.tolist() == [sum(one <= each for one in moments) for each in time.tolist()]
