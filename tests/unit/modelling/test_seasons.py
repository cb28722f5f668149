"""The level of churn through the seasons: how busy a window was, what it explains, and what is not known."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import expit

from retain.labels import ChurnSettings
from retain.modelling.calibration import miss
from retain.modelling.seasons import Season, Year, learn
from retain.timeline import DAY

CHURN = ChurnSettings(active_days=100, horizon_days=50)


def year(*counts: int, churn: ChurnSettings = CHURN) -> Year:
    """Sales at equal distances: so many in each stretch of fifty days, from day 0 on."""
    times = [
        (stretch * 50 + 50 * number / count) * DAY
        for stretch, count in enumerate(counts)
        for number in range(count)
    ]
    return Year(np.array(times, dtype=np.int64), 0, churn)


def test_busyness_is_orders_a_day_in_the_window_over_those_before() -> None:
    """Sixty orders in fifty days after sixty in a hundred: twice as busy."""
    assert year(30, 30, 60).busyness(100 * DAY) == pytest.approx(np.log(2))


def test_the_year_before_lends_its_window_to_the_present() -> None:
    """The window of 365 days ago against the active days before the present cutoff."""
    sold = year(40, 40, 40, 40, 40, 40, 40, 40, 20, 20, 77)
    assert sold.busyness(500 * DAY, 1) == pytest.approx(np.log(40 / 20), abs=0.05)


@pytest.mark.parametrize(
    ("cutoff", "years"),
    [(90, 0), (400, 1), (200, 0)],
    ids=["history shorter than the active days", "no sales a year before", "nothing sold in the window"],
)
def test_what_is_not_known_is_none(cutoff: int, years: int) -> None:
    """No figure is made up."""
    late = Year(year(0, 30, 30, 30).sales[:90], 50 * DAY, CHURN)
    assert late.busyness(cutoff * DAY, years) is None


def test_a_lead_time_moves_the_window() -> None:
    """The label window begins after the lead time."""
    sold = year(30, 30, 10, 60, churn=ChurnSettings(active_days=100, horizon_days=50, lead_days=50))
    assert sold.busyness(100 * DAY) == pytest.approx(np.log(2))


def test_the_line_is_found_again() -> None:
    """Misses that follow how busy each window was give back what they were made with."""
    sold = year(30, 30, 60, 15, 45, 90, 20)
    random = np.random.default_rng(3)
    cutoffs = []
    for cutoff in (100, 150, 200, 250):
        log_odds = random.normal(size=40_000)
        truth = log_odds + Season(-0.3, -0.8).shift(sold.busyness(cutoff * DAY))
        cutoffs.append((cutoff * DAY, log_odds, (random.random(40_000) < expit(truth)).astype(np.int8)))
    found = learn(sold, cutoffs)
    assert found is not None
    assert found.intercept == pytest.approx(-0.3, abs=0.05)
    assert found.slope == pytest.approx(-0.8, abs=0.05)


def test_a_line_that_rises_or_has_too_few_points_is_none() -> None:
    """Busier shops with more silent customers are no season."""
    sold = year(30, 30, 60, 15, 45, 90, 20)
    rises = [
        (cutoff * DAY, np.zeros(10), np.arange(10, dtype=np.int64) < churners)
        for cutoff, churners in ((100, 8), (150, 2), (200, 6))
    ]
    falls = [(cutoff, log_odds, ~y) for cutoff, log_odds, y in rises]
    as_labels = [(cutoff, log_odds, y.astype(np.int8)) for cutoff, log_odds, y in rises]
    assert learn(sold, as_labels) is None
    as_labels = [(cutoff, log_odds, y.astype(np.int8)) for cutoff, log_odds, y in falls]
    assert learn(sold, as_labels) is not None
    assert learn(sold, as_labels[:2]) is None


def test_nothing_known_of_the_year_before_shifts_nothing() -> None:
    """An unknown season is no season."""
    assert Season(0.4, -1.0).shift(None) == 0.0


def test_a_season_kept_as_json_is_the_same() -> None:
    """Both numbers come back."""
    assert Season.from_dict(Season(0.4, -1.0).as_dict()) == Season(0.4, -1.0)


@given(st.lists(st.tuples(st.floats(-9, 9), st.booleans()), min_size=2, max_size=40))
def test_what_was_missed_makes_the_expected_churn_the_observed(rows: list[tuple[float, bool]]) -> None:
    """Added to the log-odds, the miss leaves no difference."""
    log_odds = np.array([one for one, _ in rows])
    y = np.array([one for _, one in rows], dtype=np.int8)
    y[0], y[1] = 0, 1
    assert expit(log_odds + miss(log_odds, y)).sum() == pytest.approx(float(y.sum()), abs=1e-6)
