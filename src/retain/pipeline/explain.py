"""`retain explain`: one customer's history, score, drivers and recommended action."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from retain.decisions.rules import recommend
from retain.engine.panel import Snapshots
from retain.errors import UsageError
from retain.events.store import MISSING
from retain.labels import LABELS, require_cutoff, sales_of
from retain.modelling.tracking import CHAMPION
from retain.pipeline.score import contact_rules, high_value_cut, known_topics, playbook_of
from retain.scoring.hints import hints
from retain.scoring.languages import ReasonSettings, languages_of
from retain.scoring.reasons import by_topic, topics_of
from retain.scoring.scorecard import (
    INVALID,
    NO_HISTORY,
    NOT_ELIGIBLE,
    SCORED,
    score_customers,
)
from retain.scoring.value import expected_value
from retain.text.annotate import TABLES
from retain.text.feed import feed_of
from retain.text.reading import words
from retain.timeline import DAY, NEVER, instant_text

if TYPE_CHECKING:
    from retain.events.store import EventStore
    from retain.features.spec import Feature
    from retain.pipeline.project import Project
    from retain.scoring.hints import Hint
    from retain.text.reading import Word

LATEST = 10
"""So many orders of the history are shown."""
LATEST_TEXTS = 3
"""So many of the customer's texts are shown."""


@dataclass(frozen=True)
class Driver:
    """What one feature adds to the customer's log-odds of churn.

    Attributes:
        feature: its name.
        value: the customer's own; NaN where not known.
        effect: above 0 it speaks for leaving.
        why: what the feature tells in general.
        word: of a category what its value stands for; empty for a number, or where not known.
    """

    feature: str
    value: float
    effect: float
    why: str
    word: str = ""


@dataclass(frozen=True)
class Said:
    """One text of the customer.

    Attributes:
        given_at: when.
        table: where it is.
        text: as it was written.
        sentiment: as the features read it, from -1 to 1.
        words: the words of our lists that speak for it, in the order of the text.
    """

    given_at: int
    table: str
    text: str
    sentiment: float
    words: tuple[Word, ...]


