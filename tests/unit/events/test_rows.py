"""Rows that somebody else has read."""

from __future__ import annotations

import pyarrow as pa
import pytest

from retain.events.casts import Shape
from retain.events.checks import Rules
from retain.events.rows import Rows, store_of
from retain.events.schemas import SCHEMAS
from retain.timeline import instant

RULES = Rules("UTC", 2, instant("2024-06-01"))
SHAPES = {"customer_id": Shape.TEXT, "ordered_at": Shape.LOCAL, "amount": Shape.TEXT}


def orders(*rows: tuple[str | None, str, str]) -> Rows:
    """Rows of who, when and how much."""
    who, when, amount = (list(one) for one in zip(*rows, strict=True)) if rows else ([], [], [])
    times = pa.array([instant(one) for one in when], pa.int64()).cast(pa.timestamp("us"))
    ids, amounts = pa.array(who, pa.string()), pa.array(amount, pa.string())
    values = pa.table({"customer_id": ids, "ordered_at": times, "amount": amounts})
    return Rows(SCHEMAS["orders"], SHAPES, values)


def test_good_rows_are_sorted_and_bad_ones_left_out() -> None:
    """A customer who occurs in bad rows only is invalid, with the reason."""
    rows = orders(
        ("b", "2024-01-02", "1.005"),
        ("a", "2024-01-03", "-2"),
        ("a", "2025-01-01", "3"),
        ("c", "2024-01-01", "lots"),
        (None, "2024-01-01", "1"),
    )
    store = store_of({"orders": rows}, RULES)
    assert store.customer_ids.tolist() == ["a", "b"]
    table = store.tables["orders"]
    assert table.customer.tolist() == [0, 1]
    assert table.columns["amount"].values.tolist() == [-200, 100]
    assert store.invalid == {"c": "amount is no amount"}


def test_a_part_without_returns_still_says_that_none_of_its_rows_is_one() -> None:
    """Another part of the same customers may have some."""
    store = store_of({"orders": orders(("a", "2024-01-01", "1"))}, RULES)
    assert store.tables["orders"].columns["kind"].levels.tolist() == ["sale"]  # type: ignore[union-attr]  # a text


def test_no_rows_are_a_store_of_nobody() -> None:
    """With the table's columns, so that its features can be asked for."""
    store = store_of({"orders": orders()}, RULES)
    assert len(store.customer_ids) == 0
    assert set(store.tables["orders"].columns) == {"amount", "kind"}


@pytest.mark.parametrize(
    "shapes",
    [
        {"ordered_at": Shape.LOCAL, "amount": Shape.TEXT},
        {"customer_id": Shape.TEXT, "ordered_at": Shape.LOCAL},
        {**SHAPES, "ordered_at": Shape.TEXT},
    ],
)
def test_rows_other_than_announced_are_refused(shapes: dict[str, Shape]) -> None:
    """Without a customer, with a column more than announced, or with a time as text."""
    with pytest.raises(ValueError, match="orders"):
        Rows(SCHEMAS["orders"], shapes, orders().values)
