"""What learners are told, and that they listen."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from retain.errors import ConfigError
from retain.modelling import bundle, contributions
from retain.modelling.hyperparameters import (
    MOST_DEPTH,
    MOST_LEAVES,
    USUAL,
    Hyperparameters,
    LogisticSettings,
    TreeSettings,
)
from retain.modelling.learners import Task
from retain.modelling.training import TrainingSettings

if TYPE_CHECKING:
    from pathlib import Path

    from retain.modelling.training import Trained

DATA = {"orders": "f" * 64}
OTHER = {
    "trees.learning_rate": 0.1,
    "trees.max_depth": 2,
    "trees.leaves": 5,
    "trees.feature_share": 0.9,
    "trees.row_share": 1.0,
    "trees.ridge": 0.5,
    "trees.least_rows": 10,
    "logistic.strength": 1.0,
}


def task(told: Hyperparameters = USUAL) -> Task:
    """A thousand rows of three columns that tell something together."""
    random = np.random.default_rng(7)
    x = random.exponential(5, (1_000, 3))
    y = (random.logistic(size=1_000) < np.log1p(x[:, 0]) - x[:, 1] * x[:, 2] / 25).astype(np.int8)
    names = ("recency_days", "orders_lifetime", "spend_lifetime")
    return Task(x, y, names, size=50, seed=20, hyperparameters=told)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("learning_rate", 0.0),
        ("learning_rate", 1.5),
        ("feature_share", 0.0),
        ("feature_share", float("nan")),
        ("row_share", 1.01),
        ("row_share", -0.5),
        ("max_depth", 0),
        ("max_depth", MOST_DEPTH + 1),
        ("leaves", 1),
        ("leaves", MOST_LEAVES + 1),
        ("ridge", 0.0),
        ("ridge", float("inf")),
        ("ridge", float("nan")),
        ("least_rows", 4),
    ],
)
def test_what_grows_no_tree_is_refused(name: str, value: float) -> None:
    """By the name of the key and with what is allowed."""
    with pytest.raises(ConfigError, match=rf"\[training.trees\] {name} is {value}; it has to be "):
        TreeSettings(**{name: value})  # type: ignore[arg-type]  # wrong on purpose


@pytest.mark.parametrize("value", [0.0, -1.0, float("inf"), float("nan")])
def test_what_is_no_penalty_is_refused(value: float) -> None:
    """By the name of the key."""
    with pytest.raises(ConfigError, match=r"\[training.logistic\] strength is .*; it has to be above 0"):
        LogisticSettings(value)


def test_the_bound_on_depth_is_that_of_exact_contributions() -> None:
    """A deeper tree could not be explained."""
    assert MOST_DEPTH == contributions._BITS


def test_the_largest_trees_are_explained_exactly() -> None:
    """As deep, with as many leaves and as few rows in each as is allowed: the parts add up to the log-odds."""
    told = Hyperparameters(TreeSettings(max_depth=MOST_DEPTH, leaves=MOST_LEAVES, least_rows=5, ridge=0.001))
    rows = task(told)
    fitted = rows.fitted("lightgbm")
    rest = fitted.log_odds(rows.x) - fitted.contributions(rows.x).sum(axis=1)
    assert np.ptp(rest) < 1e-9


@pytest.mark.parametrize("key", list(USUAL.by_key))
def test_every_hyperparameter_reaches_its_learner_and_no_other(key: str) -> None:
    """Another value is another model; the blend hears all of them, the baseline none."""
    usual, other = task(), task(USUAL.with_values({key: OTHER[key]}))
    moved = {
        name
        for name in ("lightgbm", "logistic", "blend", "rfm_logistic")
        if usual.fitted(name).text() != other.fitted(name).text()
    }
    assert moved == {"blend", {"trees": "lightgbm", "logistic": "logistic"}[key.split(".", maxsplit=1)[0]]}


def test_values_go_to_their_places_and_back() -> None:
    """By key, as a file has them, and as the values that a bundle keeps."""
    told = USUAL.with_values(OTHER)
    assert told.by_key == OTHER
    assert told.changed() == OTHER
    assert USUAL.changed() == {}
    assert isinstance(told.trees.leaves, int)
    assert told.toml() == (
        "[training.trees]",
        "learning_rate = 0.1",
        "max_depth = 2",
        "leaves = 5",
        "feature_share = 0.9",
        "row_share = 1.0",
        "ridge = 0.5",
        "least_rows = 10",
        "[training.logistic]",
        "strength = 1.0",
    )
    settings = TrainingSettings(trees=told.trees, logistic=told.logistic)
    assert settings.hyperparameters == told


def test_a_bundle_tells_of_them_where_they_are_not_the_usual(
    trained: Trained, kept: Path, tmp_path: Path
) -> None:
    """So the usual ones cost no model its name, and others come back as they were."""
    assert "hyperparameters" not in json.loads((kept / bundle.CARD).read_bytes())["training"]
    assert bundle.load(kept).hyperparameters == USUAL
    told = USUAL.with_values({"trees.leaves": 8})
    bundle.save(replace(trained, hyperparameters=told), tmp_path / "other", data=DATA)
    assert bundle.load(tmp_path / "other").hyperparameters == told
