"""AUROCs over several cutoffs that count a customer once."""

from __future__ import annotations

import numpy as np
import pytest

from retain.evaluation.clustered import Ranked, mean_auroc, mean_difference
from retain.evaluation.delong import compare
from retain.evaluation.ranking import auroc

RANDOM = np.random.default_rng(5)


def drawn(n: int, strength: float, who: int = 0) -> Ranked:
    """Customers from ``who`` on, with scores that tell something about the outcome."""
    y = RANDOM.integers(0, 2, n).astype(np.int8)
    return Ranked(np.arange(who, who + n), y, np.round(strength * y + RANDOM.normal(size=n), 1))


def test_one_cutoff_is_delong_s_test() -> None:
    """Value and interval of a difference are those of the paired test, ties and all."""
    first = drawn(300, 1.0)
    second = Ranked(first.customer, first.y, first.score + RANDOM.normal(size=300))
    found = mean_difference([first], [second])
    wanted = compare(first.y, first.score, second.score).difference
    assert (found.value, found.low, found.high) == pytest.approx(
        (wanted.value, wanted.low, wanted.high), abs=1e-12
    )


def test_the_mean_is_of_the_cutoffs() -> None:
    """Large and small cutoffs have one voice each."""
    cutoffs = [drawn(50, 0.2), drawn(400, 2.0)]
    assert mean_auroc(cutoffs).value == pytest.approx(np.mean([auroc(one.y, one.score) for one in cutoffs]))


def test_the_same_customers_again_bring_no_certainty() -> None:
    """Three times the same rows are as sure as once; three times as many customers are surer."""
    one = drawn(200, 1.0)
    others = [drawn(200, 1.0, who) for who in (0, 200, 400)]

    def width(cutoffs: list[Ranked]) -> float:
        found = mean_auroc(cutoffs)
        return found.high - found.low

    assert width([one] * 3) == pytest.approx(width([one]))
    assert width(others) < 0.75 * width([one])


def test_an_interval_covers_as_often_as_it_says() -> None:
    """Of 300 samples of customers who behave alike at both cutoffs, about 95 % cover the true AUROC of 5/6."""
    covered = 0
    for _ in range(300):
        mood = RANDOM.normal(size=250)
        cutoffs = []
        for _ in range(2):
            y = (mood + RANDOM.normal(size=250) > 0).astype(np.int8)
            cutoffs.append(Ranked(np.arange(250), y, mood))
        found = mean_auroc(cutoffs)
        # Of three normals with correlations .5, .5 and 0 all are positive with chance 5/24; given two, 5/6.
        covered += found.low <= 5 / 6 <= found.high
    assert 0.91 <= covered / 300 <= 0.985


def test_the_order_of_rows_changes_no_bit() -> None:
    """Sums are taken in the order of customers."""
    one, other = drawn(200, 1.0), drawn(200, 0.5)
    turned = RANDOM.permutation(200)
    mixed = [Ranked(each.customer[turned], each.y[turned], each.score[turned]) for each in (one, other)]
    assert mean_auroc(mixed) == mean_auroc([one, other])


@pytest.mark.parametrize(
    ("customer", "y"), [([0, 1, 1, 2], [0, 0, 1, 1]), ([0, 1, 2, 3], [0, 1, 1, 1]), ([0, 1], [0, 0, 1, 1])]
)
def test_what_has_no_spread_is_refused(customer: list[int], y: list[int]) -> None:
    """A customer twice, one of a class, or another number of customers."""
    with pytest.raises(ValueError, match=r"occurs twice|two of either"):
        Ranked(np.array(customer), np.array(y, np.int8), np.arange(4.0))


def test_different_customers_are_not_compared() -> None:
    """A paired test of strangers would be worthless."""
    one = drawn(20, 1.0)
    with pytest.raises(ValueError, match="not of the same customers"):
        mean_difference([one], [Ranked(one.customer + 1, one.y, one.score)])
