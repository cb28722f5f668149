"""Customers divided into shards."""

from __future__ import annotations

import tracemalloc
from typing import TYPE_CHECKING

import numpy as np
import pytest

from retain.engine import shards as room
from retain.engine.kernel import compute
from retain.engine.order import by_customer
from retain.engine.panel import Snapshots
from retain.engine.shards import shards
from retain.events.store import Column, EventStore, EventTable
from retain.features.catalog import FAMILIES
from retain.features.spec import FeatureSet
from retain.timeline import DAY

if TYPE_CHECKING:
    from retain.engine.shards import Shard

CUTOFFS = [200 * DAY, 300 * DAY, 400 * DAY]


def table(customers: int = 300, events: int = 6_000, late: float = 0.02) -> EventTable:
    """Orders of many customers, a few of them recorded days later."""
    rng = np.random.default_rng(1)
    customer, time = np.sort(rng.integers(0, customers, events)), rng.integers(0, 400 * DAY, events)
    order = by_customer(customer, time)
    customer, time = customer[order], time[order]
    known = time + np.where(rng.random(events) < late, rng.integers(1, 9 * DAY, events), 0)
    return EventTable(customer, time, known, {"amount": Column(rng.integers(1, 10**6, events))})


def every(customers: int) -> Snapshots:
    return Snapshots(
        np.tile(np.arange(customers, dtype=np.int64), len(CUTOFFS)),
        np.repeat(np.array(CUTOFFS, dtype=np.int64), customers),
    )


def cut(snapshots: Snapshots, count: int | None = None) -> list[Shard]:
    return list(shards({"orders": table()}, {"orders": {"amount"}}, snapshots, count))


@pytest.mark.parametrize("count", [1, 7, 64, 10_000])
def test_every_snapshot_and_event_is_in_one_shard(count: int) -> None:
    """Customers are never divided, and shards are of about the same size."""
    found = cut(every(300), count)
    assert len(found) == min(count, 300)
    assert sorted(np.concatenate([one.rows for one in found]).tolist()) == list(range(900))
    assert sum(len(one.tables["orders"]) for one in found) == 6_000
    sizes = [len(one.tables["orders"]) + len(one.rows) for one in found]
    assert max(sizes) <= 6_900 / count + 100


def test_customers_who_are_not_asked_for_are_left_out() -> None:
    """With their events, wherever they stand."""
    (one,) = cut(Snapshots(np.array([250, 3, 250, 90]), np.array([CUTOFFS[0]] * 4)))
    whole = table()
    assert one.customers == 3
    assert one.customer.tolist() == [2, 0, 2, 1]
    assert np.array_equal(
        np.array([3, 90, 250])[one.tables["orders"].customer],
        whole.customer[np.isin(whole.customer, [3, 90, 250])],
    )
    assert cut(Snapshots(np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64))) == []


def test_nothing_is_copied_that_need_not_be() -> None:
    """A shard of neighbours looks at the store's own columns."""
    whole = table()
    (one,) = shards({"orders": whole}, {"orders": {"amount"}}, every(300), 1)
    assert np.shares_memory(one.tables["orders"].columns["amount"].values, whole.columns["amount"].values)


@pytest.mark.parametrize("count", [None, 7, 64])
def test_the_bits_do_not_depend_on_the_shards(count: int | None) -> None:
    """Nor on the order of the snapshots."""
    store = EventStore(np.arange(300).astype(str).astype(object), {"orders": table()}, {})
    features = FeatureSet(tuple(one for one in FAMILIES["rhythm"]) + FAMILIES["rfm"][:2])
    whole = compute(store, features, every(300), 1).values
    assert compute(store, features, every(300), count).values.tobytes() == whole.tobytes()
    order = np.random.default_rng(2).permutation(900)
    mixed = Snapshots(every(300).customer[order], every(300).cutoff[order])
    assert compute(store, features, mixed, count).values.tobytes() == whole[order].tobytes()


def test_more_customers_need_no_more_memory_beside_the_panel(monkeypatch: pytest.MonkeyPatch) -> None:
    """Four times the customers in shards of the same size: the arrays of one shard are all that is held."""
    monkeypatch.setattr(room, "SIZE", 2_000)
    features = FeatureSet(FAMILIES["rhythm"])

    def beside(customers: int) -> int:
        orders = table(customers, 20 * customers)
        store = EventStore(np.arange(customers).astype(str).astype(object), {"orders": orders}, {})
        snapshots = every(customers)
        tracemalloc.start()
        try:
            panel = compute(store, features, snapshots)
            _, most = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        # The list of who is in which shard grows with the rows asked for, as the panel does.
        return most - panel.values.nbytes - 8 * snapshots.customer.nbytes

    beside(100)
    assert beside(4_000) < 1.5 * beside(1_000)


def test_rows_are_sorted_by_customer_and_value() -> None:
    """Also where the numbers are too far apart for one key."""
    customer = np.array([0, 0, 0, 1, 1, 2])
    small = np.array([3, 1, 1, 5, -5, 0])
    large = small * (2**60)
    for values in (small, large):
        assert by_customer(customer, values).tolist() == [1, 2, 0, 4, 3, 5]
    assert by_customer(customer[:0], small[:0]).tolist() == []
