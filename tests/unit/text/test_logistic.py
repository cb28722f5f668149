"""Logistic regression on sparse counts."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.sparse import csr_array
from scipy.special import expit
from sklearn.linear_model import LogisticRegression

from retain.text import logistic
from retain.text.logistic import PENALTY, PRIOR, coefficients, ratios


def loss(table: np.ndarray, label: np.ndarray, weights: np.ndarray) -> float:
    """What is to be least, written down once more."""
    odds = table @ weights
    return float((np.logaddexp(0, odds) - label * odds).sum() + PENALTY / 2 * weights @ weights)


def least(table: np.ndarray, label: np.ndarray) -> float:
    """The least loss, by scikit-learn."""
    other = LogisticRegression(
        C=1 / PENALTY, fit_intercept=False, tol=1e-8, max_iter=10_000, solver="newton-cholesky"
    )
    return loss(table, label, other.fit(table, label).coef_[0])


def test_a_column_as_frequent_as_expected_says_nothing() -> None:
    """Whatever the rate of the row it stands in."""
    table = csr_array(np.array([[2.0, 1.0], [2.0, 0.0], [0.0, 1.0], [0.0, 0.0]]))
    found = ratios(table, np.array([1.0, 0.0, 1.0, 0.0]), np.full(4, 0.5))
    assert found[0] == 0
    assert found[1] == pytest.approx(np.log((2 + PRIOR) / PRIOR))


def test_a_ratio_is_over_what_the_rate_of_its_language_lets_expect() -> None:
    """A column that only stands where nine in ten are content is no sign of content."""
    table = csr_array(np.ones((10, 1)))
    label = np.array([1.0] * 9 + [0.0])
    assert ratios(table, label, np.full(10, 0.9)) == pytest.approx([0])
    assert ratios(table, label, np.full(10, 0.5))[0] > 1.5


@pytest.mark.parametrize("seed", range(5))
def test_the_coefficients_are_those_of_the_least_loss(seed: int) -> None:
    """As another method finds it."""
    draw = np.random.default_rng(seed)
    table = draw.poisson(0.3, (300, 20)).astype(float)
    label = (draw.random(300) < expit(table[:, 0] - table[:, 1])).astype(float)
    assert loss(table, label, coefficients(csr_array(table), label)) == pytest.approx(
        least(table, label), rel=1e-4
    )


def test_a_step_that_reaches_too_far_is_halved() -> None:
    """Rows of very different size make Newton's step worse than none; the end is right all the same."""
    draw = np.random.default_rng(66)
    rows, columns = int(draw.integers(3, 80)), int(draw.integers(1, 6))
    table = draw.normal(size=(rows, columns)) * np.exp(draw.normal(0, 3, size=(rows, 1))) * 10
    label = (draw.random(rows) < draw.choice([0.02, 0.1, 0.5])).astype(float)
    assert loss(table, label, coefficients(csr_array(table), label)) == pytest.approx(
        least(table, label), rel=0.02
    )


@pytest.mark.parametrize(("rounds", "share"), [(12, 0.5), (2, 0.7)])
def test_columns_of_very_different_size_end_in_time(
    monkeypatch: pytest.MonkeyPatch, rounds: int, share: float
) -> None:
    """Where rounds or steps do not suffice the last answer is taken, and it is far better than none."""
    monkeypatch.setattr(logistic, "_ROUNDS", rounds)
    draw = np.random.default_rng(3)
    table = np.cumsum(draw.normal(size=(200, 150)), axis=1) * np.exp(draw.normal(0, 3, 150))
    label = draw.integers(0, 2, 200).astype(float)
    found = loss(table, label, coefficients(csr_array(table), label))
    assert found < share * loss(table, label, np.zeros(150))
