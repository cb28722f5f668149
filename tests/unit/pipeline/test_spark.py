"""Scores of one partition's customers, without a cluster."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pyarrow as pa

from retain.pipeline.spark import COLUMNS, SCHEMA
from retain.scoring.scorecard import without_history
from retain.timeline import instant

if TYPE_CHECKING:
    from collections.abc import Callable

    from retain.events.store import EventStore


def test_where_nobody_ordered_anything_nobody_has_a_history(orders_store: Callable[..., EventStore]) -> None:
    """And those who occur in bad rows only are invalid."""
    store = replace(orders_store([], customers=["a", "b"]), invalid={"0": "amount is no amount"})
    card = without_history(
        store, instant("2024-01-01"), "model", "", "no order known before this date"
    ).select(COLUMNS)
    assert card.schema == SCHEMA
    assert card.select(
        ["customer_id", "status", "status_reason", "churn_probability", "model_version"]
    ).equals(
        pa.table(
            {
                "customer_id": ["0", "a", "b"],
                "status": ["invalid", "no_history", "no_history"],
                "status_reason": ["amount is no amount", *["no order known before this date"] * 2],
                "churn_probability": pa.array([None] * 3, pa.float64()),
                "model_version": ["model"] * 3,
            }
        ).cast(
            card.select(
                ["customer_id", "status", "status_reason", "churn_probability", "model_version"]
            ).schema
        )
    )
