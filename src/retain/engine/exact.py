"""Sums of whole numbers without rounding, as floats where these hold them, and the standard deviation from such sums."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from retain.engine.sorted_columns import running

if TYPE_CHECKING:
    import numpy.typing as npt

    from retain.events.store import IntArray

    FloatArray = npt.NDArray[np.float64]
    Sums: TypeAlias = IntArray | FloatArray
    """Whole numbers, as floats only where these hold them exactly."""

_EXACT = 2**52
"""Whole numbers up to this, and the differences of any two of them, are exact in a float."""


def running_sums(values: IntArray, *, squares: bool) -> Sums:
    """Running sums of values or their squares, with the 0 before the first; any difference of two of them is exact.

    They are floats where these hold all of them. Otherwise they wrap at 64 bits.

    >>> running_sums(np.array([1, 2, -3]), squares=True).tolist()
    [0.0, 1.0, 5.0, 14.0]
    """
    largest = max(int(values.max(initial=0)), -int(values.min(initial=0)))
    fits = largest ** (2 if squares else 1) * len(values) < _EXACT
    if not fits:
        rough = np.abs(values.astype(np.float64))
        fits = float((rough * rough if squares else rough).sum()) < _EXACT
    sums = running(values * values if squares else values)
    return sums.astype(np.float64) if fits else sums


def deviation(count: FloatArray, total: Sums, squares: Sums) -> FloatArray:
    """Sample standard deviation from exact sums, without the cancellation of the usual short formula; NaN of fewer than two values.

    With ``m = total // count`` and ``r = total - count * m``, the squared distances from ``m`` are
    ``squares - 2 m total + count m^2 = squares - m (total + r)``: a whole number that 64-bit arithmetic gives exactly even
    where its terms overflow. What is left is ``(that - r^2 / count) / (count - 1)``.

    Args:
        count: of the values.
        total: their sum.
        squares: the sum of their squares.

    >>> float(deviation(np.array([2.0]), np.array([4]), np.array([10]))[0])  # 1 and 3
    1.4142135623730951
    """
    some = np.maximum(count, 1.0)
    if total.dtype == squares.dtype == np.float64:
        # A whole number below 2**52 divided by another is never rounded over the whole number above it.
        middle = total / some
        np.floor(middle, out=middle)
        rest = total - some * middle
        middle *= total + rest
        found = squares - middle
    else:
        rest, found = _around_the_middle(some.astype(np.int64), total.astype(np.int64), squares)
    rest *= rest
    rest /= some
    found -= rest
    np.maximum(found, 0.0, out=found)
    with np.errstate(invalid="ignore"):
        found /= count - 1.0
    np.sqrt(found, out=found)
    np.copyto(found, np.nan, where=count < 2)
    return found


def _around_the_middle(some: IntArray, total: IntArray, squares: Sums) -> tuple[FloatArray, FloatArray]:
    """The rest, and the sum of the squared distances from the middle."""
    middle = total // some
    rest = total - some * middle
    return rest.astype(np.float64), (squares - middle * (total + rest)).astype(np.float64)
