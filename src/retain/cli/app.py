"""The application: its verbs, the options that may stand before or after them, and how it ends."""

from __future__ import annotations

import io
import sys
import time
import traceback
from itertools import pairwise
from pathlib import Path
from typing import Annotated

import typer

from retain import __version__
from retain.cli import (
    backtest,
    demo,
    evaluate,
    explain,
    export,
    features,
    init,
    kpis,
    models,
    score,
    sentiment,
    train,
    tune,
    validate,
)
from retain.cli.context import Context
from retain.errors import UserError

INTERRUPTED = 130
BUG = 70
"""What a run ends with when it failed through no fault of the user."""

_FLAGS = frozenset({"--json", "--quiet"})
_OPTIONS = frozenset({"--config", "--workspace", "--log-format"})

app = typer.Typer(
    name="retain",
    help=(
        "Churn prediction from raw event tables to a file the CRM imports.\n\n"
        "Begin with `retain demo`, or with `retain init FOLDER` for your own data.\n\n"
        "The options below may stand before or after the verb."
    ),
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    epilog="Exit codes are listed in docs/cli.md; 0 is success, and each kind of mistake has its own.",
)
VERBS = (
    demo,
    init,
    validate,
    features,
    train,
    tune,
    evaluate,
    backtest,
    score,
    export,
    explain,
    sentiment,
    kpis,
)
for _verb in VERBS:
    app.command(name=_verb.__name__.rsplit(".", 1)[-1])(_verb.command)
app.add_typer(models.app, name="models")


def _version(wanted: bool) -> None:  # noqa: FBT001  # Typer calls it so
    if wanted:
        print(f"retain {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    context: typer.Context,
    config: Annotated[
        Path | None,
        typer.Option(
            help="Configuration file. Without it: $RETAIN_CONFIG, then retain.toml or configs/default.toml here.",
            show_default=False,
        ),
    ] = None,
    workspace: Annotated[Path, typer.Option(help="Folder that takes everything written.")] = Path(
        "workspace"
    ),
    as_json: Annotated[
        bool, typer.Option("--json", help="One JSON object on stdout instead of tables.")
    ] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="No progress on stderr.")] = False,
    log_format: Annotated[str, typer.Option(help="Progress and errors as 'text' or 'json' lines.")] = "text",
    version: Annotated[  # noqa: ARG001  # its callback answers
        bool, typer.Option("--version", help="Show the version and end.", callback=_version, is_eager=True)
    ] = False,
) -> None:
    if log_format not in ("text", "json"):
        raise typer.BadParameter(f"'{log_format}' is neither text nor json.", param_hint="--log-format")
    context.obj = Context(config, workspace, as_json, quiet, log_format == "json", time.monotonic())


def main(arguments: list[str] | None = None) -> None:
    """Run the command line, and end the process with a documented exit code."""
    words = _general_first(sys.argv[1:] if arguments is None else arguments)
    log_json = "--log-format=json" in words or ("--log-format", "json") in pairwise(words)
    for stream in (sys.stdout, sys.stderr):
        # A console that lacks a letter shall show its number, not end the run.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    log = Context(None, Path(), as_json=False, quiet=False, log_json=log_json, started=time.monotonic())
    try:
        app(words)
    except UserError as mistake:
        log.say("error", str(mistake))
        raise SystemExit(mistake.exit_code) from mistake
    except KeyboardInterrupt:
        log.say("error", "Stopped. What was complete is kept; nothing half-written is left.")
        raise SystemExit(INTERRUPTED) from None
    except Exception as bug:
        complaint = (
            f"This is a defect of retain, not of your data: {type(bug).__name__}. Please report what follows."
        )
        log.say("error", complaint)
        traceback.print_exc()
        raise SystemExit(BUG) from bug


def _general_first(words: list[str]) -> list[str]:
    """The same words with the general options before the verb, where Typer expects them.

    >>> _general_first(["train", "--until", "2011-06-01", "--json", "--workspace", "w"])
    ['--json', '--workspace', 'w', 'train', '--until', '2011-06-01']
    """
    general: list[str] = []
    others: list[str] = []
    rest = iter(words)
    for word in rest:
        if word == "--":
            others += [word, *rest]
        elif word in _FLAGS or (word.split("=", 1)[0] in _OPTIONS and "=" in word):
            general.append(word)
        elif word in _OPTIONS:
            general += [word, *([value] if (value := next(rest, None)) is not None else [])]
        else:
            others.append(word)
    return general + others
