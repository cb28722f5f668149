"""What every verb shares: the options that may stand anywhere or at several verbs, progress on stderr, results on stdout."""

from __future__ import annotations

import json
import sys
import time
import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path

    from retain.pipeline.project import Project

AsOf = Annotated[
    str | None, typer.Option(help="As of this date. Without it: the end of the data.", show_default=False)
]
Until = Annotated[
    str | None,
    typer.Option(help="Use only what was known by this date. Without it: all data.", show_default=False),
]
Model = Annotated[str, typer.Option(help="Alias, number or version; or the path of a bundle's folder.")]
Language = Annotated[
    str | None,
    typer.Option(
        help="Of reasons and hints: en, zh-Hant, ru, kk, bg or uk; or customer, each in their own. Without it: the configuration's.",
        show_default=False,
    ),
]


@dataclass(frozen=True)
class Context:
    """The options that hold for all verbs.

    Attributes:
        config: the configuration file; None looks for one.
        workspace: the folder that takes everything written.
        as_json: results as one JSON object.
        quiet: no progress.
        log_json: progress and errors as JSON lines.
        started: when the command began, in seconds of the monotonic clock.
    """

    config: Path | None
    workspace: Path
    as_json: bool
    quiet: bool
    log_json: bool
    started: float

    def progress(self, words: str) -> None:
        """Write a step to stderr."""
        if not self.quiet:
            self.say("info", words)

    def say(self, level: str, words: str) -> None:
        """Write to stderr, whether or not the user wants progress."""
        passed = time.monotonic() - self.started
        if self.log_json:
            line = json.dumps(
                {"level": level, "seconds": round(passed, 3), "message": words}, ensure_ascii=False
            )
        elif level == "info":
            line = f"{passed:7.1f} s  {words}"
        else:
            line = f"{level.capitalize()}: {words}"
        print(line, file=sys.stderr, flush=True)

    def project(self) -> Project:
        """The project that the user named, or the one found here."""
        from retain.pipeline.project import open_project  # noqa: PLC0415  # --help loads nothing heavy

        return open_project(self.config, self.workspace, self.progress)

    def show(self, result: dict[str, Any], words: Iterable[str]) -> None:
        """Write the result to stdout: as JSON, or in words."""
        if self.as_json:
            # Escapes are JSON wherever it goes; letters are only where the console has them.
            everywhere = (sys.stdout.encoding or "utf-8").lower().replace("-", "") != "utf8"
            print(json.dumps(result, ensure_ascii=everywhere, indent=1, allow_nan=False))
        else:
            print("\n".join(words))


def table(head: Sequence[str], rows: Iterable[Sequence[object]], right: Iterable[int] = ()) -> list[str]:
    """Lines of an aligned table; the columns numbered in ``right`` are set to the right."""
    body = [[str(cell) for cell in row] for row in rows]
    widths = [max(_columns(row[at]) for row in [list(head), *body]) for at in range(len(head))]
    flush = set(right)

    def line(cells: Sequence[str]) -> str:
        set_out = [
            " " * (width - _columns(cell)) + cell if at in flush else cell + " " * (width - _columns(cell))
            for at, (cell, width) in enumerate(zip(cells, widths, strict=True))
        ]
        return ("  " + "  ".join(set_out)).rstrip()

    return [line(list(head)), line(["-" * width for width in widths]), *map(line, body)]


def _columns(text: str) -> int:
    """How many columns of a terminal a text takes: ideographs and emoji take two, marks on a letter none.

    >>> _columns("好吃 ok")
    7
    """
    return sum(
        0 if unicodedata.combining(one) else 2 if unicodedata.east_asian_width(one) in "WF" else 1
        for one in text
    )


NOT_KNOWN = "not known"


def number(value: float | None, digits: int = 3) -> str:
    """A figure for people; what is not known says so."""
    if value is None or value != value:  # noqa: PLR0124  # NaN
        return NOT_KNOWN
    # Adding 0.0 makes "-0" what it is.
    return f"{round(value, digits) + 0.0:,.{digits}f}"


def signed(value: float, digits: int = 3) -> str:
    """A difference with its sign; what is not known says so.

    >>> signed(0.0251), signed(-0.0001), signed(float("nan"))
    ('+0.025', '+0.000', 'not known')
    """
    if value != value:  # noqa: PLR0124  # NaN
        return number(value)
    return f"{round(value, digits) + 0.0:+.{digits}f}"


def spread(low: float | None, high: float | None, write: Callable[[float], str] = number) -> str:
    """The two ends of an interval; said once where they are not known.

    >>> spread(0.5, 0.75), spread(float("nan"), float("nan"))
    ('0.500 to 0.750', 'not known')
    """
    ends = [NOT_KNOWN if one is None or one != one else write(one) for one in (low, high)]  # noqa: PLR0124  # NaN
    return NOT_KNOWN if NOT_KNOWN in ends else " to ".join(ends)


LONGEST = 60
"""Characters of a text that are shown."""


def one_line(text: str) -> str:
    r"""The text on one line, without controls, and cut.

    >>> one_line("so\nbad\x1b[31m")
    'so bad [31m'
    """
    line = " ".join("".join(one if one.isprintable() else " " for one in text).split())
    return line if len(line) <= LONGEST else line[: LONGEST - 3] + "..."


def words_shown(weights: Iterable[tuple[str, float]]) -> str:
    """Words with what each added.

    >>> words_shown([("late", -2.0), ("kind", 1.4)])
    'late -2.0, kind +1.4'
    """
    return ", ".join(f"{word} {weight:+.1f}" for word, weight in weights)
