"""Checked rows as sorted arrays: the same arrays whatever order and files the rows came in."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from retain.events.schemas import Kind
from retain.events.store import MISSING, Column, EventTable

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy.typing as npt

    from retain.events.schemas import Schema
    from retain.events.store import AnyArray, IntArray


@dataclass(frozen=True)
class SortedTable:
    """One table's good rows, with customers of its own numbering.

    Attributes:
        ids: its customers in code-point order.
        events: its rows; ``customer`` counts within ``ids``.
        fingerprint: SHA-256 over all of it.
    """

    ids: npt.NDArray[np.object_]
    events: EventTable
    fingerprint: str


def sorted_table(schema: Schema, rows: pa.Table) -> SortedTable:
    """The rows as arrays, sorted by customer, time, and then by every other column.

    Args:
        schema: the table's contract.
        rows: its good rows, with our columns in the contract's order.
    """
    customer, ids = _codes(rows.column("customer_id"))
    columns = {
        one: _column(schema[one].kind, rows.column(one))
        for one in rows.column_names
        if one not in ("customer_id", schema.time)
    }
    nowhere = np.full(len(customer), MISSING, dtype=np.int64)
    time = nowhere if schema.time is None else _numbers(rows.column(schema.time), np.int64, MISSING)
    recorded = columns["recorded_at"].values if "recorded_at" in columns else nowhere
    order = _order(customer, time, [one.values for one in columns.values()])
    events = EventTable(
        customer.astype(np.int64), time, np.maximum(time, recorded), MappingProxyType(columns)
    ).select(order)
    return SortedTable(ids, events, _fingerprint(ids, events))


def renumbered(table: SortedTable, ids: npt.NDArray[np.object_]) -> EventTable:
    """The table's rows with customers counted within the ids of all tables."""
    place = pc.index_in(pa.array(table.ids, pa.large_string()), value_set=pa.array(ids, pa.large_string()))
    codes = np.asarray(place, dtype=np.int64)
    old = table.events
    customer = codes[old.customer] if len(old) else old.customer
    return EventTable(customer, old.time, old.known, old.columns)


def all_ids(tables: Mapping[str, SortedTable]) -> npt.NDArray[np.object_]:
    """Every customer of any table, in code-point order."""
    arrays = [pa.array(one.ids, pa.large_string()) for one in tables.values()]
    if not arrays:
        return np.empty(0, dtype=np.object_)
    seen = pc.unique(pa.concat_arrays(arrays))
    return _objects(seen.take(pc.sort_indices(seen)))


def _column(kind: Kind, values: pa.ChunkedArray) -> Column:
    if kind in (Kind.TIME, Kind.MONEY):
        return Column(_numbers(values, np.int64, MISSING))
    if kind is Kind.NUMBER:
        # Minus nought is nought: they compare equal but differ in their bytes.
        return Column(_numbers(values, np.float64, float("nan")) + 0.0)
    if kind is Kind.FLAG:
        return Column(_numbers(values, np.int8, -1))
    codes, levels = _codes(values)
    return Column(codes, levels)


def _numbers(values: pa.ChunkedArray, dtype: type[np.generic], missing: float) -> npt.NDArray[np.generic]:
    return np.asarray(pc.fill_null(values, pa.scalar(missing, values.type)).to_numpy(), dtype=dtype)


def _codes(values: pa.ChunkedArray) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.object_]]:
    """Codes of texts into their distinct values in code-point order; -1 where there is none."""
    if not len(values):
        return np.empty(0, dtype=np.int32), np.empty(0, dtype=np.object_)
    encoded = values.dictionary_encode().unify_dictionaries()
    seen = encoded.chunk(0).dictionary
    # Arrow orders by UTF-8 bytes, which is the order of code points.
    order = np.asarray(pc.sort_indices(seen))
    # One place more than there are levels: a missing value's index, -1, ends there.
    place = np.full(len(order) + 1, -1, dtype=np.int32)
    place[order] = np.arange(len(order), dtype=np.int32)
    parts = [np.asarray(pc.fill_null(one.indices, -1)) for one in encoded.chunks]
    return place[np.concatenate(parts)], _objects(seen.take(pa.array(order)))


def _objects(texts: pa.Array) -> npt.NDArray[np.object_]:
    out = np.empty(len(texts), dtype=np.object_)
    out[:] = texts.to_pylist()
    return out


def _order(customer: AnyArray, time: IntArray, others: list[AnyArray]) -> IntArray:
    """The rows' order; only rows that tie on customer and time need a look at the rest."""
    order = np.lexsort((time, customer))
    c, t = customer[order], time[order]
    same = (c[1:] == c[:-1]) & (t[1:] == t[:-1])
    if not others or not same.any():
        return order
    tied = np.zeros(len(order), dtype=np.bool_)
    tied[1:] |= same
    tied[:-1] |= same
    places = np.flatnonzero(tied)
    rows = order[places]
    keys = [_last(one[rows]) for one in reversed(others)]
    order[places] = rows[np.lexsort((*keys, time[rows], customer[rows]))]
    return order


def _last(values: AnyArray) -> AnyArray:
    """The same values with what is missing after everything else (NaN already is)."""
    if values.dtype.kind == "f":
        return values
    missing = MISSING if values.dtype == np.int64 else -1
    wide = values.astype(np.int64)
    return np.where(wide == missing, np.iinfo(np.int64).max, wide)


def _fingerprint(ids: npt.NDArray[np.object_], events: EventTable) -> str:
    whole = hashlib.sha256()
    _feed_texts(whole, "customer_id", ids)
    _feed(whole, "customer", events.customer)
    _feed(whole, "time", events.time)
    for name, column in events.columns.items():
        _feed(whole, name, column.values)
        if column.levels is not None:
            _feed_texts(whole, name, column.levels)
    return whole.hexdigest()


def _feed(whole: hashlib._Hash, name: str, values: AnyArray) -> None:
    whole.update(f"{name}:{values.dtype.str}:{len(values)};".encode())
    whole.update(np.ascontiguousarray(values).data)


def _feed_texts(whole: hashlib._Hash, name: str, levels: npt.NDArray[np.object_]) -> None:
    encoded = [text.encode() for text in levels]
    whole.update(f"{name}:texts:{len(encoded)};".encode())
    whole.update(np.fromiter(map(len, encoded), dtype=np.int64, count=len(encoded)).data)
    whole.update(b"".join(encoded))
