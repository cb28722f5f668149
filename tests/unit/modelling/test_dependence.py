"""How a model reads one feature."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.special import expit

from retain.modelling.dependence import ROWS, partial_dependence


def rows(n: int) -> np.ndarray:
    """Three features: one of many values, one of few and partly unknown, one constant."""
    random = np.random.default_rng(1)
    few = random.integers(0, 4, n).astype(float)
    few[::5] = np.nan
    return np.column_stack([random.normal(size=n), few, np.ones(n)])


def model(x: np.ndarray) -> np.ndarray:
    """A probability that rises with the first and falls with the second, where it is known."""
    return np.asarray(expit(x[:, 0] - np.where(np.isnan(x[:, 1]), 2.5, x[:, 1])))


def test_the_curve_is_the_mean_over_all_rows() -> None:
    """With few rows every one is asked, at values that occur, between the outermost 2 % of them."""
    x = rows(300)
    found = partial_dependence(model, x, 0, seed=1)
    assert found is not None
    assert set(found.value) <= set(x[:, 0])
    assert found.value[0] == np.quantile(x[:, 0], 0.02, method="nearest")
    for value, probability in zip(found.value, found.probability, strict=True):
        expected = model(np.column_stack([np.full(300, value), x[:, 1:]])).mean()
        assert probability == pytest.approx(expected)
    assert found.probability[-1] - found.probability[0] > 0.4
    assert np.all(np.diff(found.probability) > 0)
    assert found.counts.sum() == ((x[:, 0] >= found.value[0]) & (x[:, 0] <= found.value[-1])).sum()
    assert (found.unknown_share, math.isnan(found.when_unknown)) == (0.0, True)


def test_not_known_is_a_value_of_its_own() -> None:
    """What the model says where nothing is known stands beside the curve."""
    x = rows(300)
    found = partial_dependence(model, x, 1, seed=1)
    assert found is not None
    assert found.value.tolist() == [0, 1, 2, 3]
    assert found.unknown_share == pytest.approx(0.2)
    expected = model(np.column_stack([x[:, 0], np.full(300, np.nan), x[:, 2]])).mean()
    assert found.when_unknown == pytest.approx(expected)


@pytest.mark.parametrize("column", [np.ones(50), np.full(50, np.nan), np.full(50, np.inf), np.empty(0)])
def test_a_feature_without_two_values_has_no_curve(column: np.ndarray) -> None:
    """Constant, never known, infinite only, or nobody there."""
    x = np.column_stack([column, np.zeros(len(column))])
    assert partial_dependence(lambda asked: asked[:, 1], x, 0, seed=1) is None


def test_of_many_rows_a_fixed_sample_is_asked() -> None:
    """The same seed asks the same rows, near to what all of them say."""
    x = rows(20_000)
    asked = []

    def counted(some: np.ndarray) -> np.ndarray:
        asked.append(len(some))
        return model(some)

    found, again = (partial_dependence(counted, x, 0, seed=4) for _ in range(2))
    assert found is not None
    assert again is not None
    assert found.probability.tolist() == again.probability.tolist()
    assert asked == [len(found.value) * ROWS] * 2
    everyone = [model(np.column_stack([np.full(len(x), one), x[:, 1:]])).mean() for one in found.value]
    assert np.abs(found.probability - everyone).max() < 0.03
