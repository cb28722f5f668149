"""Scores as one Parquet file: every type and every bit as it is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyarrow import parquet

from retain.exports.formats import Format

if TYPE_CHECKING:
    from pathlib import Path

    import pyarrow as pa

_ROWS_IN_A_GROUP = 1_000_000
"""Fixed, so that another version of the writer does not cut the same table elsewhere."""


def write(table: pa.Table, folder: Path) -> None:
    """Write ``scores.parquet``."""
    parquet.write_table(table, folder / "scores.parquet", compression="zstd", row_group_size=_ROWS_IN_A_GROUP)


FORMAT = Format(
    "parquet", "One Parquet file with every type kept; for a warehouse or another program.", write
)
