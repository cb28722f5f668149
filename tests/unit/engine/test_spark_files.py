"""What a worker writes of one partition, without a cluster."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa
import pytest
from pyarrow import parquet

from retain.engine.spark_files import _number, _written
from retain.errors import OutputError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from retain.events.store import EventStore

COLUMNS = pa.schema([pa.field("customer_id", pa.string(), nullable=False)])


def everybody(store: EventStore) -> Iterator[pa.RecordBatch]:
    """A batch a customer."""
    for one in store.customer_ids:
        yield pa.record_batch([pa.array([one], pa.string())], schema=COLUMNS)


def test_a_partition_tells_its_file_and_rows(orders_store: Callable[..., EventStore], tmp_path: Path) -> None:
    """All batches in one file, under a name that no other attempt has."""
    store = orders_store([], customers=["a", "b"])
    told = [
        one
        for _ in range(2)
        for batch in _written(store, everybody, COLUMNS, str(tmp_path))
        for one in batch.to_pylist()
    ]
    assert [one["rows"] for one in told] == [2, 2]
    assert sorted(one["file"] for one in told) == sorted(one.name for one in tmp_path.iterdir())
    for one in tmp_path.iterdir():
        assert parquet.read_table(one).equals(pa.table({"customer_id": ["a", "b"]}, schema=COLUMNS))


def test_what_failed_attempts_left_is_no_part_of_the_panel(tmp_path: Path) -> None:
    """The files that were told of are numbered in their order."""
    for one in "abc":
        (tmp_path / f"{one}.part").write_text(one)
    _number(tmp_path, ["c.part", "a.part"])
    assert {one.name: one.read_text() for one in tmp_path.iterdir()} == {
        "part-00000.parquet": "c",
        "part-00001.parquet": "a",
    }


def test_a_worker_elsewhere_says_what_to_do(orders_store: Callable[..., EventStore], tmp_path: Path) -> None:
    """A folder that only the driver sees holds nobody's files."""
    with pytest.raises(OutputError, match="A worker does not see the folder") as caught:
        list(_written(orders_store([]), everybody, COLUMNS, str(tmp_path / "panel" / ".part-panel")))
    assert f"'{tmp_path / 'panel'}'" in str(caught.value)
    assert "features(...).write" in str(caught.value)
