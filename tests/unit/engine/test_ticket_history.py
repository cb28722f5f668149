"""A ticket's history, worked out by hand and asked of every engine: states that a log repeats, and how long they took."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from retain.engine import ENGINES
from retain.engine.panel import Snapshots
from retain.engine.streams import ENDS
from retain.events.store import Column, EventTable
from retain.features.catalog import EVERY
from retain.features.spec import FeatureSet
from retain.timeline import DAY, instant

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from retain.events.store import EventStore

    Build = Callable[..., EventStore]
    Row = dict[str, object]

HISTORY = """
    ticket  happened_at       state     reopened  breached_sla
    1       2024-05-01T10:00  open      0         0
    1       2024-05-01T13:00  resolved  0         0
    1       2024-05-01T15:00  resolved  0         1
    1       2024-05-02T10:00  -         0         1
    1       2024-05-03T10:00  resolved  -         1
    1       2024-05-05T10:00  open      1         1
    1       2024-05-06T10:00  open      1         1
    1       2024-05-08T10:00  resolved  1         1
    2       2024-05-02T10:00  resolved  0         0
    2       2024-05-07T10:00  open      1         -
    2       2024-05-09T10:00  open      0         1
"""
"""As many helpdesks log it: each row has the whole state of the ticket, changed or not."""


def store(build: Build, text: str = HISTORY) -> EventStore:
    """One customer with two tickets and this history."""
    head, *lines = (line.split() for line in text.strip().splitlines())
    events: list[Row] = []
    for line in lines:
        row: Row = {name: None if cell == "-" else cell for name, cell in zip(head, line, strict=True)}
        moment = instant(str(row.pop("happened_at")))
        flags = {
            name: None if row[name] is None else int(str(row[name])) for name in ("reopened", "breached_sla")
        }
        events.append(
            {
                "customer_id": "a",
                "ticket_id": row["ticket"],
                "happened_at": moment,
                "state": row["state"],
                **flags,
            }
        )
    tickets: list[Row] = [
        {"customer_id": "a", "ticket_id": one, "opened_at": f"2024-05-0{one}T10:00"} for one in ("1", "2")
    ]
    return build([], others={"tickets": tickets, "ticket_events": events})


def values(data: EventStore, engine: str, name: str, cutoffs: Sequence[str]) -> list[float]:
    """One feature of the customer at these cutoffs."""
    asked = Snapshots(np.zeros(len(cutoffs), dtype=np.int64), np.array([instant(one) for one in cutoffs]))
    found = ENGINES.get(engine)(data, FeatureSet((EVERY.by_name[name],)), asked).values
    return [float(one) for one in found[:, 0]]


@pytest.mark.parametrize("engine", ENGINES.names())
@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("open_tickets", [1, 0, 0, 0, 1, 2, 1]),
        ("reopened_365d", [0, 0, 0, 0, 1, 2, 2]),
        ("breached_365d", [0, 0, 1, 1, 1, 1, 2]),
        # The first ticket from the first of May on, the second from the second; nothing is open in between.
        ("backlog_days_max", [1 / 8, np.nan, np.nan, np.nan, 4 + 14 / 24, 6 + 14 / 24, 29 + 14 / 24]),
        # Three hours; those and none; those, none and a week.
        ("resolution_hours_median_365d", [np.nan, 3, 1.5, 1.5, 1.5, 1.5, 3]),
    ],
)
def test_a_state_is_entered_once(orders_store: Build, engine: str, name: str, wanted: list[float]) -> None:
    """A row that repeats it is none of its own; one that says nothing of the state does not end it, a reopening does."""
    cutoffs = (
        "2024-05-01T13:00",
        "2024-05-01T14:00",
        "2024-05-03",
        "2024-05-04",
        "2024-05-06",
        "2024-05-08",
        "2024-06-01",
    )
    assert values(store(orders_store), engine, name, cutoffs) == pytest.approx(wanted, nan_ok=True)


@pytest.mark.parametrize("engine", ENGINES.names())
def test_the_words_of_states_are_compared_not_their_codes(orders_store: Build, engine: str) -> None:
    """Of one instant the smaller word comes first, however the words were numbered when they were read."""
    data = store(
        orders_store,
        """
        ticket  happened_at       state     reopened  breached_sla
        1       2024-05-01T10:00  resolved  0         0
        1       2024-05-03T10:00  resolved  0         0
        1       2024-05-03T10:00  open      0         0
        """,
    )
    events = data.tables["ticket_events"]
    state = events.columns["state"]
    assert state.levels is not None
    turned = Column(len(state.levels) - 1 - state.values, state.levels[::-1].copy())
    other = EventTable(events.customer, events.time, events.known, {**events.columns, "state": turned})
    tables = {**data.tables, "ticket_events": other}
    for one in (data, replace(data, tables=tables)):
        # "open" comes before "resolved" on the third; of the second ticket nothing was written.
        assert values(one, engine, "open_tickets", ["2024-05-04"]) == [1]


@pytest.mark.parametrize("engine", ENGINES.names())
@pytest.mark.parametrize("end", ENDS)
def test_a_ticket_that_ended_in_any_way_is_not_open(orders_store: Build, engine: str, end: str) -> None:
    """Whether or not it was resolved first, until a later state opens it again; both features of the backlog say so."""
    data = store(
        orders_store,
        f"""
        ticket  happened_at       state     reopened  breached_sla
        1       2024-05-01T10:00  open      0         0
        2       2024-05-02T10:00  resolved  0         0
        2       2024-05-03T10:00  {end}     0         0
        1       2024-05-04T10:00  {end}     0         0
        1       2024-05-05T10:00  -         1         0
        1       2024-05-06T10:00  assigned  0         0
        1       2024-05-07T10:00  resolved  0         0
        1       2024-05-07T10:00  {end}     0         0
        """,
    )
    cutoffs = [f"2024-05-{day:02}" for day in (2, 3, 4, 5, 6, 7, 8)]
    assert values(data, engine, "open_tickets", cutoffs) == [1, 1, 1, 0, 0, 1, 0]
    ages = [14 / 24, 38 / 24, 62 / 24, np.nan, np.nan, 134 / 24, np.nan]
    assert values(data, engine, "backlog_days_max", cutoffs) == pytest.approx(ages, nan_ok=True)


@pytest.mark.parametrize("engine", ENGINES.names())
def test_a_ticket_without_a_history_is_open(orders_store: Build, engine: str) -> None:
    """Many logs write a first row when something changes; until then somebody waits."""
    data = store(
        orders_store,
        """
        ticket  happened_at       state     reopened  breached_sla
        1       2024-05-03T10:00  closed    0         0
        """,
    )
    cutoffs = ["2024-05-01", "2024-05-02", "2024-05-03", "2024-05-04"]
    assert values(data, engine, "open_tickets", cutoffs) == [0, 1, 2, 1]


def test_the_oldest_open_ticket_is_found_in_long_histories(orders_store: Build) -> None:
    """Of hundreds of tickets that begin, end and come back, many at one instant: the kernel has the bits of the reference."""
    rng = np.random.default_rng(11)
    start = instant("2024-01-01")
    words = np.array(["open", "assigned", "resolved", "closed", None], dtype=object)
    events: list[Row] = [
        {
            "customer_id": f"c{rng.integers(3)}",
            "ticket_id": f"t{rng.integers(60)}",
            "happened_at": start + int(rng.integers(40)) * DAY,
            "state": words[rng.choice(5, p=[0.1, 0.1, 0.4, 0.3, 0.1])],
        }
        for _ in range(900)
    ]
    first: dict[tuple[str, str], int] = {}
    for one in events:
        thing, moment = (str(one["customer_id"]), str(one["ticket_id"])), int(str(one["happened_at"]))
        first[thing] = min(moment, first.get(thing, moment))
    tickets: list[Row] = [
        {"customer_id": who, "ticket_id": one, "opened_at": moment} for (who, one), moment in first.items()
    ]
    data = orders_store([], others={"tickets": tickets, "ticket_events": events})
    cutoffs = start + np.arange(45) * DAY
    asked = Snapshots(np.repeat(np.arange(3), len(cutoffs)), np.tile(cutoffs, 3))
    chosen = FeatureSet(tuple(EVERY.by_name[name] for name in ("backlog_days_max", "open_tickets")))
    fast, slow = (ENGINES.get(one)(data, chosen, asked).values for one in ("kernel", "reference"))
    assert fast.tobytes() == slow.tobytes()
    assert len(np.unique(fast[:, 0])) > 20
    # Every history begins with its ticket, so where one is open, so old is the oldest.
    assert ((fast[:, 1] > 0) == ~np.isnan(fast[:, 0])).all()
