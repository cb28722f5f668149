"""`retain demo`."""

from __future__ import annotations

from typing import Annotated

import typer

from retain.cli.context import Context, number, table


def command(
    context: typer.Context,
    customers: Annotated[int, typer.Option(help="Customers of the generated shop.", min=1)] = 10_000,
) -> None:
    """Run bundled real orders, then a generated shop, through every step to an HTML report.

    Needs no configuration and no network. Everything is written below the workspace.

    Examples:

        retain demo

        retain demo --customers 2000 --workspace try
    """
    from retain.pipeline.demo import run_demo  # noqa: PLC0415  # --help loads nothing heavy

    shared: Context = context.obj
    stories = run_demo(shared.workspace, customers, shared.progress)
    result = {
        "datasets": [
            {
                "name": one.name,
                "evaluation": one.evaluation.as_dict(),
                "best_possible_auroc": one.best_auroc,
                "scoring": one.run.as_dict(),
                "export": str(one.export),
                "report": str(one.report.resolve()),
            }
            for one in stories
        ],
        "report": str(stories[0].report.resolve()),
    }
    lines = table(
        ("data", "customers", "churned", "AUROC", "best baseline", "best possible", "at risk now"),
        [
            (
                one.name,
                f"{one.evaluation.measures.n:,}",
                f"{one.evaluation.measures.churn_rate:.1%}",
                number(one.evaluation.measures.auroc.value),
                number(max(each.auroc.value for each in one.evaluation.baselines.values())),
                "" if one.best_auroc is None else number(one.best_auroc),
                f"{one.run.tiers['critical'] + one.run.tiers['high']:,}",
            )
            for one in stories
        ],
        right=range(1, 7),
    )
    for one in stories:
        lines += [
            "",
            f"{one.name}: {one.run.customers:,} customers in the export, {one.run.statuses['scored']:,} of them scored",
            f"  for the CRM  {one.export / 'scores.csv'}",
            f"  report       {one.report.resolve()}",
        ]
    lines += [
        "",
        "Next: retain init FOLDER looks at your own tables and writes a configuration.",
        f"Open {stories[0].report.resolve()}",
    ]
    shared.show(result, lines)
