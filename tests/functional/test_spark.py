"""Spark gives what one machine gives, to the bit."""

from __future__ import annotations

import re
import shutil
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from pyarrow import parquet
from pyspark.sql import SparkSession, functions

from retain.config import load_config
from retain.engine import ENGINES
from retain.engine.panel import Snapshots, as_told
from retain.engine.spark import Tables, features
from retain.engine.spark_files import write_features
from retain.engine.views import VIEWS, columns_at_hand
from retain.errors import ConfigError, ModelError, OutputError, SourceError, UsageError
from retain.events.load import read_events
from retain.events.schemas import SCHEMAS, Kind
from retain.events.source import SourceSettings, TableSource
from retain.examples import shop
from retain.features.attributes import attribute_features
from retain.features.catalog import EVERY, FAMILIES, feature_set
from retain.features.own import MeasureSettings, OwnSettings, own_features
from retain.features.spec import FeatureSet
from retain.modelling import bundle
from retain.modelling.tracking import CHALLENGER, Tracking, TrackingSettings
from retain.pipeline.spark import COLUMNS, _scores, _texts, score_on_spark
from retain.scoring.languages import ReasonSettings
from retain.scoring.tiers import TierSettings
from retain.scoring.value import ValueSettings
from retain.text.annotate import annotated
from retain.text.backends import TextSettings
from retain.timeline import DAY, instant

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy.typing as npt
    from pyspark.sql import DataFrame

    from retain.events.store import EventStore

ROOT = Path(__file__).parents[2]
AS_OF = "2024-10-01"
CUTOFFS = ("2023-12-31", "2024-02-29", "2024-03-31T03:30", "2025-06-01")
ZONE = "Europe/Sofia"
USUAL_GAP = OwnSettings(
    "orders", "quantile", "gap", quantile=0.8, divided_by=MeasureSettings("orders", "count")
)
MOMENTS = [
    instant(one)
    for one in (
        "1901-01-01",
        "2024-02-29T23:59:59.999999",
        "2024-03-31T00:59:59.999999",
        "2024-03-31T01:00",
        "2024-10-27T01:00",
        "2024-01-15",
        "2024-02-28T22:00",
    )
]
WORDS = {
    "kind": ["sale", "sale", "sale", "return"],
    "state": ["open", "resolved", "escalated", "closed", "cancelled"],
    "channel": ["e-mail", "phone"],
    "category": ["p", "q", "r"],
    "text": ["great, fast delivery", "terrible service, I want my money back", "zu teuer, ich kündige", "42"],
    "language": ["en", "de"],
    "arm": ["treated", "control"],
}


@pytest.fixture(scope="module")
def spark(start_spark: Callable[..., SparkSession]) -> SparkSession:
    """Spark far from UTC."""
    return start_spark(
        **{"spark.sql.session.timeZone": "Asia/Kathmandu", "spark.sql.shuffle.partitions": "3"}
    )


def column(kind: Kind, name: str, rows: int, rng: np.random.Generator) -> pa.Array:
    """Values of that kind, one in five unknown."""
    gaps = rng.random(rows) < 0.2
    if kind is Kind.MONEY:
        values: Any = np.where(rng.random(rows) < 0.1, 9e12, np.round(rng.uniform(0, 500, rows), 2))
        return pa.array(values, pa.float64(), mask=gaps)
    if kind is Kind.NUMBER:
        return pa.array(rng.integers(1, 11, rows) * rng.choice([1.0, 0.125], rows), mask=gaps)
    if kind is Kind.FLAG:
        return pa.array(rng.random(rows) < 0.5, mask=gaps)
    if kind is Kind.DATE:
        return pa.array(rng.integers(0, 9000, rows), pa.int32(), mask=gaps).cast(pa.date32())
    texts = WORDS.get(name, ["x", "y", "z"])
    return pa.array([texts[one] for one in rng.integers(0, len(texts), rows)], pa.string(), mask=gaps)


