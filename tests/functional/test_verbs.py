"""Each verb as its user meets it: explain, kpis, models, features, validate, train, evaluate, init."""

from __future__ import annotations

import datetime as dt
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import csv, parquet

from retain.errors import TrainingError
from retain.features.catalog import EVERY
from retain.lifetime import forecast
from retain.pipeline import assess

if TYPE_CHECKING:
    from collections.abc import Callable

SHOP = Path(__file__).parents[2] / "configs" / "sources" / "shop.toml"
ENDING = "2025-01-01"


@pytest.fixture(scope="module")
def by_status(shop: Any) -> dict[str, list[dict[str, Any]]]:
    """The rows of the shop's scores by their status."""
    rows = parquet.read_table(shop.workspace / "shop" / "scores" / ENDING / "scores.parquet").to_pylist()
    return {
        status: [one for one in rows if one["status"] == status] for status in {one["status"] for one in rows}
    }


def test_explain_agrees_with_the_scores(shop: Any, by_status: dict[str, list[dict[str, Any]]]) -> None:
    """A scored customer has the same probability, tier, value, reasons and action as in the scores."""
    for row in by_status["scored"][:3]:
        found = shop.well("explain", row["customer_id"])
        for name in ("status", "churn_probability", "risk_tier", "expected_value", "model_version"):
            assert found[name] == row[name]
        assert found["reasons"] == [row[f"reason_{at}"] for at in (1, 2, 3) if row[f"reason_{at}"]]
        assert (found["recommended_action"], found["action_channel"], found["action_why"]) == (
            row["recommended_action"],
            row["action_channel"],
            row["action_why"],
        )
        assert found["status_reason"] is None


def test_explain_sets_out_history_and_drivers(shop: Any, by_status: dict[str, list[dict[str, Any]]]) -> None:
    """The words show the latest orders, the probability, the strongest features and what to do."""
    row = by_status["scored"][0]
    found = shop.well("explain", row["customer_id"])
    orders = parquet.read_table(shop.workspace / "data" / "shop" / "orders").to_pylist()
    mine = [one for one in orders if one["customer_id"] == row["customer_id"] and one["kind"] == "sale"]
    assert found["orders_known"] == len(mine)
    newest = max(one["ordered_at"] for one in mine)
    assert dt.datetime.fromisoformat(found["latest_orders"][0]["ordered_at"]) == newest.replace(tzinfo=dt.UTC)
    effects = [abs(one["effect"]) for one in found["drivers"]]
    assert effects == sorted(effects, reverse=True)
    words = shop("explain", row["customer_id"]).out
    assert f"Probability of churn {row['churn_probability']:.1%}: {row['risk_tier']} risk." in words
    assert found["drivers"][0]["feature"] in words
    assert f"Recommended: {row['recommended_action']}" in words


@pytest.mark.parametrize("status", ["not_eligible", "no_history"])
def test_explain_says_why_there_is_no_score(
    shop: Any, by_status: dict[str, list[dict[str, Any]]], status: str
) -> None:
    """Whoever has no score is explained with the same status and reason as in the scores."""
    row = by_status[status][0]
    found = shop.well("explain", row["customer_id"])
    assert (found["status"], found["status_reason"]) == (status, row["status_reason"])
    assert found["churn_probability"] is None
    assert (
        f"Not scored ({status.replace('_', ' ')}): {row['status_reason']}."
        in shop("explain", row["customer_id"]).out
    )


def test_explain_of_an_earlier_day_knows_only_what_was_known_then(
    shop: Any, by_status: dict[str, list[dict[str, Any]]]
) -> None:
    """As of an earlier date no later order is shown or counted."""
    who = by_status["scored"][0]["customer_id"]
    then, now = shop.well("explain", who, "--as-of", "2024-06-01"), shop.well("explain", who)
    assert then["orders_known"] < now["orders_known"]
    assert max(one["ordered_at"] for one in then["latest_orders"]) < "2024-06-01"
    assert then["as_of"] == "2024-06-01"


