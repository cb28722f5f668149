"""The panel of `bench_spark.py` in Spark SQL: DuckDB's SQL of the same features, transpiled with sqlglot.

A view of each kind of event, a query a cutoff with a FILTER a feature over it, and all cutoffs in one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import panel_data as data
import sqlglot
from sqlglot import expressions

from retain.features.spec import How, Measure
from retain.timeline import DAY

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

SPAN = 60_000_000
"""Gaps between orders are whole minutes, as the kernel has them."""
_NAMES = {How.MEAN: "avg", How.SD: "stddev_samp"}
_UNKNOWN_TO_SQLGLOT = {"EPOCH_US": "UNIX_MICROS"}


def views() -> Iterator[tuple[str, str]]:
    """The name of each kind of event, and Spark's query for its rows: whose, when, and numbers."""
    for name, source in data.SOURCES.items():
        value = f", {source.value}" if source.value else ""
        rows = (
            f"SELECT customer_id, epoch_us({source.time}) AS time{value} FROM {source.table} "
            f"WHERE {source.time} IS NOT NULL"
        )
        if name == "orders":
            before = "lag(time) OVER (PARTITION BY customer_id ORDER BY time)"
            rows = f"SELECT *, (time - {before}) // {SPAN} * {SPAN} / {DAY}::DOUBLE AS gap FROM ({rows})"
        yield f"all_{name}", transpiled(rows)


def panel(cutoffs: Sequence[int]) -> str:
    """Spark's query for all features of all customers at all cutoffs."""
    return transpiled(" UNION ALL ".join(map(_at, cutoffs)))


def transpiled(query: str) -> str:
    """DuckDB's SQL as Spark's."""
    tree = sqlglot.parse_one(query, read="duckdb")
    return tree.transform(_renamed).sql(dialect="spark")


def _renamed(node: expressions.Expr) -> expressions.Expr:
    """Functions that sqlglot leaves as they are, under Spark's names."""
    if isinstance(node, expressions.Anonymous) and node.name.upper() in _UNKNOWN_TO_SQLGLOT:
        return expressions.Anonymous(
            this=_UNKNOWN_TO_SQLGLOT[node.name.upper()], expressions=node.expressions
        )
    return node


def _at(cutoff: int) -> str:
    """All features at a cutoff, with a subquery a kind of event."""
    parts = []
    for view in data.SOURCES:
        wanted = ", ".join(
            f"{_told(one, cutoff)} AS {name}" for name, one in data.MEASURES.items() if one.view == view
        )
        parts.append(
            f"LEFT JOIN (SELECT customer_id, {wanted} FROM all_{view} WHERE time < {cutoff} GROUP BY customer_id) "
            "USING (customer_id)"
        )
    columns = ", ".join(
        f"coalesce({name}, 0)::DOUBLE AS {name}"
        if one.how in (How.COUNT, How.SUM)
        else f"{name}::DOUBLE AS {name}"
        for name, one in data.MEASURES.items()
    )
    return (
        f"SELECT customer_id, make_timestamp({cutoff}) AS cutoff, {columns} "
        f"FROM (SELECT DISTINCT customer_id FROM all_orders) {' '.join(parts)}"
    )


def _told(one: Measure, cutoff: int) -> str:
    """A feature at a cutoff over the rows before it."""
    only = "" if one.within.days is None else f" FILTER (WHERE time >= {one.within.start(cutoff)})"
    if one.how in (How.SINCE_LAST, How.SINCE_FIRST):
        return f"({cutoff} - {'max' if one.how is How.SINCE_LAST else 'min'}(time){only}) / {DAY}::DOUBLE"
    return f"{_NAMES.get(one.how, one.how.value)}({one.value or 'time'}){only}"
