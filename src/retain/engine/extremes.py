"""The smallest or largest value of any stretch of a column, each from two look-ups."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from retain.events.store import MISSING

if TYPE_CHECKING:
    import numpy.typing as npt

    from retain.events.store import IntArray

    FloatArray = npt.NDArray[np.float64]

_MOST = int(np.iinfo(np.int64).max)


@dataclass(frozen=True)
class Extremes:
    """The extreme of every stretch of 1, 2, 4 and so on values.

    A stretch of any length is covered by two of these, which may overlap: an extreme does not mind being seen twice. So a customer with
    many events costs no more than one with few, and a window that is asked for at many cutoffs is not walked through at each.

    Attributes:
        levels: row ``k`` has at ``i`` the extreme of the ``2**k`` values from ``i`` on; what would reach behind the last is never read.
        what: ``np.minimum`` or ``np.maximum``.
    """

    levels: IntArray
    what: np.ufunc

    @classmethod
    def of(cls, values: IntArray, what: np.ufunc, longest: int) -> Extremes:
        """These values, for stretches of up to that length.

        Args:
            values: MISSING where not known.
            what: ``np.minimum`` or ``np.maximum``.
            longest: how many values the longest stretch has.
        """
        levels = np.empty((max(longest, 1).bit_length(), len(values) + 1), dtype=np.int64)
        levels[0, :-1] = values
        # One more lets an empty stretch begin behind the last. MISSING is the least number there is, and loses against any maximum.
        levels[0, -1] = MISSING
        if what is np.minimum:
            levels[0, levels[0] == MISSING] = _MOST
        for level in range(1, len(levels)):
            half = 2 ** (level - 1)
            what(levels[level - 1, :-half], levels[level - 1, half:], out=levels[level, :-half])
        return cls(levels, what)

    def between(self, low: IntArray, high: IntArray) -> FloatArray:
        """The extreme of the known values of each stretch ``[low, high)``; NaN where there is none.

        >>> Extremes.of(np.array([4, 9, 2]), np.maximum, 3).between(np.array([0, 1, 2]), np.array([3, 3, 2])).tolist()
        [9.0, 9.0, nan]
        """
        rows, width = self.levels.shape
        length = np.maximum(high - low, 1)
        # Lengths from 2**k to 2**(k + 1) - 1 are covered by two of level k.
        sizes = 2 ** np.arange(rows)
        level = np.repeat(np.arange(rows), sizes).take(length - 1)
        row = level * width
        flat = self.levels.ravel()
        first = flat.take(row + low)
        found = self.what(first, flat.take(row + (low + length) - sizes.take(level)))
        result: FloatArray = found.astype(np.float64)
        unknown = _MOST if self.what is np.minimum else MISSING
        np.copyto(result, np.nan, where=(high <= low) | (found == unknown))
        return result
