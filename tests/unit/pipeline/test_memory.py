from __future__ import annotations

import gzip
import os
import sys
from typing import TYPE_CHECKING

import pyarrow as pa
import pytest
from pyarrow import parquet

from retain.config import ResourceSettings
from retain.errors import ConfigError
from retain.events.source import SourceSettings, TableSource
from retain.pipeline import memory

if TYPE_CHECKING:
    from pathlib import Path


def needed(folder: Path, name: str) -> float:
    """Megabytes for the table, beside what the program itself takes."""
    source = SourceSettings({"orders": TableSource(name)}, folder)
    return memory.needed_mb(source, ["orders"]) - memory.OURSELVES_MB


def test_without_a_setting_half_of_the_memory_may_be_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    """And as much as the setting says where there is one."""
    monkeypatch.setattr(memory, "available_mb", lambda: 8000.0)
    assert memory.budget(ResourceSettings()).megabytes == 4000
    assert memory.budget(ResourceSettings(700)).megabytes == 700


def test_workers_share_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """There are as many as cores, or as are asked for, but never more than fit; their shards are the smaller."""
    monkeypatch.setattr(memory, "cores", lambda: 8)
    assert memory.budget(ResourceSettings(600)).workers == 1
    assert memory.budget(ResourceSettings(2000)).workers == 3
    assert memory.budget(ResourceSettings(16_000)).workers == 8
    assert memory.budget(ResourceSettings(16_000, 2)).workers == 2
    one, two = memory.Budget(2000), memory.Budget(2000, 2)
    assert 2 * two.rows_each < one.rows_each
    with pytest.raises(ConfigError, match=r"workers is -1; it has to be 1 or more"):
        ResourceSettings(workers=-1)


def test_a_container_s_limit_counts(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The least of what the machine has and what the container may take; no limit is none."""
    monkeypatch.setattr(memory, "_CGROUPS", (tmp_path / "limit", tmp_path / "none"))
    (tmp_path / "limit").write_text("max\n")
    machine = memory.available_mb()
    assert machine > 100
    (tmp_path / "limit").write_text("100000000\n")
    assert memory.available_mb() == 100


def test_more_memory_makes_larger_shards() -> None:
    """Even the least setting leaves something for the database and for a shard."""
    few, many = memory.Budget(600), memory.Budget(2000)
    assert 64 < few.database_mb < many.database_mb < 2000
    assert 10_000 < few.rows_each < many.rows_each


def test_rows_and_columns_of_parquet_say_what_it_needs(tmp_path: Path) -> None:
    """However well it is packed."""
    table = pa.table({"a": ["same"] * 100_000, "b": [1] * 100_000})
    parquet.write_table(table, tmp_path / "one.parquet")
    assert 5 < needed(tmp_path, "one.parquet") < 20
    parquet.write_table(pa.concat_tables([table] * 3), tmp_path / "three.parquet")
    assert needed(tmp_path, "three.parquet") == pytest.approx(3 * needed(tmp_path, "one.parquet"))


def test_packed_text_needs_more_than_it_takes_on_disk(tmp_path: Path) -> None:
    """A compressed file is reckoned by what comes out of it, about."""
    line = b"customer_id,ordered_at\n" * 10_000
    (tmp_path / "plain.csv").write_bytes(line)
    (tmp_path / "packed.csv.gz").write_bytes(gzip.compress(line))
    size = (tmp_path / "packed.csv.gz").stat().st_size / memory.MB
    assert needed(tmp_path, "plain.csv") == pytest.approx(3 * len(line) / memory.MB)
    assert needed(tmp_path, "packed.csv.gz") > 10 * size


def test_what_cannot_be_looked_at_needs_nothing_yet(tmp_path: Path) -> None:
    """Its reader will say what is wrong with it; of files elsewhere nothing is known."""
    (tmp_path / "broken.parquet").write_bytes(b"no parquet")
    assert needed(tmp_path, "broken.parquet") == 0
    assert needed(tmp_path, "s3://bucket/orders.parquet") == 0


def test_the_peak_is_that_of_this_process() -> None:
    """Python and its libraries alone take some tens of megabytes."""
    peak = memory.peak_mb()
    assert peak is not None
    assert 30 < peak < 100_000


def test_a_system_that_tells_nothing_is_no_obstacle(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine of usual size is assumed, and no peak is said."""
    monkeypatch.delattr(os, "sysconf")
    monkeypatch.setitem(sys.modules, "resource", None)
    monkeypatch.setattr(memory, "_CGROUPS", ())
    assert memory.available_mb() == 8000
    assert memory.peak_mb() is None


def test_kilobytes_of_one_system_are_bytes_of_another(monkeypatch: pytest.MonkeyPatch) -> None:
    """Linux counts in kilobytes, macOS in bytes."""
    monkeypatch.setattr(sys, "platform", "linux")
    linux = memory.peak_mb()
    monkeypatch.setattr(sys, "platform", "darwin")
    mac = memory.peak_mb()
    assert linux is not None
    assert mac is not None
    assert 500 < linux / mac < 2000


@pytest.mark.parametrize("megabytes", [-1, 1, 599])
def test_less_than_the_program_itself_takes_is_refused(megabytes: int) -> None:
    """The message says what is the least."""
    with pytest.raises(ConfigError, match="at least 600"):
        ResourceSettings(megabytes)
