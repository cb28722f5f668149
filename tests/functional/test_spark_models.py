"""Models of contracts, of given labels and of attributes score on Spark as on one machine."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet

from retain.engine.spark import Tables
from retain.errors import ConfigError, ModelError, SourceError
from retain.modelling.tracking import CHALLENGER, Tracking, TrackingSettings
from retain.pipeline.spark import COLUMNS, score_on_spark
from retain.scoring.value import ValueSettings
from retain.timeline import DAY, instant

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pyspark.sql import DataFrame, SparkSession

AS_OF = "2024-01-01"
CUSTOMERS = 600
CONTRACTS = """
name = "spark"
[source.tables.customers]
path = "customers.parquet"
[source.tables.customers.static]
plan = "auto"
[source.tables.contracts]
path = "contracts.parquet"
[churn]
definition = "contract"
horizon_days = 60
[training]
learners = ["logistic"]
validation_cutoffs = 2
"""
GIVEN = """
name = "spark"
[source.tables.customers]
path = "customers.parquet"
[source.tables.customers.static]
plan = "category"
months = "number"
fee = "auto"
since = "date"
paperless = "auto"
loyalty_tier = "auto"
[source.tables.orders]
path = "orders.parquet"
[churn]
definition = "given"
[value]
monthly = "fee"
"""


def people(rng: np.random.Generator) -> pa.Table:
    """Customers with a label that plan and months explain, and some without one."""
    plan = rng.choice(["monthly", "yearly", "lifetime"], CUSTOMERS, p=[0.5, 0.45, 0.05])
    months = rng.integers(0, 60, CUSTOMERS)
    gone = np.where(plan == "monthly", 1.5, -1.0) - months / 30 + rng.logistic(size=CUSTOMERS) > 0
    days = pa.array(rng.integers(17_000, 19_600, CUSTOMERS), pa.int32())
    return pa.table(
        {
            "customer_id": [f"c{one}" for one in range(CUSTOMERS)],
            "plan": pa.array(plan, mask=rng.random(CUSTOMERS) < 0.05),
            "months": pa.array(months, mask=rng.random(CUSTOMERS) < 0.05),
            "fee": np.round(rng.uniform(5, 50, CUSTOMERS), 2),
            "since": days.cast(pa.date32()),
            "paperless": rng.random(CUSTOMERS) < 0.5,
            "loyalty_tier": rng.choice(["gold", "tin"], CUSTOMERS),
            "label": pa.array(gone, mask=rng.random(CUSTOMERS) < 0.05),
        }
    )


def events(time: str, rng: np.random.Generator, of: int = CUSTOMERS * 101 // 100) -> dict[str, Any]:
    """Whose rows they are and when they happened; a customer in a hundred is in no table of customers."""
    rows = 1_500
    moments = instant("2022-01-01") + rng.integers(0, 730, rows) * DAY
    return {
        "customer_id": [f"c{one}" for one in rng.integers(0, of, rows)],
        time: pa.array(moments).cast(pa.timestamp("us", tz="UTC")),
    }


def contracts(rng: np.random.Generator) -> pa.Table:
    """Contracts of three prices, most of which have ended."""
    begun = events("started_at", rng)
    lasting = pa.array(rng.geometric(1 / 200, len(begun["customer_id"])) * DAY)
    ended = pa.array(np.asarray(begun["started_at"].cast(pa.int64())) + np.asarray(lasting))
    known = np.asarray(ended) < instant(AS_OF)
    return pa.table(
        {
            **begun,
            "ended_at": pa.array(np.asarray(ended), mask=~known).cast(pa.timestamp("us", tz="UTC")),
            "plan": rng.choice(["s", "m", "l"], len(known)),
            "monthly_price": rng.choice([5.0, 9.5, 20.0], len(known)),
            "term_months": rng.choice([1.0, 12.0], len(known)),
        }
    )


@dataclass(frozen=True)
class Place:
    """A folder with tables, the folder of the model that was trained on them, and what one machine says of them."""

    folder: Path
    model: Path
    scores: pa.Table

    def tables(self, spark: SparkSession) -> dict[str, DataFrame]:
        """The same tables as DataFrames."""
        return {one.stem: spark.read.parquet(str(one)) for one in self.folder.glob("*.parquet")}


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory, model_store: Path, cli: Callable[..., Any]) -> Any:
    """A function from a configuration to a place where a model was trained and scored."""

    def made(text: str, **whose: int) -> Place:
        folder, rng = tmp_path_factory.mktemp("models"), np.random.default_rng(4)
        parquet.write_table(people(rng), folder / "customers.parquet")
        if "contracts" in text:
            parquet.write_table(contracts(rng), folder / "contracts.parquet")
        else:
            bought = events("ordered_at", rng, **whose)
            orders = pa.table({**bought, "amount": rng.uniform(1, 90, 1_500).round(2)})
            parquet.write_table(orders, folder / "orders.parquet")
        workspace = folder / "workspace"
        workspace.mkdir()
        shutil.copy(model_store, workspace / "mlflow.db")
        config = folder / "own.toml"
        config.write_text(text, encoding="utf-8")
        # So few customers need not make a model that passes the gate.
        for words in (
            ("train",),
            ("score", "--model", CHALLENGER, "--as-of", AS_OF, "--out", folder / "out"),
        ):
            ran = cli("--config", config, "--workspace", workspace, *words)
            assert ran.code == 0, ran.err
        tracking = Tracking(TrackingSettings(), workspace, "spark")
        return Place(
            folder,
            tracking.bundle_of(tracking.find(CHALLENGER)),
            parquet.read_table(folder / "out" / "scores.parquet"),
        )

    return made


@pytest.fixture(scope="module")
def given(place: Callable[[str], Place]) -> Place:
    """A model of given labels, of attributes and orders."""
    return place(GIVEN)


@pytest.fixture(scope="module")
def spark(start_spark: Callable[..., SparkSession]) -> SparkSession:
    """Spark far from UTC."""
    return start_spark(**{"spark.sql.session.timeZone": "Asia/Kathmandu"})


def assert_same(scores: DataFrame, wanted: pa.Table) -> None:
    """Every customer once, every column to the bit."""
    got = scores.toArrow().sort_by("customer_id")
    assert got.column_names == list(COLUMNS)
    for name in COLUMNS:
        assert got[name].to_pylist() == wanted[name].to_pylist(), name


def test_a_model_of_contracts_scores_as_on_one_machine(
    spark: SparkSession, place: Callable[[str], Place]
) -> None:
    """Who has a running contract, with what it brings; the model reads an attribute too, which the tables need not name."""
    here = place(CONTRACTS)
    assert {"scored", "not_eligible", "no_history"} == set(here.scores["status"].to_pylist())
    for partitions in (1, 7):
        scores = score_on_spark(Tables(here.tables(spark), partitions=partitions), here.model, AS_OF)
        assert_same(scores, here.scores)


def test_a_model_of_given_labels_scores_as_on_one_machine(spark: SparkSession, given: Place) -> None:
    """From attributes of every kind; those who are in no table of customers are not asked about."""
    assert {"scored", "no_history"} == set(given.scores["status"].to_pylist())
    assert any("plan is" in one for one in given.scores["reason_1"].to_pylist() if one)
    value = ValueSettings(monthly="fee")
    for partitions in (1, 7):
        tables = Tables(given.tables(spark), partitions=partitions)
        assert_same(score_on_spark(tables, given.model, AS_OF, value=value), given.scores)


@pytest.mark.parametrize("buyers", [1, 60])
def test_where_nobody_of_a_partition_ordered_the_value_is_0(
    spark: SparkSession, place: Callable[..., Place], buyers: int
) -> None:
    """As on one machine, whether or not there are enough buyers to learn from how much each will bring."""
    here = place(GIVEN.replace('monthly = "fee"', ""), of=buyers)
    worth = here.scores["expected_value"].to_numpy()
    assert (worth == 0).sum() == CUSTOMERS - buyers
    assert (worth > 0).sum() == buyers
    for partitions in (1, 40):
        assert_same(
            score_on_spark(Tables(here.tables(spark), partitions=partitions), here.model, AS_OF), here.scores
        )


def test_attributes_that_do_not_fit_the_model_are_refused(spark: SparkSession, given: Place) -> None:
    """A column that is missing or of another type, with what would do; and a missing table."""
    there = given.tables(spark)
    customers = (
        there["customers"].drop("plan").withColumn("months", there["customers"]["months"].cast("string"))
    )
    with pytest.raises(SourceError) as caught:
        score_on_spark(Tables({**there, "customers": customers}), given.model, AS_OF)
    assert str(caught.value).splitlines()[1:] == [
        "- customers has no column 'plan'. Add or rename one.",
        "- customers.months is string. Cast it to one of: double, decimal, byte, short, integer, long.",
    ]
    with pytest.raises(ModelError, match="reads customers, which these tables cannot feed"):
        score_on_spark(Tables({"orders": there["orders"]}), given.model, AS_OF)


def test_columns_that_cannot_be_static_are_refused(spark: SparkSession, given: Place) -> None:
    """The label, a kind that is none, and columns of no table."""
    there = given.tables(spark)
    for static, message in (({"label": "auto"}, "cannot be a feature"), ({"plan": "word"}, "Choose one of")):
        with pytest.raises(ConfigError, match=message):
            Tables(there, static=static)
    with pytest.raises(SourceError, match="no table 'customers', of which columns are static"):
        Tables({"orders": there["orders"]}, static={"plan": "auto"})
