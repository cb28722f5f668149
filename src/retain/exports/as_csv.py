"""Scores as one CSV file that a CRM imports and a spreadsheet opens without running anything."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv

from retain.errors import OutputError
from retain.exports.cells import neutralise
from retain.exports.formats import Format

if TYPE_CHECKING:
    from pathlib import Path

PROBABILITY_DECIMALS = 6
_PROBABILITY = pa.decimal128(PROBABILITY_DECIMALS + 3, PROBABILITY_DECIMALS)


def write(table: pa.Table, folder: Path) -> None:
    """Write ``scores.csv``.

    Raises:
        OutputError: a column holds something that is no single value, such as lists.
    """
    names = neutralise(pa.chunked_array([table.column_names], pa.string())).to_pylist()
    columns = [_cells(name, table[name]) for name in table.column_names]
    csv.write_csv(pa.table(columns, names=names), folder / "scores.csv")


FORMAT = Format(
    "csv",
    "One UTF-8 file with a header row; texts that a spreadsheet would run are neutralised.",
    write,
)


def _cells(name: str, column: pa.ChunkedArray) -> pa.ChunkedArray:
    """The column in a type whose CSV rendering is the one that the manual promises."""
    kind = column.type
    if pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind):
        return neutralise(column.cast(pa.large_string()))
    if pa.types.is_floating(kind):
        known = pc.if_else(pc.is_nan(column), None, column)
        if name.endswith("probability"):
            return pc.round(known.cast(pa.float64()), PROBABILITY_DECIMALS).cast(_PROBABILITY)
        return known
    if pa.types.is_timestamp(kind):
        pattern = "%Y-%m-%dT%H:%M:%S" + ("" if kind.tz is None else "Z")
        return pc.strftime(column.cast(pa.timestamp(kind.unit, kind.tz and "UTC")), pattern)
    if any(is_it(kind) for is_it in _AS_THEY_ARE):
        return column
    raise OutputError(
        f"The column '{name}' holds {kind}, which has no place in a CSV cell. Export to parquet instead."
    )


_AS_THEY_ARE = (
    pa.types.is_integer,
    pa.types.is_boolean,
    pa.types.is_decimal,
    pa.types.is_date,
    pa.types.is_null,
)
