"""The customers and contracts tables."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from retain.examples.shop import columns, world
from retain.examples.shop.people import stream

if TYPE_CHECKING:
    from retain.examples.shop.life import Life
    from retain.examples.shop.people import People
    from retain.examples.shop.world import Ints

CHANNELS = ("e-mail", "SMS", "phone", "post")
CONSENTS = ("email", "sms", "phone", "post")
PLANS = ("basic", "plus", "premium")
MONTHLY_CENTS = (799, 1499, 2499)


def register(people: People, points: Ints, seed: int, block: int) -> pa.Table:
    """One row a customer of the block, as the shop knows them on the last day.

    Args:
        people: the customers.
        points: their balance; it is the last day's, so a feature made of it would leak.
        seed: of the shop.
        block: its number.
    """
    rng = stream(seed, block, 7)
    n = len(people)
    everybody = np.arange(n)
    liking = rng.random((4, n)) * np.array([1.4, 1.0, 0.9, 0.5])[:, None]
    liking *= np.stack([people.consent[name] for name in CONSENTS]) + 0.01
    return pa.table(
        {
            "customer_id": columns.customer_ids(people, everybody),
            "joined_at": columns.times(people.joined_at),
            "birth_date": pa.array(people.birth_day.astype(np.int32), mask=rng.random(n) < 0.07).cast(
                pa.date32()
            ),
            "country": columns.chosen([one.code for one in world.COUNTRIES], people.country),
            "language": columns.chosen(world.LANGUAGES, people.language),
            "preferred_channel": columns.chosen(CHANNELS, liking.argmax(axis=0), rng.random(n) < 0.80),
            **{f"consent_{name}": columns.flags(people.consent[name]) for name in CONSENTS},
            "do_not_contact": columns.flags(people.do_not_contact),
            "loyalty_tier": columns.chosen(world.TIERS, people.tier),
            "points_balance": columns.numbers(points),
        }
    )


def subscribe(people: People, life: Life, seed: int, block: int) -> pa.Table:
    """Subscriptions of one block of customers; the unhappy and the uninterested end theirs sooner."""
    rng = stream(seed, block, 8)
    who = np.flatnonzero(people.subscriber)
    n = len(who)
    started_day = people.joined_day[who] + 3 + rng.integers(0, 240, n)
    plan = np.clip(people.tier[who] - 1 + (rng.random(n) < 0.4), 0, 2)
    weeks = np.arange(6, world.DAYS, 7)
    hazard = 0.006 * np.exp(-0.9 * life.satisfaction[weeks][:, who])
    hazard *= np.where(life.interested[weeks][:, who], 1.0, 2.5)
    ends = (rng.random(hazard.shape) < hazard) & (weeks[:, None] > started_day + 28)
    ended_day = weeks[ends.argmax(axis=0)]
    started = columns.at(started_day, 7 + 12 * rng.random(n))
    return columns.sheet(
        {
            "customer_id": columns.customer_ids(people, who),
            "started_at": columns.times(started),
            "ended_at": columns.times(columns.at(ended_day, 7 + 12 * rng.random(n)), ends.any(axis=0)),
            "plan": columns.chosen(PLANS, plan),
            "monthly_price": columns.money(np.array(MONTHLY_CENTS)[plan]),
            "recorded_at": columns.times(columns.after(started, 0.05 * rng.random(n))),
        },
        started,
        who,
        recorded=columns.after(started, np.full(n, 0.05)),
    )
