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
from retain.timeline import SECOND

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    import duckdb
    import numpy.typing as npt

    from retain.events.schemas import Schema
    from retain.events.store import IntArray

N = TypeVar("N", bound=np.generic)
_MOST = np.iinfo(np.int64).max


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
    rest = [one for one in rows.column_names if one not in first]
    order = _sorted_rows(con, coded, first, rest)
    table = {one: column if order is None else column.take(order) for one, column in coded.items()}
    columns = {one: _column(schema[one].kind, table[one], levels.get(one)) for one in rest}
    nowhere = np.full(len(rows), MISSING, dtype=np.int64)
    time = _numbers(table[schema.time], np.int64, MISSING) if schema.time else nowhere
    recorded = columns["recorded_at"].values if "recorded_at" in columns else nowhere
    events = EventTable(
        _numbers(table["customer_id"], np.int64, -1),
        time,
        np.maximum(time, recorded),
        MappingProxyType(columns),
    )
    return SortedTable(levels["customer_id"], events)


def _sorted_rows(
    con: duckdb.DuckDBPyConnection,
    coded: Mapping[str, pa.ChunkedArray | pa.Array],
    first: Sequence[str],
    rest: Sequence[str],
) -> IntArray | None:
    """The places of the rows in their order by all columns, what is missing last; None if they are in order.

    Most rows are told apart by customer and time, which make one number and are sorted much faster than several columns; the database
    sorts the others.
    """
    key = _one_key([_numbers(coded[one], np.int64, 0) for one in first])
    in_order = bool((key[1:] >= key[:-1]).all())
    order = np.arange(len(key)) if in_order else np.argsort(key)
    key = key if in_order else key.take(order)
    tied = np.zeros(len(key), dtype=bool)
    np.equal(key[1:], key[:-1], out=tied[1:])
    tied[:-1] |= tied[1:]
    places = np.flatnonzero(tied)
    if len(places) and rest:
        rows = order.take(places)
        some = {f"column {at}": coded[one].take(pa.array(rows)) for at, one in enumerate(rest)}
        con.register("tied", pa.table({"row": rows, "key": key.take(places), **some}))
        by = ", ".join(f"{name(one)} NULLS LAST" for one in some)
        found = con.sql(f"SELECT row FROM tied ORDER BY key, {by}").to_arrow_table().column("row").to_numpy()
        con.unregister("tied")
        in_order = in_order and bool((found == rows).all())
        order[places] = found
    return None if in_order else order


def _one_key(columns: Sequence[IntArray]) -> IntArray:
    """Numbers that are in order where rows are by their customer and time, if they have one, and equal where these are.

    Args:
        columns: the customer of each row; and its time.
    """
    key, *times = columns
    if not times or not len(key):
        return key
    after = times[0] - times[0].min()
    whole = after // SECOND
    if (whole * SECOND == after).all():
        after = whole
    if (int(key.max()) + 1) * (int(after.max()) + 1) > _MOST:
        # Too much for one number: the place of each time among all of them will do.
        after = np.unique(after, return_inverse=True)[1]
    return np.asarray(key * (after.max() + 1) + after)


def renumbered(table: SortedTable, ids: npt.NDArray[np.object_]) -> EventTable:
    """The table's rows with customers counted within the ids of all tables."""
    old = table.events
    if len(table.ids) == len(ids):
        # All customers are in this table.
        return old
    place = pc.index_in(pa.array(table.ids, pa.large_string()), value_set=pa.array(ids, pa.large_string()))
    codes = np.asarray(place, dtype=np.int64)
    customer = codes.take(old.customer) if len(old) else old.customer
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
    known = pc.fill_null(values, pa.scalar(missing, values.type)) if values.null_count else values
    return np.asarray(known.to_numpy(), dtype=dtype)


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
