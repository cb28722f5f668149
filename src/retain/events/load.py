"""From a source to an event store: read, check, put bad rows aside, sort."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from types import MappingProxyType
from typing import TYPE_CHECKING

import duckdb

from retain.errors import ConfigError, ContractError, SourceError, did_you_mean
from retain.events.assemble import all_ids, renumbered, sorted_table
from retain.events.attributes import with_attributes
from retain.events.casts import plain, translated
from retain.events.checks import Rules, checked_sql, mark_duplicates, unknown_values_hint
from retain.events.columns import match_columns
from retain.events.habits import find_habits
from retain.events.quarantine import bad_rows, write_quarantine
from retain.events.readers import opened, unreadable
from retain.events.schemas import SCHEMAS
from retain.events.source import files_of
from retain.events.sql import literal, name
from retain.events.store import EventStore, TableAccount

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    import pyarrow as pa

    from retain.events.assemble import SortedTable
    from retain.events.columns import Matched
    from retain.events.readers import Reading
    from retain.events.schemas import Schema
    from retain.events.source import SourceSettings, TableSource

MAIN_TABLES = ("orders", "contracts", "customers")
"""The first of these that is read says who the customers are; it may not be empty."""

_THREADS = 2


@dataclass(frozen=True)
class _Checked:
    """A table after its checks, in the database and out of it."""

    schema: Schema
    rows: pa.Table
    bad: pa.Table | None
    invalid: Mapping[str, str]
    missing: tuple[str, ...]
    format: str
    warnings: tuple[str, ...]
    hint: str

    @property
    def rows_bad(self) -> int:
        return 0 if self.bad is None else len(self.bad)

    @property
    def rows_read(self) -> int:
        return len(self.rows) + self.rows_bad

    @property
    def reasons(self) -> dict[str, int]:
        counts = Counter([] if self.bad is None else self.bad.column("reason").to_pylist())
        return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))


def read_events(
    source: SourceSettings,
    *,
    quarantine: Path | None = None,
    now: int | None = None,
    tables: Collection[str] | None = None,
    progress: Callable[[str], None] | None = None,
) -> EventStore:
    """The source's events, checked and sorted.

    Args:
        source: where the tables are.
        quarantine: the folder that takes the bad rows, one Parquet file a table; None writes nothing.
        now: the present, in UTC microseconds; times more than a day after it are in the future. None is the clock's.
        tables: read only these; the tickets come along with their events, which need them.
        progress: told in a few words what is being done.

    Raises:
        ConfigError: a table is asked for that the source does not have, or the zone is none that the database knows.
        SourceError: a file or column is missing or unreadable.
        ContractError: a table has too many bad rows, or the main table is empty.
    """
    wanted = _wanted(source, tables)
    rules = Rules(source.zone, source.money_exponent, time.time_ns() // 1000 if now is None else now)
    tell = progress or (lambda _words: None)
    checked: dict[str, _Checked] = {}
    with TemporaryDirectory(prefix="retain-") as folder, _connection(source, Path(folder)) as con:
        for table in wanted:
            tell(f"reading {table}")
            checked[table] = _check(con, SCHEMAS[table], source, rules, Path(folder))
            if quarantine is not None:
                write_quarantine(quarantine, table, checked[table].bad)
        _refuse_too_many_bad(checked, source.max_bad_share, quarantine)
        main = next((one for one in MAIN_TABLES if one in checked), None)
        if main is not None and not len(checked[main].rows):
            raise ContractError(
                f"{main} has no usable row: {checked[main].rows_read} were read. "
                f"Look at [source.tables.{main}] and the file it names."
            )
        tell("sorting")
        arranged = {table: sorted_table(con, one.schema, one.rows) for table, one in checked.items()}
    return _store(source, checked, arranged, main)


def _wanted(source: SourceSettings, tables: Collection[str] | None) -> list[str]:
    asked = set(source.tables if tables is None else tables)
    for one in sorted(asked - set(source.tables)):
        raise ConfigError(f"The source has no table '{one}'. {did_you_mean(one, source.tables)}")
    if "ticket_events" in asked and "tickets" in source.tables:
        asked.add("tickets")
    return [one for one in SCHEMAS if one in asked]


def _connection(source: SourceSettings, folder: Path) -> duckdb.DuckDBPyConnection:
    remote = any("://" in one.path for one in source.tables.values())
    spill = folder / "spill"
    con = duckdb.connect(
        config={
            "threads": _THREADS,
            "temp_directory": str(spill),
            "autoinstall_known_extensions": remote,
            "arrow_large_buffer_size": True,
        }
    )
    try:
        con.execute(f"SET TimeZone = {literal(source.zone)}")
    except duckdb.Error as cause:
        # Python takes a zone from this machine's files; the database brings a list of its own.
        con.close()
        raise ConfigError(
            f"The database knows no time zone '{source.zone}'. Use an IANA name such as 'Europe/London'."
        ) from cause
    return con


def _check(
    con: duckdb.DuckDBPyConnection, schema: Schema, source: SourceSettings, rules: Rules, folder: Path
) -> _Checked:
    settings = source.tables[schema.name]
    copies = folder / schema.name
    copies.mkdir()
    readings = [opened(con, file, settings, copies) for file in files_of(schema.name, settings, source.base)]
    schema = with_attributes(con, schema, settings, readings)
    matched = match_columns(schema, settings, readings)
    _stage(con, schema, settings, readings, matched)
    found = find_habits(
        con,
        schema.name,
        "staged",
        {one: (schema[one].kind, shape) for one, shape in matched.shapes.items()},
        settings,
        semicolons=any(one.delimiter == ";" for one in readings),
    )
    con.execute(
        f"CREATE OR REPLACE TEMP TABLE checked AS "
        f"{checked_sql(schema, 'staged', matched.shapes, found.habits, rules)}"
    )
    con.execute("DROP TABLE staged")
    if schema.name == "ticket_events":
        _give_customers(con, matched)
    columns = [
        one.name
        for one in schema.fields
        if one.name in {row[0] for row in con.execute("DESCRIBE checked").fetchall()}
    ]
    mark_duplicates(con, schema, "checked", columns)
    has_bad = con.execute(
        "SELECT count(*) FROM (SELECT 1 FROM checked WHERE reason IS NOT NULL UNION ALL SELECT 1 FROM malformed)"
    ).fetchall()[0][0]
    bad = bad_rows(con, "checked", readings) if has_bad else None
    rows, warnings = _good_rows(con, schema, columns, matched)
    if schema.name == "tickets":
        con.execute(
            "CREATE TEMP TABLE known_tickets AS SELECT ticket_id, customer_id FROM checked WHERE reason IS NULL"
        )
    invalid = con.execute(
        "SELECT customer_id, min(reason) FROM checked WHERE reason IS NOT NULL AND customer_id IS NOT NULL "
        "GROUP BY customer_id ORDER BY customer_id"
    ).fetchall()
    words = sorted({one.words for one in readings})
    hint = unknown_values_hint(con, schema, "checked", columns)
    # From here on the rows are held once, outside the database.
    con.execute("DROP TABLE checked")
    return _Checked(
        schema=schema,
        rows=rows,
        bad=bad,
        invalid={str(who): str(why) for who, why in invalid},
        missing=matched.missing,
        format=", ".join([" and ".join(words), *found.words]),
        warnings=(*found.warnings, *warnings),
        hint=hint,
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
            raise unreadable(reading.file, cause) from cause
        if reading.malformed:
            con.execute(
                f"INSERT INTO malformed SELECT {number}, row, reason, line FROM ({reading.malformed})"
            )


def _give_customers(con: duckdb.DuckDBPyConnection, matched: Matched) -> None:
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
        f"CREATE OR REPLACE TEMP TABLE checked AS SELECT {rest}, {who} AS customer_id, "
        f"CASE WHEN reason IS NULL AND {who} IS NULL THEN 'ticket_id names no known ticket' ELSE reason END AS reason "
        f"FROM checked c LEFT JOIN known_tickets t ON c.ticket_id = t.ticket_id"
    )


def _good_rows(
    con: duckdb.DuckDBPyConnection, schema: Schema, columns: list[str], matched: Matched
) -> tuple[pa.Table, list[str]]:
    """The good rows, without a kind column that would say nothing, and what to warn of."""
    kept = list(columns)
    warnings = []
    if "kind" in kept and "kind" not in matched.shapes:
        returns = con.execute(
            "SELECT count(*) FROM checked WHERE reason IS NULL AND kind = 'return'"
        ).fetchall()[0][0]
        if returns:
            warnings.append(
                f"{schema.name} has no kind: {returns} rows with a negative amount were taken for returns."
            )
        else:
            kept.remove("kind")
    wanted = ", ".join(map(name, kept))
    rows = con.sql(f"SELECT {wanted} FROM checked WHERE reason IS NULL").to_arrow_table()
    return rows, warnings


def _refuse_too_many_bad(checked: Mapping[str, _Checked], limit: float, quarantine: Path | None) -> None:
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


def _store(
    source: SourceSettings,
    checked: Mapping[str, _Checked],
    tables: Mapping[str, SortedTable],
    main: str | None,
) -> EventStore:
    ids = all_ids(tables)
    known = set(ids)
    invalid: dict[str, str] = {}
    for one in checked.values():
        for who, why in one.invalid.items():
            if who not in known:
                invalid.setdefault(who, why)
    warnings = [words for one in checked.values() for words in one.warnings]
    warnings += [one.hint for one in checked.values() if one.hint]
    warnings += [
        f"{table} has no usable row." for table, one in checked.items() if table != main and not len(one.rows)
    ]
    if main is not None:
        warnings += _strangers(tables, main)
    return EventStore(
        customer_ids=ids,
        tables=MappingProxyType({table: renumbered(one, ids) for table, one in tables.items()}),
        accounts=MappingProxyType({table: _account(one, tables[table]) for table, one in checked.items()}),
        invalid=MappingProxyType(dict(sorted(invalid.items()))),
        warnings=tuple(warnings),
        money_exponent=source.money_exponent,
        zone=source.zone,
    )


def _strangers(tables: Mapping[str, SortedTable], main: str) -> list[str]:
    """Tables none of whose customers is in the main table: their ids are probably written in another way."""
    known = set(tables[main].ids)
    return [
        f"No customer of {table} occurs in {main}: is customer_id the same thing in both, and written the same way?"
        for table, one in tables.items()
        if table != main and len(one.ids) and known.isdisjoint(one.ids)
    ]


def _account(checked: _Checked, table: SortedTable) -> TableAccount:
    dated = len(table.events) > 0 and checked.schema.time is not None
    return TableAccount(
        rows_read=checked.rows_read,
        rows_good=len(checked.rows),
        rows_bad=checked.rows_bad,
        reasons=MappingProxyType(checked.reasons),
        missing_columns=checked.missing,
        first_event=int(table.events.time.min()) if dated else None,
        last_event=int(table.events.time.max()) if dated else None,
        format=checked.format,
        fingerprint=table.fingerprint,
    )
