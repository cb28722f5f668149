"""What a score is worth when customers are not worth the same: value-weighted lift and gain, savings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from retain.evaluation.calibration import probabilities
from retain.evaluation.intervals import bootstrap_rows
from retain.evaluation.profit import PAPER
from retain.evaluation.ranking import GainPoint
from retain.evaluation.tally import ratio, tally

if TYPE_CHECKING:
    import numpy.typing as npt

    from retain.evaluation.intervals import Interval
    from retain.evaluation.profit import ProfitSettings
    from retain.evaluation.tally import FloatArray, IntArray

TOP = 0.1
"""The riskiest share of customers for which the value-weighted lift is told."""


@dataclass(frozen=True)
class Savings:
    """What contacting whom it pays to contact saves.

    Attributes:
        value: share of the cost of the better of contacting nobody and contacting everybody; NaN where nothing is lost.
        contacted_share: share of customers whom it pays to contact; NaN without customers.
    """

    value: float
    contacted_share: float


@dataclass(frozen=True)
class Worth:
    """The figures in which customers count by their value.

    Attributes:
        value_lift_at_10: as ``value_lift``, for the tenth of highest probability.
        value_at_risk_lift_at_10: the same for the tenth of highest probability times value.
        savings: as ``savings``.
        contacted_share: share of customers whom it pays to contact.
        by_probability: share of the churners' value among the 0, 5, ... 100 % of highest probability.
        by_value_at_risk: the same among those of highest probability times value.
    """

    value_lift_at_10: Interval
    value_at_risk_lift_at_10: Interval
    savings: Interval
    contacted_share: float
    by_probability: tuple[GainPoint, ...]
    by_value_at_risk: tuple[GainPoint, ...]


def value_lift(y: npt.ArrayLike, score: npt.ArrayLike, value: npt.ArrayLike, share: float) -> float:
    """How many times more of the churners' value than by chance is among the ``share`` of highest score.

    Formula: ``(value of churners captured / value of all churners) / share``. Where the border runs through tied scores
    their value counts in proportion. 1 is chance; NaN if the churners are worth nothing.

    Source: Neslin, Gupta, Kamakura, Lu, Mason 2006, Journal of Marketing Research 43:204-211 (lift, profit by value);
    the weighting is that of a gain chart in money, Berry, Linoff 2004, Data Mining Techniques, ch. 4.

    Args:
        y: 1 where the customer churned.
        score: higher is contacted first: a probability, or a probability times value.
        value: what the customer brings if kept, 0 or more.
        share: of all customers, above 0 and at most 1.

    Raises:
        ValueError: the arrays do not pair up, a value is negative or not finite, or the share is outside (0, 1].

    >>> value_lift([1, 1, 0, 0], [0.9, 0.5, 0.3, 0.2], [300.0, 100.0, 50.0, 50.0], 0.25)
    3.0
    """
    if not 0 < share <= 1:
        raise ValueError(f"a share lies above 0 and at most at 1, not at {share}")
    tally(y, score)  # refuses what is no pair of labels and scores
    labels, scores, money = _rows(y, score, value)
    return (
        float(_Order.of(scores, labels * money).captured(np.ones((1, len(labels)), np.int64), share)[0])
        / share
    )


def savings(
    y: npt.ArrayLike, p: npt.ArrayLike, value: npt.ArrayLike, settings: ProfitSettings = PAPER
) -> Savings:
    """The share of the avoidable cost that contacting whom it pays to contact saves, by each customer's own value.

    Formula: ``1 - C / min(C of nobody, C of everybody)``, C being summed over the customers: a churner left alone costs
    the value v; a churner contacted ``f + g·d + (1 - g)·v``; a stayer contacted ``f + d``; a stayer left alone nothing;
    with g the mean accept rate, d the incentive cost and f the contact cost. Whom it pays to contact:
    ``p·(g·(v - d) - f) > (1 - p)·(d + f)``. 0 is no better than treating all alike, below 0 worse; even perfect
    knowledge saves less than g, for so few accept. NaN if nobody churned who is worth anything.

    Source: Correa Bahnsen, Aouada, Ottersten 2015, Decision Analytics 2:5; costs as in ``mpc``, where those who accept
    are contacted at a cost, too.

    Args:
        y: 1 where the customer churned.
        p: predicted probability; it has to be calibrated, for it decides who is contacted.
        value: what the customer brings if kept, 0 or more.
        settings: incentive cost, contact cost and accept rate; its ``clv`` is not used.

    Raises:
        ValueError: the arrays do not pair up, a probability is outside [0, 1], a value is negative or not finite.

    >>> found = savings([1, 0, 0, 0], [0.8, 0.1, 0.1, 0.1], [1000.0, 10.0, 10.0, 10.0])
    >>> round(found.value, 3), found.contacted_share
    (0.045, 0.25)
    """
    probabilities(y, p)  # refuses what is no pair of labels and probabilities
    costs = _Costs.of(*_rows(y, p, value), settings)
    return Savings(float(costs.saved(np.ones((1, len(costs.mine)), np.int64))[0]), costs.contacted_share)


def worth(
    y: npt.NDArray[np.int8],
    p: FloatArray,
    value: FloatArray,
    *,
    seed: int,
    resamples: int = 500,
    settings: ProfitSettings = PAPER,
    steps: int = 20,
) -> Worth:
    """All of these figures with bootstrap intervals, from the same resamples of customers.

    Args:
        y: 1 where the customer churned.
        p: predicted probability.
        value: what the customer brings if kept, 0 or more.
        seed: of the resamples; the row order changes nothing.
        resamples: how many.
        settings: incentive cost, contact cost and accept rate.
        steps: how many equal steps the gain curves have.

    Raises:
        ValueError: as for ``savings``.

    >>> y, p = np.array([1, 0, 1, 0] * 25, np.int8), np.array([0.9, 0.1, 0.6, 0.1] * 25)
    >>> found = worth(y, p, np.full(100, 200.0), seed=1, resamples=50)
    >>> found.value_lift_at_10.value, found.savings.low < found.savings.value
    (2.0, True)
    """
    probabilities(y, p)  # refuses what is no pair of labels and probabilities
    labels, chances, money = _rows(y, p, value)
    lost = labels * money
    by_chance, by_risk = _Order.of(chances, lost), _Order.of(chances * money, lost)
    costs = _Costs.of(labels, chances, money, settings)
    found = bootstrap_rows(
        len(labels),
        lambda times: {
            "value_lift_at_10": by_chance.captured(times, TOP) / TOP,
            "value_at_risk_lift_at_10": by_risk.captured(times, TOP) / TOP,
            "savings": costs.saved(times),
        },
        seed=seed,
        resamples=resamples,
    )
    return Worth(
        **found,
        contacted_share=costs.contacted_share,
        by_probability=_curve(by_chance, len(labels), steps),
        by_value_at_risk=_curve(by_risk, len(labels), steps),
    )


def _rows(
    y: npt.ArrayLike, score: npt.ArrayLike, value: npt.ArrayLike
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Labels, scores and values, the rows in an order that their content decides.

    Raises:
        ValueError: the values do not fit, or one is negative or not finite.
    """
    labels, scores = np.asarray(y, dtype=np.float64), np.asarray(score, dtype=np.float64) + 0.0
    money = np.asarray(value, dtype=np.float64) + 0.0
    if money.shape != scores.shape:
        raise ValueError(f"values of shape {money.shape} and scores of shape {scores.shape} do not pair up")
    if not (np.isfinite(money).all() and (money >= 0).all()):
        raise ValueError("a value is negative or not a finite number")
    order = np.lexsort([money, labels, scores])
    return labels[order], scores[order], money[order]


