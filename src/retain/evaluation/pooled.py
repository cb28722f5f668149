"""Level and slope of probabilities over several cutoffs at which the same customers occur again, with intervals."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import expit, logit

from retain.evaluation.calibration import probabilities
from retain.evaluation.intervals import Interval
from retain.evaluation.tally import ratio
from retain.evaluation.wilson import Z95

if TYPE_CHECKING:
    import numpy.typing as npt

    from retain.evaluation.tally import FloatArray, IntArray

_EDGE = float(np.finfo(np.float64).eps)
_ROUNDS = 50
_SETTLED = 1e-9


def pooled_level(customer: IntArray, y: npt.ArrayLike, p: npt.ArrayLike) -> Interval:
    """Churners observed for each one expected, with an interval that counts a customer once.

    Formula: ``R = sum(y) / sum(p)``; the variance of ln R is the sum over customers of their squared
    ``sum(y - R·p)``, divided by ``sum(y)²``, times ``n / (n - 1)`` for n customers. NaN if nobody was expected to churn;
    without an interval if nobody did, or there is one customer only.

    Source: the ratio estimator of Cochran 1977, Sampling Techniques, ch. 6 and 9; logarithm: Woodward 2013,
    Epidemiology, ch. 5.

    Args:
        customer: who, one a row; the same customer at two cutoffs is one.
        y: 1 where they churned, 0 where not.
        p: predicted probability.

    >>> import numpy as np
    >>> found = pooled_level(np.arange(4), [1, 1, 0, 0], [0.25, 0.25, 0.25, 0.25])
    >>> found.value, round(found.low, 2), round(found.high, 2)
    (2.0, 0.65, 6.2)
    """
    probabilities(y, p)  # refuses what is no pair of labels and probabilities
    labels, chances = np.asarray(y, dtype=np.float64), np.asarray(p, dtype=np.float64)
    order = np.lexsort([labels, chances, customer])
    labels, chances, customer = labels[order], chances[order], customer[order]
    value = float(ratio(labels.sum(), chances.sum()))
    parts = _by_customer(customer, (labels - value * chances)[:, np.newaxis])[:, 0]
    if math.isnan(value) or not value or len(parts) < 2:
        return Interval(value, math.nan, math.nan)
    variance = float((parts**2).sum()) * len(parts) / (len(parts) - 1)
    reach = math.exp(Z95 * math.sqrt(variance) / float(labels.sum()))
    return Interval(value, value / reach, value * reach)


def pooled_slope(customer: IntArray, cutoff: IntArray, y: npt.ArrayLike, p: npt.ArrayLike) -> Interval:
    """The slope that would mend the log-odds, one for all cutoffs, with an interval that counts a customer once.

    Formula: the maximum-likelihood fit of ``logit P(y = 1) = intercept of the cutoff + slope · logit(p)``, its variance
    the sandwich ``H⁻¹ · (sum over customers of s·sᵀ) · H⁻¹ · n / (n - 1)`` with H the Hessian and s a customer's summed
    scores. 1 is right, below 1 too extreme. NaN where no finite slope is best.

    Source: Cox 1958, Biometrika 45:562-565; Liang, Zeger 1986, Biometrika 73:13-22.

    Args:
        customer: who, one a row; the same customer at two cutoffs is one.
        cutoff: at which.
        y: 1 where they churned, 0 where not.
        p: predicted probability.

    >>> import numpy as np
    >>> y, p = [0, 0, 0, 1, 0, 1, 1, 1] * 30, [*[0.25] * 4, *[0.75] * 4] * 30
    >>> found = pooled_slope(np.arange(240), np.zeros(240, np.int64), y, p)
    >>> round(found.value, 6), round(found.low, 2), round(found.high, 2)
    (1.0, 0.73, 1.27)
    """
    probabilities(y, p)  # refuses what is no pair of labels and probabilities
    labels = np.asarray(y, dtype=np.float64)
    z = logit(np.clip(np.asarray(p, dtype=np.float64), _EDGE, 1 - _EDGE))
    order = np.lexsort([labels, z, customer, cutoff])
    labels, z, customer, cutoff = labels[order], z[order], customer[order], cutoff[order]
    unknown = Interval(math.nan, math.nan, math.nan)
    spread = float(z.std()) if len(z) else 0.0
    if spread <= _SETTLED:
        return unknown
    x = np.column_stack([z / spread, cutoff[:, np.newaxis] == np.unique(cutoff)])
    found = _fitted(x, labels)
    if found is None:
        return unknown
    line, inverse = found
    parts = _by_customer(customer, x * (labels - expit(x @ line))[:, np.newaxis])
    meat = parts.T @ parts * (len(parts) / max(1, len(parts) - 1))
    variance = float((inverse @ meat @ inverse)[0, 0])
    value, reach = float(line[0]) / spread, Z95 * math.sqrt(max(variance, 0.0)) / spread
    return Interval(value, value - reach, value + reach)


def _by_customer(customer: IntArray, rows: FloatArray) -> FloatArray:
    """The rows of each customer added up."""
    distinct, position = np.unique(customer, return_inverse=True)
    total = np.zeros((len(distinct), rows.shape[1]))
    np.add.at(total, position, rows)
    return total


def _fitted(x: FloatArray, y: FloatArray) -> tuple[FloatArray, FloatArray] | None:
    """The logistic line of greatest likelihood and the inverse of its Hessian; None where none is finite."""
    line = np.zeros(x.shape[1])
    fit = -np.inf
    step = np.zeros_like(line)
    for _ in range(_ROUNDS):
        reached = _likelihood(x, y, line + step)
        # A full step may overshoot; one that loses likelihood beyond rounding is halved.
        if reached < fit - 1e-9 * abs(fit):
            step /= 2
            continue
        line, fit = line + step, reached
        mean = expit(x @ line)
        hessian = x.T @ (x * (mean * (1 - mean))[:, np.newaxis])
        if np.linalg.cond(hessian) > 1 / _SETTLED:
            return None
        inverse = np.asarray(np.linalg.inv(hessian), dtype=np.float64)
        step = inverse @ (x.T @ (y - mean))
        if float(np.abs(step).max()) < _SETTLED:
            return line, inverse
    return None


def _likelihood(x: FloatArray, y: FloatArray, line: FloatArray) -> float:
    z = x @ line
    return -float(np.logaddexp(0, np.where(y == 1, -z, z)).sum())
