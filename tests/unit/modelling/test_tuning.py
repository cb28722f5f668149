"""Trials on the validation of training, and what is more than luck."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from retain.engine import ENGINES
from retain.errors import ConfigError, LeakError, TrainingError
from retain.evaluation.clustered import Ranked
from retain.evaluation.intervals import Interval
from retain.events.load import read_events
from retain.events.source import SourceSettings, TableSource
from retain.features.attributes import attribute_features
from retain.features.spec import FeatureSet
from retain.labels import ChurnSettings
from retain.modelling import hyperparameters
from retain.modelling.contest import chosen_first
from retain.modelling.given import train_given
from retain.modelling.hyperparameters import USUAL, LogisticSettings
from retain.modelling.learners import LEARNERS
from retain.modelling.training import Contest, Lesson, TrainingSettings, train
from retain.modelling.tuning import (
    REACHED,
    SPACE,
    Ground,
    Tried,
    Verdict,
    ahead,
    gain_left_out,
    ground_of_labelled,
    ground_through_time,
    judge,
    space_of,
)
from retain.timeline import DAY, instant

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from retain.events.store import EventStore
    from retain.modelling.training import Trained

END = instant("2023-01-01") + 400 * DAY
CHURN = ChurnSettings(active_days=60, horizon_days=30)
SETTINGS = TrainingSettings(step_days=15, validation_cutoffs=2, learners=("logistic", "lightgbm", "blend"))
GIVEN = ChurnSettings(definition="given")
STATIC = {"fee": "number", "luck": "number"}
OTHER = USUAL.with_values({"trees.learning_rate": 0.1, "trees.max_depth": 2, "logistic.strength": 1.0})


def chosen(trained: Trained) -> Contest:
    """What training chose, or would have chosen without the baselines."""
    reached = [one for one in trained.contests if one.learner in REACHED]
    return chosen_first(reached, trained.validated, SETTINGS.learners)[0]


@pytest.fixture(scope="module")
def ground(shop: EventStore, trained: Trained) -> Ground:
    """What trials on the small shop are measured on."""
    return ground_through_time(Lesson(shop, trained.features, ENGINES.get("kernel"), END, CHURN, SETTINGS))


@pytest.fixture(scope="module")
def labelled(tmp_path_factory: pytest.TempPathFactory) -> EventStore:
    """Three hundred customers, of whom those with a high fee leave more often."""
    random = np.random.default_rng(4)
    fee, luck = random.uniform(0, 4, 300), random.normal(size=300)
    gone = fee - 2 + random.logistic(size=300) > 0
    lines = [
        f"{at:03},{one:.3f},{other:.3f},{'yes' if left else 'no'}"
        for at, (one, other, left) in enumerate(zip(fee, luck, gone, strict=True))
    ]
    folder = tmp_path_factory.mktemp("labelled")
    (folder / "customers.csv").write_text("customer_id,fee,luck,label\n" + "\n".join(lines) + "\n")
    return read_events(SourceSettings({"customers": TableSource("customers.csv", static=STATIC)}, folder))


def test_the_present_settings_are_measured_as_training_measures_them(
    ground: Ground, trained: Trained
) -> None:
    """The same learner and size are best, with the same AUROC at each cutoff to the last bit."""
    first = ground.tried(USUAL)
    best = chosen(trained)
    assert first.best == best
    names = [one.name for one in ground.parts]
    assert len(names) == len(trained.plan.folds)
    for one, seen in zip(first.ranked, trained.validated, strict=True):
        assert one.score.tobytes() == seen.log_odds[best.learner].tobytes()
        assert one.customer.tolist() == seen.customer.tolist()


def test_a_trial_is_what_training_finds_with_its_settings(
    shop: EventStore, ground: Ground, trained: Trained
) -> None:
    """Whoever puts the best trial into the configuration gets what was promised."""
    settings = replace(SETTINGS, trees=OTHER.trees, logistic=OTHER.logistic)
    again = train(Lesson(shop, trained.features, ENGINES.get("kernel"), END, CHURN, settings))
    best = chosen(again)
    assert ground.tried(OTHER).best == best
    assert best.auroc != ground.tried(USUAL).best.auroc


@pytest.mark.parametrize("threads", [1, 3])
def test_a_trial_is_the_same_on_any_number_of_threads(ground: Ground, threads: int) -> None:
    """To the last bit."""
    there = replace(ground, lesson=replace(ground.lesson, settings=replace(SETTINGS, threads=threads))).tried(
        OTHER
    )
    here = ground.tried(OTHER)
    assert there.best == here.best
    assert [one.score.tobytes() for one in there.ranked] == [one.score.tobytes() for one in here.ranked]


def test_trials_on_very_many_rows_take_steps_as_long_as_training_does(
    shop: EventStore, ground: Ground, trained: Trained, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So that what is recommended is a configuration, and training with it finds the same."""
    monkeypatch.setattr(hyperparameters, "VERY_MANY", trained.rows - 1)
    settings = replace(SETTINGS, trees=OTHER.trees, logistic=OTHER.logistic)
    again = train(Lesson(shop, trained.features, ENGINES.get("kernel"), END, CHURN, settings))
    found = ground.tried(OTHER)
    assert found.best == chosen(again)
    assert found.hyperparameters == OTHER
    assert again.hyperparameters.trees.learning_rate == 2 * OTHER.trees.learning_rate


