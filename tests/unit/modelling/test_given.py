"""Training on labels that are given."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from retain.engine import ENGINES
from retain.errors import ConfigError, ContractError, LeakError, TrainingError
from retain.events.load import read_events
from retain.events.source import SourceSettings, TableSource
from retain.features.attributes import attribute_features
from retain.features.spec import FeatureSet
from retain.labels import LABELS, ChurnSettings
from retain.modelling import bundle
from retain.modelling.given import FOLDS, folds_of, labelled, last_known, left_out, one_feature, train_given
from retain.modelling.training import Lesson, TrainingSettings
from retain.timeline import DAY, instant

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from retain.events.store import EventStore
    from retain.modelling.training import Trained

    Read = Callable[..., EventStore]

CHURN = ChurnSettings(definition="given", horizon_days=30, lead_days=5)
SETTINGS = TrainingSettings(learners=("logistic", "lightgbm"))
STATIC = {"plan": "category", "fee": "number", "luck": "number"}
NOW = instant("2024-06-01T12:00")


def rows(customers: int = 400, seed: int = 1) -> str:
    """A plan and a fee that tell something, and luck that tells nothing."""
    random = np.random.default_rng(seed)
    lines = []
    for at in range(customers):
        plan, fee = str(random.choice(["a", "b", "c"])), random.uniform(0, 4)
        gone = {"a": 2.0, "b": -2.0, "c": 0.0}[plan] + fee - 2 + random.logistic() > 0
        lines.append(f"{at:04},{plan},{fee:.3f},{random.normal():.3f},{'yes' if gone else 'no'}")
    return "customer_id,plan,fee,luck,label\n" + "\n".join(lines) + "\n"


@pytest.fixture(scope="module")
def read(tmp_path_factory: pytest.TempPathFactory) -> Read:
    """A function from the text of a table of customers, and of orders, to a store."""

    def store(customers: str, orders: str = "", static: dict[str, str] | None = None) -> EventStore:
        folder = tmp_path_factory.mktemp("given")
        (folder / "customers.csv").write_text(customers)
        tables = {"customers": TableSource("customers.csv", static=STATIC if static is None else static)}
        if orders:
            (folder / "orders.csv").write_text(orders)
            tables["orders"] = TableSource("orders.csv")
        return read_events(SourceSettings(tables, folder), now=NOW)

    return store


@pytest.fixture(scope="module")
def store(read: Read) -> EventStore:
    """Four hundred labelled customers."""
    return read(rows())


def features_of(store: EventStore) -> FeatureSet:
    return FeatureSet(attribute_features(store.tables["customers"], STATIC))


def trained_on(store: EventStore, settings: TrainingSettings = SETTINGS) -> Trained:
    return train_given(Lesson(store, features_of(store), ENGINES.get("kernel"), 0, CHURN, settings))


@pytest.fixture(scope="module")
def trained(store: EventStore) -> Trained:
    """A model of them."""
    return trained_on(store)


def test_everybody_of_the_table_is_asked_about_and_the_label_decides(read: Read) -> None:
    """Those who occur elsewhere only are not."""
    store = read("customer_id,label\na,1\nb,no\nc,\n", "customer_id,ordered_at\nz,2024-01-01\n", static={})
    given = LABELS.get("given")
    assert given.eligible(store, 0, CHURN).tolist() == [True, True, True, False]
    assert given.churned(store, 0, CHURN, 0).tolist() == [True, False, False, False]
    assert "label" in CHURN.in_words


def test_a_label_with_a_time_says_when_its_customer_is_seen(read: Read) -> None:
    """The horizon and the lead before it, at midnight; the others as of the end; later labels do not count yet."""
    lines = [f"{at:02},{at % 2},{'2024-03-10T15:00' if at < 10 else ''}" for at in range(30)]
    store = read("customer_id,label,label_at\n" + "\n".join(lines) + "\nzz,1,2024-05-01\n", static={})
    found = labelled(store, CHURN, instant("2024-04-01"))
    assert len(found.y) == 30
    assert set(found.snapshots.cutoff[:10].tolist()) == {instant("2024-03-10") - 35 * DAY}
    assert set(found.snapshots.cutoff[10:].tolist()) == {instant("2024-04-01")}
    assert found.y.tolist() == [at % 2 for at in range(30)]


def test_the_last_instant_is_found_in_events_and_dates(read: Read) -> None:
    """Not in dates that are plans; nothing is known where nothing has a time."""
    assert last_known(read("customer_id,label\na,1\n", static={})) is None
    dated = read("customer_id,label,joined_at,ends\na,1,2023-02-03,2199-01-01\n", static={"ends": "date"})
    assert last_known(dated) == instant("2023-02-03")
    with_orders = read("customer_id\na\n", "customer_id,ordered_at\na,2024-01-05\n", static={})
    assert last_known(with_orders) == instant("2024-01-05")


@pytest.mark.parametrize(
    ("churned", "stayed", "parts"), [(100, 400, 10), (30, 400, 6), (10, 11, 2), (400, 49, 9)]
)
def test_parts_have_the_same_churn_rate(churned: int, stayed: int, parts: int) -> None:
    """As nearly as whole customers go, never fewer than five of a class; another seed divides otherwise."""
    y = np.random.default_rng(0).permutation(np.repeat(np.array([1, 0], np.int8), [churned, stayed]))
    fold = folds_of(y, seed=1)
    assert parts <= FOLDS
    counts = np.array([[(y[fold == part] == one).sum() for one in (0, 1)] for part in range(parts)])
    assert fold.max() == parts - 1
    assert np.ptp(counts, axis=0).max() <= 1
    assert counts.min() >= 5
    assert (folds_of(y, seed=1) == fold).all()
    assert (folds_of(y, seed=2) != fold).any()


def test_nobody_is_predicted_by_a_model_that_knew_them(store: EventStore) -> None:
    """Turning one customer's outcome around changes no prediction of their own part."""
    features, known = features_of(store), labelled(store, CHURN, 0)
    x = ENGINES.get("kernel")(store, features, known.snapshots).values
    fold = folds_of(known.y, seed=1)
    other = known.y.copy()
    other[7] = 1 - other[7]
    mine = fold == fold[7]

    def predicted(
        y: np.ndarray[tuple[int, ...], np.dtype[np.int8]],
    ) -> list[np.ndarray[tuple[int, ...], np.dtype[np.float64]]]:
        found = left_out(x, y, fold, features, {"logistic": (1,), "lightgbm": (50,)}, seed=1, threads=2)
        return [found["logistic"][1], found["lightgbm"][50], one_feature(x, y, fold, features)]

    for one, two in zip(predicted(known.y), predicted(other), strict=True):
        assert one[mine].tobytes() == two[mine].tobytes()
        assert one[~mine].tobytes() != two[~mine].tobytes()


