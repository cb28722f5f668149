"""The discrete-time hazard: how likely contracts of each age are to end, and nothing else."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.optimize import minimize
from scipy.special import expit, logit

if TYPE_CHECKING:
    import numpy.typing as npt

    from retain.modelling.learners import Fitted, Task

    FloatArray = npt.NDArray[np.float64]
    IntArray = npt.NDArray[np.int64]

TENURE = "contract_tenure_days"
"""The feature that it reads."""
PERIOD_DAYS = 30
PERIODS = 36
"""Contracts older than three years share the last period."""
SMOOTH = 4.0
"""How far neighbouring periods are drawn together: a difference of half a log-odds between two costs half a nat."""


@dataclass(frozen=True)
class _Hazard:
    """Log-odds of an end by age.

    Attributes:
        column: position of the tenure among the features; -1 where it is not there.
        period: log-odds of each period of age.
        mean: of the rows that were learned from.
    """

    column: int
    period: tuple[float, ...]
    mean: float

    def log_odds(self, x: FloatArray, size: int | None = None) -> FloatArray:  # noqa: ARG002  # one size only
        """Log-odds of churn of each row."""
        return self.mean + self._parts(x)

    def contributions(self, x: FloatArray) -> FloatArray:
        """All that differs from the mean comes from the tenure."""
        result = np.zeros(x.shape)
        if self.column >= 0:
            result[:, self.column] = self._parts(x)
        return result

    def text(self) -> str:
        """JSON."""
        return json.dumps({"column": self.column, "period": self.period, "mean": self.mean}, indent=1)

    def _parts(self, x: FloatArray) -> FloatArray:
        if self.column < 0:
            return np.zeros(len(x))
        days = x[:, self.column]
        known = np.isfinite(days)
        odds = np.array(self.period)[_periods(np.where(known, days, 0))]
        return np.where(known, odds - self.mean, 0.0)


def _periods(days: FloatArray) -> IntArray:
    """Which period of its life each contract is in."""
    return np.clip(days // PERIOD_DAYS, 0, PERIODS - 1).astype(np.int64)


class Hazard:
    """A discrete-time hazard: one log-odds for each period of age, neighbours drawn together.

    A snapshot is a customer's period at risk, and churn is the event in it, so the log-odds of the periods are the baseline hazard
    of a discrete-time survival model (Singer, Willett 1993, Journal of Educational Statistics 18:155-195). Unlike a weight on the
    tenure it may rise and fall: contracts end at the end of a term. Differences of neighbours are penalised, since a period of
    few customers tells little.
    """

    sizes = (1,)

    def fit(self, task: Task) -> Fitted:
        """The penalised maximum-likelihood fit."""
        column = task.names.index(TENURE) if TENURE in task.names else -1
        known = np.isfinite(task.x[:, column]) if column >= 0 else np.zeros(len(task.y), dtype=bool)
        mean = float(logit(task.y.mean()))
        if not known.any():
            return _Hazard(-1, (), mean)
        period = _periods(task.x[known, column])
        rows = np.bincount(period, minlength=PERIODS).astype(np.float64)
        churned = np.bincount(period[task.y[known] == 1], minlength=PERIODS).astype(np.float64)
        odds = _smoothed(rows, churned, mean)
        of_all = np.where(known, 0.0, mean)
        of_all[known] = odds[period]
        return _Hazard(column, tuple(map(float, odds)), float(of_all.mean()))

    def load(self, text: str) -> Fitted:
        """The model from its JSON."""
        kept: dict[str, Any] = json.loads(text)
        return _Hazard(kept["column"], tuple(kept["period"]), kept["mean"])


def _smoothed(rows: FloatArray, churned: FloatArray, start: float) -> FloatArray:
    """Log-odds of each period with the highest likelihood, less the penalty on differences of neighbours."""
    step = np.diff(np.eye(PERIODS), axis=0)
    # Where all periods together have one outcome only the maximum is at infinity: a hair pulls them to the start.
    penalty = SMOOTH * step.T @ step + 1e-6 * np.eye(PERIODS)

    def cost(odds: FloatArray) -> tuple[float, FloatArray]:
        """The negative penalised log-likelihood and its gradient."""
        pull = penalty @ (odds - start)
        value = (rows * np.logaddexp(0, odds) - churned * odds).sum() + (odds - start) @ pull / 2
        return float(value), rows * expit(odds) - churned + pull

    found = minimize(
        cost, np.full(PERIODS, start), jac=True, method="L-BFGS-B", options={"ftol": 1e-14, "maxiter": 1000}
    )
    return np.asarray(found.x)
