"""What a panel costs on Spark: our kernel in its partitions, the same features in Spark SQL, and the kernel on one machine.

Generates orders, messages, tickets and feedback as `bench_features.py` does, then computes its features at twelve monthly cutoffs,
from Parquet files to a Parquet panel: on one machine (read, check, sort, kernel, write), with `retain.engine.spark` in Spark in local mode on
two cores, and there again with the naive SQL of these features, written for DuckDB and transpiled with sqlglot. Each runs in a process of
its own whose CPU seconds are counted with those of all that it starts (the Java machine and Python's workers). The panels have to agree:
those of the kernel to the bit, that of SQL but for rounding.

Run with `OMP_NUM_THREADS=1 python benchmarks/bench_spark.py [LINES] [ROUNDS]`; Java is needed. SQL takes part where sqlglot is installed
(`pip install -r benchmarks/peers/spark_sql.txt`). `--way NAME`, once or more, leaves others out; `--write` puts the numbers into
`benchmarks/results`.
"""

from __future__ import annotations

import argparse
import contextlib
import ctypes
import os
import resource
import subprocess
import sys
import time
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import numpy as np
import panel_data as data
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import parquet

from retain.engine.kernel import compute
from retain.engine.panel import Snapshots
from retain.events.load import read_events
from retain.events.source import SourceSettings, TableSource
from retain.timeline import instant_text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pyspark.sql import SparkSession

CORES = 2
ROWS_A_PARTITION = 1_000_000
ARROW = (
    # Arrow checks the bounds of every number again that Spark reads or writes.
    "-Darrow.enable_unsafe_memory_access=true",
    "-Darrow.enable_null_check_for_get=false",
)
WRITING = {
    "parquet.enable.dictionary": "false",
    "parquet.size.statistics.enabled": "false",
    "parquet.page.write-checksum.enabled": "false",
}
SUBREAPER = 36
"""Linux's number for a process that inherits the orphans among its descendants."""


def main() -> None:
    """Print a Markdown table."""
    # Spark leaves its processes behind; as their heir this one is told what they spent.
    ctypes.CDLL(None).prctl(SUBREAPER, 1, 0, 0, 0)
    lines = int(sys.argv[1])
    with TemporaryDirectory() as name:
        folder = Path(name)
        data.generate(folder, lines)
        for job in sys.argv[2:]:
            cpu, wall = spent(job, folder)
            print(f"| {job} | {cpu:.1f} | {wall:.1f} |", flush=True)
        compared(folder, sys.argv[2:])

def spent(job: str, folder: Path) -> tuple[float, float]:
    """CPU and wall seconds of a job in a process of its own and of all that it starts."""
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    command = [sys.executable, __file__, "--job", job, str(folder)]
    surroundings = {**os.environ, "OMP_NUM_THREADS": "1", "PYSPARK_PYTHON": sys.executable}
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, stderr=None if os.environ.get("LOUD") else subprocess.DEVNULL, env=surroundings)
    with contextlib.suppress(ChildProcessError):
        while True:
            os.wait()
    after, ended = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    workers = float(done.stdout.split()[-1]) if done.stdout else 0.0
    if os.environ.get("LOUD"): print("workers", workers)
    return workers + after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, ended - began


def kernel(folder: Path) -> None:
    """The panel by one process."""
    store = read_events(SourceSettings({name: TableSource(f"{name}.parquet") for name in data.COLUMNS}, folder))
    customers = np.arange(len(store.customer_ids), dtype=np.int64)
    moments = np.array(data.CUTOFFS, dtype=np.int64)
    snapshots = Snapshots(np.tile(customers, len(moments)), np.repeat(moments, len(customers)))
    values = compute(store, data.FEATURES, snapshots).values
    ids = pa.array(store.customer_ids, pa.string())
    schema = pa.schema(
        [
            ("customer_id", pa.string()),
            ("cutoff", pa.timestamp("us", tz="UTC")),
            *((name, pa.float64()) for name in data.FEATURES.names),
        ]
    )
    with parquet.ParquetWriter(folder / "kernel.parquet", schema, compression=os.environ.get("COMP","zstd")) as writer:
        for place, cutoff in enumerate(data.CUTOFFS):
            some = np.ascontiguousarray(values[place * len(ids) : (place + 1) * len(ids)].T)
            columns = [
                ids,
                pa.array(np.full(len(ids), cutoff)).cast(schema.field("cutoff").type),
                *(pa.array(one, from_pandas=True) for one in some),
            ]
            writer.write_table(pa.table(columns, schema=schema), row_group_size=2**17)


def on_spark(folder: Path) -> None:
    """The panel by the kernel in Spark's partitions, whose workers write it."""
    from retain.engine.spark_files import write_features  # noqa: PLC0415  # the kernel's process is not to pay for it

    with _session(OURS) as session:
        write_features(_tables(session, folder), CUTOFFS, folder / "spark.parquet", (), data.FEATURES.features)


