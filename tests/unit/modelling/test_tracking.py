"""Runs and models in a real MLflow store."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

import numpy as np
import pytest

from retain.errors import ModelError, StoreError
from retain.modelling import bundle
from retain.modelling.gate import Verdict, fits
from retain.modelling.tracking import Registered, Tracking, TrackingSettings
from retain.modelling.waiting import Measured, Training, Tuned, TunedTrial

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import pandas as pd

    Log = Callable[..., Registered]


PASSED = Verdict((fits(""),), "")
REFUSED = Verdict((fits("It reads what is not there."),), "")


@pytest.fixture(scope="session")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One store for all tests, each with a project of its own: making a store takes seconds."""
    return tmp_path_factory.mktemp("workspace")


@pytest.fixture
def tracking(workspace: Path, request: pytest.FixtureRequest) -> Tracking:
    """A project of the test's own in the shared store."""
    return Tracking(TrackingSettings(), workspace, request.node.name.removeprefix("test_"))


@pytest.fixture
def log(tracking: Tracking, kept: Path, rows: pd.DataFrame) -> Log:
    """A function that logs the small model under a version."""

    def logged(version: str, *, candidate: bool = True) -> Registered:
        few = rows.head(3)
        said = Training(
            version=version,
            trained_until="2024-02-05",
            params={"seed": "20"},
            metrics={"auroc": 0.8},
            tags={"data.orders": "f" * 64},
            columns=tuple(few.columns),
            words=(),
            rows=tuple(map(tuple, few.to_numpy().tolist())),
            candidate=candidate,
        )
        return tracking.log(kept, said)

    return logged


def test_a_logged_model_is_found_by_every_name_it_has(tracking: Tracking, log: Log, kept: Path) -> None:
    """Alias, number and bundle version; it is challenger until the gate has seen it."""
    logged = log("aaaaaaaaaaaa")
    assert logged.number == 1
    assert logged.aliases == ("challenger",)
    assert (logged.verdict, logged.forced) == (None, False)
    assert (logged.version, logged.trained_until) == ("aaaaaaaaaaaa", "2024-02-05")
    assert logged.tags["data.orders"] == "f" * 64
    for reference in ("challenger", "1", "aaaaaaaaaaaa"):
        assert tracking.find(reference) == logged
    folder = tracking.bundle_of(logged)
    assert {one.name: one.read_bytes() for one in folder.iterdir()} == {
        one.name: one.read_bytes() for one in kept.iterdir()
    }


def test_the_same_version_is_logged_once(tracking: Tracking, log: Log) -> None:
    """Training again on the same data adds neither a run nor a version."""
    assert log("aaaaaaaaaaaa") == log("aaaaaaaaaaaa")
    assert len(tracking.versions()) == 1


def test_a_model_made_to_be_measured_is_no_challenger_until_it_is_one(tracking: Tracking, log: Log) -> None:
    """The same version trained in earnest later gets the alias; once judged it keeps what it has."""
    assert log("aaaaaaaaaaaa", candidate=False).aliases == ()
    assert log("aaaaaaaaaaaa", candidate=True).aliases == ("challenger",)
    tracking.judged(tracking.find("1"), REFUSED)
    assert log("bbbbbbbbbbbb", candidate=True).aliases == ("challenger",)
    assert log("aaaaaaaaaaaa", candidate=True).aliases == ()


def test_promotion_and_rollback(tracking: Tracking, log: Log) -> None:
    """A new model is a challenger until the gate lets it through; a rollback goes back to the champion before."""
    first = tracking.judged(log("aaaaaaaaaaaa"), PASSED)
    assert (first.aliases, first.verdict, first.forced) == (("challenger", "champion"), PASSED, False)
    with pytest.raises(ModelError, match="There is no earlier champion to go back to"):
        tracking.rollback()
    second = log("bbbbbbbbbbbb")
    assert second.aliases == ("challenger",)
    assert tracking.find("champion").number == first.number
    refused = tracking.judged(second, REFUSED)
    assert (refused.aliases, refused.verdict, refused.forced) == (("challenger",), REFUSED, False)
    assert tracking.find("champion").number == first.number
    assert tracking.judged(refused, REFUSED, forced=True).forced
    assert tracking.find("champion").version == "bbbbbbbbbbbb"
    # Promoting the champion again must not make it its own predecessor.
    assert "champion" in tracking.judged(second, PASSED).aliases
    assert not tracking.find("2").forced
    assert tracking.rollback().number == first.number
    assert tracking.find("champion").version == "aaaaaaaaaaaa"
    assert tracking.rollback().number == second.number


def test_an_unknown_model_is_refused_with_the_choices(tracking: Tracking, log: Log) -> None:
    """Before any was trained the message says how; then it lists what there is."""
    with pytest.raises(ModelError, match=r"No model has been trained .* Run `retain train` first"):
        tracking.find("champion")
    with pytest.raises(ModelError, match="no earlier champion"):
        tracking.rollback()
    log("aaaaaaaaaaaa")
    with pytest.raises(ModelError, match=r"'nobody'\. Choose one of: challenger, 1\."):
        tracking.find("nobody")


