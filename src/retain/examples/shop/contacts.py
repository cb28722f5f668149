"""The messages and treatments tables: what the shop sent, and its earlier retention campaigns."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from retain.examples.shop import columns, world
from retain.examples.shop.life import propensity
from retain.examples.shop.people import stream
from retain.timeline import DAY, instant_text

if TYPE_CHECKING:
    import pyarrow as pa

    from retain.examples.shop.life import Life
    from retain.examples.shop.people import People
    from retain.examples.shop.world import Flags, Ints

EVERY_DAYS = 14
MAILINGS = np.arange(5, world.DAYS, EVERY_DAYS)
TEXT_MESSAGES = np.array(
    [world.day_of(f"{year}-{month:02d}-20") for year in (2023, 2024) for month in (3, 6, 9, 11)]
)


def write_to(people: People, life: Life, seed: int, block: int) -> pa.Table:
    """Newsletters by e-mail and a few text messages of one block of customers."""
    rng = stream(seed, block, 5)
    habit = rng.normal(-2.2, 0.7, len(people))
    dead_address = rng.random(len(people)) < 0.015
    feeling, keen = life.satisfaction[MAILINGS], life.interested[MAILINGS]
    reachable = people.contactable("email") & (people.joined_day < MAILINGS[:, None])
    chance = rng.random((4, *feeling.shape))
    bounced = reachable & (dead_address | (chance[0] < 0.006))
    opened = reachable & ~bounced & (chance[1] < 1 / (1 + np.exp(-(habit + 2.0 * keen + 0.8 * feeling))))
    clicked = opened & (chance[2] < np.where(keen, 0.20, 0.06))
    gone = 0.0030 * np.exp(-0.8 * feeling) * np.where(keen, 1.0, 1.8)
    unsubscribed = opened & (chance[3] < 3 * gone)
    spam = reachable & ~bounced & ~opened & (chance[3] > 1 - 0.4 * gone)
    last = np.where((unsubscribed | spam).any(axis=0), (unsubscribed | spam).argmax(axis=0), len(MAILINGS))
    # Who unsubscribed or complained gets that mailing as the last one.
    sent = reachable & (np.arange(len(MAILINGS))[:, None] <= last)
    mailing, who = np.nonzero(sent)
    n = len(who)
    moment = columns.at(MAILINGS[mailing], 7 + 0.5 * rng.random(n))
    arrived = columns.after(moment, 0.02 * rng.random(n))
    read = columns.after(arrived, np.minimum(0.02 + 7 * np.exp(rng.normal(0, 1.2, n)), 24.0 * 12))
    followed = columns.after(read, 0.002 + 0.1 * rng.random(n))
    left = columns.after(read, 0.002 + 0.05 * rng.random(n))

    short = people.contactable("sms") & (people.joined_day < TEXT_MESSAGES[:, None])
    text, reached = np.nonzero(short)
    m = len(reached)
    texted = columns.at(TEXT_MESSAGES[text], 9 + 2 * rng.random(m))

    def both(mail: Ints, sms: Ints) -> Ints:
        return np.concatenate([mail, sms])

    none, no = np.zeros(m, dtype=np.int64), np.zeros(m, dtype=np.bool_)
    at = (mailing, who)
    moments, customer = both(moment, texted), both(who, reached)
    return columns.sheet(
        {
            "customer_id": columns.customer_ids(people, customer),
            "sent_at": columns.times(moments),
            "channel": columns.chosen(("e-mail", "SMS"), both(np.zeros(n, dtype=np.int64), none + 1)),
            "campaign_id": columns.chosen(
                [_name("news", day) for day in MAILINGS.tolist()]
                + [_name("sms", day) for day in TEXT_MESSAGES.tolist()],
                both(mailing, text + len(MAILINGS)),
            ),
            "delivered_at": columns.times(
                both(arrived, columns.after(texted, 0.01 * rng.random(m))),
                np.concatenate([~bounced[at], rng.random(m) < 0.97]),
            ),
            "opened_at": columns.times(both(read, none), np.concatenate([opened[at], no])),
            "clicked_at": columns.times(both(followed, none), np.concatenate([clicked[at], no])),
            "bounced_at": columns.times(
                both(columns.after(moment, 0.05 * rng.random(n)), none), np.concatenate([bounced[at], no])
            ),
            "spam_at": columns.times(both(read, none), np.concatenate([spam[at], no])),
            "unsubscribed_at": columns.times(both(left, none), np.concatenate([unsubscribed[at], no])),
        },
        moments,
        customer,
    )


def _name(kind: str, day: int) -> str:
    return f"{kind}-{instant_text(world.START + day * DAY)}"


def treat(people: People, life: Life, seed: int, block: int) -> pa.Table:
    """Who was treated and who was held out in the earlier campaigns of one block of customers."""
    rng = stream(seed, block, 6)
    parts = life.assignments
    customer = np.concatenate([one.customer for one in parts])
    treated = np.concatenate([one.treated for one in parts])
    campaign = np.concatenate([np.full(len(one.customer), one.campaign) for one in parts])
    n = len(customer)
    day = np.array([one.day for one in world.CAMPAIGNS])[campaign]
    action = np.array([one.action for one in world.CAMPAIGNS])[campaign]
    assigned = columns.at(day, np.zeros(n))
    bought = np.concatenate(
        [_bought_within(life, one.customer, world.CAMPAIGNS[one.campaign].day) for one in parts]
    )
    cost = np.rint(np.array([one.cost for one in world.ACTIONS])[action] * 100 * treated)
    return columns.sheet(
        {
            "customer_id": columns.customer_ids(people, customer),
            "action_id": columns.chosen([one.name for one in world.ACTIONS], action),
            "assigned_at": columns.times(assigned),
            "arm": columns.chosen(("control", "treated"), treated.astype(np.int64)),
            "campaign_id": columns.chosen([one.name for one in world.CAMPAIGNS], campaign),
            "contacted_at": columns.times(columns.after(assigned, 8 + 9 * rng.random(n)), treated),
            "propensity": columns.numbers(propensity(people)[customer]),
            "cost": columns.money(cost.astype(np.int64)),
            "outcome_at": columns.times(columns.after(assigned, np.full(n, 24.0 * world.EFFECT_DAYS))),
            "outcome": columns.chosen(("no_purchase", "purchase"), bought.astype(np.int64)),
        },
        assigned,
        customer,
    )


def _bought_within(life: Life, who: Ints, day: int) -> Flags:
    bought = life.purchases
    inside = (bought.day >= day) & (bought.day < day + world.EFFECT_DAYS)
    buyers = np.bincount(bought.customer[inside], minlength=life.satisfaction.shape[1]) > 0
    result: Flags = buyers[who]
    return result
