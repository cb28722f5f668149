"""BG/NBD: customers buy at their own steady rate until, after some purchase, they are gone."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.linalg import eigh_tridiagonal
from scipy.special import betaln, digamma, expit, gammaln

from retain.errors import TrainingError
from retain.lifetime.history import distinct
from retain.lifetime.likelihood import most_likely

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from retain.lifetime.history import History

    FloatArray = npt.NDArray[np.float64]
    IntArray = npt.NDArray[np.int64]

_NODES = 64
_LEAST = 1e-100
"""Stands for a probability of dropping out that rounds to 0 or below: it is divided by."""
_MANY = 20_000
"""Of more distinct histories a few choose between the starts, and all are searched from the best only."""
_STARTS = ((1.0, 1.0, 1.0, 1.0), (0.3, 0.1, 0.8, 2.5), (2.0, 0.5, 0.3, 5.0), (0.5, 2.0, 2.0, 2.0))
"""Where the search begins, with age measured in mean ages: different enough not to end in one poor hollow."""


@dataclass(frozen=True)
class BgNbd:
    """A fitted BG/NBD model.

    Each customer buys as a Poisson process with a rate drawn from Gamma(shape r, rate alpha), and after every repeat
    purchase drops out with a probability drawn from Beta(a, b).

    Source: Fader, Hardie, Lee 2005, Marketing Science 24:275-284.

    Attributes:
        r: shape of the purchase rate.
        alpha: its rate, in days.
        a: first parameter of the drop-out probability.
        b: second parameter of the drop-out probability.
    """

    r: float
    alpha: float
    a: float
    b: float

    def __post_init__(self) -> None:
        """Refuse parameters for which there is no such distribution."""
        for name in ("r", "alpha", "a", "b"):
            value = getattr(self, name)
            if not (np.isfinite(value) and value > 0):
                raise ValueError(f"BG/NBD parameter {name} is {value}, not a finite number above 0")

    def log_likelihood(self, history: History) -> float:
        """How probable the model finds the histories, as a logarithm."""
        each = _Grouped.of(history)
        return -_cost(np.log([self.r, self.alpha, self.a, self.b]), each)[0]

    def p_alive(self, history: History) -> FloatArray:
        """The probability that each customer has not dropped out.

        Formula: ``1 / (1 + a / (b + x - 1) · ((alpha + T) / (alpha + t_x))^(r + x))``, and 1 without repeats: in this
        model one can only drop out after a repeat purchase.

        >>> from retain.lifetime.history import History
        >>> model = BgNbd(r=0.243, alpha=4.414, a=0.793, b=2.426)
        >>> model.p_alive(History(np.array([2]), np.array([30.43]), np.array([38.86]))).round(3).tolist()
        [0.727]
        """
        alive: FloatArray = expit(-self._log_odds_gone(history))
        return alive

    def no_purchase(self, history: History, days: float) -> FloatArray:
        """The probability of no purchase in the next ``days``: the churn probability of this baseline.

        Formula: ``1 - P(alive)·(1 - ((alpha + T) / (alpha + T + days))^(r + x))``, computed as the sum of "gone" and
        "alive but silent", which loses no digits when either is tiny.

        Raises:
            ValueError: the stretch is negative.

        >>> from retain.lifetime.history import History
        >>> model = BgNbd(r=0.243, alpha=4.414, a=0.793, b=2.426)
        >>> model.no_purchase(History(np.array([2]), np.array([30.43]), np.array([38.86])), 39.0).round(3).tolist()
        [0.445]
        """
        if days < 0:
            raise ValueError(f"{days} days is no stretch of the future")
        age = self.alpha + history.age_days
        odds = self._log_odds_gone(history)
        silent = np.exp((self.r + history.repeats) * -np.log1p(days / age))
        quiet: FloatArray = expit(odds) + expit(-odds) * silent
        return quiet

    def expected_purchases(self, history: History, days: float) -> FloatArray:
        """The expected number of purchases of each customer in the next ``days``.

        Formula: ``P(alive) · E[(1 - ((alpha + T) / (alpha + T + p·days))^(r + x)) / p]`` over p from Beta(a, b + x),
        by Gauss-Jacobi quadrature. It equals the paper's expression with the hypergeometric function, but holds for
        a = 1 and for frequent buyers as well.

        Raises:
            ValueError: the stretch is negative.

        >>> from retain.lifetime.history import History
        >>> model = BgNbd(r=0.243, alpha=4.414, a=0.793, b=2.426)
        >>> customer = History(np.array([2]), np.array([30.43]), np.array([38.86]))
        >>> model.expected_purchases(customer, 39.0).round(3).tolist()
        [1.226]
        """
        expected: FloatArray = self.p_alive(history) * self._while_alive(
            history.repeats, history.age_days, days
        )
        return expected

    def expected_purchases_if_kept(self, history: History, days: float, within: float) -> FloatArray:
        """The same of a customer who will buy at least once in the next ``within`` days: who is not lost.

        Formula: ``(E[X | alive] - s · E[X | alive, silent within]) / (1 - s)`` with
        ``s = ((alpha + T) / (alpha + T + within))^(r + x)``, the probability that one who is alive stays silent. Who is
        silent while alive is alive after that, with the rate of a customer that much older, so the second mean is that of
        age T + within over what is left of ``days``. P(alive) cancels: who buys was alive.

        Raises:
            ValueError: a stretch is negative, or ``within`` is empty.

        >>> from retain.lifetime.history import History
        >>> model = BgNbd(r=0.243, alpha=4.414, a=0.793, b=2.426)
        >>> customer = History(np.array([2]), np.array([30.43]), np.array([38.86]))
        >>> model.expected_purchases_if_kept(customer, 39.0, within=13.0).round(3).tolist()
        [2.623]
        """
        if within <= 0:
            raise ValueError(f"nobody buys within {within} days")
        x, age = history.repeats, history.age_days
        quiet = (self.r + x) * -np.log1p(within / (self.alpha + age))
        bought = self._while_alive(x, age, days)
        if days > within:
            bought = bought - np.exp(quiet) * self._while_alive(x, age + within, days - within)
        kept: FloatArray = bought / -np.expm1(quiet)
        return kept

    def _while_alive(self, x: IntArray, age: FloatArray, days: float) -> FloatArray:
        """Expected purchases in the next days of customers who are alive: each distinct (x, T) is computed once."""
        if days < 0:
            raise ValueError(f"{days} days is no stretch of the future")
        row, customer = distinct(x.astype(np.float64), age)
        repeats_of, age_of = x[row], age[row]
        count = np.empty(len(row))
        for repeats in np.unique(repeats_of).tolist():
            same = repeats_of == repeats
            p, weight = _beta_nodes(self.a, self.b + repeats)
            grown = np.log1p(np.outer(days / (self.alpha + age_of[same]), p))
            count[same] = (-np.expm1(-(self.r + repeats) * grown) / p * weight).sum(axis=1)
        return np.asarray(count[customer])

    def _log_odds_gone(self, history: History) -> FloatArray:
        x, age, last = history.repeats, history.age_days, history.last_days
        bought = x > 0
        odds = np.full(len(history), -np.inf)
        # ln((alpha + T) / (alpha + t_x)), exact also where the two hardly differ.
        waited = np.log1p((age - last)[bought] / (self.alpha + last[bought]))
        odds[bought] = np.log(self.a) - np.log(self.b + x[bought] - 1) + (self.r + x[bought]) * waited
        return odds


@functools.lru_cache(maxsize=4096)
def _beta_nodes(a: float, b: float) -> tuple[FloatArray, FloatArray]:
    """Points and weights whose weighted sum is the mean over Beta(a, b) of any smooth function.

    Gauss-Jacobi quadrature by the eigenvalues of the Jacobi matrix (Golub, Welsch 1969). The weights come out with sum 1,
    so that they hold for the very large parameters of a sharp distribution, for which the usual normalisation overflows.
    """
    # The density on [0, 1] is the Jacobi weight (1 - t)^left (1 + t)^right on [-1, 1].
    left, right = b - 1, a - 1
    k = np.arange(1, _NODES, dtype=np.float64)
    both = 2 * k + left + right
    centre = np.append(
        (right - left) / (left + right + 2), (right - left) * (right + left) / (both * (both + 2))
    )
    # For k = 1 the factor (k + left + right) / (2k + left + right - 1) is 1, whatever it is divided by.
    factor = np.ones(_NODES - 1)
    factor[1:] = (k + left + right)[1:] / (both - 1)[1:]
    beside = np.sqrt(4 * k * (k + left) * (k + right) * factor / (both * both * (both + 1)))
    node, vector = eigh_tridiagonal(centre, beside)
    # Rounding may put a point of a density that crowds at 0 a little below it.
    return np.maximum((node + 1) / 2, _LEAST), vector[0] ** 2


@dataclass(frozen=True)
class _Grouped:
    """Distinct histories and how many customers have each: many share one, and the likelihood is summed once."""

    x: FloatArray
    last: FloatArray
    age: FloatArray
    customers: FloatArray

    @staticmethod
    def of(history: History) -> _Grouped:
        x = history.repeats.astype(np.float64)
        row, place = distinct(x, history.last_days, history.age_days)
        customers = np.bincount(place).astype(np.float64)
        return _Grouped(x[row], history.last_days[row], history.age_days[row], customers)

    def some(self, most: int) -> _Grouped:
        """Every second history, or every third, and so on: at most so many."""
        step = slice(None, None, -(-len(self.x) // most))
        return _Grouped(self.x[step], self.last[step], self.age[step], self.customers[step])


def fit_bgnbd(history: History) -> BgNbd:
    """The BG/NBD model under which the histories are most probable.

    Maximum likelihood with exact gradients from several starts, in logarithms of the parameters and in units of the
    mean age, so that days or weeks make no difference; neither does the order of customers.

    Raises:
        TrainingError: nobody bought twice, or all were first seen at the cutoff: there is no rhythm to learn.

    >>> from retain.lifetime.history import History
    >>> history = History(np.array([0, 1, 3, 0]), np.array([0, 5.0, 20.0, 0]), np.array([30.0, 30.0, 28.0, 9.0]))
    >>> model = fit_bgnbd(history)
    >>> bool((model.p_alive(history) > 0.1).all())
    True
    """
    if not (history.repeats > 0).any():
        raise TrainingError(
            f"BG/NBD cannot be fitted: none of the {len(history)} customers bought a second time. "
            "Choose a later cutoff or a longer history."
        )
    each = _Grouped.of(history)
    unit = float((each.age * each.customers).sum() / each.customers.sum())
    scaled = _Grouped(each.x, each.last / unit, each.age / unit, each.customers)
    starts: Sequence[Sequence[float]] = _STARTS
    if len(scaled.x) > _MANY:
        # A tenth says where the search among all has to begin.
        some = scaled.some(_MANY // 10)
        starts = [most_likely(_cost, some, _STARTS, gradient=1e-6 * float(some.customers.sum()))]
    r, alpha, a, b = most_likely(_cost, scaled, starts, gradient=1e-6 * len(history))
    return BgNbd(r, alpha * unit, a, b)


def _cost(logs: FloatArray, each: _Grouped) -> tuple[float, FloatArray]:
    """The negative log-likelihood and its gradient in the logarithms of r, alpha, a, b."""
    r, alpha, a, b = np.exp(logs)
    x, bought = each.x, each.x > 0
    shape = r + x
    log_age, log_last = np.log(alpha + each.age), np.log(alpha + each.last)
    # Alive until now, or gone right after the last purchase; without repeats only the first.
    alive = -shape * log_age
    before = np.where(bought, b + x - 1, 1.0)
    gone = np.where(bought, np.log(a) - np.log(before) - shape * log_last, -np.inf)
    either = np.logaddexp(alive, gone)
    common = gammaln(shape) - gammaln(r) + r * np.log(alpha) + betaln(a, b + x) - betaln(a, b)
    share_gone = np.exp(gone - either)
    share_alive = 1 - share_gone
    both = digamma(a + b) - digamma(a + b + x)
    slopes = (
        digamma(shape) - digamma(r) + np.log(alpha) - share_alive * log_age - share_gone * log_last,
        r / alpha - shape * (share_alive / (alpha + each.age) + share_gone / (alpha + each.last)),
        both + share_gone / a,
        both + digamma(b + x) - digamma(b) - share_gone / before,
    )
    cost = -float((each.customers * (common + either)).sum())
    gradient = np.array([-(each.customers * one).sum() for one in slopes]) * np.exp(logs)
    return cost, gradient
