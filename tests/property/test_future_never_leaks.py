"""Nothing that happens, or is recorded, at or after a cutoff changes what is said of it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from retain.engine import ENGINES
from retain.engine.panel import Snapshots
from retain.engine.streams import STREAMS
from retain.events.schemas import SCHEMAS
from retain.features.catalog import EVERY
from retain.labels import LABELS, ChurnSettings
from retain.timeline import DAY, instant

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import numpy.typing as npt

    from retain.events.store import EventStore

    Build = Callable[..., EventStore]
    Row = dict[str, object]
    Draw = Callable[..., st.SearchStrategy[Row]]

CUTOFF = instant("2024-03-31")
CUTOFFS = (instant("2024-02-29"), CUTOFF, instant("2024-03-31T01:30"), instant("2024-06-01"))
CHURN = ChurnSettings(active_days=30, horizon_days=14)
WHO = ("a", "b", "c", "d")
FULL: Row = {
    "order_id": None,
    "kind": "sale",
    "amount": 1_000,
    "discount": 100,
    "quantity": 2,
    "product_id": "x",
    "category": "p",
    "promised_at": None,
    "delivered_at": None,
    "payment_failed_at": None,
}
"""Every column that a feature reads; the filler customer's row has it too, so that no column ever disappears."""

STREAM_TABLES = {
    name: (str(schema.time), [one.name for one in schema.fields])
    for name, schema in SCHEMAS.items()
    if any(stream.table == name for stream in STREAMS.values()) and name != "orders"
}
PROMISES = ("promised_at",)
"""Times that are known long before they come."""

near = st.one_of(
    st.integers(-80, 80).map(lambda days: CUTOFF + days * DAY),
    st.integers(-500 * DAY, 500 * DAY).map(lambda micros: CUTOFF + micros),
    st.sampled_from([CUTOFF - 1, CUTOFF, CUTOFF + 1, CUTOFF - 30 * DAY, CUTOFF - 30 * DAY - 1]),
)


@st.composite
def order_rows(draw: st.DrawFn, known_from: int | None = None) -> Row:
    """One order line of one of three customers, perhaps not known before some instant."""
    moment = draw(near)
    recorded = draw(st.one_of(st.none(), near))
    if known_from is not None and moment < known_from:
        recorded = max(known_from, recorded or known_from)
    kind = draw(st.sampled_from(["sale", "sale", "return"]))
    amount = draw(st.one_of(st.none(), st.integers(1, 9_000_000)))
    return {
        "customer_id": draw(st.sampled_from(WHO[:3])),
        "ordered_at": moment,
        "recorded_at": recorded,
        "order_id": draw(st.sampled_from([None, "1", "2", "3"])),
        "kind": kind,
        "amount": -amount if kind == "return" and amount is not None else amount,
        "discount": draw(st.sampled_from([None, 0, 120])),
        "quantity": draw(st.sampled_from([None, 1, 3, 0.5])),
        "product_id": draw(st.sampled_from([None, "x", "y", "z"])),
        "category": draw(st.sampled_from([None, "p", "q"])),
        "promised_at": draw(st.one_of(st.none(), near)),
        "delivered_at": draw(st.one_of(st.none(), near)),
        "payment_failed_at": draw(st.one_of(st.none(), near)),
    }


histories = st.lists(order_rows(), max_size=12)
futures = st.lists(order_rows(known_from=CUTOFF), max_size=6)


def made(build: Build, rows: Sequence[Row], others: Mapping[str, Sequence[Row]] | None = None) -> EventStore:
    """A store of the rows, always with the same customers, tables and columns."""
    filler: Row = {"customer_id": "d", "ordered_at": CUTOFF - 9 * DAY, **FULL}
    tables = {
        name: [
            *(others or {}).get(name, ()),
            {**dict.fromkeys(columns), "customer_id": "d", time: CUTOFF - 9 * DAY},
        ]
        for name, (time, columns) in STREAM_TABLES.items()
    }
    return build([*rows, filler], customers=WHO, others=tables, zone="Europe/Sofia")


def known_before(row: Row, cutoff: int, time: str = "ordered_at") -> bool:
    """Whether the row happened and was recorded before the cutoff."""
    happened, recorded = row[time], row.get("recorded_at")
    assert isinstance(happened, int)
    return happened < cutoff and (not isinstance(recorded, int) or recorded < cutoff)


def as_known(row: Row, cutoff: int) -> Row:
    """The row without the facts that lie at or after the cutoff, such as when a mail was opened."""
    return {
        name: None
        if name.endswith("_at") and name not in PROMISES and isinstance(value, int) and value >= cutoff
        else value
        for name, value in row.items()
    }


def at(cutoffs: Sequence[int], customers: Sequence[int] = range(len(WHO))) -> Snapshots:
    """These customers at each of these cutoffs."""
    return Snapshots(
        np.tile(np.array(customers, dtype=np.int64), len(cutoffs)),
        np.repeat(np.array(cutoffs, dtype=np.int64), len(customers)),
    )


def values(store: EventStore, engine: str, snapshots: Snapshots) -> npt.NDArray[np.float64]:
    """Every declared feature of these snapshots."""
    return ENGINES.get(engine)(store, EVERY, snapshots).values


def same_bits(left: npt.NDArray[np.float64], right: npt.NDArray[np.float64]) -> None:
    """Refuse the first feature in which the two differ by a single bit."""
    assert left.shape == right.shape
    for position, name in enumerate(EVERY.names):
        assert left[:, position].tobytes() == right[:, position].tobytes(), name


