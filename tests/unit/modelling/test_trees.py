"""Reading boosted trees from LightGBM's text format."""

from __future__ import annotations

import re

import lightgbm
import numpy as np
import pytest

from retain.errors import ModelError
from retain.modelling.trees import Forest, Leaf, Split, Step, View, categories_of, read_forest


@pytest.fixture(scope="module")
def text() -> str:
    """One tree of three leaves on two features."""
    first, second = np.meshgrid(np.arange(10.0), np.arange(10.0))
    x = np.stack([first.ravel(), second.ravel()], axis=1)
    y = (x[:, 0] > 4) & (x[:, 1] > 6)
    settings = {
        "objective": "binary",
        "num_leaves": 3,
        "min_data_in_leaf": 9,
        "num_threads": 1,
        "verbosity": -1,
    }
    return str(lightgbm.train(settings, lightgbm.Dataset(x, label=y), num_boost_round=1).model_to_string())


def changed(text: str, name: str, value: str) -> str:
    """The text with another value on the first line of that name."""
    mended, count = re.subn(rf"(?m)^{name}=.*$", f"{name}={value}", text, count=1)
    assert count == 1
    return mended


def test_leaves_come_from_left_to_right_with_their_paths(text: str) -> None:
    """Each step has its question, its answer and its share of the training rows."""
    forest = read_forest(text)
    assert forest.width == 2
    (leaves,) = forest.trees
    asked = [
        [(step.split.view.feature, round(step.split.threshold, 9), step.left) for step in leaf.path]
        for leaf in leaves
    ]
    assert asked == [[(1, 6.5, True)], [(1, 6.5, False), (0, 4.5, True)], [(1, 6.5, False), (0, 4.5, False)]]
    assert [[step.share for step in leaf.path] for leaf in leaves] == [[0.7], [0.3, 0.5], [0.3, 0.5]]
    assert leaves[2].value > leaves[1].value


def test_what_is_unknown_goes_to_its_side() -> None:
    """Unknown is zero, or has its own side, or zero is unknown too; what LightGBM takes for zero is zero."""
    column = np.array([np.nan, 0.0, -1e-36, 2.0])
    as_zero = View(0, 0, unknown_left=False)
    assert as_zero.of(column).tolist() == [0.0, 0.0, 0.0, 2.0]
    left, right = View(0, 2, unknown_left=True), View(0, 2, unknown_left=False)
    assert (left.of(column) <= -5).tolist() == [True, False, False, False]
    assert (right.of(column) <= np.inf).tolist() == [False, True, True, True]
    zero_left, zero_right = View(0, 1, unknown_left=True), View(0, 1, unknown_left=False)
    assert (zero_left.of(column) <= -5).tolist() == [True, True, True, False]
    assert (zero_right.of(column) <= np.inf).tolist() == [False, False, False, True]


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("num_cat", "1", "cat_boundaries"),
        ("is_linear", "1", "linear leaves"),
        ("left_child", "0 1", "do not form one tree"),
        ("left_child", "7 1", "do not form one tree"),
        ("internal_count", "0 0", "without training rows"),
        ("leaf_count", "70 15", "without training rows"),
        ("threshold", "6.5", "Tree 0 of the model cannot be read"),
        ("threshold", "6.5 many", "Tree 0"),
        ("split_feature", "1 5", "2 features and asks for number 5"),
        ("num_tree_per_iteration", "3", "several classes"),
    ],
)
def test_a_tree_that_cannot_be_used_is_refused(text: str, name: str, value: str, said: str) -> None:
    """The message says which tree and what about it."""
    with pytest.raises(ModelError, match=said):
        read_forest(changed(text, name, value))


def test_a_text_that_is_not_whole_is_refused(text: str) -> None:
    """Half a model would give half the reasons."""
    for part in (
        text.partition("\nend of trees")[0],
        text.replace("leaf_value", "value"),
        "",
        "\nend of trees",
    ):
        with pytest.raises(ModelError, match="Restore the bundle"):
            read_forest(part)


def test_averaged_trees_are_refused(text: str) -> None:
    """A random forest's leaves do not add up to the log-odds."""
    with pytest.raises(ModelError, match="averages its trees"):
        read_forest(text.replace("\nTree=0", "\naverage_output\n\nTree=0"))


def test_a_forest_of_too_few_columns_is_refused() -> None:
    """A question about a column that is not there."""
    step = Step(Split(View(2, 0, unknown_left=False), 1.0), left=True, share=0.5)
    with pytest.raises(ModelError, match="2 features and asks for number 2"):
        Forest(2, ((Leaf(1.0, (step,)),),))


@pytest.fixture(scope="module")
def with_words() -> str:
    """One tree of two leaves that asks for the words 1, 3 and 40 of a category."""
    word = np.tile([1.0, 2.0, 3.0, 40.0, 41.0], 20)
    settings = {
        "objective": "binary",
        "num_leaves": 2,
        "min_data_in_leaf": 5,
        "min_data_per_group": 1,
        "cat_smooth": 0,
        "max_cat_to_onehot": 1,
        "num_threads": 1,
        "verbosity": -1,
    }
    data = lightgbm.Dataset(word[:, None], label=np.isin(word, (1, 3, 40)), categorical_feature=[0])
    return str(lightgbm.train(settings, data, num_boost_round=1).model_to_string())


def test_a_split_asks_for_some_words_of_a_category(with_words: str) -> None:
    """Whatever is no word that was asked for goes right: other words, beyond them, below 0, and not known."""
    ((leaf, _),) = read_forest(with_words).trees
    (split,) = [step.split for step in leaf.path]
    assert set(split.among) in ({1, 3, 40}, {2, 41})
    asked = split.view.of(np.array([*split.among, 2.9, 99.0, -1.0, np.nan, np.inf]))
    some = [True] * len(split.among)
    assert split.passed(asked).tolist() == [*some, 2 in split.among, False, False, False, False]


def test_categories_are_told_by_the_text(text: str, with_words: str) -> None:
    """A column of numbers is none."""
    assert categories_of(text) == ()
    assert categories_of(with_words) == (0,)


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("cat_threshold", "0 0", "asks for no category"),
        ("cat_threshold", "1", "not whole"),
        ("cat_boundaries", "0 0 2", "not whole"),
    ],
)
def test_a_damaged_set_of_categories_is_refused(with_words: str, name: str, value: str, said: str) -> None:
    """A wrong text is said to be wrong, never taken for another model."""
    with pytest.raises(ModelError, match=said):
        read_forest(changed(with_words, name, value))
