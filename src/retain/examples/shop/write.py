"""From a number of customers and a seed to the folder of Parquet files."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from retain import atomic
from retain.errors import OutputError, UsageError
from retain.examples.shop import columns, world
from retain.examples.shop.accounts import register, subscribe
from retain.examples.shop.contacts import treat, write_to
from retain.examples.shop.feedback import speak
from retain.examples.shop.life import live
from retain.examples.shop.orders import sell
from retain.examples.shop.people import draw_people
from retain.examples.shop.support import complain
from retain.examples.shop.truth import no_sale
from retain.timeline import DAY, instant, instant_text

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from retain.examples.shop.life import Life
    from retain.examples.shop.people import People
    from retain.examples.shop.world import Flags, Floats

MOST = 9_999_999
"""A customer's number has seven digits."""
TRUTH_CHURN = "truth/churn"
TRUTH_EFFECTS = "truth/effects"


@dataclass(frozen=True)
class ShopManifest:
    """What was written.

    Attributes:
        out: the folder.
        counts: rows of each table, those of the truth under ``truth/...``.
        paths: the folder of each table.
        start: the first instant of the history, UTC microseconds.
        end: the first instant after it.
        cutoff: the last cutoff whose label window has closed, UTC microseconds.
        best_auroc: AUROC of the true probability at that cutoff; NaN when all of the few customers end alike.
    """

    out: Path
    counts: Mapping[str, int]
    paths: Mapping[str, Path]
    start: int
    end: int
    cutoff: int
    best_auroc: float


