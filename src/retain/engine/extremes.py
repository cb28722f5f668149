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


@dataclass(frozen=True)
class Stretches:
    """Where to look for the extremes of some stretches; any column of the same events is asked with the same places.

    A stretch of any length is covered by two of 1, 2, 4 and so on values, which may overlap: an extreme does not mind being seen twice.

    Attributes:
        first: the place of the one that begins where the stretch does.
        second: the place of the one that ends where the stretch does.
    """

    first: IntArray
    second: IntArray

    @classmethod
    def of(cls, low: IntArray, high: IntArray, longest: int, values: int) -> Stretches:
        """The stretches ``[low, high)``.

        Args:
            low: where each begins.
            high: where each ends; nothing is in a stretch that ends where it begins.
            longest: how many values the longest stretch can have.
            values: how many values the columns have.
        """
        width, rows = values + 1, _rows(longest)
        level = np.repeat(np.arange(rows), 2 ** np.arange(rows))
        # Lengths from 2**k to 2**(k + 1) - 1 are covered by two of level k; nothing is known of an empty stretch, nor on the last level.
        begin = np.append(rows, level) * width
        back = begin - np.append(0, 2**level)
        length = high - low
        first, second = begin.take(length), back.take(length)
        first += low
        second += high
        return cls(first, second)


@dataclass(frozen=True)
class Extremes:
    """The extreme of every stretch of 1, 2, 4 and so on values.

    So a customer with many events costs no more than one with few, and a window that is asked for at many cutoffs is not walked through
    at each.

    Attributes:
        levels: row ``k`` has at ``i`` the extreme of the known ones of the ``2**k`` values from ``i`` on, NaN where there is none; the last
            row has nothing but NaN.
        what: ``np.fmin`` or ``np.fmax``, to which a NaN is nothing.
    """

    levels: FloatArray
    what: np.ufunc

    @classmethod
    def of(cls, values: IntArray, parts: int, what: np.ufunc, longest: int) -> Extremes:
        """These values, for stretches of up to that length.

        Args:
            values: whole parts, MISSING where not known.
            parts: how many make one unit. Neither rounding to a float nor dividing changes which value is the larger.
            what: ``np.fmin`` or ``np.fmax``.
            longest: how many values the longest stretch has.
        """
        levels = np.empty((_rows(longest) + 1, len(values) + 1))
        np.divide(values, parts, out=levels[0, :-1])
        np.copyto(levels[0, :-1], np.nan, where=values == MISSING)
        levels[:, -1] = np.nan
        levels[-1] = np.nan
        for level in range(1, len(levels) - 1):
            half = 2 ** (level - 1)
            what(levels[level - 1, :-half], levels[level - 1, half:], out=levels[level, :-half])
            levels[level, -half:] = np.nan
        return cls(levels, what)

    def of_each(self, stretches: Stretches, out: FloatArray) -> None:
        """Write the extreme of the known values of each stretch; NaN where there is none.

        >>> found = np.empty(3)
        >>> some = Stretches.of(np.array([0, 1, 2]), np.array([3, 3, 2]), 3, 3)
        >>> Extremes.of(np.array([4, 9, 2]), 1, np.fmax, 3).of_each(some, found)
        >>> found.tolist()
        [9.0, 9.0, nan]
        """
        flat = self.levels.ravel()
        self.what(flat.take(stretches.first), flat.take(stretches.second), out=out)


def _rows(longest: int) -> int:
    """How many levels cover stretches of up to that length."""
    return max(longest, 1).bit_length()
