"""Predictions at one cutoff against what happened, beside the baselines that know the same."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import expit

from retain.errors import TrainingError, WindowError
from retain.evaluation.card import Measures, measure
from retain.evaluation.delong import Comparison, compare
from retain.evaluation.segments import Predicted, Segment
from retain.features.catalog import EVERY
from retain.features.spec import FeatureSet
from retain.labels import LABELS, outcomes, sales_of
from retain.lifetime.bgnbd import fit_bgnbd
from retain.lifetime.forecast import Forecast
from retain.lifetime.history import histories
from retain.modelling.hazard import TENURE
from retain.modelling.learners import RFM, Task
from retain.modelling.one_thread import one_thread
from retain.modelling.training import baseline_of, eligible_snapshots
from retain.pipeline.parts import segments_of, told_apart
from retain.scoring.contract_value import all_end, learn_tenure
from retain.scoring.value import expected_value
from retain.timeline import DAY, instant_text

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from retain.engine.panel import FloatArray, Snapshots
    from retain.labels import ChurnSettings
    from retain.pipeline.project import Project


@dataclass(frozen=True)
class Assessment:
    """How good predictions were at one cutoff.

    Attributes:
        measures: all metrics with intervals.
        baselines: the same for each baseline.
        comparisons: the model's AUROC against each baseline's, on the same customers.
        segments: the model's quality in every part of the customers that is large enough.
        seen: what the model predicted, and what happened.
    """

    measures: Measures
    baselines: Mapping[str, Measures]
    comparisons: Mapping[str, Comparison]
    segments: tuple[Segment, ...]
    seen: Predicted


def assess(
    project: Project,
    cutoff: int,
    features: FeatureSet,
    probabilities: Callable[[FloatArray], FloatArray],
    trained_on: Sequence[int],
    known_by: int,
) -> Assessment:
    """The quality of a model at a cutoff whose outcome is known.

    Args:
        project: the data and settings.
        cutoff: the instant of prediction.
        features: what the model reads.
        probabilities: the model: features to probabilities of churn.
        trained_on: its cutoffs; the baseline that has to be trained learns from the same.
        known_by: outcomes up to this instant were known to it, and are to the baseline.

    Raises:
        WindowError: nobody was active at the cutoff.
    """
    config, store = project.config, project.store
    snapshots = eligible_snapshots(store, [cutoff], config.churn)
    if not len(snapshots):
        raise WindowError(
            f"Nobody was active at {instant_text(cutoff)}. {config.churn.in_words} Choose another cutoff, or change [churn]."
        )
    everything = max(int(one.known.max()) for one in store.tables.values() if len(one)) + 1
    y = outcomes(store, snapshots.customer, snapshots.cutoff, config.churn, everything)
    project.progress(f"measuring {len(y):,} predictions at {instant_text(cutoff)}")

    forecast = project.forecast(cutoff)
    worth = expected_value(store, cutoff, snapshots.customer, config.value, config.churn, forecast)
    value = worth if told_apart(worth) else None

    def measured(p: FloatArray) -> Measures:
        return measure(
            y,
            p,
            seed=config.training.seed,
            resamples=config.evaluation.resamples,
            profit=config.evaluation.profit,
            value=value,
        )

    learner, rhythm = baseline_of(config.churn), rhythm_of(config.churn)
    beside = {learner: _trained(project, learner, trained_on, known_by, snapshots)}
    chance = RHYTHMS[rhythm](project, cutoff, snapshots)
    if chance is not None:
        beside[rhythm] = chance
    p = probabilities(project.engine(store, features, snapshots).values)
    seen = Predicted(cutoff, snapshots.customer, y, p)
    return Assessment(
        measures=measured(p),
        baselines={name: measured(one) for name, one in beside.items()},
        comparisons={name: compare(y, p, one) for name, one in beside.items()},
        segments=segments_of(project, [seen]),
        seen=seen,
    )


@one_thread()
def _trained(
    project: Project, learner: str, trained_on: Sequence[int], known_by: int, snapshots: Snapshots
) -> FloatArray:
    """The learner that is the baseline, on the few features that it reads, trained on the same cutoffs."""
    config, store = project.config, project.store
    features = FeatureSet(
        tuple(EVERY.by_name[name] for name in READS[learner] if name in project.features.names)
    )
    panel = eligible_snapshots(store, trained_on, config.churn)
    y = outcomes(store, panel.customer, panel.cutoff, config.churn, known_by)
    x = project.engine(store, features, panel).values
    task = Task(x, y, features.names, size=1, seed=config.training.seed)
    return np.asarray(expit(task.fitted(learner).log_odds(project.engine(store, features, snapshots).values)))


def bgnbd(project: Project, cutoff: int, snapshots: Snapshots) -> FloatArray | None:
    """Probability of no purchase in the label window under BG/NBD; None where it cannot be fitted."""
    sales = sales_of(project.store)
    known = (sales.time < cutoff) & (sales.known < cutoff)
    customers, history = histories(sales.customer[known], sales.time[known], cutoff)
    forecast = project.forecast(cutoff)
    try:
        # With amounts the same histories taught the forecast already.
        model = forecast.rhythm if isinstance(forecast, Forecast) else fit_bgnbd(history)
    except TrainingError:
        return None
    window = project.config.churn.window
    chance = np.full(len(project.store.customer_ids), np.nan)
    chance[customers] = model.no_purchase(history, (window.end(cutoff) - window.start(cutoff)) / DAY)
    return np.asarray(chance[snapshots.customer])


def sbg(project: Project, cutoff: int, snapshots: Snapshots) -> FloatArray | None:
    """Probability that all running contracts end by the end of the label window under a shifted beta-geometric."""
    store = project.store
    curve = learn_tenure(store, cutoff)
    if curve is None:
        return None
    return all_end(store, cutoff, curve, project.config.churn.window.days)[snapshots.customer]


READS: Mapping[str, tuple[str, ...]] = {"rfm_logistic": RFM, "tenure_hazard": (TENURE,)}
"""The features of each baseline that is trained."""
RHYTHMS: Mapping[str, Callable[[Project, int, Snapshots], FloatArray | None]] = {"bgnbd": bgnbd, "sbg": sbg}
"""Baselines that know only when things happened."""


def rhythm_of(churn: ChurnSettings) -> str:
    """The baseline of that kind where churn means this."""
    return "sbg" if LABELS.get(churn.definition).table == "contracts" else "bgnbd"
