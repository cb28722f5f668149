"""Level and slope over several cutoffs: each customer counts once."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.special import expit, logit

from retain.evaluation.calibration import observed_expected, recalibration
from retain.evaluation.pooled import pooled_level, pooled_slope


def sample(n: int, seed: int, slope: float = 1.0, level: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
    """Outcomes of true probabilities, and predictions off by that slope and level."""
    random = np.random.default_rng(seed)
    truth = random.normal(-0.5, 1.2, n)
    y = (random.random(n) < expit(truth)).astype(np.int8)
    return y, expit((truth - level) / slope)


def test_one_cutoff_gives_the_plain_figures() -> None:
    """Level and slope are those of the report card."""
    y, p = sample(600, 1, slope=1.4)
    who, when = np.arange(600), np.zeros(600, np.int64)
    assert pooled_level(who, y, p).value == pytest.approx(observed_expected(y, p))
    assert pooled_slope(who, when, y, p).value == pytest.approx(recalibration(y, p)[0], abs=1e-7)


def test_the_same_customers_again_tell_nothing_new() -> None:
    """Every row twice, under the same customer, has the interval of every row once."""
    y, p = sample(400, 2)
    who, when = np.arange(400), np.zeros(400, np.int64)
    twice = (np.tile(y, 2), np.tile(p, 2))
    once, again = pooled_level(who, y, p), pooled_level(np.tile(who, 2), *twice)
    assert (again.value, again.low, again.high) == pytest.approx((once.value, once.low, once.high))
    others = pooled_level(np.arange(800), *twice)
    assert others.high - others.low < 0.75 * (once.high - once.low)
    once, again = pooled_slope(who, when, y, p), pooled_slope(np.tile(who, 2), np.repeat([0, 1], 400), *twice)
    assert (again.value, again.low, again.high) == pytest.approx((once.value, once.low, once.high))


def test_cutoffs_of_another_level_leave_the_slope() -> None:
    """A season that lifts one cutoff's level is not taken for timid or bold predictions."""
    y, p = sample(4000, 3)
    later = (np.random.default_rng(4).random(4000) < expit(logit(p) + 2)).astype(np.int8)
    who, when = np.arange(8000), np.repeat([0, 1], 4000)
    found = pooled_slope(who, when, np.concatenate([y, later]), np.tile(p, 2))
    assert found.low < 1 < found.high


def test_intervals_hold_the_truth_as_often_as_they_say() -> None:
    """On 200 samples the 95 % intervals of a true level of 1 and a true slope of 1.3 miss about one time in twenty."""
    levels = slopes = 0
    for seed in range(200):
        y, p = sample(300, 100 + seed)
        level = pooled_level(np.arange(300), y, p)
        levels += level.low <= 1 <= level.high
        y, p = sample(300, 400 + seed, slope=1.3)
        slope = pooled_slope(np.arange(300), np.zeros(300, np.int64), y, p)
        slopes += slope.low <= 1.3 <= slope.high
    assert 180 <= levels <= 199
    assert 180 <= slopes <= 199


def test_the_order_of_rows_changes_no_bit() -> None:
    """Rows come in any order."""
    y, p = sample(500, 5)
    who, when = np.arange(500) % 300, np.arange(500) // 300
    at = np.random.default_rng(6).permutation(500)
    assert pooled_level(who[at], y[at], p[at]) == pooled_level(who, y, p)
    assert pooled_slope(who[at], when[at], y[at], p[at]) == pooled_slope(who, when, y, p)


@pytest.mark.parametrize(
    ("y", "p"),
    [
        ([], []),
        ([0, 1, 0, 1], [0.3] * 4),
        ([0, 0, 1, 1], [0.1, 0.2, 0.8, 0.9]),
        ([0, 0, 0, 0], [0.1, 0.2, 0.8, 0.9]),
    ],
)
def test_slopes_that_do_not_exist_are_not_told(y: list[int], p: list[float]) -> None:
    """Nobody, one probability only, perfect separation, or one class only."""
    found = pooled_slope(np.arange(len(y)), np.zeros(len(y), np.int64), y, p)
    assert all(math.isnan(one) for one in (found.value, found.low, found.high))


def test_levels_that_do_not_exist_are_not_told() -> None:
    """Nobody expected to churn: no level. Nobody churned: a level without an interval."""
    assert math.isnan(pooled_level(np.arange(2), [0, 0], [0.0, 0.0]).value)
    found = pooled_level(np.arange(2), [0, 0], [0.5, 0.5])
    assert found.value == 0
    assert math.isnan(found.high)
