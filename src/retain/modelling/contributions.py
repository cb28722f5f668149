"""What each feature adds to each row's log-odds: exact TreeSHAP by looking it up.

What a leaf adds depends only on which splits of its path a row passes. Leaves whose paths ask at most eight different
questions between them are therefore looked up together: a row's answers are the bits of a byte, and a table of 256
entries for each feature holds what those leaves add.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from retain.errors import ModelError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import numpy.typing as npt

    from retain.modelling.trees import Forest, Leaf, Split

    FloatArray = npt.NDArray[np.float64]
    ByteArray = npt.NDArray[np.uint8]

_BITS = 8
_ROWS = 16_384
"""Rows at a time: enough to make NumPy's calls cheap, few enough for the caches and for a million rows."""


@dataclass(frozen=True)
class _Lookup:
    """Some leaves of one tree.

    Attributes:
        asked: positions of their questions among the tree's, from the highest bit to the lowest.
        features: that their questions are about.
        tables: what they add, features by the 256 ways to answer.
    """

    asked: tuple[int, ...]
    features: tuple[int, ...]
    tables: FloatArray


@dataclass(frozen=True)
class ShapleyTables:
    """Exact contributions of boosted trees, ready to be looked up.

    Attributes:
        width: number of columns of the rows.
        base: the log-odds of the average training row; with a row's contributions it gives the row's log-odds.
        trees: of each tree its different questions, and its leaves in groups.
    """

    width: int
    base: float
    trees: tuple[tuple[tuple[Split, ...], tuple[_Lookup, ...]], ...]

    @classmethod
    def of(cls, forest: Forest) -> ShapleyTables:
        """The tables of a forest.

        Raises:
            ModelError: a path asks more than eight different questions.
        """
        base = sum(
            leaf.value * float(np.prod([step.share for step in leaf.path]))
            for leaves in forest.trees
            for leaf in leaves
        )
        return cls(forest.width, base, tuple(_tree(leaves) for leaves in forest.trees))

    def contributions(self, x: FloatArray) -> FloatArray:
        """What each feature adds to each row's log-odds against ``base``, in the same shape.

        These are the Shapley values of the game in which a split on a feature outside the coalition is taken by both
        sides in proportion to their training rows: "path-dependent TreeSHAP" (Lundberg and others 2020,
        doi:10.1038/s42256-019-0138-9), as in LightGBM's ``pred_contrib``. A row gives the same bits in any company.

        Args:
            x: rows by features; NaN is unknown.

        Returns:
            Contributions, rows by features; exactly 0 for a feature that no tree asks about.

        Raises:
            ModelError: the rows do not have the model's number of features.
        """
        if x.ndim != 2 or x.shape[1] != self.width:
            raise ModelError(f"The model reads {self.width} features; the rows have the shape {x.shape}.")
        result = np.empty(x.shape)
        for start in range(0, len(x), _ROWS):
            rows = slice(start, start + _ROWS)
            result[rows] = self._together(np.ascontiguousarray(x[rows].T, dtype=np.float64)).T
        return result

    def _together(self, columns: FloatArray) -> FloatArray:
        count = columns.shape[1]
        views = {split.view for splits, _ in self.trees for split in splits}
        seen = {view: view.of(columns[view.feature]) for view in views}
        result = np.zeros(columns.shape)
        code, place, part = np.empty(count, np.uint8), np.empty(count, np.intp), np.empty(count)
        for splits, lookups in self.trees:
            answers = [split.passed(seen[split.view]).view(np.uint8) for split in splits]
            for lookup in lookups:
                code.fill(0)
                for position in lookup.asked:
                    np.add(code, code, out=code)
                    np.bitwise_or(code, answers[position], out=code)
                place[:] = code
                for feature, table in zip(lookup.features, lookup.tables, strict=True):
                    # "clip" only spares a check: a byte is never out of range.
                    table.take(place, out=part, mode="clip")
                    result[feature] += part
        return result