def shuffled(store: EventStore, seed: int) -> EventStore:
    """The same store with the rows of equal customer and time in another order."""
    tables = {}
    for name, table in store.tables.items():
        anyhow = np.random.default_rng(seed).permutation(len(table))
        ordered = anyhow[np.lexsort((table.time[anyhow], table.customer[anyhow]))]
        tables[name] = table.select(ordered)
    return replace(store, tables=tables)


SALE: Row = {**FULL, "customer_id": "a", "recorded_at": None}


@pytest.mark.parametrize("engine", ENGINES.names())
@given(rows=histories, more=futures)
@example(rows=[{**SALE, "ordered_at": CUTOFF}], more=[])
@example(rows=[{**SALE, "ordered_at": CUTOFF - DAY, "recorded_at": CUTOFF}], more=[])
@example(
    # A line of an old order that is entered late, and lies before all the others.
    rows=[{**SALE, "ordered_at": CUTOFF - DAY, "order_id": "1"}],
    more=[{**SALE, "ordered_at": CUTOFF - 40 * DAY, "recorded_at": CUTOFF, "order_id": "1"}],
)
@settings(max_examples=40)
def test_the_future_changes_no_feature(
    orders_store: Build, engine: str, rows: list[Row], more: list[Row]
) -> None:
    """Taken away, left as it is or added to: what is not known before the cutoff leaves every bit as it was."""
    past = [row for row in rows if known_before(row, CUTOFF)]
    without = values(made(orders_store, past), engine, at([CUTOFF]))
    same_bits(values(made(orders_store, rows), engine, at([CUTOFF])), without)
    same_bits(values(made(orders_store, [*past, *more]), engine, at([CUTOFF])), without)


@pytest.mark.parametrize("engine", ENGINES.names())
@given(data=st.data(), orders=histories)
@settings(max_examples=40)
def test_facts_of_the_future_change_no_feature(
    orders_store: Build,
    any_row: Draw,
    stream_tables: tuple[str, ...],
    engine: str,
    data: st.DataObject,
    orders: list[Row],
) -> None:
    """In any table, a row that came later, was recorded later, or what became of a row later: none is known yet."""
    tables = {
        name: data.draw(st.lists(any_row(name, near, WHO[:3]), max_size=6), label=name)
        for name in stream_tables
    }
    past = [as_known(row, CUTOFF) for row in orders if known_before(row, CUTOFF)]
    pasts = {
        name: [as_known(row, CUTOFF) for row in rows if known_before(row, CUTOFF, STREAM_TABLES[name][0])]
        for name, rows in tables.items()
    }
    same_bits(
        values(made(orders_store, orders, tables), engine, at([CUTOFF])),
        values(made(orders_store, past, pasts), engine, at([CUTOFF])),
    )


# Labels that are given hang on no date.
@pytest.mark.parametrize("definition", [one for one in LABELS.names() if one != "given"])
@given(rows=histories, more=futures)
@example(rows=[{**SALE, "ordered_at": CUTOFF}], more=[])
@example(rows=[{**SALE, "ordered_at": CUTOFF - DAY, "recorded_at": CUTOFF}], more=[])
def test_the_future_makes_nobody_eligible(
    orders_store: Build, definition: str, rows: list[Row], more: list[Row]
) -> None:
    """Who is asked about at a cutoff is decided by what is known before it."""
    label = LABELS.get(definition)
    past = [row for row in rows if known_before(row, CUTOFF)]
    without = label.eligible(made(orders_store, past), CUTOFF, CHURN).tolist()
    assert label.eligible(made(orders_store, rows), CUTOFF, CHURN).tolist() == without
    assert label.eligible(made(orders_store, [*past, *more]), CUTOFF, CHURN).tolist() == without


@pytest.mark.parametrize("engine", ENGINES.names())
@given(rows=histories, seed=st.integers(0, 2**32 - 1))
@settings(max_examples=25)
def test_the_order_of_rows_changes_no_feature(
    orders_store: Build, engine: str, rows: list[Row], seed: int
) -> None:
    """Rows of one instant may come in any order."""
    store = made(orders_store, rows)
    same_bits(values(shuffled(store, seed), engine, at(CUTOFFS)), values(store, engine, at(CUTOFFS)))


@pytest.mark.parametrize("engine", ENGINES.names())
@given(rows=histories, order=st.permutations(range(len(WHO) * len(CUTOFFS))), alone=st.integers(0, 15))
@settings(max_examples=25)
def test_snapshots_do_not_depend_on_each_other(
    orders_store: Build, engine: str, rows: list[Row], order: list[int], alone: int
) -> None:
    """In any order, twice or alone: a snapshot has the same features."""
    store = made(orders_store, rows)
    asked = at(CUTOFFS)
    whole = values(store, engine, asked)
    for chosen in (order, [alone], [alone, alone]):
        some = Snapshots(asked.customer[chosen], asked.cutoff[chosen])
        same_bits(values(store, engine, some), whole[chosen])


@pytest.mark.parametrize("engine", ENGINES.names())
@given(rows=histories, others=histories)
@settings(max_examples=25)
def test_customers_do_not_influence_each_other(
    orders_store: Build, engine: str, rows: list[Row], others: list[Row]
) -> None:
    """A customer's features are the same whoever else is in the data."""
    mine = [row for row in rows if row["customer_id"] == "a"]
    theirs = [row for row in others if row["customer_id"] != "a"]
    here = at(CUTOFFS, customers=[WHO.index("a")])
    same_bits(
        values(made(orders_store, [*mine, *theirs]), engine, here),
        values(made(orders_store, mine), engine, here),
    )
