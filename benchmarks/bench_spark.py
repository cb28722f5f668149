"""What Spark adds to the kernel: CPU seconds of the same job from Parquet files to a Parquet panel, the same bytes.

Generates order lines, then computes every feature that they feed at twelve monthly cutoffs: once on one machine (read, check,
sort, kernel, write) and once with Spark in local mode on two cores, each in a process of its own whose CPU seconds are counted
with those of all that it starts (the Java machine and Python's workers). Run with
`OMP_NUM_THREADS=1 python benchmarks/bench_spark.py [LINES]`; Java is needed.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import resource
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pyarrow as pa
from pyarrow import parquet

from retain.engine.kernel import compute
from retain.engine.panel import Snapshots
from retain.engine.views import columns_at_hand
from retain.events.load import read_events
from retain.events.source import SourceSettings, TableSource
from retain.features.catalog import FAMILIES, feature_set
from retain.timeline import DAY, MINUTE, instant

CUTOFFS = [f"2024-{month:02}-01" for month in range(1, 13)]
LINES_A_CUSTOMER = 18
LINES_A_PARTITION = 1_000_000
CORES = 2
JAVA = (
    # A job of a minute is over before optimised machine code has paid for itself.
    *("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC"),
    # Arrow checks the bounds of every number again that Spark reads or writes.
    *("-Darrow.enable_unsafe_memory_access=true", "-Darrow.enable_null_check_for_get=false"),
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
    lines = int(sys.argv[1]) if len(sys.argv) > 1 else 2_000_000
    # Spark leaves its processes behind; as their heir this one is told what they spent.
    ctypes.CDLL(None).prctl(SUBREAPER, 1, 0, 0, 0)
    with TemporaryDirectory() as name:
        folder = Path(name)
        generate(lines, folder)
        print(f"{lines:,} order lines, {lines // LINES_A_CUSTOMER:,} customers, {len(CUTOFFS)} cutoffs\n")
        print("| job | CPU s | wall s | of the kernel's CPU |\n|---|---|---|---|")
        base = 0.0
        for job in ("kernel", "spark", "start"):
            cpu, wall = spent(job, folder)
            base = base or cpu
            print(f"| {job} | {cpu:.1f} | {wall:.1f} | {cpu / base:.2f} |")
        agree(folder)


def generate(lines: int, folder: Path) -> None:
    """One Parquet file of order lines in no order."""
    rng = np.random.default_rng(7)
    orders = max(1, lines // 3)
    customer = rng.integers(0, max(1, lines // LINES_A_CUSTOMER), orders)
    begun = instant("2022-01-01") + rng.integers(0, 3 * 365 * DAY // MINUTE, orders) * MINUTE
    order = rng.integers(0, orders, lines)
    table = pa.table(
        {
            "customer_id": pa.array(customer[order]).cast(pa.string()),
            "ordered_at": pa.array(begun[order]).cast(pa.timestamp("us", tz="UTC")),
            "order_id": pa.array(order).cast(pa.string()),
            "line_id": pa.array(np.arange(lines)).cast(pa.string()),
            "product_id": pa.array(rng.integers(0, 2000, lines)).cast(pa.string()),
            "category": pa.array(rng.integers(0, 30, lines)).cast(pa.string()),
            "quantity": pa.array(rng.integers(1, 6, lines).astype(np.float64)),
            "discount": pa.array(rng.integers(0, 300, lines) / 100),
            "amount": pa.array(rng.integers(-500, 20_000, lines) / 100),
        }
    )
    parquet.write_table(table, folder / "orders.parquet", row_group_size=max(1, lines // 4))


def spent(job: str, folder: Path) -> tuple[float, float]:
    """CPU and wall seconds of a job in a process of its own and of all that it starts."""
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    command = [sys.executable, __file__, "--job", job, str(folder)]
    surroundings = {**os.environ, "PYSPARK_PYTHON": sys.executable}
    subprocess.run(command, check=True, stderr=subprocess.DEVNULL, env=surroundings)
    with contextlib.suppress(ChildProcessError):
        while True:
            os.wait()
    after, ended = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, ended - began


def kernel(folder: Path) -> None:
    """The panel by one process."""
    source = SourceSettings({"orders": TableSource("orders.parquet")}, folder)
    store = read_events(source)
    chosen = feature_set(list(FAMILIES), columns_at_hand(store))
    customers = np.arange(len(store.customer_ids), dtype=np.int64)
    moments = np.array([instant(one) for one in CUTOFFS], dtype=np.int64)
    snapshots = Snapshots(np.tile(customers, len(moments)), np.repeat(moments, len(customers)))
    values = compute(store, chosen, snapshots).values
    columns = {
        "customer_id": pa.array(store.customer_ids[snapshots.customer], pa.string()),
        "cutoff": pa.array(snapshots.cutoff).cast(pa.timestamp("us", tz="UTC")),
        **{name: pa.array(one, from_pandas=True) for name, one in zip(chosen.names, values.T, strict=True)},
    }
    parquet.write_table(pa.table(columns), folder / "kernel.parquet")


def spark(folder: Path, *, work: bool) -> None:
    """The panel by Spark, or nothing but Spark's start and end."""
    from pyspark.sql import SparkSession  # noqa: PLC0415  # the kernel's process is not to pay for it

    from retain.engine.spark import Tables, features  # noqa: PLC0415  # as above

    session = (
        SparkSession.builder.master(f"local[{CORES}]")
        .config("spark.ui.enabled", "false")
        .config("spark.driver.memory", "1g")
        .config("spark.driver.extraJavaOptions", " ".join(JAVA))
        .config("spark.sql.execution.arrow.maxBytesPerBatch", str(2**31 - 1))
        .getOrCreate()
    )
    if work:
        orders = session.read.parquet(str(folder / "orders.parquet"))
        lines = parquet.read_metadata(folder / "orders.parquet").num_rows
        partitions = max(CORES, -(-lines // LINES_A_PARTITION))
        panel = features(Tables({"orders": orders}, partitions=partitions), CUTOFFS)
        panel.write.options(**WRITING).parquet(str(folder / "spark.parquet"))
    session.stop()


def agree(folder: Path) -> None:
    """Nothing, if both panels hold the same bits."""
    order = [("cutoff", "ascending"), ("customer_id", "ascending")]
    one, two = (parquet.read_table(folder / f"{job}.parquet").sort_by(order) for job in ("kernel", "spark"))
    for name in one.column_names:
        if not one[name].combine_chunks().equals(two[name].combine_chunks().cast(one[name].type)):
            raise SystemExit(f"{name} differs")
    print(f"\n{one.num_rows:,} rows of {one.num_columns - 2} features are the same")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--job"]:
        place = Path(sys.argv[3])
        if sys.argv[2] == "kernel":
            kernel(place)
        else:
            spark(place, work=sys.argv[2] == "spark")
    else:
        main()
