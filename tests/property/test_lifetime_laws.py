"""Laws of the models of customers' lives, whatever their parameters."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from retain.lifetime.gamma_gamma import GammaGamma, Spending
from retain.lifetime.sbg import ShiftedBetaGeometric, Survival, fit_sbg

positive = st.floats(0.01, 100)
models = st.builds(ShiftedBetaGeometric, positive, positive)
AGES = np.arange(0, 40.0)


@given(model=models)
def test_survival_falls_from_one_and_retention_rises(model: ShiftedBetaGeometric) -> None:
    """Fewer and fewer are left, and those who are left stay ever more surely."""
    left = model.survival(AGES)
    assert left[0] == 1
    assert (np.diff(left) < 0).all()
    assert (left >= 0).all()
    rate = model.retention(AGES)
    assert (np.diff(rate) > 0).all()
    assert ((rate > 0) & (rate < 1)).all()


@given(model=models, discount=st.floats(0.01, 1))
def test_older_contracts_last_longer_and_discount_shortens(
    model: ShiftedBetaGeometric, discount: float
) -> None:
    """What is still to come grows with age, and is never more than one renewal a period for ever."""
    left = model.remaining(AGES, discount)
    assert (np.diff(left) > -1e-9 * left[:-1]).all()
    assert (left > 0).all()
    assert (left < 1 / discount + 1e-9).all()
    assert (model.remaining(AGES, discount * 1.5) < left).all()


@given(
    periods=st.lists(st.integers(0, 8), min_size=12, max_size=40),
    ends=st.lists(st.booleans(), min_size=40, max_size=40),
    seed=st.integers(0, 99),
)
def test_the_fit_knows_no_order_of_contracts(periods: list[int], ends: list[bool], seed: int) -> None:
    """Shuffled contracts give the same bits."""
    ages, ended = np.array([0, 3, *periods]), np.array([True, False, *ends[: len(periods)]])
    order = np.random.default_rng(seed).permutation(len(ages))
    assert fit_sbg(Survival.counted(ages[order], ended[order])) == fit_sbg(Survival.counted(ages, ended))


@given(
    model=st.builds(GammaGamma, positive, st.floats(1.01, 50), positive),
    count=st.integers(1, 200),
    mean=st.floats(0.01, 1e5),
)
def test_the_expected_purchase_is_between_the_own_mean_and_everybodys(
    model: GammaGamma, count: int, mean: float
) -> None:
    """And moves to the own one with every purchase."""
    spent = Spending(np.array([count, count + 1]), np.array([mean, mean]))
    found = model.expected_mean(spent)
    low, high = sorted([mean, model.mean])
    assert low * (1 - 1e-9) <= found[0] <= high * (1 + 1e-9)
    assert abs(found[1] - mean) <= abs(found[0] - mean) * (1 + 1e-9) + 1e-9
    assert found[0] == pytest.approx(
        (model.p * count * mean + (model.q - 1) * model.mean) / (model.p * count + model.q - 1)
    )
