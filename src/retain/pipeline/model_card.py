"""What the model card says, gathered from training, validation and the gate."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.special import expit

from retain import __version__
from retain.engine.panel import Snapshots
from retain.errors import ModelError
from retain.evaluation.card import measure
from retain.evaluation.delong import delong_interval
from retain.evaluation.intervals import Interval
from retain.evaluation.segments import Predicted
from retain.modelling import calibration
from retain.modelling.training import baseline_of, drawn, eligible_snapshots
from retain.pipeline.assess import RHYTHMS, rhythm_of
from retain.pipeline.parts import segments_of
from retain.pipeline.report import CAVEATS, NAMES
from retain.reports.model_card import NAME, CutoffQuality, ModelCard, with_gate
from retain.timeline import instant_text

if TYPE_CHECKING:
    from retain.engine.panel import FloatArray
    from retain.features.spec import FeatureSet
    from retain.modelling.gate import Verdict
    from retain.modelling.seasons import Season
    from retain.modelling.tracking import Registered
    from retain.modelling.training import Trained, Validated
    from retain.pipeline.project import Project

FIGURES = {
    "auroc": "AUROC",
    "lift_at_10": "lift, top tenth",
    "brier": "Brier",
    "ece": "ECE",
    "calibration_slope": "slope",
    "observed_expected": "observed/expected",
}
MOST_EXPLAINED = 10_000
"""Customers whose contributions say what a model looks at: a mean over so many is exact to a hundredth of itself."""
STRONGEST = 20
GATE_WORDS = {True: "passed", False: "failed"}


def _season(season: Season) -> str:
    """How the level moves, in words."""
    line = (
        f"the level moves with how busy the same days were a year before: log-odds {season.intercept:+.2f} "
        f"{season.slope:+.2f} times the logarithm of orders a day against the days before the cutoff"
    )
    if season.least is None:
        return line
    return f"{line}; as nothing has shown yet that seasons come again, only upwards, and no logarithm counts below {season.least:+.2f}"


def gather(project: Project, trained: Trained, version: str) -> ModelCard:
    """What the card of a model just trained says."""
    config, plan = project.config, trained.plan
    folds = [(one.log_odds[trained.learner], one.y) for one in trained.validated]
    z = calibration.left_out(folds, trained.calibration)
    chances = [np.asarray(expit(one)) for one in z]
    quality = [_quality(project, seen, p) for seen, p in zip(trained.validated, chances, strict=True)]
    levels = [one.figures[-1].value for one in quality]
    limits = [
        *CAVEATS,
        (
            f"At the validation cutoffs {min(levels):.2f} to {max(levels):.2f} customers left for each one forecast: trust the "
            f"order more than the level."
        ),
        "Nobody has tested it on customers of another company, or under another definition of churn.",
        *limits_of(trained),
    ]
    return ModelCard(
        project=config.name,
        version=version,
        churn=trained.churn.in_words,
        facts=facts(
            trained,
            "snapshots",
            *((("season", _season(trained.season)),) if trained.season is not None else ()),
            ("outcomes known until", instant_text(plan.until)),
            (
                "cutoffs",
                f"{len(plan.cutoffs)}, {instant_text(plan.cutoffs[0])} to {instant_text(plan.cutoffs[-1])}",
            ),
        ),
        tables=accounts(project),
        metrics=tuple(FIGURES.values()),
        baselines=(NAMES[baseline_of(config.churn)], NAMES[rhythm_of(config.churn)]),
        quality=quality,
        learners=[(one.learner, one.mean_auroc) for one in trained.contests],
        segments=segments_of(
            project,
            [
                Predicted(one.cutoff, one.customer, one.y, p)
                for one, p in zip(trained.validated, chances, strict=True)
            ],
        ),
        importance=importance(project, trained),
        limits=limits,
    )


def facts(trained: Trained, rows: str, *through_time: tuple[str, str]) -> tuple[tuple[str, str], ...]:
    """Names and values of what is known of any training; of hyperparameters those that are not the usual.

    Args:
        trained: the model.
        rows: what its training rows are called.
        through_time: what is to be said of times, after the calibration.
    """
    changed = trained.hyperparameters.changed()
    told = ", ".join(f"{key} {value:g}" for key, value in changed.items())
    return (
        ("learner", NAMES.get(trained.learner, trained.learner)),
        *((("hyperparameters", told),) if told else ()),
        ("calibration", f"{trained.calibration.method}, slope {trained.calibration.slope:.3f}"),
        *through_time,
        (rows, f"{trained.rows:,}, of which {trained.churn_rate:.1%} churned"),
        ("features", f"{len(trained.features.names)}, fingerprint {trained.features.fingerprint[:12]}"),
        ("seed", str(trained.seed)),
        ("software", f"retain {__version__}"),
    )


def limits_of(trained: Trained) -> tuple[str, ...]:
    """What to know of the features of any model: those without a time, and those that seem to know the outcome."""
    return (
        *_attribute_limits(trained.features),
        *(
            f"`{one.feature}` seems to know the outcome (AUROC {one.auroc:.3f} alone); the configuration accepts that."
            for one in trained.leaks
        ),
    )


def _attribute_limits(features: FeatureSet) -> list[str]:
    """What to know of features that have no time."""
    named = ", ".join(f"`{one.name}`" for one in features.attributes)
    if not named:
        return []
    return [
        (
            f"{named}: admitted by the configuration, though nothing says since when they have been so. Where such a column is "
            f"written or changed after a customer leaves, it knows the outcome, and the figures above flatter the model."
        )
    ]


def gate_lines(verdict: Verdict | None, *, forced: bool = False) -> list[str]:
    """What the card says about the gate."""
    if verdict is None:
        return ["It was not put to the gate, so it is no champion."]
    if verdict.passed:
        head = "It passed."
    elif forced:
        head = "It did not pass, and was made champion by force."
    else:
        head = "It did not pass, so it is no champion."
    if verdict.compared_with:
        head += f" The champion at the time was {verdict.compared_with}."
    return [head, "", *(f"- {GATE_WORDS[one.passed]}: {one.words}" for one in verdict.checks)]


def card_of(project: Project, registered: Registered) -> str:
    """The card of a registered version, with what the gate says of it by now.

    Raises:
        ModelError: an earlier release logged it, without a card.
    """
    file = project.tracking.bundle_of(registered) / NAME
    try:
        text = file.read_text(encoding="utf-8")
    except OSError as cause:
        raise ModelError(
            f"Model {registered.number} ({registered.version}) was logged without a card. Train it again."
        ) from cause
    return with_gate(text, gate_lines(registered.verdict, forced=registered.forced))


def _quality(project: Project, seen: Validated, p: FloatArray) -> CutoffQuality:
    config = project.config
    found = measure(seen.y, p, seed=config.training.seed, resamples=config.evaluation.resamples)
    at = Snapshots(seen.customer, np.full(len(seen.customer), seen.cutoff, dtype=np.int64))
    chance = RHYTHMS[rhythm_of(config.churn)](project, seen.cutoff, at)
    unknown = Interval(float("nan"), float("nan"), float("nan"))
    return CutoffQuality(
        cutoff=instant_text(seen.cutoff),
        customers=found.n,
        churn_rate=found.churn_rate,
        figures=[found.interval(name) for name in FIGURES],
        baselines=[
            delong_interval(seen.y, seen.log_odds[baseline_of(config.churn)]),
            unknown if chance is None else delong_interval(seen.y, chance),
        ],
    )


def importance(project: Project, trained: Trained) -> list[tuple[str, float, str]]:
    """The strongest features among those eligible at the newest training cutoff."""
    last = eligible_snapshots(project.store, trained.plan.cutoffs[-1:], trained.churn)
    rows = drawn(np.arange(len(last)), trained.seed, MOST_EXPLAINED)
    last = Snapshots(last.customer[rows], last.cutoff[rows])
    parts = trained.fitted.contributions(project.engine(project.store, trained.features, last).values)
    sizes = np.abs(parts).mean(axis=0)
    order = np.argsort(-sizes, kind="stable")[:STRONGEST]
    features = [trained.features.features[at] for at in order.tolist()]
    return [
        (one.name, float(sizes[at]), one.why)
        for one, at in zip(features, order, strict=True)
        if sizes[at] > 0
    ]


def accounts(project: Project) -> list[tuple[str, int, str, str, str]]:
    """Of each table its name, rows, first and last day, and fingerprint."""
    return [
        (name, one.rows_good, _day(one.first_event), _day(one.last_event), one.fingerprint[:12])
        for name, one in sorted(project.store.accounts.items())
    ]


def _day(moment: int | None) -> str:
    return "" if moment is None else instant_text(moment)[:10]
