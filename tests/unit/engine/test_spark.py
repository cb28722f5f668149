"""What happens to one partition's rows, without a cluster."""

from __future__ import annotations

from functools import partial

import pyarrow as pa
from pyspark.sql import types

from retain.engine.spark import _packed, _panel, _partition
from retain.events.checks import Rules
from retain.features.catalog import EVERY
from retain.features.spec import FeatureSet
from retain.timeline import instant

RULES = Rules("UTC", 2, instant("2024-06-01"))
ORDERS = types.StructType(
    [
        types.StructField("amount", types.DoubleType()),
        types.StructField("order_id", types.LongType()),
        types.StructField("customer_id", types.StringType()),
        types.StructField("ordered_at", types.TimestampType()),
        types.StructField("remark", types.StringType()),
    ]
)
TICKETS = types.StructType(
    [
        types.StructField("ticket_id", types.StringType()),
        types.StructField("customer_id", types.StringType()),
        types.StructField("opened_at", types.TimestampType()),
    ]
)
CHOSEN = FeatureSet(
    tuple(EVERY.by_name[name] for name in ("orders_lifetime", "spend_lifetime", "recency_days"))
)
ANSWER = pa.schema(
    [
        ("customer_id", pa.string()),
        ("cutoff", pa.timestamp("us", tz="UTC")),
        *((name, pa.float64()) for name in CHOSEN.names),
    ]
)
LAYOUT = (_packed("orders", ORDERS, {}), _packed("tickets", TICKETS, {}))
CUTOFFS = (instant("2024-01-01"), instant("2024-02-01"))


def run(batches: list[pa.RecordBatch]) -> list[pa.RecordBatch]:
    """The panel of a partition."""
    work = partial(_panel, chosen=CHOSEN, cutoffs=CUTOFFS, answer=ANSWER)
    return list(_partition(batches, LAYOUT, RULES, work))


def test_columns_of_one_shape_share_their_places() -> None:
    """Those of the contract only, whatever order they come in."""
    assert LAYOUT[0].slots == {
        "customer_id": "customer_id",
        "ordered_at": "instant_0",
        "amount": "double_0",
        "order_id": "text_0",
    }
    assert LAYOUT[1].slots == {"ticket_id": "text_0", "customer_id": "customer_id", "opened_at": "instant_0"}


def test_a_partition_becomes_the_panel_of_its_customers() -> None:
    """Rows of all tables are mixed; unknown values are null."""
    rows = pa.RecordBatch.from_pydict(
        {
            "table": pa.array([LAYOUT[1].number, LAYOUT[0].number, LAYOUT[0].number], pa.int32()),
            "customer_id": ["b", "a", "a"],
            "instant_0": pa.array(
                [instant(one) for one in ("2024-01-05", "2024-01-30", "2023-12-22")], pa.int64()
            ).cast(pa.timestamp("us", tz="UTC")),
            "double_0": [None, 2.5, 4.0],
            "text_0": ["t", "2", "1"],
        }
    )
    (panel,) = run([rows.slice(0, 2), rows.slice(2)])
    assert panel.schema == ANSWER
    assert [tuple(row.values()) for row in panel.drop_columns(["cutoff"]).to_pylist()] == [
        ("a", 1.0, 4.0, 10.0),
        ("b", 0.0, 0.0, None),
        ("a", 2.0, 6.5, 2.0),
        ("b", 0.0, 0.0, None),
    ]


def test_a_partition_without_rows_gives_nothing() -> None:
    """Spark asks every partition."""
    assert run([]) == []
