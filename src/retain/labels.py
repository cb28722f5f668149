"""Definitions of churn over the label window, and who is active enough to be asked about."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np

from retain.errors import ConfigError, ContractError, WindowError
from retain.registry import Registry
from retain.timeline import DAY, LONGEST_DAYS, LabelWindow, instant_text

if TYPE_CHECKING:
    import numpy.typing as npt

    from retain.events.store import EventStore, EventTable, IntArray

    BoolArray = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class ChurnSettings:
    """What churn means for this company: the ``[churn]`` part of the configuration.

    Attributes:
        definition: name of the definition; ``inactivity`` is no order in the label window.
        active_days: a customer with an order in so many days before the cutoff is eligible.
        horizon_days: length of the label window.
        lead_days: days between the cutoff and the label window, in which there is time to act.
    """

    definition: str = "inactivity"
    active_days: int = 180
    horizon_days: int = 90
    lead_days: int = 0

    def __post_init__(self) -> None:
        """Refuse windows that hold nothing."""
        if not 0 < self.active_days <= LONGEST_DAYS:
            raise ConfigError(
                f"[churn] active_days is {self.active_days}; it has to be from 1 to {LONGEST_DAYS}."
            )
        LabelWindow(self.horizon_days, self.lead_days)

    @property
    def window(self) -> LabelWindow:
        """The label window."""
        return LabelWindow(self.horizon_days, self.lead_days)

    @property
    def in_words(self) -> str:
        """One sentence that a manager understands."""
        lead = f", counted from {self.lead_days} days after the cutoff" if self.lead_days else ""
        return (
            f"A customer with an order in the last {self.active_days} days counts as lost "
            f"when no order follows within {self.horizon_days} days{lead}."
        )


class Label(Protocol):
    """A definition of churn."""

    def eligible(self, store: EventStore, cutoff: int, settings: ChurnSettings) -> BoolArray:
        """For each customer of the store, whether they are asked about at this cutoff."""
        ...

    def churned(self, store: EventStore, cutoff: int, settings: ChurnSettings, known_by: int) -> BoolArray:
        """For each customer of the store, whether they churned, as far as was known by that instant."""
        ...


class Inactivity:
    """Churn is no sale in the label window; eligible is a sale within the active days before the cutoff."""

    def eligible(self, store: EventStore, cutoff: int, settings: ChurnSettings) -> BoolArray:
        """For each customer, whether a sale in ``[cutoff - active_days, cutoff)`` was known at the cutoff."""
        return _bought(store, cutoff - settings.active_days * DAY, cutoff, known_by=cutoff)

    def churned(self, store: EventStore, cutoff: int, settings: ChurnSettings, known_by: int) -> BoolArray:
        """For each customer, whether no sale in the label window was known by that instant."""
        window = settings.window
        return ~_bought(store, window.start(cutoff), window.end(cutoff), known_by=known_by)


INACTIVITY = "inactivity"
LABELS: Registry[Label] = Registry("definition of churn", "retain.labels", {INACTIVITY: Inactivity})
"""Every definition of churn by its name."""


def outcomes(
    store: EventStore, customer: IntArray, cutoff: IntArray, settings: ChurnSettings, known_by: int
) -> npt.NDArray[np.int8]:
    """1 for each (customer, cutoff) pair that churned as far as was known by that instant, 0 for the others."""
    label = LABELS.get(settings.definition)
    churned = np.zeros(len(customer), dtype=np.int8)
    for one in np.unique(cutoff):
        rows = cutoff == one
        churned[rows] = label.churned(store, int(one), settings, known_by)[customer[rows]]
    return churned


def orders_of(store: EventStore) -> EventTable:
    """The table of orders.

    Raises:
        ContractError: the source has none.
    """
    if "orders" not in store.tables or not len(store.tables["orders"]):
        raise ContractError("There are no orders. Churn by inactivity needs a table [source.tables.orders].")
    return store.tables["orders"]


def sales_of(store: EventStore) -> EventTable:
    """The rows of the orders table that are sales."""
    orders = orders_of(store)
    sold = _sold(orders)
    return orders if sold is None else orders.select(sold)


def _sold(orders: EventTable) -> BoolArray | None:
    """Which rows are sales; None if all are."""
    kind = orders.columns.get("kind")
    levels = [] if kind is None or kind.levels is None else list(kind.levels)
    return (
        None if kind is None or "return" not in levels else np.asarray(kind.values != levels.index("return"))
    )


def observed(store: EventStore) -> tuple[int, int]:
    """The first and last instant at which an order was placed: the stretch the data speak of."""
    account = store.accounts.get("orders")
    # A store of some of the customers, or of none, speaks of as long a time as that of all.
    if account is not None and account.first_event is not None and account.last_event is not None:
        return account.first_event, account.last_event
    orders = orders_of(store)
    return int(orders.time.min()), int(orders.time.max())


def require_cutoff(store: EventStore, cutoff: int) -> None:
    """Nothing, when something is known before the cutoff and the data reach it.

    Raises:
        WindowError: the cutoff lies before the first order, or more than a day after the last.
    """
    first, last = observed(store)
    if cutoff <= first:
        raise WindowError(
            f"Nothing is known before {instant_text(cutoff)}: the first order is of {instant_text(first)[:10]}. "
            f"Choose a later cutoff."
        )
    if cutoff > last + DAY:
        raise WindowError(
            f"The data end on {instant_text(last)[:10]}, before the cutoff {instant_text(cutoff)}: customers would look "
            f"silent because nothing was recorded. Choose a cutoff up to {instant_text(last // DAY * DAY + DAY)}, or "
            f"load newer data."
        )


def require_closed(settings: ChurnSettings, cutoff: int, until: int) -> None:
    """Nothing, when the cutoff's label window has closed by that instant.

    Raises:
        WindowError: it has not; the message says which cutoff would do.
    """
    end = settings.window.end(cutoff)
    if end > until:
        latest = settings.window.latest_cutoff(until) // DAY * DAY
        raise WindowError(
            f"The label window of {instant_text(cutoff)} closes on {instant_text(end)}, but the data end on "
            f"{instant_text(until)[:10]}. Choose a cutoff up to {instant_text(latest)}, or a shorter horizon_days."
        )


def _bought(store: EventStore, start: int, end: int, *, known_by: int) -> BoolArray:
    """For each customer, whether a sale happened in ``[start, end)`` and was known before that instant."""
    orders = orders_of(store)
    inside = (orders.time >= start) & (orders.time < end) & (orders.known < known_by)
    sold = _sold(orders)
    # Columns other than these would be copied for nothing, once a cutoff.
    return _any_of(orders.customer[inside if sold is None else inside & sold], len(store.customer_ids))


def _any_of(customer: IntArray, customers: int) -> BoolArray:
    found = np.zeros(customers, dtype=bool)
    found[customer] = True
    return found
