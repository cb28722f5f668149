"""Other hyperparameters tried from the command line: trials, verdict, picture, runs, and what an interruption leaves."""

from __future__ import annotations

import json
import tomllib
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

import mlflow
import numpy as np
import pytest

from retain.config import load_config
from retain.errors import UserError
from retain.evaluation.intervals import Interval
from retain.modelling.hyperparameters import USUAL
from retain.modelling.tuning import Ground
from retain.pipeline import tune
from retain.pipeline.project import Project
from retain.pipeline.then import log_odds_then, recipe
from retain.pipeline.train import run_training
from retain.pipeline.tune import run_tuning

if TYPE_CHECKING:
    from collections.abc import Callable

START = np.datetime64("2022-01-01")
FAST = (
    "[churn]\nactive_days = 60\nhorizon_days = 30\n"
    "[training]\nlearners = ['lightgbm', 'logistic']\nvalidation_cutoffs = 3"
)
TREES = FAST.replace("['lightgbm', 'logistic']", "['lightgbm']")
FEEBLE = f"{TREES}\ntrees.learning_rate = 0.001\ntrees.leaves = 2"
"""Present settings that any others are better than."""
TRIALS = 3


@pytest.fixture(scope="module")
def orders() -> str:
    """Orders of customers of whom two in three stop for good."""
    random = np.random.default_rng(13)
    rows = ["customer_id,ordered_at,order_id"]
    for who in range(160):
        stops = random.uniform(60, 420) if who % 3 else 500
        days = np.cumsum(random.uniform(4, 16, 80))
        rows += [
            f"c{who},{START + int(day)},o{who}-{at}" for at, day in enumerate(days) if day < min(stops, 420)
        ]
    return "\n".join(rows) + "\n"


@pytest.fixture
def home(own: Callable[..., Any], orders: str) -> Any:
    """A workspace with these orders and nothing else."""
    return own(orders, settings=FAST)


def trials_of(found: Any) -> list[Any]:
    """Every trial without the seconds that it took."""
    return [{**one, "seconds": None} for one in found["trials"]]


def runs_of(home: Any) -> list[Any]:
    """Every run in the workspace's store."""
    client = mlflow.MlflowClient(f"sqlite:///{home.workspace / 'mlflow.db'}")
    return list(client.search_runs([client.get_experiment_by_name("retain-own").experiment_id]))


def interrupted_in(trial: int, monkeypatch: pytest.MonkeyPatch, *, error: type[BaseException]) -> None:
    """The process gets this in the middle of that trial of its own."""
    real, asked = Ground.tried, 0

    def tried(self: Ground, *what: Any) -> Any:
        nonlocal asked
        asked += 1
        if asked == trial:
            raise error
        return real(self, *what)

    monkeypatch.setattr(Ground, "tried", tried)


def test_it_measures_the_present_settings_and_others(home: Any) -> None:
    """With JSON that holds all, a picture, nested runs in the store, and a configuration that is as it was."""
    before = home.config.read_bytes()
    found = home.well("tune", "--trials", TRIALS)
    assert home.config.read_bytes() == before
    assert [one["number"] for one in found["trials"]] == list(range(TRIALS))
    assert found["present"]["settings"] == USUAL.by_key
    assert len(found["validation"]) == len(found["present"]["auroc"]) == 3
    assert found["best"]["mean_auroc"] == max(one["mean_auroc"] for one in found["trials"])
    gap = found["difference"]
    assert gap["auroc"] == pytest.approx(found["best"]["mean_auroc"] - found["present"]["mean_auroc"])
    assert gap["low"] <= gap["auroc"] <= gap["high"]
    lines = tomllib.loads(found["toml"])["training"]
    assert {f"{part}.{key}": one for part in lines for key, one in lines[part].items()} == found["best"][
        "settings"
    ]
    with open(found["picture"], encoding="utf-8") as picture:  # noqa: PTH123  # a path as text, as users have it
        text = picture.read()
    assert ET.fromstring(text).tag.endswith("svg")  # noqa: S314  # our own text

    runs = {one.info.run_name: one for one in runs_of(home)}
    parent = runs.pop(f"tune {found['until']}")
    assert parent.info.run_id == found["mlflow_run_id"]
    assert parent.data.tags["best_trial"] == str(found["best"]["number"])
    assert set(runs) == {f"trial {at}" for at in range(TRIALS)}
    for one in found["trials"]:
        run = runs[f"trial {one['number']}"]
        assert run.data.tags["mlflow.parentRunId"] == parent.info.run_id
        assert run.info.status == "FINISHED"
        assert run.data.metrics["mean_auroc"] == one["mean_auroc"]
        assert [run.data.metrics[f"auroc.{name}"] for name in found["validation"]] == one["auroc"]
        assert {key: run.data.params[key] for key in USUAL.by_key} == {
            key: str(value) for key, value in one["settings"].items()
        }


