"""The scoring contract: every customer of the input exactly once, with a score or the reason why there is none."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from retain.engine.panel import Snapshots
from retain.labels import LABELS
from retain.scoring.languages import DEFAULT, languages_of
from retain.scoring.reasons import MOST, Reason, explain
from retain.scoring.tiers import TierSettings, tier_of
from retain.scoring.value import ValueSettings, expected_value, priority
from retain.timeline import DAY, NEVER

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from retain.engine.panel import Engine, FloatArray
    from retain.events.store import EventStore, IntArray
    from retain.labels import ChurnSettings
    from retain.modelling.bundle import Bundle

SCORED, NOT_ELIGIBLE, NO_HISTORY, INVALID = "scored", "not_eligible", "no_history", "invalid"
STATUSES = (SCORED, NOT_ELIGIBLE, NO_HISTORY, INVALID)

SCHEMA = pa.schema(
    [
        pa.field("customer_id", pa.string(), nullable=False),
        pa.field("as_of", pa.timestamp("us", tz="UTC"), nullable=False),
        pa.field("status", pa.string(), nullable=False),
        pa.field("status_reason", pa.string()),
        pa.field("churn_probability", pa.float64()),
        pa.field("risk_tier", pa.string()),
        pa.field("priority", pa.float64()),
        pa.field("expected_value", pa.float64()),
        pa.field("value_at_risk", pa.float64()),
        pa.field("reason_1", pa.string()),
        pa.field("reason_2", pa.string()),
        pa.field("reason_3", pa.string()),
        pa.field("recommended_action", pa.string()),
        pa.field("action_channel", pa.string()),
        pa.field("action_why", pa.string()),
        pa.field("model_version", pa.string(), nullable=False),
        pa.field("run_id", pa.string(), nullable=False),
    ]
)
"""The columns of ``scores.parquet``."""


@dataclass(frozen=True)
class Scored:
    """The scored customers, before anything is decided for them.

    Attributes:
        customers: their indexes in the store, ascending.
        values: the features that the model read, rows by columns.
        probability: calibrated probability of churn.
        tier: risk tier.
        expected_value: margin if they stay; NaN where not known.
        value_at_risk: probability times value.
        priority: percentile of the value at risk.
        reasons: up to three each, the strongest first.
        feature_effects: mean size of each feature's contribution, strongest first.
    """

    customers: IntArray
    values: FloatArray
    probability: FloatArray
    tier: npt.NDArray[np.object_]
    expected_value: FloatArray
    value_at_risk: FloatArray
    priority: FloatArray
    reasons: list[tuple[Reason, ...]]
    feature_effects: tuple[tuple[str, float], ...]

    @property
    def raising_topics(self) -> list[tuple[str, ...]]:
        """For each customer the topics among the reasons that speak for leaving."""
        return [tuple(one.topic for one in reasons if one.raises) for reasons in self.reasons]


def score(
    store: EventStore,
    bundle: Bundle,
    engine: Engine,
    as_of: int,
    tiers: TierSettings,
    value: ValueSettings,
    language: str = DEFAULT,
) -> Scored:
    """Probability, tier, value, priority and reasons of every eligible customer."""
    customers = np.flatnonzero(LABELS.get(bundle.churn.definition).eligible(store, as_of, bundle.churn))
    snapshots = Snapshots(customers, np.full(len(customers), as_of, dtype=np.int64))
    return score_customers(store, bundle, engine, snapshots, tiers, value, language)


def score_customers(
    store: EventStore,
    bundle: Bundle,
    engine: Engine,
    snapshots: Snapshots,
    tiers: TierSettings,
    value: ValueSettings,
    language: str = DEFAULT,
) -> Scored:
    """The same of these eligible customers, all at one cutoff; priority is among them."""
    customers = snapshots.customer
    values = engine(store, bundle.features, snapshots).values
    if len(customers):
        probability = bundle.probabilities(values)
        contributions = bundle.fitted.contributions(values)
        worth = expected_value(
            store, int(snapshots.cutoff[0]), customers, value, bundle.churn, bundle.forecast
        )
        effects = np.abs(contributions).mean(axis=0)
    else:
        probability, worth, contributions = (
            np.empty(0),
            np.empty(0),
            np.empty((0, len(bundle.features.features))),
        )
        effects = np.zeros(len(bundle.features.features))
    at_risk = np.round(probability * worth, store.money_exponent)
    ranked = sorted(zip(bundle.features.names, map(float, effects), strict=True), key=lambda one: -one[1])
    return Scored(
        customers=customers,
        values=values,
        probability=probability,
        tier=tier_of(probability, tiers),
        expected_value=worth,
        value_at_risk=at_risk,
        priority=priority(at_risk, probability),
        reasons=explain(
            bundle.features, values, contributions, languages_of(store, customers, language), value.currency
        ),
        feature_effects=tuple(ranked),
    )


def scorecard(
    store: EventStore,
    scored: Scored,
    *,
    as_of: int,
    churn: ChurnSettings,
    actions: tuple[Sequence[str], Sequence[str | None], Sequence[str]],
    model_version: str,
    run_id: str,
) -> pa.Table:
    """The table of the scoring contract, by customer id.

    Args:
        store: the input; every customer in it or in its quarantine gets one row.
        scored: those with a score.
        as_of: the cutoff.
        churn: says who is eligible.
        actions: recommended action, its channel and why, one each a scored customer.
        model_version: of the bundle.
        run_id: of this run.
    """
    status, why = _statuses(store, scored.customers, as_of, churn)
    invalid = sorted(store.invalid)
    ids = [*store.customer_ids, *invalid]
    rows = len(ids)

    def spread(values: Sequence[object], kind: pa.DataType) -> pa.Array:
        column: list[object] = [None] * rows
        for customer, value in zip(scored.customers, values, strict=True):
            column[customer] = value
        return pa.array(column, kind, from_pandas=True)

    reasons = [[one.sentence for one in each] + [None] * (MOST - len(each)) for each in scored.reasons]
    columns = {
        "customer_id": pa.array(ids, pa.string()),
        "as_of": pa.array(np.full(rows, as_of, dtype=np.int64)).cast(pa.timestamp("us", tz="UTC")),
        "status": pa.array([*status, *([INVALID] * len(invalid))], pa.string()),
        "status_reason": pa.array([*why, *(store.invalid[one] for one in invalid)], pa.string()),
        "churn_probability": spread(scored.probability.tolist(), pa.float64()),
        "risk_tier": spread(scored.tier.tolist(), pa.string()),
        "priority": spread(scored.priority.tolist(), pa.float64()),
        "expected_value": spread(scored.expected_value.tolist(), pa.float64()),
        "value_at_risk": spread(scored.value_at_risk.tolist(), pa.float64()),
        **{f"reason_{at + 1}": spread([one[at] for one in reasons], pa.string()) for at in range(MOST)},
        "recommended_action": spread(actions[0], pa.string()),
        "action_channel": spread(actions[1], pa.string()),
        "action_why": spread(actions[2], pa.string()),
        "model_version": pa.array([model_version] * rows, pa.string()),
        "run_id": pa.array([run_id] * rows, pa.string()),
    }
    table = pa.table(columns, schema=SCHEMA)
    return _by_id(table)


def without_history(store: EventStore, as_of: int, model_version: str, run_id: str, why: str) -> pa.Table:
    """The same where none of the customers has an order, or a contract, so that none is scored for that reason."""
    known, invalid = len(store.customer_ids), sorted(store.invalid)
    rows = known + len(invalid)
    columns = {
        "customer_id": [*store.customer_ids, *invalid],
        "as_of": pa.array(np.full(rows, as_of, dtype=np.int64)).cast(SCHEMA.field("as_of").type),
        "status": [NO_HISTORY] * known + [INVALID] * len(invalid),
        "status_reason": [why] * known + [store.invalid[one] for one in invalid],
        "model_version": [model_version] * rows,
        "run_id": [run_id] * rows,
    }
    nothing = [None] * rows
    table = pa.table({name: columns.get(name, nothing) for name in SCHEMA.names}, schema=SCHEMA)
    return _by_id(table)


def _by_id(table: pa.Table) -> pa.Table:
    ids = np.empty(len(table), dtype=object)
    ids[:] = table["customer_id"].to_pylist()
    return table.take(pa.array(np.argsort(ids, kind="stable")))


def _statuses(
    store: EventStore, scored: IntArray, as_of: int, churn: ChurnSettings
) -> tuple[list[str], list[str | None]]:
    """Why each customer of the store has a score or has none."""
    label = LABELS.get(churn.definition)
    last = label.last_seen(store, as_of)
    has_score = np.zeros(len(last), dtype=bool)
    has_score[scored] = True
    status: list[str] = []
    why: list[str | None] = []
    for mine, when in zip(has_score, last.tolist(), strict=True):
        if mine:
            status.append(SCORED)
            why.append(None)
            continue
        days = None if when == NEVER else (as_of - when) // DAY
        status.append(NO_HISTORY if days is None else NOT_ELIGIBLE)
        why.append(label.why_not_asked(days, churn))
    return status, why
