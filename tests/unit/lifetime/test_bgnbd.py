"""BG/NBD: fit, probability of being alive, of silence, expected purchases."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import hyp2f1

from retain.errors import TrainingError
from retain.lifetime import bgnbd
from retain.lifetime.bgnbd import BgNbd, fit_bgnbd
from retain.lifetime.history import History

MODEL = BgNbd(r=0.8, alpha=20.0, a=0.7, b=2.5)


def simulated(model: BgNbd, ages: np.ndarray, seed: int, ahead: float = 0.0) -> tuple[History, np.ndarray]:
    """Customers who live as the model says, and their number of purchases in the days ahead."""
    random = np.random.default_rng(seed)
    repeats, last, after = [], [], []
    for age in ages:
        rate, gone = random.gamma(model.r, 1 / model.alpha), random.beta(model.a, model.b)
        time, seen, latest, later = 0.0, 0, 0.0, 0
        while (time := time + random.exponential(1 / rate)) < age + ahead:
            if time < age:
                seen, latest = seen + 1, time
            else:
                later += 1
            if random.random() < gone:
                break
        repeats.append(seen)
        last.append(latest)
        after.append(later)
    return History(np.array(repeats), np.array(last), np.asarray(ages, np.float64)), np.array(after)


def test_fit_recovers_the_parameters_that_made_the_data() -> None:
    """On many customers the maximum likelihood lies near the truth, and above it in likelihood."""
    ages = np.random.default_rng(1).uniform(100, 700, 8000)
    history, _ = simulated(MODEL, ages, seed=2)
    found = fit_bgnbd(history)
    assert found.r == pytest.approx(MODEL.r, rel=0.08)
    assert found.alpha == pytest.approx(MODEL.alpha, rel=0.1)
    assert found.a / (found.a + found.b) == pytest.approx(MODEL.a / (MODEL.a + MODEL.b), rel=0.08)
    assert found.b == pytest.approx(MODEL.b, rel=0.3)
    assert found.log_likelihood(history) >= MODEL.log_likelihood(history)


def test_no_step_away_from_the_fit_is_more_probable() -> None:
    """The fit is a maximum in every parameter."""
    history, _ = simulated(MODEL, np.linspace(50, 400, 500), seed=3)
    best = fit_bgnbd(history)
    top = best.log_likelihood(history)
    for name in ("r", "alpha", "a", "b"):
        for factor in (0.9, 1.1):
            parameters = {**vars(best), name: getattr(best, name) * factor}
            assert BgNbd(**parameters).log_likelihood(history) < top


def test_fit_depends_neither_on_row_order_nor_on_the_unit_of_time() -> None:
    """Shuffled customers give the same bits; weeks give the same model in weeks."""
    history, _ = simulated(MODEL, np.linspace(50, 400, 400), seed=4)
    at = np.random.default_rng(0).permutation(400)
    shuffled = History(history.repeats[at], history.last_days[at], history.age_days[at])
    weeks = History(history.repeats, history.last_days / 7, history.age_days / 7)
    best, in_weeks = fit_bgnbd(history), fit_bgnbd(weeks)
    assert fit_bgnbd(shuffled) == best
    assert in_weeks.alpha * 7 == pytest.approx(best.alpha, rel=1e-3)
    assert in_weeks.r == pytest.approx(best.r, rel=1e-3)


def test_probability_of_silence_is_the_share_that_falls_silent() -> None:
    """Among simulated customers, silence is as frequent as predicted, for the alive-looking and the others."""
    history, after = simulated(MODEL, np.full(6000, 200.0), seed=5, ahead=60.0)
    predicted = MODEL.no_purchase(history, 60.0)
    for low, high in ((0.0, 0.6), (0.6, 0.85), (0.85, 1.0)):
        band = (predicted >= low) & (predicted < high)
        error = 4 * 0.5 / np.sqrt(band.sum())
        assert (after[band] == 0).mean() == pytest.approx(predicted[band].mean(), abs=error)


def test_expected_purchases_are_the_mean_of_what_comes() -> None:
    """Among simulated customers, purchases are as many as expected."""
    history, after = simulated(MODEL, np.full(6000, 200.0), seed=6, ahead=60.0)
    assert MODEL.expected_purchases(history, 60.0).mean() == pytest.approx(after.mean(), rel=0.07)


@pytest.mark.parametrize(
    ("x", "last", "age"), [(0, 0.0, 30.0), (1, 4.0, 90.0), (9, 200.0, 210.0), (60, 300.0, 301.0)]
)
def test_expected_purchases_equal_the_hypergeometric_expression(x: int, last: float, age: float) -> None:
    """The quadrature gives what equation 10 of the paper gives."""
    r, alpha, a, b, ahead = MODEL.r, MODEL.alpha, MODEL.a, MODEL.b, 45.0
    history = History(np.array([x]), np.array([last]), np.array([age]))
    series = hyp2f1(r + x, b + x, a + b + x - 1, ahead / (alpha + age + ahead))
    alive = 1 - ((alpha + age) / (alpha + age + ahead)) ** (r + x) * series
    expected = (a + b + x - 1) / (a - 1) * alive * MODEL.p_alive(history)[0]
    assert MODEL.expected_purchases(history, ahead)[0] == pytest.approx(expected, rel=1e-9)


def test_expected_purchases_exist_where_the_published_expression_divides_by_zero() -> None:
    """For a = 1 the value lies between its neighbours'."""
    history = History(np.array([3]), np.array([20.0]), np.array([40.0]))
    around = [BgNbd(0.8, 20.0, a, 2.5).expected_purchases(history, 30.0)[0] for a in (0.99, 1.0, 1.01)]
    assert sorted(around, reverse=True) == around