def test_what_it_says_first_and_last(home: Any) -> None:
    """What the trials will take before they begin; then a table, and that noise is noise."""
    ran = home("tune", "--trials", TRIALS)
    assert ran.code == 0
    assert "measuring the present settings: trial 0" in ran.err
    assert "so 2 others take about" in ran.err
    assert ran.err.index("others take about") < ran.err.index("trial 1 of 2")
    assert "present" in ran.out
    assert "no change is recommended." in ran.out
    assert "[training.trees]" not in ran.out
    assert "Picture: " in ran.out
    alone = home("tune", "--trials", 1, "--restart", "--quiet")
    assert (alone.code, alone.err) == (0, "")
    assert "Only the present settings were measured." in alone.out


@pytest.mark.parametrize(("error", "code"), [(KeyboardInterrupt, 130), (SystemExit, 0)])
def test_a_stopped_tuning_goes_on_where_it_was(
    own: Callable[..., Any],
    orders: str,
    monkeypatch: pytest.MonkeyPatch,
    error: type[BaseException],
    code: int,
) -> None:
    """Interrupted or ended from outside in its third trial, and started again: the trials that it would have had."""
    home = own(orders, settings=FAST)
    with monkeypatch.context() as patch:
        interrupted_in(3, patch, error=error)
        stopped = home("tune", "--trials", 4, "--json")
    assert stopped.code == code
    if error is KeyboardInterrupt:
        assert stopped.json["stopped"] is True
        assert len(stopped.json["trials"]) == 2
        assert sum(one.info.run_name.startswith("trial") for one in runs_of(home)) == 2
    went_on = home("tune", "--trials", 4, "--json")
    assert "2 trials are there from an earlier run" in went_on.err
    assert went_on.json["stopped"] is False
    assert sum(one.info.run_name.startswith("trial") for one in runs_of(home)) == 4
    whole = home.well("tune", "--trials", 4, "--restart")
    assert trials_of(went_on.json) == trials_of(whole)
    for key in ("difference", "recommended", "toml", "tuning", "mlflow_run_id"):
        assert went_on.json[key] == whole[key], key


