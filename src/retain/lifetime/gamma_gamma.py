"""Gamma-gamma: what a customer spends on a purchase, drawn towards everybody's mean the less they have bought."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import digamma, gammaln

from retain.errors import TrainingError
from retain.lifetime.history import Days
from retain.lifetime.likelihood import most_likely

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    FloatArray = npt.NDArray[np.float64]
    IntArray = npt.NDArray[np.int64]

_MANY = 20_000
"""Of more customers a few choose between the starts, and all are searched from the best only."""
_STARTS = ((1.0, 1.0, 1.0), (6.0, 3.0, 0.5), (0.5, 10.0, 10.0))
"""Where the search begins: p, q - 1 and v, with money measured in mean purchases."""
FEWEST = 10
"""Fewer customers than this tell nothing about how customers differ."""


@dataclass(frozen=True)
class Spending:
    """What each customer spent on how many purchases.

    Attributes:
        purchases: x, how many purchases with a known amount above 0.
        mean: their mean amount; 0 without any.
    """

    purchases: IntArray
    mean: FloatArray

    def __post_init__(self) -> None:
        """Refuse money that nobody can have spent."""
        if self.purchases.ndim != 1 or self.purchases.shape != self.mean.shape:
            raise ValueError(f"spending of different lengths: {self.purchases.shape}, {self.mean.shape}")
        if not np.isfinite(self.mean).all() or (self.purchases < 0).any() or (self.mean < 0).any():
            raise ValueError("spending needs purchases >= 0 and finite means >= 0")
        if ((self.purchases == 0) != (self.mean == 0)).any():
            raise ValueError("a mean is above 0 exactly when there are purchases")

    def __len__(self) -> int:
        """How many customers."""
        return len(self.purchases)

    def of(self, rows: IntArray) -> Spending:
        """What these customers spent."""
        return Spending(self.purchases[rows], self.mean[rows])


def spending(customer: IntArray, time: IntArray, amount: IntArray, customers: int, unit: int = 1) -> Spending:
    """The purchases and their mean amount of each customer; what comes to 0 or less is no purchase.

    Purchases on one day (UTC) are one, as in ``retain.lifetime.history.histories``.

    Args:
        customer: who, one entry a purchase, in any order.
        time: when, in UTC microseconds.
        amount: what it came to, in whole minor units, so that no sum depends on the order.
        customers: how many there are; one without a purchase has none.
        unit: minor units in one unit of money.

    >>> from retain.timeline import DAY
    >>> found = spending(np.array([0, 0, 2]), np.array([0, DAY, 0]), np.array([1000, 2000, -5]), 3, unit=100)
    >>> found.purchases.tolist(), found.mean.tolist()
    ([2, 0, 0], [15.0, 0.0, 0.0])
    """
    days = Days.of(customer, time)
    came_to = np.add.reduceat(amount[days.order], days.first) if len(amount) else amount
    paid = came_to > 0
    count, total = np.zeros(customers, dtype=np.int64), np.zeros(customers, dtype=np.int64)
    np.add.at(count, days.customer[paid], 1)
    np.add.at(total, days.customer[paid], came_to[paid])
    return Spending(count, total / np.maximum(count, 1) / unit)


@dataclass(frozen=True)
class GammaGamma:
    """A fitted gamma-gamma model.

    A purchase of a customer comes to Gamma(shape p, rate nu), and the customer's nu is drawn from Gamma(shape q, rate v).

    Source: Fader, Hardie 2013, "The Gamma-Gamma Model of Monetary Value"; Colombo, Jiang 1999.

    Attributes:
        p: shape of a customer's purchases: the larger, the more alike.
        q: shape of the rates, above 1: the larger, the more alike customers are. At 1 there would be no mean purchase.
        v: rate of the rates, in money.
    """

    p: float
    q: float
    v: float

    def __post_init__(self) -> None:
        """Refuse parameters for which there is no mean purchase."""
        for name, least in (("p", 0), ("q", 1), ("v", 0)):
            value = getattr(self, name)
            if not (np.isfinite(value) and value > least):
                raise ValueError(
                    f"gamma-gamma parameter {name} is {value}, not a finite number above {least}"
                )

    @property
    def mean(self) -> float:
        """The mean purchase of a customer of whom nothing is known: ``p · v / (q - 1)``."""
        return self.p * self.v / (self.q - 1)

    def log_likelihood(self, spent: Spending) -> float:
        """How probable the model finds the spending, as a logarithm; who bought nothing says nothing."""
        return -_cost(np.log([self.p, self.q - 1, self.v]), _bought(spent))[0]

    def expected_mean(self, spent: Spending) -> FloatArray:
        """What each customer's purchases will come to on average.

        Formula: ``p · (v + x · m) / (p · x + q - 1)``, a mean of the customer's own m and everybody's, with
        weights p·x and q - 1.

        >>> model = GammaGamma(p=6.25, q=3.74, v=15.44)
        >>> model.expected_mean(Spending(np.array([0, 1, 7]), np.array([0, 50.0, 50.0]))).round(2).tolist()
        [35.22, 45.49, 49.13]
        """
        x, m = spent.purchases, spent.mean
        expected: FloatArray = self.p * (self.v + x * m) / (self.p * x + self.q - 1)
        return expected


def fit_gamma_gamma(spent: Spending) -> GammaGamma:
    """The gamma-gamma model under which the spending is most probable.

    Maximum likelihood with exact gradients from several starts, in logarithms of the parameters and in units of the mean
    purchase, so that the currency makes no difference; neither does the order of customers.

    Raises:
        TrainingError: fewer than ten customers bought, nobody bought twice, or all purchases came to the same.

    >>> spent = Spending(np.array([1, 2, 3] * 5), np.arange(10.0, 25.0))
    >>> 10 < fit_gamma_gamma(spent).mean < 25
    True
    """
    bought = _bought(spent)
    if len(bought) < FEWEST or bought.purchases.max() < 2 or np.ptp(bought.mean) == 0:
        raise TrainingError(
            f"Gamma-gamma cannot be fitted: it needs {FEWEST} customers who bought, somebody who bought twice and "
            f"amounts that differ, and {len(bought)} of {len(spent)} customers bought. Load a longer history."
        )
    unit = float(bought.mean.mean())
    scaled = Spending(bought.purchases, bought.mean / unit)
    starts: Sequence[Sequence[float]] = _STARTS
    if len(scaled) > _MANY:
        # A tenth says where the search among all has to begin.
        some = scaled.of(np.arange(0, len(scaled), -(-10 * len(scaled) // _MANY)))
        starts = [most_likely(_cost, some, _STARTS, gradient=1e-6 * len(some))]
    p, over, v = most_likely(_cost, scaled, starts, gradient=1e-6 * len(bought))
    return GammaGamma(p, 1 + over, v * unit)


def _bought(spent: Spending) -> Spending:
    """Those who bought, in an order of their own, so that sums do not depend on that of the customers."""
    rows = np.flatnonzero(spent.purchases > 0)
    rows = rows[np.lexsort((spent.mean[rows], spent.purchases[rows]))]
    return spent.of(rows)


def _cost(logs: FloatArray, spent: Spending) -> tuple[float, FloatArray]:
    """The negative log-likelihood and its gradient in the logarithms of p, q - 1 and v."""
    p, over, v = np.exp(logs)
    q = 1 + over
    x, m = spent.purchases.astype(np.float64), spent.mean
    shape, total = p * x, x * m
    log_all, log_own = np.log(v + total), np.log(total)
    each = (
        gammaln(shape + q)
        - gammaln(shape)
        - gammaln(q)
        + q * (np.log(v) - log_all)
        + shape * (log_own - log_all)
        - np.log(m)
    )
    both = digamma(shape + q)
    slopes = (
        x * (both - digamma(shape) + log_own - log_all),
        both - digamma(q) + np.log(v) - log_all,
        q / v - (shape + q) / (v + total),
    )
    gradient = -np.array([one.sum() for one in slopes]) * np.array([p, over, v])
    return -float(each.sum()), gradient
