"""The fast engine: running sums over sorted events of some customers at a time, so that any window is two look-ups."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from retain.engine.attributes import attribute_column, without_attributes
from retain.engine.panel import Panel
from retain.engine.reads import columns_read
from retain.engine.shards import known_then, shards
from retain.engine.streams import STREAMS, earliest, hidden_rows
from retain.engine.views import (
    HABITS,
    build_views,
    order_begins,
    order_of_line,
    stream_view,
)
from retain.engine.windows import Asked, Windows

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy.typing as npt

    from retain.engine.panel import Snapshots
    from retain.engine.shards import Shard
    from retain.engine.views import View
    from retain.events.store import EventStore, EventTable, IntArray
    from retain.features.spec import FeatureSet

    FloatArray = npt.NDArray[np.float64]
    BoolArray = npt.NDArray[np.bool_]

_ROWS_AT_ONCE = 16
"""Stretches of fewer rows than that are not worth a step each."""

_LARGEST_LEARNT_FROM = 2**25 - 2**16
"""Bytes; glibc learns from no block above 32 MiB."""


def compute(
    store: EventStore, features: FeatureSet, snapshots: Snapshots, shard_count: int | None = None
) -> Panel:
    """The features of these snapshots, each as it was known at its cutoff.

    Customers do not know each other, so they are computed in shards, one after the other, and no more than one shard's arrays are held
    beside the panel. The number of shards changes no bit.

    Args:
        store: checked events.
        features: which columns.
        snapshots: which rows, in any order.
        shard_count: into how many parts the customers are divided; None suits the processor's cache.

    Returns:
        The panel, its rows in the order asked for.
    """
    values = np.empty((len(snapshots), len(features.features)))
    dated = without_attributes(features)
    columns = [features.names.index(name) for name in dated.names]
    if columns == list(range(len(columns))):
        # Where what is looked up comes last, the rest is written straight into its place.
        _compute(store, dated, snapshots, shard_count, values[:, : len(columns)])
    else:
        part = np.empty((len(snapshots), len(columns)))
        _compute(store, dated, snapshots, shard_count, part)
        values[:, columns] = part
    for one in features.attributes:
        values[:, features.names.index(one.name)] = attribute_column(store, one, snapshots)
    return Panel(snapshots, features, values)


def _compute(
    store: EventStore, features: FeatureSet, snapshots: Snapshots, shard_count: int | None, values: FloatArray
) -> None:
    """Write features that are computed from events."""
    asked = _Kernel(store, features)
    if asked.needed:
        _hold_on_to_memory()
        for shard in shards(store.tables, asked.needed, snapshots, shard_count):
            asked.fill(shard, values)


class _Kernel:
    """What is to be computed, and from which views."""

    def __init__(self, store: EventStore, features: FeatureSet) -> None:
        self._store, self._asked = store, Asked(features)
        self.needed = columns_read(features)
        """The tables that are read and the columns of each."""
        self._room = np.empty(0)

    def fill(self, shard: Shard, values: FloatArray) -> None:
        """Put the features of the shard's snapshots into their rows."""
        lines = order_of_line(shard.tables["orders"]) if self._reads_orders else None
        views = self._views(shard.tables, shard.customers, lines)
        # A row that happened before the cutoff but was recorded later did not exist yet: these snapshots are computed
        # from what was known.
        again = self._hidden(shard, lines)
        plain = slice(None) if not again.any() else np.flatnonzero(~again)
        if not again.all():
            found = self._found(views, shard.customer[plain], shard.cutoff[plain])
            _put(values, shard.rows[plain], found)
        if not again.any():
            return
        customer, cutoff = shard.customer[again], shard.cutoff[again]
        tables = known_then(shard, customer, cutoff)
        views = self._views(
            tables, len(customer), order_of_line(tables["orders"]) if self._reads_orders else None
        )
        _put(values, shard.rows[again], self._found(views, np.arange(len(customer)), cutoff))

    def _found(self, views: Mapping[str, View], customer: IntArray, cutoff: IntArray) -> FloatArray:
        """The features of these snapshots, as long as no others are asked for."""
        size = len(customer) * len(self._asked.features.features)
        if len(self._room) < size:
            self._room = np.empty(size)
        columns = self._room[:size].reshape(len(self._asked.features.features), len(customer))
        return Windows(views, customer, cutoff, self._asked).values(columns)

    @property
    def _reads_orders(self) -> bool:
        """Whether any view is made of orders rather than of single rows."""
        return not set(self._asked.read) <= set(STREAMS)

    def _views(
        self, tables: Mapping[str, EventTable], customers: int, lines: IntArray | None
    ) -> dict[str, View]:
        views = {
            name: stream_view(name, tables[STREAMS[name].table], customers, self._store.money_exponent)
            for name in self._asked.read
            if name in STREAMS
        }
        if lines is not None:
            habits = not HABITS.isdisjoint(self._asked.read.get("orders", ()))
            views |= build_views(tables["orders"], self._store, customers, lines, habits=habits)
        return views

    def _hidden(self, shard: Shard, lines: IntArray | None) -> BoolArray:
        """Which snapshots have a row that would have shown by the cutoff but was not known yet."""
        hidden = np.zeros(len(shard.customer), dtype=bool)
        for name, table in shard.tables.items():
            times = {
                STREAMS[one].time
                for one in set(self._asked.read) & set(STREAMS)
                if STREAMS[one].table == name
            }
            begun = (
                table.time.take(order_begins(lines)).take(lines)
                if name == "orders" and lines is not None
                else None
            )
            late = hidden_rows(times, table, begun)
            if len(late):
                some = table.select(late)
                shown = earliest(times, some)
                if begun is not None:
                    shown = np.minimum(shown, begun.take(late))
                hidden |= _between(shard, some.customer, shown, some.known)
        return hidden


