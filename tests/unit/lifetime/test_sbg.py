"""Shifted beta-geometric: the fit, the curve, and what is left of a contract."""

from __future__ import annotations

import numpy as np
import pytest

from retain.errors import TrainingError
from retain.lifetime.sbg import ShiftedBetaGeometric, Survival, fit_sbg

MODEL = ShiftedBetaGeometric(alpha=0.9, beta=4.0)


def simulated(customers: int, seed: int) -> Survival:
    """Contracts of one to twelve periods of observation that live as the model says."""
    random = np.random.default_rng(seed)
    chance = random.beta(MODEL.alpha, MODEL.beta, customers)
    life = random.geometric(chance) - 1
    seen = random.integers(1, 13, customers)
    return Survival.counted(np.minimum(life, seen), life < seen)


def test_fit_recovers_the_parameters_that_made_the_data() -> None:
    """Contracts that still run, of any age, tell as much as they can."""
    seen = simulated(60_000, seed=1)
    found = fit_sbg(seen)
    assert found.alpha == pytest.approx(MODEL.alpha, rel=0.06)
    assert found.beta == pytest.approx(MODEL.beta, rel=0.06)
    assert found.log_likelihood(seen) >= MODEL.log_likelihood(seen)


def test_contracts_that_were_first_seen_late_tell_how_they_went_on() -> None:
    """Of a table that was begun when contracts were up to eight periods old, the fit is the same; as if from their start it is not."""
    random = np.random.default_rng(5)
    life = random.geometric(random.beta(MODEL.alpha, MODEL.beta, 80_000)) - 1
    first, seen = random.integers(0, 9, 80_000), 12
    there = life >= first
    life, first = life[there], first[there]
    periods, ended = np.minimum(life, seen), life < seen
    found = fit_sbg(Survival.counted(periods, ended, first))
    assert found.alpha == pytest.approx(MODEL.alpha, rel=0.08)
    assert found.beta == pytest.approx(MODEL.beta, rel=0.08)
    assert fit_sbg(Survival.counted(periods, ended)).beta > 1.5 * MODEL.beta


def test_no_step_away_from_the_fit_is_more_probable() -> None:
    """The fit is a maximum in both parameters."""
    seen = simulated(900, seed=2)
    best = fit_sbg(seen)
    for name in ("alpha", "beta"):
        for factor in (0.9, 1.1):
            other = ShiftedBetaGeometric(**{**vars(best), name: getattr(best, name) * factor})
            assert other.log_likelihood(seen) < best.log_likelihood(seen)


def test_shares_of_a_cohort_and_counts_of_it_teach_the_same() -> None:
    """A thousand contracts counted one by one, and what share was left."""
    left = np.array([0.8, 0.7, 0.65])
    ended = np.repeat([True, True, True, False], [200, 100, 50, 650])
    periods = np.repeat([0, 1, 2, 3], [200, 100, 50, 650])
    counted, shared = fit_sbg(Survival.counted(periods, ended)), fit_sbg(Survival.of_cohort(left))
    assert (counted.alpha, counted.beta) == pytest.approx((shared.alpha, shared.beta), rel=1e-3)


def test_survival_is_the_product_of_retentions() -> None:
    """And the chance of an end within some periods is what is lost of it."""
    ages = np.arange(20.0)
    assert np.cumprod(MODEL.retention(ages)) == pytest.approx(MODEL.survival(ages + 1))
    assert MODEL.ends_within(ages, 1) == pytest.approx(1 - MODEL.retention(ages))
    both = MODEL.ends_within(ages, 2) + MODEL.ends_within(ages, 3, after=2)
    assert both == pytest.approx(MODEL.ends_within(ages, 5))


def test_remaining_renewals_are_the_discounted_sum() -> None:
    """Term by term, for young contracts and old ones."""
    ages, steps = np.array([0.0, 1.5, 30.0]), np.arange(1, 4000.0)
    for discount in (0.05, 0.5):
        weight = np.exp(-steps * np.log1p(discount))
        by_hand = [(MODEL.survival(age + steps) / MODEL.survival(age) * weight).sum() for age in ages]
        assert MODEL.remaining(ages, discount) == pytest.approx(by_hand, rel=1e-9)


@pytest.mark.parametrize("discount", [0.0, -0.1, float("nan")])
def test_a_sum_without_an_end_is_refused(discount: float) -> None:
    """Without a discount the mean may be infinite."""
    with pytest.raises(ValueError, match="without an end"):
        MODEL.remaining(np.array([1.0]), discount)


@pytest.mark.parametrize(
    ("periods", "ended"), [([3, 4], [False, False]), ([0, 0], [True, True]), ([0, 0], [True, False])]
)
def test_fit_needs_ends_and_renewals(periods: list[int], ended: list[bool]) -> None:
    """Of contracts that all run, or none of which outlasted a period, there is no curve."""
    with pytest.raises(TrainingError, match="A shifted beta-geometric cannot be fitted"):
        fit_sbg(Survival.counted(np.array(periods), np.array(ended)))


@pytest.mark.parametrize(
    ("ended", "running", "message"),
    [
        ([1.0], [0.0], "one place more"),
        ([1.0], [0.0, -1.0], "finite numbers from 0"),
        ([np.nan], [0.0, 1.0], "finite numbers from 0"),
    ],
)
def test_impossible_counts_are_refused(ended: list[float], running: list[float], message: str) -> None:
    """When they are made."""
    with pytest.raises(ValueError, match=message):
        Survival(np.array(ended), np.array(running), np.array([1.0, 0.0]))


def test_a_cohort_does_not_grow() -> None:
    """More left after two periods than after one is no survival."""
    with pytest.raises(ValueError, match="cannot grow"):
        Survival.of_cohort(np.array([0.5, 0.6]))


@pytest.mark.parametrize("value", [0.0, -1.0, np.inf, np.nan])
def test_parameters_without_a_distribution_are_refused(value: float) -> None:
    """Both are finite numbers above 0."""
    with pytest.raises(ValueError, match="parameter beta is"):
        ShiftedBetaGeometric(alpha=1.0, beta=value)


def test_contracts_that_are_all_alike_are_counted_too() -> None:
    """Large parameters, where every contract has nearly the same chance to stay: r / (1 + d - r) renewals."""
    alike = ShiftedBetaGeometric(68e6, 67e6)
    stays = 67 / 135
    assert alike.remaining(np.array([0.0, 39.0]), 0.0625) == pytest.approx(
        [stays / (1.0625 - stays)] * 2, rel=1e-5
    )
