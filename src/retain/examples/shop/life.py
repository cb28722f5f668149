"""What the customers live through, day by day: purchases, experiences, satisfaction, interest, treatments.

Each day, for each customer who has joined:

1. satisfaction falls back towards its resting point, and the experiences that end today (a parcel that came, a
   ticket that was resolved) move it;
2. an interested customer loses interest with hazard ``leaving * exp(-MOOD * satisfaction)``; one without interest
   finds it again with hazard ``returning``;
3. the customer buys with probability ``1 - exp(-intensity)``, where the log of the intensity adds up the
   customer's own level, the market (season, weekday, drift), ``PULL * satisfaction``, the loss of appetite after
   a purchase, a large drop without interest, and a treatment while it works.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

import numpy as np

from retain.examples.shop import world
from retain.examples.shop.people import stream

if TYPE_CHECKING:
    import numpy.typing as npt

    from retain.examples.shop.people import People
    from retain.examples.shop.world import Flags, Floats, Ints

FADING = float(np.exp(-1 / 150))
LOWEST, HIGHEST = -2.5, 1.5
"""Experience wears off at both ends: the hundredth parcel on time makes nobody a hundred times happier."""
PULL = 0.6
MOOD = 1.3
WITHOUT_INTEREST = 0.04
LONGEST = 64
"""No experience ends later than so many days after its order."""
NEVER_BOUGHT = -100_000
BUYS_ON_JOINING = 0.85


@dataclass(frozen=True)
class State:
    """Everything hidden about the customers at the start of a day: with it the future is pure chance.

    Attributes:
        satisfaction: what experiences have added to the resting point.
        interested: has not lost interest.
        last: day of the last purchase.
        treated: was drawn for treatment in the latest campaign, which may be over.
        pending: what experiences under way will add, by day modulo LONGEST. How a parcel or a ticket ends is
            settled when the order is placed, so it is part of the state.
    """

    satisfaction: Floats
    interested: Flags
    last: Ints
    treated: Flags
    pending: Floats


@dataclass(frozen=True)
class Purchases:
    """Every order, one value each, in order of day and customer.

    Attributes:
        customer: index into the block.
        day: when.
        in_store: bought in a shop, so nothing is sent.
        promised_days: until the promised delivery.
        delivered_days: until the delivery; 0 in a shop.
        faulty: something was wrong with the goods.
        returned: came back.
        payment_failed: the first payment failed.
        ticket: the customer opened one.
        slow: the ticket missed its deadline.
        reopened: the ticket was opened again.
        resolved_days: from the order to the ticket's end.
    """

    customer: Ints
    day: Ints
    in_store: Flags
    promised_days: Ints
    delivered_days: Ints
    faulty: Flags
    returned: Flags
    payment_failed: Flags
    ticket: Flags
    slow: Flags
    reopened: Flags
    resolved_days: Ints

    @property
    def late(self) -> Flags:
        """Delivered after the promise."""
        return self.delivered_days > self.promised_days


@dataclass(frozen=True)
class Assignment:
    """Who was drawn in one campaign, and for which arm."""

    campaign: int
    customer: Ints
    treated: Flags


@dataclass(frozen=True)
class Life:
    """What one block of customers lived through.

    Attributes:
        purchases: every order.
        satisfaction: by day and customer, resting point and price rises included.
        interested: by day and customer.
        assignments: one a campaign.
        states: the hidden state at the start of each day of CUTOFFS.
    """

    purchases: Purchases
    satisfaction: npt.NDArray[np.float32]
    interested: Flags
    assignments: tuple[Assignment, ...]
    states: tuple[State, ...]


def felt(feels: Floats, arriving: Floats) -> Floats:
    """What experiences add to satisfaction today: yesterday's, faded, and those that end today."""
    total: Floats = np.clip(feels * FADING + arriving, LOWEST, HIGHEST)
    return total


def mood(people: People, satisfaction: Floats, day: int) -> Floats:
    """Satisfaction that counts: the resting point, the experiences, and what price rises did."""
    total: Floats = people.mildness + satisfaction + world.RESENTMENT[day] * people.price_care
    return total


def losing(people: People, feeling: Floats) -> Floats:
    """Probability of losing interest today."""
    chance: Floats = -np.expm1(-people.leaving * np.exp(-MOOD * feeling))
    return chance


def finding(people: People) -> Floats:
    """Probability of finding interest again today."""
    chance: Floats = -np.expm1(-people.returning)
    return chance


def intensity(people: People, feeling: Floats, last: Ints, day: int) -> Floats:
    """Expected orders today of an interested customer without a treatment."""
    appetite = 1 - people.regularity * np.exp((last - day) / people.pause)
    level: Floats = np.exp(people.base + world.MARKET[day] + PULL * feeling) * appetite
    return level


def in_campaign(people: People, last: Ints, day: int, action: int) -> Flags:
    """Who takes part in a campaign: bought lately, but not just now, and may be contacted."""
    since = day - last
    consent = world.ACTIONS[action].consent
    return (since > world.QUIET_DAYS) & (since <= world.ACTIVE_DAYS) & people.contactable(consent)


