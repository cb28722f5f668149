"""What a panel costs on Spark: our kernel in its partitions, the same features in Spark SQL, and the kernel on one machine.

Generates orders, messages, tickets and feedback as `bench_features.py` does, then computes its features at twelve monthly cutoffs,
from Parquet files to a Parquet panel: on one machine (read, check, sort, kernel, write); with `retain.engine.spark_files` in Spark in local mode
on two cores; with `retain.engine.spark`, so that Spark writes the table; and there again with the SQL of these features, written
for DuckDB and transpiled with sqlglot. Each runs in a process of its own whose CPU seconds are counted with those of all that it starts
(the Java machine and Python's workers). The panels have to agree: those of the kernel to the bit, that of SQL but for rounding.

Run with `OMP_NUM_THREADS=1 python benchmarks/bench_spark.py [LINES] [ROUNDS]`; Java is needed. SQL takes part where sqlglot is installed
(`pip install -r benchmarks/peers/spark_sql.txt`). `--way NAME`, once or more, leaves all others out but the kernel; `--write` puts the
numbers into `benchmarks/results`.
"""

from __future__ import annotations

import argparse
import contextlib
import ctypes
import json
import os
import resource
import statistics
import subprocess
import sys
import time
from importlib.util import find_spec
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
    from collections.abc import Iterator, Mapping, Sequence

    from pyspark.sql import SparkSession

    from retain.engine.spark import Tables

KERNEL, FILES, TABLE, SQL, START = "kernel", "files", "table", "sql", "start"
TITLES = {
    KERNEL: "the kernel on one machine",
    FILES: "Spark, files written by its workers",
    TABLE: "Spark, table written by Spark",
    SQL: "Spark SQL",
    START: "Spark's start and end alone",
}
CUTOFFS = [instant_text(one) for one in data.CUTOFFS]
ROW_GROUP = 2**17
CORES = 2
ROWS_A_PARTITION = 1_000_000
COMMON = {
    "spark.ui.enabled": "false",
    "spark.sql.session.timeZone": "UTC",
}
JAVA = (
    # A job of a minute is over before optimised machine code has paid for itself.
    *("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC"),
    # Arrow checks the bounds of every number again that Spark reads or writes.
    *("-Darrow.enable_unsafe_memory_access=true", "-Darrow.enable_null_check_for_get=false"),
)
OURS = {
    "spark.driver.memory": "1g",
    "spark.driver.extraJavaOptions": " ".join(JAVA),
    "spark.sql.execution.arrow.maxBytesPerBatch": str(2**31 - 1),
}
IN_SQL = {
    # All the work is Java's, so it gets the optimising compiler and the memory.
    "spark.driver.memory": "5g",
    "spark.driver.extraJavaOptions": "-XX:+UseSerialGC",
    # Two hundred, as Spark has it, would be far too many.
    "spark.sql.shuffle.partitions": str(2 * CORES),
}
WRITING = {
    "parquet.enable.dictionary": "false",
    "parquet.size.statistics.enabled": "false",
    "parquet.page.write-checksum.enabled": "false",
}
SUBREAPER = 36
"""Linux's number for a process that inherits the orphans among its descendants."""
RESULTS = Path(__file__).resolve().parent / "results"
_BEGIN, _END = "<!-- spark: written by bench_spark.py -->", "<!-- /spark -->"


