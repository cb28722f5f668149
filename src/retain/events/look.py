"""What a folder holds: its files, and a guess which table of the contract each one is."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from tempfile import TemporaryDirectory
from types import MappingProxyType
from typing import TYPE_CHECKING

import duckdb

from retain.errors import SourceError
from retain.events.readers import opened
from retain.events.schemas import SCHEMAS, Kind
from retain.events.source import TableSource, files_of
from retain.events.sql import literal, name
from retain.events.synonyms import ALL_WORDS, TABLES, WORDS, best_column, words_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from retain.events.readers import Reading
    from retain.events.schemas import Schema
    from retain.events.source import SourceFile

_ROWS = 20_000


@dataclass(frozen=True)
class ColumnLook:
    """One column of a file, without any of its values.

    Attributes:
        name: the file's.
        type: DuckDB's name of its type.
        filled: share of rows with a value.
        distinct: how many different values, in the rows looked at.
        kind: what the values look like.
        words: those values that are usual words for a kind of row, such as ``refund``; no others are kept.
    """

    name: str
    type: str
    filled: float
    distinct: int
    kind: Kind
    words: tuple[str, ...] = ()


@dataclass(frozen=True)
class FileLook:
    """One file, or the first of many that look alike.

    Attributes:
        path: from the folder looked at; a glob if there are many.
        format: how it is read, such as ``csv, cp1251, ';'``.
        rows: rows looked at.
        columns: what it has.
    """

    path: str
    format: str
    rows: int
    columns: tuple[ColumnLook, ...]


@dataclass(frozen=True)
class Look:
    """What was found and what it probably is.

    Attributes:
        files: each file, or each group of files with the same columns.
        tables: the table of the contract that a file probably is, ready for a source config.
        notes: what could not be guessed, and what to check.
    """

    files: tuple[FileLook, ...]
    tables: Mapping[str, TableSource] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


def look(path: Path) -> Look:
    """What a folder or file holds, and a guess at the source config.

    Args:
        path: a folder, or one file.

    Raises:
        SourceError: there is nothing to look at.
    """
    base, inside = (path, ".") if path.is_dir() else (path.parent, path.name)
    found = files_of("orders", TableSource(inside), base)
    files: list[FileLook] = []
    notes: list[str] = []
    with (
        TemporaryDirectory(prefix="retain-") as folder,
        duckdb.connect(config={"threads": 2, "temp_directory": str(Path(folder) / "spill")}) as con,
    ):
        copies = Path(folder) / "copies"
        copies.mkdir()
        for pattern, group in _alike(found):
            try:
                files.append(_looked(con, pattern, opened(con, group[0], TableSource(inside), copies)))
            except SourceError as problem:
                notes.append(str(problem))
    tables, more = _guess(files)
    return Look(tuple(files), MappingProxyType(tables), (*notes, *more))


def _alike(files: Iterable[SourceFile]) -> list[tuple[str, list[SourceFile]]]:
    """Files of one folder whose names differ in digits only are one table."""

    def shape(file: SourceFile) -> str:
        masked = "".join("*" if letter.isdigit() else letter for letter in Path(file.shown).as_posix())
        while "**" in masked:
            masked = masked.replace("**", "*")
        return masked

    groups = ((one, list(some)) for one, some in groupby(sorted(files, key=shape), key=shape))
    return [(some[0].shown if len(some) == 1 else pattern, some) for pattern, some in groups]


def _looked(con: duckdb.DuckDBPyConnection, shown: str, reading: Reading) -> FileLook:
    taken = ", ".join(f"{reading.take(one)} AS {name(one)}" for one in reading.columns)
    con.execute(
        f"CREATE OR REPLACE TEMP TABLE looked AS SELECT {taken} FROM {reading.relation} LIMIT {_ROWS}"
    )
    rows = con.execute("SELECT count(*) FROM looked").fetchall()[0][0]
    columns = tuple(_column(con, one, given, rows) for one, given in reading.columns.items())
    return FileLook(shown, reading.words, rows, columns)


def _column(con: duckdb.DuckDBPyConnection, column: str, given: str, rows: int) -> ColumnLook:
    text = f"nullif(trim(CAST({name(column)} AS VARCHAR)), '')"
    filled, distinct, dates, numbers = con.execute(
        f"SELECT count(x), count(DISTINCT x), count(*) FILTER (regexp_matches(x, "
        f"'^(\\d{{4}}[-/.]\\d{{1,2}}[-/.]\\d{{1,2}}|\\d{{1,2}}[-/.]\\d{{1,2}}[-/.]\\d{{2,4}})')), "
        f"count(*) FILTER (regexp_full_match(x, '[-+]?[\\d., ]*\\d')) FROM (SELECT {text} AS x FROM looked)"
    ).fetchall()[0]
    if given.startswith(("TIMESTAMP", "DATE")) or (filled and dates >= 0.9 * filled):
        kind = Kind.TIME
    elif given == "BOOLEAN":
        kind = Kind.FLAG
    elif filled and numbers >= 0.9 * filled:
        kind = Kind.NUMBER
    else:
        kind = Kind.TEXT
    words: list[tuple[str]] = []
    if kind is Kind.TEXT:
        known = ", ".join(map(literal, sorted(ALL_WORDS)))
        words = con.execute(
            f"SELECT DISTINCT x FROM (SELECT {text} AS x FROM looked) WHERE lower(x) IN ({known}) ORDER BY x"
        ).fetchall()
    share = filled / rows if rows else 0.0
    return ColumnLook(column, given, share, distinct, kind, tuple(row[0] for row in words))


def _guess(files: list[FileLook]) -> tuple[dict[str, TableSource], list[str]]:
    scored = sorted(
        ((*_score(schema, file), schema.name, file) for file in files for schema in SCHEMAS.values()),
        key=lambda one: (-one[0], one[2], one[3].path),
    )
    tables: dict[str, TableSource] = {}
    used: set[str] = set()
    for score, columns, table, file in scored:
        if score > 0 and table not in tables and file.path not in used:
            renamed = {ours: theirs for ours, theirs in columns.items() if ours != theirs}
            tables[table] = TableSource(file.path, renamed, _values(file, columns))
            used.add(file.path)
    ordered = {table: tables[table] for table in SCHEMAS if table in tables}
    notes = [f"'{one.path}' looks like no table of the contract." for one in files if one.path not in used]
    for table, source in ordered.items():
        file = next(one for one in files if one.path == source.path)
        matched = {*source.columns.values(), *(SCHEMAS[table].by_name.keys() - source.columns.keys())}
        rest = [one.name for one in file.columns if one.name not in matched]
        if rest:
            notes.append(f"'{file.path}' as {table}: not used: {', '.join(rest)}.")
    return ordered, notes


def _values(file: FileLook, columns: Mapping[str, str]) -> dict[str, dict[str, str]]:
    """The file's words for values that the contract fixes, where they are usual ones."""
    seen = {one.name: one.words for one in file.columns}
    found = {
        ours: {
            theirs: value
            for theirs in seen[columns[ours]]
            for value, words in WORDS[ours].items()
            if theirs.casefold() in words.split() and theirs.casefold() != value
        }
        for ours in WORDS
        if ours in columns
    }
    return {ours: words for ours, words in found.items() if words}


