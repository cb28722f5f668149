"""What scoring knows about reaching customers: consent, wishes and open complaints, as of the cutoff."""

from __future__ import annotations

from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from retain.decisions.playbook import load_playbook
from retain.events.store import MISSING, Column, EventStore, EventTable
from retain.pipeline.score import contact_rules
from retain.scoring.scorecard import Scored
from retain.timeline import instant

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

AS_OF = instant("2024-06-01")
PLAYBOOK = load_playbook()
NOBODY = float("inf")
"""A value that nobody is above."""


def flags(*values: int) -> Column:
    """A column of yes (1), no (0) and not known (-1)."""
    return Column(np.array(values, dtype=np.int8))


def times(*days: str | None) -> Column:
    """A column of instants."""
    return Column(np.array([MISSING if one is None else instant(one) for one in days], dtype=np.int64))


def rows_of(customers: Sequence[int], opened: Sequence[str], **columns: Column) -> EventTable:
    """A table with one row for each of these customers."""
    when = np.array([instant(one) for one in opened], dtype=np.int64)
    return EventTable(np.array(customers, dtype=np.int64), when, when, MappingProxyType(columns))


def scored(customers: int, worth: Sequence[float] = ()) -> Scored:
    """So many scored customers, all of them in the store."""
    nothing = np.zeros(customers)
    return Scored(
        customers=np.arange(customers),
        values=np.zeros((customers, 0)),
        probability=nothing,
        tier=np.full(customers, "high", dtype=object),
        expected_value=np.array(worth) if len(worth) else np.full(customers, np.nan),
        value_at_risk=nothing,
        priority=nothing,
        reasons=[()] * customers,
        feature_effects=(),
    )


@pytest.fixture
def store(orders_store: Callable[..., EventStore]) -> Callable[..., EventStore]:
    """A function from more tables to a store of the customers a, b and c."""
    base = orders_store([{"customer_id": one, "ordered_at": "2024-01-01"} for one in "abc"])

    def with_tables(**tables: EventTable) -> EventStore:
        together: Mapping[str, Any] = {**base.tables, **tables}
        return replace(base, tables=together)

    return with_tables


def test_consent_is_taken_for_each_channel_of_the_playbook(store: Callable[..., EventStore]) -> None:
    """Yes, no and not known arrive as they are; a customer whom the table lacks is not known, never yes."""
    customers = rows_of([0, 1], ["2020-01-01"] * 2, consent_email=flags(1, 0), consent_phone=flags(-1, 1))
    found = contact_rules(store(customers=customers), scored(3), PLAYBOOK, AS_OF, NOBODY)
    assert {channel: given.tolist() for channel, given in found.consent.items()} == {
        "email": [1, 0, -1],
        "phone": [-1, 1, -1],
    }


def test_playbook_may_spell_the_channel_its_own_way(store: Callable[..., EventStore]) -> None:
    """A playbook that writes E-Mail is bound by the same consent."""
    own = replace(PLAYBOOK, channels={"E-Mail": "consent", "app": "absent"})
    customers = rows_of([1], ["2020-01-01"], consent_email=flags(0))
    found = contact_rules(store(customers=customers), scored(2), own, AS_OF, NOBODY)
    assert {channel: given.tolist() for channel, given in found.consent.items()} == {"E-Mail": [-1, 0]}


def test_table_without_a_row_permits_nothing(store: Callable[..., EventStore]) -> None:
    """A consent column without any answer means that nobody's consent is known."""
    none = rows_of([], [], consent_email=flags(), preferred_channel=Column(np.empty(0, dtype=np.int32)))
    found = contact_rules(store(customers=none), scored(2), PLAYBOOK, AS_OF, NOBODY)
    assert found.consent["email"].tolist() == [-1, -1]
    assert found.preferred_channel == [None, None]


def test_what_nobody_recorded_is_left_out(store: Callable[..., EventStore]) -> None:
    """Without a customers table there is no consent, no wish and no complaint to heed."""
    found = contact_rules(store(), scored(3), PLAYBOOK, AS_OF, NOBODY)
    assert (found.consent, found.do_not_contact, found.open_complaint, found.preferred_channel) == (
        {},
        None,
        None,
        None,
    )


def test_wishes_are_those_of_each_customer(store: Callable[..., EventStore]) -> None:
    """Do-not-contact and the preferred channel go to whom they belong."""
    preferred = Column(np.array([1, -1], dtype=np.int32), np.array(["phone", "post"], dtype=object))
    customers = rows_of([0, 2], ["2020-01-01"] * 2, do_not_contact=flags(0, 1), preferred_channel=preferred)
    found = contact_rules(store(customers=customers), scored(3), PLAYBOOK, AS_OF, NOBODY)
    assert found.do_not_contact is not None
    assert found.do_not_contact.tolist() == [0, -1, 1]
    assert found.preferred_channel == ["post", None, None]