def main() -> None:
    """Print a Markdown table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("lines", nargs="?", type=int, default=1_000_000)
    parser.add_argument("rounds", nargs="?", type=int, default=1)
    parser.add_argument("--way", choices=tuple(TITLES), action="append", help="only this beside the kernel")
    parser.add_argument("--write", action="store_true", help="write into benchmarks/results")
    asked = parser.parse_args()
    # Spark leaves its processes behind; as their heir this one is told what they spent.
    ctypes.CDLL(None).prctl(SUBREAPER, 1, 0, 0, 0)
    wanted = {KERNEL, *(asked.way or TITLES)}
    ways = [one for one in TITLES if one in wanted and (one != SQL or find_spec("sqlglot"))]
    with TemporaryDirectory() as name:
        folder = Path(name)
        data.generate(folder, asked.lines)
        runs: dict[str, list[tuple[float, float]]] = {one: [] for one in ways}
        for _ in range(asked.rounds):
            for one in ways:
                runs[one].append(spent(one, folder))
                print(f"{TITLES[one]}: {runs[one][-1][0]:.1f} CPU s", file=sys.stderr)
        compared(folder, [one for one in ways if one not in (KERNEL, START)])
    medians = {
        one: [round(statistics.median(part), 1) for part in zip(*each, strict=True)]
        for one, each in runs.items()
    }
    print(told(asked.lines, medians))
    if asked.write:
        keep(asked.lines, medians)


def spent(way: str, folder: Path) -> tuple[float, float]:
    """CPU and wall seconds of a way in a process of its own and of all that it starts."""
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    command = [sys.executable, __file__, "--child", way, str(folder)]
    surroundings = {**os.environ, "OMP_NUM_THREADS": "1", "PYSPARK_PYTHON": sys.executable}
    done = subprocess.run(
        command, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=surroundings
    )
    with contextlib.suppress(ChildProcessError):
        while True:
            os.wait()
    after, ended = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    workers = float(done.stdout or 0)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return workers + cpu, ended - began


def kernel(folder: Path) -> None:
    """The panel by one process, written as `retain features` does."""
    tables = {name: TableSource(f"{name}.parquet") for name in data.COLUMNS}
    store = read_events(SourceSettings(tables, folder))
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
    with parquet.ParquetWriter(folder / KERNEL, schema, compression="zstd") as writer:
        for place, cutoff in enumerate(data.CUTOFFS):
            some = np.ascontiguousarray(values[place * len(ids) : (place + 1) * len(ids)].T)
            columns = [
                ids,
                pa.array(np.full(len(ids), cutoff)).cast(schema.field("cutoff").type),
                *(pa.array(one, from_pandas=True) for one in some),
            ]
            writer.write_table(pa.table(columns, schema=schema), row_group_size=ROW_GROUP)


def by_workers(folder: Path) -> None:
    """The panel by the kernel in Spark's partitions, whose workers write it."""
    from retain.engine.spark_files import write_features  # noqa: PLC0415  # the kernel's process is not to pay for it

    with _session(OURS) as session:
        write_features(_tables(session, folder), CUTOFFS, folder / FILES, (), data.FEATURES.features)


def by_spark(folder: Path) -> None:
    """The same, written by Spark."""
    from retain.engine.spark import features  # noqa: PLC0415  # as above

    with _session(OURS) as session:
        panel = features(_tables(session, folder), CUTOFFS, (), data.FEATURES.features)
        panel.write.options(**WRITING).parquet(str(folder / TABLE))


def in_sql(folder: Path) -> None:
    """The panel by Spark SQL."""
    from peers import spark_sql  # noqa: PLC0415  # only this way needs sqlglot

    with _session(IN_SQL) as session:
        for name in data.COLUMNS:
            session.read.parquet(str(folder / f"{name}.parquet")).createTempView(name)
        for name, query in spark_sql.views():
            # Brought together and kept, a kind of event need not be read and shuffled for each cutoff again.
            session.sql(query).repartition("customer_id").createTempView(name)
            session.catalog.cacheTable(name)
        session.sql(spark_sql.panel(data.CUTOFFS)).write.options(**WRITING).parquet(str(folder / SQL))


def start(folder: Path) -> None:  # noqa: ARG001  # every way is given the folder
    """Nothing but Spark's start and end."""
    with _session(OURS):
        pass


WAYS = {KERNEL: kernel, FILES: by_workers, TABLE: by_spark, SQL: in_sql, START: start}


@contextlib.contextmanager
def _session(settings: Mapping[str, str]) -> Iterator[SparkSession]:
    """A session with these settings; in the end it is stopped, and what its workers spent is printed."""
    from pyspark.sql import SparkSession  # noqa: PLC0415  # as above

    builder = SparkSession.builder.master(f"local[{CORES}]")
    for name, value in {**COMMON, **settings}.items():
        builder = builder.config(name, value)
    session = builder.getOrCreate()
    yield session
    print(_spent_by_workers())
    session.stop()


