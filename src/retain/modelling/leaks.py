"""Features that know the outcome: each alone, against what all the others reach.

The rule and the figures behind it are in ``docs/decisions/0007-the-gate.md``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from retain.errors import LeakError

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from retain.evaluation.tally import FloatArray, IntArray
    from retain.modelling.training import LabelArray

SUSPICIOUS = 0.9
"""No honest feature of any data set met has reached this AUROC alone; the best reached .84."""
FEWEST = 100
"""Rows of the rarer outcome below which an AUROC says too little to accuse a feature."""
MOST = 50_000
"""So many rows of each outcome are looked at, every second or third and so on of more: an AUROC of so many is exact to .002."""


@dataclass(frozen=True)
class Leak:
    """A feature that orders customers better than any knowledge of the past is likely to.

    Attributes:
        feature: its name.
        auroc: of the feature alone, mean over cutoffs, in the better direction.
        rest: the best of the features that are not suspicious; 0.5 where there is none.
    """

    feature: str
    auroc: float
    rest: float


def alone(x: FloatArray, y: LabelArray, cutoff: IntArray) -> FloatArray:
    """The AUROC of each column by itself, at least 0.5: in the better direction, weighted mean over the cutoffs.

    Not known is a level of its own, below all values or above them, whichever tells more. A cutoff weighs as many
    pairs of a churner and a stayer as it has.

    Args:
        x: features, rows by columns.
        y: outcomes.
        cutoff: of each row.

    >>> x = np.array([[1.0, 5.0], [2.0, np.nan], [3.0, 5.0], [4.0, np.nan]])
    >>> alone(x, np.array([1, 1, 0, 0], np.int8), np.zeros(4, np.int64)).tolist()
    [1.0, 0.5]
    """
    right, pairs = np.zeros((2, x.shape[1])), 0.0
    for one in np.unique(cutoff):
        rows = cutoff == one
        columns, churned = np.ascontiguousarray(x[rows].T), y[rows] == 1
        churners = int(churned.sum())
        pairs += churners * (len(churned) - churners)
        for at, column in enumerate(columns):
            right[:, at] += _ordered(column[churned], column[~churned])
    found = right / pairs if pairs else np.full_like(right, 0.5)
    return np.asarray(np.maximum(found, 1 - found).max(axis=0))


def _ordered(churners: FloatArray, stayers: FloatArray) -> tuple[float, float]:
    """Pairs of which the churner has the higher value, equals as half, with not known as the lowest and as the highest."""
    known = np.sort(churners[np.isfinite(churners)])
    others = np.sort(stayers[np.isfinite(stayers)])
    # Twice the number of pairs is whole, so the sum is exact.
    below = np.searchsorted(others, known, "left").sum() + np.searchsorted(others, known, "right").sum()
    unknown, other_unknown = len(churners) - len(known), len(stayers) - len(others)
    both = below / 2 + unknown * other_unknown / 2
    return both + len(known) * other_unknown, both + unknown * len(others)


def in_order(x: FloatArray, y: LabelArray, categories: Sequence[int]) -> FloatArray:
    """The features with the churn rate of its word in place of each category, for words have no order of their own.

    Args:
        x: features, rows by columns.
        y: outcomes.
        categories: places of the columns that hold words as numbers; not known is a word too.

    >>> in_order(np.array([[1.0], [2.0], [1.0], [np.nan]]), np.array([1, 0, 0, 1], np.int8), [0]).ravel().tolist()
    [0.5, 0.0, 0.5, 1.0]
    """
    ordered = x.copy()
    for column in categories:
        _, word = np.unique(np.nan_to_num(x[:, column], nan=0.0), return_inverse=True)
        ordered[:, column] = (np.bincount(word, weights=y) / np.bincount(word))[word]
    return ordered


def find(
    x: FloatArray, y: LabelArray, cutoff: IntArray, names: Sequence[str], categories: Collection[str] = ()
) -> tuple[Leak, ...]:
    """The features that seem to know the outcome, the surest first.

    A feature does when its own AUROC is 0.9 at least and it leaves less than half of what the best unsuspicious
    feature leaves to 1.

    Args:
        x: features, rows by columns.
        y: outcomes.
        cutoff: of each row.
        names: of the columns.
        categories: names of those that hold words as numbers.
    """
    churners = int((y == 1).sum())
    if min(churners, len(y) - churners) < FEWEST:
        return ()
    places = [at for at, name in enumerate(names) if name in categories]
    if max(churners, len(y) - churners) > MOST:
        # Of each outcome by itself, so that the rarer one stays: an AUROC does not ask how many there are of either.
        seen = np.sort(np.concatenate([_some(np.flatnonzero(y == one)) for one in (0, 1)]))
        x, y, cutoff = x[seen], y[seen], cutoff[seen]
    by_itself = alone(in_order(x, y, places), y, cutoff)
    honest = by_itself[by_itself < SUSPICIOUS]
    rest = float(honest.max()) if len(honest) else 0.5
    bound = max(SUSPICIOUS, 1 - (1 - rest) / 2)
    found = [Leak(name, float(one), rest) for name, one in zip(names, by_itself, strict=True) if one >= bound]
    return tuple(sorted(found, key=lambda one: (-one.auroc, one.feature)))


def _some(rows: IntArray) -> IntArray:
    """At most so many of these rows, evenly from the first to the last."""
    return rows[:: -(-len(rows) // MOST)]


def require_none(found: Sequence[Leak], allowed: Sequence[str]) -> None:
    """Nothing, when the configuration accepts every feature that seems to know the outcome.

    Raises:
        LeakError: it does not; the message names them.
    """
    held = [one for one in found if one.feature not in allowed]
    if not held:
        return
    named = ", ".join(f"{one.feature} (AUROC {one.auroc:.3f} alone)" for one in held)
    quoted = ", ".join(f'"{one}"' for one in dict.fromkeys([*allowed, *(one.feature for one in held)]))
    raise LeakError(
        f"{named}: this is what knowing the outcome looks like. The best of the other features reaches "
        f"{held[0].rest:.3f}. Look for a column that is written or changed after the fact, and map a time for it, or "
        f"leave its family out. If it really is known before the cutoff: [training] allow_leaks = [{quoted}]."
    )
