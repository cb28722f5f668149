"""The tickets and ticket_events tables: complaints about orders, and those that only bad mood explains."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from retain.examples.shop import columns, phrases, world
from retain.examples.shop.people import stream

if TYPE_CHECKING:
    from retain.examples.shop.life import Life
    from retain.examples.shop.orders import Orders
    from retain.examples.shop.people import People
    from retain.examples.shop.world import Flags, Ints

DEADLINE_HOURS = 120.0
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


def complain(people: People, life: Life, orders: Orders, seed: int, block: int) -> Tickets:
    """Tickets of one block of customers, with their histories."""
    rng = stream(seed, block, 3)
    bought = life.purchases
    which = np.flatnonzero(bought.ticket)
    late, faulty, failed = bought.late[which], bought.faulty[which], bought.payment_failed[which]
    day = bought.day[which]
    noticed = np.maximum(bought.promised_days[which] + 1, bought.delivered_days[which] - 1)
    opened_day = day + np.where(late, noticed, np.where(failed, 0, bought.delivered_days[which]))
    soonest = columns.after(orders.ordered_at[which], 0.4 + 1.5 * rng.random(len(which)))
    opened = np.maximum(columns.at(opened_day, 8 + 11 * rng.random(len(which))), soonest)
    resolved = columns.at(day + bought.resolved_days[which], 9 + 9 * rng.random(len(which)))
    other = rng.choice(len(phrases.TOPICS), len(which))
    topic = np.select(
        [late, faulty, failed],
        [
            np.full(len(which), phrases.TOPICS.index("delivery")),
            np.where(rng.random(len(which)) < 0.6, phrases.TOPICS.index("quality"), phrases.TOPICS.index("returns")),
            np.full(len(which), phrases.TOPICS.index("payment")),
        ],
        other,
    )

    moody, mood_day = _out_of_bad_mood(people, life, rng)
    k = len(moody)
    mood_opened = columns.at(mood_day, 8 + 11 * rng.random(k))
    mood_slow, mood_reopened = rng.random(k) < 0.3, rng.random(k) < 0.2
    wait = 24 * (0.5 + 2.5 * rng.random(k)) + 24 * (5 + 6 * rng.random(k)) * mood_slow + 120 * mood_reopened

    customer = np.concatenate([bought.customer[which], moody])
    opened = np.concatenate([opened, mood_opened])
    resolved = np.concatenate([resolved, columns.after(mood_opened, wait)])
    slow = np.concatenate([bought.slow[which], mood_slow])
    reopened = np.concatenate([bought.reopened[which], mood_reopened])
    topic = np.concatenate([topic, rng.choice(len(phrases.TOPICS), k, p=[0.1, 0.3, 0.1, 0.2, 0.1, 0.05, 0.15])])
    about_order = np.arange(len(customer)) < len(which)

    n = len(customer)
    row = np.argsort(opened, kind="stable")
    number = np.empty(n, dtype=np.int64)
    number[row] = np.arange(n)
    ids = columns.joined(
        columns.serial("T", people.first + customer, 7), columns.serial("", number, 6)
    )
    now = columns.day_at(opened)
    bitter = life.satisfaction[now, customer] < -0.7
    leaving = (rng.random(n) < 0.35) & (bitter | ~life.interested[now, customer])
    polarity = np.where(rng.random(n) < 0.85, phrases.NEGATIVE, phrases.NEUTRAL)
    words = phrases.compose(rng, people.language[customer], polarity, topic, leaving, asks=True)
    priority = np.clip(1 + slow * (rng.random(n) < 0.3) + (rng.random(n) < 0.15) - (rng.random(n) < 0.25), 0, 2)
    answer_hours = np.where(slow, 16.0, 2.0) * np.exp(rng.normal(0, 0.8, n))
    half = (resolved - opened) / 3.6e9 / 4
    first_response = columns.after(opened, np.minimum(answer_hours, half))
    closed = columns.after(resolved, np.full(n, 72.0))
    recorded = columns.after(opened, np.where(rng.random(n) < 0.04, 8 + 30 * rng.random(n), 0.02 * rng.random(n)))
    table = columns.sheet(
        {
            "ticket_id": ids,
            "customer_id": columns.customer_ids(people, customer),
            "opened_at": columns.times(opened),
            "first_response_at": columns.times(first_response),
            "resolved_at": columns.times(resolved),
            "closed_at": columns.times(closed),
            "channel": columns.chosen(CHANNELS, rng.choice(3, n, p=[0.5, 0.2, 0.3])),
            "category": columns.chosen(phrases.TOPICS, topic),
            "priority": columns.chosen(PRIORITIES, priority),
            "text": columns.texts(words),
            "recorded_at": columns.times(recorded),
        },
        opened,
        customer,
        recorded=recorded,
    )
    kept = np.maximum(opened, recorded) < world.END
    agent = rng.integers(1, AGENTS + 1, n)
    # A ticket that was opened again was first resolved five days before it was in the end.
    first_end = np.where(reopened, columns.after(resolved, np.full(n, -120.0)), resolved)
    steps = [
        (np.flatnonzero(kept), opened, 0),
        (np.flatnonzero(kept), columns.after(opened, np.minimum(answer_hours, half) * 0.7), 1),
        (np.flatnonzero(kept & slow), columns.after(opened, np.full(n, DEADLINE_HOURS)), 2),
        (np.flatnonzero(kept & reopened), first_end, 3),
        (np.flatnonzero(kept & reopened), columns.after(first_end, 12 + 48 * rng.random(n)), 4),
        (np.flatnonzero(kept), resolved, 3),
        (np.flatnonzero(kept), closed, 5),
    ]
    ticket = np.concatenate([rows for rows, _, _ in steps])
    happened = np.concatenate([moments[rows] for rows, moments, _ in steps])
    state = np.concatenate([np.full(len(rows), code) for rows, _, code in steps])
    events = columns.sheet(
        {
            "ticket_id": ids.take(pa.array(ticket)),
            "happened_at": columns.times(happened),
            "customer_id": columns.customer_ids(people, customer[ticket]),
            "state": columns.chosen(STATES, state),
            "priority": columns.chosen(
                PRIORITIES, np.where(state == 2, 2, priority[ticket]), (state == 0) | (state == 2)
            ),
            "assigned_to": columns.chosen(
                [f"A{one:02d}" for one in range(AGENTS + 1)], agent[ticket], state == 1
            ),
            "reopened": columns.flags(state == 4),
            "breached_sla": columns.flags(state == 2),
        },
        happened,
        ticket,
    )
    del about_order
    return Tickets(table, events, customer, resolved, slow | reopened)


def _out_of_bad_mood(people: People, life: Life, rng: np.random.Generator) -> tuple[Ints, Ints]:
    """Who opened a ticket on which day without an order to blame; these move satisfaction no further."""
    days = np.arange(3, world.DAYS, 7)
    feeling = life.satisfaction[days]
    hazard = 0.0030 * np.exp(-0.9 * feeling) * np.where(life.interested[days], 1.0, 0.6)
    happens = (rng.random(hazard.shape) < hazard) & (people.joined_day < days[:, None])
    week, who = np.nonzero(happens)
    return who, days[week]
