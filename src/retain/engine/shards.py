"""A part of the customers with their events: small enough for the processor's cache, and no memory beyond it."""

from __future__ import annotations

from dataclasses import dataclass
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
    order = np.argsort(snapshots.customer, kind="stable")
    asked = snapshots.customer[order]
    first = np.flatnonzero(np.append(True, asked[1:] != asked[:-1]))
    customers, edges = asked[first], np.append(first, len(asked))
    weight = np.diff(edges)
    for name in needed:
        rows = tables[name].customer
        weight += np.searchsorted(rows, customers, "right") - np.searchsorted(rows, customers, "left")
    whole = np.cumsum(weight)
    wanted = count or -(-int(whole[-1]) // SIZE)
    ends = np.searchsorted(whole, whole[-1] * np.arange(1, wanted) // wanted) + 1
    cuts = np.unique(np.concatenate([[0], np.minimum(ends, len(customers)), [len(customers)]]))
    for low, high in zip(cuts[:-1].tolist(), cuts[1:].tolist(), strict=True):
        mine = customers[low:high]
        rows = np.sort(order[edges[low] : edges[high]])
        place = _places(mine)
        yield Shard(
            len(mine),
            {name: _cut(tables[name], mine, place, columns) for name, columns in needed.items()},
            rows,
            place[snapshots.customer[rows] - mine[0]],
            snapshots.cutoff[rows],
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


def _places(customers: IntArray) -> IntArray:
    """For each customer from the first to the last of these, the place among them; -1 for one who is not."""
    place = np.full(int(customers[-1] - customers[0]) + 1, -1, dtype=np.int64)
    place[customers - customers[0]] = np.arange(len(customers))
    return place


def _cut(table: EventTable, customers: IntArray, place: IntArray, columns: Collection[str]) -> EventTable:
    """The rows of these customers with these columns."""
    low, high = np.searchsorted(table.customer, [customers[0], customers[-1] + 1]).tolist()
    some = {name: one for name, one in table.columns.items() if name in columns}
    cut = {name: Column(one.values[low:high], one.levels) for name, one in some.items()}
    customer = place[table.customer[low:high] - customers[0]]
    part = EventTable(customer, table.time[low:high], table.known[low:high], MappingProxyType(cut))
    # Nothing is copied where nobody between the first and the last is left out.
    return part if len(place) == len(customers) else part.select(customer >= 0)
