"""One table after the other read and checked, its rows left in the database: in memory, or on disk if they are too many."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

import duckdb

from retain.errors import ConfigError, ContractError, SourceError, did_you_mean
from retain.events.attributes import with_attributes
from retain.events.casts import plain, translated
from retain.events.checks import checked_sql, mark_duplicates, unknown_values_hint
from retain.events.columns import match_columns
from retain.events.disk import is_ours
from retain.events.habits import find_habits
from retain.events.quarantine import bad_rows, write_quarantine
from retain.events.readers import opened, unreadable
from retain.events.schemas import SCHEMAS
from retain.events.source import files_of
from retain.events.sql import literal, name
from retain.events.store import TableAccount

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from pathlib import Path

    from retain.events.checks import Rules
    from retain.events.columns import Matched
    from retain.events.content import Content
    from retain.events.readers import Reading
    from retain.events.schemas import Schema
    from retain.events.source import SourceSettings, TableSource

MAIN_TABLES = ("orders", "contracts", "customers")
"""The first of these that is read says who the customers are; it may not be empty."""

_THREADS = 2


@dataclass(frozen=True)
class Checked:
    """A table after its checks; its rows are in the database.

    Attributes:
        schema: the table's contract, with the columns that the configuration admits.
        columns: those of ours that its good rows have, in the contract's order.
        rows_good: how many can be used.
        reasons: how many cannot, by reason.
        missing: optional columns that the source lacks.
        format: what was read and how, in words.
        warnings: what looks odd.
        hint: how to map values that the contract does not know.
    """

    schema: Schema
    columns: tuple[str, ...]
    rows_good: int
    reasons: Mapping[str, int]
    missing: tuple[str, ...]
    format: str
    warnings: tuple[str, ...]
    hint: str

    @property
    def name(self) -> str:
        """The table's."""
        return self.schema.name

    @property
    def rows_bad(self) -> int:
        """How many rows cannot be used."""
        return sum(self.reasons.values())

    @property
    def rows_read(self) -> int:
        """How many rows there were."""
        return self.rows_good + self.rows_bad

    @property
    def good(self) -> str:
        """SQL of the good rows."""
        return self.good_with(self.columns)

    def good_with(self, columns: Sequence[str]) -> str:
        """SQL of the good rows with these columns only."""
        return (
            f"SELECT {', '.join(map(name, columns))} FROM {name(in_database(self.name))} WHERE reason IS NULL"
        )

    @property
    def invalid(self) -> str:
        """SQL of the customers who occur in bad rows, each with the first reason."""
        return (
            f"SELECT customer_id, min(reason) AS reason FROM {name(in_database(self.name))} "
            f"WHERE reason IS NOT NULL AND customer_id IS NOT NULL GROUP BY customer_id ORDER BY customer_id"
        )

    def account(self, first: int | None, last: int | None, content: Content) -> TableAccount:
        """What became of the table's rows.

        Args:
            first: the earliest instant of a good row.
            last: the latest.
            content: of the good rows.
        """
        return TableAccount(
            rows_read=self.rows_read,
            rows_good=self.rows_good,
            rows_bad=self.rows_bad,
            reasons=MappingProxyType(dict(self.reasons)),
            missing_columns=self.missing,
            first_event=first,
            last_event=last,
            format=self.format,
            fingerprint=content.fingerprint(self.columns),
        )


def in_database(table: str) -> str:
    """What a table's checked rows are called in the database."""
    return f"checked {table}"


def wanted_tables(source: SourceSettings, tables: Collection[str] | None) -> list[str]:
    """The tables to read, in the contract's order; None are all. Tickets come along with their events, which need them.

    Raises:
        ConfigError: a table is asked for that the source does not have.
    """
    asked = set(source.tables if tables is None else tables)
    for one in sorted(asked - set(source.tables)):
        raise ConfigError(f"The source has no table '{one}'. {did_you_mean(one, source.tables)}")
    if "ticket_events" in asked and "tickets" in source.tables:
        asked.add("tickets")
    return [one for one in SCHEMAS if one in asked]


