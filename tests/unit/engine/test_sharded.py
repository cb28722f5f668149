from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from retain.engine import sharded
from retain.engine.kernel import compute
from retain.engine.panel import Panel, Snapshots
from retain.engine.sharded import Sharded
from retain.engine.views import columns_at_hand
from retain.features.catalog import feature_set
from retain.timeline import instant

if TYPE_CHECKING:
    from collections.abc import Callable

    import pytest

    from retain.events.store import EventStore
    from retain.features.spec import FeatureSet

ROWS: list[dict[str, object]] = [
    {"customer_id": who, "ordered_at": f"2023-{month:02}-{day:02}", "amount": 100 * day}
    for who, months in (("a", (1, 3)), ("b", (2,)), ("c", (1, 2, 3)), ("d", (2, 3)))
    for month in months
    for day in (1, 9, 20)
]


def test_snapshots_are_computed_where_their_customers_are(
    orders_store: Callable[..., EventStore], monkeypatch: pytest.MonkeyPatch
) -> None:
    """In any order asked for, the same bits, and no shard is opened that nobody asks about; a large panel is not kept."""
    whole = orders_store(ROWS)
    stores = [
        orders_store([one for one in ROWS if str(one["customer_id"]) in ids]) for ids in ("ab", "c", "d")
    ]
    features = feature_set(("rfm", "rhythm"), columns_at_hand(whole))
    opened: list[int] = []
    said: list[str] = []

    def shard(number: int) -> EventStore:
        opened.append(number)
        return stores[number]

    def kept(store: EventStore, features: FeatureSet, snapshots: Snapshots) -> Panel:
        said.append("kept")
        return compute(store, features, snapshots)

    engine = Sharded(compute, kept, shard, (0, 2, 3, 4), said.append)
    cutoffs = np.array([instant("2023-04-01"), instant("2023-02-10")])
    asked = Snapshots(np.array([3, 0, 1, 3, 0]), cutoffs[[0, 1, 0, 1, 0]])
    found = engine(whole, features, asked)
    assert found.values.tobytes() == compute(whole, features, asked).values.tobytes()
    assert opened == [0, 2]
    assert said[0] == "a panel of 0 MB stays in memory: 5 snapshots"
    assert said[1:] == ["kept", "kept"]
    monkeypatch.setattr(sharded, "MOST_BYTES", 100)
    assert engine(whole, features, asked).values.tobytes() == found.values.tobytes()
    assert said[4:] == []