@dataclass(frozen=True)
class Explanation:
    """One customer as of one instant.

    Attributes:
        customer_id: who.
        as_of: the cutoff.
        model_version: of the bundle.
        orders: (instant, amount or None) of the latest orders before it, newest first.
        orders_total: how many rows of sales were known.
        status: as in the scores.
        status_reason: why there is no score; empty when there is one.
        probability: of churn; None without a score.
        tier: risk tier.
        value: expected margin if they stay.
        reasons: in plain words, the strongest first.
        topics: what each topic adds to the log-odds, the strongest first.
        drivers: the same by feature.
        hints: what the model would say had the company done better, the strongest first.
        caveat: how the hints are meant; empty where there are none.
        action: what is recommended.
        channel: where.
        action_why: why.
        texts: what they wrote last, newest first.
    """

    customer_id: str
    as_of: int
    orders: tuple[tuple[int, float | None], ...]
    orders_total: int
    model_version: str
    status: str
    status_reason: str = ""
    probability: float | None = None
    tier: str = ""
    value: float | None = None
    reasons: tuple[str, ...] = ()
    topics: tuple[tuple[str, float], ...] = ()
    drivers: tuple[Driver, ...] = ()
    hints: tuple[Hint, ...] = ()
    caveat: str = ""
    action: str = ""
    channel: str = ""
    action_why: str = ""
    texts: tuple[Said, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """The explanation as JSON values."""
        return {
            "customer_id": self.customer_id,
            "as_of": instant_text(self.as_of),
            "orders_known": self.orders_total,
            "latest_orders": [
                {"ordered_at": instant_text(when), "amount": amount} for when, amount in self.orders
            ],
            "churn_probability": self.probability,
            "status": self.status,
            "status_reason": self.status_reason or None,
            "risk_tier": self.tier or None,
            "expected_value": self.value,
            "reasons": list(self.reasons),
            "topics": [{"topic": topic, "effect": effect} for topic, effect in self.topics],
            "drivers": [
                {
                    "feature": one.feature,
                    "value": one.word or (one.value if np.isfinite(one.value) else None),
                    "effect": one.effect,
                }
                for one in self.drivers
            ],
            "hints": [
                {
                    "lever": one.lever,
                    "features": list(one.features),
                    "churn_probability": one.probability,
                    "sentence": one.sentence,
                }
                for one in self.hints
            ],
            "hints_caveat": self.caveat or None,
            "recommended_action": self.action or None,
            "action_channel": self.channel or None,
            "action_why": self.action_why or None,
            "latest_texts": [
                {
                    "given_at": instant_text(one.given_at),
                    "table": one.table,
                    "text": one.text,
                    "sentiment": one.sentiment,
                    "words": [{"word": word.entry, "weight": round(word.weight, 2)} for word in one.words],
                }
                for one in self.texts
            ],
            "model_version": self.model_version,
        }


def run_explanation(
    project: Project,
    customer_id: str,
    as_of: int | None = None,
    model: str | None = None,
    language: str | None = None,
) -> Explanation:
    """Why one customer has the score that they have.

    Args:
        project: the data and settings.
        customer_id: as in the input.
        as_of: the cutoff; None is the end of the data.
        model: alias, number or version, or the path of a bundle's folder; None is the champion.
        language: of reasons and hints, or ``customer``; None is the configuration's.

    Raises:
        UsageError: there is no such customer, or reasons are not told in that language.
        ModelError: no such model, or it does not fit the data or the definition of churn.
        WindowError: the date does not fit the data.
    """
    told = (project.config.reasons if language is None else ReasonSettings(language)).language
    store, config = project.store, project.config
    as_of = project.end_of_data() if as_of is None else as_of
    if not config.churn.given:
        require_cutoff(store, as_of, config.churn)
    position = int(np.searchsorted(store.customer_ids, customer_id))
    known = position < len(store.customer_ids) and store.customer_ids[position] == customer_id
    if not known and customer_id not in store.invalid:
        # Without the id: messages may be kept in logs.
        raise UsageError(
            "There is no such customer in the data. Write the id as the tables do, zeros in front too."
        )
    opened = project.model(model or CHAMPION)[0].in_season(as_of, lambda: [store])
    if not known:
        return Explanation(
            customer_id,
            as_of,
            (),
            0,
            opened.version,
            INVALID,
            store.invalid[customer_id],
        )
    latest, total = _orders_of(store, position, as_of)
    texts = _texts_of(project.store_with(customer_id), customer_id, as_of)
    only = Snapshots(np.array([position]), np.array([as_of]))
    label = LABELS.get(opened.churn.definition)
    everybody = np.flatnonzero(label.eligible(store, as_of, opened.churn))
    if position not in everybody:
        seen = int(label.last_seen(store, as_of)[position])
        days = None if seen == NEVER else (as_of - seen) // DAY
        status = NO_HISTORY if days is None else NOT_ELIGIBLE
        why = label.why_not_asked(days, opened.churn)
        return Explanation(customer_id, as_of, latest, total, opened.version, status, why, texts=texts)
    scored = score_customers(store, opened, project.engine, only, config.tiers, config.value, told)
    tongue = languages_of(store, only.customer, told)[0]
    better = hints(opened, scored.values[0], tongue)
    contributions = opened.fitted.contributions(scored.values)[0]
    features = opened.features
    topics = sorted(
        zip(topics_of(features), map(float, by_topic(features, contributions[None, :])[0]), strict=True),
        key=lambda one: -abs(one[1]),
    )
    drivers = [
        Driver(one.name, float(value), float(effect), one.why, _word(one, float(value)))
        for one, value, effect in zip(features.features, scored.values[0], contributions, strict=True)
    ]
    # What counts as high in value is decided among all who are scored, as `score` does.
    cut = high_value_cut(expected_value(store, as_of, everybody, config.value, opened.churn, opened.forecast))
    playbook = playbook_of(project)
    action = recommend(
        playbook,
        scored.tier.tolist(),
        known_topics(scored),
        contact_rules(store, scored, playbook, as_of, cut),
        [tongue],
    )
    worth = float(scored.expected_value[0])
    return Explanation(
        customer_id=customer_id,
        as_of=as_of,
        orders=latest,
        orders_total=total,
        model_version=opened.version,
        status=SCORED,
        probability=float(scored.probability[0]),
        tier=str(scored.tier[0]),
        value=worth if np.isfinite(worth) else None,
        reasons=tuple(one.sentence for one in scored.reasons[0]),
        topics=tuple(topics),
        drivers=tuple(sorted(drivers, key=lambda one: -abs(one.effect))),
        hints=better,
        caveat=tongue.said["caveat"] if better else "",
        action=str(action.action_id[0]),
        channel=str(action.channel[0] or ""),
        action_why=str(action.why[0]),
        texts=texts,
    )


def _word(feature: Feature, value: float) -> str:
    """What a category's value stands for."""
    return feature.levels[int(value) - 1] if feature.levels and np.isfinite(value) else ""


def _orders_of(
    store: EventStore, customer: int, as_of: int
) -> tuple[tuple[tuple[int, float | None], ...], int]:
    """The latest sales of the customer with their amounts, newest first, and how many were known."""
    if not len(store.tables.get("orders", ())):
        return (), 0
    sales = sales_of(store)
    mine = (sales.customer == customer) & (sales.known < as_of)
    when = sales.time[mine][::-1]
    amounts = (
        sales.columns["amount"].values[mine][::-1]
        if "amount" in sales.columns
        else np.full(len(when), MISSING)
    )
    latest = tuple(
        (int(moment), None if amount == MISSING else float(amount) / 10**store.money_exponent)
        for moment, amount in zip(when[:LATEST], amounts[:LATEST], strict=True)
    )
    return latest, len(when)


def _texts_of(store: EventStore, customer_id: str, as_of: int) -> tuple[Said, ...]:
    """What the customer wrote last, as far as it was known, with the words that moved it."""
    customer, found = int(np.searchsorted(store.customer_ids, customer_id)), []
    for name in TABLES:
        table = store.tables.get(name)
        if table is None or "sentiment" not in table.columns:
            continue
        mine = table.select((table.customer == customer) & (table.known < as_of))
        feed, tone = feed_of(mine), mine.columns["sentiment"].values.astype(np.float64)
        found += [
            Said(int(when), name, text, float(value), tuple(words(text, language)))
            for when, text, language, value in zip(feed.given, feed.text, feed.language, tone, strict=True)
            if np.isfinite(value)
        ]
    return tuple(sorted(found, key=lambda one: -one.given_at)[:LATEST_TEXTS])
