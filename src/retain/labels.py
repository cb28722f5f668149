"""Definitions of churn over the label window, and who is active enough to be asked about."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np

from retain.contracts import contracts_of, last_day, reach, running
from retain.errors import ConfigError, ContractError, WindowError
from retain.events.store import MISSING
from retain.registry import Registry
from retain.timeline import DAY, LONGEST_DAYS, NEVER, LabelWindow, instant_text

if TYPE_CHECKING:
    import numpy.typing as npt

    from retain.events.store import EventStore, EventTable, IntArray

    BoolArray = npt.NDArray[np.bool_]


UNDATED = 0
"""The instant that stands for the time of labelled customers of whom nothing has a time."""


@dataclass(frozen=True)
class ChurnSettings:
    """What churn means for this company: the ``[churn]`` part of the configuration.

    Attributes:
        definition: name of the definition; ``inactivity`` is no order in the label window, ``contract`` that no contract
            is left running at its end, ``given`` a column of customers.
        active_days: by inactivity, a customer with an order in so many days before the cutoff is eligible.
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
    def given(self) -> bool:
        """Whether the data say who churned, so that cutoffs and label windows are of no use."""
        return self.definition == "given"

    @property
    def window(self) -> LabelWindow:
        """The label window."""
        return LabelWindow(self.horizon_days, self.lead_days)

    @property
    def in_words(self) -> str:
        """One sentence that a manager understands."""
        return LABELS.get(self.definition).in_words(self)


class Label(Protocol):
    """A definition of churn."""

    @property
    def table(self) -> str:
        """The table that makes somebody a customer, such as ``orders``."""
        ...

    def in_words(self, settings: ChurnSettings) -> str:
        """One sentence that a manager understands."""
        ...

    def observed(self, store: EventStore) -> tuple[int, int]:
        """The first and last instant of the stretch that the data speak of.

        Raises:
            ContractError: the source lacks the table.
        """
        ...

    def last_seen(self, store: EventStore, cutoff: int) -> IntArray:
        """For each customer of the store, when they were last known to be one before the cutoff; NEVER if never."""
        ...

    def why_not_asked(self, days: int | None, settings: ChurnSettings) -> str:
        """Why a customer is not eligible who was last seen so many days ago; None is never."""
        ...

    def eligible(self, store: EventStore, cutoff: int, settings: ChurnSettings) -> BoolArray:
        """For each customer of the store, whether they are asked about at this cutoff."""
        ...

    def churned(self, store: EventStore, cutoff: int, settings: ChurnSettings, known_by: int) -> BoolArray:
        """For each customer of the store, whether they churned, as far as was known by that instant."""
        ...


class Inactivity:
    """Churn is no sale in the label window; eligible is a sale within the active days before the cutoff."""

    table = "orders"

    def in_words(self, settings: ChurnSettings) -> str:
        """One sentence that a manager understands."""
        return (
            f"A customer with an order in the last {settings.active_days} days counts as lost "
            f"when no order follows within {settings.horizon_days} days{_counted_from(settings)}."
        )

    def observed(self, store: EventStore) -> tuple[int, int]:
        """The instants of the first and last order."""
        account = store.accounts.get("orders")
        # A store of some of the customers, or of none, speaks of as long a time as that of all.
        if account is not None and account.first_event is not None and account.last_event is not None:
            return account.first_event, account.last_event
        orders = orders_of(store)
        return int(orders.time.min()), int(orders.time.max())

    def last_seen(self, store: EventStore, cutoff: int) -> IntArray:
        """For each customer, the last sale known before the cutoff."""
        sales = sales_of(store)
        known = sales.known < cutoff
        last = np.full(len(store.customer_ids), NEVER, dtype=np.int64)
        np.maximum.at(last, sales.customer[known], sales.time[known])
        return last

    def why_not_asked(self, days: int | None, settings: ChurnSettings) -> str:
        """That the last order is too long ago, or that there is none."""
        if days is None:
            return "no order known before this date"
        return f"last order {days} days ago; active means one in {settings.active_days} days"

    def eligible(self, store: EventStore, cutoff: int, settings: ChurnSettings) -> BoolArray:
        """For each customer, whether a sale in ``[cutoff - active_days, cutoff)`` was known at the cutoff."""
        return _bought(store, cutoff - settings.active_days * DAY, cutoff, known_by=cutoff)

    def churned(self, store: EventStore, cutoff: int, settings: ChurnSettings, known_by: int) -> BoolArray:
        """For each customer, whether no sale in the label window was known by that instant."""
        window = settings.window
        return ~_bought(store, window.start(cutoff), window.end(cutoff), known_by=known_by)


class Given:
    """Churn is a label that the customers come with; every customer of that table is asked about."""

    table = "customers"

    def in_words(self, settings: ChurnSettings) -> str:  # noqa: ARG002  # the label decides
        """One sentence that a manager understands."""
        return (
            "A customer counts as lost whom the data label so, in the column label of the table of customers."
        )

    def observed(self, store: EventStore) -> tuple[int, int]:
        """The instants of the first and last event of any table; UNDATED where nothing has a time."""
        times = [one.time[one.time != MISSING] for one in store.tables.values()]
        dated = [one for one in times if len(one)]
        if not dated:
            return UNDATED, UNDATED
        return min(int(one.min()) for one in dated), max(int(one.max()) for one in dated)

    def last_seen(self, store: EventStore, cutoff: int) -> IntArray:
        """For each customer of the table, just now; NEVER for others."""
        return np.where(_any_of(customers_of(store).customer, len(store.customer_ids)), cutoff - 1, NEVER)

    def why_not_asked(self, days: int | None, settings: ChurnSettings) -> str:  # noqa: ARG002  # there is one way only
        """That the table of customers lacks them."""
        return "not in the table of customers"

    def eligible(self, store: EventStore, cutoff: int, settings: ChurnSettings) -> BoolArray:  # noqa: ARG002  # whenever it is asked
        """For each customer, whether the table of customers has them, labelled or not."""
        return _any_of(customers_of(store).customer, len(store.customer_ids))

    def churned(self, store: EventStore, cutoff: int, settings: ChurnSettings, known_by: int) -> BoolArray:  # noqa: ARG002  # as above
        """For each customer, whether the label says so."""
        return _any_of(customers_of(store).customer[labels_of(store) == 1], len(store.customer_ids))


