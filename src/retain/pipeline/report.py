"""What the page shows, gathered from a scoring run, an evaluation and the key figures."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import numpy as np

from retain import __version__
from retain.decisions.playbook import FALLBACK
from retain.labels import LABELS, orders_of
from retain.modelling.dependence import partial_dependence
from retain.modelling.given import WARNING
from retain.pipeline.kpis import run_kpis
from retain.pipeline.score import playbook_of
from retain.reports import content, write
from retain.reports.wording import day
from retain.scoring.reasons import MOST
from retain.scoring.tiers import TIERS
from retain.timeline import instant_text, midnight_after

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from retain.evaluation.card import Measures
    from retain.evaluation.delong import Comparison
    from retain.evaluation.intervals import Interval
    from retain.evaluation.ranking import GainPoint
    from retain.pipeline.evaluate import Evaluation
    from retain.pipeline.project import Project
    from retain.pipeline.score import ScoringRun

SHOWN = 50
"""So many customers are listed on the page; all are in ``scores.parquet``."""
STRONGEST = 12
"""So many features are shown by how far they move the model."""
CURVES = 6
"""So many of them are shown with what the model makes of each value."""
CHANCE = 0.5
AT_RISK = ("critical", "high")
NAMES = {
    "bgnbd_discriminative": "BG/NBD fitted to churn",
    "blend": "Blend of trees, logistic regression and BG/NBD",
    "lightgbm": "Boosted trees (LightGBM)",
    "logistic": "Logistic regression",
    "rfm_logistic": "RFM logistic regression",
    "bgnbd": "BG/NBD",
    "one_feature": "Logistic regression on the strongest feature",
    "tenure_hazard": "Hazard by tenure",
    "sbg": "Shifted beta-geometric",
}
TOPIC_WORDS = {
    "recency": "Time since the last order",
    "frequency": "Number of orders",
    "spend": "Spend",
    "rhythm": "Rhythm of orders",
    "trend": "Orders and spend against before",
    "returns": "Returns",
    "breadth": "Range of products bought",
    "habits": "When orders are placed",
    "tenure": "Time as a customer",
    "discounts": "Discounts",
    "support": "Trouble with support",
    "feedback": "Feedback",
    "engagement": "Messages read",
    "delivery": "Deliveries",
    "payment": "Payments",
    "contract": "Contracts",
}
STATUS_WORDS = {
    "scored": "active, so asked about and scored",
    "not_eligible": "ordered before, but not recently enough to be asked about",
    "no_history": "no order known before the date of the scores",
    "invalid": "occurs only in rows that were put into quarantine",
}
GIVEN_WORDS = {
    **STATUS_WORDS,
    "scored": "in the table of customers, so scored",
    "no_history": "in other tables, but not in the table of customers",
}
CONTRACT_WORDS = {
    **STATUS_WORDS,
    "scored": "with a running contract, so asked about and scored",
    "not_eligible": "had a contract, but none that runs",
    "no_history": "no contract known before the date of the scores",
}
KINDS: Mapping[str, content.Churn] = {"customers": "given", "contracts": "contract"}
STATUS_WORDS_OF = {"customers": GIVEN_WORDS, "contracts": CONTRACT_WORDS}
"""Words of the definitions of churn that are not about orders, by the table that makes somebody a customer."""
CAVEATS = (
    "The model knows what the tables hold and nothing else: no competitor's offer, no move to another town.",
    "A reason says what moves the score. It does not say that changing it would keep the customer.",
    "Recommended actions follow rules over tier and reasons; nobody has measured yet what they bring here.",
    "Churn rates move with the season. Probabilities are right on average over the seasons seen in training.",
)


def write_report(project: Project, run: ScoringRun, evaluation: Evaluation | None, path: Path) -> Path:
    """The path of a page that shows the run, how good the model is, and the customer base in figures."""
    project.progress("writing the report")
    return write(_content(project, run, evaluation), path)


def _content(project: Project, run: ScoringRun, evaluation: Evaluation | None) -> content.ReportContent:
    config, scored = project.config, run.scored
    risky = np.isin(scored.tier.astype(str), AT_RISK)
    by = LABELS.get(config.churn.definition).table
    words = STATUS_WORDS_OF.get(by, STATUS_WORDS)
    has_value = bool(np.isfinite(scored.value_at_risk).any())
    card = run.bundle.card["training"]
    given = config.churn.given
    topic_of = {one.name: one.topic for one in run.bundle.features.features}
    return content.ReportContent(
        title="Who may leave, why, and what to do",
        dataset=config.name,
        as_of=instant_text(run.as_of),
        version=__version__,
        run_id=run.run_id,
        model_version=run.bundle.version,
        churn=content.ChurnDefinition(
            kind=KINDS.get(by, "inactivity"),
            horizon_days=config.churn.horizon_days,
            lead_days=config.churn.lead_days,
            active_days=None if by in KINDS else config.churn.active_days,
        ),
        headline=content.Headline(
            scored=len(scored.customers),
            at_risk=int(risky.sum()),
            at_risk_tiers=AT_RISK,
            value_at_risk=float(np.nansum(scored.value_at_risk[risky])) if has_value else None,
            value_meaning=(
                f"the probability of churn times what the customer is expected to bring in the next "
                f"{config.value.horizon_days} days"
            ),
        ),
        currency=config.value.currency,
        banners=(
            *_by_chance(evaluation),
            *(content.Banner(note) for note in (*run.notes, *([WARNING] if given else []))),
        ),
        tiers=_tiers(run, config.tiers.cuts),
        reasons=_reasons(run),
        importance=tuple(
            content.Importance(
                name.replace("_", " "), effect, TOPIC_WORDS.get(topic_of[name], topic_of[name])
            )
            for name, effect in scored.feature_effects[:STRONGEST]
        ),
        dependence=_dependence(project, run),
        actions=_actions(project, run),
        customers=_customers(project, run),
        key_figures=_key_figures(project, run.as_of),
        quality=None if evaluation is None else _quality(evaluation),
        training=content.Training(
            cutoffs=() if given else tuple(card["cutoffs"]),
            validation_cutoffs=tuple(card["validation_cutoffs"]),
            champion=NAMES.get(run.bundle.card["learner"], run.bundle.card["learner"]),
            calibration=run.bundle.calibration.method,
            evidence=tuple(
                content.CalibrationEvidence(one["method"], one["log_loss"], None)
                for one in card["calibration_evidence"]
            ),
            folds=card.get("folds", 0),
        ),
        tables=tuple(
            content.TableAccount(
                name,
                one.rows_read,
                one.rows_good,
                tuple(one.reasons.items()),
                None if one.first_event is None else instant_text(one.first_event)[:10],
                None if one.last_event is None else instant_text(one.last_event)[:10],
            )
            for name, one in project.store.accounts.items()
        ),
        languages=tuple(
            content.Language(one.table, one.language, one.texts, one.share, tuple(one.tiers.items()))
            for one in project.coverage
        ),
        statuses=tuple(
            content.StatusCount(status, count, words[status]) for status, count in run.statuses.items()
        ),
        warnings=project.store.warnings,
        caveats=(*CAVEATS, *_of_attributes(run)),
        next_steps=_next_steps(project, run),
    )


def _of_attributes(run: ScoringRun) -> tuple[str, ...]:
    """What to know of features that have no time."""
    named = ", ".join(one.topic for one in run.bundle.features.attributes)
    if not named:
        return ()
    return (
        (
            f"Nothing says since when these have been so: {named}. One that is written or changed after a customer leaves knows "
            f"the outcome, and makes the model look better than it is."
        ),
    )


def _tiers(run: ScoringRun, cuts: tuple[float, ...]) -> tuple[content.Tier, ...]:
    scored = run.scored
    tiers = []
    for name, cut in zip(reversed(TIERS), (*reversed(cuts), 0.0), strict=True):
        mine = scored.tier == name
        money = scored.value_at_risk[mine]
        tiers.append(
            content.Tier(
                name,
                int(mine.sum()),
                float(scored.probability[mine].mean()) if mine.any() else None,
                float(scored.probability[mine].sum()),
                float(np.nansum(money)) if np.isfinite(money).any() else None,
                cut,
            )
        )
    return tuple(tiers)


def _reasons(run: ScoringRun) -> tuple[content.Reason, ...]:
    counts: Counter[tuple[str, str]] = Counter()
    for tier, topics in zip(run.scored.tier.tolist(), run.scored.raising_topics, strict=True):
        counts.update((topic, tier) for topic in topics)
    total: Counter[str] = Counter()
    for (topic, _), count in counts.items():
        total[topic] += count
    return tuple(
        content.Reason(TOPIC_WORDS.get(topic, topic), tuple(counts[topic, tier] for tier in reversed(TIERS)))
        for topic, _ in sorted(total.items(), key=lambda one: (-one[1], one[0]))
    )


def _dependence(project: Project, run: ScoringRun) -> tuple[content.Dependence, ...]:
    """How the model reads its strongest features, asked of the customers just scored."""
    scored, names = run.scored, run.bundle.features.names
    read = []
    for name, effect in scored.feature_effects[:CURVES]:
        found = partial_dependence(
            run.bundle.probabilities, scored.values, names.index(name), project.config.training.seed
        )
        if effect > 0 and found is not None:
            read.append(
                content.Dependence(
                    name=name.replace("_", " "),
                    curve=tuple(zip(found.value.tolist(), found.probability.tolist(), strict=True)),
                    customers=tuple(found.counts.tolist()),
                    unknown_share=found.unknown_share,
                    when_unknown=found.when_unknown,
                )
            )
    return tuple(read)


def _actions(project: Project, run: ScoringRun) -> tuple[content.Action, ...]:
    words = {one.id: one.what for one in playbook_of(project).actions}
    names, money = run.actions.action_id, run.scored.value_at_risk
    counted = sorted(
        Counter(names.tolist()).items(), key=lambda one: (one[0] == "no_action", -one[1], one[0])
    )
    actions = []
    for name, count in counted:
        mine = names == name
        channels = Counter(one for one in run.actions.channel[mine].tolist() if one)
        covered = money[mine]
        actions.append(
            content.Action(
                name.replace("_", " ").capitalize(),
                words[name],
                count,
                tuple(sorted(channels.items(), key=lambda one: (-one[1], one[0]))),
                float(np.nansum(covered)) if np.isfinite(covered).any() else None,
            )
        )
    return tuple(actions)


def _customers(project: Project, run: ScoringRun) -> tuple[content.Customer, ...]:
    scored = run.scored
    money = np.where(np.isfinite(scored.value_at_risk), scored.value_at_risk, 0.0)
    idle = run.actions.action_id == FALLBACK
    # Those for whom there is something to do come first; within them, those with most at stake.
    first = np.lexsort((scored.customers, -scored.probability, -money, idle))[:SHOWN]
    return tuple(
        content.Customer(
            customer_id=str(project.store.customer_ids[scored.customers[row]]),
            tier=str(scored.tier[row]),
            probability=float(scored.probability[row]),
            value_at_risk=float(scored.value_at_risk[row])
            if np.isfinite(scored.value_at_risk[row])
            else None,
            reasons=tuple(one.sentence for one in scored.reasons[row][:MOST]),
            action=str(run.actions.action_id[row]).replace("_", " "),
            channel=str(run.actions.channel[row] or ""),
        )
        for row in first.tolist()
    )


def _key_figures(project: Project, as_of: int) -> tuple[content.KeyFigure, ...]:
    if project.config.churn.given:
        if "orders" not in project.store.tables:
            return ()
        # Customers may be known of for longer than orders were recorded.
        as_of = min(
            as_of, midnight_after(int(orders_of(project.store).time.max()), project.config.source.zone)
        )
    figures = run_kpis(project, as_of, days=project.config.churn.horizon_days)[-1].kpis
    return tuple(
        content.KeyFigure(
            one.name.replace("_", " "),
            content.Estimate(one.value, one.low, one.high),
            one.unit,
            one.note or one.formula,
        )
        for one in figures
        if one.value is not None
    )


def _by_chance(evaluation: Evaluation | None) -> Iterator[content.Banner]:
    """The warning of a model whose order was not shown to be better than a coin's."""
    if evaluation is None:
        return
    auroc = evaluation.measures.auroc
    if auroc.low <= CHANCE:
        yield content.Banner(
            f"Tested on {day(instant_text(evaluation.cutoff))}, the model put customers in an order that may be nothing but "
            f"chance: its AUROC was {auroc.value:.3f} with an interval from {auroc.low:.3f} to {auroc.high:.3f}, and 0.5 is a coin.",
            grave=True,
        )


