"""Contracts through time: which of them ran at an instant, as far as was known by another."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from retain.errors import ContractError
from retain.events.store import MISSING
from retain.timeline import NEVER

if TYPE_CHECKING:
    from collections.abc import Iterable

    import numpy.typing as npt

    from retain.events.store import EventStore, EventTable, IntArray

    BoolArray = npt.NDArray[np.bool_]

HAPPENED = ("contracts", "orders", "feedback", "tickets", "ticket_events", "messages")
"""Tables of what has happened. Campaigns are planned ahead and say nothing about how far the data reach."""


def contracts_of(store: EventStore) -> EventTable:
    """The table of contracts.

    Raises:
        ContractError: the source has none.
    """
    if "contracts" not in store.tables or not len(store.tables["contracts"]):
        raise _no_contracts()
    return store.tables["contracts"]


def _no_contracts() -> ContractError:
    return ContractError("There are no contracts. Churn by contract needs a table [source.tables.contracts].")


def ends_of(contracts: EventTable) -> IntArray:
    """When each contract ended; MISSING while it runs."""
    if "ended_at" not in contracts.columns:
        return np.full(len(contracts), MISSING, dtype=np.int64)
    return contracts.columns["ended_at"].values.astype(np.int64)


def running(contracts: EventTable, at: int, known_by: int) -> BoolArray:
    """Which contracts ran when the instant came, as far as was known by the other one.

    A contract runs in ``[started_at, ended_at)``. An end is known once it has come, and not before: a table holds ends that
    were filled in afterwards, and a date ahead would tell the future.

    Args:
        contracts: the table.
        at: the instant; what starts or ends exactly then has not yet.
        known_by: rows recorded from this instant on, and ends that come from it on, are not known.
    """
    ends = ends_of(contracts)
    over = (ends != MISSING) & (ends < min(at, known_by))
    return np.asarray((contracts.time < at) & (contracts.known < known_by) & ~over)


def last_day(store: EventStore, cutoff: int) -> IntArray:
    """For each customer the latest instant before the cutoff at which a contract of theirs is known to have run.

    The cutoff itself where one still runs; NEVER where none is known.
    """
    contracts = contracts_of(store)
    latest = np.full(len(store.customer_ids), NEVER, dtype=np.int64)
    known = (contracts.time < cutoff) & (contracts.known < cutoff)
    runs = running(contracts, cutoff, cutoff)
    seen = np.where(runs, cutoff, ends_of(contracts))
    np.maximum.at(latest, contracts.customer[known], seen[known])
    return latest


def reach(store: EventStore, parts: Iterable[EventTable] | None = None) -> tuple[int, int]:
    """The first and last instant that the data speak of: the first end, and the last thing that happened in any table.

    Contracts are often older than the table: those that ended before it was begun are not in it, and until the first end nothing is
    seen to end. The last instant leaves ends out: they may be planned, and lie after the day on which the table was written.

    Args:
        store: checked events.
        parts: its contracts, where they are elsewhere, some of them at a time.

    Raises:
        ContractError: the source has none.
    """
    there = [contracts_of(store)] if parts is None else [one for one in parts if len(one)]
    if not there:
        raise _no_contracts()
    last = max(_last_event(store, name) for name in HAPPENED)
    return _first_end(there, last + 1), last


def _last_event(store: EventStore, table: str) -> int:
    """When the table's last row happened; NEVER without any. A store without the rows has the account of them."""
    account = store.accounts.get(table)
    if account is not None:
        return NEVER if account.last_event is None else account.last_event
    return int(store.tables[table].time.max()) if len(store.tables.get(table, ())) else NEVER


def first_end(contracts: EventTable, known_by: int) -> int:
    """When the first contract was seen to end, as far as was known by that instant; where none was, when the first began."""
    return _first_end([contracts], known_by)


def _first_end(parts: Iterable[EventTable], known_by: int) -> int:
    """The same of contracts some of which are in each part."""
    seen, begun = [], []
    for contracts in parts:
        ends = ends_of(contracts)
        told = ends[(ends != MISSING) & (ends < known_by) & (contracts.known < known_by)]
        seen += [int(told.min())] if len(told) else []
        begun.append(int(contracts.time.min()))
    return min(seen or begun)