def test_kpis_have_both_retention_rates_over_several_periods(shop: Any) -> None:
    """The figures of each period carry unit, number of cases and interval; retention comes in both definitions."""
    found = shop.well("kpis", "--until", "2024-12-01", "--days", "60", "--periods", "3")["periods"]
    assert [one["end"] for one in found] == ["2024-08-03", "2024-10-02", "2024-12-01"]
    assert all(one["start"] < one["end"] for one in found)
    for period in found:
        figures = period["kpis"]
        assert 0 < figures["crr_returning"]["value"] <= 1
        assert figures["crr_standard"]["value"] > 0
        assert (
            0
            < figures["churn_rate"]["low"]
            < figures["churn_rate"]["value"]
            < figures["churn_rate"]["high"]
            < 1
        )
        assert (figures["aov"]["unit"], figures["aov"]["formula"]) == ("money", "revenue / orders")
    words = shop("kpis", "--until", "2024-12-01", "--days", "60", "--periods", "3").out
    assert "to 2024-08-03" in words
    for name in ("crr_standard", "crr_returning"):
        assert any(line.split()[0] == name for line in words.splitlines() if line.strip())
    share = next(line for line in words.splitlines() if "churn_rate" in line)
    assert share.split()[2:] == [f"{one['kpis']['churn_rate']['value']:.1%}" for one in found]


def test_kpis_that_the_data_do_not_allow_say_why(own: Callable[..., Any]) -> None:
    """A figure that needs another table is unknown, not 0, and says which table."""
    home = own("customer_id,ordered_at\nc1,2022-01-01\nc1,2022-03-01\n")
    figures = home.well("kpis")["periods"][0]["kpis"]
    assert figures["nps"] == {
        "value": None,
        "low": None,
        "high": None,
        "unit": "points",
        "n": 0,
        "formula": figures["nps"]["formula"],
        "note": "there is no table feedback",
    }
    assert figures["revenue"]["value"] is None
    assert "  there is no table feedback: nps, csat" in home("kpis").out


def test_models_are_listed_shown_promoted_and_rolled_back(shop: Any) -> None:
    """The second model becomes champion and scores are its own; rolling back makes the first one champion again."""
    listed = shop.well("models", "list")["models"]
    assert [one["model"] for one in listed] == [1, 2]
    assert [one["aliases"] for one in listed] == [["champion"], ["challenger", "previous_champion"]]
    assert [one["trained_until"] for one in listed] == ["2024-09-01", ENDING]
    shown = shop.well("models", "show", "challenger")
    assert shown["model_version"] == listed[1]["model_version"]
    assert shown["card"]["training"]["until"] == ENDING
    words = shop("models", "show").out
    assert listed[0]["model_version"] in words
    assert "no order follows within 90 days" in words
    assert shop.well("models", "promote", "challenger", "--force")["aliases"] == ["challenger", "champion"]
    try:
        assert shop.well("explain", "C0000001")["model_version"] == listed[1]["model_version"]
    finally:
        back = shop.well("models", "rollback")
    assert back["model_version"] == listed[0]["model_version"]
    assert "champion" in back["aliases"]


def test_training_again_on_the_same_data_finds_the_same_model(shop: Any) -> None:
    """A second training on the same facts registers nothing new."""
    before = shop.well("models", "list")
    assert shop.well("train")["model"] == 2
    assert shop.well("models", "list") == before


