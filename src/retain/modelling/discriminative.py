"""Discriminative BG/NBD: the formula of buying until gone, its parameters fitted to who churned.

The baseline in ``retain.lifetime`` fits the same formula to purchase histories alone. Here the label decides, and the
log-odds get a slope and an intercept: seven numbers, which stray less than a thousand leaves where the season turns.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.optimize import minimize
from scipy.special import expit, log_expit, logit

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    FloatArray = npt.NDArray[np.float64]
    LabelArray = npt.NDArray[np.int8]

READS = ("orders_lifetime", "recency_days", "tenure_days")
"""The features that it reads: x + 1, T - t_x and T of the formula."""
_MOST_ROWS = 100_000
"""Seven parameters need no more; of a larger panel every second row is read, or every third, and so on."""
_PULL = 1e-4
"""Pull of the logarithms towards where the search begins, in log loss a unit squared: it decides only what the data leave open."""
_BOUNDS = (-8.0, 12.0)
_LARGEST = 1e5
"""No customer has so many orders or days; what claims more is cut, so that nothing overflows."""


@dataclass(frozen=True)
class Discriminative:
    """``intercept + slope · logit P(no purchase)``, with P of BG/NBD (see ``BgNbd.no_purchase``).

    Where the features that it needs are not there, or never known, it says the churn rate: no columns, slope 0.

    Attributes:
        columns: positions of ``READS`` among the features.
        reference: an ordinary customer, from whom contributions are measured: orders, recency as a share of the tenure an
            order, and tenure.
        r: shape of the purchase rate.
        alpha: its rate, in days.
        a: first parameter of the drop-out probability.
        b: second parameter of the drop-out probability.
        days: the stretch without a purchase.
        intercept: log-odds added.
        slope: of the formula's log-odds.
    """

    columns: tuple[int, ...]
    reference: tuple[float, ...]
    r: float
    alpha: float
    a: float
    b: float
    days: float
    intercept: float
    slope: float

    def log_odds(self, x: FloatArray, size: int | None = None) -> FloatArray:  # noqa: ARG002  # one size only
        """Log-odds of churn of each row."""
        return self._of(self._read(x)) if self.columns else np.full(len(x), self.intercept)

    def contributions(self, x: FloatArray) -> FloatArray:
        """What each of the three features adds, which adds up exactly; 0 for all others.

        Orders and tenure share what tells the customer from an ordinary one if both had been silent as is usual for so
        many orders in so long a time: the Shapley values of two players. Recency adds what the true silence changes.
        Recency comes last (an asymmetric Shapley value: Frye, Rowat, Feige 2020), because how long a silence is depends on
        the rhythm that it breaks; else many orders would seem to drive customers away.
        """
        result = np.zeros(x.shape)
        if not self.columns:
            return result
        own = self._read(x)
        count, share, age = self.reference

        def usual(orders: FloatArray | float, tenure: FloatArray | float) -> FloatArray:
            rows = np.column_stack(np.broadcast_arrays(orders, 0.0, tenure, own[:, 0])[:3])
            rows[:, 1] = _usual_recency(rows, share)
            return self._of(rows)

        both, ordinary = usual(own[:, 0], own[:, 2]), usual(count, age)
        orders_only, tenure_only = usual(own[:, 0], age), usual(count, own[:, 2])
        by_orders, by_recency, by_tenure = self.columns
        result[:, by_orders] = (orders_only - ordinary + both - tenure_only) / 2
        result[:, by_tenure] = (tenure_only - ordinary + both - orders_only) / 2
        result[:, by_recency] = self._of(own) - both
        return result

    def text(self) -> str:
        """JSON."""
        return json.dumps({name: getattr(self, name) for name in self.__dataclass_fields__}, indent=1)

    @staticmethod
    def from_text(text: str) -> Discriminative:
        """The model that ``text`` wrote."""
        kept = json.loads(text)
        columns, reference = (tuple(kept.pop(name)) for name in ("columns", "reference"))
        return Discriminative(columns, reference, **kept)

    def _read(self, x: FloatArray) -> FloatArray:
        return _filled(x[:, list(self.columns)], self.reference)

    def _of(self, own: FloatArray) -> FloatArray:
        parameters = np.log([self.r, self.alpha, self.a, self.b, self.days])
        return np.asarray(self.intercept + self.slope * _quiet(parameters, *_history(own))[0])


def can_read(names: Sequence[str]) -> bool:
    """Whether the features that it needs are among these."""
    return set(READS) <= set(names)


def fit(x: FloatArray, y: LabelArray, names: Sequence[str]) -> Discriminative:
    """The parameters under which the labels are most probable.

    Args:
        x: features, rows by columns.
        y: outcomes, both occurring.
        names: of the columns.
    """
    columns = [list(names).index(name) for name in READS] if can_read(names) else []
    known = np.where(np.isfinite(x[:, columns]), x[:, columns], np.nan)
    if not columns or np.isnan(known).all(axis=0).any():
        return Discriminative((), (), 1.0, 1.0, 1.0, 1.0, 1.0, intercept=float(logit(y.mean())), slope=0.0)
    orders, recency, tenure = known.T
    paced = recency * np.maximum(orders, 1) / np.maximum(tenure, 1)
    reference = tuple(
        float(np.nan_to_num(np.nanmedian(one), nan=1.0)) if np.isfinite(one).any() else 1.0
        for one in (orders, paced, tenure)
    )
    step = -(-len(y) // _MOST_ROWS)
    repeats, last, age = _history(_filled(known[::step], reference))
    target = y[::step]
    typical = float(age.mean()) + 1
    start = np.array(
        [np.log(0.5), np.log(typical / 2), np.log(0.5), np.log(1.5), np.log(typical / 2), 0.0, 0.0]
    )

    def cost(at: FloatArray) -> tuple[float, FloatArray]:
        quiet, slopes = _quiet(at[:5], repeats, last, age)
        slope = np.exp(at[6])
        z = at[5] + slope * quiet
        miss = (expit(z) - target) / len(target)
        gradient = np.array([*(slope * slopes @ miss), miss.sum(), slope * (quiet @ miss)])
        loss = -float((target * log_expit(z) + (1 - target) * log_expit(-z)).mean())
        away = at - start
        return loss + _PULL * float(away @ away), gradient + 2 * _PULL * away

    found = minimize(
        cost, start, jac=True, method="L-BFGS-B", bounds=[_BOUNDS] * 5 + [(None, None), (-3.0, 3.0)]
    )
    r, alpha, a, b, days, slope = (float(one) for one in np.exp(np.delete(found.x, 5)))
    return Discriminative(tuple(columns), reference, r, alpha, a, b, days, float(found.x[5]), slope)


def _usual_recency(own: FloatArray, share: float) -> FloatArray:
    """The silence that is ordinary for so many orders in so long a time."""
    return np.asarray(share * np.maximum(own[:, 2], 0.0) / np.maximum(own[:, 0], 1.0))


def _filled(own: FloatArray, reference: Sequence[float]) -> FloatArray:
    """The three features with what is ordinary where they are not known."""
    known = np.isfinite(own)
    filled = np.where(known, own, np.array(reference))
    filled[:, 1] = np.where(known[:, 1], own[:, 1], _usual_recency(filled, reference[1]))
    return filled


def _history(own: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """x, t_x and T from the three features, also where the first and the others are of two customers."""
    orders, recency, tenure = own.T
    return (
        np.clip(orders - 1, 0.0, _LARGEST),
        np.clip(tenure - recency, 0.0, _LARGEST),
        np.clip(tenure, 0.0, _LARGEST),
    )


def _quiet(
    logs: FloatArray, repeats: FloatArray, last: FloatArray, age: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Log-odds of no purchase, and their slopes in the logarithms of r, alpha, a, b and days (5 by rows)."""
    r, alpha, a, b, days = np.exp(logs)
    bought = repeats > 0
    shape, last = r + repeats, np.minimum(last, age)
    waited = np.log1p((age - last) / (alpha + last))
    before = np.where(bought, b + repeats - 1, 1.0)
    gone = np.where(bought, np.log(a) - np.log(before) + shape * waited, -np.inf)
    later = np.log1p(days / (alpha + age))
    silent = -shape * later
    log_quiet = np.logaddexp(log_expit(gone), log_expit(-gone) + silent)
    some = np.log(-np.expm1(silent))
    by_gone = np.where(bought, np.exp(log_expit(gone) - log_quiet), 0.0)
    by_silent = np.exp(silent - log_quiet - some)
    slopes = np.stack(
        [
            by_gone * r * waited - by_silent * r * later,
            shape
            * alpha
            * (
                by_gone * (1 / (alpha + age) - 1 / (alpha + last))
                - by_silent * (1 / (alpha + age + days) - 1 / (alpha + age))
            ),
            by_gone,
            -by_gone * b / before,
            -by_silent * shape * days / (alpha + age + days),
        ]
    )
    return log_quiet - log_expit(-gone) - some, slopes
