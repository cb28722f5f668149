"""Rows that come customer by customer make the store that their files make, part by part."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from hypothesis import given, settings
from hypothesis import strategies as st
from pyarrow import parquet

from retain.engine import ENGINES
from retain.engine.panel import Snapshots
from retain.engine.views import columns_at_hand
from retain.events.casts import Shape
from retain.events.checks import Rules
from retain.events.load import read_events
from retain.events.rows import Rows, store_of
from retain.events.schemas import SCHEMAS
from retain.events.source import SourceSettings, TableSource
from retain.features.catalog import FAMILIES, feature_set
from retain.text.annotate import annotated
from retain.text.backends import TextSettings
from retain.timeline import DAY, instant

if TYPE_CHECKING:
    from collections.abc import Sequence

    from retain.events.store import EventStore
    from retain.features.spec import FeatureSet

ZONE, NOW = "Europe/Sofia", instant("2025-06-01")
CUTOFFS = tuple(map(instant, ("2024-02-29", "2024-03-31T01:30", "2025-05-01")))
INSTANT = pa.timestamp("us", tz="UTC")
ORDERS = {
    "customer_id": (Shape.TEXT, pa.string()),
    "ordered_at": (Shape.INSTANT, INSTANT),
    "amount": (Shape.DOUBLE, pa.float64()),
    "order_id": (Shape.TEXT, pa.string()),
    "category": (Shape.TEXT, pa.string()),
    "quantity": (Shape.DOUBLE, pa.float64()),
    "kind": (Shape.TEXT, pa.string()),
    "promised_at": (Shape.LOCAL, pa.timestamp("us")),
    "delivered_at": (Shape.INSTANT, INSTANT),
    "recorded_at": (Shape.INSTANT, INSTANT),
}
FEEDBACK = {
    "customer_id": (Shape.TEXT, pa.string()),
    "given_at": (Shape.INSTANT, INSTANT),
    "text": (Shape.TEXT, pa.string()),
    "rating": (Shape.DOUBLE, pa.float64()),
    "rating_max": (Shape.DOUBLE, pa.float64()),
}
TABLES = {"orders": ORDERS, "feedback": FEEDBACK}

moments = st.one_of(
    st.integers(0, 500).map(lambda days: instant("2024-01-01") + days * DAY),
    st.sampled_from(
        [
            *CUTOFFS,
            instant("2024-03-31T00:59:59.999999"),
            instant("2024-10-27T01:00"),
            instant("2024-02-29T12:00"),
            instant("1850-01-01"),
            instant("2026-01-01"),
        ]
    ),
)
customers = st.sampled_from(["a", "b", "c", " d", "d\u00a0", "NaN", "é"])


def unknown(some: st.SearchStrategy[object]) -> st.SearchStrategy[object]:
    return st.one_of(st.none(), some)


def mostly(good: Sequence[object], odd: Sequence[object]) -> st.SearchStrategy[object]:
    """A usable value four times in five, so that most rows are good and reach a feature."""
    return st.integers(0, 4).flatmap(lambda one: st.sampled_from(odd if one == 4 else good))


@st.composite
def orders(draw: st.DrawFn) -> tuple[object, ...]:
    """One order line; every value may be missing or odd."""
    moment = draw(moments)

    def later() -> object:
        after = draw(st.sampled_from([None, None, 0, 1, DAY, 40 * DAY, -DAY // 2, -90 * DAY]))
        return None if after is None else moment + after

    kind = draw(mostly(["sale", "sale", "return"], [None, "Sale", "gift"]))
    return (
        draw(customers),
        moment,
        draw(mostly([12.34, 0.005, 1.005, 9e12], [None, -7.5, 9e15, float("nan")])),
        draw(mostly(["1", "2", "3"], [None, "null"])),
        draw(mostly(["p", "q", " p "], [None])),
        draw(mostly([1.0, 0.125, -3.0], [None, float("nan"), 1e13])),
        kind,
        later(),
        later(),
        later(),
    )


feedback = st.tuples(
    customers,
    moments,
    unknown(st.sampled_from(["great, fast delivery", "terrible service", " "])),
    unknown(st.sampled_from([1.0, 4.0, 5.0])),
    unknown(st.sampled_from([5.0, 0.0])),
)


def table_of(name: str, rows: Sequence[tuple[object, ...]]) -> pa.Table:
    """The rows with a customer whose id is written in one way, as it is on the way to a partition; no id names two."""
    columns = list(zip(*rows, strict=True)) or [()] * len(TABLES[name])
    table = pa.table(
        {
            one: pa.array(values, kind)
            for (one, (_, kind)), values in zip(TABLES[name].items(), columns, strict=True)
        }
    )
    ids = pc.utf8_trim(table["customer_id"], " \u00a0")
    table = table.set_column(0, "customer_id", ids)
    if name == "orders":
        named = pc.binary_join_element_wise(ids, table["order_id"], "-")
        table = table.set_column(table.column_names.index("order_id"), "order_id", named)
    return table


def from_files(tables: dict[str, pa.Table]) -> EventStore:
    """The whole store by way of files."""
    with TemporaryDirectory() as folder:
        for name, rows in tables.items():
            parquet.write_table(rows, Path(folder) / f"{name}.parquet")
        sources = {name: TableSource(f"{name}.parquet") for name in tables}
        source = SourceSettings(sources, Path(folder), zone=ZONE, max_bad_share=1.0)
        return annotated(read_events(source, now=NOW), TextSettings("lexicon"))[0]


def from_rows(tables: dict[str, pa.Table]) -> EventStore:
    """The store of some customers' rows."""
    shaped = {
        name: Rows(SCHEMAS[name], {one: shape for one, (shape, _) in TABLES[name].items()}, rows)
        for name, rows in tables.items()
    }
    return annotated(store_of(shaped, Rules(ZONE, 2, NOW)), TextSettings("lexicon"))[0]


