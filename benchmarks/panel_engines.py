"""The ways to compute the panel that `bench_features.py` compares: each reads the tables first, then computes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import panel_data as data

from retain.features.spec import How, Measure
from retain.timeline import DAY

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import numpy.typing as npt

    Panel = npt.NDArray[np.float64]
    Ready = Callable[[], Panel | None]

SPAN = 60_000_000
"""Gaps between orders are whole minutes, as the kernel has them."""


def kernel(folder: Path) -> Ready:
    """The kernel on a store that was read and checked."""
    return _kernel_at(folder, data.CUTOFFS)


def kernel_once(folder: Path) -> Ready:
    """The kernel at the last cutoff alone."""
    return _kernel_at(folder, data.CUTOFFS[-1:])


def _kernel_at(folder: Path, at: list[int]) -> Ready:
    from retain.engine.kernel import compute  # noqa: PLC0415  # each engine's process loads its own library only
    from retain.engine.panel import Snapshots  # noqa: PLC0415
    from retain.events.load import read_events  # noqa: PLC0415
    from retain.events.source import SourceSettings, TableSource  # noqa: PLC0415

    tables = {name: TableSource(f"{name}.parquet") for name in data.COLUMNS}
    store = read_events(SourceSettings(tables, folder))
    customers = np.arange(len(store.customer_ids), dtype=np.int64)
    cutoffs = np.array(at, dtype=np.int64)
    snapshots = Snapshots(np.tile(customers, len(cutoffs)), np.repeat(cutoffs, len(customers)))
    return lambda: compute(store, data.FEATURES, snapshots).values


def in_pandas(folder: Path) -> Ready:
    """One groupby a kind of event, window and cutoff; nothing is done customer by customer."""
    import pandas as pd  # noqa: PLC0415

    frames: dict[str, pd.DataFrame] = {}
    ids = pd.Index(
        pd.read_parquet(folder / "orders.parquet", columns=["customer_id"])["customer_id"].unique()
    ).sort_values()
    for view, source in data.SOURCES.items():
        names = ["customer_id", source.time, *([source.value] if source.value else [])]
        raw = pd.read_parquet(folder / f"{source.table}.parquet", columns=names).dropna(subset=[source.time])
        frame = pd.DataFrame(
            {
                "customer": ids.get_indexer(raw["customer_id"]),
                "time": raw[source.time].astype("int64"),
                **({source.value: raw[source.value]} if source.value else {}),
            }
        ).sort_values(["customer", "time"], ignore_index=True)
        if view == "orders":
            frame["gap"] = frame.groupby("customer")["time"].diff() // SPAN * SPAN / DAY
        frames[view] = frame

    def compute() -> Panel:
        panels = [_of_pandas(frames, cutoff, len(ids)) for cutoff in data.CUTOFFS]
        return np.concatenate(panels)

    return compute


_PANDAS = {How.COUNT: "size", How.SUM: "sum", How.MEAN: "mean", How.SD: "std", How.MIN: "min", How.MAX: "max"}


def _of_pandas(frames: dict[str, Any], cutoff: int, customers: int) -> Panel:
    panel = np.full((customers, len(data.MEASURES)), np.nan)
    known = {view: frame[frame["time"] < cutoff] for view, frame in frames.items()}
    groups: dict[tuple[str, int | None], Any] = {}
    for place, one in enumerate(data.MEASURES.values()):
        key = (one.view, one.within.days)
        if key not in groups:
            mine = known[one.view]
            recent = mine if key[1] is None else mine[mine["time"] >= one.within.start(cutoff)]
            groups[key] = recent.groupby("customer")
        group = groups[key]
        if one.how in (How.SINCE_LAST, How.SINCE_FIRST):
            moment = group["time"].max() if one.how is How.SINCE_LAST else group["time"].min()
            found = (cutoff - moment) / DAY
        else:
            found = getattr(group[one.value or "time"], _PANDAS[one.how])()
        if one.how in (How.COUNT, How.SUM):
            panel[:, place] = 0
        panel[found.index.to_numpy(), place] = found.to_numpy()
    return panel


def in_polars(folder: Path) -> Ready:
    """One lazy group_by a kind of event and cutoff with a filtered expression a feature."""
    import polars as pl  # noqa: PLC0415

    ids = pl.read_parquet(folder / "orders.parquet", columns=["customer_id"]).unique().sort("customer_id")
    ids = ids.with_row_index("customer")
    frames: dict[str, pl.DataFrame] = {}
    for view, source in data.SOURCES.items():
        names = ["customer_id", source.time, *([source.value] if source.value else [])]
        frame = (
            pl.read_parquet(folder / f"{source.table}.parquet", columns=names)
            .drop_nulls(source.time)
            .join(ids, on="customer_id")
            .with_columns(pl.col(source.time).cast(pl.Int64).alias("time"))
            .drop("customer_id", *([source.time] if source.time != "time" else []))
            .sort("customer", "time")
        )
        if view == "orders":
            gap = pl.col("time").diff().over("customer") // SPAN * SPAN / DAY
            frame = frame.with_columns(gap.alias("gap"))
        frames[view] = frame

    def told(one: Measure, cutoff: int) -> Any:
        column = pl.col(one.value or "time")
        if one.within.days is not None:
            column = column.filter(pl.col("time") >= one.within.start(cutoff))
        return {
            How.COUNT: column.len,
            How.SUM: column.sum,
            How.MEAN: column.mean,
            How.SD: column.std,
            How.MIN: column.min,
            How.MAX: column.max,
            How.SINCE_LAST: lambda: (cutoff - column.max()) / DAY,
            How.SINCE_FIRST: lambda: (cutoff - column.min()) / DAY,
        }[one.how]()

    def compute() -> Panel:
        panels = []
        for cutoff in data.CUTOFFS:
            panel = ids.lazy().select("customer")
            for view, frame in frames.items():
                wanted = [
                    told(one, cutoff).cast(pl.Float64).alias(name)
                    for name, one in data.MEASURES.items()
                    if one.view == view
                ]
                found = frame.lazy().filter(pl.col("time") < cutoff).group_by("customer").agg(wanted)
                panel = panel.join(found, on="customer", how="left")
            zero = [name for name, one in data.MEASURES.items() if one.how in (How.COUNT, How.SUM)]
            whole = panel.sort("customer").with_columns(pl.col(zero).fill_null(0)).collect()
            panels.append(whole.select(list(data.MEASURES)).to_numpy())
        return np.concatenate(panels)

    return compute


def in_duckdb(folder: Path) -> Ready:
    """Tables prepared once, then one query a cutoff with a FILTER a feature."""
    con = _with_customers(folder)
    for view, source in data.SOURCES.items():
        value = f", {source.value}" if source.value else ""
        gap = (
            f", (time - lag(time) OVER (PARTITION BY customer ORDER BY time)) // {SPAN} * {SPAN} / {DAY}::DOUBLE AS gap"
            if view == "orders"
            else ""
        )
        con.sql(
            f"CREATE TABLE {view} AS SELECT *{gap} FROM (SELECT customer, epoch_us({source.time}) AS time{value} "
            f"FROM '{folder}/{source.table}.parquet' JOIN ids USING (customer_id) WHERE {source.time} IS NOT NULL)"
        )

    return lambda: np.concatenate([_queried(con, cutoff, "", "time < {}", _sql) for cutoff in data.CUTOFFS])


def _queried(con: Any, cutoff: int, suffix: str, before: str, told: Callable[[Measure, int], str]) -> Panel:
    """All features at a cutoff by one query, with a subquery a kind of event."""
    parts = []
    for view in data.SOURCES:
        wanted = ", ".join(
            f"{told(one, cutoff)} AS {name}" for name, one in data.MEASURES.items() if one.view == view
        )
        parts.append(
            f"(SELECT customer, {wanted} FROM {view}{suffix} WHERE {before.format(cutoff)} GROUP BY customer)"
        )
    joined = " ".join(f"LEFT JOIN {part} USING (customer)" for part in parts)
    columns = ", ".join(
        f"coalesce({name}, 0)::DOUBLE AS {name}"
        if one.how in (How.COUNT, How.SUM)
        else f"{name}::DOUBLE AS {name}"
        for name, one in data.MEASURES.items()
    )
    found = con.sql(f"SELECT {columns} FROM ids {joined} ORDER BY customer").fetchnumpy()
    return np.column_stack([np.ma.filled(column.astype(np.float64), np.nan) for column in found.values()])


def aggregated_in_duckdb(folder: Path) -> Ready:
    """Events of a customer between two ends of any window are put together once; each cutoff adds these up."""
    con = _with_customers(folder)
    for view, source in data.SOURCES.items():
        value = f", (round({source.value} * 100))::BIGINT AS {source.value}" if source.value else ""
        gap = f", (time - lag(time) OVER (PARTITION BY customer ORDER BY time)) // {SPAN} AS gap"
        con.sql(
            f"CREATE TABLE {view} AS SELECT *{gap if view == 'orders' else ''} FROM (SELECT customer, epoch_us({source.time}) AS "
            f"time{value} FROM '{folder}/{source.table}.parquet' JOIN ids USING (customer_id) WHERE {source.time} IS NOT NULL)"
        )

    def compute() -> Panel:
        for view in data.SOURCES:
            columns = {one.value for one in data.MEASURES.values() if one.view == view and one.value}
            mine = [one for one in data.MEASURES.values() if one.view == view]
            ends = sorted(
                {
                    *data.CUTOFFS,
                    *(one.within.start(at) for one in mine for at in data.CUTOFFS if one.within.days),
                }
            )
            parts = "".join(
                f", count({one}) AS {one}_n, sum({one})::BIGINT AS {one}_sum, sum({one} * {one})::BIGINT AS {one}_square, "
                f"min({one}) AS {one}_min, max({one}) AS {one}_max"
                for one in sorted(columns)
            )
            con.sql(f"CREATE OR REPLACE TABLE ends AS SELECT unnest({ends}) AS until")
            con.sql(
                f"CREATE OR REPLACE TABLE {view}_parts AS SELECT customer, until, count(*) AS n, min(time) AS first, max(time) AS "
                f"last{parts} FROM (SELECT {view}.*, until FROM {view} ASOF JOIN ends ON {view}.time < ends.until) GROUP BY customer, until"
            )
        return np.concatenate(
            [_queried(con, cutoff, "_parts", "until <= {}", _sql_of_parts) for cutoff in data.CUTOFFS]
        )

    return compute


def _sql_of_parts(one: Measure, cutoff: int) -> str:
    only = "" if one.within.days is None else f" FILTER (WHERE until > {one.within.start(cutoff)})"
    if one.how in (How.SINCE_LAST, How.SINCE_FIRST):
        moment = "max(last" if one.how is How.SINCE_LAST else "min(first"
        return f"({cutoff} - {moment}){only}) / {DAY}::DOUBLE"
    if one.value is None:
        return f"sum(n){only}"
    unit = DAY // SPAN if one.value == "gap" else 100
    if one.how in (How.MIN, How.MAX):
        return f"{one.how.value}({one.value}_{one.how.value}){only} / {unit}::DOUBLE"
    count, total = (f"sum({one.value}_{part}){only}" for part in ("n", "sum"))
    if one.how is How.SUM:
        return f"{total} / {unit}::DOUBLE"
    if one.how is How.MEAN:
        return f"{total}::DOUBLE / nullif({count}, 0) / {unit}"
    # Of whole numbers, so that nothing cancels.
    spread = f"({count} * sum({one.value}_square){only} - {total} * {total})::DOUBLE"
    return f"sqrt({spread} / nullif({count} * ({count} - 1), 0)) / {unit}"


def _sql(one: Measure, cutoff: int) -> str:
    column = one.value or "time"
    only = "" if one.within.days is None else f" FILTER (WHERE time >= {one.within.start(cutoff)})"
    if one.how in (How.SINCE_LAST, How.SINCE_FIRST):
        return f"({cutoff} - {'max' if one.how is How.SINCE_LAST else 'min'}(time){only}) / {DAY}::DOUBLE"
    name = {How.MEAN: "avg", How.SD: "stddev_samp"}.get(one.how, one.how.value)
    return f"{name}({column}){only}"


def scan(folder: Path) -> Ready:
    """Nothing but every value of the same columns, read and hashed, so that no statistics can answer."""
    con = _duckdb()

    def compute() -> None:
        for name, columns in data.COLUMNS.items():
            whole = " + ".join(f"sum(hash({column}) % 1024)" for column in columns)
            con.sql(f"SELECT {whole} FROM '{folder}/{name}.parquet'").fetchall()

    return compute


def _with_customers(folder: Path) -> Any:
    """A connection with the table of customers' numbers."""
    con = _duckdb()
    con.sql(
        "CREATE TABLE ids AS SELECT customer_id, row_number() OVER (ORDER BY customer_id) - 1 AS customer "
        f"FROM (SELECT DISTINCT customer_id FROM '{folder}/orders.parquet')"
    )
    return con


def _duckdb() -> Any:
    import duckdb  # noqa: PLC0415

    con = duckdb.connect()
    con.sql("SET threads = 1")
    return con


ENGINES = {
    "kernel": kernel,
    "kernel, one cutoff": kernel_once,
    "pandas": in_pandas,
    "Polars": in_polars,
    "DuckDB SQL": in_duckdb,
    "DuckDB SQL, aggregated first": aggregated_in_duckdb,
    "bare scan": scan,
}
"""Every way by its name."""
LIBRARIES = {"Polars": "polars"}
"""What a way needs that `retain` does not."""
