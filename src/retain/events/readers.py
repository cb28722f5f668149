"""One file as rows of raw columns: Parquet as it is typed, CSV and JSON lines as text."""

from __future__ import annotations

import csv
import re
import zlib
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import duckdb

from retain.errors import SourceError
from retain.events.disk import is_ours
from retain.events.encoding import as_utf8
from retain.events.source import DELIMITERS
from retain.events.sql import BLANKS, literal, name, trimmed

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from retain.events.source import SourceFile, TableSource

ROW = "retain row"
"""The column of ``Reading.numbered`` that numbers a file's readable rows, from 1."""

_LONGEST_LINE = 16 << 20
# A header that seems to go over more lines has a quote that is not closed.
_LONGEST_HEADER = 10
# DuckDB cuts the text of a line that it could not read at this length.
_CUT_LINE = 10_000
# No JSON text may hold this character as it is, so a line is always one field.
_NEVER_IN_JSON = "\x01"


@dataclass(frozen=True)
class Reading:
    """One file, ready to be read.

    Attributes:
        file: which one.
        relation: SQL of its readable rows, in the file's order.
        columns: the file's columns and their DuckDB types.
        words: what it is, for people.
        delimiter: of a CSV file, else empty.
        malformed: SQL of the rows that could not be read: row, reason, line; empty if there is no such row.
        taken: SQL that takes a column from the relation, where that is not its name.
        repeated: names that occur more than once in a header, in small letters.
    """

    file: SourceFile
    relation: str
    columns: Mapping[str, str]
    words: str
    delimiter: str = ""
    malformed: str = ""
    taken: Mapping[str, str] = field(default_factory=dict)
    repeated: frozenset[str] = frozenset()

    @property
    def numbered(self) -> str:
        """SQL of the readable rows with their numbers; slower than the plain relation."""
        return f"(SELECT row_number() OVER () AS {name(ROW)}, * FROM {self.relation})"

    @property
    def raw(self) -> str:
        """SQL of a row as the file has it, as JSON text."""
        if self.file.format == "jsonl":
            return "line"
        fields = ", ".join(f"{name(one)} := CAST({self.take(one)} AS VARCHAR)" for one in self.columns)
        return f"CAST(to_json(struct_pack({fields})) AS VARCHAR)"

    def take(self, column: str) -> str:
        """SQL of that column's value."""
        if column in self.file.partition:
            return literal(self.file.partition[column])
        return self.taken.get(column, name(column))


def opened(con: duckdb.DuckDBPyConnection, file: SourceFile, source: TableSource, folder: Path) -> Reading:
    """That file, ready to be read.

    Args:
        con: the connection that will read it.
        file: which one.
        source: its table's settings.
        folder: where temporary copies go.

    Raises:
        SourceError: it is not what its ending or the config says.
    """
    reader = {"parquet": _parquet, "csv": _csv, "jsonl": _jsonl}[file.format]
    try:
        reading = reader(con, file, source, folder)
    except (duckdb.Error, OSError, EOFError, zlib.error) as cause:
        if is_ours(cause):
            raise
        raise unreadable(file, cause) from cause
    parts = dict.fromkeys(file.partition, "VARCHAR")
    return replace(reading, columns={**reading.columns, **parts})


def unreadable(file: SourceFile, cause: Exception) -> SourceError:
    """The error for a file that cannot be read as what it should be."""
    # DuckDB quotes the value that it stumbled over, which may be what a customer wrote.
    said = str(cause).strip().splitlines()[0].replace(file.path, file.shown)
    first = re.sub(r'value ".*"', "a value", said, flags=re.DOTALL)
    return SourceError(
        f"'{file.shown}' cannot be read as {file.format}: {first} "
        "Mend or remove the file, or set format in the source config."
    )


def _types(con: duckdb.DuckDBPyConnection, relation: str) -> dict[str, str]:
    return {str(row[0]): str(row[1]) for row in con.execute(f"DESCRIBE SELECT * FROM {relation}").fetchall()}


def _parquet(
    con: duckdb.DuckDBPyConnection, file: SourceFile, _source: TableSource, _folder: Path
) -> Reading:
    relation = f"read_parquet({literal(file.path)}, binary_as_string=true, hive_partitioning=false)"
    return Reading(file, relation, _types(con, relation), "parquet")


