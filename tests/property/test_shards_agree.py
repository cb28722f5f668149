"""Events in shards on disk are those that reading them at once gives, however many shards there are."""

from __future__ import annotations

import csv
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from retain.engine.kernel import compute
from retain.engine.panel import Snapshots
from retain.engine.reads import columns_read
from retain.engine.views import columns_at_hand
from retain.events.load import read_events
from retain.events.source import SourceSettings, TableSource
from retain.events.spill import spill
from retain.features.catalog import FAMILIES, feature_set
from retain.timeline import instant

if TYPE_CHECKING:
    from collections.abc import Sequence

    from retain.events.store import EventStore
    from retain.features.spec import FeatureSet

NOW = instant("2024-01-01")
CUTOFFS = tuple(map(instant, ("2023-01-15", "2023-03-01")))
ids = st.sampled_from(["", "1", "2", "10", "a", "aa", "é", "中", "it's"])
days = st.sampled_from(
    ["", "2023-01-01", "2023-01-01 10:00", "2023-02-03T04:05:06Z", "1850-01-01", "2030-01-01"]
)
TABLES = {
    "orders": (
        "customer_id",
        "ordered_at",
        "order_id",
        "line_id",
        "amount",
        "category",
        "kind",
        "recorded_at",
    ),
    "feedback": ("customer_id", "given_at", "nps", "channel"),
}
orders = st.tuples(
    ids,
    days,
    st.sampled_from(["", "o1", "o2"]),
    st.sampled_from(["", "1", "2"]),
    st.sampled_from(["", "1.5", "-2", "0.005", "lots"]),
    st.sampled_from(["", "x", "X", 'say "y", z']),
    st.sampled_from(["", "sale", "return", "gift"]),
    st.sampled_from(["", "", "2023-02-20"]),
)
feedback = st.tuples(ids, days, st.sampled_from(["", "3", "10", "much"]), st.sampled_from(["", "web"]))
GOOD = ("z", "2022-01-01", "", "", "3", "x", "sale", "")


def source_of(folder: Path, rows: dict[str, Sequence[tuple[str, ...]]]) -> SourceSettings:
    for table, columns in TABLES.items():
        with (folder / f"{table}.csv").open("w", encoding="utf-8", newline="") as out:
            csv.writer(out).writerows([columns, *rows[table]])
    return SourceSettings({one: TableSource(f"{one}.csv") for one in TABLES}, folder, max_bad_share=1.0)


def panel(store: EventStore, features: FeatureSet) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    """By customer and cutoff."""
    customers = np.arange(len(store.customer_ids))
    snapshots = Snapshots(np.repeat(customers, len(CUTOFFS)), np.tile(np.array(CUTOFFS), len(customers)))
    return compute(store, features, snapshots).values


@settings(max_examples=30)
@given(
    st.lists(orders, max_size=25),
    st.lists(feedback, max_size=8),
    st.lists(st.sampled_from(sorted(FAMILIES)), min_size=1, max_size=2, unique=True),
)
def test_columns_that_no_feature_reads_change_no_bit(
    bought: list[tuple[str, ...]], said: list[tuple[str, ...]], families: list[str]
) -> None:
    """Nor who is a customer, though rows of one instant are then in another order."""
    with TemporaryDirectory() as temporary:
        folder = Path(temporary)
        source = source_of(folder, {"orders": [GOOD, *bought], "feedback": said})
        whole = read_events(source, now=NOW)
        features = feature_set(families, columns_at_hand(whole))
        read = columns_read(features)
        few = spill(source, folder / "spill", rows_each=5, memory_mb=100, now=NOW, needed=lambda _: read)
        assert {table for table, columns in few.kept.items() if columns} == set(read)
        parts = [few.store(one) for one in range(len(few))]
        assert [who for one in parts for who in one.customer_ids] == whole.customer_ids.tolist()
        assert few.accounts == whole.accounts
        found = np.concatenate([panel(one, features) for one in parts])
        assert found.tobytes() == panel(whole, features).tobytes()
        again = spill(source, folder / "spill", rows_each=5, memory_mb=100)
        assert again == few


@settings(max_examples=30)
@given(
    st.lists(orders, max_size=25),
    st.lists(feedback, max_size=8),
    st.sampled_from([1, 3, 7, 100]),
)
def test_shards_are_the_whole(
    bought: list[tuple[str, ...]], said: list[tuple[str, ...]], rows_each: int
) -> None:
    """Customers, bad customers, accounts, warnings, quarantine and every bit of the features are the same, and in the same order."""
    with TemporaryDirectory() as temporary:
        folder = Path(temporary)
        source = source_of(folder, {"orders": [GOOD, *bought], "feedback": said})
        whole = read_events(source, quarantine=folder / "one", now=NOW)
        spilled = spill(
            source,
            folder / "spill",
            rows_each=rows_each,
            memory_mb=100,
            quarantine=folder / "two",
            now=NOW,
        )
        parts = [spilled.store(one) for one in range(len(spilled))]
        assert [who for one in parts for who in one.customer_ids] == whole.customer_ids.tolist()
        together = {who: why for one in parts for who, why in one.invalid.items()}
        assert together == whole.invalid
        assert (spilled.accounts, spilled.warnings) == (whole.accounts, whole.warnings)
        written = {one.name: one.read_bytes() for one in (folder / "two").glob("*")}
        assert written == {one.name: one.read_bytes() for one in (folder / "one").glob("*")}
        features = feature_set(tuple(FAMILIES), columns_at_hand(whole))
        assert feature_set(tuple(FAMILIES), columns_at_hand(spilled.store(None))) == features
        found = np.concatenate([panel(one, features) for one in parts])
        assert found.tobytes() == panel(whole, features).tobytes()
        for number, one in enumerate(parts):
            assert {spilled.shard_of(who) for who in one.customer_ids} <= {number}
        again = spill(source, folder / "spill", rows_each=rows_each, memory_mb=100)
        assert again == spilled
