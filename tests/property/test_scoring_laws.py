"""Laws of tiers, priority and the scorecard."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from retain.labels import LABELS, ChurnSettings
from retain.scoring.reasons import Reason
from retain.scoring.scorecard import SCHEMA, STATUSES, Scored, scorecard
from retain.scoring.tiers import TIERS, TierSettings, tier_of
from retain.scoring.value import priority
from retain.timeline import DAY, instant

if TYPE_CHECKING:
    from collections.abc import Callable

    from retain.events.store import EventStore

    Build = Callable[..., EventStore]
    Row = dict[str, object]

AS_OF = instant("2024-06-01")
CHURN = ChurnSettings(active_days=30, horizon_days=14)

probabilities = st.lists(st.one_of(st.floats(0, 1), st.sampled_from([0.2, 0.5, 0.9])), max_size=30)
values = st.one_of(st.floats(0, 1e9), st.sampled_from([0.0, 5.0, float("nan")]))


@st.composite
def cuts(draw: st.DrawFn) -> TierSettings:
    """Any cuts that rise."""
    some = st.floats(0.001, 0.999)
    return TierSettings(*sorted(draw(st.lists(some, min_size=3, max_size=3, unique=True))))


@given(probability=probabilities, settings=cuts())
def test_tiers_rise_with_the_probability(probability: list[float], settings: TierSettings) -> None:
    """A higher probability is never in a lower tier, and each tier holds what lies between its cuts."""
    tiers = tier_of(np.sort(np.array(probability)), settings).tolist()
    ranks = [TIERS.index(one) for one in tiers]
    assert ranks == sorted(ranks)
    for one, rank in zip(sorted(probability), ranks, strict=True):
        assert rank == sum(one >= cut for cut in settings.cuts)


@given(at_risk=st.lists(values, min_size=1, max_size=30), seed=st.integers(0, 2**32 - 1))
def test_priority_follows_the_value_at_risk(at_risk: list[float], seed: int) -> None:
    """More at risk is never called later; equals are equal; the first has 100; the order of rows changes nothing."""
    risk = np.array(at_risk)
    probability = np.random.default_rng(seed).random(len(risk))
    found = priority(risk, probability)
    assert found.max() == 100
    assert (found > 0).all()
    key = np.nan_to_num(risk, nan=-1.0) if np.isfinite(risk).any() else probability
    order = np.argsort(key)
    assert (np.diff(found[order]) >= 0).all()
    assert (np.diff(found[order])[np.diff(key[order]) == 0] == 0).all()
    shuffle = np.random.default_rng(seed).permutation(len(risk))
    assert priority(risk[shuffle], probability[shuffle]).tolist() == found[shuffle].tolist()


names = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=6)


@st.composite
def rows(draw: st.DrawFn) -> Row:
    """One order, return or late entry of any customer."""
    return {
        "customer_id": draw(st.one_of(names, st.sampled_from("abc"))),
        "ordered_at": AS_OF + draw(st.integers(-60, 5)) * DAY,
        "recorded_at": AS_OF + draw(st.integers(-60, 5)) * DAY,
        "kind": draw(st.sampled_from(["sale", "sale", "return"])),
    }


@given(
    orders=st.lists(rows(), min_size=1, max_size=12),
    silent=st.sets(names, max_size=4),
    invalid=st.dictionaries(names, st.just("a bad row"), max_size=4),
)
def test_every_customer_is_there_exactly_once(
    orders_store: Build, orders: list[Row], silent: set[str], invalid: dict[str, str]
) -> None:
    """Whatever the mix of active, silent, unheard-of and invalid customers, by id, each with one status."""
    store = orders_store(orders, customers=sorted(silent))
    store = replace(store, invalid={k: v for k, v in invalid.items() if k not in set(store.customer_ids)})
    eligible = LABELS.get("inactivity").eligible(store, AS_OF, CHURN)
    customers = np.flatnonzero(eligible)
    count = len(customers)
    reason = (Reason("recency", 0.5, "Risk up: silent"),)
    scored = Scored(
        customers=customers,
        values=np.zeros((count, 1)),
        probability=np.linspace(0, 1, count),
        tier=np.array(["low"] * count, dtype=object),
        expected_value=np.full(count, np.nan),
        value_at_risk=np.full(count, np.nan),
        priority=np.linspace(1, 100, count),
        reasons=[reason] * count,
        feature_effects=(),
    )
    actions = (["call"] * count, [None] * count, ["because"] * count)
    table = scorecard(store, scored, as_of=AS_OF, churn=CHURN, actions=actions, model_version="v", run_id="r")
    everybody = {*store.customer_ids, *store.invalid}
    assert table.column("customer_id").to_pylist() == sorted(everybody)
    assert table.schema == SCHEMA
    for row in table.to_pylist():
        assert row["status"] in STATUSES
        is_scored = row["status"] == "scored"
        assert (row["status_reason"] is None) == is_scored
        assert (row["churn_probability"] is not None) == (row["reason_1"] is not None) == is_scored
        assert (row["status"] == "invalid") == (row["customer_id"] in store.invalid)
    assert table.column("churn_probability").drop_null().to_pylist() == scored.probability.tolist()
