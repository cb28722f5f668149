"""How a model reads one feature: its mean probability when that feature alone is set to one value after the other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from retain.evaluation.tally import FloatArray, IntArray

ROWS = 400
"""So many rows are asked: the mean probability of so many is within a few points of the mean of all."""
POINTS = 21
BINS = 20
TAIL = 0.02
"""This share of the known values at either end is left out: a curve there would rest on a handful of customers."""


@dataclass(frozen=True)
class Dependence:
    """What a model makes of one feature.

    Attributes:
        column: the feature's position.
        value: at which it was set, ascending.
        probability: the mean probability with all at that value.
        edges: of bins of equal width over the same range.
        counts: rows whose own value is in each bin.
        unknown_share: share of rows whose value is not known.
        when_unknown: the mean probability with nobody's value known; NaN where everybody's is.
    """

    column: int
    value: FloatArray
    probability: FloatArray
    edges: FloatArray
    counts: IntArray
    unknown_share: float
    when_unknown: float


def partial_dependence(
    probabilities: Callable[[FloatArray], FloatArray], x: FloatArray, column: int, seed: int
) -> Dependence | None:
    """The model's mean probability as a function of one feature; None where nobody or everybody has the same value.

    Formula: ``f(v) = mean over rows of p(row with the feature set to v)``, v the quantiles from 2 % to 98 % of the known
    values. Rows keep all their other features, so where two features go together the curve also asks about customers
    who do not exist: it says how the model reads the feature, not what the feature does.

    Source: Friedman 2001, Annals of Statistics 29:1189-1232.

    Args:
        probabilities: the model: rows of features to probabilities.
        x: rows by features, in an order that does not hang on how the data came; NaN is not known.
        column: which feature.
        seed: of the sample of 400 rows that is asked, where there are more.

    >>> x = np.column_stack([np.arange(100.0), np.arange(100.0) % 7])
    >>> found = partial_dependence(lambda rows: rows[:, 0] / 100, x, 0, seed=1)
    >>> bool(np.allclose(found.probability, found.value / 100)), found.value[[0, -1]].tolist()
    (True, [2.0, 97.0])
    """
    own = x[:, column]
    known = own[np.isfinite(own)]
    if not len(known):
        return None
    # Values that occur, not points between them: nobody has half an order.
    value = np.unique(np.quantile(known, np.linspace(TAIL, 1 - TAIL, POINTS), method="nearest"))
    if len(value) < 2:  # a curve has two ends
        return None
    asked = x
    if len(x) > ROWS:
        asked = x[np.sort(np.random.default_rng(seed).choice(len(x), ROWS, replace=False))]
    lacks = len(known) < len(own)
    levels = np.append(value, np.nan) if lacks else value
    rows = np.tile(asked, (len(levels), 1))
    rows[:, column] = np.repeat(levels, len(asked))
    means = probabilities(rows).reshape(len(levels), len(asked)).mean(axis=1)
    counts, edges = np.histogram(known, bins=BINS, range=(value[0], value[-1]))
    return Dependence(
        column=column,
        value=value,
        probability=means[: len(value)],
        edges=edges.astype(np.float64),
        counts=counts.astype(np.int64),
        unknown_share=1 - len(known) / len(own),
        when_unknown=float(means[-1]) if lacks else float("nan"),
    )
