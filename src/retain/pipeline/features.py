"""`retain features`: the panel as a file, for those who want to model themselves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
from pyarrow import csv, parquet

from retain import atomic
from retain.cache import key_of
from retain.engine import ENGINES
from retain.engine.panel import Snapshots, as_told
from retain.errors import UsageError, did_you_mean
from retain.events.batches import in_groups
from retain.exports.cells import neutralise
from retain.labels import LABELS, require_within
from retain.timeline import NEVER, instant_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from retain.engine.panel import Engine
    from retain.events.store import EventStore
    from retain.features.spec import FeatureSet
    from retain.pipeline.project import Project

ROW_GROUP = 2**17
"""Rows that are written at a time."""
_BLOCK = 2**26
"""Bytes of a panel that is computed at a time when it comes from shards."""
_FEWEST = 1_000


@dataclass(frozen=True)
class FeatureRun:
    """What `retain features` wrote.

    Attributes:
        path: the file.
        rows: (customer, cutoff) pairs.
        cutoffs: in the order asked for.
        features: the columns that are features.
        fingerprint: of the feature set.
    """

    path: Path
    rows: int
    cutoffs: tuple[int, ...]
    features: tuple[str, ...]
    fingerprint: str

    def as_dict(self) -> dict[str, Any]:
        """The run as JSON values."""
        return {
            "path": str(self.path),
            "rows": self.rows,
            "cutoffs": [instant_text(one) for one in self.cutoffs],
            "features": list(self.features),
            "fingerprint": self.fingerprint,
        }


def run_features(project: Project, cutoffs: Sequence[int], out: Path) -> FeatureRun:
    """The feature panel of everybody who had become a customer before the cutoff, written to one file.

    Tables that no feature of the families reads are not read.

    Columns: ``customer_id``, ``cutoff``, ``eligible``, then the features; rows by cutoff and customer.

    Args:
        project: the data and settings.
        cutoffs: one or more instants; one that is named twice counts once.
        out: a path that ends in ``.parquet`` or ``.csv``.

    Raises:
        UsageError: the ending is another.
        WindowError: a cutoff does not fit the data.
    """
    if out.suffix not in (".parquet", ".csv"):
        raise UsageError(
            f"'{out}' has to end in .parquet or .csv. {did_you_mean(out.suffix, ['.parquet', '.csv'])}"
        )
    project.read_for_features()
    cutoffs = tuple(dict.fromkeys(cutoffs))
    if not project.config.churn.given:
        for cutoff in cutoffs:
            require_within(project.observed, cutoff, project.config.churn)
    chosen = project.features
    if project.shards is None:
        batches = _panel(project, project.store, project.engine, cutoffs)
    else:
        project.progress(f"{len(chosen.names)} features at {len(cutoffs)} cutoffs")
        key = key_of(["features", *map(str, cutoffs), repr(project.config.churn), chosen.fingerprint])
        job = {"verb": "features", "cutoffs": cutoffs}
        files = project.shards.made(key, panel_of(project, job), job)
        batches = _by_cutoff(files, len(cutoffs))
    with atomic.file(out) as part:
        rows = _write(part, batches, _schema(chosen))
    project.tell_memory()
    return FeatureRun(out, rows, cutoffs, chosen.names, chosen.fingerprint)


def panel_of(project: Project, job: Mapping[str, Any]) -> Callable[[EventStore], Iterator[pa.RecordBatch]]:
    """What makes the panel of a shard at the cutoffs that the job names."""
    engine = ENGINES.get(project.config.features.engine)
    return lambda store: _blocks(project, store, engine, job["cutoffs"])


def _schema(features: FeatureSet) -> pa.Schema:
    return pa.schema(
        [
            ("customer_id", pa.string()),
            ("cutoff", pa.timestamp("us", tz="UTC")),
            ("eligible", pa.bool_()),
            *((one.name, pa.float64() if one.levels is None else pa.string()) for one in features.features),
        ]
    )


def _blocks(
    project: Project, store: EventStore, engine: Engine, cutoffs: Sequence[int]
) -> Iterator[pa.RecordBatch]:
    """The panel of one store some customers at a time: of these one batch a cutoff, then those of the next customers."""
    size = max(_FEWEST, _BLOCK // (8 * len(cutoffs) * len(project.features.names)))
    for first in range(0, max(1, len(store.customer_ids)), size):
        yield from _panel(project, store, engine, cutoffs, first, first + size)


def _panel(
    project: Project,
    store: EventStore,
    engine: Engine,
    cutoffs: Sequence[int],
    first: int = 0,
    end: int | None = None,
) -> Iterator[pa.RecordBatch]:
    """One batch a cutoff with the features of the customers from one to another who were customers by then."""
    churn, features = project.config.churn, project.features
    label, schema = LABELS.get(churn.definition), _schema(features)
    # A shard may have customers of whom other tables tell and no order.
    known = [np.empty(0, dtype=np.int64)] * len(cutoffs)
    if len(store.tables[label.table]):
        known = [
            first + np.flatnonzero(label.last_seen(store, cutoff)[first:end] > NEVER) for cutoff in cutoffs
        ]
    counts = [len(one) for one in known]
    snapshots = Snapshots(np.concatenate(known), np.repeat(np.array(cutoffs, dtype=np.int64), counts))
    if project.shards is None:
        project.progress(f"{len(features.names)} features of {len(snapshots):,} snapshots")
    values = engine(store, features, snapshots).values
    begin = 0
    for cutoff, customers in zip(cutoffs, known, strict=True):
        some = values[begin : begin + len(customers)]
        begin += len(customers)
        eligible = label.eligible(store, cutoff, churn)[customers] if len(customers) else np.empty(0, bool)
        yield pa.record_batch(
            [
                pa.array(store.customer_ids[customers], pa.string()),
                pa.array(np.full(len(customers), cutoff)).cast(schema.field("cutoff").type),
                pa.array(eligible, pa.bool_()),
                *(as_told(one, some[:, at]) for at, one in enumerate(features.features)),
            ],
            schema=schema,
        )


def _by_cutoff(files: Sequence[Path], cutoffs: int) -> Iterator[pa.RecordBatch]:
    """The batches of all shards by cutoff, and so by customer: shards follow each other in the order of ids."""
    for place in range(cutoffs):
        for path in files:
            with pa.memory_map(str(path)) as raw, pa.ipc.open_file(raw) as part:
                for one in range(place, part.num_record_batches, cutoffs):
                    yield part.get_batch(one)


def _write(path: Path, batches: Iterable[pa.RecordBatch], schema: pa.Schema) -> int:
    """How many rows the file has now; it is the same whatever batches they came in."""
    rows = 0
    as_csv = path.suffix == ".csv"
    with (
        csv.CSVWriter(path, schema)
        if as_csv
        else parquet.ParquetWriter(path, schema, compression="zstd") as writer
    ):
        for group in in_groups(batches, ROW_GROUP):
            rows += len(group)
            if as_csv:
                writer.write_table(_for_spreadsheets(group))
            else:
                writer.write_table(group, row_group_size=ROW_GROUP)
    return rows


def _for_spreadsheets(table: pa.Table) -> pa.Table:
    """The table with no text that a spreadsheet would take for a formula."""
    for at, field in enumerate(table.schema):
        if field.type == pa.string():
            table = table.set_column(at, field.name, neutralise(table[field.name]))
    return table
