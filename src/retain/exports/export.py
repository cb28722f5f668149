"""One call from a table of scores to a folder with the files and their manifest."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import pyarrow as pa

from retain import __version__, atomic
from retain.errors import ContractError, OutputError, SourceError
from retain.exports import manifest
from retain.exports.formats import FORMATS
from retain.exports.manifest import Manifest
from retain.timeline import instant, instant_text

if TYPE_CHECKING:
    from pathlib import Path


def export(scores: pa.Table, out: Path, format_name: str) -> Manifest:
    """The manifest of an export that lies complete in ``out``.

    Every row is written once, sorted by ``customer_id``, so the same scores give the same bytes in whatever order
    they come. The folder appears as a whole; an earlier export there is replaced.

    Args:
        scores: one row a customer, with ``customer_id``, ``run_id``, ``model_version`` and ``as_of``.
        out: the folder; made, or holding nothing but an earlier export.
        format_name: one of ``FORMATS``.

    Raises:
        UsageError: there is no such format.
        ContractError: a customer occurs twice, or the scores come from more than one run.
        OutputError: the folder holds something else, or cannot be written.
    """
    form = FORMATS.get(format_name)
    ordered = _ordered(scores)
    facts = {name: _one_value(scores, name) for name in ("run_id", "model_version", "as_of")}
    _refuse_foreign(out)
    with atomic.folder(out) as part:
        form.write(ordered, part)
        written = Manifest(
            format=form.name,
            rows=ordered.num_rows,
            columns=tuple(ordered.column_names),
            **facts,
            retain_version=__version__,
            files=tuple(manifest.entry(one) for one in sorted(part.iterdir())),
        )
        written.write(part)
    return written


def _ordered(scores: pa.Table) -> pa.Table:
    if "customer_id" not in scores.column_names:
        raise ContractError("The scores have no column 'customer_id'. Export the table that 'score' wrote.")
    distinct = scores["customer_id"].combine_chunks().unique()
    if len(distinct) < scores.num_rows:
        raise ContractError(
            f"{scores.num_rows} rows of scores name {len(distinct)} customers, so somebody occurs twice. "
            "Export the scores of one run."
        )
    return _decoded(scores).sort_by("customer_id")


def _decoded(scores: pa.Table) -> pa.Table:
    """Categories as their plain values: the order in which they were numbered would show in the bytes."""
    fields = [
        one.with_type(one.type.value_type) if pa.types.is_dictionary(one.type) else one
        for one in scores.schema
    ]
    return scores.cast(pa.schema(fields))


def _one_value(scores: pa.Table, name: str) -> str | None:
    """What the column says, the same in every row that says anything."""
    if name not in scores.column_names:
        return None
    values = scores[name].unique().drop_null().to_pylist()
    if len(values) > 1:
        raise ContractError(
            f"The scores have {len(values)} different values of '{name}'. Export the scores of one run at a time."
        )
    if not values:
        return None
    return instant_text(instant(values[0].isoformat())) if isinstance(values[0], date) else str(values[0])


def _refuse_foreign(out: Path) -> None:
    """An export replaces its folder, so nothing else may live there."""
    if not out.is_dir():
        return
    there = {one.name for one in out.iterdir()}
    try:
        ours = {one.name for one in manifest.read_manifest(out).files} | {manifest.NAME}
    except SourceError:
        ours = set()
    if there - ours:
        raise OutputError(
            f"{out} holds '{min(there - ours)}', which no export wrote. Choose an empty or new folder."
        )
