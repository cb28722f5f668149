"""Whether a predicted 30 % really is 30 %: Brier score, log loss, ECE, recalibration line, reliability bins."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import logit

from retain.evaluation.tally import equal_mass_bins, ratio, tally
from retain.evaluation.wilson import wilson

if TYPE_CHECKING:
    import numpy.typing as npt

    from retain.evaluation.tally import FloatArray, Tally

BINS = 10
_EDGE = float(np.finfo(np.float64).eps)
"""A certain prediction that fails would cost infinitely much; it is read as this near to certain."""
_ROUNDS = 200
"""Four times what the worst case met has needed."""
_SETTLED = 1e-12
"""A step that promises this little more log-likelihood is a millionth of a standard error long, and the last."""


@dataclass(frozen=True)
class ReliabilityBin:
    """Customers of similar predicted probability, and what became of them.

    Attributes:
        n: how many customers.
        predicted: their mean predicted probability.
        observed: the share that churned.
        low: lower end of the observed share's 95 % Wilson interval.
        high: its upper end.
    """

    n: int
    predicted: float
    observed: float
    low: float
    high: float


def probabilities(y: npt.ArrayLike, p: npt.ArrayLike) -> Tally:
    """The counts of one sample whose scores are probabilities.

    Raises:
        ValueError: as for any tally, or a score is outside [0, 1].
    """
    sample = tally(y, p)
    if len(sample.score) and (sample.score[0] < 0 or sample.score[-1] > 1):
        raise ValueError(f"probabilities from {sample.score[0]} to {sample.score[-1]}")
    return sample


def brier(y: npt.ArrayLike, p: npt.ArrayLike) -> float:
    """The mean squared distance between probability and outcome.

    Formula: ``mean((p - y)²)``. 0 is perfect; always predicting the churn rate c gives c(1 - c).

    Source: Brier 1950, Monthly Weather Review 78:1-3.

    >>> round(brier([1, 0], [0.8, 0.4]), 3)
    0.1
    """
    return float(brier_each(probabilities(y, p))[0])


def brier_each(samples: Tally) -> FloatArray:
    """The Brier score of each sample."""
    score = samples.score
    total = (samples.churned * (1 - score) ** 2).sum(axis=1) + (samples.stayed * score**2).sum(axis=1)
    return ratio(total, samples.size)


def log_loss(y: npt.ArrayLike, p: npt.ArrayLike) -> float:
    """The mean surprise, in nats, at what happened.

    Formula: ``-mean(y·ln p + (1 - y)·ln(1 - p))`` with p held 2.2e-16 away from 0 and 1. 0 is perfect; always
    predicting one half gives ln 2 = 0.693.

    Source: Good 1952, Journal of the Royal Statistical Society B 14:107-114.

    >>> round(log_loss([1, 0], [0.5, 0.5]), 4)
    0.6931
    """
    return float(log_loss_each(probabilities(y, p))[0])


def log_loss_each(samples: Tally) -> FloatArray:
    """The log loss of each sample."""
    held = np.clip(samples.score, _EDGE, 1 - _EDGE)
    total = (samples.churned * -np.log(held)).sum(axis=1) + (samples.stayed * -np.log1p(-held)).sum(axis=1)
    return ratio(total, samples.size)


def ece(y: npt.ArrayLike, p: npt.ArrayLike, bins: int = BINS) -> float:
    """The expected calibration error: how far predicted and observed rates lie apart in bins of equal size.

    Formula: ``sum over bins of n_b / n · |observed_b - predicted_b|``. Tied probabilities share a bin. 0 is perfect,
    1 the worst; a small sample of a perfect model is above 0.

    Source: Naeini, Cooper, Hauskrecht 2015, AAAI; equal-mass bins: Nguyen, O'Connor 2015, EMNLP.

    >>> round(ece([1, 0, 1, 1], [0.25, 0.25, 0.75, 0.75], bins=2), 3)
    0.25
    """
    return float(ece_each(probabilities(y, p), bins)[0])


def ece_each(samples: Tally, bins: int = BINS) -> FloatArray:
    """The expected calibration error of each sample."""
    rows, counts = len(samples.churned), samples.counts
    place = equal_mass_bins(counts, bins) + bins * np.arange(rows)[:, np.newaxis]
    surplus = samples.churned - counts * samples.score
    per_bin = np.bincount(place.ravel(), weights=surplus.ravel(), minlength=rows * bins).reshape(rows, bins)
    return ratio(np.abs(per_bin).sum(axis=1), samples.size)


def observed_expected(y: npt.ArrayLike, p: npt.ArrayLike) -> float:
    """How many churned for each one who was expected to.

    Formula: ``sum(y) / sum(p)``. 1 is right, 1.2 means that a fifth more churned than predicted; NaN if nobody was
    expected to.

    Source: Steyerberg 2019, Clinical Prediction Models, ch. 15.

    >>> observed_expected([1, 1, 0, 0], [0.25, 0.25, 0.25, 0.25])
    2.0
    """
    return float(observed_expected_each(probabilities(y, p))[0])


def observed_expected_each(samples: Tally) -> FloatArray:
    """Observed over expected churners of each sample."""
    return ratio(samples.churners, (samples.counts * samples.score).sum(axis=1))


def recalibration(y: npt.ArrayLike, p: npt.ArrayLike) -> tuple[float, float]:
    """The slope and intercept of the line that would mend the predicted log-odds.

    Formula: the maximum-likelihood fit of ``logit P(y = 1) = intercept + slope · logit(p)``. A slope of 1 with an
    intercept of 0 is right; a slope below 1 says that predictions are too extreme, above 1 too timid. Both are NaN
    where no finite line is best: one class only, a single distinct probability, or perfect separation.

    Source: Cox 1958, Biometrika 45:562-565.

    >>> slope, intercept = recalibration([0, 0, 0, 1, 0, 1, 1, 1], [0.25] * 4 + [0.75] * 4)
    >>> round(slope, 6), round(abs(intercept), 6)
    (1.0, 0.0)
    """
    slope, intercept = recalibration_each(probabilities(y, p))
    return float(slope[0]), float(intercept[0])


def recalibration_each(samples: Tally) -> tuple[FloatArray, FloatArray]:
    """The recalibration slope and intercept of each sample."""
    rows = len(samples.churned)
    slope, intercept = np.full(rows, np.nan), np.full(rows, np.nan)
    able = np.flatnonzero(_overlap(samples))
    if not len(able):
        return slope, intercept
    x = logit(np.clip(samples.score, _EDGE, 1 - _EDGE))
    # Newton's method in standardised log-odds: probabilities near 0 and 1 lie 36 away from the middle.
    centre, spread = float(x.mean()), float(x.std())
    z = (x - centre) / spread
    churned, stayed = samples.churned[able].astype(np.float64), samples.stayed[able].astype(np.float64)
    # All samples together give a start from which each has but a few steps to go.
    pooled = _newton(z, churned.sum(axis=0)[np.newaxis], stayed.sum(axis=0)[np.newaxis], np.zeros((1, 2)))
    found = _newton(z, churned, stayed, np.repeat(pooled, len(able), axis=0))
    slope[able] = found[:, 1] / spread
    intercept[able] = found[:, 0] - found[:, 1] * centre / spread
    return slope, intercept


def _overlap(samples: Tally) -> npt.NDArray[np.bool_]:
    """Which samples have churners and stayers whose scores overlap, so that the best line is finite."""
    if not len(samples.score):
        return np.zeros(len(samples.churned), dtype=np.bool_)
    last = len(samples.score) - 1
    churned, stayed = samples.churned > 0, samples.stayed > 0
    lowest_churned, lowest_stayed = churned.argmax(axis=1), stayed.argmax(axis=1)
    highest_churned = last - churned[:, ::-1].argmax(axis=1)
    highest_stayed = last - stayed[:, ::-1].argmax(axis=1)
    both = churned.any(axis=1) & stayed.any(axis=1)
    overlap: npt.NDArray[np.bool_] = (
        both & (lowest_churned < highest_stayed) & (lowest_stayed < highest_churned)
    )
    return overlap


def _newton(z: FloatArray, churned: FloatArray, stayed: FloatArray, line: FloatArray) -> FloatArray:
    """The best intercept and slope of each sample, by Newton's method with halved steps from the given ones."""
    line, move, fit = line.copy(), np.zeros_like(line), np.full(len(line), -np.inf)
    todo, rounds = np.arange(len(line)), 0
    while len(todo) and rounds < _ROUNDS:
        tried = line[todo] + move[todo]
        reached, step, promise = _evaluate(z, churned[todo], stayed[todo], tried)
        # A full step may overshoot; one that loses likelihood beyond rounding is halved until it does not.
        better = reached >= fit[todo] * (1 + 1e-9)
        gone = todo[better]
        line[gone], fit[gone], move[gone] = tried[better], reached[better], step[better]
        move[todo[~better]] /= 2
        last = better & (promise <= _SETTLED)
        line[todo[last]] += step[last]
        todo, rounds = todo[~last], rounds + 1
    return line