def write(out: Path, *, customers: int = 10_000, seed: int = 7) -> ShopManifest:
    """A shop's history of two years, written as ``<out>/<table>/part-00000.parquet``, and what was written.

    The same seed gives the same bytes. Customers are drawn in blocks of 10,000, one part each, so memory is bounded
    by one block, and a larger shop begins with the very same full blocks.

    Args:
        out: a folder that does not exist, or is empty.
        customers: how many.
        seed: another seed is another shop.

    Raises:
        OutputError: the folder holds something, or cannot be written.
        UsageError: there is no shop of that size or seed.
    """
    if not 1 <= customers <= MOST:
        raise UsageError(f"A shop cannot have {customers} customers. Ask for 1 to {MOST}.")
    if seed < 0:
        raise UsageError(f"The seed is {seed}. Use 0 or a larger whole number.")
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise OutputError(f"{out} exists and is not an empty folder. Remove it, or name another.")
    counts: dict[str, int] = {}
    with atomic.folder(out) as part:
        for block in range(-(-customers // world.BLOCK)):
            size = min(world.BLOCK, customers - block * world.BLOCK)
            for name, table in tables(seed, block, size).items():
                folder = part / name
                folder.mkdir(parents=True, exist_ok=True)
                pq.write_table(table, folder / f"part-{block:05d}.parquet", compression="zstd")
                counts[name] = counts.get(name, 0) + table.num_rows
    cutoff = world.START + world.CUTOFFS[-1] * DAY
    return ShopManifest(
        out=out,
        counts=MappingProxyType(counts),
        paths=MappingProxyType({name: out / name for name in counts}),
        start=world.START,
        end=world.END,
        cutoff=cutoff,
        best_auroc=best_possible(out, instant_text(cutoff)),
    )


def tables(seed: int, block: int, size: int) -> dict[str, pa.Table]:
    """Every table of one block of customers, the truth included, in memory.

    Args:
        seed: of the shop.
        block: its number, from 0.
        size: how many customers the block has; BLOCK in all but the last.
    """
    people = draw_people(seed, block, size)
    life = live(people, seed, block)
    orders = sell(people, life.purchases, seed, block)
    tickets = complain(people, life, orders, seed, block)
    return {
        "customers": register(people, orders.points, seed, block),
        "orders": orders.table,
        "feedback": speak(people, life, orders, tickets, seed, block),
        "tickets": tickets.table,
        "ticket_events": tickets.events,
        "messages": write_to(people, life, seed, block),
        "contracts": subscribe(people, life, seed, block),
        "treatments": treat(people, life, seed, block),
        TRUTH_CHURN: _churn(people, life, orders.table),
        TRUTH_EFFECTS: _effects(people, life),
    }


def _churn(people: People, life: Life, orders: pa.Table) -> pa.Table:
    """The true probability and what came of it, for every customer who had joined by each cutoff."""
    sales = orders.filter(pc.equal(orders["kind"], "sale"))
    who = pc.cast(pc.utf8_slice_codeunits(sales["customer_id"], 1), pa.int64()).to_numpy() - people.first
    ordered = sales["ordered_at"].cast(pa.int64()).to_numpy()
    recorded = sales["recorded_at"].cast(pa.int64()).to_numpy()
    parts = []
    for day, state in zip(world.CUTOFFS, life.states, strict=True):
        cutoff = world.START + day * DAY
        here = np.flatnonzero(people.joined_day < day)
        lately = (ordered >= cutoff - world.ACTIVE_DAYS * DAY) & (ordered < cutoff) & (recorded < cutoff)
        later = (ordered >= cutoff) & (ordered < world.WINDOW.end(cutoff))
        active = np.bincount(who[lately], minlength=len(people)) > 0
        stayed = np.bincount(who[later], minlength=len(people)) > 0
        parts.append(
            pa.table(
                {
                    "customer_id": columns.customer_ids(people, here),
                    "cutoff": columns.times(np.full(len(here), cutoff)),
                    "churn_probability": columns.numbers(no_sale(people, state, day)[here]),
                    "churned": columns.flags(~stayed[here]),
                    "active": columns.flags(active[here]),
                }
            )
        )
    return pa.concat_tables(parts).combine_chunks()


def _effects(people: People, life: Life) -> pa.Table:
    """What each action would truly do to each customer at the last closed cutoff."""
    day, state = world.CUTOFFS[-1], life.states[-1]
    here = np.flatnonzero(people.joined_day < day)
    without = no_sale(people, state, day)
    parts = []
    for number, action in enumerate(world.ACTIONS):
        treated = no_sale(people, state, day, number)
        parts.append(
            pa.table(
                {
                    "customer_id": columns.customer_ids(people, here),
                    "action_id": columns.texts([action.name] * len(here)),
                    "cutoff": columns.times(np.full(len(here), world.START + day * DAY)),
                    "log_intensity": columns.numbers(people.lift[number][here]),
                    "churn_probability": columns.numbers(without[here]),
                    "churn_probability_treated": columns.numbers(treated[here]),
                    "effect": columns.numbers(1 - treated[here] / without[here]),
                }
            )
        )
    return pa.concat_tables(parts).combine_chunks()


def best_possible(out: Path, cutoff: str) -> float:
    """The AUROC of whoever knows all that can be known: of the true probability, among active customers.

    Args:
        out: the folder that ``write`` made.
        cutoff: the first of a month, such as ``2024-09-01``.

    Returns:
        The area under the ROC curve; NaN when all of them end alike.

    Raises:
        UsageError: the truth is not known at that cutoff.
    """
    known = [world.START + day * DAY for day in world.CUTOFFS]
    if instant(cutoff) not in known:
        names = ", ".join(instant_text(one) for one in known)
        raise UsageError(f"The truth is not known at {cutoff}. Choose one of: {names}.")
    truth = pq.read_table(
        out / TRUTH_CHURN,
        columns=["churn_probability", "churned"],
        filters=[("cutoff", "=", pa.scalar(instant(cutoff), columns.TIME)), ("active", "=", True)],
    )
    return _auroc(truth["churn_probability"].to_numpy(), truth["churned"].to_numpy(zero_copy_only=False))


def _auroc(score: Floats, positive: Flags) -> float:
    """Share of pairs in the right order (Mann and Whitney 1947), ties half; the evaluation room comes later."""
    _, place, count = np.unique(score, return_inverse=True, return_counts=True)
    rank = (np.cumsum(count) - (count - 1) / 2)[place]
    ups, downs = int(positive.sum()), int((~positive).sum())
    if ups == 0 or downs == 0:
        return float("nan")
    return float((rank[positive].sum() - ups * (ups + 1) / 2) / (ups * downs))
