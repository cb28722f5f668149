"""Profit: MPC and EMPC for churn."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.stats import beta

from retain.errors import ConfigError
from retain.evaluation.profit import ProfitSettings, empc, mpc


def test_empc_equals_numerical_integration() -> None:
    """The closed form is the integral over the accept rate of the best profit over all thresholds."""
    random = np.random.default_rng(3)
    p = np.round(random.random(60), 1)
    y = (random.random(60) < p).astype(np.int8)
    settings = ProfitSettings(clv=80, incentive_cost=12, contact_cost=2, alpha=3, beta=5)
    caught = np.array([0, *(y[p >= t].mean() * (p >= t).mean() for t in np.unique(p))])
    wasted = np.array([0, *((1 - y[p >= t]).mean() * (p >= t).mean() for t in np.unique(p))])

    def best(rate: float) -> float:
        profit = (rate * (80 - 12) - 2) * caught - (12 + 2) * wasted
        return float(profit.max() * beta(3, 5).pdf(rate))

    expected = sum(quad(best, a / 200, (a + 1) / 200)[0] for a in range(200))
    assert empc(y, p, settings).value == pytest.approx(expected, abs=1e-8)


def test_perfect_order_targets_exactly_the_churners() -> None:
    """With a free contact every churner is worth contacting and nobody else is."""
    y, p = [1, 0, 0, 0], [0.9, 0.3, 0.2, 0.1]
    best = empc(y, p, ProfitSettings(contact_cost=0))
    assert best.targeted_share == pytest.approx(0.25)
    assert best.value == pytest.approx(0.3 * 190 / 4)
    assert mpc(y, p, ProfitSettings(contact_cost=0)).value == pytest.approx(0.3 * 190 / 4)


def test_nobody_is_targeted_where_it_never_pays() -> None:
    """Without churners, or with a contact dearer than a customer, the best campaign is none."""
    assert empc([0, 0], [0.1, 0.9]).value == 0.0
    assert mpc([0, 0], [0.1, 0.9]).targeted_share == 0.0
    dear = ProfitSettings(clv=20, incentive_cost=1, contact_cost=30)
    assert empc([1, 0, 1], [0.9, 0.5, 0.1], dear).targeted_share == 0.0


def test_profit_without_customers_does_not_exist() -> None:
    """There is no profit per customer of nobody."""
    assert math.isnan(empc([], []).value)
    assert math.isnan(mpc([], []).value)


@pytest.mark.parametrize(
    ("settings", "name"),
    [
        ({"clv": 5.0}, "clv"),
        ({"incentive_cost": -1.0}, "incentive_cost"),
        ({"contact_cost": -1.0}, "contact_cost"),
        ({"alpha": 0.0}, "alpha"),
        ({"beta": -2.0}, "beta"),
        ({"clv": math.inf}, "clv"),
    ],
)
def test_settings_that_make_no_sense_are_refused(settings: dict[str, float], name: str) -> None:
    """The message names the setting."""
    with pytest.raises(ConfigError, match=name):
        ProfitSettings(**settings)
