"""`retain init`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from retain.cli.context import Context


def command(
    context: typer.Context,
    folder: Annotated[Path, typer.Argument(help="Folder with your tables, or one file.")],
    out: Annotated[Path, typer.Option(help="Configuration to write; never overwritten.")] = Path(
        "retain.toml"
    ),
) -> None:
    """Look at a folder, guess tables and columns, and write a configuration to edit.

    Examples:

        retain init data

        retain init exports/orders.csv --out shop.toml
    """
    from retain.pipeline.init import run_init  # noqa: PLC0415  # --help loads nothing heavy

    shared: Context = context.obj
    made = run_init(folder, out)
    shared.show(made.as_dict(), made.words())