def test_expected_purchases_of_those_who_stay_are_the_mean_of_what_they_buy() -> None:
    """Among simulated customers who buy in the next 20 days, purchases of 60, of 20 and of 10 days are as many as expected."""
    ages = np.full(20_000, 200.0)
    # Every customer of one seed lives the same life, however far it is followed.
    history, in_20 = simulated_steps(ages, (10.0, 20.0, 60.0))
    stayed = in_20[20.0] > 0
    for days, after in in_20.items():
        expected = MODEL.expected_purchases_if_kept(history, days, 20.0)[stayed].mean()
        assert after[stayed].mean() == pytest.approx(expected, rel=0.03)


def simulated_steps(ages: np.ndarray, steps: tuple[float, ...]) -> tuple[History, dict[float, np.ndarray]]:
    """Customers who live as the model says, and their purchases in each of these stretches after their age."""
    random = np.random.default_rng(8)
    repeats, last, after = [], [], []
    for age in ages:
        rate, gone = random.gamma(MODEL.r, 1 / MODEL.alpha), random.beta(MODEL.a, MODEL.b)
        time, times = 0.0, []
        while (time := time + random.exponential(1 / rate)) < age + max(steps):
            times.append(time)
            if random.random() < gone:
                break
        seen = [one for one in times if one < age]
        repeats.append(len(seen))
        last.append(max(seen, default=0.0))
        after.append([sum(age <= one < age + step for one in times) for step in steps])
    found = np.array(after)
    history = History(np.array(repeats), np.array(last), np.asarray(ages, np.float64))
    return history, {step: found[:, place] for place, step in enumerate(steps)}


def test_expected_purchases_of_those_who_stay_over_the_same_stretch() -> None:
    """Within the very horizon it is the expectation over the probability of buying at all: once at least."""
    history = History(np.array([0, 1, 9]), np.array([0, 4.0, 10.0]), np.array([30.0, 90.0, 900.0]))
    kept = MODEL.expected_purchases_if_kept(history, 45.0, 45.0)
    buys = 1 - MODEL.no_purchase(history, 45.0)
    assert kept[:2] == pytest.approx((MODEL.expected_purchases(history, 45.0) / buys)[:2], rel=1e-9)
    # The last has long been gone: the probability rounds to 0, and the answer is right all the same.
    assert 1 <= kept[2] < 2


@pytest.mark.parametrize("within", [0.0, -1.0])
def test_nobody_stays_within_no_time(within: float) -> None:
    """An empty window is refused."""
    history = History(np.array([0]), np.array([0.0]), np.array([30.0]))
    with pytest.raises(ValueError, match="nobody buys within"):
        MODEL.expected_purchases_if_kept(history, 30.0, within)


@pytest.mark.parametrize(
    ("a", "b"), [(0.7, 1e5), (1.6e5, 1.6e5), (6e-6, 1e5), (6e-6, 6e-6), (0.5, 0.5), (0.2, 0.8)]
)
def test_sharp_and_flat_drop_out_probabilities_keep_their_mean(a: float, b: float) -> None:
    """Parameters at the edge of the fit give numbers: rates as they are while alive, at most one every 1/rate days."""
    model = BgNbd(r=1.5, alpha=30.0, a=a, b=b)
    history = History(np.array([2]), np.array([40.0]), np.array([50.0]))
    steady = (1.5 + 2) / (30 + 50) * 20
    found = model.expected_purchases_if_kept(history, 20.0, 1e9)[0]
    assert 0 < found <= steady * (1 + 1e-9)
    if a < 1e-3:
        assert b < 1 or found == pytest.approx(steady, rel=1e-4)


