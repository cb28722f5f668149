"""The rows of a panel stand where they were asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from retain.engine.kernel import compute
from retain.engine.panel import Snapshots
from retain.features.spec import Feature, FeatureSet, How, Measure
from retain.timeline import Lookback, instant

if TYPE_CHECKING:
    from collections.abc import Callable

    from retain.events.store import EventStore

_MEASURES = (
    Measure("orders", How.COUNT),
    Measure("orders", How.MAX, "amount", Lookback(60)),
    Measure("orders", How.MAX, "amount"),
    Measure("orders", How.MIN, "amount"),
    Measure("orders", How.SD, "amount", Lookback(90)),
    Measure("orders", How.MEDIAN, "amount", Lookback(60)),
    Measure("orders", How.SINCE_LAST),
)
_FEATURES = FeatureSet(tuple(Feature(f"f{n}", one, "t", "w", "p") for n, one in enumerate(_MEASURES)))


def test_every_order_of_snapshots(orders: Callable[..., EventStore]) -> None:
    """All customers at each cutoff, some of them, and both in any order get the same numbers row by row."""
    lines = [
        f"c{one:02} 2024-0{1 + (one + step) % 6}-{1 + one % 28:02} {one + step}.{step}5"
        for one in range(60)
        for step in range(1 + one % 5)
    ]
    store = orders("customer_id ordered_at amount\n" + "\n".join(lines))
    cutoffs = np.array([instant(f"2024-0{month}-01") for month in (3, 5, 7)])
    customer, cutoff = np.tile(np.arange(60), 3), np.repeat(cutoffs, 60)
    whole = compute(store, _FEATURES, Snapshots(customer, cutoff), 1).values
    assert np.isfinite(whole).any(axis=0).all()
    rng = np.random.default_rng(5)
    for rows in (rng.permutation(180), np.flatnonzero(rng.random(180) < 0.9), np.arange(0, 180, 7)):
        for shards in (1, 4):
            part = compute(store, _FEATURES, Snapshots(customer[rows], cutoff[rows]), shards).values
            assert part.tobytes() == whole[rows].tobytes()
