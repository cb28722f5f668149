"""Events as the declarations name them: orders, their lines, and returns, with whole-number columns."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from retain.engine.order import by_customer
from retain.engine.sorted_columns import running
from retain.engine.streams import STREAMS, happenings, parts_of
from retain.events.store import MISSING, EventStore, EventTable
from retain.features.columns import Columns
from retain.timeline import DAY, MINUTE

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    import numpy.typing as npt

    from retain.events.store import IntArray

ITEM_PARTS = 1_000
"""Quantities are held in thousandths, so that sums of weighed goods are exact too."""
GAP_PART = MINUTE
"""Gaps between orders are held in minutes: the square of three centuries of them still fits 64 bits."""
HOURS_A_BAND = 4


@dataclass(frozen=True)
class View:
    """One kind of event, sorted by customer and time.

    Attributes:
        offsets: int64, customer ``c``'s events are ``offsets[c]:offsets[c + 1]``.
        time: int64 microseconds.
        columns: int64 each, MISSING where not known; numbers as whole parts, categories as codes, flags as 0 and 1.
        parts: how many parts make one unit of a number.
        customer: int64, whose each event is.
    """

    offsets: IntArray
    time: IntArray
    columns: Mapping[str, IntArray]
    parts: Mapping[str, int]
    customer: IntArray


def columns_at_hand(store: EventStore) -> dict[str, frozenset[str]]:
    """The views that this store can fill and the columns of each."""
    return {**_order_columns(store), **_stream_columns(store)}


def _stream_columns(store: EventStore) -> dict[str, frozenset[str]]:
    found = {}
    for name, stream in STREAMS.items():
        table = store.tables.get(stream.table)
        there = None if table is None else stream.at_hand(frozenset(table.columns))
        if there is not None:
            found[name] = there
    return found


def _order_columns(store: EventStore) -> dict[str, frozenset[str]]:
    orders = store.tables.get("orders")
    if orders is None:
        return {}
    always = {"gap", *HABITS}
    numbers = {"amount"} & set(orders.columns) | ({"items"} if "quantity" in orders.columns else set())
    bargains = {"discount", "gross"} if {"amount", "discount"} <= set(orders.columns) else set()
    lines = {ours for ours, theirs in _LINE_CATEGORIES.items() if theirs in orders.columns}
    found = {"orders": frozenset(always | numbers | bargains), "lines": frozenset(lines)}
    if "kind" in orders.columns:
        found["returns"] = frozenset(numbers)
    return found


_LINE_CATEGORIES = {
    "product": "product_id",
    "category": "category",
    "channel": "channel",
    "store": "store_id",
}
_NEEDS = {
    "items": ("quantity",),
    "amount": ("amount",),
    "discount": ("amount", "discount"),
    "gross": ("amount", "discount"),
}
HABITS = frozenset({"hour", "weekday", "weekend", "hour_band"})
"""The columns that tell when in the day and week an order was."""
VIEWS: Mapping[str, Columns] = MappingProxyType(
    {
        "orders": Columns(
            frozenset({*_NEEDS, "gap", "hour"}), frozenset({"weekend"}), frozenset({"weekday", "hour_band"})
        ),
        "lines": Columns(categories=frozenset(_LINE_CATEGORIES)),
        "returns": Columns(frozenset({"amount", "items"})),
        **{
            name: Columns(frozenset(one.numbers), frozenset(one.flags), frozenset(one.categories))
            for name, one in STREAMS.items()
        },
    }
)
"""Every view with all the columns that it can have, by kind."""


def order_columns(read: Iterable[str]) -> set[str]:
    """The columns of the orders table that its views need for these of their own."""
    found = {"order_id", "kind"}
    for name in read:
        found.update(_NEEDS.get(name, ()))
        found.update({_LINE_CATEGORIES[name]} if name in _LINE_CATEGORIES else ())
    return found


def number_parts(view: str, column: str, money_exponent: int) -> int:
    """How many whole parts make one unit of that number."""
    if column in ("amount", "discount", "gross"):
        return int(10**money_exponent)
    if column == "items":
        return ITEM_PARTS
    if column == "gap":
        return DAY // GAP_PART
    if (view, column) == ("orders", "hour"):
        return 1
    if view in STREAMS and column in STREAMS[view].numbers:
        return parts_of(STREAMS[view].numbers[column], money_exponent)
    raise KeyError(f"{view}.{column} is no number")


def build_views(
    table: EventTable, store: EventStore, customers: int, lines: IntArray, *, habits: bool
) -> dict[str, View]:
    """The views of these rows of the orders table.

    Args:
        table: rows, all or those of some customers that were known at some instant.
        store: for the time zone and the currency.
        customers: how many there are in these rows.
        lines: from ``order_of_line`` these rows.
        habits: whether the hour and weekday of orders are wanted.

    Returns:
        ``orders`` and ``returns`` with lines joined to orders, and ``lines`` as they are.
    """
    is_return = _is_return(table)
    sales, group = (table, lines) if not is_return.any() else _part(table, lines, ~is_return)
    orders = _orders(sales, group, customers, 1, store.money_exponent)
    views = {
        "orders": _with_habits(orders, store.zone) if habits else orders,
        "lines": _lines(sales, customers),
    }
    if "kind" in table.columns:
        views["returns"] = _orders(*_part(table, lines, is_return), customers, -1, store.money_exponent)
    return views


def _part(table: EventTable, lines: IntArray, rows: npt.NDArray[np.bool_]) -> tuple[EventTable, IntArray]:
    """Some rows that hold no part of an order alone, and their orders counted anew."""
    group = lines[rows]
    there = np.zeros(int(lines.max(initial=-1)) + 1, dtype=np.int64)
    there[group] = 1
    return table.select(rows), (np.cumsum(there) - 1)[group]


def order_begins(lines: IntArray) -> IntArray:
    """The row that begins each order; orders are numbered by their first row.

    >>> order_begins(np.array([0, 0, 1, 0, 2])).tolist()
    [0, 2, 4]
    """
    if (lines[1:] < lines[:-1]).any():
        lines = np.maximum.accumulate(lines)
    fresh = np.ones(len(lines), dtype=bool)
    np.not_equal(lines[1:], lines[:-1], out=fresh[1:])
    return np.flatnonzero(fresh)


def stream_view(name: str, table: EventTable, customers: int, money_exponent: int) -> View:
    """The view of a stream from these rows of its table."""
    found = happenings(STREAMS[name], table, money_exponent)
    return View(_offsets(found.customer, customers), found.time, found.columns, found.parts, found.customer)


def order_of_line(table: EventTable) -> IntArray:
    """Which order each row belongs to, numbered by customer and first line; rows of one order need not be adjacent.

    Rows of one customer and kind with the same ``order_id`` are one order; without one, those of the same instant.
    """
    rows = len(table)
    changes = np.ones(rows, dtype=bool)
    changes[1:] = (table.customer[1:] != table.customer[:-1]) | (table.time[1:] != table.time[:-1])
    moment = np.cumsum(changes)
    if not {"order_id", "kind"} & set(table.columns):
        return moment - 1
    key = -1 - moment
    if "order_id" in table.columns:
        code = table.columns["order_id"].values.astype(np.int64)
        key = np.where(code >= 0, code, key)
    key = key * 2 + _is_return(table)
    order = by_customer(table.customer, key)
    starts = np.ones(rows, dtype=bool)
    starts[1:] = (table.customer[order][1:] != table.customer[order][:-1]) | (
        key[order][1:] != key[order][:-1]
    )
    first_row = order[starts]
    group = np.empty(rows, dtype=np.int64)
    rank = np.empty(len(first_row), dtype=np.int64)
    rank[np.argsort(first_row, kind="stable")] = np.arange(len(first_row))
    group[order] = rank[np.cumsum(starts) - 1]
    return group


def _is_return(table: EventTable) -> npt.NDArray[np.bool_]:
    """Which rows are returns."""
    if "kind" not in table.columns:
        return np.zeros(len(table), dtype=bool)
    kind = table.columns["kind"]
    levels = [] if kind.levels is None else list(kind.levels)
    wanted = levels.index("return") if "return" in levels else -2
    return np.asarray(kind.values == wanted)


def _offsets(customer: IntArray, customers: int) -> IntArray:
    """Where each customer's rows begin, and the end."""
    return running(np.bincount(customer, minlength=customers))


