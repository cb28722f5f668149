"""What the model card says, gathered from training, validation and the gate."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.special import expit

from retain import __version__
from retain.engine.panel import Snapshots
from retain.errors import ModelError
from retain.evaluation.card import measure
from retain.evaluation.clustered import Ranked, mean_auroc
from retain.evaluation.delong import delong_interval
from retain.evaluation.intervals import Interval
from retain.labels import LABELS, sales_of
from retain.modelling import calibration
from retain.modelling.training import baseline_of, both_classes, eligible_snapshots
from retain.pipeline.assess import RHYTHMS, rhythm_of
from retain.pipeline.report import CAVEATS, NAMES
from retain.reports.model_card import NAME, CutoffQuality, ModelCard, Segment, with_gate
from retain.scoring.value import expected_value, learn
from retain.timeline import DAY, instant_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import numpy.typing as npt

    from retain.engine.panel import FloatArray
    from retain.modelling.gate import Verdict
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
FEWEST, FEWEST_OF_A_CLASS = 200, 30
"""A segment with fewer predictions, or fewer of either outcome, is left out."""
MOST_COUNTRIES = 10
STRONGEST = 20
TENURES = ((0, "less than 90 days ago"), (90, "90 to 364 days ago"), (365, "a year ago or more"))
VALUES = ("lower third", "middle third", "upper third")
GATE_WORDS = {True: "passed", False: "failed"}


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
        *(
            f"`{one.feature}` seems to know the outcome (AUROC {one.auroc:.3f} alone); the configuration accepts that."
            for one in trained.leaks
        ),
    ]
    return ModelCard(
        project=config.name,
        version=version,
        churn=trained.churn.in_words,
        facts=(
            ("learner", NAMES.get(trained.learner, trained.learner)),
            ("calibration", f"{trained.calibration.method}, slope {trained.calibration.slope:.3f}"),
            ("outcomes known until", instant_text(plan.until)),
            (
                "cutoffs",
                f"{len(plan.cutoffs)}, {instant_text(plan.cutoffs[0])} to {instant_text(plan.cutoffs[-1])}",
            ),
            ("snapshots", f"{trained.rows:,}, of which {trained.churn_rate:.1%} churned"),
            ("features", f"{len(trained.features.names)}, fingerprint {trained.features.fingerprint[:12]}"),
            ("seed", str(trained.seed)),
            ("software", f"retain {__version__}"),
        ),
        tables=[
            (name, one.rows_good, _day(one.first_event), _day(one.last_event), one.fingerprint[:12])
            for name, one in sorted(project.store.accounts.items())
        ],
        metrics=tuple(FIGURES.values()),
        baselines=(NAMES[baseline_of(config.churn)], NAMES[rhythm_of(config.churn)]),
        quality=quality,
        learners=[(one.learner, one.mean_auroc) for one in trained.contests],
        segments=tuple(_segments(project, trained.validated, chances)),
        importance=_importance(project, trained),
        limits=limits,
    )


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


def _segments(
    project: Project, validated: Sequence[Validated], chances: Sequence[FloatArray]
) -> Iterator[Segment]:
    """Country, tenure and value, as they were known at each cutoff, where there are enough of both outcomes."""
    kinds = {
        "country": [_countries(project, one) for one in validated],
        "customer since": [_tenures(project, one) for one in validated],
        "expected value": [_values(project, one) for one in validated],
    }
    for kind, parts in kinds.items():
        everyone = np.concatenate(parts)
        y = np.concatenate([one.y for one in validated])
        p = np.concatenate(chances)
        names, counts = np.unique(everyone[everyone != ""], return_counts=True)
        order = (
            np.argsort(-counts, kind="stable")[:MOST_COUNTRIES] if kind == "country" else range(len(names))
        )
        for name in names[list(order)].tolist():
            mine = everyone == name
            churners = int(y[mine].sum())
            ranked = [
                Ranked(one.customer[part == name], one.y[part == name], score[part == name])
                for one, part, score in zip(validated, parts, chances, strict=True)
                if both_classes(one.y[part == name])
            ]
            if mine.sum() < FEWEST or min(churners, mine.sum() - churners) < FEWEST_OF_A_CLASS or not ranked:
                continue
            yield Segment(
                kind,
                # What is before the colon keeps the parts in order.
                str(name).split(":", 1)[-1],
                int(mine.sum()),
                float(y[mine].mean()),
                float(p[mine].mean()),
                mean_auroc(ranked),
            )


def _countries(project: Project, seen: Validated) -> npt.NDArray[np.str_]:
    table = project.store.tables.get("customers")
    if table is None or "country" not in table.columns:
        return np.full(len(seen.customer), "", dtype=np.str_)
    column = table.columns["country"]
    known = [] if column.levels is None else column.levels.tolist()
    levels = np.array(["", *(f":{one}" for one in known)], dtype=np.str_)
    code = np.zeros(len(project.store.customer_ids), dtype=np.int64)
    code[table.customer] = column.values.astype(np.int64) + 1
    return np.asarray(levels[code[seen.customer]])


def _tenures(project: Project, seen: Validated) -> npt.NDArray[np.str_]:
    """Since when each has been a customer: their first order, or first contract."""
    table = project.store.tables[LABELS.get(project.config.churn.definition).table]
    events = sales_of(project.store) if table is project.store.tables.get("orders") else table
    known = (events.time < seen.cutoff) & (events.known < seen.cutoff)
    first = np.full(len(project.store.customer_ids), seen.cutoff, dtype=np.int64)
    np.minimum.at(first, events.customer[known], events.time[known])
    days = (seen.cutoff - first[seen.customer]) // DAY
    place = np.searchsorted([least for least, _ in TENURES], days, side="right") - 1
    return np.array([f"{at}:{words}" for at, (_, words) in enumerate(TENURES)])[place]


def _values(project: Project, seen: Validated) -> npt.NDArray[np.str_]:
    store, config = project.store, project.config
    # Learned from what was known at that cutoff, as the predictions were.
    forecast = learn(store, seen.cutoff, config.churn)
    worth = expected_value(store, seen.cutoff, seen.customer, config.value, config.churn, forecast)
    if not np.isfinite(worth).all():
        return np.full(len(worth), "", dtype=np.str_)
    place = np.searchsorted(np.quantile(worth, [1 / 3, 2 / 3]), worth, side="left")
    return np.array([f"{at}:{words}" for at, words in enumerate(VALUES)])[place]


def _importance(project: Project, trained: Trained) -> list[tuple[str, float, str]]:
    """The strongest features among those eligible at the newest training cutoff."""
    last = eligible_snapshots(project.store, trained.plan.cutoffs[-1:], trained.churn)
    parts = trained.fitted.contributions(project.engine(project.store, trained.features, last).values)
    sizes = np.abs(parts).mean(axis=0)
    order = np.argsort(-sizes, kind="stable")[:STRONGEST]
    features = [trained.features.features[at] for at in order.tolist()]
    return [
        (one.name, float(sizes[at]), one.why)
        for one, at in zip(features, order, strict=True)
        if sizes[at] > 0
    ]


def _day(moment: int | None) -> str:
    return "" if moment is None else instant_text(moment)[:10]
