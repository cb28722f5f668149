"""What `bench_features.py` computes, and from what: features of four tables, and such tables of any size."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
from pyarrow import parquet

from retain.features.spec import Feature, FeatureSet, How, Measure
from retain.timeline import DAY, MINUTE, Lookback, instant

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import numpy.typing as npt

    Ints = npt.NDArray[np.int64]

CUTOFFS = [instant(f"2024-{month:02}-01") for month in range(1, 13)]
_START, _DAYS = instant("2022-01-01"), 3 * 365
_LINES_EACH = 15
_BLOCK = 50_000
"""Customers that are generated at a time."""


@dataclass(frozen=True)
class Source:
    """One kind of event: its table, the column that says when, and the number that it has."""

    table: str
    time: str
    value: str | None = None


SOURCES: Mapping[str, Source] = {
    "orders": Source("orders", "ordered_at", "amount"),
    "messages": Source("messages", "sent_at"),
    "opens": Source("messages", "opened_at"),
    "clicks": Source("messages", "clicked_at"),
    "tickets": Source("tickets", "opened_at"),
    "feedback": Source("feedback", "given_at", "nps"),
}
COLUMNS = {
    "orders": ("customer_id", "ordered_at", "amount"),
    "messages": ("customer_id", "sent_at", "opened_at", "clicked_at"),
    "tickets": ("customer_id", "ticket_id", "opened_at"),
    "feedback": ("customer_id", "given_at", "nps"),
}
"""The columns that are read of each table."""


def _measures() -> list[Measure]:
    year, life = Lookback(365), Lookback()
    found = [Measure("orders", How.COUNT, None, Lookback(days)) for days in (7, 30, 90, 180, 365, None)]
    found += [Measure("orders", How.SUM, "amount", Lookback(days)) for days in (30, 90, 180, 365, None)]
    found += [Measure("orders", How.MEAN, "amount", Lookback(days)) for days in (90, 365, None)]
    found += [Measure("orders", how, "amount", one) for how in (How.MAX, How.SD) for one in (year, life)]
    found += [Measure("orders", How.MIN, "amount")]
    found += [Measure("orders", how, "gap") for how in (How.MEAN, How.SD, How.MAX)]
    found += [Measure("orders", How.SINCE_FIRST)]
    for view in SOURCES:
        found += [Measure(view, How.SINCE_LAST)]
        if view != "orders":
            found += [Measure(view, How.COUNT, None, Lookback(days)) for days in (30, 90, 365, None)]
    found += [Measure("feedback", How.MEAN, "nps", Lookback(days)) for days in (90, 365, None)]
    return [*found, Measure("feedback", How.MIN, "nps", year)]


def _name(one: Measure) -> str:
    return "_".join(
        str(part) for part in (one.view, one.value or "", one.how.value, one.within.days or "ever") if part
    )


MEASURES: Mapping[str, Measure] = {_name(one): one for one in _measures()}
FEATURES = FeatureSet(tuple(Feature(name, one, "benchmark", "-", "-") for name, one in MEASURES.items()))


def generate(folder: Path, lines: int) -> int:
    """How many customers there are in the tables that are written there; memory is bounded by a block of them."""
    customers = max(1, lines // _LINES_EACH)
    writers: dict[str, parquet.ParquetWriter] = {}
    for number, first in enumerate(range(0, customers, _BLOCK)):
        rng = np.random.default_rng([7, number])
        block = _block(rng, first, min(_BLOCK, customers - first))
        for name, table in block.items():
            if name not in writers:
                writers[name] = parquet.ParquetWriter(folder / f"{name}.parquet", table.schema)
            writers[name].write_table(table)
    for writer in writers.values():
        writer.close()
    return customers


def _block(rng: np.random.Generator, first: int, customers: int) -> dict[str, pa.Table]:
    """All tables of some customers, whose activity differs widely."""
    rate = rng.gamma(1.5, _LINES_EACH / 1.5, customers)
    life = _START + (rng.random(customers) * _DAYS * DAY * 0.8).astype(np.int64)

    def events(per_line: float) -> tuple[pa.Array, Ints, int]:
        # Everybody orders once at least, so that the table of orders names every customer.
        count = rng.poisson(rate * per_line) + (per_line == 1)
        who = np.repeat(np.arange(customers), count)
        time = life[who] + (rng.random(len(who)) * (_START + _DAYS * DAY - life[who])).astype(np.int64)
        pairs = np.unique(np.stack([who, time // MINUTE]), axis=1)
        ids = pa.array([f"C{first + number:08}" for number in range(customers)])
        return ids.take(pa.array(pairs[0])), pairs[1] * MINUTE, pairs.shape[1]

    def later(time: Ints, share: float) -> pa.Array:
        after = time + rng.integers(1, 5 * 24 * 60, len(time)) * MINUTE
        return _moments(after, rng.random(len(time)) >= share)

    who, time, count = events(1)
    amount = rng.integers(100, 20_000, count) / 100
    tables = {"orders": pa.table({"customer_id": who, "ordered_at": _moments(time), "amount": amount})}
    who, time, count = events(1)
    opened, clicked = later(time, 0.3), later(time, 0.05)
    tables["messages"] = pa.table(
        {"customer_id": who, "sent_at": _moments(time), "opened_at": opened, "clicked_at": clicked}
    )
    who, time, count = events(0.1)
    ids = pa.array([f"T{first:08}-{number}" for number in range(count)])
    tables["tickets"] = pa.table({"customer_id": who, "ticket_id": ids, "opened_at": _moments(time)})
    who, time, count = events(0.1)
    nps = rng.integers(0, 11, count).astype(np.float64)
    tables["feedback"] = pa.table({"customer_id": who, "given_at": _moments(time), "nps": nps})
    return tables


def _moments(time: Ints, unknown: npt.NDArray[np.bool_] | None = None) -> pa.Array:
    return pa.array(time, mask=unknown).cast(pa.timestamp("us", tz="UTC"))
