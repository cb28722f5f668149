"""Calibration: Brier score, log loss, ECE, recalibration line, O/E, reliability bins, Wilson intervals."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.special import expit, logit
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import brier_score_loss
from sklearn.metrics import log_loss as sklearn_log_loss

from retain.evaluation.calibration import brier, ece, log_loss, observed_expected, recalibration, reliability
from retain.evaluation.wilson import wilson


def sample(seed: int, n: int, slope: float = 1.0, intercept: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
    """Labels whose true log-odds are a line in the predicted ones."""
    random = np.random.default_rng(seed)
    p = expit(random.normal(-0.5, 1.2, n))
    return (random.random(n) < expit(intercept + slope * logit(p))).astype(np.int8), p


def test_brier_and_log_loss_equal_those_of_scikit_learn() -> None:
    """Both agree with an independent implementation."""
    y, p = sample(1, 500)
    assert brier(y, p) == pytest.approx(brier_score_loss(y, p), abs=1e-14)
    assert log_loss(y, p) == pytest.approx(sklearn_log_loss(y, p), abs=1e-13)


def test_log_loss_of_a_certain_mistake_is_large_but_finite() -> None:
    """A certain prediction that fails costs as much as one that is almost certain."""
    assert log_loss([1, 0], [0.0, 1.0]) == pytest.approx(sklearn_log_loss([1, 0], [0.0, 1.0]))


def test_recalibration_equals_unpenalised_logistic_regression() -> None:
    """Slope and intercept are those of a logistic regression on the predicted log-odds."""
    y, p = sample(2, 2000, slope=0.6, intercept=0.3)
    other = LogisticRegression(C=np.inf, tol=1e-10, max_iter=1000).fit(logit(p)[:, None], y)
    slope, intercept = recalibration(y, p)
    assert slope == pytest.approx(other.coef_[0, 0], abs=1e-4)
    assert intercept == pytest.approx(other.intercept_[0], abs=1e-4)


def test_recalibration_finds_the_line_that_was_bent() -> None:
    """On many customers the slope and intercept that made the labels come back."""
    slope, intercept = recalibration(*sample(3, 200_000, slope=0.5, intercept=-0.4))
    assert slope == pytest.approx(0.5, abs=0.02)
    assert intercept == pytest.approx(-0.4, abs=0.02)


def test_recalibration_copes_with_probabilities_of_0_and_1() -> None:
    """Certain predictions, some of them wrong, give a finite line."""
    y = [0, 1, 0, 0, 1, 1, 0, 1, 1, 0]
    p = [0.0, 0.0, 1e-12, 0.2, 0.5, 0.6, 0.7, 1.0, 1.0, 1.0]
    slope, intercept = recalibration(y, p)
    assert 0 < slope < 1
    assert math.isfinite(intercept)


def test_recalibration_survives_a_first_step_that_overshoots() -> None:
    """One far outlier makes the full step lose; the line found is still the best one: both residual sums vanish."""
    p = np.array([0.5431, 0.5466, 1.0])
    churned, stayed = np.array([36, 928, 472]), np.array([2, 1, 0])
    y = np.repeat([1, 0], [churned.sum(), stayed.sum()])
    slope, intercept = recalibration(y, np.concatenate([np.repeat(p, churned), np.repeat(p, stayed)]))
    odds = logit(np.minimum(p, 1 - np.finfo(float).eps))
    residual = churned * expit(-intercept - slope * odds) - stayed * expit(intercept + slope * odds)
    assert residual.sum() == pytest.approx(0, abs=1e-6)
    assert (residual * odds).sum() == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize(
    ("y", "p"),
    [
        ([], []),
        ([1, 1, 1], [0.1, 0.5, 0.9]),
        ([0, 1, 0, 1], [0.5, 0.5, 0.5, 0.5]),
        ([0, 0, 1, 1], [0.1, 0.2, 0.8, 0.9]),
        ([1, 1, 0, 0], [0.1, 0.2, 0.8, 0.9]),
        ([0, 0, 1, 1], [0.1, 0.5, 0.5, 0.9]),
    ],
)
def test_recalibration_that_has_no_finite_best_line_does_not_exist(y: list[int], p: list[float]) -> None:
    """No rows, one class, one probability, or classes that a threshold separates."""
    slope, intercept = recalibration(y, p)
    assert math.isnan(slope)
    assert math.isnan(intercept)


def test_ece_is_the_mean_gap_of_equal_bins() -> None:
    """Two bins of four: gaps of .05 and .25."""
    y = [0, 0, 0, 1, 1, 1, 0, 1]
    p = [0.1, 0.2, 0.2, 0.3, 0.4, 0.5, 0.5, 0.6]
    assert ece(y, p, bins=2) == pytest.approx((abs(1 - 0.8) / 4 + abs(3 - 2.0) / 4) / 2)


def test_ece_of_the_churn_rate_is_zero() -> None:
    """Predicting the churn rate for everybody is calibrated, if useless."""
    assert ece([1, 0, 0, 0], [0.25] * 4) == 0.0


def test_observed_over_expected() -> None:
    """Two churned where 1.6 were expected; where nobody was expected there is no quotient."""
    assert observed_expected([1, 1, 0], [0.8, 0.6, 0.2]) == pytest.approx(2 / 1.6)
    assert math.isnan(observed_expected([1, 0], [0.0, 0.0]))


def test_reliability_bins_partition_the_rows() -> None:
    """Bins grow with the prediction, hold everybody, and their intervals hold what was observed."""
    y, p = sample(5, 1000)
    bins = reliability(y, p)
    assert [one.n for one in bins] == [100] * 10
    assert sum(one.observed * one.n for one in bins) == pytest.approx(y.sum())
    assert sorted(one.predicted for one in bins) == [one.predicted for one in bins]
    assert all(one.low <= one.observed <= one.high for one in bins)


@pytest.mark.parametrize("p", [[-0.1, 0.5], [0.5, 1.1]])
def test_scores_that_are_no_probabilities_are_refused(p: list[float]) -> None:
    """Calibration speaks of probabilities only."""
    with pytest.raises(ValueError, match="probabilities from"):
        brier([0, 1], p)


def test_wilson_gives_the_published_interval_and_stays_inside() -> None:
    """The interval of 81 of 263 in Newcombe 1998, table I, and the ends at 0 and all."""
    assert wilson(81, 263) == pytest.approx((0.2553, 0.3662), abs=5e-5)
    assert wilson(0, 20)[0] == 0.0
    assert wilson(0, 20)[1] == pytest.approx(0.1611, abs=5e-5)
    assert wilson(20, 20)[1] == 1.0
    assert all(math.isnan(end) for end in wilson(0, 0))
