"""Attributes as columns of a panel, in both engines."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from retain.cache import Cache
from retain.engine import ENGINES
from retain.engine.attributes import attribute_column
from retain.engine.kept import Kept
from retain.engine.panel import Snapshots, combine
from retain.engine.views import columns_at_hand
from retain.events.load import read_events
from retain.events.source import SourceSettings, TableSource
from retain.features.attributes import attribute_features
from retain.features.catalog import EVERY, feature_set
from retain.features.spec import Attribute, FeatureSet, Holds
from retain.timeline import instant

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from retain.events.store import EventStore

    Read = Callable[[str], EventStore]

STATIC = {
    "plan": "category",
    "fee": "number",
    "since": "date",
    "birth_date": "auto",
    "consent_sms": "auto",
    "country": "auto",
}
LINES = [
    f"c{at:02},{'ABC'[at % 3]},{at}.5,2023-{1 + at % 12:02}-01,19{60 + at}-02-28,{'yes' if at % 2 else 'no'},BG"
    for at in range(20)
]
LATER = "zz,,,,,,"
OTHER = "zy,D,inf,,,,XX"
CUSTOMERS = "\n".join(["customer_id,plan,fee,since,birth_date,consent_sms,country", *LINES, LATER]) + "\n"
ORDERS = "customer_id,ordered_at,amount\nc01,2023-03-01,5\nc02,2023-05-01,7\nelse,2023-04-01,1\n"
CUTOFFS = (instant("2023-02-01"), instant("2023-06-01"))


@pytest.fixture
def read(tmp_path: Path) -> Read:
    """A function from the text of a table of customers to a store that has orders too."""

    def store(customers: str) -> EventStore:
        (tmp_path / "customers.csv").write_text(customers)
        (tmp_path / "orders.csv").write_text(ORDERS)
        tables = {
            "orders": TableSource("orders.csv"),
            "customers": TableSource("customers.csv", static=STATIC),
        }
        return read_events(SourceSettings(tables, tmp_path, max_bad_share=1.0), now=instant("2024-01-01"))

    return store


def features_of(store: EventStore) -> FeatureSet:
    dated = feature_set(["rfm"], columns_at_hand(store)).features
    return FeatureSet((*dated[:2], *attribute_features(store.tables["customers"], STATIC), *dated[2:]))


def everybody(store: EventStore) -> Snapshots:
    count = len(store.customer_ids)
    return Snapshots(np.tile(np.arange(count), 2), np.repeat(np.array(CUTOFFS), count))


def test_the_engines_agree_bit_for_bit(read: Read, tmp_path: Path) -> None:
    """Between features of events, from the workspace too, and for those who are in orders only."""
    store = read(CUSTOMERS)
    features, snapshots = features_of(store), everybody(store)
    fast = ENGINES.get("kernel")(store, features, snapshots).values
    assert fast.tobytes() == ENGINES.get("reference")(store, features, snapshots).values.tobytes()
    kept = Kept(ENGINES.get("kernel"), "kernel", Cache(tmp_path / "panels"))
    for _ in range(2):
        assert kept(store, features, snapshots).values.tobytes() == fast.tobytes()
    stranger = store.customer_ids.tolist().index("else")
    attributes = [features.names.index(one.name) for one in features.attributes]
    assert np.isnan(fast[stranger, attributes]).all()


def test_attributes_alone_need_no_events(read: Read) -> None:
    """A panel of nothing else."""
    store = read(CUSTOMERS)
    features = FeatureSet(attribute_features(store.tables["customers"], STATIC))
    snapshots = everybody(store)
    fast = ENGINES.get("kernel")(store, features, snapshots).values
    assert fast.tobytes() == ENGINES.get("reference")(store, features, snapshots).values.tobytes()
    first = dict(zip(features.names, fast[0].tolist(), strict=True))
    assert first["static_plan"] == 1
    assert first["static_fee"] == 0.5
    assert first["static_since"] == 31
    assert first["static_consent_sms"] == 1
    assert first["static_birth_date"] == (CUTOFFS[0] - instant("1960-02-28")) / (24 * 3600 * 10**6)


def test_a_date_counts_from_when_it_was(read: Read) -> None:
    """On the day itself, and before it, it is not known."""
    store = read(CUSTOMERS)
    features = FeatureSet(attribute_features(store.tables["customers"], ["since"]))
    march = store.customer_ids.tolist().index("c02")
    moments = np.array([instant("2023-03-01"), instant("2023-03-02")])
    for engine in ENGINES.names():
        values = ENGINES.get(engine)(store, features, Snapshots(np.full(2, march), moments)).values[:, 0]
        assert np.isnan(values[0])
        assert values[1] == 1


def test_a_word_that_the_features_do_not_know_is_not_known(read: Read) -> None:
    """The words are the feature's, not the table's: another customer's new word moves no code."""
    features = features_of(read(CUSTOMERS))
    store = read(CUSTOMERS + OTHER.replace("inf", "3") + "\n")
    places = [store.customer_ids.tolist().index(one) for one in ("c02", "zy")]
    some = Snapshots(np.array(places), np.full(2, CUTOFFS[1]))
    for engine in ENGINES.names():
        values = ENGINES.get(engine)(store, features, some).values[:, features.names.index("static_plan")]
        assert values[0] == 3
        assert np.isnan(values[1])


def test_rows_in_another_order_give_the_same_features(read: Read) -> None:
    """Codes of words do not hang on which row came first."""
    back = "\n".join([CUSTOMERS.splitlines()[0], *reversed(CUSTOMERS.splitlines()[1:])]) + "\n"
    one, two = read(CUSTOMERS), read(back)
    assert features_of(one).fingerprint == features_of(two).fingerprint
    panels = [
        ENGINES.get("kernel")(store, features_of(store), everybody(store)).values for store in (one, two)
    ]
    assert panels[0].tobytes() == panels[1].tobytes()


def test_an_attribute_is_no_formula_and_events_are_no_attribute(read: Read) -> None:
    """Either is told at once, instead of giving a wrong column."""
    store = read(CUSTOMERS)
    with pytest.raises(TypeError, match="looked up"):
        combine(Attribute("fee", Holds.NUMBER), lambda _: np.zeros(1))
    with pytest.raises(TypeError, match="reads events"):
        attribute_column(store, EVERY.features[0], everybody(store))
