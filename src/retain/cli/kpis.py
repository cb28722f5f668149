"""`retain kpis`."""

from __future__ import annotations

from typing import Annotated

import typer

from retain.cli.context import Context, number, table


def command(
    context: typer.Context,
    until: Annotated[
        str | None,
        typer.Option(help="End of the last period. Without it: the end of the data.", show_default=False),
    ] = None,
    days: Annotated[int, typer.Option(help="Length of a period in days.", min=1, max=36_500)] = 90,
    periods: Annotated[int, typer.Option(help="How many periods, side by side.", min=1)] = 1,
) -> None:
    """Show the customer base in figures: churn and retention rates, repeat purchases, value.

    Examples:

        retain kpis

        retain kpis --until 2011-06-01 --days 90 --periods 4
    """
    from retain.pipeline.kpis import run_kpis  # noqa: PLC0415  # --help loads nothing heavy
    from retain.timeline import instant_text  # noqa: PLC0415  # as above

    shared: Context = context.obj
    project = shared.project()
    found = run_kpis(project, None if until is None else project.instant(until), days, periods)
    result = {
        "periods": [
            {
                "start": instant_text(period.start),
                "end": instant_text(period.end),
                "kpis": {
                    one.name: {
                        "value": one.value,
                        "low": one.low,
                        "high": one.high,
                        "unit": one.unit,
                        "n": one.n,
                        "formula": one.formula,
                        "note": one.note,
                    }
                    for one in period.kpis
                },
            }
            for period in found
        ]
    }
    heads = [f"to {instant_text(period.end)}" for period in found]
    known = [
        (last.name, last.unit, *(_figure(period.kpis[at].value, last.unit) for period in found))
        for at, last in enumerate(found[-1].kpis)
        if last.value is not None
    ]
    missing: dict[str, list[str]] = {}
    for one in found[-1].kpis:
        if one.value is None:
            missing.setdefault(one.note, []).append(one.name)
    unknown = [f"  {why}: {', '.join(names)}" for why, names in missing.items()]
    shared.show(
        result,
        [
            *table(("figure", "unit", *heads), known, right=range(2, 2 + len(heads))),
            *(["", "Not known:", *unknown] if unknown else []),
            "",
            "How each is computed, its interval and its number of cases: with --json.",
        ],
    )


def _figure(value: float | None, unit: str) -> str:
    """A key figure in its unit."""
    if value is not None and unit == "share":
        return f"{value:.1%}"
    return number(value, {"count": 0, "money": 2}.get(unit, 3))
