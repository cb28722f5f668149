"""Plans that never look ahead, and models that come of them."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from retain.engine import ENGINES
from retain.engine.views import columns_at_hand
from retain.errors import ConfigError, TrainingError, WindowError
from retain.evaluation.ranking import auroc
from retain.features.catalog import feature_set
from retain.labels import LABELS, ChurnSettings, outcomes
from retain.modelling import hyperparameters, training
from retain.modelling.learners import LEARNERS, Task, largest_for, sizes_for
from retain.modelling.training import (
    BASELINES,
    Contest,
    Lesson,
    TrainingSettings,
    drawn,
    eligible_snapshots,
    make_plan,
    train,
)
from retain.timeline import DAY, instant, instant_text

if TYPE_CHECKING:
    from collections.abc import Callable

    from retain.events.store import EventStore
    from retain.modelling.training import Trained

    Orders = Callable[..., EventStore]
    Build = Callable[..., EventStore]

FIRST = instant("2023-01-01")
CHURN = ChurnSettings(active_days=60, horizon_days=30)


def stretch(build: Build, days: int) -> EventStore:
    """A store whose orders reach over so many days."""
    return build([{"customer_id": "a", "ordered_at": FIRST + day * DAY} for day in (0, days)])


def days(*moments: int) -> list[int]:
    """Days since the first order."""
    return [(one - FIRST) // DAY for one in moments]


@pytest.mark.parametrize("step", [7, 10, 20, 30, 40, 70])
@pytest.mark.parametrize("lead", [0, 9])
@pytest.mark.parametrize("most", [1, 4])
def test_a_plan_never_looks_ahead(orders_store: Build, step: int, lead: int, most: int) -> None:
    """Label windows of training cutoffs are closed before the fold's own; those of validation do not overlap."""
    churn = replace(CHURN, lead_days=lead)
    until = FIRST + 400 * DAY
    settings = TrainingSettings(step_days=step, validation_cutoffs=most)
    plan = make_plan(stretch(orders_store, 400), until, churn, settings)
    assert churn.window.end(plan.cutoffs[-1]) == until
    assert all(later - earlier == step * DAY for earlier, later in pairwise(plan.cutoffs))
    assert plan.cutoffs[0] >= FIRST + 30 * DAY  # half of the active days
    assert 1 <= len(plan.folds) <= most
    assert plan.folds[-1].validation == plan.cutoffs[-1]
    for fold in plan.folds:
        earlier = tuple(one for one in plan.cutoffs if one < fold.validation)
        assert tuple(sorted((*fold.training, *fold.purged))) == earlier
        assert fold.training
        assert all(churn.window.end(one) <= fold.validation for one in fold.training)
        assert all(churn.window.end(one) > fold.validation for one in fold.purged)
    for earlier_fold, later_fold in pairwise(plan.folds):
        assert churn.window.end(earlier_fold.validation) <= churn.window.start(later_fold.validation)


def test_a_plan_in_figures(orders_store: Build) -> None:
    """400 days, a horizon of 30, cutoffs 10 days apart by default: the newest at 370, folds a horizon apart."""
    plan = make_plan(
        stretch(orders_store, 400), FIRST + 400 * DAY, CHURN, TrainingSettings(validation_cutoffs=2)
    )
    assert days(*plan.cutoffs[-3:]) == [350, 360, 370]
    assert len(plan.cutoffs) == 24
    assert days(*(one.validation for one in plan.folds)) == [340, 370]
    assert days(*plan.folds[1].purged) == [350, 360]
    assert days(plan.folds[1].training[-1]) == [340]


def test_the_past_can_be_trained_on_as_it_was(orders_store: Build) -> None:
    """Up to an earlier instant only what had closed by then is used; a later one than the data is their end."""
    store = stretch(orders_store, 400)
    settings = TrainingSettings()
    assert days(make_plan(store, FIRST + 200 * DAY, CHURN, settings).cutoffs[-1]) == [170]
    assert days(make_plan(store, FIRST + 900 * DAY, CHURN, settings).cutoffs[-1]) == [370]


def test_the_warm_up_can_be_chosen(orders_store: Build) -> None:
    """No cutoff lies in it."""
    settings = TrainingSettings(warm_up_days=100, most_cutoffs=99)
    plan = make_plan(stretch(orders_store, 400), FIRST + 400 * DAY, CHURN, settings)
    assert days(plan.cutoffs[0]) == [100]


