"""Exact sums and the deviation from them, whether floats hold the sums or not."""

from __future__ import annotations

import statistics

import numpy as np
import pytest

from retain.engine.exact import deviation, running_sums


@pytest.mark.parametrize("largest", [9, 10**6, 10**9, 9 * 10**15])
def test_the_deviation_is_that_of_exact_arithmetic(largest: int) -> None:
    """It is within a few roundings of it for numbers of any size, also where their squares do not fit 64 bits."""
    rng = np.random.default_rng(11)
    values = largest + rng.integers(-1_000, 1_000, 200)
    sums, squares = running_sums(values, squares=False), running_sums(values, squares=True)
    low = rng.integers(0, 190, 50)
    high = low + rng.integers(2, 10, 50)
    found = deviation((high - low).astype(np.float64), sums[high] - sums[low], squares[high] - squares[low])
    for first, last, one in zip(low.tolist(), high.tolist(), found.tolist(), strict=True):
        assert one == pytest.approx(statistics.stdev(values[first:last].tolist()), rel=1e-15)


def test_floats_and_whole_numbers_give_the_same_bits() -> None:
    """It is told by the size of the sums alone which of them are taken."""
    rng = np.random.default_rng(12)
    values = rng.integers(-50_000, 50_000, 3_000)
    sums, squares = running_sums(values, squares=False), running_sums(values, squares=True)
    assert sums.dtype == squares.dtype == np.float64
    low = rng.integers(0, 2_000, 400)
    high = low + rng.integers(0, 900, 400)
    count, total, square = (
        (high - low).astype(np.float64),
        sums[high] - sums[low],
        squares[high] - squares[low],
    )
    exact = deviation(count, total.astype(np.int64), square.astype(np.int64))
    assert deviation(count, total, square).tobytes() == exact.tobytes()
    assert np.isnan(exact[count < 2]).all()
    assert np.isfinite(exact[count > 1]).all()


def test_floats_are_taken_only_where_they_are_exact() -> None:
    """One large value is as much as many small ones; nothing at all is small."""
    assert running_sums(np.array([2**52 - 1]), squares=False).dtype == np.float64
    assert running_sums(np.array([-(2**52)]), squares=False).dtype == np.int64
    assert running_sums(np.array([2**40, 1, 1, 1] * 1_000), squares=False).dtype == np.float64
    assert running_sums(np.array([2**26]), squares=True).dtype == np.int64
    assert running_sums(np.array([], dtype=np.int64), squares=True).tolist() == [0.0]
