"""Ridge logistic regression of very many rows: Newton's steps over blocks of rows, without a second copy of the panel."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.linalg import cho_factor, cho_solve
from scipy.special import expit

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy.typing as npt

    FloatArray = npt.NDArray[np.float64]
    LabelArray = npt.NDArray[np.int8]

_ROWS = 8_192
"""Rows at a time: they and their products stay in the processor's cache."""
_NEAR, _SETTLED = 0.03, 1e-3
"""After a step as short as the first the curvature is what it was, to a share of about its length; after the second the rest is below 1e-4."""
_LONGEST = 1.0
"""No weight moves further in a step, so that a poor start cannot throw the search out."""
_ROUNDS = 50


def most_likely(
    design: Callable[[slice], FloatArray], y: LabelArray, start: FloatArray, strength: float
) -> FloatArray:
    """The weights of greatest penalised likelihood, the intercept first, searched for from near them.

    Formula: the minimum over ``w`` of ``strength · sum(log(1 + exp(z)) - y·z) + |w|² / 2`` with ``z = intercept + design · w``,
    by Newton's method: ``w - H⁻¹ g`` with ``g = strength · X'(p - y) + w`` and ``H = strength · X' diag(p(1 - p)) X + 1``, nothing
    of it penalising the intercept. Near the end H is not computed again.

    Source: Hastie, Tibshirani, Friedman 2009, The Elements of Statistical Learning, 4.4.1.

    Args:
        design: the rows of a slice as the regression reads them: columns of about the same scale.
        y: outcomes.
        start: the intercept and a weight for each column.
        strength: inverse of the ridge penalty.

    >>> x = np.array([[-1.0], [-1.0], [1.0], [1.0]])
    >>> found = most_likely(lambda rows: x[rows], np.array([0, 1, 0, 1], np.int8), np.array([0.2, 0.1]), 1.0)
    >>> bool(np.abs(found).max() < 1e-6)
    True
    """
    found = start.copy()
    pulled = np.append(0.0, np.ones(len(start) - 1))
    factor: tuple[FloatArray, bool] | None = None
    for _ in range(_ROUNDS):
        slope, bend = pulled * found, np.diag(pulled)
        for first in range(0, len(y), _ROWS):
            rows = slice(first, first + _ROWS)
            columns = design(rows)
            block = np.empty((len(columns), len(found)))
            block[:, 0], block[:, 1:] = 1.0, columns
            p = expit(block @ found)
            slope += strength * (block.T @ (p - y[rows]))
            if factor is None:
                block *= np.sqrt(p * (1 - p))[:, np.newaxis]
                bend += strength * (block.T @ block)
        if factor is None:
            factor = cho_factor(bend)
        step = cho_solve(factor, -slope)
        longest = float(np.abs(step).max())
        found += step / max(1.0, longest / _LONGEST)
        if longest <= _SETTLED:
            break
        if longest > _NEAR:
            factor = None
    return found