def _orders(table: EventTable, group: IntArray, customers: int, sign: int, money_exponent: int) -> View:
    """Lines joined to orders: first time, exact sums, and the gap to the order before."""
    # Rows are sorted by time within a customer, so an order's first row has its first time.
    first = order_begins(group)
    count = len(first)
    customer, time = table.customer.take(first), table.time.take(first)
    columns: dict[str, IntArray] = {}
    if "amount" in table.columns:
        columns["amount"] = _sum_known(
            table.columns["amount"].values.astype(np.int64, copy=False), group, count, sign
        )
    if "quantity" in table.columns:
        columns["items"] = _sum_known(_item_parts(table.columns["quantity"].values), group, count, sign)
    if {"amount", "discount"} <= set(table.columns):
        discount = _sum_known(table.columns["discount"].values.astype(np.int64, copy=False), group, count, 1)
        columns["discount"] = discount
        known = columns["amount"] != MISSING
        columns["gross"] = np.where(
            known, columns["amount"] + np.where(discount == MISSING, 0, discount), MISSING
        )
    ticks = time // GAP_PART
    gap = np.full(count, MISSING, dtype=np.int64)
    np.subtract(ticks[1:], ticks[:-1], out=gap[1:], where=customer[1:] == customer[:-1])
    columns["gap"] = gap
    parts = {name: number_parts("orders", name, money_exponent) for name in columns}
    return View(_offsets(customer, customers), time, columns, parts, customer)


