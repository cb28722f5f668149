"""Boosted trees as paths to leaves, read from LightGBM's text format."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from retain.errors import ModelError

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy.typing as npt

    FloatArray = npt.NDArray[np.float64]

_ZERO = float(np.float32(1e-35))
"""LightGBM takes anything this near to zero for zero."""
_DEFAULT_LEFT = 2
"""The bit of LightGBM's "decision type" that sends an unknown value to the left."""
_UNKNOWN_IS_ZERO, _ZERO_IS_UNKNOWN = 0, 1
"""LightGBM's "missing types"; with the third, 2, only an unknown value has a side of its own."""
_CATEGORY = 3
"""In place of a missing type: the feature is a category."""
_IS_CATEGORY = 1
"""The bit of LightGBM's "decision type" for a split that asks for some categories."""
_WORD = 32
"""Categories that one number of LightGBM's "cat_threshold" speaks of."""


class View(NamedTuple):
    """One feature as a split sees it.

    Attributes:
        feature: its column.
        missing: LightGBM's missing type, 0 to 2; 3 for a category.
        unknown_left: whether an unknown value goes left, where it has a side of its own.
    """

    feature: int
    missing: int
    unknown_left: bool

    def of(self, column: FloatArray) -> FloatArray:
        """The column, with unknown values as something that comparing with any threshold sends to their side."""
        unknown = np.isnan(column)
        if self.missing == _CATEGORY:
            # LightGBM cuts off decimals; what is below 0 is no category.
            whole = np.trunc(np.where(unknown | ~(np.abs(column) < 2**31), -1.0, column))
            return np.where(whole < 0, -1.0, whole)
        nearly_zero = np.abs(column) <= _ZERO
        exact = np.where(nearly_zero, 0.0, column)
        if self.missing == _UNKNOWN_IS_ZERO:
            return np.where(unknown, 0.0, exact)
        if self.missing == _ZERO_IS_UNKNOWN:
            unknown |= nearly_zero
        # NaN fails every comparison, also that with the infinite threshold of a split that only asks what is known.
        return np.where(unknown, -np.inf if self.unknown_left else np.nan, exact)


class Split(NamedTuple):
    """A question to a row; yes is left.

    Attributes:
        view: of the feature that it asks about.
        threshold: a value up to this one, both as float64, goes left.
        among: of a category, those that go left instead.
    """

    view: View
    threshold: float
    among: tuple[int, ...] = ()

    def passed(self, seen: FloatArray) -> npt.NDArray[np.bool_]:
        """Which values of the view go left."""
        if self.view.missing != _CATEGORY:
            return np.less_equal(seen, self.threshold)
        # The last place is for the categories beyond all that are asked for, and for the -1 of none.
        left = np.zeros(max(self.among) + 2, dtype=bool)
        left[list(self.among)] = True
        return np.asarray(left[np.minimum(seen, len(left) - 1).astype(np.intp)])


class Step(NamedTuple):
    """One split on the way to a leaf.

    Attributes:
        split: what was asked.
        left: the answer that leads on.
        share: of the training rows that came to the split, those that went on this way.
    """

    split: Split
    left: bool
    share: float


class Leaf(NamedTuple):
    """An end of a tree.

    Attributes:
        value: what it adds to the log-odds.
        path: the steps to it from the root; none in a tree that is one leaf.
    """

    value: float
    path: tuple[Step, ...]


@dataclass(frozen=True)
class Forest:
    """Trees whose leaves add up to the log-odds.

    Attributes:
        width: number of columns of the rows that it reads.
        trees: the leaves of each, from left to right, so that neighbours share most of their paths.
    """

    width: int
    trees: tuple[tuple[Leaf, ...], ...]

    def __post_init__(self) -> None:
        """Refuse what asks for a column that is not there."""
        asked = {step.split.view.feature for leaves in self.trees for leaf in leaves for step in leaf.path}
        if not asked <= set(range(self.width)):
            raise ModelError(
                f"The model has {self.width} features and asks for number {max(asked)} (the first is 0)."
            )


