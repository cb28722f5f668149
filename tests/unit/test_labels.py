"""Who is asked about, and who churned."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from retain.errors import ConfigError, ContractError, WindowError
from retain.events.store import EventStore
from retain.labels import LABELS, ChurnSettings, observed, orders_of, require_closed, require_cutoff, sales_of
from retain.timeline import NEVER, instant

if TYPE_CHECKING:
    from collections.abc import Callable

    Orders = Callable[..., EventStore]

CUTOFF = instant("2024-06-01")
CHURN = ChurnSettings(active_days=30, horizon_days=14)
LATER = instant("2024-12-31")
INACTIVITY = LABELS.get("inactivity")


def eligible(store: EventStore) -> str:
    """The customers who are asked about, as one word."""
    return "".join(store.customer_ids[INACTIVITY.eligible(store, CUTOFF, CHURN)])


def churned(store: EventStore, settings: ChurnSettings = CHURN, known_by: int = LATER) -> str:
    """The customers who churned, as one word."""
    return "".join(store.customer_ids[INACTIVITY.churned(store, CUTOFF, settings, known_by)])


def test_eligible_is_an_order_in_the_active_days(orders: Orders) -> None:
    """The window is half-open: its first instant counts, the cutoff does not."""
    store = orders(
        """
        customer_id  ordered_at
        a            2024-05-01T23:59:59.999999
        b            2024-05-02
        c            2024-05-31T23:59:59.999999
        d            2024-06-01
        """,
        customers=["e"],
    )
    assert eligible(store) == "bc"


def test_what_is_recorded_later_makes_nobody_eligible(orders: Orders) -> None:
    """At the cutoff nobody could know of it."""
    store = orders("""
        customer_id  ordered_at  recorded_at
        a            2024-05-20  2024-05-31T23:59
        b            2024-05-20  2024-06-01
    """)
    assert eligible(store) == "a"


def test_churn_is_no_order_in_the_label_window(orders: Orders) -> None:
    """It begins at the cutoff and its end lies outside."""
    store = orders(
        """
        customer_id  ordered_at
        a            2024-05-31T23:59:59.999999
        b            2024-06-01
        c            2024-06-14T23:59:59.999999
        d            2024-06-15
        """,
        customers=["e"],
    )
    assert churned(store) == "ade"


def test_the_lead_time_does_not_count(orders: Orders) -> None:
    """An order between the cutoff and the label window neither saves nor loses a customer."""
    store = orders("""
        customer_id  ordered_at
        a            2024-06-07T23:59
        b            2024-06-08
        c            2024-06-21
        d            2024-06-22
    """)
    assert churned(store, ChurnSettings(active_days=30, horizon_days=14, lead_days=7)) == "ad"


def test_an_order_recorded_late_counts_once_it_is_known(orders: Orders) -> None:
    """Training up to an instant knows only what was recorded before it."""
    store = orders("""
        customer_id  ordered_at  recorded_at
        a            2024-06-05  2024-06-20
    """)
    assert churned(store, known_by=instant("2024-06-20")) == "a"
    assert churned(store, known_by=instant("2024-06-20") + 1) == ""


def test_returns_are_no_orders(orders: Orders) -> None:
    """Who only sends something back is neither active nor kept by it."""
    store = orders("""
        customer_id  ordered_at  kind
        a            2024-05-20  return
        b            2024-05-20  sale
        b            2024-06-05  return
        c            2024-06-05  sale
        d            2024-05-20  -
    """)
    assert eligible(store) == "bd"
    assert churned(store) == "abd"
    assert len(sales_of(store)) == 3


def test_without_a_kind_or_a_return_every_row_is_a_sale(orders: Orders) -> None:
    """The whole table."""
    bare = orders("customer_id ordered_at\na 2024-05-20")
    sales = orders("customer_id ordered_at kind\na 2024-05-20 sale")
    assert sales_of(bare) is orders_of(bare)
    assert sales_of(sales) is orders_of(sales)


@pytest.mark.parametrize("tables", [{}, "empty"])
def test_without_orders_there_is_no_churn_to_speak_of(orders: Orders, tables: object) -> None:
    """No table and an empty one are the same mistake."""
    store = EventStore(np.array(["a"], dtype=object), {}, {})
    if tables:
        whole = orders("customer_id ordered_at\na 2024-05-20")
        store = EventStore(store.customer_ids, {"orders": orders_of(whole).select(np.array([False]))}, {})
    with pytest.raises(ContractError, match=r"There are no orders.*\[source\.tables\.orders\]"):
        orders_of(store)


# Labels that are given hang on no date; tests/unit/modelling/test_given.py has theirs.
@pytest.mark.parametrize("definition", [one for one in LABELS.names() if one != "given"])
def test_every_definition_answers_for_every_customer(
    orders: Orders, contracts: Orders, definition: str
) -> None:
    """One yes or no each, and nobody is asked about before there was anything to know."""
    store = orders("customer_id ordered_at\na 2024-05-20\nb 2024-06-10", customers=["c"])
    had = contracts("customer_id started_at\na 2024-05-20\nb 2024-06-10", customers=["c"])
    store = replace(store, tables={**store.tables, **had.tables})
    label = LABELS.get(definition)
    settings = ChurnSettings(definition, 30, 14)
    for found in (label.eligible(store, CUTOFF, settings), label.churned(store, CUTOFF, settings, LATER)):
        assert found.dtype == bool
        assert found.shape == (3,)
    assert not label.eligible(store, instant("2020-01-01"), settings).any()
    assert (label.last_seen(store, instant("2020-01-01")) == NEVER).all()
    assert (label.last_seen(store, CUTOFF) > NEVER).tolist() == [True, False, False]
    assert label.why_not_asked(None, settings) != label.why_not_asked(4, settings)
    assert str(settings.window.days) in label.in_words(settings)
    assert label.table in store.tables


DATA = """
    customer_id  ordered_at
    a            2024-01-10T09:00
    b            2024-05-31T17:30
