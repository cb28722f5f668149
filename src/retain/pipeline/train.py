"""`retain train`: a calibrated model, kept in the model store."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import numpy as np

from retain.labels import UNDATED
from retain.modelling import bundle
from retain.modelling.given import train_given
from retain.modelling.training import Lesson, Trained, eligible_snapshots, train
from retain.modelling.waiting import Training
from retain.pipeline.given import default_until
from retain.pipeline.given_card import gather_given
from retain.pipeline.model_card import gate_lines, gather
from retain.pipeline.promote import Promotion
from retain.pipeline.waiting import log_waiting
from retain.reports.model_card import NAME, render, with_gate
from retain.timeline import instant_text

if TYPE_CHECKING:
    from retain.engine.panel import FloatArray
    from retain.features.spec import Feature
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
    def known_until(self) -> str | None:
        """Until when outcomes were known to it; None where nothing that it learned from has a time."""
        return None if _is_undated(self.trained) else self.registered.trained_until

    @property
    def promotion(self) -> Promotion:
        """What became of it at the gate."""
        return Promotion(self.registered)


def lesson_of(project: Project, until: int) -> Lesson:
    """What a project's model is to learn from what was known by that instant."""
    config = project.config
    return Lesson(
        project.store,
        project.features,
        project.engine,
        until,
        config.churn,
        config.training,
        project.progress,
    )


def _shown(feature: Feature, values: FloatArray) -> list[float] | list[str | None]:
    """A feature's values as a served model is given them: numbers, or the words of a category."""
    if feature.levels is None:
        return [float(one) for one in values]
    words = (None, *feature.levels)
    return [words[int(one)] for one in np.nan_to_num(values, nan=0.0)]


def _is_undated(trained: Trained) -> bool:
    """Whether nothing that it learned from has a time."""
    return trained.churn.given and trained.plan.until == UNDATED


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
        StoreError: the model store does not answer or refuses; the message says where the model waits.
    """
    config, store = project.config, project.store
    until = default_until(project) if until is None else until
    trained = (train_given if config.churn.given else train)(lesson_of(project, until))
    folder = project.folder / "bundle"
    learned_from = project.learned_from(trained.features)
    version = bundle.save(trained, folder, data=learned_from, forecast=project.forecast(trained.plan.until))
    project.progress("writing the model card")
    told = gather_given if config.churn.given else gather
    card = render(told(project, trained, version), gate_lines(None))
    (folder / NAME).write_text(card, encoding="utf-8", newline="")
    # A few of the rows it learned from show what it reads; they hold no ids.
    last = eligible_snapshots(store, trained.plan.cutoffs[-1:], config.churn)
    few = type(last)(last.customer[:5], last.cutoff[:5])
    values = project.engine(store, trained.features, few).values
    shown = [_shown(one, values[:, at]) for at, one in enumerate(trained.features.features)]
    best = trained.contests[0]
    apart = asdict(trained.hyperparameters)
    params = {
        **{f"churn.{key}": value for key, value in asdict(config.churn).items()},
        **{f"training.{key}": value for key, value in asdict(config.training).items() if key not in apart},
        **{f"training.{key}": value for key, value in trained.hyperparameters.by_key.items()},
        "learner": trained.learner,
        "size": trained.size,
        "calibration": trained.calibration.method,
        "features": len(trained.features.names),
        "cutoffs": len(trained.plan.cutoffs),
        "rows": trained.rows,
    }
    said = Training(
        version=version,
        trained_until="" if _is_undated(trained) else instant_text(trained.plan.until),
        params={key: str(value) for key, value in params.items()},
        metrics={
            "churn_rate": trained.churn_rate,
            "validation_auroc": best.mean_auroc,
            **{f"validation_auroc.{one.learner}": one.mean_auroc for one in trained.contests},
            **{f"calibration_log_loss.{one.method}": one.log_loss for one in trained.evidence},
        },
        tags={
            "churn": repr(config.churn),
            "feature_set": trained.features.recipe,
            **{f"data.{name}": fingerprint for name, fingerprint in learned_from.items()},
            **{
                f"rows.{name}": f"{one.rows_good} good, {one.rows_bad} quarantined"
                for name, one in store.accounts.items()
            },
        },
        columns=trained.features.names,
        words=trained.features.categories,
        rows=tuple(zip(*shown, strict=True)),
        candidate=candidate,
    )
    # Kept before the store is asked for anything, so that whatever happens there costs no model.
    project.waiting.keep(said, folder)
    registered = log_waiting(project, trained)[-1]
    verdict = gate_lines(registered.verdict, forced=registered.forced)
    (folder / NAME).write_text(with_gate(card, verdict), encoding="utf-8", newline="")
    return TrainingRun(trained, registered)
