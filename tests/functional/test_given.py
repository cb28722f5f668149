"""Customers who come with a label and without dates: from the file to the CRM."""

from __future__ import annotations

import csv
import io
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.functional.conftest import Ran

LABELLED, UNLABELLED = 900, 30
STATIC = {
    "Plan": "category",
    "Months": "number",
    "Fee": "auto",
    "Since": "date",
    "Always": "auto",
    "Never": "auto",
}
CONFIG = """
name = "labels"

[source.tables.customers]
path = "customers.csv"
columns = {{ customer_id = "No", label = "Left" }}
values.label = {{ gone = "yes", here = "no" }}

[source.tables.customers.static]
{static}

[churn]
definition = "given"

[evaluation]
resamples = 50

[value]
{value}
"""


def snapshot(labelled: int = LABELLED, unlabelled: int = UNLABELLED, seed: int = 3) -> list[dict[str, str]]:
    """Made-up customers: those with a monthly plan and few months leave; a few have a plan that nobody knows."""
    random = np.random.default_rng(seed)
    rows = []
    for at in range(labelled + unlabelled):
        plan = str(random.choice(["monthly", "yearly", "two-year", ""], p=[0.5, 0.2, 0.2, 0.1]))
        months = int(random.integers(0, 60))
        risk = {"monthly": 1.2, "yearly": -1.0, "two-year": -2.0, "": 0.5}[plan] - months / 25
        gone = risk + random.logistic() > 0
        label = ("gone" if gone else "here") if at < labelled else ""
        rows.append(
            {
                "No": f"{seed}-{at:04}",
                "Plan": plan if at != labelled else "never seen before",
                "Months": str(months),
                "Fee": f"{random.uniform(10, 90):.2f}",
                "Since": f"20{random.integers(10, 20)}-0{random.integers(1, 9)}-11",
                "Always": "x",
                "Never": "",
                "Left": label,
            }
        )
    return rows


def written(rows: list[dict[str, str]]) -> str:
    text = io.StringIO()
    out = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
    out.writeheader()
    out.writerows(rows)
    return text.getvalue()


@dataclass(frozen=True)
class Place:
    """A folder with a table of customers, its configuration and a workspace."""

    folder: Path
    run: Callable[..., Ran]

    def __call__(self, *words: object) -> Ran:
        """Run a verb."""
        return self.run(
            "--config", self.folder / "own.toml", "--workspace", self.folder / "workspace", *words
        )

    def well(self, *words: object) -> Any:
        """The JSON result of a verb that has to succeed."""
        ran = self(*words, "--json")
        assert ran.code == 0, ran.err
        return ran.json

    def put(self, rows: list[dict[str, str]]) -> None:
        """Other customers in place of those that were there."""
        (self.folder / "customers.csv").write_text(written(rows), encoding="utf-8")


Make: TypeAlias = "Callable[..., Place]"


@pytest.fixture(scope="module")
def make(tmp_path_factory: pytest.TempPathFactory, model_store: Path, cli: Callable[..., Ran]) -> Make:
    """A function from customers, and what the configuration says of them, to a place of their own."""

    def made(
        rows: list[dict[str, str]],
        *,
        static: dict[str, str] | None = None,
        value: str = 'monthly = "Fee"',
        more: str = "",
    ) -> Place:
        folder = tmp_path_factory.mktemp("given")
        (folder / "workspace").mkdir()
        shutil.copy(model_store, folder / "workspace" / "mlflow.db")
        chosen = STATIC if static is None else static
        lines = "\n".join(f'{name} = "{kind}"' for name, kind in chosen.items())
        (folder / "own.toml").write_text(CONFIG.format(static=lines, value=value) + more, encoding="utf-8")
        place = Place(folder, cli)
        place.put(rows)
        return place

    return made


@pytest.fixture(scope="module")
def home(make: Make) -> Place:
    """A place with a model."""
    place = make(snapshot())
    trained = place.well("train")
    assert trained["promotion"]["champion"], trained["promotion"]["reasons"]
    return place


def refused(ran: Ran, code: int, *words: str) -> None:
    """The call ended with that code and one message with these words."""
    assert ran.code == code, ran.err
    assert "Traceback" not in ran.err
    for word in words:
        assert word in ran.err.splitlines()[-1]