def test_training_says_what_it_did(shop: Any) -> None:
    """The words name model, learners, the chosen one first, the others by their figures, and how to open MLflow on this store."""
    found, words = shop.well("train", "--until", "2024-09-01"), shop("train", "--until", "2024-09-01").out
    assert found["trained_until"] == "2024-09-01"
    assert max(found["cutoffs"]) < "2024-09-01"
    assert set(found["validation_cutoffs"]) <= set(found["cutoffs"])
    figures = list(found["validation_auroc"].values())
    assert figures[1:] == sorted(figures[1:], reverse=True)
    assert ("luck may explain" in words) == (max(figures) > figures[0])
    assert {"rfm_logistic", "lightgbm", "logistic", "blend"} == set(found["validation_auroc"])
    assert f"mlflow ui --backend-store-uri {found['tracking_uri']}" in words


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_features_of_several_cutoffs_are_those_of_each(shop: Any, tmp_path: Path, ending: str) -> None:
    """One file holds every customer with history at each cutoff; the same rows as one cutoff at a time."""
    read = csv.read_csv if ending == "csv" else parquet.read_table

    def rows(cutoffs: str) -> list[dict[str, Any]]:
        found = shop.well("features", "--cutoff", cutoffs, "--out", tmp_path / f"panel.{ending}")
        table: pa.Table = read(tmp_path / f"panel.{ending}")
        assert found["rows"] == len(table)
        assert table.column_names == ["customer_id", "cutoff", "eligible", *found["features"]]
        listed: list[dict[str, Any]] = table.to_pylist()
        return listed

    both = rows("2024-06-01,2024-09-01,2024-06-01")
    each = rows("2024-06-01") + rows("2024-09-01")
    assert both == each
    assert len({(one["customer_id"], one["cutoff"]) for one in both}) == len(both)
    assert {one["eligible"] for one in both} == {True, False}


def test_features_are_those_that_the_tables_feed(own: Callable[..., Any], tmp_path: Path) -> None:
    """Without amounts and products there are fewer features, and validate names the missing ones."""
    home = own("customer_id,ordered_at\nc1,2022-01-01\nc1,2022-03-01\nc2,2022-02-01\n")
    found = home.well("features", "--cutoff", "2022-02-15", "--out", tmp_path / "panel.csv")
    checked = home.well("validate")
    assert found["features"] == checked["features"]
    assert sorted(checked["features"] + checked["features_without_data"]) == sorted(EVERY.names)
    assert "recency_days" in checked["features"]
    assert "spend_90d" in checked["features_without_data"]
    assert f"{len(checked['features_without_data'])} more need columns" in home("validate").out
    read = csv.read_csv(tmp_path / "panel.csv").to_pylist()
    assert [(one["customer_id"], one["recency_days"]) for one in read] == [("c1", 45.0), ("c2", 14.0)]


def test_validate_describes_every_table(shop: Any) -> None:
    """Each table has its counts, its time span, how it was read and a fingerprint; and what can be trained."""
    found = shop.well("validate")
    assert set(found["tables"]) == {one.name for one in (shop.workspace / "data" / "shop").iterdir()} - {
        "truth"
    }
    for table in found["tables"].values():
        assert table["rows_read"] == table["rows_good"] + table["rows_bad"]
        assert table["format"] == "parquet"
        assert len(table["fingerprint"]) == 64
    assert found["customers"] == 400
    assert len(found["training_cutoffs"]) == 19
    assert found["latest_test_cutoff"] == "2024-10-02"
    words = shop("validate").out
    assert "A model can be trained on 19 cutoffs and tested at any cutoff up to 2024-10-02." in words


def test_evaluate_finds_the_model_that_did_not_know_the_outcome(shop: Any, tmp_path: Path) -> None:
    """Without a name the newest honest model is measured; words, JSON and page come from the same figures."""
    page = tmp_path / "quality.html"
    found = shop.well("evaluate", "--cutoff", "2024-09-15", "--report", page)
    assert (found["trained_now"], found["trained_until"]) == (False, "2024-09-01")
    assert found["report"] == str(page)
    assert "<html" in page.read_text(encoding="utf-8")
    words = shop("evaluate", "--cutoff", "2024-09-15").out
    assert f"{found['n']:,} customers, {found['churn_rate']:.1%} churned." in words
    assert f"{found['auroc']['value']:.3f}" in words
    assert "The model ranks a churner above a stayer" in words


