"""The feedback table: reviews of orders, answers to surveys, and what customers wrote in them."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

import numpy as np

from retain.examples.shop import columns, phrases, world
from retain.examples.shop.people import stream
from retain.examples.shop.support import BITTER

if TYPE_CHECKING:
    import pyarrow as pa

    from retain.examples.shop.life import Life
    from retain.examples.shop.orders import Orders
    from retain.examples.shop.people import People
    from retain.examples.shop.support import Tickets
    from retain.examples.shop.world import Flags, Floats, Ints

CHANNELS = ("web", "e-mail", "shop")
SURVEYS = tuple(world.day_of(f"{year}-{month:02d}-15") for year in (2023, 2024) for month in (2, 5, 8, 11))
_CODE = {name: number for number, name in enumerate(phrases.TOPICS)}


@dataclass(frozen=True)
class _Voices:
    """Feedback of one kind before it is put into words; one value each.

    Attributes:
        customer: who.
        given: when.
        mark: the happiness that the answer shows, in stars before rounding.
        topic: what it is about.
        channel: where.
        writes: adds a text.
        rating: stars; NaN for none.
        nps: 0 to 10; NaN for none.
        csat: 1 to 5; NaN for none.
    """

    customer: Ints
    given: Ints
    mark: Floats
    topic: Ints
    channel: Ints
    writes: Flags
    rating: Floats
    nps: Floats
    csat: Floats


def speak(people: People, life: Life, orders: Orders, tickets: Tickets, seed: int, block: int) -> pa.Table:
    """Feedback of one block of customers."""
    rng = stream(seed, block, 4)
    kinds = (
        _reviews(people, life, orders, rng),
        _recommendations(people, life, rng),
        _ratings_of_support(life, tickets, rng),
    )
    customer, given, mark, topic, channel, writes, rating, nps, csat = (
        np.concatenate([getattr(one, name) for one in kinds])
        for name in (one.name for one in fields(_Voices))
    )
    n = len(customer)
    now = columns.day_at(given)
    shown = mark + np.where(rng.random(n) < 0.08, rng.normal(0, 2, n), 0)
    polarity = np.digitize(shown, [2.6, 3.5])
    leaving = writes & (rng.random(n) < 0.30) & (polarity == phrases.NEGATIVE)
    leaving &= (life.satisfaction[now, customer] < BITTER) | ~life.interested[now, customer]
    words = phrases.compose(rng, people.language[customer], polarity, topic, leaving)
    late_entry = rng.random(n) < 0.15
    recorded = columns.after(given, np.where(late_entry, 24 * (1 + 5 * rng.random(n)), 0.2 * rng.random(n)))
    answers = rng.random(n) < np.array([0.60, 0.35, 0.22])[polarity]
    answered = columns.after(recorded, 18 * np.exp(rng.normal(0, 1, n)))
    return columns.sheet(
        {
            "customer_id": columns.customer_ids(people, customer),
            "given_at": columns.times(given),
            "text": columns.texts([one if says else None for one, says in zip(words, writes, strict=True)]),
            "language": columns.chosen(world.LANGUAGES, people.language[customer], writes),
            "rating": columns.numbers(rating, ~np.isnan(rating)),
            "rating_max": columns.numbers(np.full(n, 5.0), ~np.isnan(rating)),
            "nps": columns.numbers(nps, ~np.isnan(nps)),
            "csat": columns.numbers(csat, ~np.isnan(csat)),
            "channel": columns.chosen(CHANNELS, channel),
            "answered_at": columns.times(answered, answers),
            "recorded_at": columns.times(recorded),
        },
        given,
        customer,
        recorded=recorded,
    )


def _reviews(people: People, life: Life, orders: Orders, rng: np.random.Generator) -> _Voices:
    bought = life.purchases
    trouble = bought.late | bought.faulty | bought.payment_failed
    which = np.flatnonzero(rng.random(len(trouble)) < 0.20 + 0.16 * trouble)
    n = len(which)
    customer = bought.customer[which]
    given = columns.after(orders.delivered_at[which], 24 * (0.1 + 9 * rng.random(n)))
    late, faulty, failed = bought.late[which], bought.faulty[which], bought.payment_failed[which]
    feeling = life.satisfaction[columns.day_at(given), customer]
    mark = 3.9 + 0.8 * feeling - 0.9 * late - 1.2 * faulty - 0.4 * failed + rng.normal(0, 0.7, n)
    dearer = (people.price_care[customer] > 1.2) & (rng.random(n) < 0.35)
    topic = np.select(
        [late & (rng.random(n) < 0.8), faulty, failed & (rng.random(n) < 0.6), dearer],
        [
            np.full(n, _CODE["delivery"]),
            np.where(bought.returned[which] & (rng.random(n) < 0.4), _CODE["returns"], _CODE["quality"]),
            np.full(n, _CODE["payment"]),
            np.full(n, _CODE["price"]),
        ],
        rng.choice(len(phrases.TOPICS), n, p=[0.2, 0.15, 0.3, 0.15, 0.05, 0.05, 0.1]),
    )
    writes = rng.random(n) < 0.85
    stars = np.clip(np.rint(mark), 1, 5)
    nothing = np.full(n, np.nan)
    return _Voices(
        customer=customer,
        given=given,
        mark=mark,
        topic=topic,
        channel=np.where(bought.in_store[which], 2, 0),
        writes=writes,
        # Somebody who neither writes nor gives stars has given no feedback.
        rating=np.where(writes & (rng.random(n) < 0.06), np.nan, stars),
        nps=nothing,
        csat=nothing,
    )


def _recommendations(people: People, life: Life, rng: np.random.Generator) -> _Voices:
    day = np.array(SURVEYS)[:, None]
    feeling = life.satisfaction[SURVEYS, :]
    answers = 1 / (1 + np.exp(2.2 - 1.2 * life.interested[SURVEYS, :] - 0.3 * np.abs(feeling)))
    asked = people.contactable("email") & (people.joined_day < day - 14)
    survey, customer = np.nonzero((rng.random(feeling.shape) < answers) & asked)
    n = len(customer)
    feeling = feeling[survey, customer]
    nps = np.clip(np.rint(7.5 + 2.2 * feeling + rng.normal(0, 1.7, n)), 0, 10)
    given = columns.at(np.array(SURVEYS)[survey], 9 + 24 * 9 * rng.random(n) ** 2)
    return _Voices(
        customer=customer,
        given=given,
        mark=1 + nps * 0.4,
        topic=rng.choice(len(phrases.TOPICS), n),
        channel=np.full(n, 1),
        writes=rng.random(n) < 0.40,
        rating=np.full(n, np.nan),
        nps=nps,
        csat=np.full(n, np.nan),
    )


def _ratings_of_support(life: Life, tickets: Tickets, rng: np.random.Generator) -> _Voices:
    which = np.flatnonzero(rng.random(len(tickets.customer)) < 0.35)
    n = len(which)
    customer = tickets.customer[which]
    given = columns.after(tickets.resolved_at[which], 0.2 + 30 * rng.random(n))
    feeling = life.satisfaction[columns.day_at(given), customer]
    mark = 4.0 - 1.5 * tickets.bad[which] + 0.5 * feeling + rng.normal(0, 0.8, n)
    return _Voices(
        customer=customer,
        given=given,
        mark=mark,
        topic=np.full(n, _CODE["service"]),
        channel=np.full(n, 1),
        writes=rng.random(n) < 0.40,
        rating=np.full(n, np.nan),
        nps=np.full(n, np.nan),
        csat=np.clip(np.rint(mark), 1, 5),
    )