def test_training_says_what_was_done_and_what_could_not_be(home: Place) -> None:
    """Ten parts, no cutoffs, and the warning; the same data give the same model, which stays champion."""
    again = home.well("train")
    assert (again["folds"], again["cutoffs"]) == (10, [])
    assert again["rows"] == LABELLED
    assert "through time" in again["warning"]
    assert again["promotion"]["champion"]
    assert len(home.well("models", "list")["models"]) == 1
    said = home("train").out
    assert "customers with a label" in said
    assert "nothing could be checked through time" in said


def test_validate_says_what_each_column_holds(home: Place) -> None:
    """And which of them say nothing."""
    found = home.well("validate")
    assert (found["labelled"], found["customers"]) == (LABELLED, LABELLED + UNLABELLED)
    holds = {one["column"]: (one["holds"], one["note"]) for one in found["attributes"]}
    assert holds == {
        "Plan": ("category", ""),
        "Months": ("number", ""),
        "Fee": ("number", ""),
        "Since": ("date", ""),
        "Always": ("category", "always the same"),
        "Never": ("category", "no word is had by enough customers"),
    }
    assert "through time" in found["warning"]
    said = home("validate").out
    assert "static_Since" in said
    assert "A model can be trained, and checked on customers left out of training." in said


def test_evaluation_is_of_customers_left_out(home: Place) -> None:
    """All metrics with intervals, the baseline that needs no orders, and the warning."""
    found = home.well("evaluate")
    assert (found["n"], found["cutoff"], found["folds"]) == (LABELLED, None, 10)
    assert list(found["baselines"]) == ["one_feature"]
    assert found["auroc"]["low"] > 0.6
    assert found["auroc"]["value"] > found["baselines"]["one_feature"]["auroc"]["value"]
    assert 0.8 < found["calibration_slope"] < 1.25
    assert "through time" in found["warning"]
    said = home("evaluate").out
    assert "predicted in 10 parts, each by models of the others" in said
    assert "nothing could be checked through time" in said
    assert home.well("evaluate", "--model", "1")["auroc"] == found["auroc"]


def test_every_customer_is_scored_once(home: Place) -> None:
    """Labelled or not, also with a word that no model has seen; twice gives the same bytes."""
    run = home.well("score", "--as-of", "2024-01-01")
    assert run["statuses"] == {
        "scored": LABELLED + UNLABELLED,
        "not_eligible": 0,
        "no_history": 0,
        "invalid": 0,
    }
    assert not any("hold no time" in note for note in run["notes"])
    scores = Path(run["scores"])
    before = scores.read_bytes()
    home.well("score", "--as-of", "2024-01-01")
    assert scores.read_bytes() == before
    table = pq.read_table(scores).to_pylist()
    assert sorted(one["customer_id"] for one in table) == sorted(one["No"] for one in snapshot())
    fees = {one["No"]: float(one["Fee"]) for one in snapshot()}
    for one in table[:20]:
        assert one["expected_value"] == pytest.approx(12 * fees[one["customer_id"]], abs=0.01)
    said = {reason for one in table for reason in (one["reason_1"], one["reason_2"], one["reason_3"])}
    assert "Risk up: Plan is monthly" in said
    assert "Risk down: Plan is two-year" in said
    assert any("Months is" in str(one) for one in said)
    new = next(one for one in table if one["customer_id"] == f"3-{LABELLED:04}")
    assert "never seen before" not in str(new)


def test_scores_without_any_time_bear_the_present_day(make: Make) -> None:
    """And say so; a fixed value stands in where nothing tells one."""
    place = make(snapshot(300), static={"Plan": "auto", "Months": "auto"}, value="fixed = 100.0")
    assert place.well("train")["trained_until"] is None
    run = place.well("score", "--model", "1")
    assert run["trained_until"] is None
    assert "1970" not in place("models", "list").out
    assert any("hold no time" in note for note in run["notes"])
    values = pq.read_table(run["scores"])["expected_value"].to_pylist()
    assert set(values) == {100.0}


