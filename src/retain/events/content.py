"""What rows say, in one number: the same rows give the same number in any order and in any parts."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import reduce
from operator import add
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from retain.events.schemas import Kind
from retain.events.store import MISSING

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from retain.events.schemas import Schema
    from retain.events.store import Column, EventTable, IntArray

    HashArray = npt.NDArray[np.uint64]

_BATCH = 2**20
"""Rows whose texts are told apart at a time."""
_BLOCK = 2**15
"""Rows that are worked on at a time, so that they stay in the processor's cache."""
_FIRST = np.uint64(0xBF58476D1CE4E5B9)
_SECOND = np.uint64(0x94D049BB133111EB)
_UNKNOWN = np.uint64(0x9E3779B97F4A7C15)
_THIRD = np.uint64(0xD6E8FEB86659FD93)


@dataclass(frozen=True)
class Content:
    """What some rows of a table say; those of several parts add up to that of the whole.

    Attributes:
        rows: how many.
        first: the sum of the rows' hashes, 64 bits.
        second: the sum of other hashes of theirs, so that an accident would have to happen twice.
    """

    rows: int = 0
    first: int = 0
    second: int = 0

    def __add__(self, other: Content) -> Content:
        """What the rows of both say."""
        limit = 2**64
        return Content(
            self.rows + other.rows, (self.first + other.first) % limit, (self.second + other.second) % limit
        )

    def fingerprint(self, columns: Sequence[str]) -> str:
        """SHA-256 that tells these rows of these columns from others."""
        said = f"{self.rows}:{self.first:016x}:{self.second:016x}:{','.join(columns)}"
        return hashlib.sha256(said.encode()).hexdigest()


def content_of(schema: Schema, rows: pa.Table) -> Content:
    """What good rows say, whatever order they are in.

    Args:
        schema: their contract.
        rows: with our columns as the checks give them.
    """
    return reduce(add, (_content(schema, one) for one in rows.to_batches(max_chunksize=_BATCH)), Content())


def _content(schema: Schema, rows: pa.RecordBatch) -> Content:
    columns = [_hashable(schema[one].kind, rows.column(one)) for one in rows.schema.names]
    first = second = 0
    with np.errstate(over="ignore"):
        for begin in range(0, len(rows), _BLOCK):
            row = np.full(min(_BLOCK, len(rows) - begin), _UNKNOWN)
            for values, texts in columns:
                some = values[begin : begin + _BLOCK]
                _stir(row, some.view(np.uint64) if texts is None else texts[some])
            row ^= row >> np.uint64(31)
            other = row * _THIRD
            other ^= other >> np.uint64(32)
            other *= _FIRST
            row *= _SECOND
            row ^= row >> np.uint64(29)
            first += int(row.sum(dtype=np.uint64))
            second += int(other.sum(dtype=np.uint64))
    return Content(len(rows), first % 2**64, second % 2**64)


def _hashable(kind: Kind, values: pa.Array) -> tuple[npt.NDArray[np.generic], HashArray | None]:
    """Numbers of 64 bits each; or codes, and the hashes that they stand for."""
    if kind in (Kind.KEY, Kind.TEXT, Kind.DATE):
        found = pc.dictionary_encode(values)
        texts = np.empty(len(found.dictionary), dtype=np.object_)
        texts[:] = found.dictionary.to_pylist()
        return np.asarray(pc.fill_null(found.indices, -1)), np.append(hashes_of(texts), _UNKNOWN)
    if kind is Kind.NUMBER:
        return np.asarray(pc.fill_null(values, np.nan), dtype=np.float64), None
    missing = -1 if kind is Kind.FLAG else MISSING
    return np.asarray(pc.fill_null(values, pa.scalar(missing, values.type))).astype(np.int64), None


def hashes_of(texts: npt.NDArray[np.object_]) -> HashArray:
    """A 64-bit hash of each text, the same in every process."""
    return pd.util.hash_array(texts, categorize=False) if len(texts) else np.zeros(0, dtype=np.uint64)


def said_by(table: EventTable, customers: HashArray, instants: IntArray) -> tuple[str, ...]:
    """For each instant a text that tells apart what the table's rows known before it say.

    Each row is hashed with all its columns, and the hashes are added up: rows may come in any order, and those that became known
    later change nothing. Customers and texts count by what they are, not by their codes, which a later row may move.

    Args:
        table: rows of a store.
        customers: from ``hashes_of`` the store's ``customer_ids``.
        instants: any.
    """
    columns = sorted(table.columns.items())
    # One hash more than there are texts, for the code -1 of what is not known to fall on.
    texts = {
        name: np.append(hashes_of(one.levels), _UNKNOWN) for name, one in columns if one.levels is not None
    }
    order = np.argsort(instants, kind="stable")
    sums = np.zeros(len(instants) + 1, dtype=np.uint64)
    counts = np.zeros(len(instants) + 1, dtype=np.int64)
    for first in range(0, len(table), _BLOCK):
        rows = slice(first, first + _BLOCK)
        known = np.searchsorted(instants[order], table.known[rows], side="right")
        row = customers[table.customer[rows]]
        for values in (table.time[rows], table.known[rows]):
            _stir(row, values.view(np.uint64))
        for name, one in columns:
            _stir(row, _whole(one, rows, texts.get(name)))
        row ^= row >> np.uint64(31)
        row *= _SECOND
        row ^= row >> np.uint64(29)
        np.add.at(sums, known, row)
        counts += np.bincount(known, minlength=len(counts))
    names = ",".join(name for name, _ in columns)
    found = [""] * len(instants)
    for place, total, count in zip(order, np.cumsum(sums)[:-1], np.cumsum(counts)[:-1], strict=True):
        found[place] = f"{count}:{int(total):016x}:{names}"
    return tuple(found)


def _stir(row: HashArray, values: HashArray) -> None:
    """Let the values decide the rows' hashes too; the same values in other columns decide otherwise."""
    row ^= values
    row *= _FIRST
    row ^= row >> np.uint64(27)


def _whole(column: Column, rows: slice, texts: HashArray | None) -> HashArray:
    """The values of some rows as 64 bits each."""
    values = column.values[rows]
    if texts is not None:
        return texts[values.astype(np.int64)]
    if values.dtype.kind == "f":
        # Every unknown number is the same, and so are the two zeros.
        number = values.astype(np.float64) + 0.0
        number[np.isnan(number)] = np.nan
        return number.view(np.uint64)
    return values.astype(np.int64).view(np.uint64)