def test_no_future_has_no_purchase() -> None:
    """In 0 days nothing is bought; in ever longer stretches silence grows less probable, down to being gone."""
    history = History(np.array([0, 4]), np.array([0.0, 50.0]), np.array([30.0, 60.0]))
    assert MODEL.no_purchase(history, 0.0).tolist() == [1.0, 1.0]
    assert MODEL.expected_purchases(history, 0.0).tolist() == [0.0, 0.0]
    silence = np.array([MODEL.no_purchase(history, days) for days in (1.0, 10.0, 100.0, 1e4)])
    assert (np.diff(silence, axis=0) < 0).all()
    assert MODEL.no_purchase(history, 1e12) == pytest.approx(1 - MODEL.p_alive(history), abs=1e-6)


def test_extreme_customers_keep_their_digits() -> None:
    """A thousand purchases up to today or long ago give probabilities that are tiny, not lost, and never outside."""
    history = History(np.array([1000, 1000]), np.array([999.99, 10.0]), np.array([1000.0, 1000.0]))
    silence = MODEL.no_purchase(history, 30.0)
    assert 0 < silence[0] < 1e-2
    assert silence[1] == 1.0
    assert 0 <= MODEL.p_alive(history)[1] < 1e-300


def test_buyer_without_repeats_is_alive() -> None:
    """One can only drop out after a repeat purchase."""
    assert MODEL.p_alive(History(np.array([0]), np.array([0.0]), np.array([900.0]))).tolist() == [1.0]


def test_fit_needs_somebody_who_came_back() -> None:
    """Without a repeat purchase there is no rhythm, and the message says so."""
    with pytest.raises(TrainingError, match="none of the 2 customers bought a second time"):
        fit_bgnbd(History(np.array([0, 0]), np.zeros(2), np.array([10.0, 20.0])))


def test_fit_survives_customers_who_never_leave() -> None:
    """Where nobody drops out the parameters run to their bounds, not to infinity."""
    age = np.full(50, 100.0)
    found = fit_bgnbd(History(np.full(50, 20), age, age))
    assert (found.p_alive(History(np.array([20]), np.array([100.0]), np.array([100.0]))) > 0.95).all()


@pytest.mark.parametrize("days", [-1.0])
def test_past_is_not_predicted(days: float) -> None:
    """A negative stretch is refused."""
    history = History(np.array([0]), np.array([0.0]), np.array([30.0]))
    with pytest.raises(ValueError, match="no stretch of the future"):
        MODEL.no_purchase(history, days)
    with pytest.raises(ValueError, match="no stretch of the future"):
        MODEL.expected_purchases(history, days)


@pytest.mark.parametrize("value", [0.0, -1.0, np.inf, np.nan])
def test_parameters_without_a_distribution_are_refused(value: float) -> None:
    """Every parameter is a finite number above 0."""
    with pytest.raises(ValueError, match="parameter a is"):
        BgNbd(r=1.0, alpha=1.0, a=value, b=1.0)


def test_a_search_among_many_begins_where_one_among_a_few_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    """It finds the same model from all customers, with a fraction of the work."""
    history, _ = simulated(MODEL, np.random.default_rng(8).uniform(100, 700, 6_000), seed=9)
    rows: list[int] = []
    cost = bgnbd._cost

    def counted(logs: np.ndarray, each: bgnbd._Grouped) -> tuple[float, np.ndarray]:
        rows.append(len(each.x))
        return cost(logs, each)

    monkeypatch.setattr(bgnbd, "_cost", counted)
    whole = fit_bgnbd(history)
    at_once = sum(rows)
    rows.clear()
    monkeypatch.setattr(bgnbd, "_MANY", 2_000)
    found = fit_bgnbd(history)
    assert [getattr(found, name) for name in "r alpha a b".split()] == pytest.approx(
        [getattr(whole, name) for name in "r alpha a b".split()], rel=1e-3
    )
    assert found.log_likelihood(history) == pytest.approx(whole.log_likelihood(history), rel=1e-9)
    assert sum(rows) < at_once / 2
