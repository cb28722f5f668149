"""`retain evaluate`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from retain.cli.context import Context, number, table
from retain.errors import StoreError

if TYPE_CHECKING:
    from retain.pipeline.evaluate import Evaluation


def command(
    context: typer.Context,
    cutoff: Annotated[
        str, typer.Option(help="Predict as of this date, and compare with what happened afterwards.")
    ],
    model: Annotated[
        str | None,
        typer.Option(
            help="Alias, number or version. Without it: the newest that knew no outcome after the cutoff; if there is "
            "none, one is trained.",
            show_default=False,
        ),
    ] = None,
    report: Annotated[
        Path | None,
        typer.Option(help="Also write an HTML page with the scores as of the cutoff.", show_default=False),
    ] = None,
) -> None:
    """Say how good a model is at a cutoff that it never saw, beside two baselines.

    Examples:

        retain evaluate --cutoff 2011-06-01

        retain evaluate --cutoff 2011-06-01 --json

        retain evaluate --cutoff 2011-06-01 --model 3 --report quality.html
    """
    from retain.pipeline.evaluate import run_evaluation  # noqa: PLC0415  # --help loads nothing heavy

    shared: Context = context.obj
    project = shared.project()
    done = run_evaluation(project, project.instant(cutoff), model)
    result = done.as_dict()
    words = _words(done)
    if report is not None:
        from retain.pipeline.report import write_report  # noqa: PLC0415  # as above
        from retain.pipeline.score import make_scores  # noqa: PLC0415  # as above

        page = write_report(project, make_scores(project, done.cutoff, done.bundle), done, report)
        result["report"] = str(page)
        words += ["", f"Report: {page}"]
    shared.show(result, words)
    if done.unlogged:
        raise StoreError(done.unlogged)


def _words(done: Evaluation) -> list[str]:
    from retain.evaluation.card import METRICS  # noqa: PLC0415  # --help loads nothing heavy

    measures = done.measures
    columns = {done.bundle.card["learner"]: measures, **done.baselines}
    rows = []
    for name in METRICS:
        own = measures.interval(name)
        others = [number(one.interval(name).value) for one in done.baselines.values()]
        rows.append((name, number(own.value), f"{number(own.low)} to {number(own.high)}", *others))
    best = max(done.baselines.items(), key=lambda one: one[1].auroc.value)
    ahead = measures.auroc.value - best[1].auroc.value
    return [
        (
            f"{measures.n:,} customers, {measures.churn_rate:.1%} churned. Model {done.registered.number} "
            f"({done.bundle.version}), trained until {done.bundle.card['training']['until']}."
        ),
        "",
        *table(
            ("metric", next(iter(columns)), "95 % interval", *done.baselines),
            rows,
            right=range(1, 3 + len(done.baselines)),
        ),
        "",
        (
            f"The model ranks a churner above a stayer {measures.auroc.value:.1%} of the time, "
            f"{abs(ahead) * 100:.1f} points {'more' if ahead >= 0 else 'less'} often than the best baseline ({best[0]})."
        ),
    ]
