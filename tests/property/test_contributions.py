"""Laws of contributions that hold for every model and every row."""

from __future__ import annotations

from typing import TYPE_CHECKING

import lightgbm
import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from retain.modelling.contributions import ShapleyTables
from retain.modelling.trees import Forest, read_forest

if TYPE_CHECKING:
    import numpy.typing as npt

    FloatArray = npt.NDArray[np.float64]

KINDS = ("normal", "whole", "binary", "huge", "tiny", "constant", "unknown", "words", "many words")
ODD = (0.0, -0.0, 5e-324, -1e-36, 1e-35, float(np.float32(-1e-35)), 1e300, -1e300, np.inf, -np.inf, np.nan)

MODELS = st.fixed_dictionaries(
    {
        "seed": st.integers(0, 2**16),
        "rows": st.integers(8, 300),
        "kinds": st.lists(st.sampled_from(KINDS), min_size=1, max_size=6),
        "share_unknown": st.sampled_from([0.0, 0.1, 0.6]),
        "trees": st.integers(1, 8),
        "depth": st.integers(1, 8),
        "leaves": st.integers(2, 40),
        "least": st.sampled_from([1, 2, 20]),
        "use_missing": st.booleans(),
        "zero_as_missing": st.booleans(),
    }
)
"""Few columns and deep trees: features repeat on a path; one row to a leaf: tiny covers; few rows: single leaves."""


def column(kind: str, random: np.random.Generator, rows: int) -> FloatArray:
    """A feature of that kind."""
    normal = random.normal(size=rows)
    kinds = {
        "normal": normal,
        "whole": np.round(normal * 2),
        "binary": (normal > 0).astype(np.float64),
        "huge": normal * 1e299,
        "tiny": normal * 1e-34,
        "constant": np.ones(rows),
        "unknown": np.full(rows, np.nan),
        "words": random.integers(0, 4, rows).astype(np.float64),
        "many words": random.integers(1, 70, rows).astype(np.float64),
    }
    return kinds[kind]


def grown(drawn: dict[str, object]) -> tuple[lightgbm.Booster, Forest, FloatArray]:
    """A trained booster, the same read by us, and rows to explain: those trained on and odd ones near thresholds."""
    at = {name: value for name, value in drawn.items() if isinstance(value, int | float)}
    random, rows = np.random.default_rng(int(at["seed"])), int(at["rows"])
    kinds = drawn["kinds"]
    assert isinstance(kinds, list)
    x = np.stack([column(kind, random, rows) for kind in kinds], axis=1)
    x[random.random(x.shape) < at["share_unknown"]] = np.nan
    y = (np.nan_to_num(np.sign(x)).sum(axis=1) + random.normal(size=rows) > 0).astype(np.int8)
    y[:2] = 0, 1
    booster = lightgbm.train(
        {
            "objective": "binary",
            "learning_rate": 0.3,
            "max_depth": at["depth"],
            "num_leaves": at["leaves"],
            "min_data_in_leaf": at["least"],
            "min_data_in_bin": 1,
            "use_missing": at["use_missing"],
            "zero_as_missing": at["zero_as_missing"],
            "num_threads": 1,
            "verbosity": -1,
            "min_data_per_group": 1,
            "cat_smooth": 1,
        },
        lightgbm.Dataset(
            x, label=y, categorical_feature=[at for at, kind in enumerate(kinds) if "words" in kind]
        ),
        num_boost_round=int(at["trees"]),
    )
    forest = read_forest(booster.model_to_string())
    splits = {step.split for leaves in forest.trees for leaf in leaves for step in leaf.path}
    asked = {split.threshold for split in splits} | {float(one) for split in splits for one in split.among}
    near = [side for one in sorted(asked) for side in (one, np.nextafter(one, np.inf))]
    odd = random.choice([*ODD, *near], size=(60, len(kinds)))
    return booster, forest, np.concatenate([x[:60], odd])


@given(MODELS)
def test_contributions_equal_those_of_lightgbm(drawn: dict[str, object]) -> None:
    """Whatever the trees and the rows, LightGBM's pred_contrib is the same to 1e-9."""
    booster, forest, rows = grown(drawn)
    theirs = booster.predict(rows, pred_contrib=True)
    tables = ShapleyTables.of(forest)
    assert np.abs(tables.contributions(rows) - theirs[:, :-1]).max() < 1e-9
    assert np.abs(tables.base - theirs[:, -1]).max() < 1e-9


@given(MODELS)
@settings(max_examples=30)
def test_contributions_and_base_add_up_to_the_log_odds(drawn: dict[str, object]) -> None:
    """Local accuracy, to 1e-9."""
    booster, forest, rows = grown(drawn)
    tables = ShapleyTables.of(forest)
    total = tables.base + tables.contributions(rows).sum(axis=1)
    assert np.abs(total - booster.predict(rows, raw_score=True)).max() < 1e-9


@given(MODELS)
@settings(max_examples=30)
def test_a_row_is_explained_alone_as_in_company(drawn: dict[str, object]) -> None:
    """Bit for bit, and a feature that no tree asks about adds exactly nothing."""
    _, forest, rows = grown(drawn)
    tables = ShapleyTables.of(forest)
    together = tables.contributions(rows)
    assert (
        np.concatenate([tables.contributions(row[None, :]) for row in rows]).tobytes() == together.tobytes()
    )
    asked = {step.split.view.feature for leaves in forest.trees for leaf in leaves for step in leaf.path}
    assert not together[:, sorted(set(range(forest.width)) - asked)].any()
