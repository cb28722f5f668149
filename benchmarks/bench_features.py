"""What a panel of features costs: the kernel against well-vectorised pandas, the same numbers, taking turns.

Generates orders, computes the same features at twelve monthly cutoffs both ways, checks that they agree, and prints
medians of CPU seconds and their ratio. Run with `OMP_NUM_THREADS=1 python benchmarks/bench_features.py [ORDERS]`.
"""

from __future__ import annotations

import statistics
import sys
import time
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from retain.engine.kernel import compute
from retain.engine.panel import Snapshots
from retain.events.store import Column, EventStore, EventTable
from retain.features.catalog import EVERY
from retain.features.spec import FeatureSet
from retain.timeline import DAY, MINUTE, instant

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy.typing as npt

    FloatArray = npt.NDArray[np.float64]

ROUNDS = 3
CUTOFFS = [instant(f"2024-{month:02}-01") for month in range(1, 13)]
WINDOWS = (7, 30, 90, 180, 365)
NAMES = (
    "recency_days",
    "tenure_days",
    *(f"orders_{days}d" for days in WINDOWS),
    "orders_lifetime",
    *(f"spend_{days}d" for days in WINDOWS[1:]),
    "spend_lifetime",
    "order_value_mean",
    "order_value_max",
    "gap_days_mean",
    "gap_days_sd",
    "gap_days_median",
    "gap_days_max",
)
FEATURES = FeatureSet(tuple(EVERY.by_name[name] for name in NAMES))


def main() -> None:
    """Print a Markdown table."""
    orders = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    store, frame = generated(orders)
    spent: dict[str, list[float]] = {"kernel": [], "pandas": []}
    for _ in range(ROUNDS):
        fast = timed(lambda: kernel(store), spent["kernel"])
        slow = timed(lambda: in_pandas(frame, len(store.customer_ids)), spent["pandas"])
        np.testing.assert_allclose(fast, slow, rtol=1e-9, atol=1e-9)
    print(
        f"{orders:,} orders of {len(store.customer_ids):,} customers, {len(CUTOFFS)} cutoffs, {len(NAMES)} features\n"
    )
    print("| engine | CPU s, median of 3 | lowest | highest |\n|---|---|---|---|")
    for name, seconds in spent.items():
        print(f"| {name} | {statistics.median(seconds):.2f} | {min(seconds):.2f} | {max(seconds):.2f} |")
    ratios = [slow / fast for fast, slow in zip(spent["kernel"], spent["pandas"], strict=True)]
    print(f"\npandas / kernel: {statistics.median(ratios):.1f} ({min(ratios):.1f} to {max(ratios):.1f})")


def generated(orders: int) -> tuple[EventStore, pd.DataFrame]:
    """The same orders as a store and as a frame, sorted by customer and time."""
    rng = np.random.default_rng(7)
    customers = max(1, orders // 15)
    customer = np.sort(rng.integers(0, customers, orders))
    time_ = instant("2022-01-01") + rng.integers(0, 3 * 365 * 24 * 60, orders) * MINUTE
    order = np.lexsort((time_, customer))
    customer, time_ = customer[order], time_[order]
    fresh = np.ones(orders, dtype=bool)
    fresh[1:] = (customer[1:] != customer[:-1]) | (time_[1:] != time_[:-1])
    customer, time_ = customer[fresh], time_[fresh]
    cents = rng.integers(100, 20_000, len(customer))
    table = EventTable(customer, time_, time_, {"amount": Column(cents)})
    ids = np.array([f"C{number:08}" for number in range(customers)], dtype=object)
    frame = pd.DataFrame({"customer": customer, "time": time_, "amount": cents / 100})
    frame["gap"] = frame["time"].diff().where(~frame["customer"].ne(frame["customer"].shift())) / DAY
    return EventStore(ids, {"orders": table}, {}), frame


def kernel(store: EventStore) -> FloatArray:
    """Every customer at every cutoff."""
    customers = np.arange(len(store.customer_ids), dtype=np.int64)
    snapshots = Snapshots(
        np.tile(customers, len(CUTOFFS)), np.repeat(np.array(CUTOFFS, dtype=np.int64), len(customers))
    )
    return compute(store, FEATURES, snapshots).values


def in_pandas(frame: pd.DataFrame, customers: int) -> FloatArray:
    """The same with one groupby a window and cutoff; nothing is done customer by customer."""
    panels = []
    for cutoff in CUTOFFS:
        known = frame[frame["time"] < cutoff]
        whole = known.groupby("customer")
        panel = pd.DataFrame(index=pd.RangeIndex(customers))
        panel["recency_days"] = (cutoff - whole["time"].max()) / DAY
        panel["tenure_days"] = (cutoff - whole["time"].min()) / DAY
        for days in WINDOWS:
            recent = known[known["time"] >= cutoff - days * DAY].groupby("customer")["amount"]
            panel[f"orders_{days}d"] = recent.size()
            if days in WINDOWS[1:]:
                panel[f"spend_{days}d"] = recent.sum()
        panel["orders_lifetime"] = whole.size()
        panel["spend_lifetime"] = whole["amount"].sum()
        counted = [name for name in panel if name.startswith(("orders_", "spend_"))]
        panel[counted] = panel[counted].fillna(0)
        panel["order_value_mean"] = whole["amount"].mean()
        panel["order_value_max"] = whole["amount"].max()
        panel["gap_days_mean"] = whole["gap"].mean()
        panel["gap_days_sd"] = whole["gap"].std()
        panel["gap_days_median"] = whole["gap"].median()
        panel["gap_days_max"] = whole["gap"].max()
        panels.append(panel[list(NAMES)].to_numpy(dtype=np.float64))
    return np.concatenate(panels)


def timed(work: Callable[[], FloatArray], into: list[float]) -> FloatArray:
    """What the work returns; its CPU seconds are noted."""
    before = time.process_time()
    result = work()
    into.append(time.process_time() - before)
    return result


if __name__ == "__main__":
    main()