def _between(shard: Shard, customer: IntArray, first: IntArray, last: IntArray) -> BoolArray:
    """Which snapshots have a cutoff after the first and up to the last instant of any of these, of the same customer."""
    cutoffs, number = np.unique(shard.cutoff, return_inverse=True)
    # For each customer, +1 at the first cutoff of each stretch in which a row is hidden, and -1 behind the last.
    turns = np.zeros(shard.customers * (len(cutoffs) + 1), dtype=np.int64)
    row = customer * (len(cutoffs) + 1)
    np.add.at(turns, row + np.searchsorted(cutoffs, first, side="right"), 1)
    np.add.at(turns, row + np.searchsorted(cutoffs, last, side="right"), -1)
    hidden = np.cumsum(turns.reshape(shard.customers, -1), axis=1) > 0
    return np.asarray(hidden[shard.customer, number])


def _put(values: FloatArray, rows: IntArray, found: FloatArray) -> None:
    """Write these rows of the panel; ``rows`` is ascending.

    What was found lies in columns and is turned on the way. Rows that follow each other, as those of one cutoff mostly do, are turned
    straight into their place.
    """
    ends = np.append(np.flatnonzero(np.diff(rows) != 1) + 1, len(rows))
    if len(ends) * _ROWS_AT_ONCE > len(rows):
        values[rows] = found
        return
    begin = 0
    for end in ends.tolist():
        first = int(rows[begin])
        values[first : first + end - begin] = found[begin:end]
        begin = end


def _hold_on_to_memory() -> None:
    """Let the memory that one shard frees serve the next.

    The C library gives freed memory back to the system beyond a bound that it learns from the largest block it has seen freed; below
    it, every shard would get its arrays anew from the system, page by page, which took 40 % of all time. Nothing is written to this
    block, so it costs nothing.
    """
    np.empty(_LARGEST_LEARNT_FROM, dtype=np.uint8)
