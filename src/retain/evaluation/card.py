"""The report card of a score: every metric with its interval, the lift table and the curves."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from retain.evaluation.calibration import (
    ReliabilityBin,
    brier_each,
    ece_each,
    log_loss_each,
    observed_expected_each,
    probabilities,
    recalibration_each,
    reliability_bins,
)
from retain.evaluation.intervals import Interval, bootstrap
from retain.evaluation.profit import PAPER, ProfitSettings, campaigns_each
from retain.evaluation.ranking import (
    Decile,
    GainPoint,
    auroc_each,
    average_precision_each,
    decile_table,
    gain_points,
    lift_each,
)
from retain.evaluation.tally import ratio
from retain.evaluation.worth import worth

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from retain.evaluation.tally import FloatArray, Tally

METRICS = (
    "auroc",
    "average_precision",
    "brier",
    "log_loss",
    "ece",
    "calibration_slope",
    "calibration_intercept",
    "observed_expected",
    "lift_at_10",
    "empc",
    "mpc",
    "value_lift_at_10",
    "value_at_risk_lift_at_10",
    "savings",
)
"""The metrics that carry an interval, in the order they are shown."""
_UNKNOWN = Interval(math.nan, math.nan, math.nan)


@dataclass(frozen=True)
class Measures:
    """How good one score was on one set of customers. NaN is a metric that does not exist there.

    Attributes:
        n: customers.
        churn_rate: share of them who churned.
        auroc: order: chance that a churner ranks above a stayer.
        average_precision: order: mean precision over the churners.
        brier: mean squared error of the probability.
        log_loss: mean surprise in nats.
        ece: mean distance of predicted and observed rates.
        calibration_slope: 1 is right, below 1 too extreme.
        calibration_intercept: 0 is right.
        observed_expected: churners observed for each one expected.
        lift_at_10: churners among the riskiest 10 % against chance.
        empc: expected profit per customer of the best campaign, the accept rate being uncertain.
        mpc: profit per customer of the best campaign, the accept rate being its mean.
        value_lift_at_10: value of churners among the riskiest 10 % against chance.
        value_at_risk_lift_at_10: the same among the 10 % with the highest probability times value.
        savings: share of the cost of treating all alike that contacting whom it pays to contact saves.
        targeted_share: share of customers that the campaign of ``empc`` contacts.
        contacted_share: share of customers whom it pays to contact, as ``savings`` counts.
        deciles: the lift table, riskiest first.
        reliability: predicted against observed, lowest first.
        gain: the gain curve in steps of 5 %.
        value_gain: the same of the churners' value; empty where no value is known.
        value_at_risk_gain: the same in order of probability times value.
    """

    n: int
    churn_rate: float
    auroc: Interval
    average_precision: Interval
    brier: Interval
    log_loss: Interval
    ece: Interval
    calibration_slope: Interval
    calibration_intercept: Interval
    observed_expected: Interval
    lift_at_10: Interval
    empc: Interval
    mpc: Interval
    value_lift_at_10: Interval
    value_at_risk_lift_at_10: Interval
    savings: Interval
    targeted_share: float
    contacted_share: float
    deciles: tuple[Decile, ...]
    reliability: tuple[ReliabilityBin, ...]
    gain: tuple[GainPoint, ...]
    value_gain: tuple[GainPoint, ...]
    value_at_risk_gain: tuple[GainPoint, ...]

    def interval(self, name: str) -> Interval:
        """One of the metrics by its name."""
        one: Interval = getattr(self, name)
        return one

    def as_dict(self) -> dict[str, Any]:
        """The card as JSON shows it: what does not exist is None."""
        card: dict[str, Any] = {"n": self.n, "churn_rate": _json(self.churn_rate)}
        for name in METRICS:
            card[name] = _json(self.interval(name).value)
        card["auroc"] = _json(asdict(self.auroc))
        card["targeted_share"] = _json(self.targeted_share)
        card["contacted_share"] = _json(self.contacted_share)
        card["intervals"] = {
            name: _json({"low": self.interval(name).low, "high": self.interval(name).high})
            for name in METRICS
        }
        for name in ("deciles", "reliability", "gain", "value_gain", "value_at_risk_gain"):
            card[name] = [_json(asdict(one)) for one in getattr(self, name)]
        return card


def measure(
    y: npt.NDArray[np.int8],
    p: npt.NDArray[np.float64],
    *,
    seed: int,
    resamples: int = 500,
    profit: ProfitSettings = PAPER,
    value: npt.NDArray[np.float64] | None = None,
) -> Measures:
    """The report card of one score.

    Args:
        y: 1 where the customer churned, 0 where not.
        p: predicted probabilities.
        seed: of the resamples behind the intervals; neither row order nor anything else changes them.
        resamples: how many.
        profit: the assumptions behind EMPC, MPC and savings.
        value: what each customer brings if kept; None where it is not known, and then nothing is told that needs it.

    Raises:
        ValueError: the arrays do not pair up, a label is not 0 or 1, a probability is outside [0, 1], or a value is
            negative or not finite.

    >>> import numpy as np
    >>> card = measure(np.array([0, 0, 1, 1], np.int8), np.array([0.1, 0.4, 0.35, 0.8]), seed=1, resamples=50)
    >>> card.auroc.value, card.churn_rate
    (0.75, 0.5)
    """
    sample = probabilities(y, p)
    found = bootstrap(sample, lambda drawn: _metrics(drawn, profit), seed=seed, resamples=resamples)
    size = int(sample.size[0])
    money = None
    if value is not None:
        money = worth(y, p, value, seed=seed, resamples=resamples, settings=profit)
    return Measures(
        n=size,
        churn_rate=float(ratio(sample.churners[0], size)),
        targeted_share=float(campaigns_each(sample, profit).empc_share[0]),
        contacted_share=math.nan if money is None else money.contacted_share,
        deciles=decile_table(sample),
        reliability=reliability_bins(sample),
        gain=gain_points(sample),
        value_gain=() if money is None else money.by_probability,
        value_at_risk_gain=() if money is None else money.by_value_at_risk,
        value_lift_at_10=_UNKNOWN if money is None else money.value_lift_at_10,
        value_at_risk_lift_at_10=_UNKNOWN if money is None else money.value_at_risk_lift_at_10,
        savings=_UNKNOWN if money is None else money.savings,
        **found,
    )


def _metrics(samples: Tally, profit: ProfitSettings) -> dict[str, FloatArray]:
    slope, intercept = recalibration_each(samples)
    best = campaigns_each(samples, profit)
    return {
        "auroc": auroc_each(samples),
        "average_precision": average_precision_each(samples),
        "brier": brier_each(samples),
        "log_loss": log_loss_each(samples),
        "ece": ece_each(samples),
        "calibration_slope": slope,
        "calibration_intercept": intercept,
        "observed_expected": observed_expected_each(samples),
        "lift_at_10": lift_each(samples, 0.1),
        "empc": best.empc,
        "mpc": best.mpc,
    }


def _json(value: Any) -> Any:
    """The same value with None for every NaN or infinity, which JSON cannot write."""
    if isinstance(value, dict):
        return {name: _json(one) for name, one in value.items()}
    return None if isinstance(value, float) and not math.isfinite(value) else value
