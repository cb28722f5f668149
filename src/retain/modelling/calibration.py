"""From log-odds to probabilities that mean what they say, learned on later cutoffs than the model.

Only the *slope* is learned. A learner fitted by likelihood is right on average over the seasons that it saw, and how
one season differs from them cannot be learned from three or four others: an intercept carried from the validation
cutoffs made the forecasts worse on two of three data sets and no better on the third
(``docs/decisions/0004-calibration.md``). Over- or
under-confidence does carry over.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.optimize import minimize
from scipy.special import expit, log_expit, logit

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy.typing as npt

    FloatArray = npt.NDArray[np.float64]
    LabelArray = npt.NDArray[np.int8]

_SLOPES = (0.2, 5.0)
"""A fit on few customers is held inside this range."""


@dataclass(frozen=True)
class Calibration:
    """A map from log-odds to a probability that never falls: ``expit(pivot + slope * (log_odds - pivot))``.

    Attributes:
        slope: above 1 where the model was too timid, below 1 where too bold.
        pivot: the log-odds that stay where they are: those of the churn rate in training.
    """

    slope: float = 1.0
    pivot: float = 0.0

    @property
    def method(self) -> str:
        """``temperature``, or ``none`` where the log-odds are taken as they are."""
        return "none" if self.slope == 1 else "temperature"

    def __call__(self, log_odds: FloatArray) -> FloatArray:
        """Probabilities of churn.

        >>> Calibration(slope=0.5, pivot=0.0)(np.array([0.0])).tolist()
        [0.5]
        """
        return np.asarray(expit(self.pivot + self.slope * (log_odds - self.pivot)))


@dataclass(frozen=True)
class Evidence:
    """How one way did on cutoffs that it had not seen, each season's churn rate granted.

    Attributes:
        method: ``none`` or ``temperature``.
        log_loss: mean over the validation rows.
    """

    method: str
    log_loss: float


def choose(
    folds: Sequence[tuple[FloatArray, LabelArray]], churn_rate: float
) -> tuple[Calibration, tuple[Evidence, ...]]:
    """The slope that fits the validation cutoffs, if it also helps on cutoffs left out, and the evidence.

    Args:
        folds: log-odds and outcomes of each validation cutoff, both outcomes occurring in each.
        churn_rate: in training; its log-odds are the pivot.

    Returns:
        The calibration, and the log loss of both ways, each cutoff predicted with the slope of the others. With one
        cutoff nothing can be left out, and the log-odds are taken as they are.
    """
    pivot = float(logit(churn_rate))
    if len(folds) < 2:
        loss = _loss(1.0, folds)
        return Calibration(1.0, pivot), (Evidence("none", loss),)
    left_out = [
        (shared_slope([one for at, one in enumerate(folds) if at != position]), fold)
        for position, fold in enumerate(folds)
    ]
    rows = sum(len(y) for _, y in folds)
    fitted = sum(_loss(slope, [fold]) * len(fold[1]) for slope, fold in left_out) / rows
    evidence = (Evidence("none", _loss(1.0, folds)), Evidence("temperature", fitted))
    slope = shared_slope(folds) if evidence[1].log_loss < evidence[0].log_loss else 1.0
    return Calibration(slope, pivot), evidence


def left_out(folds: Sequence[tuple[FloatArray, LabelArray]], chosen: Calibration) -> tuple[FloatArray, ...]:
    """Log-odds of each validation cutoff, calibrated by the other ones in the way that was chosen.

    Args:
        folds: log-odds and outcomes of each validation cutoff.
        chosen: says whether a slope is used at all, and about which log-odds it turns.
    """
    slopes = [
        1.0
        if chosen.method == "none"
        else shared_slope([one for at, one in enumerate(folds) if at != position])
        for position in range(len(folds))
    ]
    return tuple(
        np.asarray(chosen.pivot + slope * (z - chosen.pivot))
        for slope, (z, _) in zip(slopes, folds, strict=True)
    )


def as_dict(calibration: Calibration) -> dict[str, float]:
    """The calibration as JSON values."""
    return asdict(calibration)


def from_dict(kept: Mapping[str, float]) -> Calibration:
    """The calibration that ``as_dict`` wrote."""
    return Calibration(**kept)


def shared_slope(folds: Sequence[tuple[FloatArray, LabelArray]]) -> float:
    """The slope that fits these log-odds best when every cutoff has an intercept of its own; 1 is right.

    It is the one of greatest likelihood, held between 0.2 and 5.
    """

    def loss(at: FloatArray) -> tuple[float, FloatArray]:
        value, gradient = 0.0, np.zeros_like(at)
        for position, (log_odds, y) in enumerate(folds, start=1):
            z = at[0] * log_odds + at[position]
            miss = expit(z) - y
            value -= float((y * log_expit(z) + (1 - y) * log_expit(-z)).sum())
            gradient[0] += float((miss * log_odds).sum())
            gradient[position] = float(miss.sum())
        return value, gradient

    start = np.array([1.0] + [0.0] * len(folds))
    found = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=[_SLOPES] + [(None, None)] * len(folds))
    return float(found.x[0])


def miss(log_odds: FloatArray, y: LabelArray) -> float:
    """What has to be added to these log-odds, so that they expect as many churners as there were.

    Args:
        log_odds: one for each customer.
        y: outcomes, both occurring.

    >>> round(miss(np.zeros(4), np.array([1, 1, 1, 0], dtype=np.int8)), 6)  # log(3)
    1.098612
    """
    # The expected number rises with what is added, so halving finds it.
    low, high = -60.0 - float(log_odds.max()), 60.0 - float(log_odds.min())
    for _ in range(80):
        middle = (low + high) / 2
        low, high = (middle, high) if expit(log_odds + middle).sum() < y.sum() else (low, middle)
    return (low + high) / 2


def _loss(slope: float, folds: Sequence[tuple[FloatArray, LabelArray]]) -> float:
    """Mean log loss of these cutoffs with that slope, each with the intercept that suits it."""
    total, rows = 0.0, 0
    for log_odds, y in folds:
        z = slope * log_odds
        z += miss(z, y)
        total -= float((y * log_expit(z) + (1 - y) * log_expit(-z)).sum())
        rows += len(y)
    return total / rows
