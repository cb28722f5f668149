"""Columns sorted once by customer and value: quantiles, and how many categories and how evenly, for any window."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from retain.engine.order import by_customer
from retain.engine.panel import entropy, weighted_log
from retain.features.spec import How
from retain.timeline import NEVER

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy.typing as npt

    from retain.events.store import IntArray

    FloatArray = npt.NDArray[np.float64]
    BoolArray = npt.NDArray[np.bool_]
    Told = Callable[[IntArray, Callable[[IntArray], IntArray]], FloatArray]
    """From how many numbers each customer has, and those of any ranks, to one number a customer."""

_MOST_STEPS = 2**16
"""A table of so many steps is still found in the processor's cache."""


def running(values: IntArray | BoolArray) -> IntArray:
    """Running sums, with the 0 before the first."""
    result = np.zeros(len(values) + 1, dtype=np.int64)
    np.cumsum(values, out=result[1:])
    return result


def passed(moments: IntArray, time: IntArray) -> IntArray:
    """For each instant, how many of these ascending moments do not come after it.

    >>> passed(np.array([10, 20, 40]), np.array([9, 10, 39, 50])).tolist()
    [0, 1, 2, 3]
    """
    if len(moments) and moments[0] == NEVER:
        return passed(moments[1:], time) + 1
    if len(moments) < 2:
        return np.searchsorted(moments, time, side="right")
    spread = int(moments[-1] - moments[0])
    unit = int(np.gcd.reduce(moments - moments[0]))
    if spread > unit * _MOST_STEPS:
        return np.searchsorted(moments, time, side="right")
    # Cutoffs and windows are whole days or hours apart, and in which of these an instant lies is found by one division instead of a search.
    steps = np.zeros(spread // unit + 2, dtype=np.int64)
    steps[(moments - moments[0]) // unit + 1] = 1
    step = (time - (int(moments[0]) - unit)) // unit
    return np.cumsum(steps).take(step, mode="clip")


def counted_before(owner: IntArray, owners: int, stretch: IntArray, moments: int) -> IntArray:
    """How many events of each owner lie before each moment, moments by owners.

    Args:
        owner: of each event.
        owners: how many there are.
        stretch: of each event, how many moments do not come after it.
        moments: how many there are.
    """
    counts = np.bincount(stretch * owners + owner, minlength=(moments + 1) * owners)
    before = counts.reshape(moments + 1, owners)[:-1]
    # Whole rows are added: a running sum along them would wait for each addition before the next.
    for place in range(1, moments):
        before[place] += before[place - 1]
    return before


@dataclass(frozen=True)
class Ranked:
    """Known numbers, sorted by customer and size.

    Attributes:
        offsets: customer ``c``'s are ``offsets[c]:offsets[c + 1]``.
        time: when each was.
        value: the numbers, in parts.
    """

    offsets: IntArray
    time: IntArray
    value: IntArray

    @classmethod
    def of(cls, owner: IntArray, time: IntArray, value: IntArray, customers: int) -> Ranked:
        """These numbers, sorted once for every window; ``owner`` is ascending."""
        order = by_customer(owner, value)
        return cls(running(np.bincount(owner, minlength=customers)), time[order], value[order])

    def median(self, starts: IntArray, ends: IntArray) -> FloatArray:
        """The middle number in each window ``[start, end)``, in parts, windows by customers; NaN where there is none."""

        def middle(count: IntArray, ranked: Callable[[IntArray], IntArray]) -> FloatArray:
            low, high = ranked((count - 1) // 2), ranked(count // 2)
            return np.asarray((low.astype(np.float64) + high.astype(np.float64)) / 2)

        return self._each(starts, ends, middle)

    def quantile(self, share: float, starts: IntArray, ends: IntArray) -> FloatArray:
        """The number below which that share of those in each window lies, between two of them in proportion."""

        def between(count: IntArray, ranked: Callable[[IntArray], IntArray]) -> FloatArray:
            place = (count - 1) * share
            below = np.floor(place).astype(np.int64)
            low, high = ranked(below), ranked(np.minimum(below + 1, count - 1))
            return np.asarray(low.astype(np.float64) + (place - below) * (high - low).astype(np.float64))

        return self._each(starts, ends, between)

    def _each(self, starts: IntArray, ends: IntArray, told: Told) -> FloatArray:
        """What is told of the numbers in each window, windows by customers; NaN where there is none."""
        result = np.full((len(starts), len(self.offsets) - 1), np.nan)
        for place, (start, end) in enumerate(zip(starts.tolist(), ends.tolist(), strict=True)):
            result[place] = self._one(start, end, told)
        return result

    def _one(self, start: int, end: int, told: Told) -> FloatArray:
        inside = running((self.time >= start) & (self.time < end))
        before = inside[self.offsets[:-1]]
        count = inside[self.offsets[1:]] - before
        there = count > 0
        before, count = before[there], count[there]

        def ranked(rank: IntArray) -> IntArray:
            # The number of that rank is where the running count first exceeds those before it by rank + 1.
            return self.value[np.searchsorted(inside, before + rank + 1) - 1]

        result = np.full(len(there), np.nan)
        result[there] = told(count, ranked)
        return result


@dataclass(frozen=True)
class Grouped:
    """Known categories, sorted by customer and category.

    Attributes:
        first: the first group of each customer who has any.
        has: which customers have any.
        group: of each event.
        time: of each event.
        groups: how many.
    """

    first: IntArray
    has: BoolArray
    group: IntArray
    time: IntArray
    groups: int

    @classmethod
    def of(cls, owner: IntArray, time: IntArray, code: IntArray, customers: int) -> Grouped:
        """These categories, sorted once for every window; ``owner`` is ascending."""
        order = by_customer(owner, code)
        code, owner = code[order], owner[order]
        fresh = np.ones(len(code), dtype=bool)
        fresh[1:] = (code[1:] != code[:-1]) | (owner[1:] != owner[:-1])
        group = np.cumsum(fresh) - 1
        count = np.bincount(owner[fresh], minlength=customers)
        has = count > 0
        return cls((np.cumsum(count) - count)[has], has, group, time[order], int(fresh.sum()))

    def count(self, starts: IntArray, ends: IntArray) -> Counts:
        """How often each category occurs in each window ``[start, end)``."""
        moments = np.unique(np.concatenate([starts, ends]))
        before = counted_before(self.group, self.groups, passed(moments, self.time), len(moments))
        sizes = before[np.searchsorted(moments, ends)] - before[np.searchsorted(moments, starts)]
        return Counts(self.first, self.has, sizes)


@dataclass(frozen=True)
class Counts:
    """How often each category of each customer occurs in some windows.

    Attributes:
        first: the first category of each customer who has any.
        has: which customers have any.
        sizes: events in each window of each category; 0 where it does not occur.
    """

    first: IntArray
    has: BoolArray
    sizes: IntArray

    def summary(self, how: How) -> FloatArray:
        """How many categories, or how evenly they are spread, windows by customers; NaN for evenness without any."""
        if how is How.DISTINCT:
            return self._of_all(np.add, (self.sizes > 0).astype(np.int64)).astype(np.float64)
        total = self._of_all(np.add, self.sizes)
        there = total > 0
        result = np.full(total.shape, np.nan)
        if how is How.TOP_SHARE:
            most = self._of_all(np.maximum, self.sizes)
            result[there] = most[there] / total[there]
            return result
        table = np.array(
            [weighted_log(count) for count in range(int(total.max(initial=0)) + 1)], dtype=np.int64
        )
        parts = self._of_all(np.add, table[self.sizes])
        result[there] = entropy(
            table[total[there]].astype(np.float64),
            parts[there].astype(np.float64),
            total[there].astype(np.float64),
        )
        return result

    def _of_all(self, what: np.ufunc, values: IntArray) -> IntArray:
        """The values of each customer's categories put together; 0 for one without any."""
        result = np.zeros((len(values), len(self.has)), dtype=np.int64)
        if len(self.first):
            result[:, self.has] = what.reduceat(values, self.first, axis=1)
        return result
