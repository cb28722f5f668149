"""Every learner, over the table: what it keeps, what it explains, and what it survives."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
import pytest

from retain.errors import UsageError
from retain.modelling.hazard import TENURE
from retain.modelling.learners import LEARNERS, RFM, Logistic, Predictions, Task

if TYPE_CHECKING:
    from collections.abc import Callable

    from retain.modelling.learners import Fitted, FloatArray

    MakeTask = Callable[..., Task]

NAMES = (*RFM, "tenure_days", "constant", "never_known")


def panel(rows: int, seed: int = 7) -> FloatArray:
    """Six columns: three that tell something, one half unknown, one that never varies, one that is never known."""
    random = np.random.default_rng(seed)
    x = np.column_stack([random.exponential(30, rows), random.poisson(4, rows), random.normal(50, 40, rows)])
    half = np.where(random.random(rows) < 0.5, np.nan, x[:, 0] + random.exponential(100, rows))
    return np.column_stack([x, half, np.full(rows, 3.0), np.full(rows, np.nan)])


def task(rows: int = 300, *, size: int = 50, x: FloatArray | None = None, seed: int = 20) -> Task:
    """Rows whose outcome follows from the first two columns, with some luck."""
    x = panel(rows) if x is None else x
    luck = np.random.default_rng(3).logistic(size=len(x))
    y = (np.nan_to_num(x[:, 0]) / 15 - np.nan_to_num(x[:, 1]) / 2 + luck > 0).astype(np.int8)
    return Task(x, y, NAMES[: x.shape[1]], size=size, seed=seed)


def each_size(one: Task, learner: str, x: FloatArray) -> bool:
    """Whether predictions at all sizes together are those of the model cut to each."""
    predictions = Predictions(x)
    asked = [predictions.of(name, one.fitted(name)) for name in LEARNERS.names()]
    found = asked[LEARNERS.names().index(learner)]
    sizes = LEARNERS.get(learner).sizes
    wanted = [one.fitted(learner).log_odds(x, size).tobytes() for size in sizes]
    return [found[size].tobytes() for size in sizes] == wanted


each_learner = pytest.mark.parametrize("learner", LEARNERS.names())


@each_learner
def test_a_model_kept_as_text_is_the_same_model(learner: str) -> None:
    """Log-odds, contributions and text, bit for bit."""
    fitted = task().fitted(learner)
    again = LEARNERS.get(learner).load(fitted.text())
    x = panel(100, seed=8)
    assert again.log_odds(x).tobytes() == fitted.log_odds(x).tobytes()
    assert again.contributions(x).tobytes() == fitted.contributions(x).tobytes()
    assert again.text() == fitted.text()


@each_learner
def test_contributions_and_a_base_value_add_up_to_the_log_odds(learner: str) -> None:
    """The base value is the same for every row, and a column that says nothing contributes nothing."""
    fitted = task().fitted(learner)
    x = panel(100, seed=8)
    contributions = fitted.contributions(x)
    assert contributions.shape == x.shape
    base = fitted.log_odds(x) - contributions.sum(axis=1)
    assert base == pytest.approx(np.full(100, base[0]), abs=1e-9)
    assert not contributions[:, 4:].any()


@each_learner
def test_the_same_rows_and_seed_give_the_same_text(learner: str) -> None:
    """Byte for byte, however often."""
    assert task().fitted(learner).text() == task().fitted(learner).text()


@each_learner
def test_rows_are_predicted_one_by_one(learner: str) -> None:
    """In another order or alone, a row has the same log-odds."""
    fitted = task().fitted(learner)
    x = panel(60, seed=8)
    order = np.random.default_rng(1).permutation(60)
    whole = fitted.log_odds(x)
    assert fitted.log_odds(x[order]).tobytes() == whole[order].tobytes()
    assert fitted.log_odds(x[7:8]).tobytes() == whole[7:8].tobytes()


def test_a_row_of_many_columns_has_the_same_log_odds_alone() -> None:
    """Sums of many numbers depend on their order, so each row is summed in the order of its columns."""
    x = np.random.default_rng(2).normal(size=(400, 40))
    y = (x[:, 0] + np.random.default_rng(3).normal(size=400) > 0).astype(np.int8)
    fitted = Task(x, y, [f"f{at}" for at in range(40)], size=1, seed=1).fitted("logistic")
    alone = np.concatenate([fitted.log_odds(x[at : at + 1]) for at in range(400)])
    assert fitted.log_odds(x).tobytes() == alone.tobytes()


@each_learner
def test_it_learns_what_there_is_to_learn(learner: str) -> None:
    """On rows that it has not seen the long silent score above the rest."""
    rows = task(600)
    by_tenure = learner == "tenure_hazard"
    if by_tenure:
        # It reads that one column and no other.
        rows = Task(rows.x, rows.y, (TENURE, *NAMES[1:]), size=rows.size, seed=rows.seed)
    x = panel(200, seed=9)
    odds = rows.fitted(learner).log_odds(x)
    assert np.corrcoef(odds, x[:, 0])[0, 1] > 0.5
    assert by_tenure or np.corrcoef(odds, x[:, 1])[0, 1] < 0


@each_learner
def test_thirty_customers_are_enough_to_run(learner: str) -> None:
    """Little is learned, and nothing breaks."""
    fitted = task(30).fitted(learner)
    assert np.isfinite(fitted.log_odds(panel(30))).all()
    assert np.isfinite(fitted.contributions(panel(30))).all()


@each_learner
def test_values_never_seen_in_training_do_not_break_it(learner: str) -> None:
    """Infinite, enormous and unknown ones have finite log-odds."""
    fitted = task().fitted(learner)
    x = np.array([[np.inf] * 6, [-np.inf] * 6, [1e300] * 6, [-1e300] * 6, [np.nan] * 6])
    assert np.isfinite(fitted.log_odds(x)).all()
    assert np.isfinite(fitted.contributions(x)).all()


@each_learner
def test_infinite_values_in_training_count_as_unknown_or_extreme(learner: str) -> None:
    """A ratio that ran away does not stop the training."""
    x = panel(300)
    x[::7, 0] = np.inf
    assert np.isfinite(task(x=x).fitted(learner).log_odds(x)).all()


@each_learner
def test_columns_that_say_nothing_leave_the_churn_rate(learner: str) -> None:
    """All unknown or constant, each row gets the log-odds of the churn rate."""
    x = np.column_stack([np.full((200, 3), np.nan), np.full(200, 3.0)])
    y = np.repeat(np.array([1, 0], dtype=np.int8), [50, 150])
    fitted = Task(x, y, NAMES[:4], size=50, seed=20).fitted(learner)
    assert fitted.log_odds(x) == pytest.approx(np.full(200, np.log(50 / 150)), abs=1e-6)
    assert not fitted.contributions(x).any()
    again = LEARNERS.get(learner).load(fitted.text())
    assert again.log_odds(x).tobytes() == fitted.log_odds(x).tobytes()


@each_learner
def test_a_large_model_holds_the_smaller_ones(learner: str) -> None:
    """Cut to a size, it is the model that would have been trained at that size."""
    sizes = LEARNERS.get(learner).sizes
    small, large = min(sizes), max(sizes)
    x = panel(100, seed=8)
    cut = task(size=large).fitted(learner).log_odds(x, small)
    assert cut.tobytes() == task(size=small).fitted(learner).log_odds(x).tobytes()
    assert (cut != task(size=large).fitted(learner).log_odds(x)).any() == (large > small)


def test_the_baseline_reads_three_features_only() -> None:
    """Recency, frequency and monetary value, as far as they are there."""
    x = panel(100, seed=8)
    contributions = task().fitted("rfm_logistic").contributions(x)
    assert [name for name, column in zip(NAMES, contributions.T, strict=True) if column.any()] == list(RFM)


def test_a_learner_is_trained_once_for_all_who_ask(monkeypatch: pytest.MonkeyPatch) -> None:
    """The blend uses the models that were trained anyway."""
    trained = []
    fit = Logistic.fit

    def counted(self: Logistic, task: Task) -> object:
        trained.append(self)
        return fit(self, task)

    monkeypatch.setattr(Logistic, "fit", counted)
    mine = task()
    blend, linear = mine.fitted("blend"), mine.fitted("logistic")
    assert len(trained) == 1
    x = panel(50, seed=8)
    parts = [mine.fitted("lightgbm"), linear, mine.fitted("bgnbd_discriminative")]
    assert blend.log_odds(x) == pytest.approx(sum(one.log_odds(x) for one in parts) / 3, abs=1e-12)


def test_the_blend_is_of_two_where_there_are_no_orders() -> None:
    """BG/NBD has nothing to say without the days since the first order."""
    x = panel(300)[:, :3]
    mine = task(x=x)
    parts = [mine.fitted("lightgbm"), mine.fitted("logistic")]
    assert mine.fitted("blend").log_odds(x) == pytest.approx(
        sum(one.log_odds(x) for one in parts) / 2, abs=1e-12
    )


def test_an_unknown_value_has_a_weight_of_its_own() -> None:
    """Where being unknown goes with leaving, the linear model says so."""
    x = np.repeat(np.array([[np.nan], [1.0]]), 100, axis=0)
    y = np.concatenate([np.tile([1, 1, 1, 0], 25), np.tile([0, 0, 0, 1], 25)]).astype(np.int8)
    fitted = Task(x, y, ("it",), size=1, seed=1).fitted("logistic")
    unknown, known = fitted.log_odds(np.array([[np.nan], [1.0]]))
    assert unknown > known
    assert json.loads(fitted.text())["share_unknown"] == [0.5]


def test_what_training_hardly_saw_does_not_decide_alone() -> None:
    """A value far outside moves logistic regression no further than one at the edge of what was usual."""
    x = panel(400)
    fitted = task(x=x).fitted("logistic")
    far, edge = x[:2].copy(), x[:2].copy()
    far[:, 0], edge[:, 0] = (1e9, -1e9), (x[:, 0].max(), x[:, 0].min())
    assert fitted.log_odds(far).tobytes() == fitted.log_odds(edge).tobytes()
    assert fitted.contributions(far).tobytes() == fitted.contributions(edge).tobytes()
    assert fitted.log_odds(far)[0] > fitted.log_odds(far)[1] + 1


def test_the_seed_decides_what_is_random() -> None:
    """Another seed is another forest."""
    assert task(seed=1).fitted("lightgbm").text() != task(seed=2).fitted("lightgbm").text()


def test_an_unknown_learner_is_refused_with_the_nearest() -> None:
    """The list comes from the table."""
    with pytest.raises(UsageError, match=r"No learner is called 'lightbgm'\. Did you mean 'lightgbm'\?"):
        task().fitted("lightbgm")


def with_words(rows: int = 400, seed: int = 5) -> FloatArray:
    """A number that tells a little, a category whose second word tells much, sometimes not known, and one word only."""
    random = np.random.default_rng(seed)
    word = random.integers(1, 4, rows).astype(np.float64)
    word[random.random(rows) < 0.1] = np.nan
    return np.column_stack([random.normal(size=rows), word, np.ones(rows)])


def words_task(x: FloatArray, learner: str) -> Fitted:
    luck = np.random.default_rng(3).logistic(size=len(x))
    y = (x[:, 0] / 2 + np.where(x[:, 1] == 2, 3.0, -1.0) + luck > 0).astype(np.int8)
    names = ("recency_days", "static_plan", "static_land")
    return Task(x, y, names, size=50, seed=20, categories=names[1:]).fitted(learner)


@each_learner
def test_a_model_of_categories_is_kept_and_adds_up(learner: str) -> None:
    """As one of numbers: text and log-odds bit for bit, contributions to the last digit but a few."""
    fitted = words_task(with_words(), learner)
    again = LEARNERS.get(learner).load(fitted.text())
    x = with_words(100, seed=6)
    assert again.text() == fitted.text()
    assert again.log_odds(x).tobytes() == fitted.log_odds(x).tobytes()
    parts = fitted.contributions(x)
    assert again.contributions(x).tobytes() == parts.tobytes()
    base = fitted.log_odds(x) - parts.sum(axis=1)
    assert base == pytest.approx(np.full(100, base[0]), abs=1e-9)
    assert not parts[:, 2].any()


@pytest.mark.parametrize("learner", ["blend", "lightgbm", "logistic"])
def test_words_have_no_order(learner: str) -> None:
    """The middle one can be the dangerous one, and one never seen counts as not known."""
    fitted = words_task(with_words(), learner)
    rows = np.column_stack([np.zeros(5), [1.0, 2.0, 3.0, np.nan, 0.0], np.ones(5)])
    first, second, third, unknown, nought = fitted.log_odds(rows).tolist()
    assert second > max(first, third) + 0.3
    assert abs(first - third) < 0.3
    assert unknown == nought


@pytest.mark.parametrize("learner", ["blend", "lightgbm", "logistic"])
def test_not_known_is_a_word_like_any_other(learner: str) -> None:
    """Where those of whom nothing is known leave, the models learn it."""
    x = with_words()
    y = (np.isnan(x[:, 1]) ^ (np.arange(len(x)) % 20 == 0)).astype(np.int8)
    names = ("number", "static_plan", "static_land")
    fitted = Task(x, y, names, size=100, seed=20, categories=names[1:]).fitted(learner)
    odds = fitted.log_odds(np.array([[0.0, np.nan, 1.0], [0.0, 1.0, 1.0]]))
    assert odds[0] > odds[1] + 0.3


def test_the_baseline_reads_no_category() -> None:
    """It has its three features, and says the churn rate where it has none."""
    x = with_words()[:, 1:]
    y = (np.arange(len(x)) % 4 == 0).astype(np.int8)
    fitted = Task(x, y, ("a", "b"), size=1, seed=1, categories=("a", "b")).fitted("rfm_logistic")
    assert fitted.log_odds(x) == pytest.approx(np.full(len(x), np.log(1 / 3)))


@pytest.mark.parametrize("learner", ["blend", "lightgbm", "logistic"])
@pytest.mark.parametrize(("key", "sign"), [("rising", 1), ("falling", -1)])
def test_risk_moves_only_the_way_it_may(learner: str, key: str, sign: int) -> None:
    """Along a feature that is named, whatever the rows say."""
    x = np.random.default_rng(2).normal(size=(500, 2))
    y = (sign * np.sin(2 * x[:, 0]) + x[:, 1] / 2 + np.random.default_rng(3).normal(size=500) > 0).astype(
        np.int8
    )
    line = np.column_stack([np.linspace(-3, 3, 200), np.zeros(200)])

    def steps(**direction: tuple[str, ...]) -> FloatArray:
        fitted = Task(x, y, ("number", "other"), size=200, seed=20, **direction).fitted(learner)
        return np.asarray(np.diff(fitted.log_odds(line)) * sign)

    assert steps(**{key: ("number",)}).min() >= 0
    wrong = {"rising": "falling", "falling": "rising"}[key]
    assert steps(**{wrong: ("number",)}).max() <= 0
    free = steps()
    assert free.max() > 0
    assert learner == "logistic" or free.min() < 0


@each_learner
def test_predictions_at_all_sizes_are_those_of_the_model_cut_to_each(learner: str) -> None:
    """Bit for bit, with more rows than are walked through the trees at a time, and for trees that stopped growing early."""
    size = max(max(LEARNERS.get(name).sizes) for name in LEARNERS.names())
    assert each_size(task(size=size), learner, panel(10_007, seed=9))
    assert each_size(task(20, size=size), learner, panel(30, seed=9))


def test_a_feature_that_is_always_known_has_no_weight_for_being_unknown() -> None:
    """Only what is unknown at times can say something by it."""
    fitted = json.loads(task().fitted("logistic").text())
    weights = dict(zip([NAMES[at] for at in fitted["columns"]], fitted["weight_unknown"], strict=True))
    assert weights.pop("tenure_days") != 0
    assert set(weights.values()) == {0.0}
