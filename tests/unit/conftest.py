"""Event stores from small text tables."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from retain.timeline import instant

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from retain.events.store import EventStore

_MONEY = ("amount", "discount")


@pytest.fixture(scope="session")
def orders(orders_store: Callable[..., EventStore]) -> Callable[..., EventStore]:
    """A function from a text table of the orders table to a store.

    The first line names the columns. ``-`` is a value that is not known; money is written in units, as in ``9.90``.
    """

    def build(
        text: str, *, customers: Sequence[str] = (), zone: str = "UTC", money_exponent: int = 2
    ) -> EventStore:
        header, *lines = (line.split() for line in text.strip().splitlines())
        rows = []
        for line in lines:
            row: dict[str, object] = {
                name: None if cell == "-" else cell for name, cell in zip(header, line, strict=True)
            }
            for name, cell in row.items():
                if isinstance(cell, str) and name in _MONEY:
                    row[name] = int(Decimal(cell).scaleb(money_exponent))
                elif isinstance(cell, str) and name == "quantity":
                    row[name] = float(cell)
            rows.append(row)
        return orders_store(rows, customers=customers, zone=zone, money_exponent=money_exponent)

    return build


@pytest.fixture(scope="session")
def contracts(orders_store: Callable[..., EventStore]) -> Callable[..., EventStore]:
    """A function from a text table of the contracts table to a store without orders, told as those are."""

    def build(
        text: str,
        *,
        customers: Sequence[str] = (),
        others: Mapping[str, Sequence[dict[str, object]]] | None = None,
    ) -> EventStore:
        header, *lines = (line.split() for line in text.strip().splitlines())
        rows: list[dict[str, object]] = []
        for line in lines:
            row: dict[str, object] = {
                name: None if cell == "-" else cell for name, cell in zip(header, line, strict=True)
            }
            for name, cell in row.items():
                if isinstance(cell, str) and name == "monthly_price":
                    row[name] = int(Decimal(cell).scaleb(2))
                elif isinstance(cell, str) and name == "term_months":
                    row[name] = float(cell)
                elif isinstance(cell, str) and name in ("ended_at", "recorded_at"):
                    row[name] = instant(cell)
            rows.append(row)
        store = orders_store([], customers=customers, others={"contracts": rows, **(others or {})})
        return replace(store, tables={name: one for name, one in store.tables.items() if name != "orders"})

    return build
