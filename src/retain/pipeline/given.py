"""Models of given labels: what they say of labelled customers who were left out of training, and what nobody can say."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.special import expit

from retain.evaluation.card import Measures, measure
from retain.evaluation.delong import compare
from retain.evaluation.segments import Parting, Predicted, segments
from retain.labels import UNDATED
from retain.modelling import calibration, gate
from retain.modelling.given import (
    ONE_FEATURE,
    baselines_of,
    folds_of,
    labelled,
    left_out,
    one_feature,
)
from retain.pipeline.assess import Assessment
from retain.pipeline.parts import told_apart
from retain.scoring.value import expected_value, learn

if TYPE_CHECKING:
    from retain.engine.panel import FloatArray
    from retain.evaluation.segments import Segment
    from retain.events.store import IntArray
    from retain.features.spec import FeatureSet
    from retain.modelling.bundle import Bundle
    from retain.modelling.given import Labelled
    from retain.modelling.training import Trained
    from retain.pipeline.project import Project

MOST_PARTINGS = 4
"""The customers are parted by so many categories."""
OUT_OF_FOLD = "customers left out of training"
"""In place of a cutoff."""


def default_until(project: Project) -> int:
    """Until when a model knows all there is: the end of the data, whatever the clock says."""
    if project.config.churn.given and project.last_known is None:
        return UNDATED
    return project.end_of_data()


def notes_of(project: Project) -> list[str]:
    """What a reader of scores of given labels should know."""
    notes = [
        (
            "Customers with a label are scored too, by a model that learned from them; "
            "`retain evaluate` says how good it is on others."
        )
    ]
    if project.last_known is None:
        notes.append("The tables hold no time, so the scores bear the date on which they were made.")
    return notes


def assess_given(project: Project, opened: Bundle) -> tuple[Assessment, int]:
    """How good the model's recipe is on customers left out of training, and into how many parts they were divided.

    The learner and size were chosen on another division of the same customers.

    Args:
        project: the data and settings.
        opened: the model.
    """
    config = project.config
    known = labelled(project.store, opened.churn, opened.trained_until)
    y = known.y
    fold = folds_of(y, config.training.seed + 1)
    project.progress(f"measuring {len(y):,} predictions of customers left out of training")
    odds = _by_recipe(project, opened, known, fold)
    parts = [fold == one for one in np.unique(fold)]
    pairs = [(odds[one], y[one]) for one in parts]
    chance = np.empty(len(y))
    for one, z in zip(parts, calibration.left_out(pairs, opened.calibration), strict=True):
        chance[one] = expit(z)

    forecast = learn(project.store, opened.trained_until, opened.churn)
    worth = expected_value(
        project.store, opened.trained_until, known.snapshots.customer, config.value, opened.churn, forecast
    )

    def measured(p: FloatArray) -> Measures:
        return measure(
            y,
            p,
            seed=config.training.seed,
            resamples=config.evaluation.resamples,
            profit=config.evaluation.profit,
            value=worth if told_apart(worth) else None,
        )

    x = project.engine(project.store, opened.features, known.snapshots).values
    beside = {ONE_FEATURE: one_feature(x, y, fold, opened.features)}
    for name in baselines_of(opened.features):
        beside[name] = left_out(x, y, fold, opened.features, {name: (1,)}, seed=config.training.seed)[name][1]
    chances = {name: np.asarray(expit(one)) for name, one in beside.items()}
    seen = Predicted(opened.trained_until, known.snapshots.customer, y, chance)
    found = Assessment(
        measures=measured(chance),
        baselines={name: measured(one) for name, one in chances.items()},
        comparisons={name: compare(y, chance, one) for name, one in chances.items()},
        segments=segments_by_words(opened.features, opened.fitted.contributions(x), x, seen),
        seen=seen,
    )
    return found, len(parts)


def segments_by_words(
    features: FeatureSet, contributions: FloatArray, x: FloatArray, seen: Predicted
) -> tuple[Segment, ...]:
    """The quality of predictions for each word of the categories that move the model most, where it is large enough.

    Args:
        features: the columns.
        contributions: what each adds to each row's log-odds.
        x: their values.
        seen: the predictions, row by row.
    """
    sizes = np.abs(contributions).mean(axis=0)
    order = [features.names[at] for at in np.argsort(-sizes, kind="stable").tolist() if sizes[at] > 0]
    found: list[Segment] = []
    for name in [one for one in order if one in features.categories][:MOST_PARTINGS]:
        one = features.by_name[name]
        code = np.nan_to_num(x[:, features.names.index(name)], nan=0.0).astype(np.int64)
        found += segments(
            [seen], Parting(one.topic, ["not known", *(one.levels or ())], [code], ordered=False)
        )
    return tuple(found)


def predicted_parts(
    project: Project, challenger: Bundle, champion: Bundle | None, trained: Trained | None
) -> tuple[gate.Predicted, ...]:
    """Every part of the labelled customers as models of the other parts saw it: both recipes, on the same parts."""
    known = labelled(project.store, challenger.churn, challenger.trained_until)
    fold = folds_of(known.y, challenger.card["training"]["seed"])
    mine = _by_recipe(project, challenger, known, fold) if trained is None else _of_training(trained)
    other = None if champion is None else _by_recipe(project, champion, known, fold)
    return tuple(
        gate.Predicted(
            challenger.trained_until,
            known.snapshots.customer[rows],
            known.y[rows],
            mine[rows],
            None if other is None else other[rows],
        )
        for rows in (fold == one for one in np.unique(fold))
    )


def _by_recipe(project: Project, opened: Bundle, known: Labelled, fold: IntArray) -> FloatArray:
    """Log-odds of each customer by the model's learner, size, hyperparameters, seed and features, trained without them."""
    card = opened.card
    name, size = card["learner"], card["size"]
    x = project.engine(project.store, opened.features, known.snapshots).values
    found = left_out(
        x,
        known.y,
        fold,
        opened.features,
        {name: (size,)},
        seed=card["training"]["seed"],
        threads=project.config.training.threads,
        **opened.directions,
        hyperparameters=opened.hyperparameters,
    )
    return found[name][size]


def _of_training(trained: Trained) -> FloatArray:
    """The same, as training has just found it; the store has customers in the order of their numbers."""
    customer = np.concatenate([one.customer for one in trained.validated])
    odds = np.concatenate([one.log_odds[trained.learner] for one in trained.validated])
    return np.asarray(odds[np.argsort(customer)])