def test_an_interruption_before_anything_is_known_says_nothing(
    home: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As everywhere: exit code 130 and no result."""
    interrupted_in(1, monkeypatch, error=KeyboardInterrupt)
    ran = home("tune", "--json")
    assert (ran.code, ran.out) == (130, "")


def test_a_limit_in_minutes_still_measures_the_present_settings(home: Any) -> None:
    """After it no further trial begins."""
    project = Project(load_config(home.config, home.workspace), home.workspace)
    found = run_tuning(project, minutes=0)
    assert [one.number for one in found.trials] == [0]
    assert (found.wanted, found.stopped, found.recommended) == (30, False, False)
    assert len(home.well("tune", "--minutes", 60, "--trials", 2)["trials"]) == 2


def test_other_settings_or_another_date_begin_anew(home: Any) -> None:
    """Trials of other data or settings would compare what cannot be compared; threads change nothing."""
    first = home.well("tune", "--trials", 1)
    text = home.config.read_text(encoding="utf-8")
    home.config.write_text(
        text.replace("validation_cutoffs = 3", "validation_cutoffs = 3\nthreads = 1"), encoding="utf-8"
    )
    assert home.well("tune", "--trials", 1)["tuning"] == first["tuning"]
    home.config.write_text(
        text.replace("validation_cutoffs = 3", "validation_cutoffs = 3\nlogistic.strength = 0.5"),
        encoding="utf-8",
    )
    other = home.well("tune", "--trials", 1)
    assert other["tuning"] != first["tuning"]
    assert other["present"]["settings"]["logistic.strength"] == 0.5
    assert home.well("tune", "--trials", 1, "--until", "2023-01-15")["tuning"] != other["tuning"]


def test_a_recommended_change_comes_with_its_lines(
    own: Callable[..., Any], orders: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Which are a configuration, and make the model that was promised."""
    home = own(orders, settings=FEEBLE)
    monkeypatch.setattr(tune, "ahead", lambda *_: Interval(0.01, 0.005, 0.015))
    monkeypatch.setattr(tune, "gain_left_out", lambda _: 0.008)
    ran = home("tune", "--trials", TRIALS, "--quiet")
    found = home.well("tune", "--trials", TRIALS)
    assert found["best"]["number"] > 0
    assert "+0.0100 in mean AUROC" in ran.out
    assert "That is more than noise. In the configuration:" in ran.out
    lines = "\n".join(
        line.strip() for line in ran.out.split("configuration:\n")[1].splitlines() if line.startswith("    ")
    )
    assert lines == found["toml"]
    plain = home.config.read_text(encoding="utf-8").replace(FEEBLE, TREES)
    home.config.write_text(plain + lines, encoding="utf-8")
    project = Project(load_config(home.config, home.workspace), home.workspace)
    made = run_training(project)
    contests = {one.learner: one.mean_auroc for one in made.trained.contests}
    assert contests[found["best"]["learner"]] == found["best"]["mean_auroc"]
    card = json.loads((home.workspace / "own" / "bundle" / "bundle.json").read_text(encoding="utf-8"))
    assert card["training"]["hyperparameters"] == tomllib.loads(lines)["training"]
    told = (home.workspace / "own" / "bundle" / "model-card.md").read_text(encoding="utf-8")
    assert "| hyperparameters | trees.learning_rate " in told
    assert home.well("tune", "--trials", 1)["present"]["mean_auroc"] == found["best"]["mean_auroc"]


def test_a_store_that_does_not_answer_costs_no_trial(
    own: Callable[..., Any], orders: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The result is shown, the trials wait, and are logged when it is back."""
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    home = own(orders, settings=FAST, more="[tracking]\nuri = 'http://127.0.0.1:9'")
    ran = home("tune", "--trials", 2, "--json")
    assert ran.code == 12
    assert len(ran.json["trials"]) == 2
    assert ran.json["mlflow_run_id"] is None
    assert "The trials wait in" in ran.err
    home.config.write_text(
        home.config.read_text(encoding="utf-8").replace("http://127.0.0.1:9", ""), encoding="utf-8"
    )
    logged = home("models", "log")
    assert logged.out.splitlines()[0] == "Logged what waited: 0 models, 0 evaluations, 1 tunings."
    assert {one.info.run_name for one in runs_of(home)} == {f"tune {ran.json['until']}", "trial 0", "trial 1"}


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("--trails", "3"), 2, "No such option"),
        (("--trials", "0"), 2, "greater than or equal to 1"),
        (("--until", "soon"), 2, "is no date"),
        (("--until", "2022-01-05"), 6, "No label window has closed"),
    ],
)
def test_what_cannot_be_tried_is_refused(home: Any, words: tuple[str, ...], code: int, said: str) -> None:
    """By the words that are wrong, and nothing is written on stdout."""
    ran = home("tune", *words)
    assert (ran.code, ran.out) == (code, "")
    assert said in ran.err


def test_learners_without_hyperparameters_are_refused(own: Callable[..., Any], orders: str) -> None:
    """With those that have some."""
    ran = own(orders, settings="[training]\nlearners = ['rfm_logistic']")("tune")
    assert ran.code == 3
    assert "Add one of: blend, lightgbm, logistic." in ran.err


def test_without_optuna_nothing_is_read(home: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first thing that is said is what to install."""

    def missing() -> dict[str, str]:
        raise UserError("`retain tune` needs Optuna: pip install 'retain[tune]'.")

    monkeypatch.setattr(tune, "versions", missing)
    ran = home("tune")
    assert ran.code == 1
    assert "reading" not in ran.err
    assert "pip install 'retain[tune]'" in ran.err


def test_given_labels_are_tuned_on_their_parts(own: Callable[..., Any]) -> None:
    """Without any time, on customers left out of training; the picture and the runs are there as well."""
    random = np.random.default_rng(4)
    fee = random.uniform(0, 4, 200)
    gone = fee - 2 + random.logistic(size=200) > 0
    lines = [f"{at:03},{one:.3f},{int(left)}" for at, (one, left) in enumerate(zip(fee, gone, strict=True))]
    home = own("unused", settings="")
    home.config.write_text(
        "[source.tables.customers]\npath = 'customers.csv'\n[source.tables.customers.static]\nfee = 'number'\n"
        "[churn]\ndefinition = 'given'\n[training]\nlearners = ['logistic']\n",
        encoding="utf-8",
    )
    home.config.with_name("customers.csv").write_text("customer_id,fee,label\n" + "\n".join(lines) + "\n")
    found = home.well("tune", "--trials", 2)
    assert found["until"] is None
    assert found["validation"] == [f"part {at}" for at in range(1, 11)]
    assert {one.info.run_name for one in runs_of(home)} == {"tune", "trial 0", "trial 1"}
    assert run_tuning(Project(load_config(home.config, home.workspace), home.workspace), trials=2).until == ""


def test_a_gain_that_will_not_last_is_not_recommended(
    own: Callable[..., Any], orders: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However sure it is; the lines are in the JSON for whoever wants them all the same."""
    home = own(orders, settings=FEEBLE)
    monkeypatch.setattr(tune, "ahead", lambda *_: Interval(0.001, 0.0005, 0.0015))
    monkeypatch.setattr(tune, "gain_left_out", lambda _: 0.001)
    found = home.well("tune", "--trials", TRIALS)
    assert (found["verdict"], found["recommended"]) == ("small", False)
    assert "[training.trees]" in found["toml"]
    ran = home("tune", "--trials", TRIALS)
    assert (
        "less than 0.002, which does not last from one cutoff to the next: no change is recommended."
        in ran.out
    )
    assert "[training.trees]" not in ran.out


@pytest.mark.parametrize("learner", ["logistic", "lightgbm"])
def test_the_gate_follows_a_champion_by_its_own_hyperparameters(
    own: Callable[..., Any], orders: str, learner: str
) -> None:
    """Whatever the configuration says by then: at an earlier cutoff it speaks as it did when it was validated."""
    settings = FAST.replace("['lightgbm', 'logistic']", f"['{learner}']")
    home = own(orders, settings=settings + "\nlogistic.strength = 0.5\ntrees.leaves = 4")
    made = run_training(Project(load_config(home.config, home.workspace), home.workspace))
    size = next(one.size for one in made.trained.contests if one.learner == learner)
    home = own(orders, settings=settings)
    project = Project(load_config(home.config, home.workspace), home.workspace)
    kept = project.open(made.registered)
    # On so few customers a baseline wins; what counts here is that this learner's recipe can be followed.
    opened = replace(kept, card={**kept.card, "learner": learner, "size": size})
    assert opened.hyperparameters == USUAL.with_values({"logistic.strength": 0.5, "trees.leaves": 4})
    for seen in made.trained.validated:
        again = log_odds_then(project, opened, opened, seen.cutoff)
        assert again == pytest.approx(seen.log_odds[learner], abs=1e-12)
    # Told otherwise, it is another recipe, and says something else.
    other = replace(
        opened,
        card={**opened.card, "training": {**opened.card["training"], "hyperparameters": asdict(USUAL)}},
    )
    assert recipe(other) != recipe(opened)
    assert log_odds_then(project, other, other, seen.cutoff) != pytest.approx(
        seen.log_odds[learner], abs=1e-3
    )