def panel(store: EventStore, chosen: FeatureSet) -> dict[tuple[str, int], bytes]:
    """The bits of every customer's features at every cutoff."""
    size = len(store.customer_ids)
    snapshots = Snapshots(
        np.tile(np.arange(size), len(CUTOFFS)), np.repeat(np.array(CUTOFFS, dtype=np.int64), size)
    )
    values = ENGINES.get("kernel")(store, chosen, snapshots).values
    return {
        (str(store.customer_ids[who]), int(when)): row.tobytes()
        for who, when, row in zip(snapshots.customer, snapshots.cutoff, values, strict=True)
    }


@settings(max_examples=25)
@given(lines=st.lists(orders(), max_size=25), texts=st.lists(feedback, max_size=6), turn=st.integers(0, 5))
def test_parts_of_the_customers_have_the_bits_of_the_whole(
    lines: list[tuple[object, ...]], texts: list[tuple[object, ...]], turn: int
) -> None:
    """Whatever rows are bad, late, equal or written in odd ways, and in whatever order they come."""
    good = ("z", instant("2024-01-05"), 1.0, None, None, None, "sale", None, None, None)
    tables = {
        "orders": table_of("orders", [good, *lines, *lines[:turn]]),
        "feedback": table_of("feedback", texts),
    }
    whole = from_files(tables)
    chosen = feature_set(list(FAMILIES), columns_at_hand(whole))
    found: dict[tuple[str, int], bytes] = {}
    invalid: dict[str, str] = {}
    for part in (["a", "b", "NaN"], ["c", "z"], ["d", "é", "nobody"]):
        mine = {
            name: rows.filter(pc.is_in(rows["customer_id"], value_set=pa.array(part)))
            for name, rows in tables.items()
        }
        turned = {name: rows.take(np.roll(np.arange(len(rows)), turn)) for name, rows in mine.items()}
        store = from_rows(turned)
        assert columns_at_hand(store) == columns_at_hand(whole)
        found |= panel(store, chosen)
        invalid |= store.invalid
    assert found == panel(whole, chosen)
    assert invalid == whole.invalid
