"""Order: AUROC, average precision, lift, gain, deciles, ROC points."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, roc_auc_score, roc_curve

from retain.evaluation.ranking import auroc, average_precision, deciles, gain_curve, lift_at, roc_points
from retain.evaluation.tally import Tally, tally


def sample(seed: int, n: int, decimals: int) -> tuple[np.ndarray, np.ndarray]:
    """Scores with more or fewer ties, and labels that hang on them."""
    random = np.random.default_rng(seed)
    p = np.round(random.random(n), decimals)
    return (random.random(n) < p).astype(np.int8), p


@pytest.mark.parametrize("decimals", [1, 2, 12])
def test_auroc_and_average_precision_equal_those_of_scikit_learn(decimals: int) -> None:
    """Both agree with an independent implementation, with many ties and with none."""
    y, p = sample(decimals, 400, decimals)
    assert auroc(y, p) == pytest.approx(roc_auc_score(y, p), abs=1e-12)
    assert average_precision(y, p) == pytest.approx(average_precision_score(y, p), abs=1e-12)


def test_roc_points_equal_those_of_scikit_learn() -> None:
    """The points are those of the full curve, beginning at nobody and ending at everybody."""
    y, p = sample(4, 200, 2)
    false_rate, true_rate, _ = roc_curve(y, p, drop_intermediate=False)
    ours = roc_points(y, p)
    assert ours[0] == pytest.approx(false_rate)
    assert ours[1] == pytest.approx(true_rate)


@pytest.mark.parametrize("y", [[], [1], [0, 0, 0], [1, 1]])
def test_auroc_of_one_class_does_not_exist(y: list[int]) -> None:
    """Without both classes there is no pair to order."""
    assert math.isnan(auroc(y, np.linspace(0, 1, len(y))))


def test_average_precision_and_lift_without_churners_do_not_exist() -> None:
    """Nobody can be caught where nobody leaves."""
    assert math.isnan(average_precision([0, 0], [0.1, 0.2]))
    assert math.isnan(lift_at([0, 0], [0.1, 0.2], 0.5))
    assert gain_curve([0, 0], [0.1, 0.2]) == ()


def test_lift_shares_a_torn_tie_in_proportion() -> None:
    """Where the border runs through equal scores, the lift is what breaking the tie at random gives on average."""
    y = [1, 0, 1, 0, 0, 0, 0, 0]
    p = [0.9, 0.5, 0.5, 0.5, 0.5, 0.1, 0.1, 0.1]
    # A quarter of eight is two customers: the first and one of four, among whom is one churner.
    assert lift_at(y, p, 0.25) == pytest.approx((1 + 0.25) / 2 / 0.25)


def test_constant_score_has_no_lift() -> None:
    """A score that knows nothing captures in proportion."""
    y, p = [1, 0, 0, 1, 0], [0.4] * 5
    assert lift_at(y, p, 0.1) == pytest.approx(1.0)
    assert auroc(y, p) == 0.5
    assert [point.captured for point in gain_curve(y, p, 4)] == pytest.approx([0, 0.25, 0.5, 0.75, 1])


@pytest.mark.parametrize("share", [0.0, -0.1, 1.1])
def test_share_outside_its_range_is_refused(share: float) -> None:
    """There is no riskiest 0 % and no riskiest 110 %."""
    with pytest.raises(ValueError, match="share"):
        lift_at([1, 0], [0.2, 0.1], share)


def test_deciles_hold_a_tenth_each_and_sum_up_to_all() -> None:
    """Without ties ten bands of a tenth, riskiest first, whose last has captured everybody."""
    y, p = sample(7, 1000, 15)
    table = deciles(y, p)
    assert [band.rank for band in table] == list(range(1, 11))
    assert [band.n for band in table] == [100] * 10
    assert table[0].lift == pytest.approx(lift_at(y, p, 0.1))
    assert table[-1].captured == 1.0
    assert all(a.lowest_score > b.highest_score for a, b in pairwise(table))
    assert table[3].churn_rate == table[3].churned / 100


def test_tied_scores_stay_in_one_decile() -> None:
    """One score for all is one band, in the middle."""
    table = deciles([1, 0, 0, 0], [0.3] * 4)
    assert [(band.n, band.lift, band.mean_score) for band in table] == [(4, 1.0, 0.3)]


@pytest.mark.parametrize(
    ("y", "p", "message"),
    [
        ([1, 0], [0.5], "pair up"),
        ([[1, 0]], [[0.5, 0.1]], "pair up"),
        ([1, 2], [0.5, 0.1], "neither 0 nor 1"),
        ([1, 0], [0.5, math.nan], "not a finite number"),
    ],
)
def test_arrays_that_make_no_sense_are_refused(y: list[int], p: list[float], message: str) -> None:
    """The message says what is wrong with them."""
    with pytest.raises(ValueError, match=message):
        tally(y, p)


def test_zero_and_minus_zero_are_one_score() -> None:
    """They are equal, so which of them came first must not show."""
    first, second = tally([0, 1], [-0.0, 0.0]), tally([1, 0], [0.0, -0.0])
    assert str(first.score) == str(second.score) == "[0.]"


def test_counts_that_do_not_fit_the_scores_are_refused() -> None:
    """A tally has a count for every score."""
    with pytest.raises(ValueError, match="counts of shape"):
        Tally(np.array([0.1]), np.ones((1, 2), np.int64), np.ones((1, 2), np.int64))
