"""Scores of one partition's customers, without a cluster."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import pyarrow as pa
import pytest

from retain.errors import ModelError
from retain.features.attributes import attribute
from retain.features.spec import Attribute, FeatureSet, Holds
from retain.labels import ChurnSettings
from retain.modelling import bundle
from retain.pipeline.spark import COLUMNS, SCHEMA, score_on_spark
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


def test_a_model_of_attributes_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Before anything is sent to the cluster, in one message that names them."""
    features = FeatureSet((attribute("static_plan", Attribute("plan", Holds.NUMBER)),))
    monkeypatch.setattr(bundle, "load", lambda _: SimpleNamespace(version="abc", features=features))
    with pytest.raises(
        ModelError, match=r"attributes of customers \(static_plan\), which are not carried to Spark"
    ):
        score_on_spark(cast("Any", None), Path("model"), "2024-01-01")


def test_a_model_of_given_labels_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where it reads orders only."""
    opened = SimpleNamespace(version="abc", features=FeatureSet(()), churn=ChurnSettings(definition="given"))
    monkeypatch.setattr(bundle, "load", lambda _: opened)
    with pytest.raises(ModelError, match="labels that are given"):
        score_on_spark(cast("Any", None), Path("model"), "2024-01-01")
