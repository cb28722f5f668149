"""Checked events in memory: one row an event, sorted by customer and time, numbers exact."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING

from retain.timeline import NEVER

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    import numpy.typing as npt

    IntArray = npt.NDArray[np.int64]
    AnyArray = npt.NDArray[np.generic]

MISSING = NEVER
"""The whole number that stands for "not known" in money, time and code columns' sources."""


@dataclass(frozen=True)
class Column:
    """One column of an event table.

    Attributes:
        values: by kind: ``time`` and ``money`` int64 (UTC microseconds; minor units; MISSING where not known),
            ``number`` float64 (NaN), ``flag`` int8 (-1), ``key``, ``text`` and ``date`` int32 codes into
            ``levels`` (-1).
        levels: the distinct texts in code-point order; None for numbers and times.
    """

    values: AnyArray
    levels: npt.NDArray[np.object_] | None = None


@dataclass(frozen=True)
class EventTable:
    """The good rows of one table, sorted by customer, time, and then by all that is left.

    Attributes:
        customer: int64, index into the store's ``customer_ids``, ascending.
        time: int64, when it happened (NEVER where the table has no time).
        known: int64, when it was known: the later of ``time`` and ``recorded_at``.
        columns: the table's other columns, by our names; those that the source lacks are absent.
    """

    customer: IntArray
    time: IntArray
    known: IntArray
    columns: Mapping[str, Column]

    def __len__(self) -> int:
        """How many events."""
        return len(self.customer)

    def select(self, rows: npt.NDArray[np.bool_] | IntArray) -> EventTable:
        """These rows only, in the order they are in."""
        columns = {name: Column(one.values[rows], one.levels) for name, one in self.columns.items()}
        return EventTable(self.customer[rows], self.time[rows], self.known[rows], MappingProxyType(columns))


@dataclass(frozen=True)
class TableAccount:
    """What became of one table's rows.

    Attributes:
        rows_read: rows in the source.
        rows_good: rows in the store; ``rows_read == rows_good + rows_bad``.
        rows_bad: rows in the quarantine.
        reasons: how many bad rows for which reason.
        missing_columns: optional columns of the contract that the source lacks.
        first_event: the earliest instant of a good row (None: no row or no time).
        last_event: the latest.
        format: what was read and how, in words, such as ``csv, utf-8, ';', decimal comma``.
        fingerprint: SHA-256 over the good rows; the row order of the source does not matter. Empty where nothing asks for it.
    """

    rows_read: int
    rows_good: int
    rows_bad: int
    reasons: Mapping[str, int]
    missing_columns: tuple[str, ...]
    first_event: int | None
    last_event: int | None
    format: str
    fingerprint: str


@dataclass(frozen=True)
class EventStore:
    """All that is known of all customers.

    Attributes:
        customer_ids: every customer with at least one good row in any table, as text in code-point order.
        tables: the tables that the source has.
        accounts: what became of each table's rows.
        invalid: customers who occur in bad rows only, with the first reason; never in ``customer_ids``.
        warnings: what looks odd but stopped nothing, in plain words.
        money_exponent: decimal places of the currency's minor unit (2: cents).
        zone: the IANA name of the time zone in which a weekday or an hour is read.
    """

    customer_ids: npt.NDArray[np.object_]
    tables: Mapping[str, EventTable]
    accounts: Mapping[str, TableAccount]
    invalid: Mapping[str, str] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    money_exponent: int = 2
    zone: str = "UTC"