@dataclass(frozen=True)
class _Order:
    """Customers in the order in which they are contacted, tied ones together.

    Attributes:
        place: the rows, the first to be contacted first.
        first: where each group of tied rows begins.
        lost: value lost with each row, in that order.
    """

    place: IntArray
    first: IntArray
    lost: FloatArray

    @classmethod
    def of(cls, score: FloatArray, lost: FloatArray) -> _Order:
        """The order of a score, highest first."""
        place = np.argsort(-score, kind="stable")
        ranked = score[place]
        first = np.flatnonzero(np.concatenate([[True], ranked[1:] != ranked[:-1]])[: len(ranked)])
        return cls(place, first, lost[place])

    def captured(self, times: IntArray, share: float) -> FloatArray:
        """The share of the lost value that is among the first ``share`` of each sample's rows."""
        if not len(self.first):
            return np.full(len(times), np.nan)
        each = times[:, self.place]
        counts = np.add.reduceat(each, self.first, axis=1)
        lost = np.add.reduceat(each * self.lost, self.first, axis=1)
        before = np.cumsum(counts, axis=1) - counts
        taken = np.clip(share * counts.sum(axis=1, keepdims=True) - before, 0, counts)
        return ratio((lost * (taken / np.maximum(counts, 1))).sum(axis=1), lost.sum(axis=1))


def _curve(order: _Order, rows: int, steps: int) -> tuple[GainPoint, ...]:
    """The gain curve; empty where nothing was lost."""
    once = np.ones((1, rows), dtype=np.int64)
    points = [(step / steps, float(order.captured(once, step / steps)[0])) for step in range(steps + 1)]
    # Rounding may leave a trace above 1.
    return tuple(GainPoint(share, min(found, 1.0)) for share, found in points if np.isfinite(found))


@dataclass(frozen=True)
class _Costs:
    """What each row costs when nobody is contacted, when everybody is, and when those are whom it pays to contact."""

    nobody: FloatArray
    everybody: FloatArray
    mine: FloatArray
    contacted_share: float

    @classmethod
    def of(cls, y: FloatArray, p: FloatArray, value: FloatArray, settings: ProfitSettings) -> _Costs:
        """The costs under these settings."""
        accept, incentive, contact = settings.accept_rate, settings.incentive_cost, settings.contact_cost
        nobody = y * value
        lost = contact + accept * incentive + (1 - accept) * value
        everybody = np.where(y == 1, lost, contact + incentive)
        pays = p * (value - lost) > (1 - p) * (contact + incentive)
        share = float(pays.mean()) if len(pays) else float("nan")
        return cls(nobody, everybody, np.where(pays, everybody, nobody), share)

    def saved(self, times: IntArray) -> FloatArray:
        """The savings of each sample."""
        nobody, everybody, mine = (
            (times * one).sum(axis=1) for one in (self.nobody, self.everybody, self.mine)
        )
        return 1 - ratio(mine, np.minimum(nobody, everybody))