def _quality(evaluation: Evaluation) -> content.Quality:
    measures = evaluation.measures
    return content.Quality(
        cutoff=instant_text(evaluation.cutoff),
        customers=measures.n,
        churn_rate=measures.churn_rate,
        metrics=tuple(_metric(*one, measures) for one in _METRICS),
        contenders=tuple(_contenders(evaluation)),
        reliability=tuple(
            content.ReliabilityBin(one.predicted, one.observed, one.n, one.low, one.high)
            for one in measures.reliability
        ),
        folds=evaluation.folds,
        deciles=tuple(
            content.Decile(one.rank, one.n, one.churned, one.churn_rate, one.lift, one.captured)
            for one in measures.deciles
        ),
        money=(
            content.MoneyCurve("value at risk", _gain(measures.value_at_risk_gain), ours=True),
            content.MoneyCurve("risk alone", _gain(measures.value_gain)),
        )
        if measures.value_gain
        else (),
        segments=tuple(
            content.Segment(
                one.kind,
                one.name,
                one.n,
                one.churn_rate,
                *map(_estimate, (one.auroc, one.observed_expected, one.calibration_slope)),
            )
            for one in evaluation.segments
        ),
        level=measures.observed_expected.value,
    )


def _contenders(evaluation: Evaluation) -> Iterator[content.Contender]:
    """The model, the baselines, and the present champion where it is another model."""
    learner = evaluation.bundle.card["learner"]
    yield _contender(NAMES.get(learner, learner), evaluation.measures, None)
    for name, one in evaluation.baselines.items():
        yield _contender(NAMES.get(name, name), one, evaluation.comparisons[name])
    champion = evaluation.champion
    if champion is not None and not champion.same_recipe:
        yield content.Contender(
            f"The champion, model {champion.number}{', its recipe as of then' if champion.followed_again else ''}",
            _estimate(champion.auroc),
            behind=_estimate(champion.comparison.difference),
            p_value=champion.comparison.p_value,
        )