"""


def test_the_data_speak_of_a_stretch(orders: Orders) -> None:
    """From the first order to the last."""
    assert observed(orders(DATA), CHURN) == (instant("2024-01-10T09:00"), instant("2024-05-31T17:30"))


@pytest.mark.parametrize("cutoff", ["2024-01-10T09:00:00.000001", "2024-06-01", "2024-06-01T17:30"])
def test_a_cutoff_inside_the_data_will_do(orders: Orders, cutoff: str) -> None:
    """And one up to a day after the last order, so that the last day can be scored when it is over."""
    require_cutoff(orders(DATA), instant(cutoff), CHURN)


def test_a_cutoff_before_the_first_order_is_refused(orders: Orders) -> None:
    """Nothing is known then."""
    with pytest.raises(
        WindowError, match=r"Nothing is known before 2024-01-10T09:00:00Z: the first order is of 2024-01-10\."
    ):
        require_cutoff(orders(DATA), instant("2024-01-10T09:00"), CHURN)


def test_a_cutoff_after_the_data_is_refused(orders: Orders) -> None:
    """Silence there would mean nothing; the message names the last cutoff that would do, and it does."""
    store = orders(DATA)
    with pytest.raises(WindowError, match=r"The data end on 2024-05-31, before .* up to 2024-06-01, or load"):
        require_cutoff(store, instant("2024-06-01T17:30:00.000001"), CHURN)
    require_cutoff(store, instant("2024-06-01"), CHURN)


def test_a_label_window_has_to_be_closed() -> None:
    """It may close at the very end of the data; the message names the last cutoff that would do, and it does."""
    until = instant("2024-06-15T12:00")
    require_closed(CHURN, CUTOFF, until)
    require_closed(CHURN, CUTOFF, instant("2024-06-15"))
    with pytest.raises(
        WindowError,
        match=r"of 2024-06-02 closes on 2024-06-16, but the data end on 2024-06-15.* up to 2024-06-01,",
    ):
        require_closed(CHURN, instant("2024-06-02"), until)


@pytest.mark.parametrize("days", [0, -5, 36_501])
def test_active_days_have_to_be_some(days: int) -> None:
    """Otherwise nobody would be asked about."""
    with pytest.raises(ConfigError, match=rf"\[churn\] active_days is {days}; it has to be from 1 to 36500"):
        ChurnSettings(active_days=days)


def test_a_horizon_has_to_be_some_time() -> None:
    """The label window refuses to hold nothing."""
    with pytest.raises(ConfigError, match="horizon_days from 1"):
        ChurnSettings(horizon_days=0)


@pytest.mark.parametrize(
    ("lead", "counted"), [(0, "14 days."), (7, "14 days, counted from 7 days after the cutoff.")]
)
def test_the_definition_in_words(lead: int, counted: str) -> None:
    """One sentence for a manager."""
    settings = ChurnSettings(active_days=30, horizon_days=14, lead_days=lead)
    start = "A customer with an order in the last 30 days counts as lost when no order follows within "
    assert settings.in_words == start + counted
