"""`retain sentiment`: what the texts of one file say."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import duckdb
import numpy as np
import pyarrow as pa
from pyarrow import csv, parquet

from retain import atomic
from retain.errors import SourceError, UsageError, did_you_mean
from retain.events.readers import opened
from retain.events.source import TableSource, files_of
from retain.events.sql import name
from retain.exports.cells import neutralise
from retain.text.annotate import DECIMALS, Coverage, coverage_of
from retain.text.at_once import at_once
from retain.text.feed import Feed, pleased_by_rating
from retain.text.lexicon import INTENTS, TOPICS
from retain.text.reading import words

if TYPE_CHECKING:
    from retain.text.backends import TextSettings
    from retain.text.feed import FloatArray, TextArray
    from retain.text.understood import Understood

STDIN = "-"
SHOWN = 20
"""So many texts are shown with the words that moved them."""


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


@dataclass(frozen=True)
class SentimentRun:
    """What the texts of a file say.

    Attributes:
        texts: as they are in the file; None for a missing one.
        found: what each says.
        coverage: how much was understood, by language.
        path: the file that was written; None if none was.
    """

    texts: TextArray
    found: Understood
    coverage: tuple[Coverage, ...]
    path: Path | None

    def rows(self, most: int | None = None) -> list[dict[str, Any]]:
        """The first rows as JSON values, with the words that moved each."""
        found = self.found
        return [
            {
                "row": row + 1,
                "text": text,
                "sentiment": None if np.isnan(value) else round(float(value), DECIMALS),
                "tier": found.tier[row] or None,
                "language": found.language[row],
                "topics": _named(TOPICS, found.topics[row]),
                "intents": _named(INTENTS, found.intents[row]),
                "words": [
                    {"word": one.entry, "weight": round(one.weight, 2)}
                    for one in (words(text, found.language[row]) if text else [])
                ],
            }
            for row, (text, value) in enumerate(zip(self.texts[:most], found.sentiment[:most], strict=True))
        ]

    def as_dict(self) -> dict[str, Any]:
        """The run as JSON values."""
        return {
            "texts": len(self.texts),
            "path": None if self.path is None else str(self.path),
            "coverage": [one.as_dict() for one in self.coverage],
            "rows": self.rows() if self.path is None else [],
        }


def _named(names: tuple[str, ...], flags: Any) -> list[str]:
    return [one for one, there in zip(names, flags, strict=True) if there]


def run_sentiment(
    source: str, columns: Columns, settings: TextSettings, out: Path | None = None
) -> SentimentRun:
    """What each text of a file says.

    Texts of one file have no order in time: a model that learns from ratings learns from the whole file, and each rated
    text is scored by a model that has not seen it.

    Args:
        source: a CSV, Parquet or JSON-lines file, a ``.txt`` file with one text a line, or ``-`` for such lines on stdin.
        columns: which of its columns hold what; lines have none.
        settings: which backend.
        out: a path that ends in ``.csv`` or ``.parquet``; None writes nothing.

    Raises:
        UsageError: a column does not exist, or the ending is another.
        SourceError: the file cannot be read.
    """
    if out is not None and out.suffix not in (".csv", ".parquet"):
        raise UsageError(
            f"'{out}' has to end in .csv or .parquet. {did_you_mean(out.suffix, ['.csv', '.parquet'])}"
        )
    feed = _lines(source) if source == STDIN or source.endswith(".txt") else _table(Path(source), columns)
    found = at_once(feed, settings)
    if out is not None:
        _write(feed, found, out)
    return SentimentRun(
        feed.text, found, tuple(coverage_of(Path(source).name if source != STDIN else "stdin", found)), out
    )


def _feed(texts: list[str | None], languages: list[str | None], pleased: FloatArray) -> Feed:
    nothing = np.zeros(len(texts), dtype=np.int64)
    return Feed(_objects(texts), _objects(languages), nothing, nothing, pleased)


def _objects(values: list[str | None]) -> TextArray:
    made = np.empty(len(values), dtype=object)
    made[:] = values
    return made


def _lines(source: str) -> Feed:
    """One text a line; an empty line is a row without text."""
    try:
        raw = sys.stdin.buffer.read() if source == STDIN else Path(source).read_bytes()
    except OSError as cause:
        raise SourceError(f"'{source}' cannot be read: {cause.strerror}.") from cause
    texts: list[str | None] = [one or None for one in raw.decode("utf-8-sig", "replace").splitlines()]
    return _feed(texts, [None] * len(texts), np.full(len(texts), np.nan))


def _table(path: Path, columns: Columns) -> Feed:
    table = TableSource(path.name)
    (file,) = files_of("feedback", table, path.parent)
    wanted = {"text": columns.text, "language": columns.language, "rating": columns.rating}
    with TemporaryDirectory(prefix="retain-") as folder, duckdb.connect(config={"threads": 2}) as con:
        reading = opened(con, file, table, Path(folder))
        for role, one in wanted.items():
            if one and one not in reading.columns:
                raise UsageError(
                    f"'{path}' has no column '{one}'. {did_you_mean(one, reading.columns)} Name it with --{role}."
                )
        taken = ", ".join(
            f"CAST({reading.take(one)} AS VARCHAR) AS {name(role)}" for role, one in wanted.items() if one
        )
        if reading.malformed:
            bad = con.execute(f"SELECT count(*) FROM ({reading.malformed})").fetchall()[0][0]
            if bad:
                raise SourceError(
                    f"{bad:,} rows of '{path}' cannot be read as {file.format}. Mend them, or remove them."
                )
        rows = con.sql(
            f"SELECT {taken} FROM {reading.numbered} ORDER BY {name('retain row')}"
        ).to_arrow_table()
    texts = rows["text"].to_pylist()
    languages = rows["language"].to_pylist() if columns.language else [None] * len(texts)
    pleased = np.full(len(texts), np.nan)
    if columns.rating:
        marks = rows["rating"].to_pylist()
        try:
            pleased = pleased_by_rating(
                np.array([np.nan if one in (None, "") else float(one) for one in marks])
            )
        except ValueError as cause:
            raise UsageError(f"Column '{columns.rating}' of '{path}' holds no numbers: {cause}.") from cause
    return _feed(texts, languages, pleased)


def _write(feed: Feed, found: Understood, out: Path) -> None:
    table = pa.table(
        {
            "row": pa.array(np.arange(1, len(feed) + 1)),
            "text": pa.array(feed.text, pa.string()),
            "sentiment": pa.array(np.round(found.sentiment, DECIMALS), from_pandas=True),
            "tier": pa.array([one or None for one in found.tier], pa.string()),
            "language": pa.array(found.language, pa.string()),
            "understood": pa.array(found.understood),
            "topics": pa.array([";".join(_named(TOPICS, one)) for one in found.topics], pa.string()),
            "intents": pa.array([";".join(_named(INTENTS, one)) for one in found.intents], pa.string()),
        }
    )
    with atomic.file(out) as part:
        if out.suffix == ".csv":
            csv.write_csv(table.set_column(1, "text", neutralise(table["text"])), part)
        else:
            parquet.write_table(table, part, compression="zstd")