def propensity(people: People) -> Floats:
    """Probability of being treated, in any campaign."""
    share: Floats = np.array(world.PROPENSITY)[people.tier]
    return share


def live(people: People, seed: int, block: int) -> Life:
    """Two years of one block of customers."""
    rng = stream(seed, block, 1)
    n = len(people)
    feels = rng.normal(0, 0.3, n)
    keen = (rng.random(n) < 0.60) | (people.joined_day >= 0)
    last = np.full(n, NEVER_BOUGHT)
    treated = np.zeros(n, dtype=np.bool_)
    pending = np.zeros((LONGEST, n))
    buys_on_joining = rng.random(n) < BUYS_ON_JOINING
    satisfaction = np.empty((world.DAYS, n), dtype=np.float32)
    interested = np.empty((world.DAYS, n), dtype=np.bool_)
    purchases: list[Purchases] = []
    assignments: list[Assignment] = []
    states: list[State] = []
    for day in range(world.DAYS):
        campaign = world.RUNNING[day]
        if day in world.CUTOFFS:
            states.append(State(feels, keen, last.copy(), treated, pending.copy()))
        if campaign >= 0 and day == world.CAMPAIGNS[campaign].day:
            inside = in_campaign(people, last, day, world.CAMPAIGNS[campaign].action)
            treated = inside & (rng.random(n) < propensity(people))
            assignments.append(Assignment(campaign, np.flatnonzero(inside), treated[inside]))
        feels = felt(feels, pending[day % LONGEST])
        pending[day % LONGEST] = 0
        feeling = mood(people, feels, day)
        chance = rng.random(n)
        keen = np.where(keen, chance >= losing(people, feeling), chance < finding(people))
        level = intensity(people, feeling, last, day) * np.where(keen, 1.0, WITHOUT_INTEREST)
        if campaign >= 0:
            level = level * np.exp(people.lift[world.CAMPAIGNS[campaign].action] * treated)
        buys = (rng.random(n) < -np.expm1(-level)) & (people.joined_day < day)
        buys |= (people.joined_day == day) & buys_on_joining
        who = np.flatnonzero(buys)
        lived = _experiences(people, who, day, rng)
        purchases.append(lived)
        _feel(pending, lived, day)
        last[who] = day
        satisfaction[day] = feeling
        interested[day] = keen
    whole = {
        one.name: np.concatenate([getattr(part, one.name) for part in purchases]) for one in fields(Purchases)
    }
    return Life(Purchases(**whole), satisfaction, interested, tuple(assignments), tuple(states))


def _experiences(people: People, who: Ints, day: int, rng: np.random.Generator) -> Purchases:
    """How the orders of one day go, up to the end of everything they cause."""
    chance = rng.random((12, len(who)))
    in_store = chance[0] < people.store_share[who]
    busy = 0.9 * max(world.MARKET[day] - 0.15, 0.0)
    late = ~in_store & (chance[1] < 1 / (1 + np.exp(1.9 - people.late[who] - busy)))
    promised = np.where(in_store, 0, 2 + np.floor(4 * chance[2])).astype(np.int64)
    overrun = np.minimum(1 + np.floor(np.log(np.maximum(chance[3], 1e-9)) / np.log(0.72)), 14)
    early = np.maximum(promised - (chance[3] < 0.3), 0)
    delivered = np.where(late, promised + overrun, early).astype(np.int64)
    faulty = chance[4] < 0.06
    failed = chance[5] < 0.025
    returned = chance[6] < np.where(faulty, 0.55, 0.035)
    ticket = chance[7] < 0.015 + 0.30 * late + 0.30 * faulty + 0.35 * failed
    slow = ticket & (chance[8] < 0.32)
    reopened = ticket & (chance[9] < 0.22)
    wait = 1 + np.floor(3 * chance[10]) + (5 + np.floor(8 * chance[11])) * slow + 5 * reopened
    return Purchases(
        customer=who,
        day=np.full(len(who), day),
        in_store=in_store,
        promised_days=promised,
        delivered_days=delivered,
        faulty=faulty,
        returned=returned,
        payment_failed=failed,
        ticket=ticket,
        slow=slow,
        reopened=reopened,
        resolved_days=np.where(ticket, delivered + wait, 0).astype(np.int64),
    )


def _feel(pending: Floats, lived: Purchases, day: int) -> None:
    """Put what the orders of one day will do to satisfaction where the day that brings it finds it."""
    overrun = np.maximum(lived.delivered_days - lived.promised_days, 0)
    goods = 0.07 - 0.50 * np.sqrt(overrun) - 0.80 * lived.faulty - 0.25 * lived.payment_failed
    # The order's day is over when its experiences are put down, so the first that can feel them is tomorrow.
    arrives = (day + np.maximum(lived.delivered_days, 1)) % LONGEST
    pending[arrives, lived.customer] += goods
    answered = np.where(lived.slow | lived.reopened, -0.70 * lived.slow - 0.60 * lived.reopened, 0.45)
    ends = (day + np.maximum(lived.resolved_days, 1)) % LONGEST
    pending[ends, lived.customer] += np.where(lived.ticket, answered, 0.0)
