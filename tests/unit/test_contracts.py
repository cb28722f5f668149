"""Which contracts ran when, as far as was known."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from retain.contracts import contracts_of, first_end, last_day, reach, running
from retain.errors import ContractError
from retain.labels import LABELS, ChurnSettings, observed, require_cutoff
from retain.timeline import NEVER, instant, instant_text

if TYPE_CHECKING:
    from collections.abc import Callable

    from retain.events.store import EventStore

    Contracts = Callable[..., EventStore]

CUTOFF, LATER = instant("2024-06-01"), instant("2024-12-31")
CHURN = ChurnSettings("contract", horizon_days=30, lead_days=10)
CONTRACT = LABELS.get("contract")
DATA = """
    customer_id  started_at           ended_at             recorded_at
    a            2024-01-01           -                    -
    b            2024-01-01           2024-06-01           -
    c            2024-01-01           2024-05-31T23:59:59  -
    d            2024-06-01           -                    -
    e            2024-05-31T23:59:59  -                    -
    f            2024-05-01           -                    2024-06-01
    g            2023-01-01           2023-02-01           -
    g            2023-03-01           2024-07-10           -
    h            2024-01-01           2024-07-11           -
    i            2024-01-01           2024-06-05           -
    i            2024-07-01           -                    -
    j            2024-01-01           2024-06-20           -
    j            2024-02-01           -                    -
    k            2024-01-01           2024-06-05           -
"""


def words(store: EventStore, which: np.ndarray) -> str:
    """The customers of whom that is true, as one word."""
    return "".join(store.customer_ids[which])


def test_a_contract_runs_from_its_start_to_its_end(contracts: Contracts) -> None:
    """Half-open: what starts exactly at the instant has not, what ends then still runs, and what is not recorded is not there."""
    store = contracts(DATA)
    table = contracts_of(store)
    who = np.unique(table.customer[running(table, CUTOFF, CUTOFF)])
    assert words(store, who) == "abeghijk"
    assert words(store, CONTRACT.eligible(store, CUTOFF, CHURN)) == "abeghijk"


def test_churn_is_that_no_contract_runs_when_the_label_window_closes(contracts: Contracts) -> None:
    """On 2024-07-11: one of two that ended, or one replaced, loses nobody; an end in the lead time loses, one at the very end does not."""
    store = contracts(DATA)
    eligible = CONTRACT.eligible(store, CUTOFF, CHURN)
    churned = CONTRACT.churned(store, CUTOFF, CHURN, LATER)
    assert words(store, eligible & churned) == "bgk"


def test_an_end_is_known_once_it_has_come(contracts: Contracts) -> None:
    """At the cutoff and at any time before the end, the contract runs on; so does one whose start was recorded by then only."""
    store = contracts("customer_id started_at ended_at\na 2024-01-01 2024-06-20\nb 2024-01-01 2024-05-20")
    for known_by, lost in (("2024-06-20", "b"), ("2024-06-20T00:00:01", "ab"), ("2024-05-20", "")):
        assert words(store, CONTRACT.churned(store, CUTOFF, CHURN, instant(known_by))) == lost


def test_last_day_is_the_cutoff_or_the_last_known_end(contracts: Contracts) -> None:
    """Never for those who had none yet, or none that was recorded."""
    store = contracts(DATA, customers=["z"])
    found = last_day(store, CUTOFF)
    told = {
        name: None if one == NEVER else instant_text(one)
        for name, one in zip(store.customer_ids, found.tolist(), strict=True)
    }
    assert told["a"] == told["g"] == "2024-06-01"
    assert told["c"] == "2024-05-31T23:59:59Z"
    assert [name for name, one in told.items() if one is None] == ["d", "f", "z"]
    assert CONTRACT.why_not_asked(None, CHURN) == "no contract known before this date"
    assert CONTRACT.why_not_asked(3, CHURN) == "last contract ended 3 days ago"


def test_the_data_reach_from_the_first_end_to_the_last_thing_that_happened(contracts: Contracts) -> None:
    """A planned end in years reaches nowhere, nor does a planned campaign; a message does."""
    rows = "customer_id started_at ended_at\na 2020-01-01 2030-01-01\nb 2021-01-01 2022-02-02\nb 2023-01-01 -"
    assert [instant_text(one) for one in reach(contracts(rows))] == ["2022-02-02", "2023-01-01"]
    others = {
        "messages": [{"customer_id": "a", "sent_at": "2024-03-03"}],
        "treatments": [{"customer_id": "a", "action_id": "x", "assigned_at": "2029-01-01", "arm": "treated"}],
    }
    store = contracts(rows, others=others)
    assert [instant_text(one) for one in observed(store, CHURN)] == ["2022-02-02", "2024-03-03"]
    require_cutoff(store, instant("2024-03-04"), CHURN)


def test_without_an_end_the_data_begin_with_the_first_contract(contracts: Contracts) -> None:
    """Also in a table that has no column of ends, in which nobody is ever lost."""
    store = contracts("customer_id started_at\na 2024-01-01\nb 2024-02-01")
    assert instant_text(first_end(contracts_of(store), LATER)) == "2024-01-01"
    assert not CONTRACT.churned(store, CUTOFF, CHURN, LATER).any()
    ahead = contracts("customer_id started_at ended_at\na 2024-01-01 2024-06-20")
    assert instant_text(first_end(contracts_of(ahead), CUTOFF)) == "2024-01-01"


def test_churn_by_contract_needs_contracts(orders: Contracts) -> None:
    """The message says which table."""
    store = orders("customer_id ordered_at\na 2024-05-20")
    with pytest.raises(ContractError, match=r"needs a table \[source\.tables\.contracts\]"):
        CONTRACT.eligible(store, CUTOFF, CHURN)


def test_the_definition_in_words() -> None:
    """With the lead time in it."""
    assert CHURN.in_words == (
        "A customer with a running contract counts as lost when none runs any more 40 days after the cutoff."
    )