def test_too_short_a_history_is_refused(orders_store: Build) -> None:
    """Before the first label window has closed there is no cutoff; a day more and there is one."""
    with pytest.raises(
        WindowError,
        match=r"closed by 2023-03-01: the data begin on 2023-01-01, and a cutoff needs 30 days of .* and 30 days",
    ):
        make_plan(stretch(orders_store, 59), FIRST + 59 * DAY, CHURN, TrainingSettings())
    with pytest.raises(
        TrainingError, match="After the purge nothing is left to train on: 1 cutoffs from 2023-01-31"
    ):
        make_plan(stretch(orders_store, 60), FIRST + 60 * DAY, CHURN, TrainingSettings())


def test_the_purge_is_not_skipped(orders_store: Build) -> None:
    """With several cutoffs, all of whose label windows reach past the last, the run fails and says so."""
    with pytest.raises(
        TrainingError,
        match=r"3 cutoffs from 2023-02-09 to 2023-03-01, but .* That needs 30 days of history and 60 days",
    ):
        make_plan(stretch(orders_store, 89), FIRST + 89 * DAY, CHURN, TrainingSettings())
    plan = make_plan(stretch(orders_store, 90), FIRST + 90 * DAY, CHURN, TrainingSettings())
    assert [days(one.validation, *one.training) for one in plan.folds] == [[60, 30]]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"most_cutoffs": 0}, r"\[training\] most_cutoffs is 0; it has to be at least 1"),
        ({"validation_cutoffs": 0}, "validation_cutoffs is 0"),
        ({"threads": -1}, "threads is -1"),
        ({"step_days": -1}, "cannot be negative"),
        ({"warm_up_days": -1}, "cannot be negative"),
        ({"learners": ()}, "learners is empty"),
    ],
)
def test_settings_that_cannot_train_are_refused(settings: dict[str, int], message: str) -> None:
    """When they are made, and by name."""
    with pytest.raises(ConfigError, match=message):
        TrainingSettings(**settings)  # type: ignore[arg-type]  # wrong on purpose


def test_snapshots_are_the_eligible_at_each_cutoff(orders: Orders) -> None:
    """By cutoff and then customer; a cutoff with none adds none."""
    store = orders("""
        customer_id  ordered_at
        a            2023-01-01
        b            2023-02-01
        a            2023-02-15
    """)
    cutoffs = [instant(one) for one in ("2022-12-31", "2023-01-02", "2023-03-01", "2023-04-10")]
    found = eligible_snapshots(store, cutoffs, CHURN)
    assert found.customer.tolist() == [0, 0, 1, 0]
    assert [instant_text(int(one)) for one in found.cutoff] == [
        "2023-01-02",
        "2023-03-01",
        "2023-03-01",
        "2023-04-10",
    ]
    assert len(eligible_snapshots(store, cutoffs[:1], CHURN)) == 0


def test_a_model_comes_with_how_it_came_about(shop: EventStore, trained: Trained) -> None:
    """Every learner competes and so does the baseline; the best of them is fitted on all rows."""
    assert {one.learner for one in trained.contests} == {"logistic", "lightgbm", "blend", BASELINES["orders"]}
    scores = [one.mean_auroc for one in trained.contests]
    assert scores == sorted(scores, reverse=True)
    assert (trained.learner, trained.size) == (trained.contests[0].learner, trained.contests[0].size)
    assert all(len(one.auroc) == len(trained.plan.folds) == 2 for one in trained.contests)
    assert all(one.size in LEARNERS.get(one.learner).sizes for one in trained.contests)
    assert trained.rows == len(eligible_snapshots(shop, trained.plan.cutoffs, CHURN))
    assert 0 < trained.churn_rate < 1
    assert {one.method for one in trained.evidence} == {"none", "temperature"}


