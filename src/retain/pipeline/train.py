"""`retain train`: a calibrated model, kept in the model store."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from retain.modelling import bundle
from retain.modelling.training import Trained, eligible_snapshots, train
from retain.pipeline.model_card import gate_lines, gather
from retain.pipeline.promote import Promotion, put_to_gate
from retain.reports.model_card import NAME, render
from retain.scoring.value import learn
from retain.timeline import instant_text

if TYPE_CHECKING:
    from retain.modelling.tracking import Registered
    from retain.pipeline.project import Project


@dataclass(frozen=True)
class TrainingRun:
    """What `retain train` made.

    Attributes:
        trained: the model and how it came about.
        registered: its place in the model store.
    """

    trained: Trained
    registered: Registered

    @property
    def promotion(self) -> Promotion:
        """What became of it at the gate."""
        return Promotion(self.registered)


def run_training(project: Project, until: int | None = None, *, candidate: bool = True) -> TrainingRun:
    """A model of all cutoffs whose label window has closed by that instant, champion if it passes the gate.

    Training again on the same data with the same settings finds the version that is there, and leaves it what it is.

    Args:
        project: the data and settings.
        until: what was known by then is used; None is the end of the data.
        candidate: whether it is a challenger, and put to the gate; a model made only to be measured is not.

    Raises:
        WindowError: no label window has closed by then.
        TrainingError: the panel cannot train a model.
        LeakError: a feature seems to know the outcome.
    """
    config, store = project.config, project.store
    until = project.end_of_data() if until is None else until
    trained = train(
        store, project.features, project.engine, until, config.churn, config.training, project.progress
    )
    folder = project.folder / "bundle"
    learned_from = project.learned_from(trained.features)
    version = bundle.save(
        trained, folder, data=learned_from, forecast=learn(store, trained.plan.until, config.churn)
    )
    known = next((one for one in project.tracking.versions() if one.version == version), None)
    verdict = known.verdict if known is not None else None
    judge = candidate and verdict is None
    if judge:
        number = known.number if known is not None else None
        verdict = put_to_gate(project, bundle.load(folder), number, trained)
    project.progress("writing the model card")
    text = render(
        gather(project, trained, version), gate_lines(verdict, forced=known is not None and known.forced)
    )
    (folder / NAME).write_text(text, encoding="utf-8", newline="")
    # A few of the rows it learned from show what it reads; they hold numbers only, no ids.
    last = eligible_snapshots(store, trained.plan.cutoffs[-1:], config.churn)
    few = type(last)(last.customer[:5], last.cutoff[:5])
    example = pd.DataFrame(
        project.engine(store, trained.features, few).values, columns=list(trained.features.names)
    )
    best = trained.contests[0]
    project.progress("logging the run and the model")
    registered = project.tracking.log(
        folder,
        version=version,
        trained_until=instant_text(trained.plan.until),
        params={
            **{f"churn.{key}": value for key, value in asdict(config.churn).items()},
            **{f"training.{key}": value for key, value in asdict(config.training).items()},
            "learner": trained.learner,
            "size": trained.size,
            "calibration": trained.calibration.method,
            "features": len(trained.features.names),
            "cutoffs": len(trained.plan.cutoffs),
            "rows": trained.rows,
        },
        metrics={
            "churn_rate": trained.churn_rate,
            "validation_auroc": best.mean_auroc,
            **{f"validation_auroc.{one.learner}": one.mean_auroc for one in trained.contests},
            **{f"calibration_log_loss.{one.method}": one.log_loss for one in trained.evidence},
        },
        tags={
            "churn": repr(config.churn),
            "feature_set": trained.features.fingerprint,
            **{f"data.{name}": fingerprint for name, fingerprint in learned_from.items()},
            **{
                f"rows.{name}": f"{one.rows_good} good, {one.rows_bad} quarantined"
                for name, one in store.accounts.items()
            },
        },
        example=example.astype(np.float64),
        candidate=candidate,
    )
    if judge and verdict is not None:
        registered = project.tracking.judged(registered, verdict)
    return TrainingRun(trained, registered)
