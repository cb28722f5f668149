"""What all tests share: settings of Hypothesis, and event stores written as small tables."""

from __future__ import annotations

from typing import TYPE_CHECKING

import hypothesis
import numpy as np
import pytest

from retain.events.schemas import SCHEMAS, Kind
from retain.events.store import MISSING, Column, EventStore, EventTable
from retain.text.annotate import annotated
from retain.text.backends import TextSettings
from retain.timeline import instant

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from retain.events.schemas import Field, Schema

hypothesis.settings.register_profile("retain", deadline=None, max_examples=60, print_blob=True)
hypothesis.settings.load_profile("retain")

_NUMBERS = (Kind.MONEY, Kind.TIME)


def _column(field: Field, values: Sequence[object]) -> Column:
    """Python values as a column of the contract's kind; None is not known."""
    if field.kind in _NUMBERS:
        return Column(np.array([MISSING if one is None else one for one in values], dtype=np.int64))
    if field.kind is Kind.NUMBER:
        return Column(np.array([np.nan if one is None else one for one in values], dtype=np.float64))
    if field.kind is Kind.FLAG:
        return Column(np.array([-1 if one is None else one for one in values], dtype=np.int8))
    levels = np.array(sorted({str(one) for one in values if one is not None}), dtype=object)
    codes = {level: code for code, level in enumerate(levels)}
    return Column(
        np.array([-1 if one is None else codes[str(one)] for one in values], dtype=np.int32), levels
    )


def _table(schema: Schema, rows: Sequence[dict[str, object]], code: dict[str, int], zone: str) -> EventTable:
    """Rows of one table, sorted as the store has them."""

    def moment(value: object) -> int:
        return instant(value, zone) if isinstance(value, str) else int(value)  # type: ignore[call-overload]

    own = str(schema.time)
    keyed = sorted(
        rows, key=lambda row: (code[str(row["customer_id"])], moment(row[own]), repr(sorted(row.items())))
    )
    time = np.array([moment(row[own]) for row in keyed], dtype=np.int64)
    recorded = np.array([moment(row.get("recorded_at") or row[own]) for row in keyed], dtype=np.int64)
    names = sorted({name for row in rows for name in row} - {"customer_id", own, "recorded_at"})
    return EventTable(
        customer=np.array([code[str(row["customer_id"])] for row in keyed], dtype=np.int64),
        time=time,
        known=np.maximum(time, recorded),
        columns={name: _column(schema[name], [row.get(name) for row in keyed]) for name in names},
    )


@pytest.fixture(scope="session")
def orders_store() -> Callable[..., EventStore]:
    """A function from rows of the orders table to a store.

    Each row is a dict with ``customer_id``, ``ordered_at`` (text or microseconds) and any columns of the contract;
    money in minor units, other times in microseconds. ``customers`` names customers without orders, ``others`` has the
    rows of other tables.
    """

    def build(
        rows: Sequence[dict[str, object]],
        *,
        customers: Sequence[str] = (),
        others: Mapping[str, Sequence[dict[str, object]]] | None = None,
        zone: str = "UTC",
        money_exponent: int = 2,
    ) -> EventStore:
        tables = {"orders": rows, **(others or {})}
        ids = sorted({str(row["customer_id"]) for each in tables.values() for row in each} | set(customers))
        code = {one: position for position, one in enumerate(ids)}
        store = EventStore(
            customer_ids=np.array(ids, dtype=object),
            tables={name: _table(SCHEMAS[name], each, code, zone) for name, each in tables.items()},
            accounts={},
            money_exponent=money_exponent,
            zone=zone,
        )
        return annotated(store, TextSettings("lexicon"))[0]

    return build