def test_a_model_tells_who_leaves(shop: EventStore, trained: Trained) -> None:
    """Those who have been silent for longer than they used to be."""
    assert trained.contests[0].mean_auroc > 0.75
    cutoff = trained.plan.cutoffs[-1]
    snapshots = eligible_snapshots(shop, [cutoff], CHURN)
    x = ENGINES.get("kernel")(shop, trained.features, snapshots).values
    truth = LABELS.get("inactivity").churned(shop, cutoff, CHURN, cutoff + 99 * DAY)[snapshots.customer]
    probabilities = trained.calibration(trained.fitted.log_odds(x))
    assert ((probabilities > 0) & (probabilities < 1)).all()
    assert auroc(truth.astype(np.int8), probabilities) > 0.75


@pytest.mark.parametrize("threads", [1, 3])
def test_training_twice_gives_the_same_model(shop: EventStore, trained: Trained, threads: int) -> None:
    """To the last byte, on however many threads, and it says what it is doing."""
    said: list[str] = []
    settings = TrainingSettings(
        step_days=15, validation_cutoffs=2, learners=("logistic", "lightgbm", "blend"), threads=threads
    )
    engine = ENGINES.get("kernel")
    again = train(Lesson(shop, trained.features, engine, trained.plan.until, CHURN, settings, said.append))
    assert again.fitted.text() == trained.fitted.text()
    assert replace(again, fitted=trained.fitted) == trained
    assert [one.split()[0] for one in said] == ["features", "validating", "validating", "fitting"]


def test_features_that_the_baseline_cannot_read_do_not_stop_the_training(shop: EventStore) -> None:
    """It then says the churn rate of everybody, and loses."""
    found = quickly(shop, ["rhythm"])
    baseline = next(one for one in found.contests if one.learner == BASELINES["orders"])
    assert baseline.mean_auroc == 0.5
    assert found.learner == "logistic"


def quickly(store: EventStore, families: list[str], churn: ChurnSettings = CHURN) -> Trained:
    """A model of these families by logistic regression."""
    settings = TrainingSettings(step_days=15, validation_cutoffs=2, learners=("logistic",))
    features = feature_set(families, columns_at_hand(store))
    until = int(store.tables["orders"].time.max())
    return train(Lesson(store, features, ENGINES.get("kernel"), until, churn, settings))


def regulars(build: Build, customers: int, step: int, until: int = 300) -> EventStore:
    """Customers who all order every so many days, the last of them until the end."""
    rows: list[dict[str, object]] = [
        {"customer_id": f"c{one:02}", "ordered_at": FIRST + day * DAY, "amount": 100}
        for one in range(customers)
        for day in range(0, until, step)
    ]
    return build([*rows, {"customer_id": "c00", "ordered_at": FIRST + 300 * DAY, "amount": 100}])


@pytest.mark.parametrize(
    ("customers", "step", "churn", "message"),
    [
        (
            12,
            5,
            CHURN,
            r"None of the \d+ snapshots ends in churn: there is nothing to learn",
        ),
        (
            12,
            50,
            ChurnSettings(active_days=10, horizon_days=7),
            "All 48 snapshots end in churn: there is nothing to learn",
        ),
        (
            1,
            40,
            ChurnSettings(active_days=60, horizon_days=30),
            r"Of the 17 snapshots 4 end in churn and 13 do not; 5 of each are the least",
        ),
        (12, 50, ChurnSettings(active_days=1, horizon_days=7), "Nobody was active before any of the cutoffs"),
    ],
)
def test_one_class_only_teaches_nothing(
    orders_store: Build, customers: int, step: int, churn: ChurnSettings, message: str
) -> None:
    """Nobody or everybody leaves, one customer only, or none: the message says which, and what to change."""
    with pytest.raises(TrainingError, match=message) as caught:
        quickly(regulars(orders_store, customers, step), ["rfm"], churn)
    assert "change active_days and horizon_days under [churn]" in str(caught.value)


def test_a_fold_without_both_classes_is_passed_over(orders_store: Build) -> None:
    """When that holds of all of them, the run fails instead of choosing blindly."""
    # Everybody leaves together in the middle of the data, so that each cutoff has one class only.
    store = regulars(orders_store, 20, 5, until=150)
    with pytest.raises(
        TrainingError,
        match=r"No validation cutoff has 5 churners and 5 others.*\(\d{4}-\d\d-\d\d: [\d,]+ of [\d,]+ churned",
    ):
        quickly(store, ["rfm"])


