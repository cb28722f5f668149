"""The discrete-time hazard by tenure."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import expit, logit

from retain.modelling.hazard import PERIODS, TENURE, Hazard
from retain.modelling.learners import Task


def task(days: np.ndarray, y: np.ndarray) -> Task:
    """Rows of a tenure and a column that nothing reads."""
    return Task(
        np.column_stack([np.full(len(days), 7.0), days]), y.astype(np.int8), ("other", TENURE), size=1, seed=1
    )


def test_it_finds_the_end_of_a_term() -> None:
    """Contracts that end after a year do so in the thirteenth month, which no weight on the tenure could tell."""
    random = np.random.default_rng(1)
    days = random.uniform(0, 720, 40_000)
    truth = np.where((days >= 360) & (days < 390), 0.5, 0.05)
    model = Hazard().fit(task(days, random.random(40_000) < truth))
    at = np.column_stack([np.zeros(4), [100.0, 375.0, 600.0, np.nan]])
    found = expit(model.log_odds(at))
    assert found[:3] == pytest.approx([0.05, 0.5, 0.05], abs=0.04)
    # Of whom the tenure is not known the mean is said, and nothing contributed.
    assert model.contributions(at)[3].tolist() == [0, 0]
    assert (model.contributions(at)[:, 0] == 0).all()


def test_periods_of_few_rows_lean_on_their_neighbours() -> None:
    """One who left in a month of nobody else does not make it deadly; and months that nobody reached say what the last one says."""
    days = np.concatenate([np.repeat(15.0, 200), [100.0]])
    y = np.concatenate([np.arange(200) % 10 == 0, [True]])
    model = Hazard().fit(task(days, y))
    at = np.column_stack([np.zeros(4), [15.0, 100.0, 400.0, 30.0 * PERIODS + 5]])
    found = expit(model.log_odds(at))
    assert found[0] == pytest.approx(0.1, abs=0.02)
    assert 0.1 < found[1] < 0.4
    assert found[2] == pytest.approx(found[3], abs=0.01)


@pytest.mark.parametrize("share", [0.02, 0.5])
def test_without_any_tenure_it_is_the_churn_rate(share: float) -> None:
    """A column of unknown values, or none, leaves the log-odds of the churn rate."""
    y = np.arange(100) < share * 100
    wanted = pytest.approx(np.full(100, logit(share)))
    unknown = task(np.full(100, np.nan), y)
    assert Hazard().fit(unknown).log_odds(unknown.x) == wanted
    other = Task(unknown.x, unknown.y, ("other", "another"), size=1, seed=1)
    assert Hazard().fit(other).log_odds(other.x) == wanted
