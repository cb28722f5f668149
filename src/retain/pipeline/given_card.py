"""What the card of a model of given labels says."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.special import expit

from retain import __version__
from retain.evaluation.card import measure
from retain.evaluation.clustered import Ranked, mean_auroc
from retain.evaluation.delong import delong_interval
from retain.labels import UNDATED
from retain.modelling import calibration
from retain.modelling.given import ONE_FEATURE, WARNING, folds_of, labelled, one_feature
from retain.modelling.training import BASELINE
from retain.pipeline.given import OUT_OF_FOLD
from retain.pipeline.model_card import (
    FEWEST,
    FEWEST_OF_A_CLASS,
    FIGURES,
    STRONGEST,
    accounts,
    attribute_limits,
    importance,
)
from retain.pipeline.report import CAVEATS, NAMES
from retain.reports.model_card import CutoffQuality, ModelCard, Segment
from retain.timeline import instant_text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from retain.engine.panel import FloatArray
    from retain.modelling.training import LabelArray, Trained
    from retain.pipeline.project import Project

MOST_SEGMENTS = 4
"""The customers are parted by so many categories, those that move the model most."""


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
    if BASELINE in parts[0].log_odds:
        beside[BASELINE] = np.concatenate([one.log_odds[BASELINE] for one in parts])[order]
    strongest = importance(project, trained)
    return ModelCard(
        project=config.name,
        version=version,
        churn=trained.churn.in_words,
        facts=(
            ("learner", NAMES.get(trained.learner, trained.learner)),
            ("calibration", f"{trained.calibration.method}, slope {trained.calibration.slope:.3f}"),
            (
                "outcomes known until",
                "the tables hold no time"
                if trained.plan.until == UNDATED
                else instant_text(trained.plan.until),
            ),
            ("labelled customers", f"{trained.rows:,}, of which {trained.churn_rate:.1%} churned"),
            ("features", f"{len(trained.features.names)}, fingerprint {trained.features.fingerprint[:12]}"),
            ("seed", str(trained.seed)),
            ("software", f"retain {__version__}"),
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
        segments=tuple(_segments(trained, [name for name, _, _ in strongest], x, known.y, p)),
        importance=strongest[:STRONGEST],
        limits=[
            WARNING,
            *CAVEATS,
            *attribute_limits(trained.features),
            *(
                f"`{one.feature}` seems to know the outcome (AUROC {one.auroc:.3f} alone); the configuration accepts that."
                for one in trained.leaks
            ),
        ],
        asked="For each customer, labelled or not, the model gives the probability of that label.",
        checked=(
            f"The labelled customers were divided into {len(parts)} parts with about the same churn rate. Each part was "
            f"predicted by a model of the same recipe that was trained and calibrated on the others. There is no later time to "
            f"check on."
        ),
        where="on",
    )


def _segments(
    trained: Trained, strongest: list[str], x: FloatArray, y: LabelArray, p: FloatArray
) -> Iterator[Segment]:
    """The words of the strongest categories that enough labelled customers of either outcome have."""
    categories = [one for one in strongest if one in trained.features.categories][:MOST_SEGMENTS]
    for name in categories:
        feature = trained.features.by_name[name]
        for place, word in enumerate(feature.levels or (), start=1):
            mine = x[:, trained.features.names.index(name)] == place
            churned = int(y[mine].sum())
            if mine.sum() < FEWEST or min(churned, int(mine.sum()) - churned) < FEWEST_OF_A_CLASS:
                continue
            ranked = Ranked(np.flatnonzero(mine), y[mine], p[mine])
            yield Segment(
                feature.topic,
                word,
                int(mine.sum()),
                float(y[mine].mean()),
                float(p[mine].mean()),
                mean_auroc([ranked]),
            )
