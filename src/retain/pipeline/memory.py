"""How much memory there is, how much the tables would take, and so whether they are read at once or in shards."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pyarrow import parquet

from retain.events.source import files_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from retain.config import ResourceSettings
    from retain.events.source import SourceFile, SourceSettings

MB = 10**6
OURSELVES_MB = 350
"""What the program takes before it reads anything: mostly its libraries."""
_OF_ALL = 0.5
_A_ROW, _A_VALUE, _A_BYTE = 40, 24, 3
"""Bytes that a row, each of its values, and each byte of a text file take while tables are read, sorted and checked; measured on
`benchmarks/panel_data.py` and the generated shop."""
_UNPACKED = 8
"""How much larger a compressed text file is than it looks."""
_FOR_THE_DATABASE = 0.45
_A_SHARD_S_ROW = 250
"""Bytes of a row of a shard while it is sorted, its features are computed and its rows written."""
_A_WORKER_MB = 250
"""What a process that works on shards takes before it has one."""
_UNKNOWN_MB = 8000.0
"""What a machine is taken to have whose system does not tell."""
_CGROUPS = (Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"))


@dataclass(frozen=True)
class Budget:
    """What a run may take.

    Attributes:
        megabytes: of memory.
        workers: processes that may work on shards at the same time; together they take no more.
    """

    megabytes: int
    workers: int = 1

    @property
    def database_mb(self) -> int:
        """What the database may take while it reads and checks."""
        return max(64, int((self.megabytes - OURSELVES_MB) * _FOR_THE_DATABASE))

    @property
    def rows_each(self) -> int:
        """Rows of a shard that fit in what is left, for each of the workers."""
        others = self.workers * _A_WORKER_MB if self.workers > 1 else 0
        left = (self.megabytes - OURSELVES_MB - others) // self.workers
        return max(10_000, left * MB // _A_SHARD_S_ROW)


def budget(settings: ResourceSettings) -> Budget:
    """What the settings allow; half of what there is where they say nothing."""
    megabytes = settings.memory_mb or int(available_mb() * _OF_ALL)
    # Half of a worker's share at least is for its shard.
    most = (megabytes - OURSELVES_MB) // (2 * _A_WORKER_MB)
    return Budget(megabytes, max(1, min(settings.workers or cores(), most)))


def cores() -> int:
    """How many processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def available_mb() -> float:
    """The memory of this machine, or of the container in which we run if that is less."""
    found = [_UNKNOWN_MB]
    if hasattr(os, "sysconf"):
        found = [os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / MB]
    for path in _CGROUPS:
        text = path.read_text().strip() if path.is_file() else "max"
        found += [int(text) / MB] if text.isdigit() else []
    return min(found)


def needed_mb(source: SourceSettings, tables: Iterable[str]) -> float:
    """About how much memory reading these tables at once takes; nothing is known of files elsewhere."""
    files = (one for table in tables for one in files_of(table, source.tables[table], source.base))
    return OURSELVES_MB + sum(map(_bytes_of, files)) / MB


def _bytes_of(file: SourceFile) -> float:
    if "://" in file.path:
        return 0
    if file.format == "parquet":
        try:
            about = parquet.ParquetFile(file.path).metadata
        except (OSError, ValueError):
            return 0  # its reader will say what is wrong with it
        return float(about.num_rows * (_A_ROW + _A_VALUE * about.num_columns))
    size = Path(file.path).stat().st_size if Path(file.path).is_file() else 0
    return size * _A_BYTE * (_UNPACKED if file.path.lower().endswith(".gz") else 1)


def peak_mb() -> float | None:
    """The most memory that this process has taken so far; None where the system does not tell."""
    try:
        import resource  # noqa: PLC0415  # Windows has none
    except ImportError:
        return None
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    # macOS counts in bytes, Linux in kilobytes.
    return most / MB if sys.platform == "darwin" else most * 1024 / MB
