"""`retain score`."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated

import typer

from retain.cli.context import AsOf, Context, Language, Model, table


def command(
    context: typer.Context,
    as_of: AsOf = None,
    out: Annotated[
        Path | None,
        typer.Option(help="Folder to write. Without it: scores/DATE in the workspace.", show_default=False),
    ] = None,
    model: Model = "champion",
    language: Language = None,
    report: Annotated[Path | None, typer.Option(help="Also write an HTML page.", show_default=False)] = None,
) -> None:
    """Score every customer: probability, risk tier, priority, reasons and a recommended action.

    Every customer of the input gets exactly one row, with a score or the reason why there is none. The folder appears
    as a whole or not at all; scoring again writes the same bytes.

    Examples:

        retain score

        retain score --as-of 2011-09-01 --out tonight --json

        retain score --model models/champion --as-of 2011-06-01 --out try

        retain score --language uk
    """
    from retain.pipeline.score import SCORES, in_full, run_scoring  # noqa: PLC0415  # --help loads nothing heavy

    shared: Context = context.obj
    project = shared.project()
    if report is None:  # a page tells of the rest, too
        project.read_for_models()
    run = run_scoring(project, None if as_of is None else project.instant(as_of), out, model, language)
    result = run.as_dict()
    words = [
        f"{run.customers:,} customers as of {result['as_of']}, model {run.bundle.version}: "
        + ", ".join(
            f"{count:,} {status.replace('_', ' ')}" for status, count in run.statuses.items() if count
        ),
        "",
        *table(
            ("tier", "customers"), [(tier, f"{count:,}") for tier, count in run.tiers.items()], right=(1,)
        ),
        "",
        *(f"Note: {note}" for note in run.notes),
        f"Scores: {run.folder / SCORES}",
        f"For the CRM: retain export --to csv --scores {shlex.quote(str(run.folder))}",
    ]
    if report is not None:
        from retain.pipeline.report import write_report  # noqa: PLC0415  # as above

        page = write_report(project, in_full(project, run), None, report)
        result["report"] = str(page)
        words.append(f"Report: {page}")
    shared.show(result, words)