@pytest.mark.parametrize("many", [True, False])
def test_labelled_customers_are_measured_as_training_measures_them(
    labelled: EventStore, monkeypatch: pytest.MonkeyPatch, *, many: bool
) -> None:
    """On the same parts, each predicted from the others; of very many in longer steps."""
    if many:
        monkeypatch.setattr(hyperparameters, "VERY_MANY", 0)
    features = FeatureSet(attribute_features(labelled.tables["customers"], STATIC))
    settings = replace(SETTINGS, learners=("logistic", "lightgbm"))
    engine = ENGINES.get("kernel")
    ground = ground_of_labelled(Lesson(labelled, features, engine, 0, GIVEN, settings))
    trained = train_given(Lesson(labelled, features, engine, 0, GIVEN, settings))
    assert [one.name for one in ground.parts] == [f"part {at + 1}" for at in range(10)]
    assert ground.tried(USUAL).best == trained.contests[0]
    assert trained.hyperparameters.trees.learning_rate == USUAL.trees.learning_rate * (1 + many)


def test_one_class_only_is_refused_as_in_training(
    orders_store: Callable[..., EventStore], trained: Trained
) -> None:
    """With the same words."""
    rows = [
        {"customer_id": f"c{who}", "ordered_at": END - day * DAY, "amount": 100}
        for who in range(30)
        for day in range(0, 400, 7)
    ]
    with pytest.raises(TrainingError, match=r"None of the .* snapshots ends in churn"):
        ground_through_time(
            Lesson(orders_store(rows), trained.features, ENGINES.get("kernel"), END, CHURN, SETTINGS)
        )


def test_a_feature_that_knows_the_outcome_stops_it(tmp_path: Path) -> None:
    """What chooses settings by the outcome itself chooses nothing."""
    random = np.random.default_rng(4)
    label = random.integers(0, 2, 400)
    lines = [
        f"{at:03},{one + random.normal() / 9:.3f},{random.normal():.3f},{'yes' if one else 'no'}"
        for at, one in enumerate(label)
    ]
    (tmp_path / "customers.csv").write_text("customer_id,fee,luck,label\n" + "\n".join(lines) + "\n")
    store = read_events(SourceSettings({"customers": TableSource("customers.csv", static=STATIC)}, tmp_path))
    features = FeatureSet(attribute_features(store.tables["customers"], STATIC))
    with pytest.raises(LeakError, match="fee"):
        ground_of_labelled(Lesson(store, features, ENGINES.get("kernel"), 0, GIVEN, SETTINGS))


def test_only_what_moves_a_learner_is_searched() -> None:
    """Trees, logistic regression or both, by the learners that are named; the ranges hold the present values."""
    assert space_of(SETTINGS) == SPACE
    trees = space_of(TrainingSettings(learners=("lightgbm",)))
    assert {one.key.split(".")[0] for one in trees} == {"trees"}
    alone = TrainingSettings(learners=("logistic", "rfm_logistic"), logistic=LogisticSettings(500.0))
    (knob,) = space_of(alone)
    assert (knob.key, knob.high) == ("logistic.strength", 500.0)
    with pytest.raises(
        ConfigError, match=r"names rfm_logistic, which have no hyperparameters to try. Add one of: blend"
    ):
        space_of(TrainingSettings(learners=("rfm_logistic",)))


