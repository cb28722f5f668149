"""Rows that somebody else has read, such as a cluster: the same checks, and the same store as from files."""

from __future__ import annotations

from dataclasses import dataclass
from tempfile import TemporaryDirectory
from types import MappingProxyType
from typing import TYPE_CHECKING

import duckdb

from retain.events.assemble import all_ids, renumbered, sorted_table
from retain.events.casts import Habits, Shape, plain, translated
from retain.events.checks import checked_sql, mark_duplicates
from retain.events.schemas import Kind
from retain.events.sql import name
from retain.events.store import EventStore

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pyarrow as pa

    from retain.events.checks import Rules
    from retain.events.schemas import Schema

_HABITS = Habits()
"""Rows with types leave nothing to guess."""


@dataclass(frozen=True)
class Rows:
    """Rows of one table, each column in the shape that holds its kind.

    Attributes:
        schema: the table's contract.
        shapes: its columns, all of them the contract's.
        values: the columns by their names: text, timestamps without or with a zone, doubles.
    """

    schema: Schema
    shapes: Mapping[str, Shape]
    values: pa.Table

    def __post_init__(self) -> None:
        """Refuse rows without a customer, other than announced, or with times that would have to be guessed."""
        if "customer_id" not in self.shapes or set(self.shapes) != set(self.values.column_names):
            raise ValueError(f"{self.schema.name}: columns {self.values.column_names} for {[*self.shapes]}")
        dated = (Kind.TIME, Kind.DATE)
        for column, shape in self.shapes.items():
            if self.schema[column].kind in dated and shape not in (Shape.LOCAL, Shape.INSTANT):
                raise ValueError(f"{self.schema.name}.{column}: a time cannot be {shape}")


def store_of(tables: Mapping[str, Rows], rules: Rules) -> EventStore:
    """The store of the good rows; customers who occur in bad rows only are invalid, as when files are read.

    A duplicate is found among these rows only, and a table that could hold returns says of every row whether it is one.

    Args:
        tables: by their names.
        rules: zone, currency and present.
    """
    arranged, bad = {}, {}
    with TemporaryDirectory(prefix="retain-") as spill, duckdb.connect(config=_config(spill)) as con:
        for table, rows in tables.items():
            good, bad[table] = _checked(con, rows, rules)
            arranged[table] = sorted_table(con, rows.schema, good)
    ids = all_ids(one.ids for one in arranged.values())
    known = set(ids)
    invalid: dict[str, str] = {}
    for reasons in bad.values():
        for who, why in reasons.items():
            if who not in known:
                invalid.setdefault(who, why)
    return EventStore(
        customer_ids=ids,
        tables=MappingProxyType({table: renumbered(one, ids) for table, one in arranged.items()}),
        accounts=MappingProxyType({}),
        invalid=MappingProxyType(dict(sorted(invalid.items()))),
        money_exponent=rules.exponent,
        zone=rules.zone,
    )


def _config(spill: str) -> dict[str, str | bool | int | float | list[str]]:
    # Whoever has many parts of a customer base gives each a core of its own.
    return {
        "threads": 1,
        "temp_directory": spill,
        "autoinstall_known_extensions": False,
        "arrow_large_buffer_size": True,
    }


def _checked(con: duckdb.DuckDBPyConnection, rows: Rows, rules: Rules) -> tuple[pa.Table, dict[str, str]]:
    """The good rows of a table, and of each customer with bad ones a reason."""
    inner, outer = [], []
    for column, shape in rows.shapes.items():
        kind, given = rows.schema[column].kind, "DOUBLE" if shape is Shape.DOUBLE else "VARCHAR"
        inner.append(f"{plain(name(column), given, kind, shape)} AS {name(column)}")
        outer.append(translated(name(column), given if shape is Shape.TEXT else "", kind, {}))
    con.register("given", rows.values)
    listed = ", ".join(f"{one} AS {name(column)}" for one, column in zip(outer, rows.shapes, strict=True))
    con.execute(
        f"CREATE OR REPLACE TEMP TABLE staged AS SELECT 0 AS file_no, {listed} FROM (SELECT {', '.join(inner)} FROM given)"
    )
    con.unregister("given")
    con.execute(
        f"CREATE OR REPLACE TEMP TABLE checked AS {checked_sql(rows.schema, 'staged', rows.shapes, _HABITS, rules)}"
    )
    there = {row[0] for row in con.execute("DESCRIBE checked").fetchall()}
    columns = [one.name for one in rows.schema.fields if one.name in there]
    mark_duplicates(con, rows.schema, "checked", columns)
    good = con.sql(
        f"SELECT {', '.join(map(name, columns))} FROM checked WHERE reason IS NULL"
    ).to_arrow_table()
    bad = con.execute(
        "SELECT customer_id, min(reason) FROM checked WHERE reason IS NOT NULL AND customer_id IS NOT NULL "
        "GROUP BY customer_id"
    ).fetchall()
    return good, {str(who): str(why) for who, why in bad}
