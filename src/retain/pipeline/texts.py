"""The texts of one file: a table with a column of them, or plain lines."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import duckdb
import numpy as np

from retain.errors import SourceError, UsageError, did_you_mean
from retain.events.encoding import as_utf8, nearly_utf8
from retain.events.readers import ROW, opened
from retain.events.source import FORMATS, TableSource, files_of
from retain.events.sql import name
from retain.text.feed import Feed, pleased_by_rating

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pyarrow as pa

    from retain.events.readers import Reading
    from retain.text.feed import FloatArray, TextArray

STDIN = "-"
_LINES = ".txt"
_FEW = 30


@dataclass(frozen=True)
class Columns:
    """Which columns of a file hold what.

    Attributes:
        text: what was written.
        language: what it is written in; "" is not told.
        rating: stars or another mark of the same customer on the same occasion; "" is none.
    """

    text: str = "text"
    language: str = ""
    rating: str = ""


def texts_of(source: str, columns: Columns) -> Feed:
    """The texts of that file, in its order.

    Args:
        source: a CSV, Parquet or JSON-lines file, a ``.txt`` file with one text a line, or ``-`` for such lines on stdin.
        columns: which of its columns hold what; lines have none.

    Raises:
        UsageError: a column does not exist, or the ending is another.
        SourceError: there is no such file, or it cannot be read.
    """
    if source == STDIN:
        _refuse_columns(columns, "stdin")
        return _lines(sys.stdin.buffer.read(), "stdin")
    path = Path(source)
    _require_file(path)
    ending = _ending(path)
    if ending == _LINES:
        _refuse_columns(columns, source)
        return _lines_of(path)
    if ending not in FORMATS:
        raise UsageError(
            f"'{source}' has to end in {', '.join(FORMATS)}, so that it is known how to read it."
        )
    return _table(path, columns)


def _ending(path: Path) -> str:
    return Path(path.name.lower().removesuffix(".gz")).suffix


def _require_file(path: Path) -> None:
    try:
        if path.is_dir():
            raise SourceError(f"'{path}' is a folder. Name one file in it.")
        if not path.exists():
            near = (
                [one.name for one in path.parent.iterdir() if _ending(one) in FORMATS]
                if path.parent.is_dir()
                else []
            )
            hint = did_you_mean(path.name, near) if 0 < len(near) <= _FEW else "Look at its folder."
            raise SourceError(f"There is no file '{path}'. {hint}")
    except OSError as cause:
        raise SourceError(f"'{path}' cannot be read: {cause.strerror}.") from cause


def _refuse_columns(columns: Columns, shown: str) -> None:
    for role in ("language", "rating"):
        if getattr(columns, role):
            raise UsageError(
                f"Lines have no columns, so --{role} names nothing in {shown}. Use a CSV file for more."
            )


def _feed(texts: Sequence[str | None], languages: Sequence[str | None], pleased: FloatArray) -> Feed:
    nothing = np.zeros(len(texts), dtype=np.int64)
    return Feed(_objects(texts), _objects(languages), nothing, nothing, pleased)


def _objects(values: Sequence[str | None]) -> TextArray:
    made = np.empty(len(values), dtype=object)
    made[:] = values
    return made


def _lines_of(path: Path) -> Feed:
    try:
        raw = path.read_bytes()
    except OSError as cause:
        raise SourceError(f"'{path}' cannot be read: {cause.strerror}.") from cause
    return _lines(raw, str(path))


def _lines(raw: bytes, shown: str) -> Feed:
    """One text a line; an empty line is a row without text."""
    # Other marks that Python takes for line ends are part of what people write.
    lines = _decoded(raw, shown).replace("\r\n", "\n").replace("\r", "\n").split("\n")
    if not lines[-1]:
        lines.pop()
    return _feed([one or None for one in lines], [None] * len(lines), np.full(len(lines), np.nan))


def _decoded(raw: bytes, shown: str) -> str:
    """The text, in whatever encoding; UTF-8 in which something broke stays UTF-8."""
    if b"\0" not in raw and nearly_utf8(raw):
        return raw.decode("utf-8-sig", "replace")
    with TemporaryDirectory(prefix="retain-") as folder:
        copy = Path(folder) / "lines.txt"
        copy.write_bytes(raw)
        with Path(as_utf8(str(copy), shown, "auto", Path(folder)).path).open(
            encoding="utf-8", newline=""
        ) as lines:
            return lines.read()


def _table(path: Path, columns: Columns) -> Feed:
    rows = _rows(path, columns)
    texts = rows["text"].to_pylist()
    languages = rows["language"].to_pylist() if columns.language else [None] * len(texts)
    pleased = np.full(len(texts), np.nan)
    if columns.rating:
        pleased = pleased_by_rating(_marks(rows["rating"].to_pylist(), path, columns.rating))
    return _feed(texts, languages, pleased)


def _rows(path: Path, columns: Columns) -> pa.Table:
    """The columns that are wanted, by their roles."""
    source = TableSource(path.name)
    (file,) = files_of("feedback", source, path.parent)
    wanted = {"text": columns.text, "language": columns.language, "rating": columns.rating}
    with TemporaryDirectory(prefix="retain-") as folder, duckdb.connect(config={"threads": 2}) as con:
        reading = opened(con, file, source, Path(folder))
        _refuse_unreadable(con, reading, path)
        if not reading.columns:
            raise SourceError(f"'{path}' is empty: there is no row in it.")
        for role, one in wanted.items():
            if one and one not in reading.columns:
                raise UsageError(
                    f"'{path}' has no column '{one}'. {did_you_mean(one, reading.columns)} Name it with --{role}."
                )
        taken = ", ".join(
            f"CAST({reading.take(one)} AS VARCHAR) AS {name(role)}" for role, one in wanted.items() if one
        )
        query = f"SELECT {taken} FROM {reading.numbered} ORDER BY {name(ROW)}"
        try:
            return con.sql(query).to_arrow_table()
        except duckdb.Error as cause:
            # Without its words: they quote what could not be read.
            raise SourceError(
                f"'{path}' cannot be read as {file.format}: it is damaged, or holds texts that are no UTF-8. Write it again."
            ) from cause


def _refuse_unreadable(con: duckdb.DuckDBPyConnection, reading: Reading, path: Path) -> None:
    if not reading.malformed:
        return
    bad = con.execute(f"SELECT row, reason FROM ({reading.malformed}) ORDER BY row, reason").fetchall()
    row, reason = bad[0]
    more = f", and {len(bad) - 1:,} more" if len(bad) > 1 else ""
    raise SourceError(
        f"'{path}' cannot be read as {reading.file.format}: row {row} ({reason}){more}. Mend or remove what is wrong."
    )


def _marks(values: Sequence[str | None], path: Path, column: str) -> FloatArray:
    marks = np.full(len(values), np.nan)
    for row, one in enumerate(values):
        try:
            marks[row] = float(one) if one and one.strip() else np.nan
        except ValueError as cause:
            # Without the value: of a column named by mistake it may be what a customer wrote.
            raise UsageError(
                f"Column '{column}' of '{path}' holds no number in row {row + 1}. Name the column of stars or marks with "
                f"--rating."
            ) from cause
    return marks