def test_the_space_is_all_hyperparameters_within_what_settings_allow() -> None:
    """Either end of every range can be set, and the default lies between them."""
    assert [one.key for one in SPACE] == list(USUAL.by_key)
    for knob in SPACE:
        assert knob.low <= USUAL.by_key[knob.key] <= knob.high
        for end in (knob.low, knob.high):
            assert USUAL.with_values({knob.key: knob.rounded(end)}).by_key[knob.key] == end


def test_every_learner_that_is_reached_is_there() -> None:
    """The table names no learner that does not exist."""
    assert set(REACHED) <= set(LEARNERS.names())


def ranked(score: np.ndarray[tuple[int], np.dtype[np.float64]], seed: int) -> Tried:
    """Two hundred customers ranked by a score, at two cutoffs."""
    y = np.random.default_rng(seed).integers(0, 2, 200).astype(np.int8)
    one = Ranked(np.arange(200), y, score + y)
    return Tried(USUAL, Contest("logistic", 1, (0.5, 0.5)), (one, one))


def test_the_more_trials_the_more_room_for_luck() -> None:
    """The interval of the best grows with the number it was chosen from; the difference stays."""
    random = np.random.default_rng(3)
    base = random.normal(size=200)
    present, best = ranked(base, 1), ranked(base + random.normal(size=200) / 5, 1)
    few, many = ahead(best, present, 2), ahead(best, present, 101)
    assert few.value == many.value
    assert many.low < few.low
    assert many.high > few.high
    # Of one comparison it is the usual 95 % interval; of a hundred, the normal quantile of 1 - .05 / 200.
    assert (many.high - many.value) / (few.high - few.value) == pytest.approx(3.4808 / 1.95996, rel=1e-4)
    assert ahead(present, present, 30) == Interval(0.0, 0.0, 0.0)


def test_luck_is_not_gain() -> None:
    """Of trials that differ by nothing but noise the best always looks better; what is left out does not."""
    seeming, honest = [], []
    for seed in range(200):
        auroc = np.random.default_rng(seed).normal(0.75, 0.002, (30, 4))
        seeming.append(auroc.mean(axis=1).max() - auroc[0].mean())
        honest.append(gain_left_out(auroc.tolist()))
    assert min(seeming) >= 0
    assert np.mean(seeming) > 0.0015
    assert abs(np.mean([one for one in honest if one is not None])) < 0.0003


def test_a_better_setting_is_gain() -> None:
    """Where one is better everywhere, it is chosen whichever part is left out."""
    assert gain_left_out([[0.70, 0.80, 0.75], [0.69, 0.79, 0.74], [0.72, 0.81, 0.76]]) == pytest.approx(
        0.04 / 3
    )
    assert gain_left_out([[0.7, 0.7]]) == 0.0


@pytest.mark.parametrize(
    ("value", "low", "left_out", "verdict"),
    [
        (0.002, 0.001, 0.002, Verdict.BETTER),
        (0.002, 0.001, None, Verdict.BETTER),
        (0.0019, 0.001, 0.002, Verdict.SMALL),
        (0.0019, 0.001, None, Verdict.SMALL),
        (0.002, 0.001, -0.001, Verdict.NOISE),
        (0.002, 0.001, 0.0, Verdict.NOISE),
        (0.002, 0.0, 0.002, Verdict.NOISE),
        (0.002, -0.001, 0.002, Verdict.NOISE),
        (0.0, 0.0, None, Verdict.NOISE),
    ],
)
def test_a_change_is_recommended_beyond_noise_only(
    value: float, low: float, left_out: float | None, verdict: Verdict
) -> None:
    """The interval and the parts that did not choose have to say so, and the gain has to be worth a change."""
    assert judge(Interval(value, low, 0.004), left_out) is verdict
