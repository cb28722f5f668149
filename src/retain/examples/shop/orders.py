"""The orders table: the lines of every order, and what came back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from retain.examples.shop import columns, world
from retain.examples.shop.people import stream

if TYPE_CHECKING:
    from retain.examples.shop.life import Purchases
    from retain.examples.shop.people import People
    from retain.examples.shop.world import Floats, Ints

CATEGORIES = ("home", "kitchen", "clothing", "toys", "books", "beauty", "sport", "garden")
MARGINS = (0.32, 0.28, 0.45, 0.30, 0.22, 0.48, 0.35, 0.26)
PRICES = (24.0, 19.0, 32.0, 15.0, 11.0, 13.0, 28.0, 21.0)
PRODUCTS = 30
"""Products in each category."""
STORES = 12
CHANNELS = ("shop", "web", "phone")
DEARER = 1.04
"""What each price rise multiplies prices by."""


@dataclass(frozen=True)
class Orders:
    """The orders table and what other tables need of it.

    Attributes:
        table: the rows.
        ordered_at: when each purchase was made.
        delivered_at: when it came; in a shop the same.
        recorded_at: when each purchase was in the system.
        points: loyalty points that each customer of the block has at the end.
    """

    table: pa.Table
    ordered_at: Ints
    delivered_at: Ints
    recorded_at: Ints
    points: Ints


def sell(people: People, bought: Purchases, seed: int, block: int) -> Orders:
    """Order lines and returns of one block of customers."""
    rng = stream(seed, block, 2)
    n = len(bought.day)
    ordered = columns.at(bought.day, 6 + 16.9 * rng.beta(2.6, 2.4, n))
    first = bought.day == people.joined_day[bought.customer]
    ordered = np.where(
        first, columns.after(people.joined_at[bought.customer], 0.1 + 0.9 * rng.random(n)), ordered
    )
    promised = columns.at(bought.day + bought.promised_days, np.full(n, 20.0))
    delivered = columns.at(bought.day + bought.delivered_days, 8 + 11 * rng.random(n))
    delivered = np.where(bought.in_store, ordered, delivered)
    late_entry = rng.random(n) < 0.03
    recorded = columns.after(ordered, np.where(late_entry, 12 + 40 * rng.random(n), 0.01 * rng.random(n)))
    failed = columns.after(ordered, 0.3 * rng.random(n))
    channel = np.where(bought.in_store, 0, np.where(rng.random(n) < 0.88, 1, 2))
    store = 1 + (people.country[bought.customer] * 5 + np.floor(3 * rng.random(n)).astype(np.int64)) % STORES
    number = _number_within(bought.customer)

    lines = 1 + rng.poisson(0.9, n)
    order = np.repeat(np.arange(n), lines)
    line = np.arange(len(order)) - np.repeat(np.cumsum(lines) - lines, lines)
    m = len(order)
    favourite = rng.integers(0, len(CATEGORIES), len(people))
    loves = rng.random(m) < 0.55
    category = np.where(loves, favourite[bought.customer[order]], rng.integers(0, len(CATEGORIES), m))
    product = category * PRODUCTS + np.floor(PRODUCTS * rng.random(m) ** 2).astype(np.int64)
    rises = sum((bought.day[order] >= rise).astype(np.int64) for rise in world.PRICE_RISES)
    price = np.rint(_prices(seed)[product] * DEARER**rises)
    quantity = 1 + rng.poisson(0.25, m)
    careful = people.price_care[bought.customer[order]]
    reduced = rng.random(m) < 0.08 + 0.16 * np.minimum(careful, 3)
    full = (price * quantity).astype(np.int64)
    off = np.where(reduced, np.rint(full * np.choose(rng.integers(0, 3, m), [0.1, 0.2, 0.3])), 0).astype(
        np.int64
    )
    amount = full - off
    margin = np.rint(full * np.array(MARGINS)[category]).astype(np.int64) - off

    back = np.flatnonzero(bought.returned[order] & (line == 0))
    came_back = columns.after(delivered[order[back]], 24 * (2 + 16 * rng.random(len(back))))
    rows = np.concatenate([np.arange(m), back])
    is_return = np.arange(len(rows)) >= m
    of = order[rows]
    sign = np.where(is_return, -1, 1)
    when = np.concatenate([ordered[order], came_back])
    entered = np.concatenate([recorded[order], columns.after(came_back, np.full(len(back), 0.02))])
    sale = ~is_return
    sent = sale & ~bought.in_store[of]
    customer = bought.customer[of]
    table = columns.sheet(
        {
            "customer_id": columns.customer_ids(people, customer),
            "ordered_at": columns.times(when),
            "amount": columns.money(sign * amount[rows]),
            "order_id": columns.joined(
                columns.chosen(("O", "R"), is_return.astype(np.int64)),
                columns.serial("", people.first + customer, 7),
                columns.serial("", number[of], 4),
            ),
            "line_id": columns.serial("", line[rows] + 1, 1),
            "product_id": columns.serial("P", product[rows] + 1, 4),
            "category": columns.chosen(CATEGORIES, category[rows]),
            "quantity": columns.numbers(quantity[rows]),
            "discount": columns.money(np.where(sale, off[rows], 0)),
            "kind": columns.chosen(("sale", "return"), is_return.astype(np.int64)),
            "margin": columns.money(sign * margin[rows]),
            "channel": columns.chosen(CHANNELS, channel[of]),
            "store_id": columns.chosen(
                [f"S{one:02d}" for one in range(STORES + 1)], store[of], bought.in_store[of]
            ),
            "promised_at": _promise(promised[of], sent),
            "delivered_at": columns.times(delivered[of], sent),
            "payment_failed_at": columns.times(failed[of], sale & bought.payment_failed[of]),
            "recorded_at": columns.times(entered),
        },
        when,
        customer,
        recorded=entered,
    )
    earned = np.bincount(bought.customer[order], weights=amount / 100, minlength=len(people))
    points = np.floor(earned % 400).astype(np.int64)
    return Orders(table, ordered, delivered, recorded, points)


def _number_within(customer: Ints) -> Ints:
    """The purchases of each customer numbered from 1, in the order they are in."""
    order = np.argsort(customer, kind="stable")
    ranked = customer[order]
    start = np.searchsorted(ranked, ranked)
    number = np.empty(len(customer), dtype=np.int64)
    number[order] = np.arange(len(customer)) - start + 1
    return number


def _prices(seed: int) -> Floats:
    """Price of every product in cents; the same in all blocks."""
    rng = np.random.default_rng(np.random.SeedSequence(seed))
    level = np.repeat(PRICES, PRODUCTS)
    price: Floats = np.rint(level * np.exp(rng.normal(0, 0.6, len(level)))) * 100 - 1
    return np.maximum(price, 199)


def _promise(moments: Ints, known: world.Flags) -> pa.Array:
    """A promise is known when it is made, even one for a day after the last."""
    return pa.array(moments, type=pa.int64(), mask=~known).cast(columns.TIME)
