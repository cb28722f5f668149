"""`retain sentiment`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from retain.cli.context import Context, one_line, table, words_shown

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from retain.text.annotate import Coverage


def command(
    context: typer.Context,
    file: Annotated[
        str,
        typer.Argument(
            help="CSV, Parquet or JSON lines; .txt with a text a line; - for such lines on stdin."
        ),
    ],
    text: Annotated[str, typer.Option(help="The column that holds the texts.")] = "text",
    language: Annotated[
        str, typer.Option(help="The column that holds their languages, as en or zh-Hant.", show_default=False)
    ] = "",
    rating: Annotated[
        str, typer.Option(help="The column of stars or marks to learn from.", show_default=False)
    ] = "",
    backend: Annotated[str, typer.Option(help="How to tell the sentiment; see docs/text.md.")] = "auto",
    out: Annotated[
        Path | None, typer.Option(help="File for all rows; ends in .csv or .parquet.", show_default=False)
    ] = None,
) -> None:
    """Tell sentiment, topics and intents of the texts in a file; needs no configuration.

    Examples:

        retain sentiment reviews.csv --text comment --out scored.csv

        echo "The parcel never arrived, I want my money back" | retain sentiment - --json
    """
    from retain.pipeline.sentiment import SHOWN, run_sentiment  # noqa: PLC0415  # --help loads nothing heavy
    from retain.pipeline.texts import Columns  # noqa: PLC0415  # as above
    from retain.text.backends import TextSettings  # noqa: PLC0415  # as above

    shared: Context = context.obj
    run = run_sentiment(file, Columns(text, language, rating), TextSettings(backend), out, shared.progress)
    shared.show(
        run.as_dict() if shared.as_json else {},
        []
        if shared.as_json
        else [*_rows(run.rows(SHOWN)), "", *coverage_table(run.coverage), *_end(len(run.texts), SHOWN, out)],
    )


def _rows(rows: Sequence[dict[str, Any]]) -> list[str]:
    return table(
        ("row", "sentiment", "language", "topics", "intents", "words that moved it", "text"),
        [
            (
                one["row"],
                "no text" if one["sentiment"] is None else f"{one['sentiment']:+.2f}",
                one["language"] or "",
                ", ".join(one["topics"]),
                ", ".join(one["intents"]),
                words_shown((word["word"], word["weight"]) for word in one["words"]),
                one_line(one["text"] or ""),
            )
            for one in rows
        ],
        right=(0, 1),
    )


def coverage_table(coverage: Iterable[Coverage]) -> list[str]:
    """How much was understood, one line a table and language."""
    return table(
        ("texts of", "language", "texts", "understood", "told by"),
        [
            (one.table, one.language, f"{one.texts:,}", f"{one.share:.0%}",
             ", ".join(f"{tier} {count:,}" for tier, count in one.tiers.items()))
            for one in coverage
        ],
        right=(2, 3),
    )  # fmt: skip


def _end(texts: int, shown: int, out: Path | None) -> list[str]:
    if out is not None:
        return ["", f"{texts:,} rows: {out}"]
    return ["", f"{texts - shown:,} more rows; --out FILE writes all."] if texts > shown else []