def _csv(con: duckdb.DuckDBPyConnection, file: SourceFile, source: TableSource, folder: Path) -> Reading:
    local = "://" not in file.path
    text = as_utf8(file.path, file.shown, source.encoding, folder) if local else None
    path = text.path if text else file.path
    sample = _first_lines(con, path)
    blank = next((place for place, line in enumerate(sample) if line.strip(BLANKS)), len(sample))
    delimiter = source.delimiter if source.delimiter != "auto" else _delimiter(sample[blank:])
    given = _header(sample[blank:], delimiter, file)
    header = _told_apart(given)
    words = f"csv, {text.encoding if text else 'utf-8'}, {'tab' if delimiter == chr(9) else repr(delimiter)}"
    # The rejects of one file go to tables of its own; the names are free because copies and files are numbered.
    number = len(con.execute("SELECT 1 FROM duckdb_tables() WHERE table_name LIKE 'rejects_%'").fetchall())
    rejects, scans = f"rejects_{number}", f"scans_{number}"
    columns = ", ".join(f"{literal(one)}: 'VARCHAR'" for one in header)
    scan = (
        f"read_csv({literal(path)}, auto_detect=false, header=false, skip={blank + 1}, delim={literal(delimiter)}, "
        f"quote='\"', escape='\"', columns={{{columns}}}, max_line_size={_LONGEST_LINE}"
    )
    first = (
        f"SELECT count(*) FROM {scan}, store_rejects=true, rejects_limit=0, "
        f"rejects_table={literal(rejects)}, rejects_scan={literal(scans)})"
    )
    # The tables appear once the whole file was gone through.
    con.execute(first).fetchall()
    _refuse_swallowed_rows(con, rejects, file)
    found = con.execute(f"SELECT count(*) FROM {name(rejects)}").fetchall()[0][0]
    # With ignore_errors instead, DuckDB drops good lines behind a stray quote without a word.
    relation = (
        f"{scan}, store_rejects=true, rejects_limit=0, rejects_table='again', rejects_scan='again_scans')"
    )
    malformed = (
        # A stray quote can pull several lines into one; each of them is a row that is lost.
        f"SELECT line - {blank + 1} AS row, reason, unnest(string_split(trim(csv_line, chr(10)), chr(10))) AS line FROM ("
        f"SELECT line, any_value(csv_line) AS csv_line, min(CASE error_type "
        f"WHEN 'MISSING COLUMNS' THEN 'malformed line: too few fields' "
        f"WHEN 'TOO MANY COLUMNS' THEN 'malformed line: too many fields' "
        f"WHEN 'UNQUOTED VALUE' THEN 'malformed line: a quote is not closed' "
        f"ELSE 'malformed line' END) AS reason FROM {name(rejects)} GROUP BY line)"
        if found
        else ""
    )
    counts = Counter(one.casefold() for one in given)
    repeated = frozenset(one for one, count in counts.items() if count > 1)
    return Reading(
        file,
        relation,
        dict.fromkeys(header, "VARCHAR"),
        words,
        delimiter,
        malformed,
        repeated=repeated,
    )


def _refuse_swallowed_rows(con: duckdb.DuckDBPyConnection, rejects: str, file: SourceFile) -> None:
    swallowed = con.execute(
        f"SELECT min(line) FROM {name(rejects)} WHERE error_type = 'LINE SIZE OVER MAXIMUM' "
        f"OR length(csv_line) >= {_CUT_LINE} AND contains(csv_line, chr(10))"
    ).fetchall()[0][0]
    if swallowed is not None:
        raise SourceError(
            f"'{file.shown}': a quote that begins in line {swallowed} or before is never closed and would swallow "
            "the rows after it. Mend that line."
        )


def _first_lines(con: duckdb.DuckDBPyConnection, path: str) -> list[str]:
    """The file's first lines, the blank ones too: they count where lines are left out."""
    rows = con.execute(
        f"SELECT line FROM read_csv({literal(path)}, auto_detect=false, header=false, "
        f"delim={literal(_NEVER_IN_JSON)}, quote='', escape='', columns={{'line': 'VARCHAR'}}, "
        f"max_line_size={_LONGEST_LINE}, ignore_errors=true) LIMIT 1000"
    ).fetchall()
    return [(row[0] or "").removeprefix("\ufeff") for row in rows]


