"""Laws that hold of every score on every set of customers."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from retain.evaluation.calibration import ece, reliability
from retain.evaluation.card import METRICS, measure
from retain.evaluation.delong import compare
from retain.evaluation.profit import ProfitSettings, empc, mpc
from retain.evaluation.ranking import auroc, average_precision, deciles, gain_curve, lift_at, roc_points
from retain.evaluation.wilson import wilson

ROWS = st.lists(st.tuples(st.integers(0, 1), st.integers(0, 20)), min_size=1, max_size=60)
"""Labels and scores in twentieths: ties are frequent."""
MONEY = st.builds(
    ProfitSettings,
    clv=st.floats(50, 500),
    incentive_cost=st.floats(0, 49),
    contact_cost=st.floats(0, 60),
    alpha=st.floats(0.5, 20),
    beta=st.floats(0.5, 20),
)


def arrays(rows: list[tuple[int, int]]) -> tuple[np.ndarray, np.ndarray]:
    """The labels and probabilities of the drawn rows."""
    return np.array([y for y, _ in rows], np.int8), np.array([p / 20 for _, p in rows])


@given(ROWS)
def test_auroc_is_the_share_of_pairs_won(rows: list[tuple[int, int]]) -> None:
    """It equals counting all pairs of a churner and a stayer, ties as one half."""
    y, p = arrays(rows)
    pairs = [(a > b) + (a == b) / 2 for a in p[y == 1] for b in p[y == 0]]
    assert auroc(y, p) == pytest.approx(np.mean(pairs) if pairs else math.nan, nan_ok=True)


@given(ROWS)
def test_metrics_of_order_see_order_only(rows: list[tuple[int, int]]) -> None:
    """A strictly rising map of the score changes none of them, bit for bit."""
    y, p = arrays(rows)
    bent = np.expm1(3 * p) / 100
    for metric in (auroc, average_precision, lambda y, p: lift_at(y, p, 0.1), lambda y, p: empc(y, p).value):
        assert np.array_equal(metric(y, p), metric(y, bent), equal_nan=True)


@given(ROWS)
def test_turning_the_score_round_turns_the_auroc_round(rows: list[tuple[int, int]]) -> None:
    """Of a score and its opposite, one wins the pairs that the other loses."""
    y, p = arrays(rows)
    assert auroc(y, p) + auroc(y, -p) == pytest.approx(1.0 if 0 < y.sum() < len(y) else math.nan, nan_ok=True)


@settings(max_examples=25, deadline=None)
@given(ROWS, st.randoms(use_true_random=False))
def test_row_order_changes_nothing(rows: list[tuple[int, int]], random: Any) -> None:
    """The whole card, intervals included, is the same bit for bit, and so is a comparison."""
    y, p = arrays(rows)
    other = np.sin(50 * p)
    at = list(range(len(rows)))
    random.shuffle(at)
    card = measure(y, p, seed=1, resamples=15)
    assert repr(measure(y[at], p[at], seed=1, resamples=15)) == repr(card)
    assert repr(compare(y[at], p[at], other[at])) == repr(compare(y, p, other))


@given(ROWS, st.integers(1, 12))
def test_ece_is_a_distance_of_rates(rows: list[tuple[int, int]], bins: int) -> None:
    """It lies in [0, 1], and one bin leaves only the distance of the means."""
    y, p = arrays(rows)
    assert 0 <= ece(y, p, bins) <= 1
    assert ece(y, p, 1) == pytest.approx(abs(y.mean() - p.mean()))


@given(ROWS, st.integers(1, 12))
def test_bands_partition_the_rows(rows: list[tuple[int, int]], bins: int) -> None:
    """Every customer is in exactly one decile and in exactly one reliability bin."""
    y, p = arrays(rows)
    table = deciles(y, p, bins)
    assert sum(band.n for band in table) == sum(one.n for one in reliability(y, p, bins)) == len(rows)
    assert sum(band.churned for band in table) == y.sum()
    assert len({band.rank for band in table}) == len(table) <= bins
    for band in table:
        inside = (p >= band.lowest_score) & (p <= band.highest_score)
        assert inside.sum() == band.n
        assert y[inside].sum() == band.churned


@given(ROWS)
def test_curves_rise_from_nobody_to_everybody(rows: list[tuple[int, int]]) -> None:
    """Gain and ROC curves never fall and end at all churners."""
    y, p = arrays(rows)
    gain = [point.captured for point in gain_curve(y, p)]
    assert gain == sorted(gain)
    assert [gain[0], gain[-1]] == pytest.approx([0.0, 1.0]) if y.any() else gain == []
    if 0 < y.sum() < len(y):
        false_rate, true_rate = roc_points(y, p)
        # The area under the points is the AUROC.
        assert np.trapezoid(true_rate, false_rate) == pytest.approx(auroc(y, p))


@given(ROWS, MONEY)
def test_empc_is_at_least_what_any_threshold_earns(
    rows: list[tuple[int, int]], money: ProfitSettings
) -> None:
    """Choosing the threshold after the accept rate is known beats, or equals, any fixed threshold, and doing nothing."""
    y, p = arrays(rows)
    best = empc(y, p, money)
    assert best.value >= 0
    assert 0 <= best.targeted_share <= 1
    fixed = []
    for threshold in np.unique(p):
        target = p >= threshold
        kept = money.accept_rate * (money.clv - money.incentive_cost) - money.contact_cost
        waste = money.incentive_cost + money.contact_cost
        fixed.append((kept * (target & (y == 1)).sum() - waste * (target & (y == 0)).sum()) / len(y))
    assert best.value >= max(fixed) - 1e-9
    assert mpc(y, p, money).value == pytest.approx(max([0.0, *fixed]))


@settings(max_examples=25, deadline=None)
@given(ROWS, st.integers(0, 5))
def test_intervals_hold_their_figures(rows: list[tuple[int, int]], seed: int) -> None:
    """An interval exists only with its figure, and the figure lies in it."""
    card = measure(*arrays(rows), seed=seed, resamples=15)
    for name in METRICS:
        one = card.interval(name)
        if math.isnan(one.value):
            assert math.isnan(one.low)
            assert math.isnan(one.high)
        else:
            assert math.isnan(one.low) == math.isnan(one.high)
            assert not one.low > one.value
            assert not one.value > one.high


@given(st.integers(0, 50), st.integers(1, 50))
def test_wilson_interval_holds_the_share_and_stays_inside(hits: int, more: int) -> None:
    """Whatever the counts."""
    low, high = wilson(hits, hits + more)
    assert 0 <= low <= hits / (hits + more) <= high <= 1