def test_projects_do_not_see_each_other(tracking: Tracking, log: Log, workspace: Path) -> None:
    """One store, several projects; and the same project opened again finds its own."""
    log("aaaaaaaaaaaa")
    project = tracking.name.removeprefix("retain-")
    assert Tracking(TrackingSettings(), workspace, "stranger").versions() == ()
    assert Tracking(TrackingSettings(), workspace, project).find("challenger").version == "aaaaaaaaaaaa"


def test_mlflow_serves_exactly_the_bundle_s_probabilities(
    tracking: Tracking, log: Log, kept: Path, rows: pd.DataFrame
) -> None:
    """By column name, whatever the order of the columns, with the rows' own index."""
    import mlflow  # noqa: PLC0415  # takes seconds to load

    logged = log("aaaaaaaaaaaa")
    served = mlflow.pyfunc.load_model(f"models:/{tracking.name}/{logged.number}")
    indexed = rows.set_axis([f"row {at}" for at in range(len(rows))])[rows.columns[::-1]]
    answer = served.predict(indexed)
    assert list(answer.columns) == ["churn_probability"]
    assert list(answer.index) == list(indexed.index)
    wanted = bundle.load(kept).probabilities(rows.to_numpy(dtype=np.float64))
    assert answer["churn_probability"].to_numpy().tobytes() == wanted.tobytes()


def test_nothing_is_pickled(log: Log, workspace: Path) -> None:
    """Every file of the store is text, the model is loaded from its code, and nothing asks for cloudpickle."""
    log("aaaaaaaaaaaa")
    files = [one for one in (workspace / "mlartifacts").rglob("*") if one.is_file()]
    assert {"MLmodel", "bundle.json", "model.txt", "served.py"} <= {one.name for one in files}
    for one in files:
        assert one.suffix not in {".pkl", ".pickle", ".joblib"}, one
        text = one.read_text(encoding="utf-8")  # a pickle begins with a byte that no text has
        if one.name == "MLmodel":
            # MLflow notes here which cloudpickle is installed, used or not.
            assert "loader_module: mlflow.pyfunc.loaders.code_model" in text
            assert "python_model:" not in text
        else:
            assert "cloudpickle" not in text, one


def test_an_evaluation_is_a_run_of_its_own(tracking: Tracking, log: Log) -> None:
    """With its figures, as far as they are known."""
    logged = log("aaaaaaaaaaaa")
    tracking.log_evaluation(Measured("2024-01-01", logged.version, {"auroc": 0.75, "empc": float("nan")}))
    runs = tracking._client.search_runs([tracking._experiment])
    run = next(one for one in runs if one.info.run_name == "evaluate 2024-01-01")
    assert run.data.metrics == {"auroc": 0.75}
    assert run.data.params == {"cutoff": "2024-01-01", "model_version": "aaaaaaaaaaaa"}


def test_a_store_can_be_elsewhere(workspace: Path, tracking: Tracking, tmp_path: Path) -> None:
    """At the tracking URI of the settings; the workspace then gets none."""
    assert tracking.versions() == ()
    elsewhere = tmp_path / "elsewhere.db"
    shutil.copyfile(workspace / "mlflow.db", elsewhere)
    found = Tracking(TrackingSettings(uri=f"sqlite:///{elsewhere}"), tmp_path / "mine", "project")
    assert found.uri == f"sqlite:///{elsewhere}"
    assert found.versions() == ()
    assert not (tmp_path / "mine").exists()


def test_nothing_is_told_to_anybody() -> None:
    """MLflow's telemetry is off before it is imported."""
    assert os.environ["MLFLOW_DISABLE_TELEMETRY"] == "true"


@pytest.mark.parametrize("uri", ["sqlite:///{here}", "nonsense://somewhere"])
def test_a_store_that_cannot_be_opened_is_named(uri: str, tmp_path: Path) -> None:
    """A damaged database and an address of no kind end in one message, not in MLflow's."""
    damaged = tmp_path / "damaged.db"
    damaged.write_bytes(b"no database at all" * 200)
    with pytest.raises(StoreError, match=r"model store .* cannot be used .*Check \[tracking\] uri"):
        Tracking(TrackingSettings(uri=uri.format(here=damaged)), tmp_path, "project")


def test_a_run_cut_off_after_registering_is_ended_by_the_next_attempt(tracking: Tracking, log: Log) -> None:
    """Logging again adds nothing and leaves no open run."""
    made = log("aaaaaaaaaaaa")
    tracking._client.update_run(made.run_id, status="RUNNING")
    assert log("aaaaaaaaaaaa") == made
    assert tracking._client.get_run(made.run_id).info.status == "FINISHED"


