"""The sampling error of an AUROC, and whether two AUROCs on the same customers really differ."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.special import ndtr

from retain.evaluation.intervals import Interval
from retain.evaluation.tally import ranks, tally
from retain.evaluation.wilson import Z95

if TYPE_CHECKING:
    import numpy.typing as npt

    from retain.evaluation.tally import FloatArray


@dataclass(frozen=True)
class Comparison:
    """Two scores of the same customers, side by side.

    Attributes:
        auroc_a: the first score's AUROC.
        auroc_b: the AUROC of the second, the one that it is compared with.
        difference: ``auroc_a - auroc_b`` with its 95 % interval.
        p_value: chance of a difference at least as large if both were equally good; 1 for scores in the same order.
    """

    auroc_a: float
    auroc_b: float
    difference: Interval
    p_value: float

    def as_dict(self) -> dict[str, Any]:
        """The comparison as JSON values: what does not exist is None."""
        return {
            "auroc": _json(self.auroc_b),
            "difference": {end: _json(getattr(self.difference, end)) for end in ("value", "low", "high")},
            "p_value": _json(self.p_value),
        }


def delong_interval(y: npt.ArrayLike, p: npt.ArrayLike) -> Interval:
    """The AUROC with its 95 % interval, without resampling.

    Formula: the variance is ``var(share of stayers below each churner) / #churners + var(share of churners above
    each stayer) / #stayers``; the interval is taken on the log-odds of the AUROC, so that it stays inside (0, 1).
    A perfect order has no spread, so its interval is the point itself. NaN with fewer than two of either class.

    Source: DeLong, DeLong, Clarke-Pearson 1988, Biometrics 44:837-845; log-odds: Pepe 2003, ch. 5.

    >>> interval = delong_interval([0, 0, 0, 1, 0, 1, 1, 1], [0.1, 0.2, 0.3, 0.35, 0.4, 0.5, 0.6, 0.7])
    >>> interval.value, round(interval.low, 3), round(interval.high, 3)
    (0.9375, 0.438, 0.997)
    """
    values, covariance = _aurocs(y, [p])
    value, variance = float(values[0]), float(covariance[0, 0])
    if math.isnan(variance):
        return Interval(value, math.nan, math.nan)
    if value in {0.0, 1.0}:
        return Interval(value, value, value)
    middle = math.log(value / (1 - value))
    reach = Z95 * math.sqrt(variance) / (value * (1 - value))
    return Interval(value, 1 / (1 + math.exp(reach - middle)), 1 / (1 + math.exp(-reach - middle)))


def compare(y: npt.ArrayLike, p_a: npt.ArrayLike, p_b: npt.ArrayLike) -> Comparison:
    """Whether two scores of the same customers differ in AUROC: the paired test of DeLong.

    Formula: ``z = (A - B) / sqrt(var A + var B - 2 cov(A, B))``, two-sided against the normal distribution.
    NaN with fewer than two of either class.

    Source: DeLong, DeLong, Clarke-Pearson 1988, Biometrics 44:837-845.

    >>> both = compare([0, 0, 1, 1, 0, 1], [0.1, 0.2, 0.8, 0.9, 0.3, 0.7], [0.4, 0.6, 0.5, 0.9, 0.1, 0.2])
    >>> round(both.difference.value, 3), both.p_value < 0.5
    (0.333, True)
    """
    values, covariance = _aurocs(y, [p_a, p_b])
    difference = float(values[0] - values[1])
    variance = float(covariance[0, 0] + covariance[1, 1] - 2 * covariance[0, 1])
    if math.isnan(variance):
        return Comparison(
            float(values[0]), float(values[1]), Interval(difference, math.nan, math.nan), math.nan
        )
    # Rounding may leave a trace of variance, of either sign, between scores that order customers alike.
    spread = math.sqrt(variance) if variance > 1e-18 else 0.0
    reach = Z95 * spread
    # The normal distribution function knows infinity: a difference without any spread is certain.
    distance = abs(difference) / spread if spread else (math.inf if difference else 0.0)
    p_value = 2 * float(ndtr(-distance))
    return Comparison(
        float(values[0]),
        float(values[1]),
        Interval(difference, difference - reach, difference + reach),
        p_value,
    )


def _aurocs(y: npt.ArrayLike, scores: list[npt.ArrayLike]) -> tuple[FloatArray, FloatArray]:
    """The AUROC of each score and their covariance matrix."""
    for one in scores:
        tally(y, one)  # refuses what is no pair of labels and scores
    labels = np.asarray(y)
    columns = [np.asarray(one, dtype=np.float64) + 0.0 for one in scores]
    # Rows in one fixed order: sums of rounded numbers depend on it.
    order = np.lexsort([labels, *columns])
    churned = labels[order] == 1
    positives, negatives = int(churned.sum()), int((~churned).sum())
    if not positives or not negatives:
        return np.full(len(scores), np.nan), np.full((len(scores), len(scores)), np.nan)
    above = np.empty((len(scores), positives))
    below = np.empty((len(scores), negatives))
    for row, column in enumerate(columns):
        place = ranks(column[order])
        above[row] = (place[churned] - ranks(column[order][churned])) / negatives
        below[row] = 1 - (place[~churned] - ranks(column[order][~churned])) / positives
    values: FloatArray = above.mean(axis=1)
    if positives < 2 or negatives < 2:
        return values, np.full((len(scores), len(scores)), np.nan)
    covariance = np.atleast_2d(np.cov(above)) / positives + np.atleast_2d(np.cov(below)) / negatives
    return values, covariance


def _json(value: float) -> float | None:
    return value if math.isfinite(value) else None
