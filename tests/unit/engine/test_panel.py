"""Snapshots, the table of engines, and what the views offer."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from retain.engine import ENGINES
from retain.engine.panel import Snapshots
from retain.engine.views import build_views, columns_at_hand, number_parts, order_of_line
from retain.errors import UsageError
from retain.events.store import EventStore
from retain.features.spec import FeatureSet
from retain.timeline import instant

if TYPE_CHECKING:
    from collections.abc import Callable

    Orders = Callable[..., EventStore]


def test_snapshots_pair_customers_with_cutoffs() -> None:
    """Columns of different lengths make no pairs."""
    assert len(Snapshots(np.array([1, 2]), np.array([3, 4]))) == 2
    with pytest.raises(ValueError, match="differ in length"):
        Snapshots(np.array([1, 2]), np.array([3]))


@pytest.mark.parametrize("engine", ENGINES.names())
def test_no_features_and_no_snapshots_are_an_empty_panel(orders: Orders, engine: str) -> None:
    """With the right shape, so that what follows need not ask."""
    store = orders("customer_id ordered_at\na 2024-05-01")
    compute = ENGINES.get(engine)
    nobody = Snapshots(np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64))
    someone = Snapshots(np.array([0]), np.array([instant("2024-06-01")]))
    assert compute(store, FeatureSet(()), someone).values.shape == (1, 0)
    assert compute(store, FeatureSet(()), nobody).values.shape == (0, 0)


def test_an_unknown_engine_is_refused_with_the_choices() -> None:
    """The list comes from the table."""
    with pytest.raises(
        UsageError, match=r"No engine is called 'polars'\. Choose one of: kernel, reference\."
    ):
        ENGINES.get("polars")


@pytest.mark.parametrize(
    ("columns", "orders_has", "lines_have", "returns_have"),
    [
        ("", set(), set(), None),
        ("amount", {"amount"}, set(), None),
        ("discount", set(), set(), None),
        ("amount discount", {"amount", "discount", "gross"}, set(), None),
        ("quantity product_id", {"items"}, {"product"}, None),
        ("kind category amount", {"amount"}, {"category"}, {"amount"}),
    ],
)
def test_columns_at_hand_follow_from_the_source(
    orders: Orders, columns: str, orders_has: set[str], lines_have: set[str], returns_have: set[str] | None
) -> None:
    """What a table lacks no view offers; a discount needs an amount to be a share of."""
    cells = {"amount": "1.00", "discount": "0.10", "quantity": "1", "kind": "sale"}
    row = " ".join(cells.get(name, "x") for name in columns.split())
    store = orders(f"customer_id ordered_at {columns}\na 2024-05-01 {row}")
    always = {"gap", "hour", "weekday", "weekend", "hour_band"}
    found = columns_at_hand(store)
    assert found["orders"] == always | orders_has
    assert found["lines"] == lines_have
    assert found.get("returns") == returns_have
    table = store.tables["orders"]
    views = build_views(table, store, len(store.customer_ids), order_of_line(table), habits=True)
    assert views.keys() == found.keys()
    for name, promised in found.items():
        assert promised <= views[name].columns.keys()


def test_without_orders_there_is_no_view() -> None:
    """A source of customers alone feeds nothing."""
    assert columns_at_hand(EventStore(np.array(["a"], dtype=object), {}, {})) == {}


def test_lines_find_their_order(orders: Orders) -> None:
    """Orders are numbered by customer and first line; a return never joins a sale, nor one customer another."""
    store = orders("""
        customer_id  ordered_at  order_id  kind
        a            2024-05-01  9         sale
        a            2024-05-02  -         sale
        a            2024-05-03  9         sale
        a            2024-05-04  9         return
        b            2024-05-01  9         sale
    """)
    assert order_of_line(store.tables["orders"]).tolist() == [0, 1, 0, 2, 3]


def test_only_numbers_have_parts() -> None:
    """Asking for those of a category is a mistake in the program."""
    assert number_parts("orders", "hour", 2) == 1
    with pytest.raises(KeyError, match=r"lines\.product is no number"):
        number_parts("lines", "product", 2)