def test_a_missing_file_of_the_store_is_named(tracking: Tracking, log: Log, workspace: Path) -> None:
    """Its artifacts deleted, a model cannot be opened, and the message says which store."""
    made = log("aaaaaaaaaaaa")
    project = tracking.name.removeprefix("retain-")
    shutil.rmtree(workspace / "mlartifacts" / project)
    with pytest.raises(StoreError, match=r"mlflow\.db"):
        tracking.bundle_of(made)


def test_a_workspace_can_be_moved_with_its_store(
    tracking: Tracking, log: Log, tmp_path: Path, workspace: Path, kept: Path
) -> None:
    """Models open from the new place though the old one is gone, and new ones are written there; another project's stay."""
    first = log("aaaaaaaaaaaa")
    project = tracking.name.removeprefix("retain-")
    there = tmp_path / "there"
    there.mkdir()
    shutil.copy(workspace / "mlflow.db", there)
    shutil.move(workspace / "mlartifacts" / project, there / "mlartifacts" / project)
    after = Tracking(TrackingSettings(), there, project)
    folder = after.bundle_of(after.find("1"))
    assert folder.is_relative_to(there)
    assert bundle.load(folder).version == bundle.load(kept).version
    assert after.find("1") == first
    with after._run("another") as (mlflow, _):
        assert mlflow.get_artifact_uri().startswith(there.as_uri())


def tuned(trials: int, version: str = "cccccccccccc") -> Tuned:
    """A tuning of so many trials, of which the last is the best."""
    return Tuned(
        version=version,
        until="2024-01-01",
        params={"seed": "20"},
        metrics={"trials": trials, "best_auroc": 0.7 + trials / 100},
        tags={"best_trial": str(trials - 1)},
        trials=tuple(
            TunedTrial(at, {"trees.leaves": str(20 + at)}, {"mean_auroc": 0.7 + at / 100})
            for at in range(trials)
        ),
        picture=f"<svg>{trials}</svg>",
    )


def nested(tracking: Tracking, parent: str) -> dict[str, str]:
    """Status of every run below that one, by name."""
    found = tracking._client.search_runs([tracking._experiment], f"tags.`mlflow.parentRunId` = '{parent}'")
    assert len({one.info.run_name for one in found}) == len(found)
    return {one.info.run_name: one.info.status for one in found}


def test_a_tuning_is_a_run_with_a_nested_run_for_each_trial(tracking: Tracking) -> None:
    """With what was tried and what came of it; the best one and the picture are on the run that holds them."""
    parent = tracking.log_tuning(tuned(3))
    run = tracking._client.get_run(parent)
    assert (run.info.run_name, run.info.status) == ("tune 2024-01-01", "FINISHED")
    assert run.data.params == {"seed": "20"}
    assert run.data.metrics == {"trials": 3, "best_auroc": 0.73}
    assert (run.data.tags["best_trial"], run.data.tags["tuning"]) == ("2", "cccccccccccc")
    assert tracking._mlflow.artifacts.load_text(f"{run.info.artifact_uri}/tune.svg") == "<svg>3</svg>"
    assert nested(tracking, parent) == dict.fromkeys(("trial 0", "trial 1", "trial 2"), "FINISHED")
    below = tracking._client.search_runs([tracking._experiment], "tags.trial = '1'")
    assert [(one.data.params, one.data.metrics) for one in below] == [
        ({"trees.leaves": "21"}, {"mean_auroc": 0.71})
    ]


def test_a_tuning_that_went_on_is_still_one_run(tracking: Tracking) -> None:
    """What is there stays, what is new is added, and the figures are those of now; another tuning is another run."""
    parent = tracking.log_tuning(tuned(2))
    assert tracking.log_tuning(tuned(2)) == parent
    assert tracking.log_tuning(tuned(4)) == parent
    assert sorted(nested(tracking, parent)) == ["trial 0", "trial 1", "trial 2", "trial 3"]
    run = tracking._client.get_run(parent)
    assert (run.data.metrics["trials"], run.data.tags["best_trial"]) == (4, "3")
    assert tracking._mlflow.artifacts.load_text(f"{run.info.artifact_uri}/tune.svg") == "<svg>4</svg>"
    assert tracking.log_tuning(tuned(2, "dddddddddddd")) != parent


def test_a_trial_that_was_half_logged_is_logged_again(
    tracking: Tracking, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What an earlier attempt left open is closed, and does not pass for the trial."""
    client, asked = tracking._client, 0
    real = client.log_batch

    def once(run: str, **more: object) -> None:
        nonlocal asked
        asked += 1
        if asked == 2:
            raise ConnectionError("gone")
        real(run, **more)

    monkeypatch.setattr(client, "log_batch", once)
    with pytest.raises(StoreError):
        tracking.log_tuning(tuned(3))
    parent = tracking.log_tuning(tuned(3))
    found = client.search_runs([tracking._experiment], f"tags.`mlflow.parentRunId` = '{parent}'")
    statuses = sorted((one.info.run_name, one.info.status) for one in found)
    assert statuses == [
        ("trial 0", "FINISHED"),
        ("trial 1", "FINISHED"),
        ("trial 1", "KILLED"),
        ("trial 2", "FINISHED"),
    ]
