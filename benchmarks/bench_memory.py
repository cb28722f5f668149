"""What `retain features` costs when the tables do not fit in the memory that it may take, beside all of them in memory.

Writes the tables of `panel_data.py` to a temporary folder, runs the whole command in a process of its own in both ways, checks that they wrote the
same bytes, and prints memory (of the process that was called, where several work on shards), CPU seconds and wall time as a Markdown table, with those of a bare scan of the same columns. Run with
`python benchmarks/bench_memory.py [LINES] [MEMORY_MB] [CUTOFFS]`.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import panel_data as data

from retain.timeline import instant_text

ENOUGH_MB = 1_000_000
_CHILD = """
import json, resource, sys, time
began = time.perf_counter()
if sys.argv[1] == "scan":
    import duckdb
    for path, columns in json.loads(sys.argv[2]):
        read = f"read_parquet('{path}')"
        duckdb.sql(f"SELECT bit_xor(hash({', '.join(columns)})) FROM {read}").fetchall()
else:
    from retain.cli.app import main
    try:
        main(sys.argv[2:])
    except SystemExit as end:
        if end.code:
            raise
spent = [resource.getrusage(one) for one in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
cpu = sum(one.ru_utime + one.ru_stime for one in spent)
print(json.dumps([spent[0].ru_maxrss / 1024, cpu, time.perf_counter() - began]))
"""


def main() -> None:
    """Print a Markdown table."""
    lines, memory, count = (
        int(one) for one in (*sys.argv[1:4], *("1000000", "600", "1")[len(sys.argv[1:4]) :])
    )
    cutoffs = ",".join(instant_text(one) for one in data.CUTOFFS[-count:])
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        customers = data.generate(folder, lines)
        found = {
            "in memory": features(folder, ENOUGH_MB, cutoffs),
            f"in shards, {memory:,} MB": features(folder, memory, cutoffs),
        }
        panels = {hashlib.sha256(one.read_bytes()).hexdigest() for one in folder.glob("panel-*.parquet")}
        if len(panels) != 1:
            raise SystemExit("The two panels differ.")
        scanned = [(str(folder / f"{name}.parquet"), columns) for name, columns in data.COLUMNS.items()]
        found["bare scan"] = spent("scan", json.dumps(scanned))
    print(f"{lines:,} order lines of {customers:,} customers, {count} cutoffs.\n")
    print("| way | peak MB | CPU s | wall s | CPU / bare scan |\n|---|---|---|---|---|")
    for name, (peak, cpu, wall) in found.items():
        print(f"| {name} | {peak:,.0f} | {cpu:.1f} | {wall:.1f} | {cpu / found['bare scan'][1]:.0f} |")


def features(folder: Path, memory: int, cutoffs: str) -> list[float]:
    """What the whole command costs within so much memory."""
    tables = "\n".join(f'[source.tables.{name}]\npath = "{name}.parquet"' for name in data.COLUMNS)
    config = folder / f"{memory}.toml"
    config.write_text(f"[source]\n{tables}\n[resources]\nmemory_mb = {memory}\n", encoding="utf-8")
    where = ("--config", str(config), "--workspace", str(folder / f"workspace-{memory}"), "--quiet", "--json")
    return spent(
        "retain", *where, "features", "--cutoff", cutoffs, "--out", str(folder / f"panel-{memory}.parquet")
    )


def spent(*words: str) -> list[float]:
    """Peak megabytes, CPU seconds and wall seconds of a process."""
    command = [sys.executable, "-c", _CHILD, *words]
    done = subprocess.run(
        command, env={**os.environ, "OMP_NUM_THREADS": "1"}, stdout=subprocess.PIPE, check=True
    )
    found: list[float] = json.loads(done.stdout.splitlines()[-1])
    return found


if __name__ == "__main__":
    main()
