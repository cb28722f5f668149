"""The kernel is the reference, bit for bit."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from hypothesis import find, given
from hypothesis import strategies as st

from retain.engine import ENGINES
from retain.engine.kernel import compute
from retain.engine.panel import Snapshots
from retain.engine.views import columns_at_hand
from retain.events.schemas import SCHEMAS
from retain.features.catalog import EVERY, FAMILIES, feature_set
from retain.timeline import DAY, instant

if TYPE_CHECKING:
    from collections.abc import Callable

    from retain.events.store import EventStore

    Build = Callable[..., EventStore]
    Row = dict[str, object]
    Draw = Callable[..., st.SearchStrategy[Row]]

START = instant("2024-01-01")
ZONES = ("UTC", "Europe/Sofia", "Asia/Kathmandu")
COLUMNS = tuple(
    one.name
    for one in SCHEMAS["orders"].fields
    if one.name not in ("customer_id", "ordered_at", "recorded_at")
)
CUTOFFS = (instant("2023-12-31"), instant("2024-02-29"), instant("2024-03-31T01:30"), instant("2025-06-01"))

moments = st.one_of(
    st.integers(0, 500).map(lambda days: START + days * DAY),  # ties, and events exactly at a cutoff
    st.integers(0, 500 * DAY).map(lambda micros: START + micros),
    st.sampled_from(CUTOFFS),
    st.sampled_from(
        [instant("1901-01-01"), instant("2024-03-31T00:59:59.999999"), instant("2024-10-27T01:00")]
    ),
)


@st.composite
def order_rows(draw: st.DrawFn) -> Row:
    """One order line of one of three customers."""
    moment = draw(moments)
    kind = draw(st.sampled_from(["sale", "sale", "sale", "return"]))
    amount = draw(st.one_of(st.none(), st.integers(0, 10_000), st.just(9_000_000_000_00)))
    return {
        "customer_id": draw(st.sampled_from("abc")),
        "ordered_at": moment,
        "recorded_at": draw(
            st.one_of(st.none(), st.just(moment), st.sampled_from(CUTOFFS), st.just(moment + 9 * DAY))
        ),
        "order_id": draw(st.one_of(st.none(), st.sampled_from(["1", "2", "3", "4"]))),
        "kind": kind,
        "amount": -amount if kind == "return" and amount is not None else amount,
        "discount": draw(st.one_of(st.none(), st.integers(0, 500))),
        "quantity": draw(st.one_of(st.none(), st.integers(-3, 40), st.just(0.125))),
        "product_id": draw(st.one_of(st.none(), st.sampled_from("xyz"))),
        "category": draw(st.one_of(st.none(), st.sampled_from("pq"))),
        "promised_at": draw(st.one_of(st.none(), moments)),
        "delivered_at": draw(st.one_of(st.none(), moments)),
        "payment_failed_at": draw(st.one_of(st.none(), moments)),
    }


def every_snapshot(store: EventStore) -> Snapshots:
    """Every customer at every cutoff."""
    customers = np.arange(len(store.customer_ids), dtype=np.int64)
    cutoffs = np.array(CUTOFFS, dtype=np.int64)
    return Snapshots(np.tile(customers, len(cutoffs)), np.repeat(cutoffs, len(customers)))


@given(data=st.data(), rows=st.lists(order_rows(), max_size=25), zone=st.sampled_from(ZONES))
def test_kernel_gives_the_bits_of_the_reference(
    orders_store: Build,
    any_row: Draw,
    stream_tables: tuple[str, ...],
    data: st.DataObject,
    rows: list[Row],
    zone: str,
) -> None:
    """For every declared feature, every customer and cutoff, with ties, late rows, returns and unknown values."""
    filler: Row = {**dict.fromkeys(COLUMNS), "customer_id": "d", "ordered_at": START, "kind": "sale"}
    others = {
        table: data.draw(st.lists(any_row(table, moments, ("a", "b")), min_size=1, max_size=6), label=table)
        for table in stream_tables
    }
    store = orders_store([*rows, filler], customers=["nobody"], others=others, zone=zone)
    snapshots = every_snapshot(store)
    fast = ENGINES.get("kernel")(store, EVERY, snapshots).values
    slow = ENGINES.get("reference")(store, EVERY, snapshots).values
    for position, name in enumerate(EVERY.names):
        assert fast[:, position].tobytes() == slow[:, position].tobytes(), name


@given(
    rows=st.lists(order_rows(), min_size=1, max_size=25),
    snapshots=st.lists(st.tuples(st.integers(0, 2), st.sampled_from(CUTOFFS)), max_size=12),
    shards=st.sampled_from([1, 7, 64]),
)
def test_however_many_shards_the_bits_are_the_same(
    orders_store: Build, rows: list[Row], snapshots: list[tuple[int, int]], shards: int
) -> None:
    """For snapshots in any order, some customers left out, some asked for twice."""
    store = orders_store(rows, customers=["a", "b", "c"])
    features = feature_set(list(FAMILIES), columns_at_hand(store))
    some = Snapshots(
        np.array([one for one, _ in snapshots], dtype=np.int64),
        np.array([cutoff for _, cutoff in snapshots], dtype=np.int64),
    )
    sharded = compute(store, features, some, shards).values
    assert sharded.tobytes() == ENGINES.get("reference")(store, features, some).values.tobytes()


def test_every_declared_feature_is_fed_by_full_tables(
    orders_store: Build, any_row: Draw, stream_tables: tuple[str, ...]
) -> None:
    """So the comparison of the engines covers each of them."""
    others = {
        table: [find(any_row(table, st.just(START), ("a",)), lambda _: True)] for table in stream_tables
    }
    filler: Row = {**dict.fromkeys(COLUMNS), "customer_id": "a", "ordered_at": START, "kind": "sale"}
    assert feature_set(list(FAMILIES), columns_at_hand(orders_store([filler], others=others))) == EVERY
