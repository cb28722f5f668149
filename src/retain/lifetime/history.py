"""A customer's purchases in three numbers: how many repeats, when the last, how long ago the first."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from retain.timeline import DAY

if TYPE_CHECKING:
    import numpy.typing as npt

    FloatArray = npt.NDArray[np.float64]
    IntArray = npt.NDArray[np.int64]


@dataclass(frozen=True)
class History:
    """What BG/NBD needs to know of each customer, in days.

    Attributes:
        repeats: x, days with a purchase after the first such day.
        last_days: t_x, days from the first purchase to the last; 0 without repeats.
        age_days: T, days from the first purchase to the cutoff.
    """

    repeats: IntArray
    last_days: FloatArray
    age_days: FloatArray

    def __post_init__(self) -> None:
        """Refuse a life that no customer can have had."""
        x, last, age = self.repeats, self.last_days, self.age_days
        if x.ndim != 1 or x.shape != last.shape or x.shape != age.shape:
            raise ValueError(f"histories of different lengths: {x.shape}, {last.shape}, {age.shape}")
        if not (np.isfinite(last).all() and np.isfinite(age).all()):
            raise ValueError("a time in a history is not a finite number")
        if (x < 0).any() or (last < 0).any() or (last > age).any():
            raise ValueError("a history needs repeats >= 0 and 0 <= last_days <= age_days")
        if ((x == 0) != (last == 0)).any():
            raise ValueError("last_days is above 0 exactly when there are repeats")

    def __len__(self) -> int:
        """How many customers."""
        return len(self.repeats)

    def of(self, rows: IntArray) -> History:
        """The histories of these customers only."""
        return History(self.repeats[rows], self.last_days[rows], self.age_days[rows])


@dataclass(frozen=True)
class Days:
    """Days (UTC) on which customers bought, by customer and then day.

    Attributes:
        customer: who.
        day: days since 1970.
        order: the purchases by customer and day.
        first: where in that order each of these days begins.
    """

    customer: IntArray
    day: IntArray
    order: IntArray
    first: IntArray

    @staticmethod
    def of(customer: IntArray, time: IntArray) -> Days:
        """Each day with a purchase once.

        Args:
            customer: who, one entry a purchase, in any order.
            time: when, in UTC microseconds.

        >>> found = Days.of(np.array([3, 3, 1]), np.array([DAY, DAY + 1, 0]))
        >>> found.customer.tolist(), found.day.tolist(), found.first.tolist()
        ([1, 3], [0, 1], [0, 1])
        """
        day = time // DAY
        start = int(day.min(initial=0))
        span = int(day.max(initial=0)) - start + 1
        # One number for both sorts many times faster than pairs do; a stable sort is quick on what is sorted already.
        number = customer * span + (day - start)
        order = np.argsort(number, kind="stable")
        ascending = number[order]
        first = np.flatnonzero(np.diff(ascending, prepend=-1))
        each = ascending[first]
        return Days(each // span, each % span + start, order, first)


def histories(customer: IntArray, time: IntArray, cutoff: int) -> tuple[IntArray, History]:
    """The customers who bought before the cutoff, ascending, and their histories.

    Purchases on one day (UTC) are one: the model knows no second purchase at the same time.

    Args:
        customer: who, one entry a purchase, in any order.
        time: when, in UTC microseconds.
        cutoff: purchases from this instant on are not looked at.

    >>> who, history = histories(np.array([7, 7, 7]), np.array([0, 10 * DAY, 10 * DAY + 1]), 30 * DAY)
    >>> who.tolist(), history.repeats.tolist(), history.last_days.tolist(), history.age_days.tolist()
    ([7], [1], [10.0], [30.0])
    """
    seen = time < cutoff
    bought = Days.of(customer[seen], time[seen])
    who, first, days = np.unique(bought.customer, return_index=True, return_counts=True)
    start, end = bought.day[first], bought.day[first + days - 1]
    age = (cutoff - start * DAY) / DAY
    return who, History(days - 1, (end - start).astype(np.float64), age)


def distinct(*columns: FloatArray) -> tuple[IntArray, IntArray]:
    """A row of each different kind, ascending by the first column and then the others, and each row's place among them.

    >>> rows, place = distinct(np.array([2.0, 1.0, 2.0]), np.array([5.0, 5.0, 5.0]))
    >>> rows.tolist(), place.tolist()
    ([1, 0], [1, 0, 1])
    """
    order = np.lexsort(columns[::-1])
    another = np.ones(len(order), dtype=bool)
    another[1:] = np.any([one[order[1:]] != one[order[:-1]] for one in columns], axis=0)
    place = np.empty(len(order), dtype=np.int64)
    place[order] = np.cumsum(another) - 1
    return order[another], place
