"""What customers will bring: rhythm times money, discounted."""

from __future__ import annotations

import numpy as np
import pytest

from retain.lifetime.bgnbd import BgNbd
from retain.lifetime.forecast import Forecast, fit_forecast
from retain.lifetime.gamma_gamma import GammaGamma, Spending
from retain.lifetime.history import History

RHYTHM = BgNbd(r=0.8, alpha=20.0, a=0.7, b=2.5)
MONEY = GammaGamma(p=4.0, q=3.5, v=30.0)
WHO = History(np.array([0, 4, 9]), np.array([0, 50.0, 300.0]), np.array([30.0, 60.0, 310.0]))
SPENT = Spending(np.array([1, 5, 10]), np.array([20.0, 30.0, 80.0]))


def test_without_discount_it_is_purchases_times_their_mean() -> None:
    """Less what is sent back, whether the horizon is whole steps or not."""
    forecast = Forecast(RHYTHM, MONEY, kept_share=0.9)
    for days in (10, 30, 365):
        bought = RHYTHM.expected_purchases(WHO, days) * MONEY.expected_mean(SPENT) * 0.9
        assert forecast.revenue(WHO, SPENT, days, 0.0) == pytest.approx(bought)
        kept = RHYTHM.expected_purchases_if_kept(WHO, days, 90) * MONEY.expected_mean(SPENT) * 0.9
        assert forecast.revenue_if_kept(WHO, SPENT, days, 0.0, 90) == pytest.approx(kept)


def test_discount_is_by_steps_of_thirty_days() -> None:
    """Two steps, worked out by hand."""
    forecast = Forecast(RHYTHM, MONEY, kept_share=1.0)
    first, both = (RHYTHM.expected_purchases(WHO, days) for days in (30, 45))
    by_hand = (first / 1.2 ** (30 / 365) + (both - first) / 1.2 ** (45 / 365)) * MONEY.expected_mean(SPENT)
    assert forecast.revenue(WHO, SPENT, 45, 0.2) == pytest.approx(by_hand)


def test_who_stays_brings_more_and_more_with_time() -> None:
    """Whoever is known to buy again is worth more than whoever may; a longer horizon brings more, a discount less."""
    forecast = Forecast(RHYTHM, MONEY, kept_share=1.0)
    assert (forecast.revenue_if_kept(WHO, SPENT, 365, 0.1, 90) > forecast.revenue(WHO, SPENT, 365, 0.1)).all()
    values = [forecast.revenue_if_kept(WHO, SPENT, days, 0.1, 90) for days in (30, 90, 200, 365)]
    assert (np.diff(values, axis=0) > 0).all()
    assert (forecast.revenue(WHO, SPENT, 365, 0.1) < forecast.revenue(WHO, SPENT, 365, 0.0)).all()


def test_a_forecast_comes_back_from_its_json() -> None:
    """With every digit."""
    forecast = Forecast(RHYTHM, MONEY, kept_share=1 / 3)
    assert Forecast.of(forecast.as_dict()) == forecast


def test_it_is_learned_from_enough_customers_only() -> None:
    """Nobody who came back, or too few who paid, teach nothing."""
    many = np.arange(12)
    history = History(many % 3, np.array([0, 10.0, 20.0] * 4), np.full(12, 90.0))
    spent = Spending(many % 3 + 1, np.linspace(5.0, 16.0, 12))
    found = fit_forecast(history, spent, 1.0)
    assert found is not None
    assert found.kept_share == 1
    alone = History(np.zeros(12, np.int64), np.zeros(12), np.full(12, 90.0))
    assert fit_forecast(alone, spent, 1.0) is None
    assert fit_forecast(history, spent.of(np.arange(5)), 1.0) is None


@pytest.mark.parametrize("share", [-0.1, 1.1, float("nan")])
def test_a_share_that_is_none_is_refused(share: float) -> None:
    """When the forecast is made."""
    with pytest.raises(ValueError, match="which is no share"):
        Forecast(RHYTHM, MONEY, share)