def _contender(name: str, measures: Measures, against: Comparison | None) -> content.Contender:
    return content.Contender(
        name,
        _estimate(measures.auroc),
        measures.brier.value,
        measures.lift_at_10.value,
        ours=against is None,
        gain=_gain(measures.gain),
        behind=None if against is None else _estimate(against.difference),
        p_value=None if against is None else against.p_value,
    )


def _gain(points: Sequence[GainPoint]) -> tuple[tuple[float, float], ...]:
    return tuple((point.share, point.captured) for point in points)


_METRICS = (
    (
        "auroc",
        "AUROC",
        "number",
        "How often a customer who left was ranked above one who stayed; 0.5 is a coin.",
    ),
    (
        "lift_at_10",
        "Lift, top tenth",
        "times",
        "Churners among the tenth at highest risk, against a tenth drawn by lot.",
    ),
    (
        "average_precision",
        "Average precision",
        "number",
        "Mean share of churners down the list; a random list has the churn rate.",
    ),
    (
        "ece",
        "Calibration error (ECE)",
        "share",
        "How far a stated probability is from what happened, on average.",
    ),
    (
        "observed_expected",
        "Observed over expected",
        "number",
        "Churners seen for each one forecast; 1 is right.",
    ),
    ("calibration_slope", "Calibration slope", "number", "1 is right; above 1 too timid, below 1 too bold."),
    ("brier", "Brier score", "number", "Mean squared error of the probabilities; lower is better."),
    ("log_loss", "Log loss", "number", "Mean surprise at the outcomes; lower is better."),
    (
        "empc",
        "Expected maximum profit (EMPC)",
        "money",
        "A customer, at the assumed costs of the configuration.",
    ),
    (
        "savings",
        "Savings",
        "share",
        "Of the cost of treating all alike, by contacting each who is worth it. 0: the model decides nothing at these costs.",
    ),
)


def _metric(name: str, title: str, unit: str, sentence: str, measures: Measures) -> content.Metric:
    return content.Metric(title, _estimate(measures.interval(name)), sentence, unit)


def _estimate(interval: Interval) -> content.Estimate:
    return content.Estimate(interval.value, interval.low, interval.high)


def _next_steps(project: Project, run: ScoringRun) -> tuple[content.Command, ...]:
    first = (
        int(np.lexsort((run.scored.customers, -run.scored.priority))[0])
        if len(run.scored.customers)
        else None
    )
    steps = [
        content.Command("Write the file that the CRM imports", "retain export --to csv"),
        content.Command("Train again when new outcomes are known", "retain train"),
        content.Command("Score every night", "retain score"),
    ]
    if first is not None:
        someone = str(project.store.customer_ids[run.scored.customers[first]])
        steps.insert(0, content.Command("Look at one customer closely", f"retain explain {someone}"))
    return tuple(steps)