def _tables(session: SparkSession, folder: Path) -> Tables:
    """The four tables, in as many partitions as the manual advises."""
    from retain.engine.spark import Tables  # noqa: PLC0415  # as above

    paths = {name: folder / f"{name}.parquet" for name in data.COLUMNS}
    rows = sum(parquet.read_metadata(path).num_rows for path in paths.values())
    frames = {name: session.read.parquet(str(path)) for name, path in paths.items()}
    return Tables(frames, partitions=max(CORES, -(-rows // ROWS_A_PARTITION)))


def _spent_by_workers() -> float:
    """CPU seconds of Python's workers so far: they die without anybody being told what they spent, so they are asked alive."""
    parents, ticks, daemons = {}, {}, set()
    for place in Path("/proc").glob("[0-9]*"):
        # A process may end while it is looked at.
        with contextlib.suppress(OSError):
            found = (place / "stat").read_text(encoding="utf-8").rpartition(")")[2].split()
            pid = int(place.name)
            parents[pid], ticks[pid] = int(found[1]), int(found[11]) + int(found[12])
            if b"pyspark.daemon" in (place / "cmdline").read_bytes():
                daemons.add(pid)

    def is_ours(pid: int) -> bool:
        while pid not in (0, os.getpid()):
            pid = parents.get(pid, 0)
        return pid != 0

    # Workers are forked off the one daemon, under its name.
    workers = [pid for pid in daemons if parents[pid] in daemons and is_ours(pid)]
    return sum(ticks[pid] for pid in workers) / os.sysconf("SC_CLK_TCK")


def compared(folder: Path, ways: Sequence[str]) -> None:
    """Nothing, if the panels agree."""
    order = {way: _order(folder / way) for way in (KERNEL, *ways)}
    for way in ways:
        for name in ("customer_id", "cutoff", *data.FEATURES.names):
            one, two = (
                parquet.read_table(folder / each, columns=[name])[name].take(order[each]).combine_chunks()
                for each in (KERNEL, way)
            )
            two = two.cast(one.type)
            if one.equals(two):
                continue
            if way != SQL or not one.is_null().equals(two.is_null()):
                raise SystemExit(f"{TITLES[way]}: {name} differs")
            np.testing.assert_allclose(two.drop_null(), one.drop_null(), rtol=1e-7, atol=1e-7, err_msg=name)


def _order(path: Path) -> pa.Array:
    """The rows of a panel by cutoff and customer."""
    keys = parquet.read_table(path, columns=["cutoff", "customer_id"])
    return pc.sort_indices(keys, sort_keys=[("cutoff", "ascending"), ("customer_id", "ascending")])


def told(lines: int, medians: Mapping[str, Sequence[float]]) -> str:
    """One size as Markdown."""
    rows = [
        (
            f"{lines:,} order lines, as many messages, a tenth as many tickets and feedback; {len(CUTOFFS)} monthly cutoffs, "
            f"{len(data.MEASURES)} features; Spark on {CORES} cores."
        ),
        "",
        "| way | CPU s | wall s | CPU / kernel | CPU / files by workers |",
        "|---|---|---|---|---|",
    ]
    for way, title in TITLES.items():
        if way in medians:
            cpu, wall = medians[way]
            ours = f"{cpu / medians[FILES][0]:.1f}" if FILES in medians else ""
            rows.append(f"| {title} | {cpu:.1f} | {wall:.1f} | {cpu / medians[KERNEL][0]:.1f} | {ours} |")
    return "\n".join(rows)


def keep(lines: int, medians: Mapping[str, Sequence[float]]) -> None:
    """Write the size's numbers beside those of other sizes, and tell all of them anew in `spark.md`."""
    numbers, page = RESULTS / "spark.json", RESULTS / "spark.md"
    kept = json.loads(numbers.read_text(encoding="utf-8")) if numbers.exists() else {}
    kept[str(lines)] = medians
    numbers.write_text(json.dumps(kept, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    front, rest = page.read_text(encoding="utf-8").split(_BEGIN)
    tables = "\n\n".join(told(int(size), kept[size]) for size in sorted(kept, key=int))
    page.write_text(f"{front}{_BEGIN}\n{tables}\n{_END}{rest.split(_END)[1]}", encoding="utf-8")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--child"]:
        WAYS[sys.argv[2]](Path(sys.argv[3]))
    else:
        main()
