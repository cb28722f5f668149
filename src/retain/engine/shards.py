"""A part of the customers with their events: small enough for the processor's cache, and no memory beyond it."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np

from retain.events.store import Column, EventTable

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from retain.engine.panel import Snapshots
    from retain.events.store import IntArray

SIZE = 2**17
"""Events and snapshots of a shard: an array of them takes a megabyte, and a processor's cache holds a few such. Half or twice as many
cost the same, a quarter of them a fifth more."""

_MOST_RUNS = 64
"""In so many runs the rows of a shard are looked for without sorting all snapshots."""


@dataclass(frozen=True)
class Shard:
    """Some customers, counted from 0, with their events and the snapshots asked for.

    Attributes:
        customers: how many.
        tables: their rows, sorted as the store's.
        rows: the places of their snapshots in the panel.
        customer: whose each of these snapshots is.
        cutoff: and when.
    """

    customers: int
    tables: Mapping[str, EventTable]
    rows: IntArray
    customer: IntArray
    cutoff: IntArray


def shards(
    tables: Mapping[str, EventTable],
    needed: Mapping[str, Collection[str]],
    snapshots: Snapshots,
    count: int | None = None,
) -> Iterator[Shard]:
    """The customers of these snapshots in shards of about the same size, one after the other.

    Args:
        tables: of a store.
        needed: the tables that are read and the columns of each.
        snapshots: which customers, and when.
        count: how many shards; None makes them of ``SIZE``. There are never more than customers.
    """
    if not len(snapshots):
        return
    ordered = _Ordered.of(snapshots.customer)
    lowest = int(snapshots.customer.min())
    asked = np.bincount(snapshots.customer - lowest)
    there = np.flatnonzero(asked)
    customers, weight = there + lowest, asked[there]
    for name in needed:
        weight += _rows_each(tables[name].customer, customers)
    total = np.cumsum(weight)
    wanted = count or -(-int(total[-1]) // SIZE)
    ends = np.searchsorted(total, total[-1] * np.arange(1, wanted) // wanted) + 1
    cuts = np.unique(np.concatenate([[0], np.minimum(ends, len(customers)), [len(customers)]]))
    for low, high in pairwise(cuts.tolist()):
        mine = customers[low:high]
        rows = ordered.rows(int(mine[0]), int(mine[-1]) + 1)
        yield Shard(
            len(mine),
            {name: _cut(tables[name], mine, columns) for name, columns in needed.items()},
            rows,
            _placed(snapshots.customer.take(rows), mine),
            snapshots.cutoff.take(rows),
        )


def known_then(shard: Shard, customer: IntArray, cutoff: IntArray) -> dict[str, EventTable]:
    """Tables in which each of these pairs is a customer, who has the rows that were known by the pair's cutoff.

    Args:
        shard: has the rows.
        customer: of each pair.
        cutoff: of each pair.
    """
    found = {}
    for name, table in shard.tables.items():
        edges = np.searchsorted(table.customer, np.arange(shard.customers + 1))
        count = (edges[1:] - edges[:-1])[customer]
        pair = np.repeat(np.arange(len(customer)), count)
        begins = np.cumsum(count) - count
        rows = np.arange(len(pair)) - begins[pair] + edges[customer][pair]
        keep = table.known[rows] < cutoff[pair]
        part = table.select(rows[keep])
        found[name] = EventTable(pair[keep], part.time, part.known, part.columns)
    return found


@dataclass(frozen=True)
class _Ordered:
    """Snapshots as runs of ascending customers, which those of one cutoff mostly are.

    Attributes:
        customer: of each snapshot.
        order: which snapshot that is; None if they are as they came.
        edges: where a run begins, and the end.
    """

    customer: IntArray
    order: IntArray | None
    edges: tuple[int, ...]

    @classmethod
    def of(cls, customer: IntArray) -> _Ordered:
        """These snapshots, sorted if they come in too many runs."""
        begins = np.flatnonzero(customer[1:] < customer[:-1]) + 1
        if len(begins) < _MOST_RUNS:
            return cls(customer, None, (0, *begins.tolist(), len(customer)))
        order = np.argsort(customer, kind="stable")
        return cls(customer[order], order, (0, len(customer)))

    def rows(self, low: int, high: int) -> IntArray:
        """The snapshots of customers from the one to before the other, ascending."""
        found = []
        for begin, end in pairwise(self.edges):
            first, last = np.searchsorted(self.customer[begin:end], [low, high]).tolist()
            found.append(np.arange(begin + first, begin + last))
        rows = np.concatenate(found)
        return rows if self.order is None else np.sort(self.order[rows])


def _rows_each(rows: IntArray, customers: IntArray) -> IntArray:
    """How many of these ascending rows each of the customers has."""
    if _gapless(customers):
        edges: IntArray = np.searchsorted(rows, np.append(customers, customers[-1] + 1))
        return edges[1:] - edges[:-1]
    return np.searchsorted(rows, customers, "right") - np.searchsorted(rows, customers, "left")


def _gapless(customers: IntArray) -> bool:
    """Whether these ascending customers are all from the first to the last."""
    return int(customers[-1] - customers[0]) + 1 == len(customers)


def _placed(of: IntArray, customers: IntArray) -> IntArray:
    """The place of each of these among the ascending customers; -1 for one who is none of them."""
    from_first: IntArray = of - customers[0]
    if _gapless(customers):
        return from_first
    place: IntArray = np.full(int(customers[-1] - customers[0]) + 1, -1, dtype=np.int64)
    place[customers - customers[0]] = np.arange(len(customers))
    return place.take(from_first)


def _cut(table: EventTable, customers: IntArray, columns: Collection[str]) -> EventTable:
    """The rows of these customers with these columns."""
    low, high = np.searchsorted(table.customer, [customers[0], customers[-1] + 1]).tolist()
    some = {name: one for name, one in table.columns.items() if name in columns}
    cut = {name: Column(one.values[low:high], one.levels) for name, one in some.items()}
    customer = _placed(table.customer[low:high], customers)
    part = EventTable(customer, table.time[low:high], table.known[low:high], MappingProxyType(cut))
    # Nothing is copied where nobody between the first and the last is left out.
    return part if _gapless(customers) else part.select(np.flatnonzero(customer >= 0))