def test_the_other_verbs_follow(home: Place) -> None:
    """Explanation, export, features, card and report; a backtest cannot, and says why."""
    home.well("score", "--as-of", "2024-01-01")
    told = home.well("explain", "3-0001", "--as-of", "2024-01-01")
    plan = next(one for one in told["drivers"] if one["feature"] == "static_Plan")
    assert plan["value"] in {"monthly", "yearly", "two-year", None}
    assert told["orders_known"] == 0
    assert home("export", "--to", "csv").code == 0
    panel = home.folder / "panel.csv"
    home.well("features", "--cutoff", "2024-01-01", "--out", panel)
    lines = list(csv.DictReader(panel.read_text(encoding="utf-8").splitlines()))
    assert len(lines) == LABELLED + UNLABELLED
    assert {one["static_Plan"] for one in lines} == {"monthly", "yearly", "two-year", ""}
    page = home.folder / "page.html"
    home.well("evaluate", "--report", page)
    text = page.read_text(encoding="utf-8")
    assert "nothing could be checked through time" in text
    assert "Nothing says since when these have been so: Plan" in text
    assert "customers as they were on" not in text
    card = home("models", "show", "champion", "--card").out
    assert "nothing could be checked through time" in card
    assert "divided into 10 parts" in card
    assert "| Plan | monthly |" in card
    assert "`static_Plan`" in card
    refused(home("backtest"), 6, "no past cutoffs", "retain evaluate")
    refused(home("evaluate", "--cutoff", "2024-01-01"), 2, "leave --cutoff out")


def test_rows_in_another_order_give_the_same_model_and_scores(home: Place, make: Make) -> None:
    """Byte for byte."""
    other = make(list(reversed(snapshot())))
    other.well("train")
    runs = [one.well("score", "--as-of", "2024-01-01") for one in (home, other)]
    assert runs[0]["model_version"] == runs[1]["model_version"]
    assert Path(runs[0]["scores"]).read_bytes() == Path(runs[1]["scores"]).read_bytes()


def test_a_newer_snapshot_is_compared_on_the_same_parts(make: Make) -> None:
    """The same recipe on more customers passes the gate, and takes over."""
    place = make(snapshot())
    first = place.well("train")
    place.put([*snapshot(), *snapshot(60, 0, seed=4)])
    second = place.well("train")
    assert second["model_version"] != first["model_version"]
    checks = {one["name"]: one for one in second["promotion"]["checks"]}
    assert second["promotion"]["compared_with"] == first["model_version"]
    assert "champion" in checks
    assert "age" in checks
    assert "10 parts of the customers, each left out" in checks["order"]["words"]
    assert place.well("evaluate")["n"] == LABELLED + 60


def test_a_column_that_knows_the_outcome_stops_the_training(make: Make) -> None:
    """Also where it is a category; the message names it, and the configuration may accept it."""
    rows = [
        {**one, "Always": {"gone": "final bill", "here": "none"}.get(one["Left"], "")} for one in snapshot()
    ]
    place = make(rows)
    refused(place("train"), 11, "static_Always", "knowing the outcome")
    config = place.folder / "own.toml"
    config.write_text(config.read_text() + '\n[training]\nallow_leaks = ["static_Always"]\n')
    assert place.well("train")["rows"] == LABELLED


def test_bad_labels_are_refused_in_words(make: Make) -> None:
    """None at all, too few of a class, a word that is neither, or no such table."""
    rows = snapshot(60)
    nobody = make([{**one, "Left": ""} for one in rows])
    refused(nobody("train"), 7, "None of the 90 customers has a label")
    assert "No model can be trained yet" in nobody("validate").out
    few = make(snapshot(16, 0))
    refused(few("train"), 7, "labelled customers", "10 of each are the least")
    odd = make([{**one, "Left": one["Left"].replace("gone", "perhaps")} for one in rows])
    refused(odd("train"), 5, "label is neither yes nor no")
    lacking = make(rows)
    config = lacking.folder / "own.toml"
    config.write_text(config.read_text().replace(', label = "Left"', "").replace("values.label", "# "))
    refused(lacking("train"), 5, "customers has no column label")
    config.write_text(config.read_text().replace("source.tables.customers]", "source.tables.orders]"))
    assert lacking("train").code == 3
    wrong = make(rows, value='monthly = "Rent"')
    refused(wrong("train"), 3, "monthly = 'Rent'", "source.tables.customers.static")
    words = make(rows, value='monthly = "Plan"')
    words.well("train")
    refused(words("score", "--model", "1"), 3, "does not hold numbers")


def test_odd_values_do_not_stop_it(make: Make) -> None:
    """An infinite number is a bad row, whose customer is invalid; the rest is scored."""
    rows = snapshot(300)
    rows[5]["Fee"] = "1e999"
    place = make(rows)
    place.well("train")
    run = place.well("score", "--as-of", "2024-01-01", "--model", "1")
    assert run["statuses"]["invalid"] == 1
    assert run["statuses"]["scored"] == len(rows) - 1


