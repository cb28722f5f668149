"""Churn by contract: nothing that is not known yet decides who is asked about, what they are worth, or what is learned."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from hypothesis import example, given
from hypothesis import strategies as st

from retain.labels import LABELS, ChurnSettings
from retain.scoring.contract_value import learn_tenure
from retain.scoring.value import ValueSettings, expected_value
from retain.timeline import DAY, instant

if TYPE_CHECKING:
    from collections.abc import Callable

    from retain.events.store import EventStore

    Build = Callable[..., EventStore]
    Row = dict[str, object]

CUTOFF = instant("2024-03-31")
CHURN = ChurnSettings("contract", horizon_days=20, lead_days=5)
CONTRACT = LABELS.get("contract")
WHO = ("a", "b", "c", "d")

near = st.one_of(
    st.integers(-400, 60).map(lambda days: CUTOFF + days * DAY),
    st.sampled_from([CUTOFF - 1, CUTOFF, CUTOFF + 1, CHURN.window.end(CUTOFF)]),
)


@st.composite
def contracts(draw: st.DrawFn) -> Row:
    """One contract, which may end before it is recorded, at the cutoff or long after."""
    start = draw(near)
    return {
        "customer_id": draw(st.sampled_from(WHO)),
        "started_at": start,
        "ended_at": draw(st.one_of(st.none(), st.integers(0, 300).map(lambda days: start + days * DAY))),
        "monthly_price": draw(st.one_of(st.none(), st.integers(1, 9_000))),
        "recorded_at": draw(st.one_of(st.none(), near)),
    }


tables = st.lists(contracts(), min_size=1, max_size=14)


def made(build: Build, rows: list[Row]) -> EventStore:
    """A store of these contracts and an old one, with the same customers and columns always."""
    old: Row = {
        **dict.fromkeys(("ended_at", "monthly_price", "recorded_at")),
        "customer_id": "d",
        "started_at": CUTOFF - 900 * DAY,
    }
    return build([], customers=WHO, others={"contracts": [*rows, old]})


def as_known(rows: list[Row], cutoff: int) -> list[Row]:
    """What the table held at that instant, by a source that writes nothing before it is true."""

    def known(one: Row) -> bool:
        moments = (one["started_at"], one["recorded_at"])
        return all(not isinstance(moment, int) or moment < cutoff for moment in moments)

    return [
        {**one, "ended_at": end if isinstance(end := one["ended_at"], int) and end < cutoff else None}
        for one in rows
        if known(one)
    ]


@given(rows=tables)
@example(
    rows=[
        {
            **dict.fromkeys(("monthly_price", "recorded_at")),
            "customer_id": "a",
            "started_at": CUTOFF - DAY,
            "ended_at": CUTOFF,
        }
    ]
)
def test_what_is_not_known_yet_decides_nothing(orders_store: Build, rows: list[Row]) -> None:
    """Ends ahead, contracts ahead and those recorded later, taken away, leave all as it was, to the bit."""
    whole, then = made(orders_store, rows), made(orders_store, as_known(rows, CUTOFF))
    assert CONTRACT.eligible(whole, CUTOFF, CHURN).tolist() == CONTRACT.eligible(then, CUTOFF, CHURN).tolist()
    assert CONTRACT.last_seen(whole, CUTOFF).tolist() == CONTRACT.last_seen(then, CUTOFF).tolist()
    learned = learn_tenure(whole, CUTOFF)
    assert learned == learn_tenure(then, CUTOFF)
    everybody = np.arange(len(WHO))
    worth = [
        expected_value(store, CUTOFF, everybody, ValueSettings(), CHURN, learned) for store in (whole, then)
    ]
    assert worth[0].tobytes() == worth[1].tobytes()


@given(rows=tables, later=st.integers(0, 40))
def test_outcomes_are_what_was_known_by_then(orders_store: Build, rows: list[Row], later: int) -> None:
    """Taken away what became known afterwards, the same customers have churned."""
    by = CHURN.window.end(CUTOFF) + later * DAY
    whole, then = made(orders_store, rows), made(orders_store, as_known(rows, by))
    lost = [CONTRACT.churned(store, CUTOFF, CHURN, by).tolist() for store in (whole, then)]
    assert lost[0] == lost[1]


@given(rows=tables)
def test_whoever_is_asked_about_was_one_until_now(orders_store: Build, rows: list[Row]) -> None:
    """Eligible and last seen at the cutoff are the same; the others were last seen before, or never."""
    store = made(orders_store, rows)
    seen = CONTRACT.last_seen(store, CUTOFF)
    assert (CONTRACT.eligible(store, CUTOFF, CHURN) == (seen == CUTOFF)).all()
    assert (seen <= CUTOFF).all()


@given(rows=tables)
def test_an_end_that_is_put_off_loses_nobody(orders_store: Build, rows: list[Row]) -> None:
    """Without any end nobody is lost of those who were asked about."""
    store = made(orders_store, [{**row, "ended_at": None} for row in rows])
    asked = CONTRACT.eligible(store, CUTOFF, CHURN)
    assert not (asked & CONTRACT.churned(store, CUTOFF, CHURN, CHURN.window.end(CUTOFF))).any()
