"""Ridge logistic regression over blocks of rows."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from retain.modelling import newton


def rows(count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Five columns, two of them almost the same, and outcomes that three of them decide with some luck."""
    random = np.random.default_rng(seed)
    x = random.normal(size=(count, 5))
    x[:, 4] = x[:, 3] + random.normal(size=count) / 10
    y = (x @ [1.0, -2.0, 0.0, 0.3, 0.0] - 1 + random.logistic(size=count) > 0).astype(np.int8)
    return x, y


@pytest.mark.parametrize("strength", [0.001, 0.01, 1_000.0])
@pytest.mark.parametrize("start", ["near", "far"])
def test_it_finds_what_a_fit_at_once_finds(strength: float, start: str) -> None:
    """From the weights of a tenth of the rows, and from weights that are all wrong, to a ten-thousandth."""
    x, y = rows(20_000, seed=1)
    whole = LogisticRegression(C=strength, solver="newton-cholesky", tol=1e-10).fit(x, y)
    some = LogisticRegression(C=10 * strength, solver="newton-cholesky").fit(x[::10], y[::10])
    begin = np.append(some.intercept_, some.coef_) if start == "near" else np.full(6, 4.0)
    found = newton.most_likely(lambda rows: x[rows], y, begin, strength)
    assert found == pytest.approx(np.append(whole.intercept_, whole.coef_), abs=1e-4)


def test_rows_are_read_in_blocks_and_each_once_a_step() -> None:
    """No more than a block is ever asked for, and the last one holds what is left."""
    x, y = rows(20_000, seed=2)
    asked: list[slice] = []

    def design(part: slice) -> np.ndarray:
        asked.append(part)
        return x[part]

    newton.most_likely(design, y, np.zeros(6), 1.0)
    firsts = [one.start for one in asked]
    size = asked[0].stop
    assert size < 10_000
    assert firsts == [*range(0, 20_000, size)] * firsts.count(0)
    assert all(one.stop - one.start == size for one in asked)


def test_one_that_begins_at_the_best_stays_there() -> None:
    """A single look tells that nothing is left to do."""
    x, y = rows(2_000, seed=3)
    best = newton.most_likely(lambda rows: x[rows], y, np.zeros(6), 1.0)
    looks: list[slice] = []

    def design(part: slice) -> np.ndarray:
        looks.append(part)
        return x[part]

    again = newton.most_likely(design, y, best, 1.0)
    assert len(looks) == 1
    assert again == pytest.approx(best, abs=1e-4)