@pytest.mark.parametrize(
    ("opened", "resolved", "closed", "is_open"),
    [
        ("2024-05-01", None, None, 1),
        ("2024-05-01", "2024-05-20", None, 0),
        ("2024-05-01", None, "2024-05-20", 0),
        ("2024-05-01", "2024-06-01", None, 1),
        ("2024-05-01", "2024-07-01", "2024-07-02", 1),
        ("2024-06-01", None, None, 0),
    ],
)
def test_complaint_is_open_as_far_as_was_known(
    store: Callable[..., EventStore], opened: str, resolved: str | None, closed: str | None, is_open: int
) -> None:
    """Opened before the cutoff and not ended before it is open; what happened from the cutoff on is not known."""
    tickets = rows_of([1], [opened], resolved_at=times(resolved), closed_at=times(closed))
    found = contact_rules(store(tickets=tickets), scored(3), PLAYBOOK, AS_OF, NOBODY)
    assert found.open_complaint is not None
    assert found.open_complaint.tolist() == [0, is_open, 0]


def test_tickets_that_never_end_in_the_source_say_nothing(store: Callable[..., EventStore]) -> None:
    """Where neither an end nor a history is recorded, nobody knows what is open."""
    found = contact_rules(store(tickets=rows_of([2], ["2024-01-01"])), scored(3), PLAYBOOK, AS_OF, NOBODY)
    assert found.open_complaint is None


@pytest.mark.parametrize(
    ("history", "is_open"),
    [
        ((("2024-01-02", "resolved"),), 0),
        ((("2024-01-02", "resolved"), ("2024-01-09", "closed")), 0),
        ((("2024-01-02", "resolved"), ("2024-01-09", "reopened")), 1),
        ((("2024-01-02", "assigned"), ("2024-06-01", "resolved")), 1),
        ((("2024-01-02", "resolved"), ("2024-06-01", "reopened")), 0),
    ],
)
def test_the_history_of_states_decides_what_is_open(
    store: Callable[..., EventStore], history: tuple[tuple[str, str], ...], is_open: int
) -> None:
    """The last state before the cutoff counts, whatever a final column says."""

    def words(*values: str) -> Column:
        levels = np.array(sorted(set(values)), dtype=object)
        return Column(np.searchsorted(levels, np.array(values, dtype=object)).astype(np.int32), levels)

    tickets = rows_of(
        [1, 2], ["2024-01-01", "2024-01-01"], ticket_id=words("t1", "t2"), resolved_at=times(None, None)
    )
    days, states = zip(("2024-01-01", "open"), *history, strict=True)
    events = rows_of([1] * len(days), days, ticket_id=words(*["t1"] * len(days)), state=words(*states))
    found = contact_rules(store(tickets=tickets, ticket_events=events), scored(3), PLAYBOOK, AS_OF, NOBODY)
    assert found.open_complaint is not None
    assert found.open_complaint.tolist() == [0, is_open, 1]


def test_high_value_is_above_nine_in_ten(store: Callable[..., EventStore]) -> None:
    """The most valuable of ten is high in value; where no value is known nobody is."""
    valued = contact_rules(store(), scored(3, [1.0, 2.0, 100.0]), PLAYBOOK, AS_OF, 2.0)
    assert valued.signals["high_value"].tolist() == [0, 0, 1]
    unknown = contact_rules(store(), scored(3), PLAYBOOK, AS_OF, NOBODY)
    assert unknown.signals["high_value"].tolist() == [0, 0, 0]


def test_a_promoter_is_who_last_said_so(store: Callable[..., EventStore]) -> None:
    """The latest answer known before the cutoff decides; no answer is not known."""
    feedback = rows_of(
        [0, 0, 1, 1, 2],
        ["2024-01-01", "2024-05-01", "2024-01-01", "2024-06-01", "2024-01-01"],
        nps=Column(np.array([3.0, 9.0, 10.0, 0.0, np.nan])),
    )
    found = contact_rules(store(feedback=feedback), scored(3), PLAYBOOK, AS_OF, NOBODY)
    assert found.signals["promoter"].tolist() == [1, 1, -1]
    nobody = contact_rules(store(), scored(3), PLAYBOOK, AS_OF, NOBODY)
    assert nobody.signals["promoter"].tolist() == [-1, -1, -1]


def test_of_several_answers_at_one_instant_the_highest_counts(store: Callable[..., EventStore]) -> None:
    """In whatever order their rows are."""
    for answers in ([10.0, 2.0], [2.0, 10.0]):
        feedback = rows_of([0, 0], ["2024-01-01", "2024-01-01"], nps=Column(np.array(answers)))
        found = contact_rules(store(feedback=feedback), scored(1), PLAYBOOK, AS_OF, NOBODY)
        assert found.signals["promoter"].tolist() == [1]
