"""Churn by contract through every verb, from contracts and nothing else."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from pyarrow import parquet

from retain.config import load_config
from retain.pipeline import assess
from retain.pipeline.project import Project
from retain.pipeline.report import write_report
from retain.pipeline.score import in_full, run_scoring
from retain.timeline import DAY, instant, instant_text

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).parents[2]
CONFIG = """
name = "phones"
[source.tables.contracts]
path = "contracts.csv"
[churn]
definition = "contract"
horizon_days = 60
[training]
learners = ["logistic"]
validation_cutoffs = 3
[value]
currency = "EUR"
margin_share = 0.5
"""
BEGIN, END = instant("2022-01-01"), instant("2024-01-01")
PLANS = (("basic", 900, 0.09), ("plus", 1500, 0.04), ("premium", 2400, 0.015))


def contracts(customers: int, seed: int) -> list[str]:
    """Contracts of a telephone company that began its table in 2022: who pays little leaves soon, and some come back."""
    random = np.random.default_rng(seed)
    lines = []
    for number in range(customers):
        start = BEGIN + int(random.integers(-300, 700)) * DAY
        while True:
            name, cents, chance = PLANS[int(random.integers(3))]
            end = start + int(30 * random.geometric(chance) + random.integers(1, 29)) * DAY
            if BEGIN <= end < END or (end >= END and start < END):
                ended = instant_text(end) if end < END else ""
                lines.append(f"p{number:04},{instant_text(start)},{ended},{name},{cents / 100}")
            if end >= END - 90 * DAY or random.random() < 0.7:
                break
            start = end + int(random.integers(1, 200)) * DAY
    return lines


@dataclass(frozen=True)
class Phones:
    """The telephone company: calls of verbs, and its project."""

    cli: Callable[..., Any]
    config: Path
    workspace: Path

    def __call__(self, *words: object) -> Any:
        """The JSON result of a verb that has to succeed."""
        ran = self.cli("--config", self.config, "--workspace", self.workspace, *words, "--json")
        assert ran.code == 0, ran.err
        return ran.json

    def project(self) -> Project:
        """What the library works on."""
        return Project(load_config(self.config, self.workspace), self.workspace)


@pytest.fixture(scope="module")
def phones(tmp_path_factory: pytest.TempPathFactory, model_store: Path, cli: Callable[..., Any]) -> Phones:
    """The telephone company, of which a model was trained."""
    folder = tmp_path_factory.mktemp("phones")
    (folder / "work").mkdir()
    (folder / "work" / "mlflow.db").write_bytes(model_store.read_bytes())
    lines = contracts(900, seed=4)
    (folder / "contracts.csv").write_text(
        "\n".join(["customer_id,started_at,ended_at,plan,monthly_price", *lines]), encoding="utf-8"
    )
    (folder / "phones.toml").write_text(CONFIG, encoding="utf-8")

    home = Phones(cli, folder / "phones.toml", folder / "work")
    assert set(home("train")["validation_auroc"]) == {"logistic", "tenure_hazard"}
    return home


def test_the_data_are_told_from_contracts(phones: Phones) -> None:
    """From the first end on; a model can be trained."""
    found = phones("validate")
    assert found["first_event"].startswith("2022-01")
    assert found["active_customers"] > 100
    assert found["obstacle"] == ""
    assert "contract_price_running" in found["features"]
    assert "orders_30d" in found["features_without_data"]


def test_the_model_is_beside_baselines_of_contracts(phones: Phones) -> None:
    """The price tells who leaves, which no tenure does; probabilities mean what they say."""
    found = phones("evaluate", "--cutoff", "2023-10-01")
    assert set(found["baselines"]) == {"tenure_hazard", "sbg"}
    assert found["auroc"]["value"] > 0.6
    assert all(found["auroc"]["value"] > one["auroc"]["value"] for one in found["baselines"].values())
    assert 0.6 < found["observed_expected"] < 1.6
    rounds = phones("backtest", "--cutoffs", "2023-09-01")["rounds"]
    assert [set(one["baselines"]) for one in rounds] == [{"tenure_hazard", "sbg"}]


def test_where_no_curve_can_be_fitted_it_is_left_out(phones: Phones, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of the baselines; the model is measured all the same."""
    monkeypatch.setattr(assess, "learn_tenure", lambda *_: None)
    assert set(phones("evaluate", "--cutoff", "2023-10-01")["baselines"]) == {"tenure_hazard"}


def test_every_customer_has_one_score_or_the_reason_why_not(phones: Phones, tmp_path: Path) -> None:
    """Those with a running contract are scored, with the money of their contracts; the others had one, or have none yet."""
    done = phones("score", "--model", "1", "--as-of", "2023-10-01", "--out", tmp_path / "scores")
    rows = parquet.read_table(tmp_path / "scores" / "scores.parquet").to_pylist()
    assert len({one["customer_id"] for one in rows}) == len(rows) == sum(done["statuses"].values())
    by_status = {name: [one for one in rows if one["status"] == name] for name in done["statuses"]}
    assert min(len(by_status[name]) for name in ("scored", "not_eligible", "no_history")) > 5
    for one in by_status["scored"]:
        assert 0 < one["churn_probability"] < 1
        # At most a year of the dearest plan, half of it margin.
        assert 0 < one["expected_value"] <= 24 * 12 * 0.5 * 2
        assert one["reason_1"]
    assert all(one["status_reason"].startswith("last contract ended ") for one in by_status["not_eligible"])
    assert {one["status_reason"] for one in by_status["no_history"]} == {"no contract known before this date"}
    phones("export", "--to", "csv", "--scores", tmp_path / "scores", "--out", tmp_path / "crm")
    for status, wanted in (("scored", True), ("not_eligible", False)):
        told = phones("explain", by_status[status][0]["customer_id"], "--as-of", "2023-10-01", "--model", "1")
        assert (told["churn_probability"] is not None) == wanted
        assert told["latest_orders"] == []


def test_features_and_key_figures_need_no_orders(phones: Phones, tmp_path: Path) -> None:
    """A row for everybody who had a contract before; what orders would tell is unknown."""
    phones("features", "--cutoff", "2023-06-01", "--out", tmp_path / "panel.parquet")
    panel = parquet.read_table(tmp_path / "panel.parquet").to_pandas()
    assert (panel["eligible"] == (panel["contracts_running"] > 0)).all()
    assert 0 < panel["eligible"].mean() < 1
    assert (panel["contracts_begun"] > 0).all()
    figures = phones("kpis")["periods"][-1]["kpis"]
    assert figures["revenue"]["value"] is None


def test_the_report_speaks_of_contracts(phones: Phones, tmp_path: Path) -> None:
    """Of customers with a running contract, who may end it."""
    project = phones.project()
    run = in_full(project, run_scoring(project, out=tmp_path / "scores"))
    page = write_report(project, run, None, tmp_path / "page.html")
    words = page.read_text(encoding="utf-8")
    assert "A customer has churned whose contract ends" in words
    assert "customers with a running contract" in words
    assert "no contract known before the date of the scores" in words
    assert "with an order in" not in words


def test_the_generated_shop_s_subscriptions_have_a_configuration(shop: Any) -> None:
    """Its tables are there, and a model could be trained."""
    config = load_config(ROOT / "configs" / "sources" / "shop_contracts.toml", shop.workspace)
    project = Project(config, shop.workspace)
    assert config.churn.in_words.startswith("A customer with a running contract")
    assert {"contract_tenure_days", "tickets_90d", "recency_days"} <= set(project.features.names)
