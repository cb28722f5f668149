"""`retain sentiment`: what the texts of one file say."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
from pyarrow import csv, parquet

from retain import atomic
from retain.errors import UsageError, did_you_mean
from retain.exports.cells import neutralise
from retain.pipeline.texts import STDIN, texts_of
from retain.text.annotate import DECIMALS, Coverage, coverage_of
from retain.text.at_once import at_once
from retain.text.lexicon import INTENTS, TOPICS
from retain.text.reading import words_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from retain.pipeline.texts import Columns
    from retain.text.backends import TextSettings
    from retain.text.feed import Feed, TextArray
    from retain.text.understood import Understood

SHOWN = 20
"""So many texts are shown with the words that moved them."""


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
                "words": [{"word": one.entry, "weight": round(one.weight, 2)} for one in moved],
            }
            for row, (text, value, moved) in enumerate(
                zip(
                    self.texts[:most],
                    found.sentiment[:most],
                    words_of(self.texts[:most].tolist(), found.language[:most].tolist()),
                    strict=True,
                )
            )
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
    source: str,
    columns: Columns,
    settings: TextSettings,
    out: Path | None = None,
    progress: Callable[[str], None] = lambda _: None,
) -> SentimentRun:
    """What each text of a file says.

    Texts of one file have no order in time: a model that learns from ratings learns from the whole file, and each rated
    text is scored by a model that has not seen it.

    Args:
        source: a CSV, Parquet or JSON-lines file, a ``.txt`` file with one text a line, or ``-`` for such lines on stdin.
        columns: which of its columns hold what; lines have none.
        settings: which backend.
        out: a path that ends in ``.csv`` or ``.parquet``; None writes nothing.
        progress: called with a few words before each step that takes long.

    Raises:
        UsageError: a column does not exist, or an ending is another.
        SourceError: there is no such file, or it cannot be read.
        OutputError: the result cannot be written.
    """
    if out is not None and out.suffix.lower() not in (".csv", ".parquet"):
        raise UsageError(
            f"'{out}' has to end in .csv or .parquet. {did_you_mean(out.suffix, ['.csv', '.parquet'])}"
        )
    shown = "stdin" if source == STDIN else Path(source).name
    progress(f"opening {shown}")
    feed = texts_of(source, columns)
    progress(f"reading what customers wrote: {len(feed):,} rows of {shown}")
    found = at_once(feed, settings)
    if out is not None:
        _write(feed, found, out)
    return SentimentRun(feed.text, found, tuple(coverage_of(shown, found)), out)


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
        if out.suffix.lower() == ".csv":
            csv.write_csv(table.set_column(1, "text", neutralise(table["text"])), part)
        else:
            parquet.write_table(table, part, compression="zstd")
