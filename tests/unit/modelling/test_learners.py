"""Every learner, over the table: what it keeps, what it explains, and what it survives."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
import pytest

from retain.errors import UsageError
from retain.modelling.learners import LEARNERS, RFM, Logistic, Task

if TYPE_CHECKING:
    from collections.abc import Callable

    from retain.modelling.learners import FloatArray

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


@each_learner
def test_it_learns_what_there_is_to_learn(learner: str) -> None:
    """On rows that it has not seen the long silent score above the rest."""
    fitted = task(600).fitted(learner)
    x = panel(200, seed=9)
    odds = fitted.log_odds(x)
    assert np.corrcoef(odds, x[:, 0])[0, 1] > 0.5
    assert np.corrcoef(odds, x[:, 1])[0, 1] < 0


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


def test_the_seed_decides_what_is_random() -> None:
    """Another seed is another forest."""
    assert task(seed=1).fitted("lightgbm").text() != task(seed=2).fitted("lightgbm").text()


def test_an_unknown_learner_is_refused_with_the_nearest() -> None:
    """The list comes from the table."""
    with pytest.raises(UsageError, match=r"No learner is called 'lightbgm'\. Did you mean 'lightgbm'\?"):
        task().fitted("lightbgm")