def test_a_fold_learns_only_what_was_known_at_its_cutoff(
    shop: EventStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The rows of its training cutoffs, with outcomes as they looked then, before late entries put them right."""
    orders = shop.tables["orders"]
    late = np.where(np.arange(len(orders)) % 3 == 0, 45 * DAY, 0)
    store = replace(shop, tables={"orders": replace(orders, known=orders.time + late)})
    seen: list[Task] = []

    class Noted(Task):
        def __init__(self, *args: Any, **named: Any) -> None:
            super().__init__(*args, **named)
            seen.append(self)

    monkeypatch.setattr(training, "Task", Noted)
    found = quickly(store, ["rfm"])
    *folds, whole = seen

    def learned(cutoffs: tuple[int, ...], known_by: int) -> tuple[bytes, list[int]]:
        snapshots = eligible_snapshots(store, cutoffs, CHURN)
        x = ENGINES.get("kernel")(store, found.features, snapshots).values
        churned = [
            LABELS.get("inactivity").churned(store, int(cutoff), CHURN, known_by)[customer]
            for customer, cutoff in zip(snapshots.customer, snapshots.cutoff, strict=True)
        ]
        return x.tobytes(), np.array(churned).astype(int).tolist()

    for fold, task in zip(found.plan.folds, folds, strict=True):
        then = learned(fold.training, fold.validation)
        assert (task.x.tobytes(), task.y.tolist()) == then
        assert then[1] != learned(fold.training, found.plan.until)[1]
    assert (whole.x.tobytes(), whole.y.tolist()) == learned(found.plan.cutoffs, found.plan.until)


def test_noise_is_not_learned(orders_store: Build) -> None:
    """Where leaving follows from nothing, validation says so: AUROC near a half."""
    random = np.random.default_rng(5)
    rows: list[dict[str, object]] = [
        {"customer_id": f"c{customer:03}", "ordered_at": FIRST + int((block * 30 + 15) * DAY), "amount": 100}
        for customer in range(300)
        for block in range(12)
        if random.random() < 0.5
    ]
    rows += [{"customer_id": "last", "ordered_at": FIRST + 360 * DAY, "amount": 100}]
    settings = TrainingSettings(step_days=30, warm_up_days=90, validation_cutoffs=4, learners=("logistic",))
    store = orders_store(rows)
    features = feature_set(["rfm"], columns_at_hand(store))
    found = train(Lesson(store, features, ENGINES.get("kernel"), FIRST + 360 * DAY, CHURN, settings))
    assert all(abs(one.mean_auroc - 0.5) < 0.06 for one in found.contests)


def test_the_smaller_of_equal_sizes_wins() -> None:
    """Nothing is gained by the larger."""
    truth = [np.array([0, 1, 0, 1], dtype=np.int8)]
    same, worse = np.array([0.1, 0.9, 0.2, 0.8]), np.array([0.9, 0.1, 0.8, 0.2])
    assert training._contest("it", [{50: worse, 100: same, 200: same}], truth) == Contest("it", 100, (1.0,))


def test_very_many_rows_are_drawn_from_and_few_are_all_taken() -> None:
    """In their order, each at most once, the same for the same seed; from all parts alike."""
    rows = np.arange(1_000) * 3
    assert drawn(rows, 1, 1_000) is rows
    found = drawn(rows, 1, 300)
    assert len(found) == len(set(found.tolist()) & set(rows.tolist())) == 300
    assert (np.diff(found) > 0).all()
    assert found.tolist() == drawn(rows, 1, 300).tolist()
    assert found.tolist() != drawn(rows, 2, 300).tolist()
    # A quarter of the rows; six is the standard deviation of chance.
    assert 50 < (found < 750).sum() < 100


def test_a_draw_for_validation_leaves_the_final_fit_alone(
    shop: EventStore, trained: Trained, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Validation learns from fewer rows and says something else; the model of the same learner and size learns from all."""
    monkeypatch.setattr(training, "MOST_ROWS", 200)
    only = TrainingSettings(step_days=15, validation_cutoffs=2, learners=("logistic",))

    def made() -> Trained:
        engine = ENGINES.get("kernel")
        return train(Lesson(shop, trained.features, engine, trained.plan.until, trained.churn, only))

    few = made()
    monkeypatch.undo()
    full = made()
    odds = [one.validated[-1].log_odds["logistic"] for one in (few, full)]
    assert (odds[0] != odds[1]).any()
    assert few.rows == full.rows
    assert (few.learner, few.fitted.text()) == (full.learner, full.fitted.text())


def test_the_past_of_very_many_rows_is_read_from_a_draw(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every cutoff with its own rows, and what the model says of just those."""
    cutoff, x = np.repeat([10, 20, 30], 400), np.arange(1_200.0)[:, None]
    y = (np.arange(1_200) % 3 == 0).astype(np.int8)
    whole = training._past(cutoff, x, y, 1, lambda rows: rows[:, 0])
    assert [(one.cutoff, len(one.y)) for one in whole] == [(10, 400), (20, 400), (30, 400)]
    monkeypatch.setattr(training, "MOST_IN_SEASON", 300)
    some = training._past(cutoff, x, y, 1, lambda rows: rows[:, 0])
    assert [one.cutoff for one in some] == [10, 20, 30]
    assert sum(len(one.y) for one in some) == 300
    for one, all_of_it in zip(some, whole, strict=True):
        assert set(one.log_odds.tolist()) < set(all_of_it.log_odds.tolist())
        assert one.y.tolist() == [int(at % 3 == 0) for at in one.log_odds.tolist()]


@pytest.mark.parametrize("threads", [1, 3])
def test_parts_of_a_model_are_the_same_however_many_are_trained_at_once(threads: int) -> None:
    """The blend of three, byte for byte."""
    random = np.random.default_rng(3)
    x = np.column_stack(
        [random.poisson(4, 400) + 1, random.exponential(30, 400), random.exponential(90, 400) + 30]
    )
    y = (x[:, 1] > random.exponential(30, 400)).astype(np.int8)

    def made() -> Task:
        return Task(x, y, ("orders_lifetime", "recency_days", "tenure_days"), size=50, seed=20)

    assert made().side_by_side(threads).fitted("blend").text() == made().fitted("blend").text()


def test_of_very_many_rows_half_as_many_trees_take_twice_the_step(
    shop: EventStore, trained: Trained, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In validation as in the final fit, and the model says with what; one row fewer, and all is as it was."""
    settings = TrainingSettings(step_days=15, validation_cutoffs=2, learners=("lightgbm",))

    engine, until = ENGINES.get("kernel"), trained.plan.until

    def made(most: int) -> Trained:
        monkeypatch.setattr(hyperparameters, "VERY_MANY", most)
        return train(Lesson(shop, trained.features, engine, until, trained.churn, settings))

    many, few = made(trained.rows - 1), made(trained.rows)
    assert (few.hyperparameters, many.hyperparameters) == (
        settings.hyperparameters,
        settings.hyperparameters.with_values({"trees.learning_rate": 0.04}),
    )
    contests = [next(one for one in each.contests if one.learner == "lightgbm") for each in (many, few)]
    assert contests[0].size <= 150
    by_hand = replace(settings, trees=replace(settings.trees, learning_rate=0.04))
    for made_of_many, told in ((many, by_hand), (few, settings)):
        for seen, fold in zip(made_of_many.validated, made_of_many.plan.folds, strict=True):
            into = eligible_snapshots(shop, fold.training, trained.churn)
            at = eligible_snapshots(shop, [fold.validation], trained.churn)
            x = [engine(shop, trained.features, one).values for one in (into, at)]
            y = outcomes(shop, into.customer, into.cutoff, trained.churn, fold.validation)
            size = next(one.size for one in made_of_many.contests if one.learner == "lightgbm")
            lesson = Lesson(shop, trained.features, engine, until, trained.churn, told)
            model = lesson.task(x[0], y, size).fitted("lightgbm")
            assert model.log_odds(x[1]).tolist() == seen.log_odds["lightgbm"].tolist()


@pytest.mark.parametrize("name", LEARNERS.names())
def test_sizes_for_very_many_rows_are_some_of_the_usual_ones(name: str) -> None:
    """None is left without any; what is no number of trees keeps all."""
    usual, fewer = sizes_for(name, 1_000), sizes_for(name, 1_000_000)
    assert usual == LEARNERS.get(name).sizes
    assert set() < set(fewer) <= set(usual)
    assert (fewer != usual) == (max(usual) > 1)
    assert largest_for([name], 1_000_000) == max(fewer)
