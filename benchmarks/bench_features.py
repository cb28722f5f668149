"""What a panel of features costs: the kernel against pandas, Polars, DuckDB SQL and a bare scan, taking turns.

Writes order lines, messages, tickets and feedback to a temporary folder, computes the same features at twelve monthly cutoffs in a process
of its own for each way, checks that the answers agree, and prints medians of wall time, CPU seconds and peak memory as a Markdown
table. One thread each. Run with `python benchmarks/bench_features.py [LINES] [ROUNDS] [FILE]`; the table goes to FILE, too.
"""

from __future__ import annotations

import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path

import numpy as np
import panel_data as data
from panel_engines import ENGINES, LIBRARIES

ONE_THREAD = {"OMP_NUM_THREADS": "1", "POLARS_MAX_THREADS": "1"}
COMPARED = 20_000
"""Customers whose rows are compared between the ways."""


@dataclass(frozen=True)
class Spent:
    """What one run of one way cost: seconds of the processor and of the clock, and megabytes."""

    read_cpu: float
    cpu: float
    read_wall: float
    wall: float
    peak_mb: float


def main() -> None:
    """Print a Markdown table."""
    lines, rounds = (int(one) for one in (*sys.argv[1:3], *("1000000", "3")[len(sys.argv[1:3]) :]))
    ways = [name for name in ENGINES if find_spec(LIBRARIES.get(name, "duckdb"))]
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        customers = data.generate(folder, lines)
        spent: dict[str, list[Spent]] = {name: [] for name in ways}
        for _ in range(rounds):
            for name in ways:
                spent[name].append(run(name, folder))
        _compare(folder, [name for name in ways if name != "bare scan"])
    text = table(lines, customers, spent)
    print(text)
    if len(sys.argv) > 3:
        Path(sys.argv[3]).write_text(text + "\n", encoding="utf-8")


def run(name: str, folder: Path) -> Spent:
    """What the way costs in a process of its own."""
    command = [sys.executable, __file__, "--child", name, str(folder)]
    done = subprocess.run(command, env={**os.environ, **ONE_THREAD}, stdout=subprocess.PIPE, check=True)
    return Spent(**json.loads(done.stdout))


def child(name: str, folder: Path) -> None:
    """Run one way, keep some rows of the panel and say what it cost."""
    moments = [(time.process_time(), time.perf_counter())]
    ready = ENGINES[name](folder)
    moments.append((time.process_time(), time.perf_counter()))
    panel = ready()
    moments.append((time.process_time(), time.perf_counter()))
    (read_cpu, read_wall), (cpu, wall) = (
        (after[0] - before[0], after[1] - before[1]) for before, after in pairwise(moments)
    )
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    if panel is not None:
        customers = len(panel) // len(data.CUTOFFS)
        some = np.arange(0, customers, -(-customers // COMPARED))
        whole = panel.reshape(len(data.CUTOFFS), customers, -1)
        np.save(folder / f"{name}.npy", whole[:, some])
    print(
        json.dumps({"read_cpu": read_cpu, "cpu": cpu, "read_wall": read_wall, "wall": wall, "peak_mb": peak})
    )


def _compare(folder: Path, ways: list[str]) -> None:
    """Stop unless all ways gave the same numbers but for rounding."""
    first, *others = (np.load(folder / f"{name}.npy") for name in ways)
    for name, other in zip(ways[1:], others, strict=True):
        for place, feature in enumerate(data.MEASURES):
            np.testing.assert_allclose(
                other[..., place], first[..., place], rtol=1e-7, atol=1e-7, err_msg=f"{name}: {feature}"
            )


def table(lines: int, customers: int, spent: dict[str, list[Spent]]) -> str:
    """The medians as Markdown."""
    cutoffs, count = len(data.CUTOFFS), len(data.MEASURES)
    runs = len(spent["kernel"])

    def median(name: str, what: str) -> float:
        return statistics.median(getattr(one, what) for one in spent[name])

    scanned = median("bare scan", "cpu")
    rows = [
        f"{lines:,} order lines, as many messages, a tenth as many tickets and feedback, of {customers:,} customers.",
        f"{cutoffs} monthly cutoffs, {count} features; one thread, median of {runs}.",
        "",
        "| way | read, CPU s | compute, CPU s | compute, wall s | peak MB | compute / bare scan | compute / kernel |",
        "|---|---|---|---|---|---|---|",
    ]
    for name in spent:
        cpu = median(name, "cpu")
        cells = [
            f"{median(name, 'read_cpu'):.1f}",
            f"{cpu:.2f}",
            f"{median(name, 'wall'):.2f}",
            f"{median(name, 'peak_mb'):,.0f}",
            f"{cpu / scanned:.1f}",
            f"{cpu / median('kernel', 'cpu'):.1f}",
        ]
        rows.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join(rows)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--child"]:
        child(sys.argv[2], Path(sys.argv[3]))
    else:
        main()