def by_spark(folder: Path) -> None:
    """The same, written by Spark."""
    from retain.engine.spark import features  # noqa: PLC0415  # as above

    with _session(OURS) as session:
        panel = features(_tables(session, folder), CUTOFFS, (), data.FEATURES.features)
        panel.write.options(**WRITING).parquet(str(folder / "table.parquet"))

OURS = {
            "spark.driver.memory": "1g",
            "spark.driver.extraJavaOptions": os.environ.get("JOPT", "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC") + " " + " ".join(ARROW),
            **dict(one.split("=", 1) for one in os.environ.get("CONF", "").split(";") if one),
            "spark.sql.execution.arrow.maxBytesPerBatch": str(2**31 - 1),
        }
CUTOFFS=[instant_text(one) for one in data.CUTOFFS]
def _tables(session,folder):
        from retain.engine.spark import Tables
        paths = {name: folder / f"{name}.parquet" for name in data.COLUMNS}
        rows = sum(parquet.read_metadata(path).num_rows for path in paths.values())
        frames = {name: session.read.parquet(str(path)) for name, path in paths.items()}
        return Tables(frames, partitions=max(CORES, -(-rows // ROWS_A_PARTITION)))


def in_sql(folder: Path) -> None:
    """The panel by Spark SQL."""
    from peers import spark_sql  # noqa: PLC0415  # only this way needs sqlglot

    with _session(
        {
            "spark.driver.memory": "5g",
            "spark.sql.shuffle.partitions": os.environ.get("SHUF", "8"),
            **dict(one.split("=", 1) for one in os.environ.get("CONF", "").split(";") if one),
        }
    ) as session:
        for name in data.COLUMNS:
            session.read.parquet(str(folder / f"{name}.parquet")).createTempView(name)
        for name, query in spark_sql.views():
            if os.environ.get("CACHE"):
                session.sql(query).repartition("customer_id").createTempView(name)
                session.catalog.cacheTable(name)
            else:
                session.sql(query).createTempView(name)
        session.sql(spark_sql.panel(data.CUTOFFS)).write.options(**WRITING).parquet(str(folder / "sql.parquet"))


def start(folder: Path) -> None:
    """Nothing but Spark's start and end."""
    with _session({"spark.driver.memory": "1g"}):
        pass


@contextlib.contextmanager
def _session(settings):
    """A session with these settings, stopped in the end."""
    from pyspark.sql import SparkSession  # noqa: PLC0415  # as above

    builder = SparkSession.builder.master(f"local[{CORES}]")
    for name, value in {**settings, "spark.ui.enabled": "false", "spark.sql.session.timeZone": "UTC"}.items():
        builder = builder.config(name, value)
    session = builder.getOrCreate()
    yield session
    print(_spent_by_workers())
    session.stop()


def _spent_by_workers() -> float:
    """CPU seconds of Python's workers so far: they die without anybody being told what they spent, so they are asked alive."""
    parents, ticks, daemons = {}, {}, set()
    for place in Path("/proc").glob("[0-9]*"):
        # A process may end while it is looked at.
        with contextlib.suppress(OSError):
            told = (place / "stat").read_text().rpartition(")")[2].split()
            pid = int(place.name)
            parents[pid], ticks[pid] = int(told[1]), int(told[11]) + int(told[12])
            if b"pyspark.daemon" in (place / "cmdline").read_bytes():
                daemons.add(pid)

    def is_ours(pid: int) -> bool:
        while pid not in (0, os.getpid()):
            pid = parents.get(pid, 0)
        return pid != 0

    # Workers are forked off the one daemon, under its name.
    workers = [pid for pid in daemons if parents[pid] in daemons and is_ours(pid)]
    return sum(ticks[pid] for pid in workers) / os.sysconf("SC_CLK_TCK")


WAYS = {"kernel": kernel, "spark": on_spark, "table": by_spark, "sql": in_sql, "start": start}


def compared(folder: Path, ways: list[str]) -> None:
    """Nothing, if the panels agree."""
    order = {way: _order(folder / f"{way}.parquet") for way in ways if (folder / f"{way}.parquet").exists()}
    for way in order:
        if way == "kernel":
            continue
        for name in ("customer_id", "cutoff", *data.FEATURES.names):
            one, two = (
                parquet.read_table(folder / f"{each}.parquet", columns=[name])[name].take(order[each]).combine_chunks()
                for each in ("kernel", way)
            )
            two = two.cast(one.type)
            if one.equals(two):
                continue
            if way in ("spark","table") or not np.array_equal(one.is_null(), two.is_null()):
                raise SystemExit(f"{name} differs on {way}")
            np.testing.assert_allclose(two.drop_null(), one.drop_null(), rtol=1e-7, atol=1e-7, err_msg=name)
        print(way, "agrees")


def _order(path: Path) -> pa.Array:
    keys = parquet.read_table(path, columns=["customer_id", "cutoff"])
    return pc.sort_indices(keys, sort_keys=[("cutoff", "ascending"), ("customer_id", "ascending")])


if __name__ == "__main__":
    if sys.argv[1:2] == ["--job"]:
        WAYS[sys.argv[2]](Path(sys.argv[3]))
    else:
        main()
