"""Gamma-gamma: the fit, and what a purchase is expected to come to."""

from __future__ import annotations

import numpy as np
import pytest

from retain.errors import TrainingError
from retain.lifetime import gamma_gamma
from retain.lifetime.gamma_gamma import GammaGamma, Spending, fit_gamma_gamma, spending
from retain.timeline import DAY

MODEL = GammaGamma(p=4.0, q=3.5, v=30.0)


def simulated(model: GammaGamma, customers: int, seed: int) -> tuple[Spending, np.ndarray]:
    """Customers who spend as the model says, and the true mean purchase of each."""
    random = np.random.default_rng(seed)
    count = random.poisson(2.0, customers)
    rate = random.gamma(model.q, 1 / model.v, customers)
    total = np.array([random.gamma(model.p, 1 / nu, n).sum() for nu, n in zip(rate, count, strict=True)])
    return Spending(count, total / np.maximum(count, 1)), model.p / rate


def test_fit_recovers_the_parameters_that_made_the_data() -> None:
    """On many customers the maximum likelihood lies near the truth, and above it in likelihood."""
    spent, _ = simulated(MODEL, 20_000, seed=1)
    found = fit_gamma_gamma(spent)
    assert found.p == pytest.approx(MODEL.p, rel=0.08)
    assert found.q == pytest.approx(MODEL.q, rel=0.08)
    assert found.v == pytest.approx(MODEL.v, rel=0.15)
    assert found.mean == pytest.approx(MODEL.mean, rel=0.03)
    assert found.log_likelihood(spent) >= MODEL.log_likelihood(spent)


def test_no_step_away_from_the_fit_is_more_probable() -> None:
    """The fit is a maximum in every parameter."""
    spent, _ = simulated(MODEL, 800, seed=2)
    best = fit_gamma_gamma(spent)
    top = best.log_likelihood(spent)
    for name in ("p", "q", "v"):
        for factor in (0.95, 1.05):
            assert (
                GammaGamma(**{**vars(best), name: getattr(best, name) * factor}).log_likelihood(spent) < top
            )


def test_fit_depends_neither_on_row_order_nor_on_the_currency() -> None:
    """Shuffled customers give the same bits; in cents the model is the same in cents."""
    spent, _ = simulated(MODEL, 500, seed=3)
    best = fit_gamma_gamma(spent)
    assert fit_gamma_gamma(spent.of(np.random.default_rng(0).permutation(500))) == best
    cents = fit_gamma_gamma(Spending(spent.purchases, spent.mean * 100))
    assert cents.p == pytest.approx(best.p, rel=1e-3)
    assert cents.mean == pytest.approx(best.mean * 100, rel=1e-4)


def test_expectation_is_the_mean_of_what_customers_truly_spend() -> None:
    """Among simulated customers of one number of purchases and a like mean, the true means average to it."""
    spent, truth = simulated(MODEL, 30_000, seed=4)
    expected = MODEL.expected_mean(spent)
    for low, high in ((0, 40), (40, 60), (60, 1e9)):
        band = (expected >= low) & (expected < high)
        assert truth[band].mean() == pytest.approx(expected[band].mean(), rel=0.04)


def test_expectation_lies_between_the_own_mean_and_everybodys() -> None:
    """Nearer to the own one the more was bought; without a purchase it is everybody's."""
    spent = Spending(np.array([0, 1, 10, 1000]), np.array([0, 90.0, 90.0, 90.0]))
    found = MODEL.expected_mean(spent)
    assert found[0] == pytest.approx(MODEL.mean)
    assert (np.diff(found) > 0).all()
    assert found[3] == pytest.approx(90, rel=1e-2)


def test_purchases_of_a_day_are_one_and_must_come_to_something() -> None:
    """A day's rows are added; what comes to nothing or less is no purchase; so are customers without any."""
    found = spending(
        np.array([0, 0, 0, 1, 1, 2]),
        np.array([0, DAY - 1, DAY, 0, 1, 0]),
        np.array([1000, 500, 300, 700, -700, -1]),
        4,
        unit=100,
    )
    assert found.purchases.tolist() == [2, 0, 0, 0]
    assert found.mean.tolist() == [9.0, 0, 0, 0]


@pytest.mark.parametrize(
    ("purchases", "mean"),
    [([1] * 9, range(1, 10)), ([1] * 20, range(1, 21)), ([2] * 20, [5] * 20), ([0] * 20, [0] * 20)],
)
def test_fit_needs_customers_who_differ(purchases: list[int], mean: list[float]) -> None:
    """Too few, nobody who bought twice, all the same, or nobody at all: the message says what is asked for."""
    spent = Spending(np.array(purchases), np.array(mean, dtype=np.float64))
    with pytest.raises(TrainingError, match="needs 10 customers who bought, somebody who bought twice"):
        fit_gamma_gamma(spent)


def test_fit_survives_customers_whose_purchases_hardly_differ() -> None:
    """Where each always spends the same the parameters run to their bounds, and the expectation is the own mean."""
    spent = Spending(np.full(30, 5), np.linspace(10, 11, 30))
    assert fit_gamma_gamma(spent).expected_mean(spent) == pytest.approx(spent.mean, rel=0.05)


@pytest.mark.parametrize(
    ("purchases", "mean", "message"),
    [
        ([1, 2], [1.0], "different lengths"),
        ([-1], [1.0], "purchases >= 0"),
        ([1], [-1.0], "purchases >= 0"),
        ([1], [np.nan], "finite"),
        ([0], [1.0], "exactly when there are purchases"),
        ([1], [0.0], "exactly when there are purchases"),
    ],
)
def test_impossible_spending_is_refused(purchases: list[int], mean: list[float], message: str) -> None:
    """When it is made."""
    with pytest.raises(ValueError, match=message):
        Spending(np.array(purchases), np.array(mean))


@pytest.mark.parametrize("change", [{"p": 0.0}, {"q": 1.0}, {"v": np.inf}, {"p": np.nan}])
def test_parameters_without_a_mean_are_refused(change: dict[str, float]) -> None:
    """At q = 1 there is no mean purchase."""
    with pytest.raises(ValueError, match=f"parameter {next(iter(change))} is"):
        GammaGamma(**{**vars(MODEL), **change})


def test_a_search_among_many_begins_where_one_among_a_few_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    """It finds the same model from all customers, with a fraction of the work."""
    spent, _ = simulated(MODEL, 6_000, seed=6)
    rows: list[int] = []
    cost = gamma_gamma._cost

    def counted(logs: np.ndarray, some: Spending) -> tuple[float, np.ndarray]:
        rows.append(len(some))
        return cost(logs, some)

    monkeypatch.setattr(gamma_gamma, "_cost", counted)
    whole = fit_gamma_gamma(spent)
    at_once = sum(rows)
    rows.clear()
    monkeypatch.setattr(gamma_gamma, "_MANY", 2_000)
    found = fit_gamma_gamma(spent)
    assert [found.p, found.q, found.v] == pytest.approx([whole.p, whole.q, whole.v], rel=1e-3)
    assert sum(rows) < at_once / 2
