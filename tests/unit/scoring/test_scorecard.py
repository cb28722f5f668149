"""The scoring contract: every customer exactly once."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from retain.engine import ENGINES
from retain.features.catalog import EVERY
from retain.features.spec import FeatureSet
from retain.labels import ChurnSettings
from retain.modelling.bundle import Bundle
from retain.modelling.calibration import Calibration
from retain.scoring.scorecard import SCHEMA, STATUSES, Scored, score, scorecard
from retain.scoring.tiers import TierSettings
from retain.scoring.value import ValueSettings
from retain.timeline import instant

if TYPE_CHECKING:
    from collections.abc import Callable

    import pyarrow as pa

    from retain.events.store import EventStore
    from retain.modelling.learners import FloatArray

    Orders = Callable[..., EventStore]

AS_OF = instant("2024-06-01")
CHURN = ChurnSettings(active_days=30, horizon_days=14)


@dataclass(frozen=True)
class Silence:
    """A model by hand: each day of silence is a tenth in log-odds, each order a half against it."""

    def log_odds(self, x: FloatArray, size: int | None = None) -> FloatArray:  # noqa: ARG002  # one size only
        """Log-odds of each row."""
        return np.asarray(self.contributions(x).sum(axis=1))

    def contributions(self, x: FloatArray) -> FloatArray:
        """What each of the two columns adds."""
        return np.asarray(x * np.array([0.1, -0.5]))

    def text(self) -> str:
        """Nothing: it is never kept."""
        return ""


FEATURES = FeatureSet((EVERY.by_name["recency_days"], EVERY.by_name["orders_lifetime"]))
MODEL = Bundle("abc123", {}, FEATURES, CHURN, Silence(), Calibration())

TABLE = """
    customer_id  ordered_at  recorded_at  amount  kind
    a            2024-05-12  -            90.00   sale
    b            2024-05-31  -            9.00    sale
    b            2024-05-21  -            9.00    sale
    late         2024-05-31  2024-06-02   9.00    sale
    new          2024-06-01  -            9.00    sale
    old          2024-05-01  -            9.00    sale
    sender       2024-05-31  -            -9.00   return
"""


@pytest.fixture(scope="module")
def store(orders: Orders) -> EventStore:
    """Customers of every kind."""
    return replace(orders(TABLE, customers=["nobody"]), invalid={"Z": "no date", "m": "amount is no number"})


def scored(store: EventStore) -> Scored:
    """The eligible customers with their scores."""
    settings = ValueSettings(horizon_days=90)
    return score(store, MODEL, ENGINES.get("kernel"), AS_OF, TierSettings(), settings)


def card(store: EventStore, found: Scored) -> pa.Table:
    """The table of the contract, everybody recommended the same."""
    count = len(found.customers)
    return scorecard(
        store,
        found,
        as_of=AS_OF,
        churn=CHURN,
        actions=(["call"] * count, [None] * count, ["because"] * count),
        model_version="abc123",
        run_id="run",
    )


def test_a_score_worked_out_by_hand(store: EventStore) -> None:
    """20 days and one order: log-odds 1.5; one day and two orders: -0.9. 90.00 and 18.00 in 90 days."""
    found = scored(store)
    assert store.customer_ids[found.customers].tolist() == ["a", "b"]
    assert found.values.tolist() == [[20, 1], [1, 2]]
    assert found.probability == pytest.approx([1 / (1 + np.exp(-1.5)), 1 / (1 + np.exp(0.9))])
    assert found.tier.tolist() == ["critical", "low"]
    assert found.expected_value.tolist() == [90, 18]
    assert found.value_at_risk.tolist() == [round(90 * 0.81757, 2), round(18 * 0.28905, 2)]
    assert found.priority.tolist() == [100, 50]
    assert [[one.sentence for one in each] for each in found.reasons] == [
        ["Risk up: no order for 20 days", "Risk down: 1 order so far"],
        ["Risk down: 2 orders so far", "Risk up: no order for 1 day"],
    ]
    assert found.raising_topics == [("recency",), ("recency",)]
    # Mean sizes: (2 + 0.1) / 2 and (0.5 + 1) / 2.
    assert [name for name, _ in found.feature_effects] == ["recency_days", "orders_lifetime"]
    assert [effect for _, effect in found.feature_effects] == pytest.approx([1.05, 0.75])


def test_every_customer_once_with_a_score_or_the_reason_why_not(store: EventStore) -> None:
    """By customer id, the invalid among the others."""
    table = card(store, scored(store))
    rows = {row["customer_id"]: (row["status"], row["status_reason"]) for row in table.to_pylist()}
    assert rows == {
        "Z": ("invalid", "no date"),
        "a": ("scored", None),
        "b": ("scored", None),
        "late": ("no_history", "no order known before this date"),
        "m": ("invalid", "amount is no number"),
        "new": ("no_history", "no order known before this date"),
        "nobody": ("no_history", "no order known before this date"),
        "old": ("not_eligible", "last order 31 days ago; active means one in 30 days"),
        "sender": ("no_history", "no order known before this date"),
    }
    assert table.column("customer_id").to_pylist() == sorted(rows)
    assert {status for status, _ in rows.values()} == set(STATUSES)


def test_only_the_scored_have_figures(store: EventStore) -> None:
    """All others have none, not zeros."""
    table = card(store, scored(store))
    always = {"customer_id", "as_of", "status", "status_reason", "model_version", "run_id"}
    for row in table.to_pylist():
        figures = {name: value for name, value in row.items() if name not in always}
        if row["status"] == "scored":
            assert figures.pop("reason_3") is None  # the model has two topics
            assert figures.pop("action_channel") is None
            assert None not in figures.values()
        else:
            assert set(figures.values()) == {None}
        assert (row["model_version"], row["run_id"]) == ("abc123", "run")
        assert int(row["as_of"].timestamp()) * 1_000_000 == AS_OF


def test_the_schema_is_the_contract_s(store: EventStore) -> None:
    """Names, types and what may be missing, to the letter."""
    table = card(store, scored(store))
    assert table.schema == SCHEMA
    assert SCHEMA.names == [
        *("customer_id", "as_of", "status", "status_reason", "churn_probability", "risk_tier", "priority"),
        *("expected_value", "value_at_risk", "reason_1", "reason_2", "reason_3"),
        *("recommended_action", "action_channel", "action_why", "model_version", "run_id"),
    ]
    table.validate(full=True)


def test_an_unknown_value_is_missing_in_the_table(orders: Orders) -> None:
    """Where orders carry no amounts the value is empty, and the probability sets the priority."""
    bare = orders("customer_id ordered_at\na 2024-05-12\nb 2024-05-31")
    table = card(bare, scored(bare))
    assert table.column("expected_value").to_pylist() == [None, None]
    assert table.column("value_at_risk").to_pylist() == [None, None]
    assert table.column("priority").to_pylist() == [100, 50]


def test_nobody_eligible_is_a_table_without_scores(orders: Orders) -> None:
    """And not a failure."""
    old = orders("customer_id ordered_at amount\na 2023-05-12 1.00")
    found = scored(old)
    assert found.reasons == []
    assert found.values.shape == (0, 2)
    assert found.feature_effects == (("recency_days", 0.0), ("orders_lifetime", 0.0))
    table = card(old, found)
    assert table.column("status").to_pylist() == ["not_eligible"]
    assert table.schema == SCHEMA