def test_a_model_comes_from_everybody_and_its_figures_from_those_left_out(
    trained: Trained, store: EventStore
) -> None:
    """Each customer once, in ten parts, by every learner; the best one first."""
    customers = np.concatenate([one.customer for one in trained.validated])
    assert sorted(customers.tolist()) == list(range(len(store.customer_ids)))
    assert len(trained.validated) == FOLDS
    assert trained.rows == len(customers)
    assert trained.plan.folds == ()
    assert {one.learner for one in trained.contests} == {"logistic", "lightgbm"}
    assert trained.learner == trained.contests[0].learner
    assert trained.contests[0].mean_auroc > 0.8


def test_the_bundle_keeps_the_words_and_the_parts(trained: Trained, tmp_path: Path) -> None:
    """It comes back with the same features, though their words are in no catalogue."""
    version = bundle.save(trained, tmp_path / "kept", data={})
    opened = bundle.load(tmp_path / "kept")
    assert opened.version == version
    assert opened.features == trained.features
    assert opened.features.by_name["static_plan"].levels == ("a", "b", "c")
    assert opened.card["training"]["folds"] == FOLDS
    assert opened.known_until is None
    assert opened.directions == {"rising": (), "falling": ()}


def test_the_same_customers_give_the_same_bundle(trained: Trained, read: Read, tmp_path: Path) -> None:
    """In whatever order their rows come, and however many parts are worked on at once."""
    head, *lines = rows().splitlines()
    other = read("\n".join([head, *reversed(lines)]) + "\n")
    again = trained_on(other, TrainingSettings(learners=("logistic", "lightgbm"), threads=1))
    assert bundle.save(again, tmp_path / "b", data={}) == bundle.save(trained, tmp_path / "a", data={})


def test_directions_are_followed_and_kept(store: EventStore, tmp_path: Path) -> None:
    """In the final model; the card says so."""
    settings = TrainingSettings(learners=("lightgbm",), rising=("static_fee",), falling=("static_luck",))
    made = trained_on(store, settings)
    line = np.column_stack([np.ones(50), np.linspace(0, 4, 50), np.zeros(50)])
    assert np.diff(made.fitted.log_odds(line)).min() >= 0
    bundle.save(made, tmp_path / "kept", data={})
    kept = {"rising": ("static_fee",), "falling": ("static_luck",)}
    assert bundle.load(tmp_path / "kept").directions == kept


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"rising": ("static_fees",)}, "no feature 'static_fees' here. Did you mean 'static_fee'"),
        ({"falling": ("static_plan",)}, "falling: static_plan is a category"),
        ({"rising": ("x",), "falling": ("x",)}, "both name x"),
    ],
)
def test_directions_that_mean_nothing_are_refused(
    store: EventStore, settings: dict[str, tuple[str, ...]], said: str
) -> None:
    """A name that is none, words, and two ways at once."""
    with pytest.raises(ConfigError, match=said):
        trained_on(store, TrainingSettings(learners=("logistic",), **settings))  # type: ignore[arg-type]


def test_a_category_that_knows_the_outcome_is_found(read: Read) -> None:
    """Words have no order, so their churn rates are looked at."""
    head, *lines = rows().splitlines()
    told = [
        "customer_id,plan,fee,luck,label",
        *(f"{one[:5]}{'ab'[one.endswith('yes')]}{one[6:]}" for one in lines),
    ]
    assert head == told[0]
    store = read("\n".join(told) + "\n")
    with pytest.raises(LeakError, match="static_plan"):
        trained_on(store)


def test_labels_that_teach_nothing_are_refused(read: Read) -> None:
    """No column, no label, or too few of a class."""
    with pytest.raises(ContractError, match="no column label"):
        trained_on(read("customer_id,plan,fee,luck\na,x,1,1\n"))
    with pytest.raises(TrainingError, match="None of the 1 customers has a label"):
        trained_on(read("customer_id,plan,fee,luck,label\na,x,1,1,\n"))
    with pytest.raises(TrainingError, match="10 of each are the least"):
        trained_on(read(rows(12)))
    only_orders = read("customer_id\na\n", "customer_id,ordered_at\na,2024-01-05\n", static={})
    lacking = type(only_orders)(only_orders.customer_ids, {"orders": only_orders.tables["orders"]}, {})
    with pytest.raises(ContractError, match="no table of customers"):
        labelled(lacking, CHURN, 0)