def test_init_guesses_it(make: Make) -> None:
    """A file with a label and no orders; what it writes trains."""
    place = make(
        [{**one, "Left": {"gone": "Yes", "here": "No"}.get(one["Left"], "")} for one in snapshot(300)]
    )
    source = (
        (place.folder / "customers.csv")
        .read_text()
        .replace("No,", "customerID,", 1)
        .replace(",Left", ",Churn", 1)
    )
    (place.folder / "customers.csv").write_text(source)
    (place.folder / "own.toml").unlink()
    made = place.run(
        "init", place.folder / "customers.csv", "--out", place.folder / "own.toml", "--json"
    ).json
    assert made["definition"] == "given"
    assert place.well("train")["rows"] == 300


def test_attributes_join_dated_events(shop: Any, cli: Callable[..., Ran], tmp_path: Path) -> None:
    """Where churn is inactivity too; validate and the card say that they may know the outcome, and any engine has them."""
    text = shop.config.read_text(encoding="utf-8")
    admitted = 'country = "auto"\nloyalty_tier = "auto"\npoints_balance = "auto"\nbirth_date = "auto"\n'
    text = text.replace(
        "[source.tables.orders]", f"[source.tables.customers.static]\n{admitted}\n[source.tables.orders]"
    )
    name = next(line for line in text.splitlines() if line.startswith("name"))
    config = tmp_path / "static.toml"
    config.write_text(text.replace(name, 'name = "static_shop"'), encoding="utf-8")
    words = ("--config", config, "--workspace", shop.workspace)
    found = cli(*words, "validate", "--json").json
    assert [one["holds"] for one in found["attributes"]] == ["category", "category", "number", "date"]
    assert "static_country" in found["features"]
    trained = cli(*words, "train", "--json").json
    told = cli(*words, "models", "show", trained["model"], "--card").out
    assert "nothing says since when they have been so" in told
    scored = cli(*words, "score", "--model", trained["model"], "--json")
    assert scored.code == 0, scored.err


def test_orders_come_along_with_labels(make: Make) -> None:
    """Their features and the RFM baseline join in; who has no row of their own is not scored."""
    rows = snapshot(300, 5)
    place = make(rows)
    # The last order is older than what the customers tell.
    lines = [f"{one['No']},2015-0{1 + at % 9}-05,{10 + at % 7}" for at, one in enumerate(rows)]
    orders = "\n".join(["customer_id,ordered_at,amount", *lines, "stranger,2015-03-01,5"]) + "\n"
    (place.folder / "orders.csv").write_text(orders)
    config = place.folder / "own.toml"
    config.write_text(
        config.read_text().replace("[churn]", '[source.tables.orders]\npath = "orders.csv"\n\n[churn]')
    )
    trained = place.well("train")
    assert "rfm_logistic" in trained["validation_auroc"]
    assert set(place.well("evaluate")["baselines"]) == {"one_feature", "rfm_logistic"}
    run = place.well("score", "--model", "1")
    assert run["statuses"] == {"scored": len(rows), "not_eligible": 0, "no_history": 1, "invalid": 0}
    assert (
        place.well("explain", "stranger", "--model", "1")["status_reason"] == "not in the table of customers"
    )
    assert place.well("explain", rows[0]["No"], "--model", "1")["orders_known"] == 1
    page = place.folder / "page.html"
    place.well("evaluate", "--report", page)
    assert page.exists()


def test_without_a_model_evaluation_trains_one(make: Make) -> None:
    """Once; it is no challenger until somebody promotes it."""
    place = make(snapshot(300))
    assert place.well("evaluate")["trained_now"]
    assert not place.well("evaluate")["trained_now"]
    assert "champion" in place.well("models", "promote", "1", "--force")["aliases"]


def test_mlflow_serves_a_model_of_categories(home: Place) -> None:
    """Words go in, as `retain features` writes them; the probabilities are those of the scores."""
    run = home.well("score", "--as-of", "2024-01-01")
    import mlflow  # noqa: PLC0415  # only after retain has switched its telemetry off

    panel = home.folder / "panel.parquet"
    home.well("features", "--cutoff", "2024-01-01", "--out", panel)
    uri = f"sqlite:///{home.folder / 'workspace' / 'mlflow.db'}"
    mlflow.set_tracking_uri(uri)
    model = mlflow.pyfunc.load_model("models:/retain-labels@champion")
    rows = pd.read_parquet(panel)
    answer = model.predict(rows.drop(columns=["customer_id", "cutoff", "eligible"]))
    scores = pd.read_parquet(run["scores"]).set_index("customer_id")["churn_probability"]
    served = pd.Series(answer["churn_probability"].to_numpy(), index=rows["customer_id"])
    assert served.to_dict() == pytest.approx(scores.to_dict(), abs=1e-12)
