"""The gate between challenger and champion: what a model has to show before `retain score` uses it.

The rules and the figures behind the bounds are in ``docs/decisions/0007-the-gate.md``.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.special import expit

from retain.evaluation.clustered import Ranked, mean_auroc, mean_difference
from retain.modelling import calibration
from retain.timeline import instant_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from retain.evaluation.intervals import Interval
    from retain.evaluation.tally import FloatArray, IntArray
    from retain.modelling.calibration import Calibration
    from retain.modelling.training import LabelArray

MARGIN = 0.003
"""So much AUROC at most may a challenger lose to the champion, and has to show it."""
Z9999 = 3.8905918864131203
"""The standard normal quantile of a two-sided 99.99 % interval: learner and size were chosen on the same cutoffs."""
SLOPES = (0.7, 1.4)
"""Between these the slope of the calibrated log-odds, one for all cutoffs, has to be."""
LEVELS = (2 / 3, 1.5)
"""Between these observed over expected churn, all cutoffs together, has to be."""


@dataclass(frozen=True)
class Predicted:
    """One validation cutoff as the challenger and the champion saw it, each knowing only what was known then.

    Attributes:
        cutoff: the instant of prediction.
        customer: int64, indexes into the store's customers.
        y: what became of them.
        challenger: its log-odds, before calibration.
        champion: those of the present champion; None where there is none to compare with.
    """

    cutoff: int
    customer: IntArray
    y: LabelArray
    challenger: FloatArray
    champion: FloatArray | None


@dataclass(frozen=True)
class Check:
    """One thing that a model has to show.

    Attributes:
        name: one word, for machines.
        passed: whether it does.
        words: what was found and what is asked for, as a sentence.
    """

    name: str
    passed: bool
    words: str


@dataclass(frozen=True)
class Verdict:
    """Whether a model may be the champion, and why.

    Attributes:
        checks: everything that was looked at.
        compared_with: version of the champion at the time; empty where there was none.
    """

    checks: tuple[Check, ...]
    compared_with: str

    @property
    def passed(self) -> bool:
        """Whether nothing is held against the model."""
        return all(one.passed for one in self.checks)

    @property
    def reasons(self) -> tuple[str, ...]:
        """What is held against it, as sentences."""
        return tuple(one.words for one in self.checks if not one.passed)

    def as_dict(self) -> dict[str, Any]:
        """The verdict as JSON values."""
        return {
            "passed": self.passed,
            "compared_with": self.compared_with or None,
            "checks": [asdict(one) for one in self.checks],
            "reasons": list(self.reasons),
        }

    def text(self) -> str:
        """The verdict in one line of JSON, to be kept beside the model."""
        return json.dumps(asdict(self), sort_keys=True, separators=(",", ":"))

    @classmethod
    def of(cls, text: str) -> Verdict:
        """The verdict that ``text`` wrote."""
        kept = json.loads(text)
        return cls(tuple(Check(**one) for one in kept["checks"]), kept["compared_with"])


def fits(misfit: str) -> Check:
    """Whether the model can score the data at hand.

    Args:
        misfit: why it cannot; empty where it can.
    """
    return Check(
        "contract", not misfit, misfit or "It reads what these tables feed, and predicts what is asked for."
    )


def leaks(found: Sequence[str], allowed: Sequence[str]) -> Check:
    """Whether a feature that seemed to know the outcome was accepted by whoever runs this.

    Args:
        found: names of such features when the model was trained.
        allowed: those that the configuration accepts now.
    """
    held = [one for one in found if one not in allowed]
    words = "No feature seems to know the outcome."
    if held:
        words = f"{', '.join(held)} seems to know the outcome, and [training] allow_leaks does not name it."
    elif found:
        words = f"{', '.join(found)} seems to know the outcome, which [training] allow_leaks accepts."
    return Check("leaks", not held, words)


def age(until: int, champion_until: int) -> Check:
    """Whether the model knows no less than the champion.

    Args:
        until: outcomes up to this instant were known to it.
        champion_until: and up to this one to the champion.
    """
    mine, other = instant_text(until), instant_text(champion_until)
    if until >= champion_until:
        return Check("age", passed=True, words=f"It knows outcomes until {mine}, the champion until {other}.")
    return Check(
        "age", passed=False, words=f"It knows outcomes until {mine} only, the champion until {other} already."
    )


def quality(
    cutoffs: Sequence[Predicted],
    calibrated: Calibration,
    where: tuple[str, str] = ("later cutoff", "later cutoffs"),
) -> tuple[Check, ...]:
    """Whether the model puts customers in order, and its probabilities mean what they say.

    Args:
        cutoffs: its predictions.
        calibrated: how they become probabilities.
        where: what one of these predictions is called, and what more are.
    """
    order = mean_auroc([Ranked(one.customer, one.y, one.challenger) for one in cutoffs], Z9999)
    folds = [(one.challenger, one.y) for one in cutoffs]
    z = calibration.left_out(folds, calibrated)
    slope = calibration.shared_slope([(each, y) for each, (_, y) in zip(z, folds, strict=True)])
    churned = sum(int(y.sum()) for _, y in folds)
    level = churned / float(sum(expit(each).sum() for each in z))
    many = f"{len(cutoffs)} {where[len(cutoffs) > 1]}"
    chance = "" if order.low > 0.5 else ", which does not exclude .5: its order may be nothing but chance"
    return (
        Check(
            "order",
            order.low > 0.5,
            f"Mean AUROC at {many} is {_three(order.value)}, 99.99 % interval {_three(order.low)} to {_three(order.high)}{chance}.",
        ),
        _inside("slope", "The slope of its calibrated log-odds", slope, SLOPES),
        _inside("level", "Observed over expected churn", level, LEVELS),
    )


def comparison(cutoffs: Sequence[Predicted]) -> Check:
    """Whether the model was shown to be no worse than the champion on the same customers at the same cutoffs.

    Args:
        cutoffs: the predictions of both.
    """
    first = [Ranked(one.customer, one.y, one.challenger) for one in cutoffs]
    second = [Ranked(one.customer, one.y, one.champion) for one in cutoffs if one.champion is not None]
    ahead = mean_difference(first, second)
    passed = ahead.low >= -MARGIN
    least = "" if passed else f", which does not exclude a loss of more than {MARGIN:.3f}"
    return Check(
        "champion",
        passed,
        f"Its AUROC is {ahead.value:+.4f} against the champion's, 95 % interval {_signed(ahead)}{least}.",
    )


def _inside(name: str, what: str, value: float, bounds: tuple[float, float]) -> Check:
    passed = bounds[0] <= value <= bounds[1]
    outside = "" if passed else ", outside"
    return Check(
        name,
        passed,
        f"{what} is {value:.2f}{outside} (bounds {bounds[0]:.2f} to {bounds[1]:.2f}; 1 is right).",
    )


def _three(value: float) -> str:
    return f"{np.clip(value, 0, 1):.3f}"


def _signed(interval: Interval) -> str:
    # Adding 0.0 turns a rounded -0 into 0.
    return f"{round(interval.low, 4) + 0.0:+.4f} to {round(interval.high, 4) + 0.0:+.4f}"