def _tree(leaves: Sequence[Leaf]) -> tuple[tuple[Split, ...], tuple[_Lookup, ...]]:
    """A tree's different questions, and its leaves in groups that are looked up together."""
    asked: dict[Split, int] = {}
    for leaf in leaves:
        for step in leaf.path:
            asked.setdefault(step.split, len(asked))
    groups = _groups(leaves) if asked else ()
    return tuple(asked), tuple(_lookup(group, asked) for group in groups)


def _groups(leaves: Sequence[Leaf]) -> Iterator[list[Leaf]]:
    """Neighbouring leaves, as many as keep to eight questions."""
    group: list[Leaf] = []
    questions: set[Split] = set()
    for leaf in leaves:
        more = {step.split for step in leaf.path}
        if len(more) > _BITS:
            raise ModelError(
                f"A tree asks {len(more)} questions on the way to a leaf; exact contributions are bounded to {_BITS}. "
                f"Train with a max_depth of at most {_BITS}."
            )
        if group and len(questions | more) > _BITS:
            yield group
            group, questions = [], set()
        group.append(leaf)
        questions |= more
    yield group


def _lookup(leaves: Sequence[Leaf], asked: dict[Split, int]) -> _Lookup:
    """The tables of leaves that ask at most eight questions."""
    questions = sorted({asked[step.split] for leaf in leaves for step in leaf.path}, reverse=True)
    bit = {position: 1 << place for place, position in enumerate(reversed(questions))}
    features = sorted({step.split.view.feature for leaf in leaves for step in leaf.path})
    row = {feature: position for position, feature in enumerate(features)}
    # Splits of one path on one feature are one player: it is content where all of them are passed. Paths with fewer
    # players than the longest are filled up with players that are always content and so never add anything.
    shape = (len(leaves), max(len({step.split.view.feature for step in leaf.path}) for leaf in leaves))
    mask, wanted, share = np.zeros(shape, np.uint8), np.zeros(shape, np.uint8), np.ones(shape)
    player = np.zeros(shape, np.intp)
    for number, leaf in enumerate(leaves):
        players: dict[int, int] = {}
        for split, left, part in leaf.path:
            at = number, players.setdefault(split.view.feature, len(players))
            mask[at] |= bit[asked[split]]
            wanted[at] |= bit[asked[split]] if left else 0
            share[at] *= part
            player[at] = row[split.view.feature]
    content = (np.arange(1 << _BITS, dtype=np.uint8) & mask[..., None]) == wanted[..., None]
    added = _shapley(content, share) * np.array([leaf.value for leaf in leaves])[:, None, None]
    tables = np.zeros((len(features), 1 << _BITS))
    np.add.at(tables, player.reshape(-1), added.reshape(-1, 1 << _BITS))
    return _Lookup(tuple(questions), tuple(features), tables)


def _shapley(content: npt.NDArray[np.bool_], share: FloatArray) -> FloatArray:
    """Shapley values of each leaf's players (leaves by players by answers), for a leaf of value 1.

    In the leaf's game a coalition S is worth prod_{j in S} c_j * prod_{j not in S} s_j, where c_j is 1 for a content
    player and else 0, and s_j is its share of training rows. By Owen's multilinear extension (1972,
    doi:10.1287/mnsc.18.5.64) player i's Shapley value is

        (c_i - s_i) * integral over t from 0 to 1 of prod_{j != i} (t c_j + (1 - t) s_j),

    a polynomial of one degree less than there are players, which Gauss-Legendre quadrature integrates exactly.
    """
    total = np.zeros(content.shape)
    for node, weight in zip(*_quadrature(content.shape[1]), strict=True):
        worth = np.where(content, node + (1 - node) * share[..., None], (1 - node) * share[..., None])
        # Dividing is safe: a share is a number of rows over a number of rows, and no node is at 1.
        total += weight * worth.prod(axis=1, keepdims=True) / worth
    return np.asarray(total * (content - share[..., None]))


@functools.cache
def _quadrature(players: int) -> tuple[FloatArray, FloatArray]:
    """Nodes and weights on (0, 1), exact for the integrand of that many players."""
    node, weight = np.polynomial.legendre.leggauss((players + 1) // 2)
    return (node + 1) / 2, weight / 2
