"""All KPIs of one period, or of a row of periods."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from retain.errors import WindowError
from retain.kpis.contracts import contract_kpis
from retain.kpis.kpi import DEFINITIONS
from retain.kpis.orders import order_kpis
from retain.kpis.predicted import clv_predicted
from retain.kpis.service import feedback_kpis, message_kpis, ticket_event_kpis, ticket_kpis
from retain.timeline import DAY, instant_text

if TYPE_CHECKING:
    from collections.abc import Iterable

    from retain.events.store import EventStore, EventTable
    from retain.kpis.kpi import Kpi
    from retain.scoring.value import ValueSettings


@dataclass(frozen=True)
class Period:
    """The KPIs of one stretch of time.

    Attributes:
        start: its first instant, in UTC microseconds.
        end: the first instant after it.
        kpis: the figures.
    """

    start: int
    end: int
    kpis: tuple[Kpi, ...]


def kpis(store: EventStore, start: int, end: int, active_days: int, value: ValueSettings) -> tuple[Kpi, ...]:
    """Every KPI of the catalogue over ``[start, end)``; what the data do not tell is None and says why.

    Only what was known before ``end`` counts, so a KPI of the past is what would have been reported then.

    Args:
        store: the events.
        start: first instant of the period, in UTC microseconds.
        end: the first instant after it.
        active_days: a customer is active at an instant with a sale in so many days before it.
        value: over how long, and at which margin, what customers will bring is counted.

    Raises:
        WindowError: the period is empty or active_days is not above 0.
    """
    if end <= start:
        raise WindowError(
            f"The period from {instant_text(start)} to {instant_text(end)} is empty. Let it end after it starts."
        )
    if active_days <= 0:
        raise WindowError(f"active_days is {active_days}. Give a number of days above 0.")
    found: dict[str, Kpi] = {}
    if (table := _known(store, "orders", end)) is not None:
        found |= order_kpis(table, start, end, active_days * DAY, 10.0**store.money_exponent)
        found["clv_predicted"] = clv_predicted(store, end, value)
    if (table := _known(store, "contracts", end)) is not None:
        found |= contract_kpis(table, start, end, 10.0**store.money_exponent)
    if (table := _known(store, "feedback", end)) is not None:
        found |= feedback_kpis(table.select(table.time >= start), end)
    if (table := _known(store, "tickets", end)) is not None:
        found |= ticket_kpis(table, start, end)
    if (table := _known(store, "ticket_events", end)) is not None:
        found |= ticket_event_kpis(table.select(table.time >= start))
    if (table := _known(store, "messages", end)) is not None:
        found |= message_kpis(table, start, end)
    return tuple(
        found[name] if name in found else one.unknown(f"there is no table {one.table}")
        for name, one in DEFINITIONS.items()
    )


def kpi_history(
    store: EventStore, ends: Iterable[int], days: int, active_days: int, value: ValueSettings
) -> tuple[Period, ...]:
    """The KPIs of several periods of equal length, oldest first.

    Args:
        store: the events.
        ends: the end of each period, in UTC microseconds.
        days: how long each period is.
        active_days: as for ``kpis``.
        value: as for ``kpis``.

    Raises:
        WindowError: days or active_days is not above 0.
    """
    return tuple(
        Period(end - days * DAY, end, kpis(store, end - days * DAY, end, active_days, value))
        for end in sorted(ends)
    )


def _known(store: EventStore, name: str, end: int) -> EventTable | None:
    """The rows of a table that happened and were known before the end; None if there is no such table."""
    table = store.tables.get(name)
    return None if table is None else table.select(np.maximum(table.time, table.known) < end)
