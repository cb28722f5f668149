"""Customers who are not worth the same: lift and gain by value, savings."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

from retain.evaluation.profit import ProfitSettings
from retain.evaluation.ranking import lift_at
from retain.evaluation.worth import savings, value_lift, worth


def sample(n: int, seed: int = 1) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Outcomes, calibrated probabilities, and values of a long tail."""
    random = np.random.default_rng(seed)
    p = random.beta(1, 3, n)
    return (random.random(n) < p).astype(np.int8), p, np.round(random.lognormal(4, 1, n), 2)


def test_equal_values_give_the_plain_lift() -> None:
    """Where all are worth the same, lift by value is lift."""
    y, p, _ = sample(500)
    for share in (0.1, 0.35, 1.0):
        assert value_lift(y, p, np.full(500, 7.0), share) == pytest.approx(lift_at(y, p, share))


def test_ties_count_in_proportion() -> None:
    """Half of a tie of two churners worth 30 and 10 is worth 20, however they are arranged."""
    for value in ([30.0, 10.0, 5.0, 5.0], [10.0, 30.0, 5.0, 5.0]):
        assert value_lift([1, 1, 0, 0], [0.5, 0.5, 0.1, 0.1], value, 0.25) == pytest.approx(2.0)


def costs(y: np.ndarray, contacted: np.ndarray, value: np.ndarray, settings: ProfitSettings) -> float:
    """What it costs to contact these, added up customer by customer."""
    total = 0.0
    for left, called, worth_of in zip(y, contacted, value, strict=True):
        if called and left:
            kept = settings.accept_rate
            total += settings.contact_cost + kept * settings.incentive_cost + (1 - kept) * worth_of
        elif called:
            total += settings.contact_cost + settings.incentive_cost
        elif left:
            total += worth_of
    return total


def test_savings_are_what_the_customers_cost_added_up() -> None:
    """One minus own cost over the better of nobody and everybody, whom it pays to contact being contacted."""
    y, p, value = sample(300)
    settings = ProfitSettings(incentive_cost=15, contact_cost=2, alpha=2, beta=3)
    rate = 0.4
    pays = p * (rate * (value - 15) - 2) > (1 - p) * 17
    own = costs(y, pays, value, settings)
    alike = min(costs(y, np.zeros(300, bool), value, settings), costs(y, np.ones(300, bool), value, settings))
    found = savings(y, p, value, settings)
    assert found.value == pytest.approx(1 - own / alike)
    assert found.contacted_share == pays.mean()
    assert found.value > 0


def test_perfect_knowledge_saves_less_than_accept() -> None:
    """So few accept that even an oracle cannot save more than the accept rate of what is lost."""
    y, _, value = sample(400)
    found = savings(y, y.astype(float), value)
    assert 0 < found.value < ProfitSettings().accept_rate


def test_wrong_probabilities_cost_more_than_treating_all_alike() -> None:
    """Whoever contacts the stayers and leaves the churners alone pays for it."""
    y, _, value = sample(400)
    assert savings(y, 1.0 - y, value).value < 0


def test_what_cannot_be_saved_does_not_exist() -> None:
    """Without churners, or without customers, there are neither savings nor lift."""
    assert math.isnan(savings([0, 0], [0.1, 0.9], [5.0, 5.0]).value)
    assert math.isnan(value_lift([0, 0], [0.1, 0.9], [5.0, 5.0], 0.5))
    assert math.isnan(savings([1, 0], [0.1, 0.9], [0.0, 5.0]).value)
    nobody = worth(np.empty(0, np.int8), np.empty(0), np.empty(0), seed=1, resamples=5)
    assert math.isnan(nobody.savings.value)
    assert nobody.by_probability == ()


def test_intervals_surround_the_single_figures() -> None:
    """All figures at once are the single ones, and the curves run from nothing to all."""
    y, p, value = sample(400)
    found = worth(y, p, value, seed=1, resamples=80)
    assert found.value_lift_at_10.value == value_lift(y, p, value, 0.1)
    assert found.value_at_risk_lift_at_10.value == value_lift(y, p * value, value, 0.1)
    assert found.savings.value == savings(y, p, value).value
    assert found.contacted_share == savings(y, p, value).contacted_share
    for one in (found.value_lift_at_10, found.value_at_risk_lift_at_10, found.savings):
        assert one.low < one.value < one.high
    assert found.value_at_risk_lift_at_10.value > found.value_lift_at_10.value
    for curve in (found.by_probability, found.by_value_at_risk):
        assert (len(curve), curve[0].captured) == (21, 0.0)
        assert curve[-1].captured == pytest.approx(1.0)
        assert all(one.captured <= other.captured for one, other in itertools.pairwise(curve))


def test_the_order_of_rows_changes_no_bit() -> None:
    """Rows come in any order, ties or not."""
    y, p, value = sample(300)
    p = np.round(p, 1)
    at = np.random.default_rng(3).permutation(300)
    assert worth(y[at], p[at], value[at], seed=1, resamples=20) == worth(y, p, value, seed=1, resamples=20)


@pytest.mark.parametrize("value", [[1.0], [1.0, -2.0], [1.0, math.inf], [1.0, math.nan]])
def test_values_that_are_none_are_refused(value: list[float]) -> None:
    """Too few, negative, infinite or unknown."""
    with pytest.raises(ValueError, match="value"):
        savings([1, 0], [0.2, 0.3], value)


@pytest.mark.parametrize("share", [0.0, 1.1])
def test_shares_that_are_none_are_refused(share: float) -> None:
    """As for the plain lift."""
    with pytest.raises(ValueError, match="share"):
        value_lift([1, 0], [0.2, 0.3], [1.0, 1.0], share)
