"""From log-odds to probabilities that mean what they say, learned on later cutoffs than the model."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.optimize import minimize
from scipy.special import expit, log_expit

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy.typing as npt

    FloatArray = npt.NDArray[np.float64]
    LabelArray = npt.NDArray[np.int8]

METHODS = ("none", "platt", "isotonic")
"""From the fewest to the most parameters; the first wins a tie."""

_SMOOTHING = 1.0
"""Imagined observations that keep an isotonic step away from 0 and 1."""


@dataclass(frozen=True)
class Calibration:
    """A map from log-odds to a probability that never falls.

    Attributes:
        method: one of METHODS.
        slope: of the log-odds (none: 1).
        intercept: added to them (none: 0).
        knots: log-odds between which isotonic calibration interpolates.
        levels: the probability at each knot.
    """

    method: str
    slope: float = 1.0
    intercept: float = 0.0
    knots: tuple[float, ...] = ()
    levels: tuple[float, ...] = ()

    def __call__(self, log_odds: FloatArray) -> FloatArray:
        """Probabilities of churn.

        >>> Calibration("platt", slope=0.5)(np.array([0.0])).tolist()
        [0.5]
        """
        if self.method == "isotonic":
            return np.interp(log_odds, self.knots, self.levels)
        return np.asarray(expit(self.slope * log_odds + self.intercept))


@dataclass(frozen=True)
class Evidence:
    """How one method did on cutoffs that it had not seen.

    Attributes:
        method: one of METHODS.
        log_loss: mean over the validation rows.
    """

    method: str
    log_loss: float


def fit_calibration(method: str, log_odds: FloatArray, y: LabelArray) -> Calibration:
    """The calibration of that kind that fits these rows best.

    ``platt`` is logistic regression on the log-odds (Platt 1999); ``isotonic`` the closest rising step function
    (Zadrozny and Elkan 2002), interpolated between the middles of its steps.
    """
    if method == "none":
        return Calibration("none")
    if method == "platt":
        return _platt(log_odds, y)
    return _isotonic(log_odds, y)


def choose(
    folds: Sequence[tuple[FloatArray, LabelArray]], methods: Sequence[str] = METHODS
) -> tuple[Calibration, tuple[Evidence, ...]]:
    """The method that did best on cutoffs left out one at a time, fitted on all of them, and the evidence.

    Args:
        folds: log-odds and outcomes of each validation cutoff, oldest first.
        methods: what to choose between.

    Returns:
        The calibration and, for each method, its log loss. With one cutoff nothing can be left out: Platt's two
        parameters are then fitted on it, and the evidence is in sample.
    """
    log_odds = np.concatenate([one for one, _ in folds])
    y = np.concatenate([one for _, one in folds])
    evidence = tuple(Evidence(method, _left_out_loss(method, folds)) for method in methods)
    if len(folds) < 2:
        return fit_calibration("platt", log_odds, y), evidence
    best = min(evidence, key=lambda one: one.log_loss)
    return fit_calibration(best.method, log_odds, y), evidence


def as_dict(calibration: Calibration) -> dict[str, object]:
    """The calibration as JSON values."""
    return {name: getattr(calibration, name) for name in calibration.__dataclass_fields__}


def from_dict(kept: Mapping[str, object]) -> Calibration:
    """The calibration that ``as_dict`` wrote."""
    return Calibration(**{name: tuple(v) if isinstance(v, list) else v for name, v in kept.items()})  # type: ignore[arg-type]


def _left_out_loss(method: str, folds: Sequence[tuple[FloatArray, LabelArray]]) -> float:
    """Mean log loss of each cutoff under a calibration fitted on the others."""
    losses = []
    for position, (log_odds, y) in enumerate(folds):
        others = [one for at, one in enumerate(folds) if at != position] or list(folds)
        fitted = fit_calibration(
            method, np.concatenate([one for one, _ in others]), np.concatenate([one for _, one in others])
        )
        p = np.clip(fitted(log_odds), 1e-12, 1 - 1e-12)
        losses.append(-(y * np.log(p) + (1 - y) * np.log1p(-p)))
    return float(np.concatenate(losses).mean())


def _platt(log_odds: FloatArray, y: LabelArray) -> Calibration:
    """Slope and intercept by maximum likelihood, towards outcomes drawn in slightly as Platt did."""
    positives, negatives = int(y.sum()), int(len(y) - y.sum())
    target = np.where(y == 1, (positives + 1) / (positives + 2), 1 / (negatives + 2))

    def loss(at: FloatArray) -> tuple[float, FloatArray]:
        z = at[0] * log_odds + at[1]
        miss = expit(z) - target
        value = -(target * log_expit(z) + (1 - target) * log_expit(-z)).sum()
        return float(value), np.array([(miss * log_odds).sum(), miss.sum()])

    found = minimize(loss, np.array([1.0, 0.0]), jac=True, method="L-BFGS-B", bounds=[(1e-3, None), (None, None)])
    return Calibration("platt", slope=float(found.x[0]), intercept=float(found.x[1]))


def _isotonic(log_odds: FloatArray, y: LabelArray) -> Calibration:
    """Pooled adjacent violators, each step drawn in by one imagined observation of the base rate."""
    from sklearn.isotonic import isotonic_regression  # noqa: PLC0415  # takes seconds to load

    order = np.lexsort((y, log_odds))
    sorted_odds = log_odds[order]
    # Equal log-odds have to get one probability: their outcomes are averaged first.
    values, start, count = np.unique(sorted_odds, return_index=True, return_counts=True)
    means = np.add.reduceat(y[order].astype(np.float64), start) / count
    steps = isotonic_regression(means, sample_weight=count.astype(np.float64))
    level, first = np.unique(steps, return_index=True)
    last = np.append(first[1:], len(values)) - 1
    size = np.add.reduceat(count, first)
    base = float(y.mean())
    drawn_in = (level * size + base * _SMOOTHING) / (size + _SMOOTHING)
    middle = (values[first] + values[last]) / 2
    return Calibration(
        "isotonic", knots=tuple(map(float, middle)), levels=tuple(map(float, np.maximum.accumulate(drawn_in)))
    )
