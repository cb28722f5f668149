"""The report card and its JSON."""

from __future__ import annotations

import json
import math
from dataclasses import fields

import numpy as np
import pytest

from retain.evaluation.calibration import brier, ece, log_loss, observed_expected, recalibration
from retain.evaluation.card import METRICS, Measures, measure
from retain.evaluation.intervals import Interval
from retain.evaluation.profit import ProfitSettings, empc, mpc
from retain.evaluation.ranking import auroc, average_precision, lift_at
from retain.evaluation.worth import savings, value_lift


def sample(n: int) -> tuple[np.ndarray, np.ndarray]:
    """Calibrated probabilities."""
    random = np.random.default_rng(1)
    p = random.beta(1, 3, n)
    return (random.random(n) < p).astype(np.int8), p


def test_card_holds_what_the_single_metrics_say() -> None:
    """Every figure of the card is the one that its own function gives."""
    y, p = sample(400)
    profit = ProfitSettings(clv=120, incentive_cost=20)
    value = np.random.default_rng(2).lognormal(4, 1, 400)
    card = measure(y, p, seed=1, resamples=60, profit=profit, value=value)
    slope, intercept = recalibration(y, p)
    alone = {
        "auroc": auroc(y, p),
        "average_precision": average_precision(y, p),
        "brier": brier(y, p),
        "log_loss": log_loss(y, p),
        "ece": ece(y, p),
        "calibration_slope": slope,
        "calibration_intercept": intercept,
        "observed_expected": observed_expected(y, p),
        "lift_at_10": lift_at(y, p, 0.1),
        "empc": empc(y, p, profit).value,
        "mpc": mpc(y, p, profit).value,
        "value_lift_at_10": value_lift(y, p, value, 0.1),
        "value_at_risk_lift_at_10": value_lift(y, p * value, value, 0.1),
        "savings": savings(y, p, value, profit).value,
    }
    assert {name: card.interval(name).value for name in METRICS} == alone
    assert card.targeted_share == empc(y, p, profit).targeted_share
    assert card.contacted_share == savings(y, p, value, profit).contacted_share
    assert len(card.value_gain) == len(card.value_at_risk_gain) == 21
    assert all(card.interval(name).low < card.interval(name).high for name in METRICS)
    assert (card.n, card.churn_rate) == (400, y.mean())


def test_every_interval_of_the_card_is_a_metric() -> None:
    """The list of metrics and the card's fields are the same."""
    assert tuple(one.name for one in fields(Measures) if one.type == Interval.__name__) == METRICS


def test_json_has_the_promised_shape() -> None:
    """AUROC as value, low, high; the others as plain numbers with their intervals beside them."""
    card = json.loads(json.dumps(measure(*sample(200), seed=1, resamples=20).as_dict(), allow_nan=False))
    promised = {"n", "churn_rate", "average_precision", "brier", "log_loss", "ece", "calibration_slope"}
    promised |= {"calibration_intercept", "lift_at_10", "empc", "observed_expected", "targeted_share"}
    assert all(isinstance(card[name], float | int) for name in promised)
    assert set(card["auroc"]) == {"value", "low", "high"}
    assert set(card["intervals"]) == set(METRICS)
    assert all(set(one) == {"low", "high"} for one in card["intervals"].values())
    assert card["intervals"]["brier"]["low"] <= card["brier"] <= card["intervals"]["brier"]["high"]
    assert len(card["deciles"]) == len(card["reliability"]) == 10
    assert card["gain"][-1] == {"share": 1.0, "captured": 1.0}


@pytest.mark.parametrize("y", [[], [0], [1], [0, 0, 0], [1, 1, 1]])
def test_metrics_that_do_not_exist_are_null_and_nothing_fails(y: list[int]) -> None:
    """Without both classes there is no AUROC and no recalibration; the rest is still told."""
    card = measure(np.array(y, np.int8), np.linspace(0.2, 0.7, len(y)), seed=1, resamples=20)
    assert math.isnan(card.auroc.value)
    told = json.loads(json.dumps(card.as_dict(), allow_nan=False))
    assert told["auroc"] == {"value": None, "low": None, "high": None}
    assert told["calibration_slope"] is None
    assert told["intervals"]["calibration_slope"] == {"low": None, "high": None}
    assert (told["brier"] is None) == (not y)


def test_resamples_that_lack_a_class_do_not_count() -> None:
    """With a single churner many resamples have none; the interval rests on the others."""
    y = np.array([1, *[0] * 9], np.int8)
    card = measure(y, np.linspace(0.9, 0.1, 10), seed=1, resamples=100)
    assert card.auroc == Interval(1.0, 1.0, 1.0)


def test_without_values_nothing_is_told_by_value() -> None:
    """Where no customer's value is known lift by value and savings are null, never 0."""
    card = measure(*sample(200), seed=1, resamples=20).as_dict()
    for name in ("value_lift_at_10", "value_at_risk_lift_at_10", "savings", "contacted_share"):
        assert card[name] is None
    assert card["value_gain"] == card["value_at_risk_gain"] == []
