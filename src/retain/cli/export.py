"""`retain export`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from retain.cli.context import Context


def command(
    context: typer.Context,
    to: Annotated[str, typer.Option(help="Format: csv or parquet.")],
    scores: Annotated[
        Path | None,
        typer.Option(
            help="Folder of a scoring run. Without it: the latest in the workspace.", show_default=False
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(help="Folder to write. Without it: exports/DATE-FORMAT.", show_default=False),
    ] = None,
) -> None:
    """Write the scores as files for the CRM, with a manifest that proves they are whole.

    Cells that a spreadsheet would run are made harmless.

    Examples:

        retain export --to csv

        retain export --to parquet --scores tonight --out outbox
    """
    from retain.pipeline.export import run_export  # noqa: PLC0415  # --help loads nothing heavy

    shared: Context = context.obj
    folder, manifest = run_export(shared.project(), to, scores, out)
    files = [{"name": one.name, "bytes": one.bytes, "sha256": one.sha256} for one in manifest.files]
    shared.show(
        {"folder": str(folder), "format": to, "rows": manifest.rows, "files": files},
        [
            f"{manifest.rows:,} customers: {folder / str(one['name'])} ({one['bytes']:,} bytes)"
            for one in files
        ],
    )
