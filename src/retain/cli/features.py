"""`retain features`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from retain.cli.context import Context


def command(
    context: typer.Context,
    cutoff: Annotated[str, typer.Option(help="One date or several, parted by commas.")],
    out: Annotated[Path, typer.Option(help="File to write; ends in .parquet or .csv.")],
) -> None:
    """Write the features of every customer, each as it was known at the cutoff.

    Examples:

        retain features --cutoff 2011-06-01 --out panel.parquet

        retain features --cutoff 2011-03-01,2011-06-01 --out panel.csv
    """
    from retain.pipeline.features import run_features  # noqa: PLC0415  # --help loads nothing heavy

    shared: Context = context.obj
    project = shared.project()
    made = run_features(project, [project.instant(one) for one in cutoff.split(",")], out)
    shared.show(
        made.as_dict(),
        [
            f"{made.rows:,} snapshots with {len(made.features)} features at {len(made.cutoffs)} cutoffs: {made.path}"
        ],
    )
