"""The level of churn through the seasons: how busy a window was, what it explains, and what is not known."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import expit

from retain.labels import ChurnSettings
from retain.modelling.calibration import miss
from retain.modelling.seasons import NOTHING, Moved, Past, Season, Year, learn, proven, shift_at, tried
from retain.timeline import DAY

CHURN = ChurnSettings(active_days=100, horizon_days=50)


def year(*counts: int, churn: ChurnSettings = CHURN) -> Year:
    """Sales at equal distances: so many in each stretch of fifty days, from day 0 on."""
    times = [
        (stretch * 50 + 50 * number / count) * DAY
        for stretch, count in enumerate(counts)
        for number in range(count)
    ]
    return Year(np.array(times, dtype=np.int64), churn)


def test_busyness_is_orders_a_day_in_the_window_over_those_before() -> None:
    """Sixty orders in fifty days after sixty in a hundred: twice as busy."""
    assert year(30, 30, 60).busyness(100 * DAY) == pytest.approx(np.log(2))


def test_a_first_year_lends_its_window_to_the_present() -> None:
    """The window of 365 days ago against the active days before the present cutoff, as nothing is known before it."""
    sold = year(40, 40, 40, 40, 40, 40, 40, 40, 20, 77)
    assert sold.busyness(450 * DAY, 1) == pytest.approx(np.log(40 / 30), abs=0.05)


def test_a_year_that_is_known_whole_is_measured_by_itself() -> None:
    """Half as many orders a year later are no season, when each day has lost as many."""
    sold = year(40, 40, 60, 40, 40, 40, 40, 20, 20, 20)
    assert sold.busyness(465 * DAY, 1) == pytest.approx(np.log(60 / 40), abs=0.05)


@pytest.mark.parametrize(
    ("cutoff", "years"),
    [(90, 0), (400, 1), (200, 0)],
    ids=["history shorter than the active days", "no sales a year before", "nothing sold in the window"],
)
def test_what_is_not_known_is_none(cutoff: int, years: int) -> None:
    """No figure is made up."""
    late = year(0, 30, 30, 30)
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
        cutoffs.append(Past(cutoff * DAY, log_odds, (random.random(40_000) < expit(truth)).astype(np.int8)))
    found = learn(sold, cutoffs)
    assert found is not None
    assert found.intercept == pytest.approx(-0.3, abs=0.05)
    assert found.slope == pytest.approx(-0.8, abs=0.05)


def misses(*churners: int) -> list[Past]:
    """Cutoffs of ten customers of whom nothing was known, and how many of them left."""
    return [
        Past((100 + 50 * place) * DAY, np.zeros(10), (np.arange(10) < count).astype(np.int8))
        for place, count in enumerate(churners)
    ]


def test_a_line_that_rises_or_has_too_few_points_is_none() -> None:
    """Busier shops with more silent customers are no season."""
    sold = year(30, 30, 60, 15, 45, 90, 20)
    assert learn(sold, misses(8, 2, 6)) is None
    assert learn(sold, misses(2, 8, 4)) is not None
    assert learn(sold, misses(2, 8)) is None


def test_what_a_forecast_would_have_brought_is_known_only_with_a_year_before() -> None:
    """A season that comes again is forecast, and the log loss tells; in a first year there is nothing to try."""
    sold = year(30, 30, 60, 15, 45, 90, 20, 30, 30, 60, 15, 45)
    past = misses(2, 8, 4, 3)
    again = Past(515 * DAY, np.zeros(10), (np.arange(10) < 8).astype(np.int8))
    found = tried(sold, past, again)
    assert found is not None
    assert (found.cutoff, found.rows) == (515 * DAY, 10)
    assert found.log_loss == pytest.approx(np.log(2))
    assert found.log_loss_moved != found.log_loss
    assert tried(sold, past, Past(300 * DAY, np.zeros(10), again.y)) is None
    assert proven([found], sold, 565 * DAY) is (found.log_loss_moved < found.log_loss)


def test_past_cutoffs_decide_before_orders_do() -> None:
    """What the log loss says counts, all cutoffs together, whatever the orders of the second year look like."""
    quiet = year(40, 20, 40, 40, 40, 40, 40, 40, 20)
    assert proven([Moved(0, 0.6, 0.5, 100), Moved(1, 0.5, 0.55, 100)], quiet, 430 * DAY) is True
    assert proven([Moved(0, 0.6, 0.59, 100), Moved(1, 0.5, 0.55, 100)], quiet, 430 * DAY) is False


def test_without_a_past_cutoff_the_orders_of_a_second_year_decide() -> None:
    """The stretch from day 365 on is as quiet as the first fifty days were, or as busy as ever."""
    begin = (20, 40, 40, 40, 40, 40, 40)
    again = year(*begin, 40, 20)
    assert again.goes_as_before(425 * DAY) is True
    assert proven([], again, 425 * DAY) is True
    other = year(*begin, 40, 40, 40)
    assert other.goes_as_before(425 * DAY) is False
    assert proven([], other, 425 * DAY) is False


@pytest.mark.parametrize(
    ("sold", "day"),
    [
        (year(30, 30, 30, 30), 200),
        (year(40, 40, 40, 40, 40, 40, 40, 40), 392),
        (year(40, 40, 40, 40, 40, 40, 40), 400),
        (Year(np.empty(0, dtype=np.int64), CHURN), 400),
    ],
    ids=["no second year", "27 days of it", "nothing sold in it", "no order at all"],
)
def test_where_nothing_speaks_for_or_against_is_none(sold: Year, day: int) -> None:
    """Neither past cutoffs nor orders can say whether a season comes again."""
    assert sold.goes_as_before(day * DAY) is None
    assert proven([], sold, day * DAY) is None


def test_a_year_that_is_known_whole_shows_growth_to_be_none_of_its_season() -> None:
    """Half as many orders as before, with the same stretch half as busy as its own past: the season came again."""
    sold = year(80, 80, 80, 40, 80, 80, 80, 40, 40, 40, 20, 40, 40)
    assert sold.goes_as_before(550 * DAY) is True


@given(st.floats(-3, 3), st.floats(-3, -0.01), st.floats(-2, 2), st.floats(-1, 1))
def test_an_unproven_season_moves_no_further_than_it_may_and_never_down(
    intercept: float, slope: float, busy: float, least: float
) -> None:
    """Up to its limit it moves as a proven one does, where that is upwards."""
    found = Season(intercept, slope, least).shift(busy)
    assert found == max(0.0, Season(intercept, slope).shift(max(busy, least)))
    assert Season(intercept, slope, least).shift(None) == 0


def test_an_unproven_line_is_followed_as_far_below_as_it_reaches() -> None:
    """Of a company that grows, the year before is quieter than anything that it has seen, season or not."""
    sold = year(30, 30, 60, 15, 45, 90, 20)
    past = misses(2, 8, 4, 3)
    busy = [found for one in past if (found := sold.busyness(one.cutoff)) is not None]
    learned, unproven = learn(sold, past), learn(sold, past, proven=False)
    assert learned is not None
    assert unproven is not None
    assert learned.proven
    assert not unproven.proven
    assert (unproven.intercept, unproven.slope) == (learned.intercept, learned.slope)
    assert unproven.least == pytest.approx(min(busy) - (max(busy) - min(busy)))


def test_a_window_that_the_data_begin_in_counts_its_unseen_days_as_usual() -> None:
    """Of the window's fifty days a year before 31 are seen, and as many were sold as ever; of 16 nothing is said."""
    sold = year(30, 30, 30, 30, 30, 30, 30, 30)
    late = Year(sold.sales + 5 * DAY, CHURN)
    assert late.busyness(350 * DAY, 1) == pytest.approx(0, abs=0.05)
    assert late.busyness(335 * DAY, 1) is None


