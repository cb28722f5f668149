"""`retain demo`: a real retailer's orders, then a generated shop with every table, each through every step."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING

from retain.config import load_config
from retain.examples import shop
from retain.labels import observed
from retain.pipeline.evaluate import Evaluation, run_evaluation
from retain.pipeline.export import run_export
from retain.pipeline.project import Project, make_workspace, silent
from retain.pipeline.report import write_report
from retain.pipeline.score import ScoringRun, in_full, run_scoring
from retain.pipeline.train import run_training
from retain.pipeline.validate import Validation, run_validation
from retain.shipped import shipped
from retain.timeline import DAY, instant_text

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

REAL, GENERATED = "default.toml", "sources/shop.toml"


@dataclass(frozen=True)
class Story:
    """One data set, all the way.

    Attributes:
        name: of the project.
        validation: what the data hold.
        evaluation: how good the model was at the last cutoff with a known outcome.
        run: the scores as of the end of the data.
        export: the folder of the CRM file.
        report: the page.
        best_auroc: the best AUROC that anyone could reach, where the truth is known.
    """

    name: str
    validation: Validation
    evaluation: Evaluation
    run: ScoringRun
    export: Path
    report: Path
    best_auroc: float | None


def run_demo(
    workspace: Path, customers: int = 10_000, progress: Callable[[str], None] = silent
) -> tuple[Story, ...]:
    """Both data sets, each through every step, everything below the workspace.

    Args:
        workspace: the folder that takes everything written.
        customers: of the generated shop.
        progress: called with a few words before each step that takes long.

    Raises:
        OutputError: the workspace cannot be written.
    """
    make_workspace(workspace)
    real = _story(Project(load_config(shipped(REAL), workspace), workspace, progress), None)
    progress(f"generating a shop of {customers:,} customers")
    place = workspace / "data" / "shop"
    shutil.rmtree(place, ignore_errors=True)
    made = shop.write(place, customers=customers)
    generated = _story(
        Project(load_config(shipped(GENERATED), workspace), workspace, progress), made.best_auroc
    )
    return real, generated


def _story(project: Project, best_auroc: float | None) -> Story:
    """Check, train and test at the last cutoff with a known outcome; train on all outcomes, score, export, report."""
    validation = run_validation(project)
    _, last = observed(project.store, project.config.churn)
    cutoff = _month_start(project.config.churn.window.latest_cutoff(last))
    evaluation = run_evaluation(project, cutoff)
    made = run_training(project)
    # A small generated shop may have no champion; its challenger's scores then say so.
    run = in_full(project, run_scoring(project, model=made.registered.version))
    folder, _ = run_export(project, "csv", scores=run.folder)
    page = project.folder / "reports" / f"{instant_text(run.as_of)}.html"
    write_report(project, run, evaluation, page)
    return Story(project.config.name, validation, evaluation, run, folder, page, best_auroc)


def _month_start(moment: int) -> int:
    """The first of the month at or before an instant."""
    text = instant_text(moment // DAY * DAY)
    return moment // DAY * DAY - (int(text[8:10]) - 1) * DAY
