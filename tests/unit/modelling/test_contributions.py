"""Exact contributions: against Shapley's definition, LightGBM's own, and at the edges."""

from __future__ import annotations

import itertools
import math
from typing import TYPE_CHECKING, Any

import lightgbm
import numpy as np
import pytest

from retain.errors import ModelError
from retain.modelling import contributions
from retain.modelling.contributions import ShapleyTables
from retain.modelling.learners import Boosting, Task
from retain.modelling.trees import Forest, Leaf, Split, Step, View, read_forest

if TYPE_CHECKING:
    import numpy.typing as npt

    FloatArray = npt.NDArray[np.float64]

SETTINGS = {
    "objective": "binary",
    "num_threads": 1,
    "verbosity": -1,
    "min_data_in_leaf": 3,
    "deterministic": True,
    "force_row_wise": True,
}


def customers(rows: int, columns: int = 5, seed: int = 1) -> tuple[FloatArray, npt.NDArray[np.int8]]:
    """Features, a tenth of them unknown, and an outcome that hangs on the first three."""
    random = np.random.default_rng(seed)
    x = random.normal(size=(rows, columns))
    odds = x[:, 0] + x[:, 1 % columns] * x[:, 2 % columns]
    x[random.random(x.shape) < 0.1] = np.nan
    return x, (odds + random.normal(size=rows) > 0).astype(np.int8)


def trained(x: FloatArray, y: npt.NDArray[np.int8], trees: int = 10, **settings: object) -> lightgbm.Booster:
    """A booster on those rows."""
    return lightgbm.train(SETTINGS | settings, lightgbm.Dataset(x, label=y), num_boost_round=trees)


def tables(booster: lightgbm.Booster) -> ShapleyTables:
    """The tables of that booster."""
    return ShapleyTables.of(read_forest(booster.model_to_string()))


def split(feature: int, threshold: float) -> Split:
    """A split without a side for unknown values."""
    return Split(View(feature, 0, unknown_left=False), threshold)


def expected(node: dict[str, Any], row: FloatArray, known: frozenset[int]) -> float:
    """A tree's mean value for a row of which only some features are known, straight from LightGBM's JSON."""
    if "leaf_value" in node:
        return float(node["leaf_value"])
    left, right = node["left_child"], node["right_child"]
    value = row[node["split_feature"]]
    if node["split_feature"] in known:
        goes_left = node["default_left"] if np.isnan(value) else value <= node["threshold"]
        return expected(left if goes_left else right, row, known)
    rows = [child.get("internal_count", child.get("leaf_count")) for child in (left, right)]
    parts = [expected(child, row, known) for child in (left, right)]
    return float(np.average(parts, weights=rows))


def by_definition(booster: lightgbm.Booster, row: FloatArray) -> FloatArray:
    """Shapley values by going through every coalition of features."""
    trees = [tree["tree_structure"] for tree in booster.dump_model()["tree_info"]]
    count = len(row)
    result = np.zeros(count)
    for feature in range(count):
        others = [one for one in range(count) if one != feature]
        for size in range(count):
            weight = math.factorial(size) * math.factorial(count - size - 1) / math.factorial(count)
            for chosen in map(frozenset, itertools.combinations(others, size)):
                gain = sum(
                    expected(tree, row, chosen | {feature}) - expected(tree, row, chosen) for tree in trees
                )
                result[feature] += weight * gain
    return result


def test_they_are_the_shapley_values_of_the_definition() -> None:
    """Going through all coalitions of features, on the trees as LightGBM prints them, gives the same values."""
    x, y = customers(200)
    booster = trained(x, y, trees=4, max_depth=5, num_leaves=20)
    ours = tables(booster).contributions(x[:15])
    assert np.allclose(ours, [by_definition(booster, row) for row in x[:15]], rtol=0, atol=1e-12)


@pytest.mark.parametrize(("depth", "leaves"), [(1, 2), (3, 8), (5, 20), (6, 31), (8, 60)])
def test_they_equal_those_of_lightgbm(depth: int, leaves: int) -> None:
    """LightGBM's own contributions and base value are the same to 1e-12."""
    x, y = customers(2_000, 25)
    booster = trained(x, y, trees=60, max_depth=depth, num_leaves=leaves)
    theirs = booster.predict(x[:200], pred_contrib=True)
    ours = tables(booster)
    assert np.abs(ours.contributions(x[:200]) - theirs[:, :-1]).max() < 1e-12
    assert abs(ours.base - theirs[0, -1]) < 1e-12


