"""`retain export`: a scoring run as files for the CRM."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

import pyarrow as pa
from pyarrow import parquet

from retain.errors import SourceError
from retain.exports.export import export
from retain.exports.formats import FORMATS
from retain.pipeline.score import MANIFEST, SCORES

if TYPE_CHECKING:
    from pathlib import Path

    from retain.exports.manifest import Manifest
    from retain.pipeline.project import Project


def latest_scores(project: Project) -> Path:
    """The folder of the project's latest scoring run, by its date.

    Raises:
        SourceError: nothing was scored yet.
    """
    found = sorted(one.parent for one in (project.folder / "scores").glob(f"*/{SCORES}"))
    if not found:
        raise SourceError(
            "Nothing was scored in this workspace yet. Run `retain score` first, or name a folder with --scores."
        )
    return found[-1]


def run_export(
    project: Project, format_name: str, scores: Path | None = None, out: Path | None = None
) -> tuple[Path, Manifest]:
    """The folder of an export and its manifest.

    Args:
        project: whose workspace is looked in and written to.
        format_name: one of the export formats.
        scores: the folder of a scoring run; None is the latest.
        out: the folder to write; None is ``exports/<date>-<format>`` in the project's part of the workspace.

    Raises:
        UsageError: no such format.
        SourceError: there is no scoring run there, or it was changed after it was written.
    """
    FORMATS.get(format_name)
    folder = scores or latest_scores(project)
    table = _read(folder)
    target = out or project.folder / "exports" / f"{folder.name}-{format_name}"
    project.progress(f"exporting {table.num_rows:,} customers")
    return target, export(table, target, format_name)


def _read(folder: Path) -> pa.Table:
    """The scores of that folder, if they are the ones that its manifest states."""
    try:
        stated = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))["files"][SCORES]
        content = (folder / SCORES).read_bytes()
    except (OSError, ValueError, KeyError, TypeError) as cause:
        raise SourceError(
            f"{folder} holds no whole scoring run: {cause}. Run `retain score` again."
        ) from cause
    if hashlib.sha256(content).hexdigest() != stated:
        raise SourceError(f"{folder / SCORES} was changed after it was written. Run `retain score` again.")
    try:
        return parquet.read_table(pa.BufferReader(content))
    except pa.ArrowInvalid as cause:
        raise SourceError(f"{folder / SCORES} is no table of scores. Run `retain score` again.") from cause