def _evaluate(
    z: FloatArray, churned: FloatArray, stayed: FloatArray, line: FloatArray
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """The log-likelihood at each line, the full Newton step from it, and twice the gain that the step promises."""
    odds = line[:, :1] + line[:, 1:] * z
    tail = np.exp(-np.abs(odds))
    # Both probabilities on their own: one minus the other is 0 long before the smaller one is.
    likely = 1 / (1 + tail)
    rare = tail * likely
    leave, stay = np.where(odds >= 0, likely, rare), np.where(odds >= 0, rare, likely)
    surplus = churned * stay - stayed * leave
    counts = churned + stayed
    weight = counts * (likely * rare)
    total = weight.sum(axis=1)
    middle = (weight * z).sum(axis=1) / total
    apart = z - middle[:, np.newaxis]
    level, tilt = surplus.sum(axis=1), (surplus * apart).sum(axis=1)
    steeper = tilt / (weight * apart**2).sum(axis=1)
    step = np.stack([level / total - middle * steeper, steeper], axis=1)
    missed = counts * np.log1p(tail) + np.where(odds >= 0, stayed, churned) * np.abs(odds)
    return -missed.sum(axis=1), step, level**2 / total + tilt * steeper


def reliability(y: npt.ArrayLike, p: npt.ArrayLike, bins: int = BINS) -> tuple[ReliabilityBin, ...]:
    """Predicted against observed churn in bins of about equal size, lowest first, with 95 % Wilson intervals.

    Source: DeGroot, Fienberg 1983, The Statistician 32:12-22. Tied probabilities share a bin; empty bins are left out.

    >>> [(b.n, b.predicted, b.observed) for b in reliability([0, 1, 1, 1], [0.25, 0.25, 0.75, 0.75], bins=2)]
    [(2, 0.25, 0.5), (2, 0.75, 1.0)]
    """
    return reliability_bins(probabilities(y, p), bins)


def reliability_bins(sample: Tally, bins: int = BINS) -> tuple[ReliabilityBin, ...]:
    """The reliability bins of the first sample."""
    counts, churned = sample.counts[0], sample.churned[0]
    place = equal_mass_bins(sample.counts[:1], bins)[0]
    made = []
    for one in sorted(set(place.tolist())):
        inside = place == one
        n, lost = int(counts[inside].sum()), int(churned[inside].sum())
        low, high = wilson(lost, n)
        predicted = float((sample.score[inside] * counts[inside]).sum() / n)
        made.append(ReliabilityBin(n, predicted, lost / n, low, high))
    return tuple(made)
