"""The smallest and largest value of any stretch of a column."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from retain.engine.extremes import Extremes, Stretches
from retain.events.store import MISSING

if TYPE_CHECKING:
    from collections.abc import Callable

    from retain.events.store import IntArray


def found(values: IntArray, what: np.ufunc, low: IntArray, high: IntArray, longest: int) -> list[float]:
    """The extremes of these stretches, of values in sevenths."""
    out = np.empty(len(low))
    Extremes.of(values, 7, what, longest).of_each(Stretches.of(low, high, longest, len(values)), out)
    return [float(one) for one in out]


@pytest.mark.parametrize(("what", "of_list"), [(np.fmin, min), (np.fmax, max)])
def test_every_stretch_of_a_column(what: np.ufunc, of_list: Callable[[list[int]], int]) -> None:
    """Each stretch of whatever length gives what Python's own min and max give of its known values."""
    rng = np.random.default_rng(3)
    values = rng.integers(-50, 50, 37)
    values[rng.random(37) < 0.3] = MISSING
    pairs = np.array([(low, high) for high in range(38) for low in range(high + 1)])
    low, high = pairs.T
    for first, last, one in zip(low.tolist(), high.tolist(), found(values, what, low, high, 37), strict=True):
        known = [value for value in values[first:last].tolist() if value != MISSING]
        assert np.isnan(one) if not known else one == of_list(known) / 7


def test_stretches_are_no_longer_than_said() -> None:
    """Only so many levels are made as the longest stretch needs: 5 values are covered by two stretches of 4."""
    values = np.arange(1000) * 7
    assert len(Extremes.of(values, 7, np.fmax, 5).levels) == 3 + 1  # and one of which nothing is known
    low, high = np.array([0, 990, 995]), np.array([5, 994, 1000])
    assert found(values, np.fmax, low, high, 5) == [4.0, 993.0, 999.0]


def test_a_column_without_values() -> None:
    """Of an empty column nothing is known."""
    nothing = np.zeros(2, dtype=np.int64)
    assert np.isnan(found(nothing[:0], np.fmin, nothing, nothing, 0)).all()
