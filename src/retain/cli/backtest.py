"""`retain backtest`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from retain.cli.context import Context, number, signed, spread, table

if TYPE_CHECKING:
    from retain.pipeline.backtest import Backtest


def command(
    context: typer.Context,
    cutoffs: Annotated[
        str | None,
        typer.Option(
            help="Dates, parted by commas. Without it: back from the last known outcome.", show_default=False
        ),
    ] = None,
    most: Annotated[int, typer.Option(help="At most so many cutoffs.", min=1)] = 12,
    step_days: Annotated[int, typer.Option(help="Days between two; 0 is a third of the horizon.", min=0)] = 0,
) -> None:
    """Repeat the whole procedure at past cutoffs, each time knowing only what was known then.

    Every round trains, chooses and calibrates a model of its own and measures it on what happened next. Finished
    rounds are kept in the workspace, so a stopped backtest goes on where it was.

    Examples:

        retain backtest

        retain backtest --most 4 --step-days 90

        retain backtest --cutoffs 2011-03-01,2011-06-01 --json
    """
    from retain.pipeline.backtest import run_backtest  # noqa: PLC0415  # --help loads nothing heavy

    shared: Context = context.obj
    project = shared.project()
    chosen = None if cutoffs is None else [project.instant(one) for one in cutoffs.split(",")]
    project.read_for_models()
    found = run_backtest(project, chosen, most, step_days)
    shared.show(found.as_dict(), _words(found))


def _words(found: Backtest) -> list[str]:
    rows = []
    for one in found.rounds:
        auroc = one.measures["auroc"]
        rows.append(
            (
                one.cutoff,
                f"{one.measures['n']:,}",
                f"{one.measures['churn_rate']:.1%}",
                one.learner,
                number(auroc["value"]),
                spread(auroc["low"], auroc["high"]),
                signed(one.ahead),
                number(one.measures["lift_at_10"], 2),
                number(one.measures["ece"]),
                number(one.measures["observed_expected"], 2),
            )
        )
    head = (
        "cutoff",
        "customers",
        "churned",
        "learner",
        "AUROC",
        "95 % interval",
        "ahead by",
        "lift 10 %",
        "ECE",
        "O/E",
    )
    behind = sum(one.ahead < 0 for one in found.rounds)
    return [
        *table(head, rows, right=(1, 2, 4, 5, 6, 7, 8, 9)),
        "",
        "Ahead by: AUROC above the better of the two baselines. O/E: churners seen for each one forecast.",
        (
            f"Mean AUROC {number(found.mean('auroc'))}, mean ECE {number(found.mean('ece'))}; "
            f"behind the best baseline at {behind} of {len(found.rounds)} cutoffs."
        ),
        f"Rounds are kept in {found.folder}",
    ]