def test_score_says_who_what_and_what_next(shop: Any, tmp_path: Path) -> None:
    """The words have date, model, counts by status and tier, and an export command that works as it stands."""
    found = shop.well("score", "--out", tmp_path / "a run")
    words = shop("score", "--out", tmp_path / "a run").out
    assert words.startswith(f"400 customers as of {ENDING}, model {found['model_version']}: ")
    assert f"{found['statuses']['scored']} scored" in words
    assert "invalid" not in words, "nobody is"
    for tier, count in found["tiers"].items():
        assert any(line.split() == [tier, str(count)] for line in words.splitlines())
    command = next(line for line in words.splitlines() if "retain export" in line).split("retain ")[1]
    assert shop(*shlex.split(command), "--out", tmp_path / "out").code == 0


def test_score_writes_a_page_when_asked(shop: Any, tmp_path: Path) -> None:
    """`score --report` adds a self-contained page to the run."""
    found = shop.well("score", "--out", tmp_path / "run", "--report", tmp_path / "page.html")
    assert found["report"] == str(tmp_path / "page.html")
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert "C0000" in page
    assert not [mark for mark in ('src="http', "url(http", '<link rel="stylesheet"') if mark in page]


def test_init_on_a_folder_of_csv_files_leads_to_a_model(
    cli: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A stranger's CSV files: init, then validate, features and kpis work with the written configuration as it is."""
    rng = np.random.default_rng(3)
    data = tmp_path / "exports"
    data.mkdir()
    lines = [
        f"{10000 + who};{day:%d.%m.%Y} 14:30;{rng.integers(5, 90)},{rng.integers(10, 99)};{who}{at}"
        for who in range(50)
        for at, day in enumerate(
            dt.date(2022, 1, 1) + dt.timedelta(days=int(one)) for one in np.cumsum(rng.integers(3, 70, 15))
        )
    ]
    (data / "orders.csv").write_text("CustomerID;InvoiceDate;Amount;InvoiceNo\n" + "\n".join(lines) + "\n")
    (data / "customers.csv").write_text(
        "CustomerID,Country\n" + "".join(f"{10000 + who},BG\n" for who in range(55)) + ""
    )
    monkeypatch.chdir(tmp_path)
    made = cli("init", "exports", "--json").json
    assert made["config"] == "retain.toml"
    assert set(made["tables"]) == {"orders", "customers"}
    found = cli("validate", "--json").json
    assert found["customers"] == 55
    assert found["tables"]["orders"]["rows_good"] == len(lines)
    assert "decimal comma" in found["tables"]["orders"]["format"]
    assert found["obstacle"] == ""
    assert cli("kpis", "--json").code == 0
    assert cli("features", "--cutoff", "2023-01-01", "--out", "panel.csv").code == 0
    assert sorted(one.name for one in tmp_path.iterdir()) == [
        "exports",
        "panel.csv",
        "retain.toml",
        "workspace",
    ]


def test_init_overwrites_nothing(cli: Callable[..., Any], tmp_path: Path) -> None:
    """A configuration that exists is left alone: 9. A folder that does not exist ends with 4."""
    (tmp_path / "orders.csv").write_text("customer_id,ordered_at\nc1,2022-01-01\n")
    (tmp_path / "retain.toml").write_text("mine")
    ran = cli("init", tmp_path, "--out", tmp_path / "retain.toml")
    assert ran.code == 9
    assert (tmp_path / "retain.toml").read_text() == "mine"
    ran = cli("init", tmp_path / "nowhere", "--out", tmp_path / "new.toml")
    assert ran.code == 4
    assert not (tmp_path / "new.toml").exists()


def test_init_reads_kinds_and_says_when_there_are_no_orders(
    cli: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without anything like orders the configuration says what is needed, and validate ends with 3."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "weather.csv").write_text("city,rain\nSofia,1\n")
    ran = cli("init", "data", "--out", "none.toml")
    assert ran.code == 0
    assert "No table of orders was recognised" in ran.out
    assert "weather.csv" in ran.out
    assert "needed: columns customer_id, ordered_at" in (tmp_path / "none.toml").read_text()
    refused = cli("--config", "none.toml", "validate")
    assert (refused.code, "[source.tables." in refused.err) == (3, True)


def test_evaluation_goes_on_where_a_baseline_cannot_be_fitted(
    shop: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where BG/NBD finds no fit the other baseline stays, and nothing pretends."""

    def fail(_: object) -> None:
        raise TrainingError("no fit")

    for reader in (assess, forecast):
        monkeypatch.setattr(reader, "fit_bgnbd", fail)
    assert set(shop.well("evaluate", "--cutoff", "2024-09-15")["baselines"]) == {"rfm_logistic"}
    assert "bgnbd" not in shop("evaluate", "--cutoff", "2024-09-15").out


@pytest.fixture
def silent(own: Callable[..., Any]) -> Any:
    """A shop without amounts whose customers all stopped in 2022, and one return in 2024."""
    rng = np.random.default_rng(4)
    lines = [
        f"{who},{np.datetime64('2022-01-01') + int(day)},o{who}-{day},sale"
        for who in range(60)
        for day in np.cumsum(rng.integers(5, 60, size=12 if who % 3 else 4))
        if day < 365
    ]
    home = own(
        "customer_id,ordered_at,order_id,kind\n" + "\n".join(lines) + "\n0,2024-01-01,back,return\n",
        settings="[training]\nlearners = ['logistic']\nvalidation_cutoffs = 8",
    )
    assert not home.well("train", "--until", "2023-01-15")["promotion"]["champion"]
    home.well("models", "promote", "challenger", "--force")
    return home


def test_shop_that_fell_silent_is_scored_all_the_same(silent: Any, tmp_path: Path) -> None:
    """Where nobody is active everyone is in the scores as not eligible, and page and export still come."""
    found = silent.well("score", "--report", tmp_path / "page.html")
    assert found["statuses"] == {"scored": 0, "not_eligible": 60, "no_history": 0, "invalid": 0}
    assert found["value_at_risk"] == 0
    assert "</html>" in (tmp_path / "page.html").read_text(encoding="utf-8")
    assert silent.well("export", "--to", "csv")["rows"] == 60
    refused = silent("evaluate", "--cutoff", "2023-08-01")
    assert (refused.code, "Nobody was active at 2023-08-01" in refused.err) == (6, True)


def test_customer_without_amounts_is_explained_without_value(silent: Any) -> None:
    """Where the source has no amounts the value is not known, and the words leave it out."""
    found = silent.well("explain", "1", "--as-of", "2022-06-01")
    assert 0 < found["churn_probability"] < 1
    assert found["expected_value"] is None
    assert {one["amount"] for one in found["latest_orders"]} == {None}
    words = silent("explain", "1", "--as-of", "2022-06-01").out
    assert "Expected to bring" not in words
    assert "not known" in words


def test_explain_recommends_what_score_does(shop: Any) -> None:
    """For the customers with most at stake too, of whom some are high in value."""
    scores = parquet.read_table(shop.well("score")["scores"])
    rows = [one for one in scores.to_pylist() if one["status"] == "scored"]
    for one in sorted(rows, key=lambda row: -row["expected_value"])[:6]:
        alone = shop.well("explain", one["customer_id"])
        assert alone["recommended_action"] == one["recommended_action"]
        assert alone["action_channel"] == one["action_channel"]
        assert alone["churn_probability"] == one["churn_probability"]
        assert alone["reasons"] == [one[f"reason_{at}"] for at in (1, 2, 3) if one[f"reason_{at}"]]


def test_evaluation_counts_purchases_that_were_recorded_late(own: Callable[..., Any]) -> None:
    """A purchase inside the label window is one, whenever it was written down."""
    rng = np.random.default_rng(3)
    rows = []
    for who in range(120):
        gap = int(rng.integers(8, 60))
        days = np.cumsum(rng.integers(gap // 2, gap + 2, 60))
        rows += [(who, day) for day in days[days < 720].tolist()]
    start = np.datetime64("2022-01-01")
    text = "customer_id,ordered_at,recorded_at,amount\n" + "".join(
        f"c{who:03},{start + day},{start + day + (40 if day > 640 else 0)},5\n" for who, day in rows
    )
    plain = "customer_id,ordered_at,amount\n" + "".join(f"c{who:03},{start + day},5\n" for who, day in rows)
    late, prompt = (own(each)("evaluate", "--cutoff", "2023-09-20", "--json").json for each in (text, plain))
    assert late["churn_rate"] == prompt["churn_rate"]


def test_a_hostile_id_is_harmless_in_a_feature_panel_too(own: Callable[..., Any], tmp_path: Path) -> None:
    """Opened in a spreadsheet, nothing in it runs."""
    home = own('customer_id,ordered_at,amount\n"=cmd()|x",2023-01-01,5\nb,2023-02-01,5\n')
    out = tmp_path / "panel.csv"
    assert home("features", "--cutoff", "2023-02-01", "--out", str(out)).code == 0
    assert '"\'=cmd()|x"' in out.read_text(encoding="utf-8")


def test_a_damaged_scoring_run_is_named(shop: Any, tmp_path: Path) -> None:
    """Whatever its manifest holds instead of what it should."""
    scores = Path(shop.well("score")["scores"])
    for content in ("[]", "null", '"x"', '{"files": null}'):
        (tmp_path / "run.json").write_text(content, encoding="utf-8")
        (tmp_path / "scores.parquet").write_bytes(scores.read_bytes())
        ran = shop("export", "--to", "csv", "--scores", str(tmp_path))
        assert ran.code == 4
        assert "no whole scoring run" in ran.err


def test_families_that_nothing_feeds_are_refused(own: Callable[..., Any]) -> None:
    """Before anything is trained on no feature at all."""
    home = own("customer_id,ordered_at\na,2023-01-01\n", '[features]\nfamilies = ["support"]')
    for verb in ("validate", "train"):
        ran = home(verb)
        assert ran.code == 3
        assert "can be fed by these tables" in ran.err


def test_more_periods_than_the_data_hold_are_left_out(shop: Any) -> None:
    """However many are asked for."""
    assert 1 <= len(shop.well("kpis", "--periods", "1000000000")["periods"]) <= 9


@pytest.mark.parametrize("mark", ["?", "%"])
def test_a_workspace_that_no_database_address_can_name_is_refused(
    tmp_path: Path, cli: Callable[..., Any], mark: str
) -> None:
    """Nothing is written beside it instead."""
    ran = cli("--config", str(SHOP), "--workspace", str(tmp_path / f"w{mark}c"), "models", "list")
    assert ran.code == 9
    assert "has a '?' or '%' in its path" in ran.err
    assert not [one for one in tmp_path.iterdir() if one.is_file()]


def test_features_leave_tables_alone_that_they_do_not_read(own: Callable[..., Any], tmp_path: Path) -> None:
    """A table of tickets that cannot be read is no trouble for families that look at orders only; others need it."""
    tickets = '[source.tables.tickets]\npath = "tickets.csv"\n'
    (tmp_path / "tickets.csv").write_bytes(b"")
    asked = ("features", "--cutoff", "2022-02-15", "--out", tmp_path / "panel.csv")
    orders = "customer_id,ordered_at\nc1,2022-01-01\nc1,2022-03-01\nc2,2022-02-01\n"
    home = own(orders, tickets + '[features]\nfamilies = ["rfm", "rhythm"]\n')
    home.well(*asked)
    assert home("validate").code == 4
    assert own(orders, tickets + '[features]\nfamilies = ["rfm", "support"]\n')(*asked).code == 4