def _delimiter(sample: Iterable[str]) -> str:
    """The mark that parts most lines into as many fields as the header has."""
    lines = [one for one in sample if one]

    def fitness(mark: str) -> tuple[float, int]:
        counts: list[int] = []
        # Python gives up at a very long field, which the database reads; the lines before it decide then.
        with suppress(csv.Error):
            counts.extend(len(row) for row in csv.reader(lines, delimiter=mark))
        if not counts or counts[0] < 2:
            return 0.0, 0
        return sum(one == counts[0] for one in counts) / len(counts), counts[0]

    return max(DELIMITERS, key=fitness)


def _header(sample: list[str], delimiter: str, file: SourceFile) -> list[str]:
    if not sample:
        raise SourceError(f"'{file.shown}' is empty: not even a line with the columns' names.")
    cells = _header_cells(sample, delimiter, file)
    # A line break inside a name is only its layout.
    plain = (" ".join(cell.splitlines()).strip(BLANKS) for cell in cells)
    return [one or f"column{place}" for place, one in enumerate(plain, start=1)]


def _told_apart(names: Iterable[str]) -> list[str]:
    taken: list[str] = []
    for place, plain in enumerate(names, start=1):
        # The database tells names apart without regard to case.
        used = {one.casefold() for one in taken}
        free = (f"{plain}_{number}" for number in range(1, place + 1))
        taken.append(
            plain if plain.casefold() not in used else next(o for o in free if o.casefold() not in used)
        )
    return taken


def _header_cells(sample: list[str], delimiter: str, file: SourceFile) -> list[str]:
    """The first record's fields; a quoted name may go over a few lines."""
    reader = csv.reader((f"{one}\n" for one in sample), delimiter=delimiter)
    unclosed = SourceError(
        f"'{file.shown}': a quote in the line with the columns' names is never closed. Mend that line."
    )
    try:
        cells = next(reader)
    except csv.Error as cause:
        raise unclosed from cause
    quotes = sum(one.count('"') for one in sample[: reader.line_num])
    if reader.line_num > _LONGEST_HEADER or (reader.line_num > 1 and quotes % 2):
        raise unclosed
    return cells


def _jsonl(con: duckdb.DuckDBPyConnection, file: SourceFile, source: TableSource, folder: Path) -> Reading:
    local = "://" not in file.path
    text = as_utf8(file.path, file.shown, source.encoding, folder) if local else None
    path = text.path if text else file.path
    scan = (
        f"read_csv({literal(path)}, auto_detect=false, header=false, delim={literal(_NEVER_IN_JSON)}, "
        f"quote='', escape='', columns={{'line': 'VARCHAR'}}, max_line_size={_LONGEST_LINE})"
    )
    lines = f"(SELECT line FROM {scan} WHERE {trimmed('line')} IS NOT NULL)"
    good = "CASE WHEN json_valid(line) THEN json_type(line) = 'OBJECT' ELSE false END"
    seen = con.execute(
        f"SELECT CASE WHEN {good} THEN json_keys(line) END AS keys, count(*) FROM {lines} GROUP BY keys"
    ).fetchall()
    # The database tells names apart without regard to case.
    columns = sorted({str(key).casefold(): str(key) for key in _keys(seen)}.values())
    malformed = any(keys is None for keys, _ in seen)
    if malformed and "".join(_first_lines(con, path)).lstrip().startswith("["):
        raise SourceError(
            f"'{file.shown}' holds one JSON array. Write one object a line instead (JSON lines)."
        )
    bad = (
        f"SELECT row, 'malformed line: no JSON object' AS reason, line "
        f"FROM (SELECT row_number() OVER () AS row, line FROM {lines}) WHERE NOT ({good})"
    )
    return Reading(
        file,
        f"(SELECT line FROM {lines} WHERE {good})",
        dict.fromkeys(columns, "VARCHAR"),
        f"jsonl, {text.encoding if text else 'utf-8'}",
        malformed=bad if malformed else "",
        taken={one: f"json_extract_string(line, {literal(_json_path(one))})" for one in columns},
    )


def _keys(seen: Iterable[tuple[list[str] | None, int]]) -> list[str]:
    """All keys of all lines, so ordered that of spellings of one name the same one is always last."""
    return sorted({key for keys, _ in seen for key in keys or ()})


def _json_path(key: str) -> str:
    return '$."' + key.replace("\\", "\\\\").replace('"', '\\"') + '"'
