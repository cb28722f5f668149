"""Probabilities that mean what they say, on cutoffs that the slope was not learned from."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import expit, logit

from retain.modelling.calibration import Calibration, as_dict, choose, from_dict

if TYPE_CHECKING:
    from retain.modelling.calibration import FloatArray, LabelArray


def season(
    seed: int, *, true_slope: float, shift: float = 0.0, rows: int = 3_000
) -> tuple[FloatArray, LabelArray]:
    """Log-odds of one cutoff, and outcomes that follow from ``shift + true_slope * log-odds``."""
    random = np.random.default_rng(seed)
    log_odds = random.normal(0, 1.5, rows)
    return log_odds, (random.random(rows) < expit(shift + true_slope * log_odds)).astype(np.int8)


@pytest.mark.parametrize("true_slope", [0.5, 2.0])
def test_the_slope_of_too_bold_and_too_timid_scores_is_found(true_slope: float) -> None:
    """Whatever each season's own churn rate."""
    folds = [season(seed, true_slope=true_slope, shift=shift) for seed, shift in enumerate((-1.0, 0.0, 0.7))]
    calibration, evidence = choose(folds, 0.3)
    assert calibration.slope == pytest.approx(true_slope, rel=0.08)
    assert calibration.method == "temperature"
    none, fitted = evidence
    assert (none.method, fitted.method) == ("none", "temperature")
    assert fitted.log_loss < none.log_loss - 0.005


def test_good_scores_are_left_nearly_as_they_are() -> None:
    """A slope that does not help on a cutoff left out is not used."""
    calibration, evidence = choose([season(seed, true_slope=1.0) for seed in range(3)], 0.5)
    assert calibration.slope == pytest.approx(1.0, abs=0.05)
    assert (calibration.slope == 1.0) == (evidence[0].log_loss <= evidence[1].log_loss)


def test_seasons_that_disagree_leave_the_scores_alone() -> None:
    """What holds of one half of them does not hold of the other."""
    folds = [season(1, true_slope=2.0), season(2, true_slope=0.5)]
    calibration, evidence = choose(folds, 0.5)
    assert calibration == Calibration(1.0, 0.0)
    assert calibration.method == "none"
    assert evidence[1].log_loss > evidence[0].log_loss


def test_one_season_cannot_be_left_out() -> None:
    """So its scores are taken as they are, however bold."""
    calibration, evidence = choose([season(1, true_slope=0.5)], 0.2)
    assert calibration.method == "none"
    assert calibration.pivot == pytest.approx(logit(0.2))
    assert [one.method for one in evidence] == ["none"]


def test_the_evidence_is_the_log_loss_with_each_season_s_rate_granted() -> None:
    """Scores that say nothing have the entropy of each season's churn rate."""
    folds = [
        (np.zeros(4), np.array([1, 0, 0, 0], dtype=np.int8)),
        (np.zeros(2), np.array([1, 0], dtype=np.int8)),
    ]
    entropy = -(0.25 * np.log(0.25) + 0.75 * np.log(0.75))
    _, evidence = choose(folds, 0.3)
    assert evidence[0].log_loss == pytest.approx((4 * entropy + 2 * np.log(2)) / 6, abs=1e-9)


def test_the_slope_is_held_in_its_range() -> None:
    """Scores that separate perfectly do not run away, and those turned round do not turn the ranking."""
    perfect = (np.array([-1.0, -0.5, 0.5, 1.0]), np.array([0, 0, 1, 1], dtype=np.int8))
    reverse = (-perfect[0], perfect[1])
    assert choose([perfect, perfect], 0.5)[0].slope == 5.0
    assert choose([reverse, reverse], 0.5)[0].slope == 0.2


@given(
    log_odds=st.lists(st.floats(-40, 40), min_size=2, max_size=20),
    slope=st.floats(0.2, 5),
    pivot=st.floats(-5, 5),
)
def test_a_higher_score_never_becomes_a_lower_probability(
    log_odds: list[float], slope: float, pivot: float
) -> None:
    """The order stays, all are probabilities, and the pivot stays where it is."""
    calibration = Calibration(slope, pivot)
    found = calibration(np.sort(np.array(log_odds)))
    assert (np.diff(found) >= 0).all()
    assert ((found >= 0) & (found <= 1)).all()
    assert calibration(np.array([pivot]))[0] == expit(pivot)


def test_it_is_kept_as_numbers() -> None:
    """And comes back the same."""
    calibration = Calibration(0.7, -1.25)
    assert as_dict(calibration) == {"slope": 0.7, "pivot": -1.25}
    assert from_dict(as_dict(calibration)) == calibration
