"""What the card of a model of given labels says."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.special import expit

from retain.evaluation.card import measure
from retain.evaluation.delong import delong_interval
from retain.evaluation.segments import Predicted
from retain.labels import UNDATED
from retain.modelling import calibration
from retain.modelling.given import ONE_FEATURE, WARNING, folds_of, labelled, one_feature
from retain.modelling.training import BASELINES
from retain.pipeline.given import OUT_OF_FOLD, segments_by_words
from retain.pipeline.model_card import FIGURES, STRONGEST, accounts, facts, importance, limits_of
from retain.pipeline.report import CAVEATS, NAMES
from retain.reports.model_card import CutoffQuality, ModelCard
from retain.timeline import instant_text

if TYPE_CHECKING:
    from retain.modelling.training import Trained
    from retain.pipeline.project import Project


def gather_given(project: Project, trained: Trained, version: str) -> ModelCard:
    """What the card of a model of given labels just trained says."""
    config, parts = project.config, trained.validated
    known = labelled(project.store, trained.churn, trained.plan.until)
    x = project.engine(project.store, trained.features, known.snapshots).values
    order = np.argsort(np.concatenate([one.customer for one in parts]))
    pairs = [(one.log_odds[trained.learner], one.y) for one in parts]
    p = np.asarray(expit(np.concatenate(calibration.left_out(pairs, trained.calibration))[order]))
    found = measure(known.y, p, seed=config.training.seed, resamples=config.evaluation.resamples)
    single = one_feature(x, known.y, folds_of(known.y, trained.seed), trained.features)
    beside = {ONE_FEATURE: single}
    rfm = BASELINES["orders"]
    if rfm in parts[0].log_odds:
        beside[rfm] = np.concatenate([one.log_odds[rfm] for one in parts])[order]
    strongest = importance(project, trained)
    return ModelCard(
        project=config.name,
        version=version,
        churn=trained.churn.in_words,
        facts=facts(
            trained,
            "labelled customers",
            (
                "outcomes known until",
                "the tables hold no time"
                if trained.plan.until == UNDATED
                else instant_text(trained.plan.until),
            ),
        ),
        tables=accounts(project),
        metrics=tuple(FIGURES.values()),
        baselines=tuple(NAMES[name] for name in beside),
        quality=[
            CutoffQuality(
                cutoff=OUT_OF_FOLD,
                customers=found.n,
                churn_rate=found.churn_rate,
                figures=[found.interval(name) for name in FIGURES],
                baselines=[delong_interval(known.y, one) for one in beside.values()],
            )
        ],
        learners=[(one.learner, one.mean_auroc) for one in trained.contests],
        segments=segments_by_words(
            trained.features,
            trained.fitted.contributions(x),
            x,
            Predicted(trained.plan.until, known.snapshots.customer, known.y, p),
        ),
        importance=strongest[:STRONGEST],
        limits=[WARNING, *CAVEATS, *limits_of(trained)],
        asked="For each customer, labelled or not, the model gives the probability of that label.",
        checked=(
            f"The labelled customers were divided into {len(parts)} parts with about the same churn rate. Each part was "
            f"predicted by a model of the same recipe that was trained and calibrated on the others. There is no later time to "
            f"check on."
        ),
        where="on",
    )
