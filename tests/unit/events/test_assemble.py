"""Rows become sorted arrays, the same from whatever order."""

from __future__ import annotations

import duckdb
import numpy as np
import pyarrow as pa
import pytest

from retain.events.assemble import all_ids, renumbered, sorted_table
from retain.events.schemas import SCHEMAS
from retain.timeline import DAY, MINUTE, SECOND

ORDERS = SCHEMAS["orders"]


def lines(customers: int, times: int, unit: int, rows: int = 300) -> pa.Table:
    """Order lines, of which many are of one instant, some the same in every column, and some lack a value."""
    rng = np.random.default_rng(7)
    text = pa.large_string()
    return pa.table(
        {
            "customer_id": pa.array([f"c{one}" for one in rng.integers(0, customers, rows)], text),
            "ordered_at": rng.integers(0, times, rows) * unit + DAY,
            "amount": pa.array(rng.integers(-3, 3, rows), mask=rng.random(rows) < 0.2),
            "product_id": pa.array(
                [f"p{one}" for one in rng.integers(0, 4, rows)], text, mask=rng.random(rows) < 0.3
            ),
            "quantity": pa.array(rng.integers(-2, 3, rows) / 2, mask=rng.random(rows) < 0.2),
        }
    )


@pytest.mark.parametrize(
    ("customers", "times", "unit"),
    [
        (1, 1, 1),
        (3, 20, MINUTE),
        (3, 20, SECOND + 1),
        (40, 10**6, MINUTE),
        (40, 2**58, 1),
        (40, 4, 2**57 // 3),
    ],
)
def test_rows_are_sorted_by_every_column(customers: int, times: int, unit: int) -> None:
    """By customer and time first, then by the others in the contract's order, what is missing last: as the database would sort them."""
    given = lines(customers, times, unit)
    con = duckdb.connect()
    expected = con.sql(
        "SELECT * FROM given ORDER BY customer_id, ordered_at, amount NULLS LAST, product_id NULLS LAST, quantity NULLS LAST"
    ).to_arrow_table()
    arrays = set()
    for some in (given, expected, given.take(np.random.default_rng(3).permutation(300))):
        found = sorted_table(con, ORDERS, some)
        events = found.events
        assert found.ids[events.customer].tolist() == expected["customer_id"].to_pylist()
        assert events.time.tolist() == expected["ordered_at"].to_pylist()
        product = events.columns["product_id"]
        assert product.levels is not None
        texts = np.array([*product.levels, None])
        assert texts[product.values.astype(np.int64)].tolist() == expected["product_id"].to_pylist()
        arrays.add(b"".join(one.values.tobytes() for one in events.columns.values()))
    assert len(arrays) == 1


def test_nothing_to_sort() -> None:
    """A table without rows stays one, with all its columns."""
    found = sorted_table(duckdb.connect(), ORDERS, lines(3, 9, DAY)[:0])
    assert (len(found.ids), len(found.events)) == (0, 0)
    assert set(found.events.columns) == {"amount", "product_id", "quantity"}


def test_customers_of_all_tables() -> None:
    """They are counted among all of them; a table that has them all keeps its numbers."""
    con = duckdb.connect()
    one = sorted_table(con, ORDERS, lines(12, 9, DAY))
    two = sorted_table(con, ORDERS, lines(3, 9, DAY))
    ids = all_ids([one.ids, two.ids])
    assert renumbered(one, ids) is one.events
    assert ids[renumbered(two, ids).customer].tolist() == two.ids[two.events.customer].tolist()
