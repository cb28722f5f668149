"""Shifted beta-geometric: each renewal a contract ends by chance, and those who are likely to end it leave first."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import betaln, digamma

from retain.errors import TrainingError
from retain.lifetime.likelihood import most_likely

if TYPE_CHECKING:
    import numpy.typing as npt

    FloatArray = npt.NDArray[np.float64]
    IntArray = npt.NDArray[np.int64]

_DIGITS = 37.0
"""exp(-37) is the last digit of a double."""
_STARTS = ((1.0, 1.0), (0.5, 5.0), (5.0, 50.0), (1.0, 0.3))


@dataclass(frozen=True)
class Survival:
    """How long contracts lasted, counted in periods.

    Attributes:
        ended: at place t, how many ended in period t + 1.
        running: at place t, how many were last seen running after t whole periods.
        entered: at place t, how many were first seen after t whole periods: of their age mates that ended before nothing is known,
            so they tell only how they went on.
    """

    ended: FloatArray
    running: FloatArray
    entered: FloatArray

    def __post_init__(self) -> None:
        """Refuse counts that are none."""
        if self.ended.ndim != 1 or any(
            one.shape != (len(self.ended) + 1,) for one in (self.running, self.entered)
        ):
            raise ValueError(
                "running and entered have one place more than ended: after no period, after one, ..."
            )
        every = np.concatenate([self.ended, self.running, self.entered])
        if not np.isfinite(every).all() or (every < 0).any():
            raise ValueError("contracts are counted in finite numbers from 0")

    @staticmethod
    def of_cohort(survival: FloatArray) -> Survival:
        """One cohort of which these shares were left after 1, 2, ... periods.

        >>> Survival.of_cohort(np.array([0.8, 0.6])).ended.round(9).tolist()
        [0.2, 0.2]
        """
        left = np.concatenate([[1.0], np.asarray(survival, dtype=np.float64)])
        if not (np.diff(left) <= 0).all():
            raise ValueError("the share that is left cannot grow")
        running = np.zeros(len(left))
        running[-1] = left[-1]
        return Survival(-np.diff(left), running, np.eye(1, len(left))[0])

    @staticmethod
    def counted(periods: IntArray, ended: npt.NDArray[np.bool_], entered: IntArray | None = None) -> Survival:
        """Contracts of any age, each with its whole periods and whether it ended in the next one.

        Args:
            periods: how many each outlasted.
            ended: whether it then ended; the others were last seen running.
            entered: after how many it was first seen; None is from its start.

        >>> found = Survival.counted(np.array([0, 2, 2]), np.array([True, True, False]))
        >>> found.ended.tolist(), found.running.tolist()
        ([1.0, 0.0, 1.0], [0.0, 0.0, 1.0, 0.0])
        """
        places = int(periods.max(initial=0)) + 2
        first = np.zeros_like(periods) if entered is None else entered

        def count(which: IntArray) -> FloatArray:
            return np.bincount(which, minlength=places).astype(np.float64)

        return Survival(count(periods[ended])[:-1], count(periods[~ended]), count(first))


@dataclass(frozen=True)
class ShiftedBetaGeometric:
    """A fitted shifted beta-geometric model.

    Each contract ends in every period with its own probability, drawn from Beta(alpha, beta).

    Source: Fader, Hardie 2007, "How to project customer retention", Journal of Interactive Marketing 21:76-90.

    Attributes:
        alpha: first parameter of the probability to end.
        beta: second parameter.
    """

    alpha: float
    beta: float

    def __post_init__(self) -> None:
        """Refuse parameters for which there is no such distribution."""
        for name in ("alpha", "beta"):
            value = getattr(self, name)
            if not (np.isfinite(value) and value > 0):
                raise ValueError(
                    f"shifted beta-geometric parameter {name} is {value}, not a finite number above 0"
                )

    def log_likelihood(self, seen: Survival) -> float:
        """How probable the model finds the contracts, as a logarithm."""
        return -_cost(np.log([self.alpha, self.beta]), seen)[0]

    def survival(self, periods: FloatArray) -> FloatArray:
        """The share of contracts that outlast so many periods: ``B(alpha, beta + t) / B(alpha, beta)``.

        >>> model = ShiftedBetaGeometric(alpha=0.668, beta=3.806)
        >>> model.survival(np.array([0, 1, 7])).round(3).tolist()
        [1.0, 0.851, 0.489]
        """
        left: FloatArray = np.exp(betaln(self.alpha, self.beta + periods) - betaln(self.alpha, self.beta))
        return left

    def retention(self, age: FloatArray) -> FloatArray:
        """The share of contracts of that age, in periods, that outlast the next one: ``(beta + t) / (alpha + beta + t)``.

        It rises with age though no contract changes: those likely to end have ended.

        >>> ShiftedBetaGeometric(alpha=0.668, beta=3.806).retention(np.array([0, 6])).round(3).tolist()
        [0.851, 0.936]
        """
        rate: FloatArray = (self.beta + age) / (self.alpha + self.beta + age)
        return rate

    def ends_within(self, age: FloatArray, periods: float, after: float = 0.0) -> FloatArray:
        """The probability that a contract of that age, in periods, ends within the next ``periods``.

        Formula: ``(S(age + after) - S(age + after + periods)) / S(age)``, also between whole periods.

        Args:
            age: periods behind it.
            periods: how far ahead.
            after: how far ahead the stretch begins; an end before that is none within it.

        >>> model = ShiftedBetaGeometric(alpha=0.668, beta=3.806)
        >>> model.ends_within(np.array([0.0, 6.0]), 1).round(3).tolist()
        [0.149, 0.064]
        """
        now = self.survival(age)
        over: FloatArray = (self.survival(age + after) - self.survival(age + after + periods)) / now
        return over

    def remaining(self, age: FloatArray, discount: float) -> FloatArray:
        """The expected number of renewals still to come of a contract of that age, later ones discounted.

        Formula: ``sum over n from 1 of S(age + n) / S(age) / (1 + d)^n``, the next renewal being a period away, summed from its far
        end by ``R(age) = r(age) / (1 + d) · (1 + R(age + 1))`` with r the retention.

        Source: Fader, Hardie 2010, "Customer-base valuation in a contractual setting", Marketing Science 29:85-93.

        Args:
            age: periods behind it.
            discount: what a period costs; above 0, since without one the sum may have no end.

        Raises:
            ValueError: there is no discount.

        >>> ShiftedBetaGeometric(alpha=0.668, beta=3.806).remaining(np.array([1.0, 5.0]), 0.1).round(2).tolist()
        [5.37, 6.49]
        """
        if not discount > 0:
            raise ValueError(f"a discount of {discount} leaves a sum without an end")
        age, factor = np.asarray(age, dtype=np.float64), 1 / (1 + discount)
        # From so far ahead that nothing is left in the last digit; the hypergeometric function overflows for large parameters.
        far = math.ceil((math.log(min(discount, 1.0)) - _DIGITS) / math.log(factor))
        renewals = np.zeros(age.shape)
        for ahead in range(far - 1, -1, -1):
            renewals = self.retention(age + ahead) * factor * (1 + renewals)
        return np.asarray(renewals)


def fit_sbg(seen: Survival) -> ShiftedBetaGeometric:
    """The shifted beta-geometric model under which the contracts are most probable.

    Maximum likelihood with exact gradients from several starts, in logarithms of the parameters.

    Raises:
        TrainingError: no contract ended, or none outlasted a period: there is no curve to learn.

    >>> high_end = np.array([0.869, 0.743, 0.653, 0.593, 0.551, 0.517, 0.491])
    >>> model = fit_sbg(Survival.of_cohort(high_end))
    >>> round(model.alpha, 3), round(model.beta, 3)
    (0.668, 3.806)
    """
    ended, outlasted = float(seen.ended.sum()), float(seen.ended[1:].sum() + seen.running[1:].sum())
    if ended == 0 or outlasted == 0:
        raise TrainingError(
            f"A shifted beta-geometric cannot be fitted: {ended:g} contracts ended, and {outlasted:g} outlasted a period. "
            f"Load a longer history."
        )
    alpha, beta = most_likely(_cost, seen, _STARTS, gradient=1e-9 * (ended + outlasted), change=1e-14)
    return ShiftedBetaGeometric(alpha, beta)


def _cost(logs: FloatArray, seen: Survival) -> tuple[float, FloatArray]:
    """The negative log-likelihood and its gradient in the logarithms of alpha and beta."""
    alpha, beta = np.exp(logs)
    before = np.arange(len(seen.ended), dtype=np.float64)
    after = np.arange(len(seen.running), dtype=np.float64)
    whole = betaln(alpha, beta)
    ends = betaln(alpha + 1, beta + before) - whole
    lasts = betaln(alpha, beta + after) - whole
    # Whoever entered late had lasted until then: that was no luck that the data could tell.
    lasted = seen.running - seen.entered
    cost = -float((seen.ended * ends).sum() + (lasted * lasts).sum())
    both = digamma(alpha + beta)
    over, left = digamma(alpha + beta + 1 + before), digamma(alpha + beta + after)
    slope_alpha = (seen.ended * (digamma(alpha + 1) - over - digamma(alpha) + both)).sum() + (
        lasted * (both - left)
    ).sum()
    own = both - digamma(beta)
    slope_beta = (seen.ended * (digamma(beta + before) - over + own)).sum() + (
        lasted * (digamma(beta + after) - left + own)
    ).sum()
    return cost, -np.array([slope_alpha * alpha, slope_beta * beta])
