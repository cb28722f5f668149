"""The panel of Spark's customers as Parquet files that its workers write themselves.

A table that Spark is to write goes back to it as Arrow, is made rows of, and columns again: of a wide panel that is
up to half of what Spark adds to the kernel. Only names of files travel here.
"""

from __future__ import annotations

import secrets
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
from pyarrow import parquet

from retain import atomic
from retain.engine.spark import panel_work
from retain.errors import OutputError
from retain.features.catalog import FAMILIES

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from retain.engine.spark import Tables, Work
    from retain.events.store import EventStore
    from retain.features.spec import Feature

ROW_GROUP = 2**17
"""Rows that are written at a time."""
_UNNUMBERED = ".part"
_WRITTEN = pa.schema([("file", pa.string()), ("rows", pa.int64())])


def write_features(
    tables: Tables,
    cutoffs: Sequence[str],
    folder: Path,
    families: Sequence[str] = tuple(FAMILIES),
    own: Sequence[Feature] = (),
) -> int:
    """How many rows the panel has that is now in that folder: the one of ``retain.engine.spark.features``, a file a partition.

    The folder is there when all of it is; what was in it before is gone.

    Args:
        tables: what is known.
        cutoffs: dates or times in ISO 8601, read in the tables' zone; one that is named twice counts once.
        folder: a path under which the driver and all workers see the same files.
        families: names of families of features.
        own: features of your own.

    Raises:
        UsageError: a cutoff is no date, or there is none.
        ConfigError: there is no such family, none of these can be fed, or one of your own cannot.
        OutputError: the folder cannot be written.
    """
    work, columns = panel_work(tables, cutoffs, families, own, ROW_GROUP)
    with atomic.folder(folder.absolute()) as part:
        write = partial(_written, work=work, columns=columns, folder=str(part))
        told = tables.on_customers(write, _WRITTEN).toArrow().to_pylist()
        _number(part, [one["file"] for one in told])
    return sum(one["rows"] for one in told)


def _number(folder: Path, files: Sequence[str]) -> None:
    """Give these files their places in the panel, and remove all others."""
    for number, one in enumerate(files):
        (folder / one).rename(folder / f"part-{number:05}.parquet")
    # A partition that failed once, or was given to two workers, left what nobody told of.
    for stray in folder.glob(f"*{_UNNUMBERED}"):
        stray.unlink()


def _written(store: EventStore, work: Work, columns: pa.Schema, folder: str) -> Iterator[pa.RecordBatch]:
    """The name of the file that holds what the work makes of a partition's customers, and its rows."""
    if not Path(folder).is_dir():
        raise OutputError(
            f"A worker does not see the folder '{Path(folder).parent}'. Name one that the driver and all workers share, or let "
            f"Spark write the table: features(...).write."
        )
    file = f"{secrets.token_hex(16)}{_UNNUMBERED}"
    rows = 0
    with parquet.ParquetWriter(Path(folder) / file, columns, compression="zstd") as writer:
        for batch in work(store):
            writer.write_batch(batch, row_group_size=ROW_GROUP)
            rows += len(batch)
    yield pa.RecordBatch.from_pylist([{"file": file, "rows": rows}], schema=_WRITTEN)
