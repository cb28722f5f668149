"""`retain evaluate`: how good a model is at a cutoff that it never saw, beside its baselines."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from retain.errors import ModelError, TrainingError, WindowError
from retain.evaluation.card import METRICS, Measures, measure
from retain.features.catalog import EVERY
from retain.features.spec import FeatureSet
from retain.labels import LABELS, observed, require_closed, require_cutoff, sales_of
from retain.lifetime.bgnbd import fit_bgnbd
from retain.lifetime.history import histories
from retain.modelling.learners import RFM, Task
from retain.modelling.training import BASELINE, eligible_snapshots
from retain.pipeline.train import run_training
from retain.timeline import DAY, instant, instant_text

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy.typing as npt

    from retain.engine.panel import FloatArray, Snapshots
    from retain.modelling.bundle import Bundle
    from retain.modelling.tracking import Registered
    from retain.pipeline.project import Project

    LabelArray = npt.NDArray[np.int8]


@dataclass(frozen=True)
class Evaluation:
    """How good a model was at one cutoff.

    Attributes:
        cutoff: the instant of prediction.
        registered: the model's place in the store.
        bundle: the model.
        trained_now: it was trained for this evaluation, because there was none that had not seen the outcome.
        measures: all metrics with intervals.
        baselines: the same for each baseline.
    """

    cutoff: int
    registered: Registered
    bundle: Bundle
    trained_now: bool
    measures: Measures
    baselines: Mapping[str, Measures]

    def as_dict(self) -> dict[str, Any]:
        """The evaluation as JSON values."""
        return {
            "cutoff": instant_text(self.cutoff),
            "model_version": self.bundle.version,
            "learner": self.bundle.card["learner"],
            "calibration": self.bundle.calibration.method,
            "trained_until": self.bundle.card["training"]["until"],
            "trained_now": self.trained_now,
            **self.measures.as_dict(),
            "baselines": {name: one.as_dict() for name, one in self.baselines.items()},
        }


def run_evaluation(project: Project, cutoff: int, model: str | None = None) -> Evaluation:
    """The model's quality at a cutoff, with the baselines beside it.

    Args:
        project: the data and settings.
        cutoff: predictions are made as of then, and compared with what happened afterwards.
        model: alias, number or version; None takes the newest that knew no outcome after the cutoff, and trains one
            where there is none.

    Raises:
        WindowError: the cutoff does not fit the data, or its label window is not closed yet.
        ModelError: no such model, or it knew outcomes after the cutoff.
    """
    config, store = project.config, project.store
    require_cutoff(store, cutoff)
    require_closed(config.churn, cutoff, observed(store)[1])
    registered, trained_now = _model(project, cutoff, model)
    opened = project.open(registered)
    if opened.trained_until > cutoff:
        raise ModelError(
            f"Model {opened.version} knew outcomes until {opened.card['training']['until']}, after the cutoff "
            f"{instant_text(cutoff)}: its figures would flatter it. Run `retain train --until {instant_text(cutoff)}`."
        )
    snapshots = eligible_snapshots(store, [cutoff], config.churn)
    if not len(snapshots):
        raise WindowError(
            f"Nobody was active at {instant_text(cutoff)}: no order in the {config.churn.active_days} days before it. "
            f"Choose another cutoff, or more active_days."
        )
    label = LABELS.get(config.churn.definition)
    y = label.churned(store, cutoff, config.churn, observed(store)[1] + 1)[snapshots.customer].astype(np.int8)
    project.progress(f"measuring {len(y):,} predictions at {instant_text(cutoff)}")
    values = project.engine(store, opened.features, snapshots).values

    def measured(p: FloatArray) -> Measures:
        return measure(
            y,
            p,
            seed=config.training.seed,
            resamples=config.evaluation.resamples,
            profit=config.evaluation.profit,
        )

    baselines = {BASELINE: measured(_rfm(project, opened, snapshots))}
    chance = _bgnbd(project, cutoff, snapshots)
    if chance is not None:
        baselines["bgnbd"] = measured(chance)
    return Evaluation(
        cutoff, registered, opened, trained_now, measured(opened.probabilities(values)), baselines
    )


def _model(project: Project, cutoff: int, model: str | None) -> tuple[Registered, bool]:
    """The model to evaluate, and whether it was trained just now."""
    if model is not None:
        return project.tracking.find(model), False
    honest = [
        one
        for one in project.tracking.versions()
        if one.trained_until and instant(one.trained_until) <= cutoff
    ]
    fitting = [one for one in honest if project.is_current(one)]
    if fitting:
        return max(fitting, key=lambda one: (instant(one.trained_until), one.number)), False
    project.progress(f"no model yet that knows nothing after {instant_text(cutoff)}: training one")
    return run_training(project, cutoff).registered, True


def _rfm(project: Project, opened: Bundle, snapshots: Snapshots) -> FloatArray:
    """Logistic regression on recency, frequency and monetary value, trained on the same cutoffs."""
    config, store = project.config, project.store
    features = FeatureSet(tuple(EVERY.by_name[name] for name in RFM if name in project.features.names))
    cutoffs = [instant(one) for one in opened.card["training"]["cutoffs"]]
    panel = eligible_snapshots(store, cutoffs, config.churn)
    label = LABELS.get(config.churn.definition)
    y = np.zeros(len(panel), dtype=np.int8)
    for cutoff in cutoffs:
        rows = panel.cutoff == cutoff
        y[rows] = label.churned(store, cutoff, config.churn, opened.trained_until)[panel.customer[rows]]
    x = project.engine(store, features, panel).values
    task = Task(x, y, features.names, size=1, seed=config.training.seed, threads=1)
    odds = task.fitted(BASELINE).log_odds(project.engine(store, features, snapshots).values)
    return np.asarray(1 / (1 + np.exp(-odds)))


def _bgnbd(project: Project, cutoff: int, snapshots: Snapshots) -> FloatArray | None:
    """Probability of no purchase in the label window under BG/NBD; None where it cannot be fitted."""
    sales = sales_of(project.store)
    known = sales.known < cutoff
    customers, history = histories(sales.customer[known], sales.time[known], cutoff)
    try:
        model = fit_bgnbd(history)
    except TrainingError:
        return None
    window = project.config.churn.window
    chance = np.full(len(project.store.customer_ids), np.nan)
    chance[customers] = model.no_purchase(history, (window.end(cutoff) - window.start(cutoff)) / DAY)
    return np.asarray(chance[snapshots.customer])


def headline_metrics(evaluation: Evaluation) -> dict[str, float]:
    """The metrics as one figure each, for the model store."""
    return {name: evaluation.measures.interval(name).value for name in METRICS}
