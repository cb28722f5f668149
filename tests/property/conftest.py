"""Rows of every table of the contract, drawn from its schemas."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import strategies as st

from retain.engine.streams import STREAMS
from retain.events.schemas import SCHEMAS, Kind
from retain.features.catalog import EVERY
from retain.features.spec import measures

if TYPE_CHECKING:
    from collections.abc import Callable

    Row = dict[str, object]
    Draw = Callable[[str, st.SearchStrategy[int], tuple[str, ...]], st.SearchStrategy[Row]]

_READ = {one.view for feature in EVERY.features for one in measures(feature.formula)}
_WRITTEN = [
    "great, fast delivery",
    "terrible service, I want my money back",
    "too expensive, I am leaving",
    "42",
    "x",
]
_TEXTS = {
    "state": ["open", "resolved", "escalated"],
    "channel": ["e-mail", "phone"],
    "category": ["p", "q"],
    "text": _WRITTEN,
}


@pytest.fixture(scope="session")
def stream_tables() -> tuple[str, ...]:
    """The tables beside orders that some feature reads."""
    return tuple(sorted({STREAMS[view].table for view in _READ if view in STREAMS} - {"orders"}))


@pytest.fixture(scope="session")
def any_row() -> Draw:
    """A function from a table, instants and customers to rows with every column of the table."""

    def rows(
        table: str, moments: st.SearchStrategy[int], customers: tuple[str, ...]
    ) -> st.SearchStrategy[Row]:
        schema = SCHEMAS[table]
        columns: dict[str, st.SearchStrategy[object]] = {}
        for field in schema.fields:
            values: st.SearchStrategy[object] = {
                Kind.TIME: moments,
                Kind.FLAG: st.booleans().map(int),
                Kind.NUMBER: st.integers(1, 10),
                Kind.MONEY: st.integers(0, 90_000),
            }.get(field.kind, st.sampled_from(_TEXTS.get(field.name, ["x", "y"])))
            columns[field.name] = values if field.name == schema.time else st.one_of(st.none(), values)
        columns["customer_id"] = st.sampled_from(customers)
        return st.fixed_dictionaries(columns)

    return rows
