"""Checked rows as sorted arrays: the same arrays whatever order and files the rows came in."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from retain.events.schemas import Kind
from retain.events.sql import name
from retain.events.store import MISSING, Column, EventTable

if TYPE_CHECKING:
    from collections.abc import Iterable

    import duckdb
    import numpy.typing as npt

    from retain.events.schemas import Schema

N = TypeVar("N", bound=np.generic)


@dataclass(frozen=True)
class SortedTable:
    """One table's good rows, with customers of its own numbering.

    Attributes:
        ids: its customers in code-point order.
        events: its rows; ``customer`` counts within ``ids``.
    """

    ids: npt.NDArray[np.object_]
    events: EventTable


def sorted_table(con: duckdb.DuckDBPyConnection, schema: Schema, rows: pa.Table) -> SortedTable:
    """The rows as arrays, sorted by customer, time, and then by every other column, what is missing last.

    Args:
        con: does the sorting.
        schema: the table's contract.
        rows: its good rows, with our columns in the contract's order.
    """
    levels: dict[str, npt.NDArray[np.object_]] = {}
    coded: dict[str, pa.Array] = {}
    for one in rows.column_names:
        column = rows.column(one)
        if schema[one].kind in (Kind.KEY, Kind.TEXT, Kind.DATE):
            coded[one], levels[one] = _codes(column)
        else:
            coded[one] = column
    first = ["customer_id", schema.time] if schema.time else ["customer_id"]
    order = [*first, *(one for one in rows.column_names if one not in first)]
    by = ", ".join(f"{name(one)} NULLS LAST" for one in order)
    con.register("coded", pa.table(coded))
    table = con.sql(f"SELECT * FROM coded ORDER BY {by}").to_arrow_table()
    con.unregister("coded")
    columns = {
        one: _column(schema[one].kind, table.column(one), levels.get(one)) for one in order[len(first) :]
    }
    nowhere = np.full(len(table), MISSING, dtype=np.int64)
    time = _numbers(table.column(schema.time), np.int64, MISSING) if schema.time else nowhere
    recorded = columns["recorded_at"].values if "recorded_at" in columns else nowhere
    events = EventTable(
        _numbers(table.column("customer_id"), np.int64, -1),
        time,
        np.maximum(time, recorded),
        MappingProxyType(columns),
    )
    return SortedTable(levels["customer_id"], events)


def renumbered(table: SortedTable, ids: npt.NDArray[np.object_]) -> EventTable:
    """The table's rows with customers counted within the ids of all tables."""
    place = pc.index_in(pa.array(table.ids, pa.large_string()), value_set=pa.array(ids, pa.large_string()))
    codes = np.asarray(place, dtype=np.int64)
    old = table.events
    customer = codes[old.customer] if len(old) else old.customer
    return EventTable(customer, old.time, old.known, old.columns)


def all_ids(tables: Iterable[npt.NDArray[np.object_]]) -> npt.NDArray[np.object_]:
    """Every customer of these tables' ids, in code-point order."""
    arrays = [pa.array(one, pa.large_string()) for one in tables]
    if not arrays:
        return np.empty(0, dtype=np.object_)
    seen = pc.unique(pa.concat_arrays(arrays))
    return objects(seen.take(pc.sort_indices(seen)))


def _column(kind: Kind, values: pa.ChunkedArray, levels: npt.NDArray[np.object_] | None) -> Column:
    if kind in (Kind.TIME, Kind.MONEY):
        return Column(_numbers(values, np.int64, MISSING))
    if kind is Kind.NUMBER:
        return Column(_numbers(values, np.float64, float("nan")))
    if kind is Kind.FLAG:
        return Column(_numbers(values, np.int8, -1))
    return Column(_numbers(values, np.int32, -1), levels)


def _numbers(values: pa.ChunkedArray, dtype: type[N], missing: float) -> npt.NDArray[N]:
    return np.asarray(pc.fill_null(values, pa.scalar(missing, values.type)).to_numpy(), dtype=dtype)


def _codes(values: pa.ChunkedArray) -> tuple[pa.Array, npt.NDArray[np.object_]]:
    """Codes of texts into their distinct values in code-point order; null where there is none."""
    encoded = pc.dictionary_encode(values.combine_chunks())
    # Arrow orders by UTF-8 bytes, which is the order of code points.
    order = pc.sort_indices(encoded.dictionary)
    place = np.empty(len(order), dtype=np.int32)
    place[np.asarray(order)] = np.arange(len(order), dtype=np.int32)
    return pa.array(place).take(encoded.indices), objects(encoded.dictionary.take(order))


def objects(texts: pa.Array | pa.ChunkedArray) -> npt.NDArray[np.object_]:
    """The texts as Python has them."""
    out = np.empty(len(texts), dtype=np.object_)
    out[:] = texts.to_pylist()
    return out