def test_parts_of_the_customers_add_up() -> None:
    """Whatever the parts, the season of all is the same; where there is none, nobody is counted."""
    sold = year(40, 40, 40, 40, 40, 40, 40, 40, 20, 20, 77)
    cutoff, season = 500 * DAY, Season(0.1, -1.2)
    whole = shift_at(season, [sold.around(cutoff, 1)], CHURN, cutoff)
    parts = [Year(sold.sales[which::3], CHURN).around(cutoff, 1) for which in range(3)]
    assert shift_at(season, [*parts, NOTHING], CHURN, cutoff) == whole != 0
    assert shift_at(None, iter([]), CHURN, cutoff) == 0


def test_nothing_known_of_the_year_before_shifts_nothing() -> None:
    """An unknown season is no season."""
    assert Season(0.4, -1.0).shift(None) == 0.0


def test_a_season_kept_as_json_is_the_same() -> None:
    """All that it says comes back."""
    for season in (Season(0.4, -1.0), Season(0.4, -1.0, least=-0.3)):
        assert Season.from_dict(season.as_dict()) == season


@given(st.lists(st.tuples(st.floats(-9, 9), st.booleans()), min_size=2, max_size=40))
def test_what_was_missed_makes_the_expected_churn_the_observed(rows: list[tuple[float, bool]]) -> None:
    """Added to the log-odds, the miss leaves no difference."""
    log_odds = np.array([one for one, _ in rows])
    y = np.array([one for _, one in rows], dtype=np.int8)
    y[0], y[1] = 0, 1
    assert expit(log_odds + miss(log_odds, y)).sum() == pytest.approx(float(y.sum()), abs=1e-6)
