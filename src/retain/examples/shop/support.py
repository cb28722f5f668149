"""The tickets and ticket_events tables: complaints about orders, and those that only bad mood explains."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from retain.examples.shop import columns, phrases, world
from retain.examples.shop.people import stream
from retain.timeline import HOUR

if TYPE_CHECKING:
    from retain.examples.shop.life import Life
    from retain.examples.shop.orders import Orders
    from retain.examples.shop.people import People
    from retain.examples.shop.world import Flags, Floats, Ints

DEADLINE_HOURS = 120.0
AGAIN_HOURS = 120.0
"""From the first resolution of a ticket that is opened again to the second; agrees with life.py."""
BITTER = -0.7
"""Satisfaction below which customers say that they will go."""
AGENTS = 24
PRIORITIES = ("low", "normal", "high")
CHANNELS = ("e-mail", "phone", "web")
STATES = ("open", "assigned", "escalated", "resolved", "reopened", "closed")


@dataclass(frozen=True)
class Tickets:
    """Both tables, and what surveys need to know of the tickets.

    Attributes:
        table: tickets.
        events: ticket_events.
        customer: of each ticket.
        resolved_at: of each ticket.
        bad: missed its deadline or was opened again.
    """

    table: pa.Table
    events: pa.Table
    customer: Ints
    resolved_at: Ints
    bad: Flags


@dataclass(frozen=True)
class _Cases:
    """Tickets before they are written down; one value each."""

    customer: Ints
    opened: Ints
    resolved: Ints
    slow: Flags
    reopened: Flags
    topic: Ints


def complain(people: People, life: Life, orders: Orders, seed: int, block: int) -> Tickets:
    """Tickets of one block of customers, with their histories."""
    rng = stream(seed, block, 3)
    kinds = (_about_orders(life, orders, rng), _out_of_bad_mood(people, life, rng))
    case = _Cases(
        **{one.name: np.concatenate([getattr(kind, one.name) for kind in kinds]) for one in fields(_Cases)}
    )
    n = len(case.customer)
    number = np.empty(n, dtype=np.int64)
    number[np.argsort(case.opened, kind="stable")] = np.arange(n)
    ids = columns.joined(columns.serial("T", people.first + case.customer, 7), columns.serial("", number, 6))
    now = columns.day_at(case.opened)
    upset = (life.satisfaction[now, case.customer] < BITTER) | ~life.interested[now, case.customer]
    leaving = (rng.random(n) < 0.35) & upset
    polarity = np.where(rng.random(n) < 0.85, phrases.NEGATIVE, phrases.NEUTRAL)
    words = phrases.compose(rng, people.language[case.customer], polarity, case.topic, leaving, asks=True)
    raised = case.slow * (rng.random(n) < 0.3) + (rng.random(n) < 0.15)
    priority = np.clip(1 + raised - (rng.random(n) < 0.25), 0, 2)
    answer_hours = np.where(case.slow, 16.0, 2.0) * np.exp(rng.normal(0, 0.8, n))
    answer_hours = np.minimum(answer_hours, (case.resolved - case.opened) / HOUR / 4)
    recorded = columns.after(case.opened, 0.02 * rng.random(n))
    table = columns.sheet(
        {
            "ticket_id": ids,
            "customer_id": columns.customer_ids(people, case.customer),
            "opened_at": columns.times(case.opened),
            "first_response_at": columns.times(columns.after(case.opened, answer_hours)),
            "resolved_at": columns.times(case.resolved),
            "closed_at": columns.times(_closed(case)),
            "channel": columns.chosen(CHANNELS, rng.choice(3, n, p=[0.5, 0.2, 0.3])),
            "category": columns.chosen(phrases.TOPICS, case.topic),
            "priority": columns.chosen(PRIORITIES, priority),
            "text": columns.texts(words),
            "recorded_at": columns.times(recorded),
        },
        case.opened,
        case.customer,
        recorded=recorded,
    )
    kept = np.maximum(case.opened, recorded) < world.END
    events = _history(people, case, ids, priority, 0.7 * answer_hours, kept, rng)
    return Tickets(table, events, case.customer, case.resolved, case.slow | case.reopened)


def _about_orders(life: Life, orders: Orders, rng: np.random.Generator) -> _Cases:
    """Tickets that an order gave rise to, and whose end moves satisfaction."""
    bought = life.purchases
    which = np.flatnonzero(bought.ticket)
    n = len(which)
    late, faulty, failed = bought.late[which], bought.faulty[which], bought.payment_failed[which]
    day = bought.day[which]
    noticed = np.maximum(bought.promised_days[which] + 1, bought.delivered_days[which] - 1)
    opened_day = day + np.where(late, noticed, np.where(failed, 0, bought.delivered_days[which]))
    soonest = columns.after(orders.ordered_at[which], 0.4 + 1.5 * rng.random(n))
    number = {name: np.full(n, code) for code, name in enumerate(phrases.TOPICS)}
    goods = np.where(rng.random(n) < 0.6, number["quality"], number["returns"])
    return _Cases(
        customer=bought.customer[which],
        opened=np.maximum(columns.at(opened_day, 8 + 11 * rng.random(n)), soonest),
        resolved=columns.at(day + bought.resolved_days[which], 9 + 9 * rng.random(n)),
        slow=bought.slow[which],
        reopened=bought.reopened[which],
        topic=np.select(
            [late, faulty, failed],
            [number["delivery"], goods, number["payment"]],
            rng.choice(len(phrases.TOPICS), n),
        ),
    )


def _out_of_bad_mood(people: People, life: Life, rng: np.random.Generator) -> _Cases:
    """Tickets without an order to blame; how they end moves satisfaction no further."""
    days = np.arange(3, world.DAYS, 7)
    hazard = 0.0030 * np.exp(-0.9 * life.satisfaction[days]) * np.where(life.interested[days], 1.0, 0.6)
    happens = (rng.random(hazard.shape) < hazard) & (people.joined_day < days[:, None])
    week, customer = np.nonzero(happens)
    n = len(customer)
    opened = columns.at(days[week], 8 + 11 * rng.random(n))
    slow, reopened = rng.random(n) < 0.3, rng.random(n) < 0.2
    wait = 12 + 60 * rng.random(n) + slow * (DEADLINE_HOURS + 144 * rng.random(n)) + reopened * AGAIN_HOURS
    return _Cases(
        customer=customer,
        opened=opened,
        resolved=columns.after(opened, wait),
        slow=slow,
        reopened=reopened,
        topic=rng.choice(len(phrases.TOPICS), n, p=[0.1, 0.3, 0.1, 0.2, 0.1, 0.05, 0.15]),
    )


def _closed(case: _Cases) -> Ints:
    return columns.after(case.resolved, np.full(len(case.resolved), 72.0))


def _history(
    people: People,
    case: _Cases,
    ids: pa.Array,
    priority: Ints,
    assigned_hours: Floats,
    kept: Flags,
    rng: np.random.Generator,
) -> pa.Table:
    """The steps of every ticket that the tickets table holds."""
    n = len(case.customer)
    agent = rng.integers(1, AGENTS + 1, n)
    first_end = columns.after(case.resolved, np.where(case.reopened, -AGAIN_HOURS, 0.0))
    steps = [
        ("open", kept, case.opened),
        ("assigned", kept, columns.after(case.opened, assigned_hours)),
        ("escalated", kept & case.slow, columns.after(case.opened, np.full(n, DEADLINE_HOURS))),
        ("resolved", kept & case.reopened, first_end),
        ("reopened", kept & case.reopened, columns.after(first_end, 12 + 48 * rng.random(n))),
        ("resolved", kept, case.resolved),
        ("closed", kept, _closed(case)),
    ]
    ticket = np.concatenate([np.flatnonzero(takes) for _, takes, _ in steps])
    happened = np.concatenate([moments[takes] for _, takes, moments in steps])
    state = np.concatenate([np.full(takes.sum(), STATES.index(name)) for name, takes, _ in steps])
    is_state = {name: state == code for code, name in enumerate(STATES)}
    urgent = np.where(is_state["escalated"], PRIORITIES.index("high"), priority[ticket])
    return columns.sheet(
        {
            "ticket_id": ids.take(pa.array(ticket)),
            "happened_at": columns.times(happened),
            "customer_id": columns.customer_ids(people, case.customer[ticket]),
            "state": columns.chosen(STATES, state),
            "priority": columns.chosen(PRIORITIES, urgent, is_state["open"] | is_state["escalated"]),
            "assigned_to": columns.chosen(
                [f"A{one:02d}" for one in range(AGENTS + 1)], agent[ticket], is_state["assigned"]
            ),
            "reopened": columns.flags(is_state["reopened"]),
            "breached_sla": columns.flags(is_state["escalated"]),
        },
        happened,
        ticket,
    )
