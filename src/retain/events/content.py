"""What a table said by an instant, in one number: the same rows give the same number, whatever came later."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    import numpy.typing as npt

    from retain.events.store import Column, EventTable, IntArray

    HashArray = npt.NDArray[np.uint64]

_BLOCK = 2**15
"""Rows that are worked on at a time, so that they stay in the processor's cache."""
_FIRST = np.uint64(0xBF58476D1CE4E5B9)
_SECOND = np.uint64(0x94D049BB133111EB)
_UNKNOWN = np.uint64(0x9E3779B97F4A7C15)


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