def _score(schema: Schema, file: FileLook) -> tuple[float, dict[str, str]]:
    """How well a file fits a table: nothing without its required columns, else by name and by columns found."""
    named = bool(words_of(Path(file.path).stem.replace("*", " ")) & set(TABLES[schema.name].split()))
    columns = _matches(schema, file, named=named)
    if not set(schema.required) <= set(columns):
        return 0.0, {}
    if schema.time is None:
        # A customer list has a row a customer; a table of events seldom has.
        who = next(one for one in file.columns if one.name == columns["customer_id"])
        if who.distinct < file.rows:
            return 0.0, {}
    elif not named and len(columns) == len(schema.required) and schema.name != "orders":
        # A customer and a time alone may be anything.
        return 0.0, {}
    return len(columns) + (20.0 if named else 0.0), columns


def _matches(schema: Schema, file: FileLook, *, named: bool) -> dict[str, str]:
    left = {one.name: one.kind for one in file.columns}
    columns: dict[str, str] = {}
    for each in schema.fields:
        theirs = best_column(schema.name, each.name, each.kind, left)
        if theirs is not None:
            columns[each.name] = theirs
            del left[theirs]
    # A table of events needs a time: if only one column is a time, that is it.
    times = [one for one, kind in left.items() if kind is Kind.TIME]
    if named and schema.time and schema.time not in columns and len(times) == 1:
        columns[schema.time] = times[0]
    return columns
