"""The smallest and largest value of any stretch of a column."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from retain.engine.extremes import Extremes
from retain.events.store import MISSING

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.mark.parametrize(("what", "of_list"), [(np.minimum, min), (np.maximum, max)])
def test_every_stretch_of_a_column(what: np.ufunc, of_list: Callable[[list[int]], int]) -> None:
    """Each stretch of whatever length gives what Python's own min and max give of its known values."""
    rng = np.random.default_rng(3)
    values = rng.integers(-50, 50, 37)
    values[rng.random(37) < 0.3] = MISSING
    low, high = (one.ravel() for one in np.meshgrid(np.arange(38), np.arange(38)))
    found = Extremes.of(values, what, 37).between(low, high)
    for first, last, one in zip(low.tolist(), high.tolist(), found.tolist(), strict=True):
        known = [value for value in values[first:last].tolist() if value != MISSING]
        assert np.isnan(one) if not known else one == of_list(known)


def test_stretches_are_no_longer_than_said() -> None:
    """Only so many levels are made as the longest stretch needs: 5 values are covered by two stretches of 4."""
    values = np.arange(1000)
    few = Extremes.of(values, np.maximum, 5)
    assert len(few.levels) == 3
    assert few.between(np.array([0, 990, 995]), np.array([5, 994, 1000])).tolist() == [4.0, 993.0, 999.0]


def test_a_column_without_values() -> None:
    """Of an empty column nothing is known."""
    none = Extremes.of(np.array([], dtype=np.int64), np.minimum, 0)
    assert np.isnan(none.between(np.array([0, 0]), np.array([0, 0]))).all()