def test_a_split_between_known_and_unknown_is_understood() -> None:
    """LightGBM writes such a split with an infinite threshold."""
    x = np.array([[np.nan], [1.0], [2.0], [np.nan], [3.0]] * 20)
    booster = trained(x, np.isnan(x[:, 0]).astype(np.int8), trees=2)
    assert "threshold=inf" in booster.model_to_string()
    rows = np.array([[np.nan], [1.0], [np.inf], [-np.inf]])
    assert np.allclose(
        tables(booster).contributions(rows),
        booster.predict(rows, pred_contrib=True)[:, :-1],
        rtol=0,
        atol=1e-14,
    )


def test_a_value_on_the_threshold_goes_left_and_the_next_one_right() -> None:
    """Thresholds are compared in float64, to the last bit."""
    here = 0.1 + 0.2
    path = split(0, here)
    stump = Forest(
        1,
        (
            (
                Leaf(-1.0, (Step(path, left=True, share=0.25),)),
                Leaf(3.0, (Step(path, left=False, share=0.75),)),
            ),
        ),
    )
    ours = ShapleyTables.of(stump)
    assert ours.base == 2.0
    assert ours.contributions(np.array([[here], [np.nextafter(here, 1)]])).tolist() == [[-3.0], [1.0]]


def test_trees_of_one_leaf_add_only_to_the_base() -> None:
    """A model that learnt nothing explains nothing."""
    x, y = customers(50)
    booster = trained(x, y, trees=3, min_data_in_leaf=40)
    ours = tables(booster)
    assert ours.contributions(x).tolist() == np.zeros(x.shape).tolist()
    assert ours.base == pytest.approx(booster.predict(x[:1], raw_score=True)[0], abs=1e-15)


def test_a_model_without_trees_explains_nothing() -> None:
    """No trees: base 0, every contribution 0."""
    ours = ShapleyTables.of(Forest(2, ()))
    assert (ours.base, ours.contributions(np.ones((3, 2))).tolist()) == (0.0, np.zeros((3, 2)).tolist())


def test_a_feature_that_no_tree_asks_about_adds_exactly_nothing() -> None:
    """Not a rounding error: 0."""
    x, y = customers(500, 6)
    x[:, 4] = 1.0
    x[:, 5] = np.nan
    ours = tables(trained(x, y, max_depth=5)).contributions(x)
    assert not ours[:, 4:].any()
    assert np.abs(ours[:, 0]).max() > 0.1


def test_a_row_gives_the_same_bits_in_any_company(monkeypatch: pytest.MonkeyPatch) -> None:
    """One at a time, all at once, in batches, reversed, in another memory layout: the same bytes."""
    x, y = customers(300)
    ours = tables(trained(x, y, max_depth=5, num_leaves=20))
    together = ours.contributions(x)
    alone = np.concatenate([ours.contributions(row[None, :]) for row in x])
    assert alone.tobytes() == together.tobytes()
    assert ours.contributions(x[::-1])[::-1].tobytes() == together.tobytes()
    assert ours.contributions(np.asfortranarray(x)).tobytes() == together.tobytes()
    monkeypatch.setattr(contributions, "_ROWS", 7)
    assert ours.contributions(x).tobytes() == together.tobytes()


def test_no_rows_give_no_contributions() -> None:
    """An empty set of customers is no mistake."""
    assert tables(trained(*customers(100))).contributions(np.empty((0, 5))).shape == (0, 5)


def test_rows_of_another_width_are_refused() -> None:
    """The message has both widths."""
    ours = tables(trained(*customers(100)))
    with pytest.raises(ModelError, match=r"reads 5 features; the rows have the shape \(3, 4\)"):
        ours.contributions(np.zeros((3, 4)))


def test_a_path_of_nine_questions_is_refused() -> None:
    """Tables double with every question, so depth is bounded, and the message says to what."""
    steps = tuple(Step(split(feature, 0.0), left=True, share=0.5) for feature in range(9))
    with pytest.raises(ModelError, match=r"9 questions .* max_depth of at most 8"):
        ShapleyTables.of(Forest(9, ((Leaf(1.0, steps),),)))


def test_the_learner_gives_these() -> None:
    """The contributions of ``Boosting`` and of a model loaded from its text add up to the log-odds."""
    x, y = customers(400)
    names = [f"feature_{number}" for number in range(5)]
    fitted = Boosting().fit(Task(x, y, names, size=30, seed=1))
    added = fitted.contributions(x).sum(axis=1)
    base = fitted.log_odds(x) - added
    assert np.ptp(base) < 1e-12
    assert Boosting().load(fitted.text()).contributions(x).tobytes() == fitted.contributions(x).tobytes()