def history(table: str, customers: npt.NDArray[np.str_], rng: np.random.Generator) -> pa.Table:
    """Every column of that table for events of these customers: ties, days of 23 hours, unknown values."""
    schema, rows = SCHEMAS[table], len(customers)
    some = [instant("2024-01-01") + int(one) * DAY for one in rng.integers(0, 500, rows)]
    exact = [*MOMENTS, *(instant(one, ZONE) for one in CUTOFFS)]
    time = np.where(rng.random(rows) < 0.4, rng.choice(exact, rows), some)
    columns = {}
    for field in schema.fields:
        if field.kind is Kind.TIME:
            later = rng.choice([0, 0, 1, DAY // 2, 9 * DAY, 90 * DAY], rows)
            gaps = np.zeros(rows, bool) if field.name == schema.time else rng.random(rows) < 0.4
            moment = time if field.name == schema.time else time + later
            columns[field.name] = pa.array(moment, pa.int64(), mask=gaps).cast(pa.timestamp("us", tz="UTC"))
        else:
            columns[field.name] = column(field.kind, field.name, rows, rng)
    columns["customer_id"] = pa.array(customers)
    columns |= {
        one: column(Kind.TEXT, one, rows, rng).fill_null(WORDS["arm"][0])
        for one in ("arm",)
        if "arm" in columns
    }
    names = [f"{who}-{one}" for who, one in zip(customers, rng.integers(1, 5, rows), strict=True)]
    if table == "orders":
        columns["order_id"] = pa.array(names, mask=rng.random(rows) < 0.3)
        columns["line_id"] = pa.array([str(one) for one in range(rows)])
        negative = pc.if_else(pc.equal(columns["kind"], "return"), -1.0, 1.0)
        columns["amount"] = pc.multiply(columns["amount"], negative)
    if table in ("tickets", "ticket_events"):
        columns["ticket_id"] = pa.array([f"{table}-{one}" for one in range(rows)])
    return pa.table(columns)


@pytest.fixture(scope="module")
def histories(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with every table of the contract, one Parquet file each, for 120 customers."""
    folder, rng = tmp_path_factory.mktemp("histories"), np.random.default_rng(5)
    ids = np.array([f"c{number}" for number in range(120)])
    for table in SCHEMAS:
        # The first dozen have one order and nothing else, the last dozen nothing but a row of their own.
        picked = rng.choice(ids[12:108], 700)
        who = {"customers": ids, "orders": np.concatenate([ids[:12], picked])}.get(table, picked)
        parquet.write_table(history(table, who, rng), folder / f"{table}.parquet")
    return folder


def on_one_machine(folder: Path, zone: str = ZONE) -> EventStore:
    """The checked store of every Parquet file in the folder."""
    tables = {one.stem: TableSource(one.name) for one in sorted(folder.glob("*.parquet"))}
    store = read_events(SourceSettings(tables, folder, zone=zone, max_bad_share=1.0))
    return annotated(store, TextSettings("lexicon"))[0]


def frames(spark: SparkSession, folder: Path) -> dict[str, DataFrame]:
    """The same files as DataFrames."""
    return {one.stem: spark.read.parquet(str(one)) for one in folder.glob("*.parquet")}


def assert_same(
    panel: DataFrame | pa.Table, store: EventStore, chosen: FeatureSet, cutoffs: Sequence[str]
) -> None:
    """Every customer at every cutoff, every feature, bit for bit, whatever the order of rows."""
    there = panel if isinstance(panel, pa.Table) else panel.toArrow()
    got = there.sort_by([("cutoff", "ascending"), ("customer_id", "ascending")])
    moments = np.array([instant(one, store.zone) for one in cutoffs], dtype=np.int64)
    customers = np.arange(len(store.customer_ids), dtype=np.int64)
    snapshots = Snapshots(np.tile(customers, len(moments)), np.repeat(moments, len(customers)))
    wanted = ENGINES.get("kernel")(store, chosen, snapshots).values
    assert got.column_names == ["customer_id", "cutoff", *chosen.names]
    assert got["customer_id"].to_pylist() == store.customer_ids[snapshots.customer].tolist()
    assert got["cutoff"].cast(pa.timestamp("us")).cast(pa.int64()).to_pylist() == snapshots.cutoff.tolist()
    for position, one in enumerate(chosen.features):
        assert got[one.name].combine_chunks().equals(as_told(one, wanted[:, position])), one.name


def test_every_feature_of_generated_histories_has_the_kernels_bits(
    spark: SparkSession, histories: Path
) -> None:
    """All tables, all features and one of a company's own; ties, one event, none, leap days, changes of the clock, huge and negative amounts."""
    store = on_one_machine(histories)
    assert feature_set(list(FAMILIES), columns_at_hand(store)) == EVERY
    assert all(len(table) for table in store.tables.values())
    own = own_features({"usual_gap_days": USUAL_GAP}, VIEWS)
    panel = features(Tables(frames(spark, histories), ZONE, partitions=4), CUTOFFS, own=own)
    assert_same(panel, store, FeatureSet((*EVERY.features, *own)), CUTOFFS)
    nullable = {one.name: one.nullable for one in panel.schema}
    assert not any(nullable[one] for one in ("orders_90d", "spend_lifetime", "open_tickets", "products_90d"))
    assert all(
        nullable[one] for one in ("recency_days", "backlog_days_max", "open_rate_90d", "best_channel_365d")
    )


def test_files_that_workers_write_hold_the_same_panel(
    spark: SparkSession, histories: Path, tmp_path: Path
) -> None:
    """A file a partition that has customers, the same bytes each time, in place of what was there; categories are words."""
    out = tmp_path / "new" / "panel"
    tables = Tables(frames(spark, histories), ZONE, partitions=4)
    own = own_features({"usual_gap_days": USUAL_GAP}, VIEWS)
    rows = write_features(tables, CUTOFFS, out, own=own)
    there = sorted(out.iterdir())
    assert [one.name for one in there] == [f"part-{number:05}.parquet" for number in range(4)]
    assert_same(
        parquet.read_table(there), on_one_machine(histories), FeatureSet((*EVERY.features, *own)), CUTOFFS
    )
    assert rows == sum(parquet.read_metadata(one).num_rows for one in there)
    before = [one.read_bytes() for one in there]
    (out / "older").write_text("what was there before")
    assert write_features(tables, CUTOFFS, out, own=own) == rows
    assert [one.read_bytes() for one in sorted(out.iterdir())] == before
    assert [one.name for one in out.parent.iterdir()] == ["panel"]


def test_a_failure_leaves_no_files(spark: SparkSession, histories: Path, tmp_path: Path) -> None:
    """Nor does a file in the way of the folder give way; what was there stays."""
    out = tmp_path / "panel"
    out.write_text("a letter")
    tables = Tables({"orders": frames(spark, histories)["orders"]}, ZONE, partitions=2)
    with pytest.raises(OutputError, match="exists and is not a folder"):
        write_features(tables, CUTOFFS, out)
    assert [one.name for one in tmp_path.iterdir()] == ["panel"]
    out.unlink()
    with pytest.raises(UsageError, match="There is no cutoff"):
        write_features(tables, [], out)
    assert not list(tmp_path.iterdir())


STATIC = {
    "plan": "category",
    "town": "auto",
    "months": "number",
    "monthly.charge": "auto",
    "paperless": "auto",
    "signed_at": "date",
    "installed": "auto",
    "code": "category",
    **dict.fromkeys(("joined_at", "birth_date", "loyalty_tier", "consent_email", "points_balance"), "auto"),
}


def with_attributes(folder: Path, out: Path) -> None:
    """The folder's tables again, with columns of customers that the contract does not name."""
    for one in folder.glob("*.parquet"):
        shutil.copy(one, out)
    people, rng = parquet.read_table(folder / "customers.parquet"), np.random.default_rng(9)
    rows = len(people)
    gaps = rng.random(rows) < 0.1
    days = pa.array(rng.integers(18_000, 19_900, rows), pa.int32(), mask=gaps)
    # Of the towns some have fewer than five customers; one word has blanks around it in some rows.
    towns = [f" town {rng.integers(24)}{' ' * int(rng.integers(2))}" for _ in range(rows)]
    extra = {
        "plan": pa.array([["basic", "plus", "\u00c4"][one] for one in rng.integers(0, 3, rows)], mask=gaps),
        "town": pa.array(towns),
        "months": pa.array(rng.integers(0, 80, rows), mask=gaps),
        "monthly.charge": pa.array(np.round(rng.uniform(10, 90, rows), 2), mask=gaps),
        "paperless": pa.array(rng.random(rows) < 0.5, mask=gaps),
        "signed_at": days.cast(pa.date32()),
        "installed": pa.array(instant("2024-02-29") + rng.integers(-90, 90, rows) * DAY, mask=gaps).cast(
            pa.timestamp("us", tz="UTC")
        ),
        "code": pa.array(rng.integers(0, 9, rows)),
    }
    for name, values in extra.items():
        people = people.append_column(name, values)
    parquet.write_table(people, out / "customers.parquet")


def test_attributes_of_customers_have_the_kernels_bits(
    spark: SparkSession, histories: Path, tmp_path: Path
) -> None:
    """Words, numbers, yes or no and dates, those of the contract and others; rare words are not told apart."""
    with_attributes(histories, tmp_path)
    tables = {
        one.stem: TableSource(one.name, static=STATIC if one.stem == "customers" else {})
        for one in sorted(tmp_path.glob("*.parquet"))
    }
    store = annotated(
        read_events(SourceSettings(tables, tmp_path, zone=ZONE, max_bad_share=1.0)), TextSettings("lexicon")
    )[0]
    attributes = attribute_features(store.tables["customers"], STATIC)
    levels = {one.name: one.levels for one in attributes}
    assert levels["static_plan"] == ("basic", "plus", "\u00c4")
    assert 2 < len(levels["static_town"] or ()) < 24
    assert levels["static_paperless"] == ("false", "true")
    assert levels["static_monthly_charge"] is None
    chosen = FeatureSet((*feature_set(("rfm", "contract"), columns_at_hand(store)).features, *attributes))
    panel = features(
        Tables(frames(spark, tmp_path), ZONE, partitions=4, static=STATIC), CUTOFFS, ("rfm", "contract")
    )
    assert_same(panel, store, chosen, CUTOFFS)


def test_customers_and_their_attributes_are_enough(
    spark: SparkSession, histories: Path, tmp_path: Path
) -> None:
    """Without any event."""
    with_attributes(histories, tmp_path)
    people = {"customers": spark.read.parquet(str(tmp_path / "customers.parquet"))}
    panel = features(Tables(people, ZONE, static={"months": "auto"}), ("2024-06-01",))
    assert panel.columns == ["customer_id", "cutoff", "static_months"]
    assert panel.count() == 120


def test_the_bundled_orders_have_the_kernels_bits(spark: SparkSession) -> None:
    """Online Retail II at three cutoffs: identifiers that are numbers, times without a zone."""
    config = load_config(ROOT / "configs" / "default.toml", ROOT)
    cutoffs = ("2010-12-01", "2011-03-01", "2011-06-01")
    panel = features(Tables({"orders": bundled(spark)}), cutoffs)
    store = read_events(config.source)
    assert_same(panel, store, feature_set(list(FAMILIES), columns_at_hand(store)), cutoffs)


def bundled(spark: SparkSession) -> DataFrame:
    """The bundled orders with the contract's columns."""
    rows = spark.read.parquet(str(ROOT / "src/retain/examples/data/online_retail_ii_orders.parquet"))
    return rows.select(
        "customer_id",
        functions.col("ts").alias("ordered_at"),
        functions.col("invoice").alias("order_id"),
        functions.when(functions.col("kind") == "order", "sale")
        .otherwise(functions.col("kind"))
        .alias("kind"),
        functions.col("n_units").alias("quantity"),
        "amount",
    )


def test_every_accepted_type_is_read_as_on_one_machine(spark: SparkSession, tmp_path: Path) -> None:
    """Numbers for identifiers and flags, decimals and whole numbers for money, days and local times for instants."""
    rows, local = 60, pa.timestamp("us")
    at = pa.array([instant("2024-03-25") + one * 7_000_000_000 for one in range(rows)])
    some = pa.array(np.arange(rows) % 7)
    columns = {
        "customer_id": some.cast(pa.int64()),
        "ordered_at": at.cast(local),
        "amount": pa.array([f"{one}.005" for one in range(rows)]).cast(pa.decimal128(20, 3)),
        "discount": some.cast(pa.int64()),
        "margin": some.cast(pa.int16()),
        "quantity": pa.array([f"{one}.25" for one in range(rows)]).cast(pa.decimal128(9, 2)),
        "category": some.cast(pa.int32()),
        "promised_at": at.cast(local).cast(pa.date32()),
        "delivered_at": at.cast(pa.timestamp("us", tz="Asia/Tokyo")),
    }
    parquet.write_table(pa.table(columns), tmp_path / "orders.parquet")
    people = {
        "customer_id": pa.array(range(9)),
        "birth_date": at.slice(0, 9).cast(local).cast(pa.date32()),
        "consent_email": pa.array([True, False, None] * 3),
        "do_not_contact": pa.array([0, 1, None] * 3),
        "points_balance": pa.array(range(9)),
    }
    parquet.write_table(pa.table(people), tmp_path / "customers.parquet")
    panel = features(Tables(frames(spark, tmp_path), ZONE, partitions=2), CUTOFFS)
    store = on_one_machine(tmp_path)
    assert not any(one.rows_bad for one in store.accounts.values())
    # On one machine all rows are seen before it is decided that there are no returns.
    chosen = feature_set(list(FAMILIES), columns_at_hand(store))
    there = [name for name in panel.columns if name in ("customer_id", "cutoff", *chosen.names)]
    assert_same(panel.select(there), store, chosen, CUTOFFS)


def test_there_is_one_shuffle(
    spark: SparkSession, histories: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """By customer, however many tables and cutoffs there are."""
    features(Tables(frames(spark, histories), ZONE), CUTOFFS).explain()
    plan = capsys.readouterr().out
    assert plan.count("Exchange") == plan.count("Exchange hashpartitioning(customer_id") == 1
    assert "MapInArrow" in plan


def test_a_customer_with_very_many_events_is_no_trouble(spark: SparkSession, tmp_path: Path) -> None:
    """200,000 orders of one customer among a hundred others."""
    who = np.concatenate([np.zeros(200_000, np.int64), np.arange(1, 101)])
    orders = pa.table(
        {
            "customer_id": pa.array(who),
            "ordered_at": pa.array(
                instant("2022-01-01") + np.arange(len(who), dtype=np.int64) * 400_000_000
            ).cast(pa.timestamp("us", tz="UTC")),
            "amount": pa.array(np.arange(len(who)) % 997, pa.int64()),
            "category": pa.array([f"k{one % 13}" for one in range(len(who))]),
        }
    )
    parquet.write_table(orders, tmp_path / "orders.parquet")
    panel = features(Tables(frames(spark, tmp_path), partitions=2), ("2024-01-01",), ("rfm", "breadth"))
    store = on_one_machine(tmp_path, "UTC")
    chosen = feature_set(("rfm", "breadth"), columns_at_hand(store))
    assert_same(panel, store, chosen, ("2024-01-01",))


def test_an_empty_table_is_a_table_without_events(
    spark: SparkSession, histories: Path, tmp_path: Path
) -> None:
    """Its features are there, and say that nothing happened; a table that is missing has no features."""
    rows = parquet.read_table(histories / "feedback.parquet")
    parquet.write_table(rows.slice(0, 0), tmp_path / "feedback.parquet")
    shutil.copy(histories / "orders.parquet", tmp_path)
    tables = Tables(frames(spark, tmp_path), ZONE, partitions=2)
    store = on_one_machine(tmp_path)
    chosen = feature_set(list(FAMILIES), columns_at_hand(store))
    assert "sentiment_mean_90d" in chosen.names
    assert not any("ticket" in name for name in chosen.names)
    assert_same(features(tables, CUTOFFS), store, chosen, CUTOFFS)


def test_tables_without_rows_give_no_rows(spark: SparkSession, histories: Path) -> None:
    """And no error."""
    orders = spark.read.parquet(str(histories / "orders.parquet")).limit(0)
    assert features(Tables({"orders": orders}), CUTOFFS).count() == 0


def test_sentiment_that_is_there_is_taken(spark: SparkSession, histories: Path) -> None:
    """Instead of reading the text again."""
    given = frames(spark, histories)
    given["feedback"] = given["feedback"].withColumn("sentiment", functions.lit(-0.5))
    panel = features(Tables(given, ZONE), ("2025-06-01",), ("feedback",))
    said = panel.where("sentiment_mean_90d IS NOT NULL").select("sentiment_mean_90d").distinct().collect()
    assert [row[0] for row in said] == [-0.5]


def test_the_same_id_with_blanks_around_it_is_the_same_customer(spark: SparkSession) -> None:
    """In whichever partition it would have come otherwise; rows without a customer are left out."""
    rows = [(who, "2024-01-01") for who in ("a", " a", "a\u00a0", "a\t", "  ", None)]
    frame = spark.createDataFrame(rows, "customer_id string, day string")
    orders = frame.select("customer_id", functions.col("day").cast("date").alias("ordered_at"))
    panel = features(Tables({"orders": orders}, partitions=7), ("2024-02-01",), ("rfm",))
    assert [row[0] for row in panel.select("customer_id").collect()] == ["a"]


def test_the_example_in_the_manual_runs(spark: SparkSession, histories: Path) -> None:
    """From tables of a catalogue to a table in it."""
    given = frames(spark, histories)
    for database, tables in {"sales": ("orders",), "support": ("tickets", "feedback"), "churn": ()}.items():
        spark.sql(f"CREATE DATABASE {database}")
        for table in tables:
            given[table].write.saveAsTable(f"{database}.{table}")
    page = (ROOT / "docs" / "spark.md").read_text(encoding="utf-8")
    code = re.findall(r"^```python\n(.*?)^```", page, re.MULTILINE | re.DOTALL)[0]
    assert "partitions=400" in code
    exec(code.replace("partitions=400", "partitions=2"), {})  # noqa: S102  # what the manual shows
    assert spark.table("churn.features").select("cutoff").distinct().count() == 3


def test_tables_that_do_not_fit_are_refused_with_all_that_is_wrong(spark: SparkSession) -> None:
    """In one message: tables, columns, types, and what would do."""
    wrong = {
        "orders": "customerid string, ordered_at string, amount float, quantity int, quantity int",
        "ticket_events": "ticket_id string, happened_at timestamp",
        "mails": "customer_id string",
    }
    with pytest.raises(SourceError) as caught:
        Tables({name: spark.createDataFrame([], schema) for name, schema in wrong.items()})
    assert str(caught.value).splitlines() == [
        "These tables do not fit the data contract (docs/data.md):",
        "- orders has 2 columns 'quantity'. Keep one.",
        "- orders has no column 'customer_id'. Did you mean 'customerid'?",
        "- orders.ordered_at is string. Cast it to one of: timestamp, date, timestamp_ntz.",
        "- orders.amount is float. Cast it to one of: decimal, double, long, byte, short, integer.",
        "- ticket_events has no column 'customer_id'. Add or rename one.",
        f"- There is no table 'mails'. Choose one of: {', '.join(sorted(SCHEMAS))}.",
    ]


def test_a_call_that_asks_for_nothing_is_refused(spark: SparkSession) -> None:
    """No tables, no partitions, no zone, no cutoff, or a family that these tables cannot feed."""
    orders = spark.createDataFrame([], "customer_id string, ordered_at timestamp")
    with pytest.raises(SourceError, match="at least one of: customers, orders"):
        Tables({})
    with pytest.raises(UsageError, match="1 or more"):
        Tables({"orders": orders}, partitions=0)
    with pytest.raises(ConfigError, match="no time zone"):
        Tables({"orders": orders}, "Atlantis")
    with pytest.raises(UsageError, match="no cutoff"):
        features(Tables({"orders": orders}), ())
    with pytest.raises(ConfigError, match="can be fed"):
        features(Tables({"orders": orders}), CUTOFFS, ("support",))


@pytest.fixture(scope="module")
def scored_shop(
    tmp_path_factory: pytest.TempPathFactory, model_store: Path, cli: Callable[..., Any]
) -> tuple[Path, pa.Table, Path]:
    """The tables of a shop with some bad rows, what `retain score` says of them, and the logged model's folder."""
    folder = tmp_path_factory.mktemp("scored")
    workspace = folder / "workspace"
    workspace.mkdir()
    shutil.copy(model_store, workspace / "mlflow.db")
    shop.write(folder / "shop", customers=250)
    tables = [one.name for one in (folder / "shop").iterdir() if one.name in SCHEMAS]
    spoil(folder / "shop" / "orders")
    config = folder / "shop.toml"
    sources = "".join(f'[source.tables.{one}]\npath = "shop/{one}/*.parquet"\n' for one in tables)
    config.write_text(
        f'name = "spark"\n[source]\n{sources}[text]\nbackend = "lexicon"\n[training]\nvalidation_cutoffs = 2\n'
        '[reasons]\nlanguage = "customer"\n',
        encoding="utf-8",
    )
    # So few customers need not make a model that passes the gate.
    for words in (("train",), ("score", "--model", CHALLENGER, "--as-of", AS_OF, "--out", folder / "out")):
        ran = cli("--config", config, "--workspace", workspace, *words)
        assert ran.code == 0, ran.err
    tracking = Tracking(TrackingSettings(), workspace, "spark")
    return (
        folder / "shop",
        parquet.read_table(folder / "out/scores.parquet"),
        tracking.bundle_of(tracking.find(CHALLENGER)),
    )


def spoil(orders: Path) -> None:
    """One more file of orders: a customer with nothing but an impossible time, and a row without a customer."""
    like = parquet.read_table(next(iter(sorted(orders.glob("*.parquet"))))).slice(0, 2)
    ids = pa.array(["nobody", None], like.schema.field("customer_id").type)
    place = like.schema.get_field_index("ordered_at")
    times = pa.array([instant("1850-01-01")] * 2).cast(like.schema.field("ordered_at").type)
    rows = like.set_column(like.schema.get_field_index("customer_id"), "customer_id", ids)
    parquet.write_table(rows.set_column(place, "ordered_at", times), orders / "spoilt.parquet")


def test_scores_are_those_of_one_machine(
    spark: SparkSession, scored_shop: tuple[Path, pa.Table, Path]
) -> None:
    """Each customer once, with the very status, probability, tier, value and reasons; in few partitions and in many."""
    folder, wanted, model = scored_shop
    given = {one.name: spark.read.parquet(str(one)) for one in folder.iterdir() if one.name in SCHEMAS}
    statuses = set(wanted["status"].to_pylist())
    assert statuses == {"scored", "not_eligible", "no_history", "invalid"}
    for partitions in (1, 12):
        scores = score_on_spark(
            Tables(given, partitions=partitions), model, AS_OF, reasons=ReasonSettings("customer")
        ).toArrow()
        got = scores.sort_by("customer_id")
        assert got.column_names == list(COLUMNS)
        for name in COLUMNS:
            assert got[name].to_pylist() == wanted[name].to_pylist(), name


def test_the_work_of_a_partition_scores_its_customers(scored_shop: tuple[Path, pa.Table, Path]) -> None:
    """Also where all customers are in one, and where nobody ordered anything."""
    folder, wanted, model = scored_shop
    tables = {
        one.name: TableSource(f"{one.name}/*.parquet") for one in folder.iterdir() if one.name in SCHEMAS
    }
    store = annotated(
        read_events(SourceSettings(tables, folder, max_bad_share=1.0)), TextSettings("lexicon")
    )[0]
    work: dict[str, Any] = {
        "texts": _texts(model, bundle.load(model)),
        "as_of": instant(AS_OF),
        "shift": bundle.load(model).in_season(instant(AS_OF), lambda: [store]).calibration.shift,
        "tiers": TierSettings(),
        "value": ValueSettings(),
        "reasons": ReasonSettings("customer"),
    }
    got = pa.Table.from_batches(_scores(store, **work))
    assert got.equals(wanted.select(COLUMNS).cast(got.schema))
    without = {**store.tables, "orders": store.tables["orders"].select(np.empty(0, dtype=np.int64))}
    rest = pa.Table.from_batches(_scores(replace(store, tables=without), **work))
    assert set(rest["status"].to_pylist()) == {"no_history", "invalid"}
    assert rest["model_version"].to_pylist() == wanted["model_version"].to_pylist()


def test_a_model_that_reads_what_is_not_there_is_refused(
    spark: SparkSession, scored_shop: tuple[Path, pa.Table, Path]
) -> None:
    """Before anything is computed."""
    folder, _, model = scored_shop
    orders = spark.read.parquet(str(folder / "orders"))
    with pytest.raises(ModelError, match="which these tables cannot feed"):
        score_on_spark(Tables({"orders": orders}), model, AS_OF)


def test_a_model_of_texts_read_otherwise_is_refused(
    spark: SparkSession, scored_shop: tuple[Path, pa.Table, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its features would mean something else here, unless the tables bring the sentiment along."""
    folder, _, model = scored_shop
    given = {one.name: spark.read.parquet(str(one)) for one in folder.iterdir() if one.name in SCHEMAS}
    monkeypatch.setattr("retain.pipeline.spark.reader_of", lambda _: "another way")
    with pytest.raises(ModelError, match="not read by the word lists alone"):
        score_on_spark(Tables(given), model, AS_OF)
