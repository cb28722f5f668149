"""`retain features`: the panel as a file, for those who want to model themselves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
from pyarrow import csv, parquet

from retain import atomic
from retain.engine.panel import Snapshots
from retain.errors import UsageError, did_you_mean
from retain.exports.cells import neutralise
from retain.labels import LABELS, require_cutoff
from retain.timeline import NEVER, instant_text

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from retain.engine.panel import FloatArray
    from retain.features.spec import Feature
    from retain.pipeline.project import Project


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
    store, churn = project.store, project.config.churn
    cutoffs = tuple(dict.fromkeys(cutoffs))
    if not churn.given:
        for cutoff in cutoffs:
            require_cutoff(store, cutoff, churn)
    label = LABELS.get(churn.definition)
    known = [np.flatnonzero(label.last_seen(store, cutoff) > NEVER) for cutoff in cutoffs]
    snapshots = Snapshots(
        np.concatenate(known), np.repeat(np.array(cutoffs, dtype=np.int64), [len(one) for one in known])
    )
    eligible = [
        label.eligible(store, cutoff, churn)[mine] for cutoff, mine in zip(cutoffs, known, strict=True)
    ]
    project.progress(f"{len(project.features.names)} features of {len(snapshots):,} snapshots")
    values = project.engine(store, project.features, snapshots).values
    table = pa.table(
        {
            "customer_id": pa.array(store.customer_ids[snapshots.customer], pa.string()),
            "cutoff": pa.array(snapshots.cutoff).cast(pa.timestamp("us", tz="UTC")),
            "eligible": pa.array(np.concatenate(eligible)),
            **{
                one.name: _column(one, values[:, position])
                for position, one in enumerate(project.features.features)
            },
        }
    )
    with atomic.file(out) as part:
        if out.suffix == ".csv":
            csv.write_csv(_for_spreadsheets(table), part)
        else:
            parquet.write_table(table, part, compression="zstd")
    return FeatureRun(out, len(snapshots), cutoffs, project.features.names, project.features.fingerprint)


def _column(feature: Feature, values: FloatArray) -> pa.Array:
    """A feature's values: numbers, or the words of a category; null where not known."""
    if feature.levels is None:
        return pa.array(values, from_pandas=True)
    words = np.array([None, *feature.levels], dtype=object)
    return pa.array(words[np.nan_to_num(values, nan=0.0).astype(np.int64)], pa.string())


def _for_spreadsheets(table: pa.Table) -> pa.Table:
    """The table with no text that a spreadsheet would take for a formula."""
    for at, field in enumerate(table.schema):
        if field.type == pa.string():
            table = table.set_column(at, field.name, neutralise(table[field.name]))
    return table
