"""What a panel of features costs: the kernel against pandas, Polars, DuckDB SQL and a bare scan, taking turns.

Writes order lines, messages, tickets and feedback to a temporary folder, computes the same features at twelve monthly cutoffs in a process
of its own for each way, checks that the answers agree, and prints medians of wall time, CPU seconds and peak memory as a Markdown
table. One thread each. Run with `python benchmarks/bench_features.py [LINES] [ROUNDS]`. `--write` puts the numbers, the table and a
picture into `benchmarks/results`. `--peers FOLDER` lets featuretools and getML take part once, each in an environment that is made in
FOLDER with pip unless it is there. `--way NAME`, once or more, leaves all others out but the kernel and the bare scan.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
import venv
from dataclasses import asdict, dataclass
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import panel_data as data
import panel_results as results
from panel_engines import ENGINES, LIBRARIES

if TYPE_CHECKING:
    from panel_engines import Panel

ONE_THREAD = {"OMP_NUM_THREADS": "1", "POLARS_MAX_THREADS": "1"}
COMPARED = 20_000
"""Customers whose rows are compared between the ways."""
HERE = Path(__file__).resolve().parent
PEERS = ("featuretools", "getML")
NOTHING_IS_ZERO = frozenset({"getML"})
"""These say 0 where nothing is known, so they are compared where something is."""


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
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("lines", nargs="?", type=int, default=1_000_000)
    parser.add_argument("rounds", nargs="?", type=int, default=3)
    parser.add_argument("--write", action="store_true", help="write into benchmarks/results")
    parser.add_argument("--peers", type=Path, help="where the environments of the peers are or will be")
    parser.add_argument(
        "--way", choices=(*ENGINES, *PEERS), action="append", help="only this beside the kernel"
    )
    chosen = parser.parse_args()
    wanted = {results.KERNEL, results.SCAN, *(chosen.way or (*ENGINES, *PEERS))}
    peers = [name for name in PEERS if chosen.peers and name in wanted]
    ways = [name for name in ENGINES if name in wanted and find_spec(LIBRARIES.get(name, "duckdb"))]
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        customers = data.generate(folder, chosen.lines)
        spent: dict[str, list[Spent]] = {name: [] for name in (*ways, *peers)}
        # They first: one that does not stand the size costs nobody else's figures.
        for name in peers:
            spent[name].append(run_peer(name, folder, chosen.peers))
        for _ in range(chosen.rounds):
            for name in ways:
                spent[name].append(run(name, folder))
        features = compared(
            folder, [name for name in spent if name not in (results.ONE_CUTOFF, results.SCAN)]
        )
    medians = {name: _median(runs, features.get(name, 0)) for name, runs in spent.items()}
    size = results.Size(chosen.lines, customers, len(data.CUTOFFS), len(data.MEASURES), medians)
    print(results.table(size))
    if chosen.write:
        results.keep(size, HERE / "results")


def run(name: str, folder: Path) -> Spent:
    """What the way costs in a process of its own."""
    return _spent([sys.executable, __file__, "--child", name, str(folder)])


def run_peer(name: str, folder: Path, environments: Path) -> Spent:
    """The same of a library that cannot live with ours; its environment is made if it is not there."""
    asked = {
        "cutoffs": data.CUTOFFS,
        "sources": {view: asdict(one) for view, one in data.SOURCES.items()},
        "measures": [
            {"view": one.view, "how": one.how.value, "value": one.value, "days": one.within.days}
            for one in data.MEASURES.values()
        ],
    }
    (folder / "asked.json").write_text(json.dumps(asked), encoding="utf-8")
    python = environments / name / "bin" / "python"
    if not python.exists():
        venv.create(environments / name, with_pip=True)
        pinned = HERE / "peers" / f"{name}.txt"
        subprocess.run([str(python), "-m", "pip", "install", "--quiet", "-r", str(pinned)], check=True)
    return _spent([str(python), str(HERE / "peers" / f"{name.lower()}_panel.py"), str(folder)])


def _spent(command: list[str]) -> Spent:
    done = subprocess.run(command, env={**os.environ, **ONE_THREAD}, stdout=subprocess.PIPE, check=True)
    return Spent(**json.loads(done.stdout.splitlines()[-1]))


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
    if panel is not None and name != results.ONE_CUTOFF:
        np.save(folder / f"{name}.npy", _some(panel))
    print(
        json.dumps({"read_cpu": read_cpu, "cpu": cpu, "read_wall": read_wall, "wall": wall, "peak_mb": peak})
    )


def compared(folder: Path, ways: list[str]) -> dict[str, int]:
    """How many features each way gave; stops unless all gave the same numbers but for rounding."""
    ours = np.load(folder / f"{results.KERNEL}.npy")
    counted = {}
    for name in ways:
        theirs = np.load(folder / f"{name}.npy")
        theirs = _some(theirs) if name in PEERS else theirs
        given = ~np.isnan(theirs).all(axis=0)
        counted[name] = int(given.sum())
        if name not in PEERS and not given.all():
            raise ValueError(f"{name} left features out")
        for place, feature in enumerate(data.MEASURES):
            if given[place]:
                known = ~np.isnan(ours[:, place]) if name in NOTHING_IS_ZERO else slice(None)
                np.testing.assert_allclose(
                    theirs[known, place],
                    ours[known, place],
                    rtol=1e-7,
                    atol=1e-7,
                    err_msg=f"{name}: {feature}",
                )
    return counted


def _some(panel: Panel) -> Panel:
    """The rows of some customers, which stand for all."""
    whole = panel.reshape(len(data.CUTOFFS), -1, panel.shape[1])
    return whole[:, :: -(-whole.shape[1] // COMPARED)].reshape(-1, panel.shape[1])


def _median(runs: list[Spent], features: int) -> results.Way:
    def of(what: str) -> float:
        return statistics.median(getattr(one, what) for one in runs)

    return results.Way(
        *(round(of(what), 3) for what in ("read_cpu", "cpu", "wall", "peak_mb")), len(runs), features
    )


if __name__ == "__main__":
    if sys.argv[1:2] == ["--child"]:
        child(sys.argv[2], Path(sys.argv[3]))
    else:
        main()
