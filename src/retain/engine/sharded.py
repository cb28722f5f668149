"""An engine for customers who are not in memory: it is given their events a shard at a time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from retain.engine.kept import MOST_BYTES
from retain.engine.panel import Panel, Snapshots

if TYPE_CHECKING:
    from collections.abc import Callable

    from retain.engine.panel import Engine
    from retain.events.store import EventStore
    from retain.features.spec import FeatureSet


@dataclass(frozen=True)
class Sharded:
    """Computes each snapshot in the shard that has its customer; what it gives has the engine's own bits.

    Attributes:
        engine: computes a shard.
        kept: the same engine, remembering; a panel is kept as a whole or not at all.
        shard: gives the store of one.
        begins: the first customer of each shard, counted as in the store of all, and the number of customers.
        tell: called with what the panel takes, before it is computed.
    """

    engine: Engine
    kept: Engine
    shard: Callable[[int], EventStore]
    begins: tuple[int, ...]
    tell: Callable[[str], None]

    def __call__(self, store: EventStore, features: FeatureSet, snapshots: Snapshots) -> Panel:  # noqa: ARG002  # its rows are in the shards
        """The features of these snapshots, each as it was known at its cutoff."""
        values = np.empty((len(snapshots), len(features.features)))
        self.tell(f"a panel of {values.nbytes / 10**6:,.0f} MB stays in memory: {len(snapshots):,} snapshots")
        engine = self.kept if values.nbytes <= MOST_BYTES else self.engine
        home = np.searchsorted(np.array(self.begins), snapshots.customer, side="right") - 1
        for one in np.unique(home).tolist():
            rows = np.flatnonzero(home == one)
            mine = Snapshots(snapshots.customer[rows] - self.begins[one], snapshots.cutoff[rows])
            values[rows] = engine(self.shard(one), features, mine).values
        return Panel(snapshots, features, values)
