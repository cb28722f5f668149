"""A small shop to train on, and a model of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest

from retain.engine import ENGINES
from retain.engine.views import columns_at_hand
from retain.features.catalog import feature_set
from retain.labels import ChurnSettings
from retain.modelling import bundle
from retain.modelling.training import Lesson, TrainingSettings, eligible_snapshots, train
from retain.timeline import DAY, instant

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from retain.events.store import EventStore
    from retain.modelling.training import Trained

    Build = Callable[..., EventStore]

START = instant("2023-01-01")
END = START + 400 * DAY
CHURN = ChurnSettings(active_days=60, horizon_days=30)
SETTINGS = TrainingSettings(step_days=15, validation_cutoffs=2, learners=("logistic", "lightgbm", "blend"))


@pytest.fixture(scope="session")
def shop(orders_store: Build) -> EventStore:
    """Customers who order every one to three weeks, half of whom stop on some day; the last one ends the data."""
    random = np.random.default_rng(11)
    rows: list[dict[str, object]] = []
    for customer in range(90):
        pace = random.uniform(7, 21)
        stops = random.uniform(60, 400) if customer % 2 else 400
        moment = random.uniform(0, 60)
        while moment < stops:
            ordered_at = START + int(moment * DAY)
            rows.append(
                {
                    "customer_id": f"c{customer:02}",
                    "ordered_at": ordered_at,
                    "amount": int(random.integers(100, 9_000)),
                }
            )
            moment += pace * random.uniform(0.7, 1.3)
    rows.append({"customer_id": "last", "ordered_at": END, "amount": 100})
    return orders_store(rows)


@pytest.fixture(scope="session")
def trained(shop: EventStore) -> Trained:
    """A model of the small shop."""
    features = feature_set(["rfm", "rhythm"], columns_at_hand(shop))
    return train(Lesson(shop, features, ENGINES.get("kernel"), END, CHURN, SETTINGS))


@pytest.fixture(scope="session")
def kept(trained: Trained, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The model's bundle; tests that change it copy it first."""
    folder = tmp_path_factory.mktemp("kept") / "bundle"
    bundle.save(trained, folder, data={"orders": "f" * 64})
    return folder


@pytest.fixture(scope="session")
def rows(shop: EventStore, trained: Trained) -> pd.DataFrame:
    """Features of the customers at the last training cutoff."""
    snapshots = eligible_snapshots(shop, trained.plan.cutoffs[-1:], trained.churn)
    values = ENGINES.get("kernel")(shop, trained.features, snapshots).values
    return pd.DataFrame(values, columns=list(trained.features.names))