def connection(
    source: SourceSettings, folder: Path, memory_mb: int | None = None
) -> duckdb.DuckDBPyConnection:
    """A database for this source.

    Args:
        source: says where times without an offset are read.
        folder: takes what does not fit in memory.
        memory_mb: how much memory it may take, beyond which its tables are on disk; None leaves it to the database.

    Raises:
        ConfigError: the zone is none that the database knows.
    """
    remote = any("://" in one.path for one in source.tables.values())
    settings: dict[str, str | bool | int | float | list[str]] = {
        "threads": _THREADS,
        "temp_directory": str(folder / "spill"),
        "autoinstall_known_extensions": remote,
        "arrow_large_buffer_size": True,
    }
    if memory_mb is not None:
        settings["memory_limit"] = f"{memory_mb}MB"
    con = duckdb.connect(config=settings)
    try:
        con.execute(f"SET TimeZone = {literal(source.zone)}")
    except duckdb.Error as cause:
        # Python takes a zone from this machine's files; the database brings a list of its own.
        con.close()
        raise ConfigError(
            f"The database knows no time zone '{source.zone}'. Use an IANA name such as 'Europe/London'."
        ) from cause
    return con


def check(
    con: duckdb.DuckDBPyConnection,
    table: str,
    source: SourceSettings,
    rules: Rules,
    folder: Path,
    quarantine: Path | None,
) -> Checked:
    """The table's rows, each with the reason why it cannot be used or none, in the database afterwards.

    Args:
        con: from ``connection``.
        table: its name.
        source: where it is.
        rules: what holds for all tables.
        folder: takes copies of files that have to be brought to UTF-8.
        quarantine: the folder that takes the bad rows; None writes nothing.

    Raises:
        SourceError: a file or column is missing or unreadable.
    """
    settings = source.tables[table]
    copies = folder / table
    copies.mkdir()
    readings = [opened(con, file, settings, copies) for file in files_of(table, settings, source.base)]
    schema = with_attributes(con, SCHEMAS[table], settings, readings)
    matched = match_columns(schema, settings, readings)
    _stage(con, schema, settings, readings, matched)
    found = find_habits(
        con,
        table,
        "staged",
        {one: (schema[one].kind, shape) for one, shape in matched.shapes.items()},
        settings,
        semicolons=any(one.delimiter == ";" for one in readings),
    )
    here = name(in_database(table))
    con.execute(
        f"CREATE OR REPLACE TEMP TABLE {here} AS "
        f"{checked_sql(schema, 'staged', matched.shapes, found.habits, rules)}"
    )
    con.execute("DROP TABLE staged")
    if table == "ticket_events":
        _give_customers(con, here, matched)
    there = {row[0] for row in con.execute(f"DESCRIBE {here}").fetchall()}
    columns = [one.name for one in schema.fields if one.name in there]
    mark_duplicates(con, schema, here, columns)
    reasons = bad_rows(con, here, readings)
    if quarantine is not None:
        write_quarantine(con, quarantine, table)
    con.execute("DROP TABLE IF EXISTS bad")
    kept, warnings = _told(con, schema, here, columns, matched)
    if table == "tickets":
        con.execute(
            f"CREATE TEMP TABLE known_tickets AS SELECT ticket_id, customer_id FROM {here} WHERE reason IS NULL"
        )
    return Checked(
        schema=schema,
        columns=tuple(kept),
        rows_good=con.execute(f"SELECT count(*) FROM {here} WHERE reason IS NULL").fetchall()[0][0],
        reasons=reasons,
        missing=matched.missing,
        format=", ".join([" and ".join(sorted({one.words for one in readings})), *found.words]),
        warnings=(*found.warnings, *warnings),
        hint=unknown_values_hint(con, schema, here, columns),
    )


def refuse_unusable(
    checked: Mapping[str, Checked], limit: float, quarantine: Path | None, main: str | None
) -> None:
    """Nothing, if enough rows can be used.

    Raises:
        ContractError: a table has too many bad rows, or the main table is empty.
    """
    lines = []
    for table, one in checked.items():
        if not one.rows_bad or one.rows_bad <= limit * one.rows_read:
            continue
        top = "; ".join(f"{reason} ({count})" for reason, count in list(one.reasons.items())[:3])
        where = f" They are in '{quarantine / table}.parquet'." if quarantine is not None else ""
        lines.append(
            f"{table}: {one.rows_bad} of {one.rows_read} rows ({one.rows_bad / one.rows_read:.1%}) cannot be used, "
            f"more than max_bad_share = {limit:g} allows. Most often: {top}.{where} {one.hint}".rstrip()
        )
    if lines:
        raise ContractError("\n".join(lines))
    if main is not None and not checked[main].rows_good:
        raise ContractError(
            f"{main} has no usable row: {checked[main].rows_read} were read. "
            f"Look at [source.tables.{main}] and the file it names."
        )


