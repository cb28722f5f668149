"""The mean AUROC over several cutoffs at which the same customers occur again, and paired differences of it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from retain.evaluation.intervals import Interval
from retain.evaluation.tally import ranks, tally
from retain.evaluation.wilson import Z95

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from retain.evaluation.tally import FloatArray, IntArray


@dataclass(frozen=True)
class Ranked:
    """Customers ranked by a score at one cutoff.

    Attributes:
        customer: who, each once.
        y: 1 where they churned, 0 where not; both occur twice at least.
        score: higher for riskier.
    """

    customer: IntArray
    y: npt.NDArray[np.int8]
    score: FloatArray

    def __post_init__(self) -> None:
        """Refuse what has no AUROC with a spread, and customers who occur twice."""
        sample = tally(self.y, self.score)
        if self.customer.shape != self.y.shape or len(np.unique(self.customer)) != len(self.customer):
            raise ValueError("a customer occurs twice, or customers and scores do not pair up")
        if min(sample.churners[0], sample.stayers[0]) < 2:
            raise ValueError("two of either class are the least")


def mean_auroc(cutoffs: Sequence[Ranked], z: float = Z95) -> Interval:
    """The mean of the cutoffs' AUROCs, with an interval that counts a customer once.

    Formula: each row's part in the AUROC, ``(share of the other class that it is right of - AUROC) / #own class``,
    is added up over a customer's rows, divided by the number of cutoffs; the variance is the sum of squares over
    customers, with DeLong's ``n / (n - 1)`` for each class. For one cutoff that is DeLong's variance.

    Source: Obuchowski 1997, Biometrics 53:567-578; DeLong, DeLong, Clarke-Pearson 1988, Biometrics 44:837-845.

    Args:
        cutoffs: one a cutoff, one at least.
        z: the interval's half width in standard errors.

    >>> import numpy as np
    >>> one = Ranked(np.arange(6), np.array([0, 0, 1, 0, 1, 1], np.int8), np.array([0.1, 0.2, 0.3, 0.4, 0.5, 0.6]))
    >>> once, again = mean_auroc([one]), mean_auroc([one, one])
    >>> round(once.value, 3), once == again
    (0.889, True)
    """
    value, who, parts = _parts(cutoffs)
    return _interval(value, who, parts, z)


def mean_difference(first: Sequence[Ranked], second: Sequence[Ranked], z: float = Z95) -> Interval:
    """How far the first score's mean AUROC is above the second's, for the same customers at the same cutoffs.

    Formula and source: as ``mean_auroc``, with the difference of a row's two parts. What both scores share cancels.

    Args:
        first: one a cutoff.
        second: the same customers and outcomes in the same order, with another score.
        z: the interval's half width in standard errors.

    Raises:
        ValueError: the two are not about the same.

    >>> import numpy as np
    >>> who, y = np.arange(6), np.array([0, 0, 1, 0, 1, 1], np.int8)
    >>> a = Ranked(who, y, np.array([0.1, 0.2, 0.3, 0.4, 0.5, 0.6]))
    >>> b = Ranked(who, y, np.array([0.3, 0.2, 0.1, 0.4, 0.5, 0.6]))
    >>> round(mean_difference([a], [b]).value, 3), mean_difference([a], [a]).high
    (0.222, 0.0)
    """
    for one, other in zip(first, second, strict=True):
        if not (np.array_equal(one.customer, other.customer) and np.array_equal(one.y, other.y)):
            raise ValueError("the two scores are not of the same customers with the same outcomes")
    value, who, parts = _parts(first)
    beside, _, against = _parts(second)
    return _interval(value - beside, who, parts - against, z)


def _parts(cutoffs: Sequence[Ranked]) -> tuple[float, IntArray, FloatArray]:
    """The mean AUROC, and every row's customer and part in it."""
    values, who, parts = [], [], []
    for one in cutoffs:
        # One fixed order of rows: sums of rounded numbers depend on it.
        order = np.argsort(one.customer)
        churned, score = one.y[order] == 1, one.score[order] + 0.0
        place = ranks(score)
        count = np.where(churned, churned.sum(), (~churned).sum()).astype(np.float64)
        right_of = np.empty(len(score))
        right_of[churned] = place[churned] - ranks(score[churned])
        right_of[~churned] = churned.sum() - (place[~churned] - ranks(score[~churned]))
        share = right_of / (len(score) - count)
        values.append(float(share[churned].mean()))
        who.append(one.customer[order])
        parts.append((share - values[-1]) / np.sqrt(count * (count - 1)) / len(cutoffs))
    return float(np.mean(values)), np.concatenate(who), np.concatenate(parts)


def _interval(value: float, who: IntArray, parts: FloatArray, z: float) -> Interval:
    _, position = np.unique(who, return_inverse=True)
    variance = float((np.bincount(position, weights=parts) ** 2).sum())
    reach = z * (math.sqrt(variance) if variance > 1e-18 else 0.0)
    return Interval(value, value - reach, value + reach)
