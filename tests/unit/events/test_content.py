"""One number for what a table said by an instant."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from retain.events.content import hashes_of, said_by
from retain.events.store import Column, EventStore
from retain.timeline import instant

if TYPE_CHECKING:
    from collections.abc import Callable

    Build = Callable[..., EventStore]

CUTOFFS = np.array(
    [instant("2024-03-01"), instant("2024-02-01"), instant("2025-01-01"), instant("2023-01-01")]
)
ROWS: list[dict[str, object]] = [
    {"customer_id": "b", "ordered_at": "2024-01-05", "channel": "web", "amount": 100, "quantity": 1.5},
    {"customer_id": "c", "ordered_at": "2024-01-05", "channel": None, "amount": None, "quantity": None},
    {"customer_id": "b", "ordered_at": "2024-02-05", "channel": "shop", "amount": 300, "quantity": 0.0},
]


def said(build: Build, rows: list[dict[str, object]], customers: tuple[str, ...] = ()) -> tuple[str, ...]:
    store = build(rows, customers=customers)
    return said_by(store.tables["orders"], hashes_of(store.customer_ids), CUTOFFS)


def test_it_is_the_same_in_every_process() -> None:
    """Files of an earlier run are found by it."""
    assert hashes_of(np.array(["a", "é"], dtype=object)).tolist() == [
        13950350942979735504,
        16908809132758853863,
    ]
    assert len(hashes_of(np.empty(0, dtype=object))) == 0


def test_instants_may_come_in_any_order(orders_store: Build) -> None:
    """Each gets what had been said by then; before everything that is nothing."""
    march, february, later, never = said(orders_store, ROWS)
    assert march == later
    assert len({march, february, never}) == 3
    assert never.startswith("0:")


def test_what_came_later_changes_nothing(orders_store: Build) -> None:
    """Neither new rows nor the new customers and texts in them, which move every code."""
    more: list[dict[str, object]] = [
        *ROWS,
        {"customer_id": "a", "ordered_at": "2024-02-15", "channel": "fax", "amount": 1, "quantity": 1.0},
        {
            "customer_id": "b",
            "ordered_at": "2024-01-06",
            "recorded_at": "2024-02-15",
            "channel": "fax",
            "amount": 1,
            "quantity": 1.0,
        },
    ]
    before, after = (
        said(orders_store, [{**row, "recorded_at": None} for row in ROWS]),
        said(orders_store, more),
    )
    assert before[1] == after[1]
    assert before[0] != after[0]
    assert said(orders_store, ROWS, customers=("0", "z")) == said(orders_store, ROWS)


@pytest.mark.parametrize(
    "change",
    [
        {"customer_id": "c"},
        {"ordered_at": "2024-01-06"},
        {"channel": "shop"},
        {"channel": None},
        {"amount": 101},
        {"amount": None},
        {"quantity": 1.25},
        {"quantity": None},
    ],
)
def test_every_cell_counts(orders_store: Build, change: dict[str, object]) -> None:
    """And so does a value that is not known."""
    assert said(orders_store, [{**ROWS[0], **change}, *ROWS[1:]])[1] != said(orders_store, ROWS)[1]


def test_values_know_their_column(orders_store: Build) -> None:
    """Two columns that change places say something else, and so do two values that change rows."""
    table = orders_store([{**row, "margin": 7} for row in ROWS]).tables["orders"]
    customers = hashes_of(np.array(["b", "c"], dtype=object))
    columns = dict(table.columns)
    swapped = replace(table, columns={**columns, "amount": columns["margin"], "margin": columns["amount"]})
    turned = replace(table, columns={**columns, "amount": Column(columns["amount"].values[::-1].copy())})
    assert len({said_by(one, customers, CUTOFFS) for one in (table, swapped, turned)}) == 3


def test_unknown_numbers_and_zeros_are_the_same_however_they_are_written(orders_store: Build) -> None:
    """Another computer's NaN, or a zero below zero, is no other content."""
    table = orders_store(ROWS).tables["orders"]
    customers = hashes_of(np.array(["b", "c"], dtype=object))
    values = table.columns["quantity"].values
    other = np.where(values == 0, -0.0, np.where(np.isnan(values), -np.nan, values))
    same = replace(table, columns={**table.columns, "quantity": Column(other)})
    assert said_by(table, customers, CUTOFFS) == said_by(same, customers, CUTOFFS)