def warnings_of(
    checked: Mapping[str, Checked], main: str | None, strangers: Collection[str]
) -> tuple[str, ...]:
    """What looks odd but stopped nothing, in plain words.

    Args:
        checked: the tables.
        main: the one that says who the customers are.
        strangers: tables with rows, none of whose customers is in the main table.
    """
    return (
        *(words for one in checked.values() for words in one.warnings),
        *(one.hint for one in checked.values() if one.hint),
        *(
            f"{table} has no usable row."
            for table, one in checked.items()
            if table != main and not one.rows_good
        ),
        # Their ids are probably written in another way.
        *(
            f"No customer of {table} occurs in {main}: is customer_id the same thing in both, and written the same way?"
            for table in checked
            if table in strangers
        ),
    )


def _stage(
    con: duckdb.DuckDBPyConnection,
    schema: Schema,
    settings: TableSource,
    readings: Sequence[Reading],
    matched: Matched,
) -> None:
    """Every file's rows in one table, each column in the shape that fits all files."""
    types = {"text": "VARCHAR", "local": "TIMESTAMP", "instant": "TIMESTAMPTZ", "double": "DOUBLE"}
    columns = ", ".join(f"{name(one)} {types[shape]}" for one, shape in matched.shapes.items())
    con.execute(f"CREATE OR REPLACE TEMP TABLE staged (file_no INTEGER, {columns})")
    con.execute(
        "CREATE OR REPLACE TEMP TABLE malformed (file_no INTEGER, row BIGINT, reason VARCHAR, line VARCHAR)"
    )
    for number, (reading, theirs) in enumerate(zip(readings, matched.theirs, strict=True)):
        inner, outer = [], []
        for ours, shape in matched.shapes.items():
            column, kind = theirs.get(ours), schema[ours].kind
            given = reading.columns[column] if column else ""
            taken = plain(reading.take(column), given, kind, shape) if column else "NULL"
            inner.append(f"{taken} AS {name(ours)}")
            outer.append(
                translated(name(ours), given, kind, settings.values.get(ours, {})) if column else "NULL"
            )
        try:
            con.execute(
                f"INSERT INTO staged SELECT {number}, {', '.join(outer)} "
                f"FROM (SELECT {', '.join(inner)} FROM {reading.relation})"
            )
        except duckdb.Error as cause:
            if is_ours(cause):
                raise
            raise unreadable(reading.file, cause) from cause
        if reading.malformed:
            con.execute(
                f"INSERT INTO malformed SELECT {number}, row, reason, line FROM ({reading.malformed})"
            )


def _give_customers(con: duckdb.DuckDBPyConnection, here: str, matched: Matched) -> None:
    """A ticket's events belong to the ticket's customer."""
    known = con.execute("SELECT 1 FROM duckdb_tables() WHERE table_name = 'known_tickets'").fetchall()
    own = "customer_id" in matched.shapes
    if not known and not own:
        raise SourceError(
            "ticket_events has no customer_id, and there is no tickets table to look it up in. "
            "Map customer_id or add [source.tables.tickets]."
        )
    if not known:
        con.execute(
            "CREATE TEMP TABLE known_tickets AS SELECT ''::VARCHAR AS ticket_id, ''::VARCHAR AS customer_id LIMIT 0"
        )
    who = "coalesce(c.customer_id, t.customer_id)" if own else "t.customer_id"
    rest = "c.* EXCLUDE (customer_id, reason)" if own else "c.* EXCLUDE (reason)"
    con.execute(
        f"CREATE OR REPLACE TEMP TABLE {here} AS SELECT {rest}, {who} AS customer_id, "
        f"CASE WHEN reason IS NULL AND {who} IS NULL THEN 'ticket_id names no known ticket' ELSE reason END AS reason "
        f"FROM {here} c LEFT JOIN known_tickets t ON c.ticket_id = t.ticket_id"
    )


def _told(
    con: duckdb.DuckDBPyConnection, schema: Schema, here: str, columns: list[str], matched: Matched
) -> tuple[list[str], list[str]]:
    """The columns without a kind that would say nothing, and what to warn of."""
    if "kind" not in columns or "kind" in matched.shapes:
        return columns, []
    returns = con.execute(f"SELECT count(*) FROM {here} WHERE reason IS NULL AND kind = 'return'").fetchall()[
        0
    ][0]
    if not returns:
        return [one for one in columns if one != "kind"], []
    return columns, [
        f"{schema.name} has no kind: {returns} rows with a negative amount were taken for returns."
    ]