class Contract:
    """Churn is that no contract of the customer runs any more at the end of the label window; eligible is a running one.

    One contract of two that ends, or one that is replaced by the window's end, loses nobody. An end between the cutoff and
    the label window counts as well, as silence there does for inactivity: the customer is gone when the window ends.
    """

    table = "contracts"

    def in_words(self, settings: ChurnSettings) -> str:
        """One sentence that a manager understands."""
        return (
            f"A customer with a running contract counts as lost when none runs any more "
            f"{settings.window.days} days after the cutoff."
        )

    def observed(self, store: EventStore) -> tuple[int, int]:
        """The first start of a contract, and the last thing that happened in any table."""
        return reach(store)

    def last_seen(self, store: EventStore, cutoff: int) -> IntArray:
        """For each customer, when a contract was last known to run."""
        return last_day(store, cutoff)

    def why_not_asked(self, days: int | None, settings: ChurnSettings) -> str:  # noqa: ARG002  # no setting decides it
        """That the last contract has ended, or that there is none."""
        return (
            "no contract known before this date" if days is None else f"last contract ended {days} days ago"
        )

    def eligible(self, store: EventStore, cutoff: int, settings: ChurnSettings) -> BoolArray:  # noqa: ARG002  # nor here
        """For each customer, whether a contract was known to run when the cutoff came."""
        return _runs(store, cutoff, known_by=cutoff)

    def churned(self, store: EventStore, cutoff: int, settings: ChurnSettings, known_by: int) -> BoolArray:
        """For each customer, whether none ran when the label window closed, as far as was known by that instant."""
        return ~_runs(store, settings.window.end(cutoff), known_by=known_by)


INACTIVITY, CONTRACT, GIVEN = "inactivity", "contract", "given"
OURS = frozenset({INACTIVITY, CONTRACT, GIVEN})
"""Definitions that ask one customer at a time, and of which is known what they read; of other packages' nobody can tell."""
LABELS: Registry[Label] = Registry(
    "definition of churn", "retain.labels", {INACTIVITY: Inactivity, CONTRACT: Contract, GIVEN: Given}
)
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


def customers_of(store: EventStore) -> EventTable:
    """The table of customers.

    Raises:
        ContractError: the source has none.
    """
    if "customers" not in store.tables:
        raise ContractError(
            "There is no table of customers. Churn by a given label needs [source.tables.customers]."
        )
    return store.tables["customers"]


def labels_of(store: EventStore) -> npt.NDArray[np.int8]:
    """1, 0 or -1, not known, for each row of the table of customers.

    Raises:
        ContractError: it has no column of labels.
    """
    label = customers_of(store).columns.get("label")
    if label is None:
        raise ContractError(
            'customers has no column label. Say which it is: [source.tables.customers] columns = { label = "..." }; words '
            "other than yes and no are mapped by values.label."
        )
    return label.values.astype(np.int8)


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


def observed(store: EventStore, settings: ChurnSettings) -> tuple[int, int]:
    """The first and last instant of the stretch that the data speak of."""
    return LABELS.get(settings.definition).observed(store)


def require_cutoff(store: EventStore, cutoff: int, settings: ChurnSettings) -> None:
    """Nothing, when something is known before the cutoff and the data reach it.

    Raises:
        WindowError: the cutoff lies before the first order or contract, or more than a day after the end of the data.
    """
    require_within(observed(store, settings), cutoff, settings)


def require_within(stretch: tuple[int, int], cutoff: int, settings: ChurnSettings) -> None:
    """The same, where the stretch that the data speak of is known: its first and last instant.

    Raises:
        WindowError: as ``require_cutoff``.
    """
    first, last = stretch
    if cutoff <= first:
        what = LABELS.get(settings.definition).table.removesuffix("s")
        raise WindowError(
            f"Nothing is known before {instant_text(cutoff)}: the first {what} is of {instant_text(first)[:10]}. "
            f"Choose a later cutoff."
        )
    if cutoff > last + DAY:
        raise WindowError(
            f"The data end on {instant_text(last)[:10]}, before the cutoff {instant_text(cutoff)}: customers would look "
            f"as if nothing had happened to them, because nothing was recorded. Choose a cutoff up to "
            f"{instant_text(last // DAY * DAY + DAY)}, or load newer data."
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


def _runs(store: EventStore, at: int, *, known_by: int) -> BoolArray:
    """For each customer, whether a contract ran when that instant came, as far as was known by the other."""
    contracts = contracts_of(store)
    return _any_of(contracts.customer[running(contracts, at, known_by)], len(store.customer_ids))


def _counted_from(settings: ChurnSettings) -> str:
    """What the sentence adds where there is a lead time."""
    return f", counted from {settings.lead_days} days after the cutoff" if settings.lead_days else ""


def _any_of(customer: IntArray, customers: int) -> BoolArray:
    found = np.zeros(customers, dtype=bool)
    found[customer] = True
    return found
