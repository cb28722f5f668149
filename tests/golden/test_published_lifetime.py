"""Published values: BG/NBD on CDNOW and its worked customer (Fader, Hardie, Lee 2005), gamma-gamma (2013), two cohorts (2007)."""

from __future__ import annotations

import numpy as np
import pytest

from retain.lifetime.bgnbd import BgNbd
from retain.lifetime.gamma_gamma import GammaGamma, Spending
from retain.lifetime.history import History
from retain.lifetime.sbg import Survival, fit_sbg

CDNOW = BgNbd(r=0.243, alpha=4.414, a=0.793, b=2.426)
"""In weeks; the unit is whatever unit the histories are in."""


def test_worked_customer_of_the_paper() -> None:
    """Two repeats by week 30.43 of 38.86: 1.226 purchases are expected in the next 39 weeks."""
    customer = History(np.array([2]), np.array([30.43]), np.array([38.86]))
    assert CDNOW.expected_purchases(customer, 39.0)[0] == pytest.approx(1.226, abs=5e-4)


def test_probability_of_silence_of_the_worked_customer() -> None:
    """By equation: 1 - .7266 · (1 - (43.274/82.274)^2.243) = .4454 for the next 39 weeks."""
    customer = History(np.array([2]), np.array([30.43]), np.array([38.86]))
    assert CDNOW.no_purchase(customer, 39.0)[0] == pytest.approx(0.4454, abs=5e-5)


def test_probability_of_being_alive_of_the_worked_customer() -> None:
    """By equation: 1 / (1 + .793/3.426 · (43.274/34.844)^2.243) = .7266."""
    customer = History(np.array([2]), np.array([30.43]), np.array([38.86]))
    assert CDNOW.p_alive(customer)[0] == pytest.approx(0.7266, abs=5e-5)


CDNOW_MONEY = GammaGamma(p=6.25, q=3.74, v=15.44)
"""Of the 946 customers with repeat purchases; the fit itself is in ``benchmarks/bench_lifetime.py``."""


def test_mean_purchase_of_the_paper() -> None:
    """By equation: 6.25 · 15.44 / 2.74 = 35.22."""
    assert CDNOW_MONEY.mean == pytest.approx(35.219, abs=5e-4)


def test_mean_purchase_of_a_customer_of_the_paper() -> None:
    """Two repeats of 22.35 on average are expected to go on at 6.25 · (15.44 + 44.70) / (12.5 + 2.74) = 24.66."""
    customer = Spending(np.array([2]), np.array([22.35]))
    assert CDNOW_MONEY.expected_mean(customer)[0] == pytest.approx(24.664, abs=5e-4)


HIGH_END = np.array([0.869, 0.743, 0.653, 0.593, 0.551, 0.517, 0.491])
REGULAR = np.array([0.631, 0.468, 0.382, 0.326, 0.289, 0.262, 0.241])
"""Shares of two cohorts left after 1 to 7 years: Fader, Hardie 2007, "How to project customer retention"."""


@pytest.mark.parametrize(
    ("survival", "alpha", "beta", "held_out"),
    [
        (HIGH_END, 0.668, 3.806, [0.468, 0.445, 0.427, 0.409, 0.394]),
        (REGULAR, 0.704, 1.182, [0.223, 0.207, 0.194, 0.183, 0.173]),
    ],
    ids=["high end", "regular"],
)
def test_cohorts_of_the_paper(survival: np.ndarray, alpha: float, beta: float, held_out: list[float]) -> None:
    """Fitted to seven years, the parameters are the published ones, and five more years come true to two points."""
    found = fit_sbg(Survival.of_cohort(survival))
    assert found.alpha == pytest.approx(alpha, abs=5e-4)
    assert found.beta == pytest.approx(beta, abs=5e-4)
    assert found.survival(np.arange(8, 13.0)) == pytest.approx(np.array(held_out), abs=0.02)
