"""What a score is worth in money when the best share of customers is offered an incentive: MPC and EMPC."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.optimize import isotonic_regression
from scipy.special import betainc

from retain.errors import ConfigError
from retain.evaluation.tally import ratio, tally

if TYPE_CHECKING:
    import numpy.typing as npt

    from retain.evaluation.tally import FloatArray, IntArray, Tally


@dataclass(frozen=True)
class ProfitSettings:
    """The assumptions in money behind MPC and EMPC.

    The defaults are those of the paper, for a mobile operator: a convention for comparing models, not a fact about
    anyone's customers.

    Attributes:
        clv: value of a customer who is kept.
        incentive_cost: cost of the incentive, borne for each one who accepts it.
        contact_cost: cost of contacting one customer.
        alpha: first parameter of the Beta distribution of the rate at which would-be churners accept.
        beta: its second parameter; the mean rate is ``alpha / (alpha + beta)``.
    """

    clv: float = 200.0
    incentive_cost: float = 10.0
    contact_cost: float = 1.0
    alpha: float = 6.0
    beta: float = 14.0

    def __post_init__(self) -> None:
        """Refuse a campaign that loses money on every customer, and a distribution that does not exist."""
        for name in ("clv", "incentive_cost", "contact_cost", "alpha", "beta"):
            if not np.isfinite(getattr(self, name)):
                raise ConfigError(f"Profit setting {name} is {getattr(self, name)}; give a finite number.")
        if self.incentive_cost < 0 or self.contact_cost < 0:
            raise ConfigError(
                f"Profit settings incentive_cost and contact_cost must be at least 0; "
                f"they are {self.incentive_cost} and {self.contact_cost}."
            )
        if self.clv <= self.incentive_cost:
            raise ConfigError(
                f"Profit setting clv ({self.clv}) must be above incentive_cost ({self.incentive_cost}), "
                f"or keeping a customer never pays."
            )
        if self.alpha <= 0 or self.beta <= 0:
            raise ConfigError(
                f"Profit settings alpha and beta must be above 0; they are {self.alpha} and {self.beta}."
            )

    @property
    def accept_rate(self) -> float:
        """The mean share of would-be churners who accept the incentive and stay."""
        return self.alpha / (self.alpha + self.beta)


@dataclass(frozen=True)
class Profit:
    """The best campaign a score allows.

    Attributes:
        value: profit per customer of the base, in the currency of the settings; NaN without customers.
        targeted_share: share of all customers to contact, riskiest first.
    """

    value: float
    targeted_share: float


@dataclass(frozen=True)
class Campaigns:
    """The best campaigns that each of several samples allows; NaN for a sample without customers.

    Attributes:
        mpc: profit per customer when the accept rate is its mean.
        mpc_share: share of customers to contact then.
        empc: expected profit per customer when the accept rate is uncertain.
        empc_share: expected share of customers to contact then.
    """

    mpc: FloatArray
    mpc_share: FloatArray
    empc: FloatArray
    empc_share: FloatArray


PAPER = ProfitSettings()


def mpc(y: npt.ArrayLike, p: npt.ArrayLike, settings: ProfitSettings = PAPER) -> Profit:
    """The maximum profit per customer when the accept rate is known to be its mean.

    Formula: ``max over t of [g·(clv - d) - f]·a(t) - (d + f)·b(t)`` with a(t) and b(t) the shares of all customers
    who are targeted churners and targeted stayers at threshold t, g the accept rate, d the incentive cost and f the
    contact cost. Never below 0, for nobody need be targeted.

    Source: Verbeke, Dejaeger, Martens, Hur, Baesens 2012, European Journal of Operational Research 218:211-229.

    >>> best = mpc([1, 1, 0, 0], [0.9, 0.8, 0.2, 0.1])
    >>> round(best.value, 2), best.targeted_share
    (28.0, 0.5)
    """
    best = campaigns_each(tally(y, p), settings)
    return Profit(float(best.mpc[0]), float(best.mpc_share[0]))


def empc(y: npt.ArrayLike, p: npt.ArrayLike, settings: ProfitSettings = PAPER) -> Profit:
    """The expected maximum profit per customer, the accept rate being uncertain, and the best share to target.

    Formula: ``integral over g of max over t of {[g·(clv - d) - f]·a(t) - (d + f)·b(t)} · Beta(g; alpha, beta)``,
    terms as for ``mpc``. Only the corners of the convex hull of the ROC curve are ever best, each for g between two
    borders, so the integral is a finite sum of incomplete beta functions: exact, without sampling. The share is
    the expectation of the best share over g. Never below 0.

    Source: Verbraken, Verbeke, Baesens 2013, IEEE Transactions on Knowledge and Data Engineering 25:961-973.

    >>> best = empc([1, 1, 0, 0], [0.9, 0.8, 0.2, 0.1], ProfitSettings(clv=100, incentive_cost=5))
    >>> round(best.value, 2), round(best.targeted_share, 3)
    (13.75, 0.5)
    """
    best = campaigns_each(tally(y, p), settings)
    return Profit(float(best.empc[0]), float(best.empc_share[0]))


def campaigns_each(samples: Tally, settings: ProfitSettings) -> Campaigns:
    """The best campaigns that each sample allows."""
    found = []
    for churned, stayed in zip(samples.churned, samples.stayed, strict=True):
        corners = _vertices(churned, stayed)
        found.append((*_best(*corners, settings), *_expected_best(*corners, settings)))
    mpc, mpc_share, empc, empc_share = (ratio(one, samples.size) for one in zip(*found, strict=True))
    return Campaigns(mpc, mpc_share, empc, empc_share)


def _vertices(churned: IntArray, stayed: IntArray) -> tuple[IntArray, IntArray]:
    """Targeted churners and stayers at the corners of the ROC convex hull, from nobody to everybody.

    The hull is what isotonic regression makes of the churn rates: pooled blocks are its edges.
    """
    counts = churned + stayed
    held = counts > 0
    if not held.any():
        return np.zeros(1, np.int64), np.zeros(1, np.int64)
    rate = churned[held] / counts[held]
    first = isotonic_regression(rate, weights=counts[held]).blocks[:-1]
    lost = np.add.reduceat(churned[held], first)[::-1]
    kept = np.add.reduceat(stayed[held], first)[::-1]
    return np.concatenate([[0], np.cumsum(lost)]), np.concatenate([[0], np.cumsum(kept)])


def _best(churned: IntArray, stayed: IntArray, settings: ProfitSettings) -> tuple[float, float]:
    """Profit and number of targeted customers at the hull's best corner, the accept rate being its mean."""
    gain = settings.accept_rate * (settings.clv - settings.incentive_cost) - settings.contact_cost
    profit = gain * churned - (settings.incentive_cost + settings.contact_cost) * stayed
    best = int(profit.argmax())
    return float(profit[best]), float(churned[best] + stayed[best])


def _expected_best(churned: IntArray, stayed: IntArray, settings: ProfitSettings) -> tuple[float, float]:
    """Expected profit and expected number of targeted customers, summed over the hull's corners."""
    margin = settings.clv - settings.incentive_cost
    more_churned, more_stayed = np.diff(churned), np.diff(stayed)
    wasted = (settings.incentive_cost + settings.contact_cost) * more_stayed
    # The accept rate from which the next corner pays more; an edge without churners never pays.
    border = np.ones(len(more_churned))
    np.divide(
        settings.contact_cost * more_churned + wasted,
        margin * more_churned,
        out=border,
        where=more_churned > 0,
    )
    edges = np.concatenate([[0.0], np.minimum(border, 1.0), [1.0]])
    chance = np.diff(betainc(settings.alpha, settings.beta, edges))
    accepted = settings.accept_rate * np.diff(betainc(settings.alpha + 1, settings.beta, edges))
    cost = settings.contact_cost * churned + (settings.incentive_cost + settings.contact_cost) * stayed
    profit = float((margin * churned * accepted - cost * chance).sum())
    # Where it never pays, rounding may leave a trace below 0.
    return max(profit, 0.0), float(((churned + stayed) * chance).sum())
