"""The texts of one table in the order they were given, with what the customers said of them in figures."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    from retain.events.store import EventTable, IntArray

    FloatArray = npt.NDArray[np.float64]
    TextArray = npt.NDArray[np.object_]

_PLEASED, _DISPLEASED = 0.75, 0.5
_MARKS = (("nps", 9, 6), ("csat", 4, 2))
"""Columns of marks, the least that is pleased, and the most that is not."""


READ = frozenset({"text", "language", "rating", "rating_max", *(name for name, _, _ in _MARKS)})
"""The columns of a table that are read with its texts."""


@dataclass(frozen=True)
class Feed:
    """Texts with what is known of them; one row each.

    Attributes:
        text: object, None where there is none.
        language: object, what the source says; None where it does not.
        given: int64, when it was given.
        known: int64, when it was in the system.
        pleased: float64, 1 where stars, recommendation or satisfaction say so, 0 where they say the opposite, NaN without
            a mark or with one between.
    """

    text: TextArray
    language: TextArray
    given: IntArray
    known: IntArray
    pleased: FloatArray

    def __len__(self) -> int:
        """How many texts."""
        return len(self.text)

    def rows(self, which: IntArray) -> Feed:
        """These rows alone, in this order."""
        return Feed(
            self.text[which], self.language[which], self.given[which], self.known[which], self.pleased[which]
        )

    @property
    def months(self) -> IntArray:
        """The calendar month (UTC) in which each was given, counted from 1970."""
        return months_of(self.given)


def months_of(instants: IntArray) -> IntArray:
    """The calendar month (UTC) of each instant, counted from 1970."""
    return instants.astype("datetime64[us]").astype("datetime64[M]").astype(np.int64)


def feed_of(table: EventTable) -> Feed:
    """The texts of a table that has a ``text`` column."""
    return Feed(_texts(table, "text"), _texts(table, "language"), table.time, table.known, _pleased(table))


def pleased_by_rating(rating: FloatArray) -> FloatArray:
    """Pleased or not by marks whose scale nobody states: the highest mark is the best there is.

    >>> pleased_by_rating(np.array([1, 2, 3, 4, 5, np.nan])).tolist()
    [0.0, 0.0, nan, 1.0, 1.0, nan]
    """
    known = np.isfinite(rating)
    low, high = (rating[known].min(), rating[known].max()) if known.any() else (0.0, 1.0)
    place = (rating - low) / (high - low) if high > low else np.full(len(rating), np.nan)
    return np.where(place >= _PLEASED, 1.0, np.where(place < _DISPLEASED, 0.0, np.nan))


def _texts(table: EventTable, name: str) -> TextArray:
    found = np.full(len(table), None, dtype=object)
    column = table.columns.get(name)
    if column is not None and column.levels is not None:
        codes = column.values.astype(np.int64)
        found[codes >= 0] = column.levels[codes[codes >= 0]]
    return found


def _pleased(table: EventTable) -> FloatArray:
    """The first mark that a row has, as pleased or not."""
    pleased = np.full(len(table), np.nan)
    marked = np.zeros(len(table), dtype=bool)

    def take(value: FloatArray, least: float, most: float) -> None:
        fresh = np.isfinite(value) & ~marked
        pleased[fresh & (value >= least)] = 1.0
        pleased[fresh & (value <= most)] = 0.0
        marked[fresh] = True

    columns = {
        name: one.values.astype(np.float64) for name, one in table.columns.items() if one.levels is None
    }
    if {"rating", "rating_max"} <= set(columns):
        take(columns["rating"] / columns["rating_max"], _PLEASED, _DISPLEASED)
    for name, least, most in _MARKS:
        if name in columns:
            take(columns[name], least, most)
    return pleased