def _item_parts(quantity: npt.NDArray[np.generic]) -> IntArray:
    """Quantities in whole parts; MISSING where not known."""
    values = quantity.astype(np.float64)
    known = np.isfinite(values)
    return np.where(known, np.rint(np.where(known, values, 0) * ITEM_PARTS).astype(np.int64), MISSING)


def _sum_known(values: IntArray, group: IntArray, count: int, sign: int) -> IntArray:
    """Sum of the known values of each group; MISSING where a group has none."""
    if count == len(values) and sign > 0:
        # Each is a group of its own, and they are in order.
        return values
    known = values != MISSING
    total = np.zeros(count, dtype=np.int64)
    np.add.at(total, group[known], values[known])
    seen = np.zeros(count, dtype=bool)
    seen[group[known]] = True
    return np.where(seen, sign * total, MISSING)


def _with_habits(orders: View, zone: str) -> View:
    """The same orders with the local hour and weekday of each."""
    local = pd.to_datetime(orders.time, unit="us", utc=True).tz_convert(zone)
    weekday = np.asarray(local.day_of_week, dtype=np.int64)
    hour = np.asarray(local.hour, dtype=np.int64)
    columns = {
        **orders.columns,
        "hour": hour,
        "weekday": weekday,
        "weekend": (weekday >= 5).astype(np.int64),
        "hour_band": hour // HOURS_A_BAND,
    }
    return View(orders.offsets, orders.time, columns, {**orders.parts, "hour": 1}, orders.customer)


def _lines(sales: EventTable, customers: int) -> View:
    """Order lines as they are."""
    codes = {
        ours: sales.columns[theirs].values.astype(np.int64)
        for ours, theirs in _LINE_CATEGORIES.items()
        if theirs in sales.columns
    }
    columns = {name: np.where(code >= 0, code, MISSING) for name, code in codes.items()}
    return View(_offsets(sales.customer, customers), sales.time, columns, {}, sales.customer)
