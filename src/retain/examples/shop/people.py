"""Who the customers are: what anyone may know of them, and the hidden traits that drive what they do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from retain.examples.shop import world
from retain.timeline import DAY

if TYPE_CHECKING:
    from retain.examples.shop.world import Flags, Floats, Ints

SUBSCRIBERS = 0.12


def stream(seed: int, block: int, purpose: int) -> np.random.Generator:
    """The random numbers of one block of customers for one purpose.

    Each block and purpose has a stream of its own, so neither the number of customers asked for nor a change in
    one table moves the numbers of another.
    """
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(block, purpose)))


@dataclass(frozen=True)
class People:
    """One block of customers, one value each.

    Attributes:
        first: number of the first one; the others follow.
        joined_day: day of the calendar on which they joined; negative: before the first.
        joined_at: the instant.
        birth_day: days since 1970.
        country: index into COUNTRIES.
        language: index into LANGUAGES.
        tier: index into TIERS, as of joining.
        consent: by channel.
        do_not_contact: must not be contacted.
        subscriber: has, or will have, a subscription.
        base: log of orders a day, before everything else.
        regularity: 0 buys at random, near 1 hardly ever buys again soon.
        pause: days after which the appetite is back, on average.
        mildness: satisfaction at rest.
        price_care: how much price rises hurt, and how much points please.
        call_liking: how welcome a call is.
        leaving: hazard a day of losing interest, at satisfaction 0.
        returning: hazard a day of finding it again.
        late: log odds of a late parcel where they live.
        store_share: share of purchases made in a shop.
        lift: what each action adds to the log intensity while it works, one row an action.
    """

    first: int
    joined_day: Ints
    joined_at: Ints
    birth_day: Ints
    country: Ints
    language: Ints
    tier: Ints
    consent: dict[str, Flags]
    do_not_contact: Flags
    subscriber: Flags
    base: Floats
    regularity: Floats
    pause: Floats
    mildness: Floats
    price_care: Floats
    call_liking: Floats
    leaving: Floats
    returning: Floats
    late: Floats
    store_share: Floats
    lift: Floats

    def __len__(self) -> int:
        """How many."""
        return len(self.joined_day)

    def contactable(self, consent: str) -> Flags:
        """Who may be contacted that way."""
        return self.consent[consent] & ~self.do_not_contact


def draw_people(seed: int, block: int, count: int) -> People:
    """The customers of one block; the same seed and block give the same people."""
    rng = stream(seed, block, 0)
    n = count
    old = rng.random(n) < 0.50
    joined_day = np.where(
        old, -1 - np.floor(1460 * rng.random(n) ** 1.5), np.floor(world.DAYS * rng.random(n) ** 0.9)
    ).astype(np.int64)
    joined_at = (
        world.START
        + joined_day * DAY
        + np.floor((0.25 + 0.5 * rng.random(n)) * 86_400).astype(np.int64) * 1_000_000
    )
    country = rng.choice(len(world.COUNTRIES), n, p=[one.share for one in world.COUNTRIES])
    language = _languages(country, rng.random(n))
    age = np.clip(rng.normal(41, 13, n), 18, 88)
    birth_day = np.floor(world.START / DAY - age * 365.25).astype(np.int64)

    base = np.minimum(rng.normal(np.log(1 / 20), 1.25, n), np.log(0.3))
    tier = np.digitize(base - np.log(1 / 20) + rng.normal(0, 0.7, n), [0.3, 1.0, 1.8]).astype(np.int64)
    price_care = rng.gamma(2.0, 0.5, n)
    call_liking = rng.normal(0, 1, n) + (age - 41) / 26
    lift = np.stack(
        [
            np.maximum(0.10 + 0.28 * price_care + rng.normal(0, 0.10, n), 0.0),
            0.16 + 0.34 * call_liking + rng.normal(0, 0.12, n),
            0.14 + 0.10 * tier + rng.normal(0, 0.15, n),
        ]
    )
    return People(
        first=block * world.BLOCK + 1,
        joined_day=joined_day,
        joined_at=joined_at,
        birth_day=birth_day,
        country=country,
        language=language,
        tier=tier,
        consent={
            "email": rng.random(n) < 0.82,
            "sms": rng.random(n) < 0.45,
            "phone": rng.random(n) < 0.55,
            "post": rng.random(n) < 0.70,
        },
        do_not_contact=rng.random(n) < 0.03,
        subscriber=rng.random(n) < SUBSCRIBERS,
        base=base,
        regularity=np.clip(rng.beta(1.1, 4.0, n), 0, 0.97),
        pause=np.exp(-base) * 0.45,
        mildness=rng.normal(0.1, 0.55, n),
        price_care=price_care,
        call_liking=call_liking,
        leaving=np.exp(rng.normal(np.log(1 / 900), 1.0, n)),
        returning=np.exp(rng.normal(np.log(1 / 500), 0.3, n)),
        late=np.array([one.late for one in world.COUNTRIES])[country] + rng.normal(0, 0.8, n),
        store_share=rng.beta(0.8, 2.4, n),
        lift=lift,
    )


def _languages(country: Ints, where: Floats) -> Ints:
    language = np.zeros(len(country), dtype=np.int64)
    for number, one in enumerate(world.COUNTRIES):
        edges = np.cumsum([share for _, share in one.languages])[:-1]
        codes = np.array([world.LANGUAGES.index(name) for name, _ in one.languages])
        lives = country == number
        language[lives] = codes[np.digitize(where[lives], edges)]
    return language