def read_forest(text: str) -> Forest:
    """The trees of a model in LightGBM's text format, thresholds and values to the last bit.

    Args:
        text: as ``Booster.model_to_string`` writes it.

    Returns:
        The trees in the order in which they were grown.

    Raises:
        ModelError: the text is damaged, or the model is of a kind that is not trained here: several classes, averaged
            trees, linear leaves.
    """
    body, end, _ = text.partition("\nend of trees")
    head, *parts = body.split("\nTree=")
    about = _fields(head)
    if not end or "max_feature_idx" not in about:
        raise ModelError("The model's text is not whole. Restore the bundle, or train the model again.")
    if about.get("num_tree_per_iteration") != "1" or "average_output" in about:
        raise ModelError("The model has several classes or averages its trees. Train a plain binary one.")
    trees = []
    for number, part in enumerate(parts):
        try:
            trees.append(_leaves(_fields(part)))
        except (KeyError, ValueError, IndexError) as cause:
            raise ModelError(
                f"Tree {number} of the model cannot be read ({cause}). Restore the bundle, or train the model again."
            ) from cause
    return Forest(int(about["max_feature_idx"]) + 1, tuple(trees))


def categories_of(text: str) -> tuple[int, ...]:
    """The columns that a model in LightGBM's text format reads as categories.

    Args:
        text: as ``Booster.model_to_string`` writes it.
    """
    about = _fields(text.partition("\nTree=")[0]).get("feature_infos", "").split()
    return tuple(at for at, one in enumerate(about) if one != "none" and not one.startswith("["))


def _fields(text: str) -> Mapping[str, str]:
    """The lines ``name=value``; of a line without ``=`` only its name."""
    return {name: value for name, _, value in (line.partition("=") for line in text.splitlines())}


def _leaves(fields: Mapping[str, str]) -> tuple[Leaf, ...]:
    """The leaves of a tree; a child ``c`` below zero is leaf ``-c - 1``."""

    def whole(name: str) -> list[int]:
        return [int(one) for one in fields[name].split()]

    if fields.get("is_linear", "0") != "0":
        raise ValueError("linear leaves have no exact contributions here")
    values = [float(one) for one in fields["leaf_value"].split()]
    asked = zip(whole("split_feature"), whole("decision_type"), fields["threshold"].split(), strict=True)
    sets = _sets(whole("cat_boundaries"), whole("cat_threshold")) if fields["num_cat"] != "0" else []
    splits = [
        Split(View(feature, _CATEGORY, unknown_left=False), 0.0, sets[int(threshold)])
        if kind & _IS_CATEGORY
        else Split(_view(feature, kind), float(threshold))
        for feature, kind, threshold in asked
    ]
    children = list(zip(whole("right_child"), whole("left_child"), strict=True))
    # Those of the leaves come last and backwards, so that a child's number, below zero for a leaf, is its place.
    rows = whole("internal_count") + whole("leaf_count")[::-1]
    root = 0 if splits else -1
    nodes = set(range(-len(values), len(splits)))
    if sorted(child for both in children for child in both) != sorted(nodes - {root}):
        raise ValueError("its nodes do not form one tree")
    if splits and (len(rows) != len(nodes) or min(rows) < 1):
        raise ValueError("a node without training rows has no average")
    found = []
    waiting: list[tuple[int, tuple[Step, ...]]] = [(root, ())]
    while waiting:
        node, path = waiting.pop()
        if node < 0:
            found.append(Leaf(values[-node - 1], path))
            continue
        for child, left in zip(children[node], (False, True), strict=True):
            waiting.append((child, (*path, Step(splits[node], left, rows[child] / rows[node]))))
    return tuple(found)


def _sets(bounds: list[int], words: list[int]) -> list[tuple[int, ...]]:
    """The categories that each categorical split sends left: the bits that are set in its numbers."""
    if bounds[-1] != len(words) or any(not low < high for low, high in pairwise(bounds)):
        raise ValueError("its sets of categories are not whole")
    found = []
    for low, high in pairwise(bounds):
        number = sum(word << _WORD * at for at, word in enumerate(words[low:high]))
        if not number:
            raise ValueError("it asks for no category")
        found.append(tuple(at for at in range(number.bit_length()) if number >> at & 1))
    return found


def _view(feature: int, kind: int) -> View:
    missing = kind >> 2 & 3
    return View(feature, missing, missing != _UNKNOWN_IS_ZERO and bool(kind & _DEFAULT_LEFT))
