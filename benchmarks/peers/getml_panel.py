"""The panel of `bench_features.py` by getML, in an environment of its own: `python getml_panel.py FOLDER`.

FOLDER has the tables and `asked.json`. Writes `getML.npy`, customers by id within cutoffs, and prints what it cost. FastProp makes every
aggregation of every column in every window; which of them are asked for is read from the SQL that it says for each. It says 0 where
nothing is known. The engine comes with the package, runs beside this process and needs no network.
"""

from __future__ import annotations

import json
import os
import re
import sys
import time
from contextlib import redirect_stdout
from pathlib import Path

import getml
import numpy as np
import pandas as pd
from getml.feature_learning import aggregations as of

SECOND = 1_000_000
SECONDS_A_DAY = 86_400
WAYS = {"count": "COUNT", "sum": "SUM", "mean": "AVG", "sd": "STDDEV", "min": "MIN", "max": "MAX"}


def main(folder: Path) -> None:
    """Compute, keep the panel and say what it cost."""
    asked = json.loads((folder / "asked.json").read_text(encoding="utf-8"))
    if getml.engine.is_alive():
        raise SystemExit("An engine of getML is running already, and there is one at a time. Stop it first.")
    with redirect_stdout(sys.stderr):
        getml.engine.launch(home_directory=str(folder / "getml"), launch_browser=False, quiet=True)
        try:
            getml.set_project("panel")
            spent, panel = _measured(folder, asked)
        finally:
            getml.engine.shutdown()
    np.save(folder / "getML.npy", panel)
    print(json.dumps(spent))


def _measured(folder: Path, asked: dict) -> tuple[dict[str, float], np.ndarray]:
    began = _cpu(), time.perf_counter()
    rows, events = _read(folder, asked)
    read = _cpu(), time.perf_counter()
    panel = _panel(rows, events, asked)
    done = _cpu(), time.perf_counter()
    return {
        "read_cpu": read[0] - began[0],
        "cpu": done[0] - read[0],
        "read_wall": read[1] - began[1],
        "wall": done[1] - read[1],
        "peak_mb": sum(_status(one, "VmHWM") for one in _processes()) / 1024,
    }, panel


def _read(folder: Path, asked: dict) -> tuple[getml.DataFrame, dict[str, getml.DataFrame]]:
    """The snapshots, and every kind of event, in the engine."""
    ids = pd.read_parquet(folder / "orders.parquet", columns=["customer_id"])["customer_id"]
    customers = np.sort(ids.unique())
    # Its windows hold their end and not their begin; a second earlier, between two minutes, they hold what ours hold.
    cutoffs = pd.to_datetime(np.array(asked["cutoffs"]) - SECOND, unit="us")
    snapshots = pd.DataFrame(
        {"customer_id": np.tile(customers, len(cutoffs)), "cutoff": np.repeat(cutoffs, len(customers))}
    )
    # It cannot do without something to learn; with chance it has no reason to leave a feature out.
    snapshots["target"] = np.random.default_rng(1).random(len(snapshots))
    roles = {"join_key": ["customer_id"], "time_stamp": ["cutoff"], "target": ["target"]}
    rows = getml.DataFrame.from_pandas(snapshots, "snapshots", roles=roles)
    events = {}
    for view, source in asked["sources"].items():
        value = [source["value"]] if source["value"] else []
        frame = pd.read_parquet(
            folder / f"{source['table']}.parquet", columns=["customer_id", source["time"], *value]
        )
        frame = frame.dropna(subset=[source["time"]])
        frame[source["time"]] = frame[source["time"]].dt.tz_localize(None)
        roles = {"join_key": ["customer_id"], "time_stamp": [source["time"]], "numerical": value}
        events[view] = getml.DataFrame.from_pandas(frame, view, roles=roles)
    return rows, events


def _panel(rows: getml.DataFrame, events: dict[str, getml.DataFrame], asked: dict) -> np.ndarray:
    """One join a kind of event and window."""
    windows = sorted({(one["view"], one["days"] or 0) for one in asked["measures"]})
    model = getml.data.DataModel(rows.to_placeholder("snapshots"))
    for view, days in windows:
        other = events[view].to_placeholder(f"{view}_{days}")
        memory = getml.data.time.days(days) if days else None
        times = ("cutoff", asked["sources"][view]["time"])
        model.population.join(other, on="customer_id", time_stamps=times, memory=memory)
    learner = getml.feature_learning.FastProp(
        num_features=10_000,
        num_threads=1,
        loss_function=getml.feature_learning.loss_functions.SquareLoss,
        aggregation=[of.COUNT, of.SUM, of.AVG, of.MAX, of.MIN, of.STDDEV],
    )
    pipeline = getml.pipeline.Pipeline(data_model=model, feature_learners=[learner])
    tables = [events[view] for view, _ in windows]
    pipeline.fit(rows, tables, check=False)
    found = pipeline.transform(rows, tables)
    told = {_told(one.sql): place for place, one in enumerate(pipeline.features)}
    panel = np.full((len(found), len(asked["measures"])), np.nan)
    for place, one in enumerate(asked["measures"]):
        column = told.get((f"{one['view']}_{one['days'] or 0}", *_wanted(one)))
        if column is None:
            continue
        panel[:, place] = found[:, column]
        if one["how"].startswith("since"):
            panel[:, place] = (panel[:, place] + 1) / SECONDS_A_DAY
        elif one["value"] == "gap":
            panel[:, place] /= SECONDS_A_DAY
        elif one["how"] == "sd":
            # Its deviation is that of a population, ours that of a sample.
            count = found[:, told[f"{one['view']}_{one['days'] or 0}", "COUNT", "*"]]
            with np.errstate(divide="ignore", invalid="ignore"):
                panel[:, place] *= np.sqrt(count / (count - 1))
    return panel


def _wanted(one: dict) -> tuple[str, str]:
    """How FastProp says an aggregation, and of what."""
    if one["how"].startswith("since"):
        return ("MIN" if one["how"] == "since_last" else "MAX"), "since"
    if one["value"] == "gap":
        return ("AVG_TIME_BETWEEN" if one["how"] == "mean" else "none"), "*"
    return WAYS[one["how"]], one["value"] or "*"


def _told(sql: str) -> tuple[str, str, str]:
    """Window, aggregation and column of a feature, from the SQL that it is."""
    aggregation, inner = re.search(r"SELECT (\w+)\( (.*?) \) AS", sql).groups()
    table = re.search(r'INNER JOIN "(\w+?)__STAGING', sql).group(1).lower()
    if " - " in inner:
        return table, aggregation, "since"
    return table, aggregation, "*" if "*" in inner else re.search(r't2\."(\w+)"', inner).group(1)


def _processes() -> list[int]:
    """This process and all that it started."""
    parents = {}
    for path in Path("/proc").glob("[0-9]*"):
        try:
            parents[int(path.name)] = _status(int(path.name), "PPid")
        except OSError:
            continue
    found = [os.getpid()]
    for one in found:
        found += [child for child, parent in parents.items() if parent == one]
    return found


def _status(process: int, field: str) -> int:
    text = Path(f"/proc/{process}/status").read_text(encoding="utf-8")
    return int(re.search(rf"^{field}:\s+(\d+)", text, re.MULTILINE).group(1)) if field in text else 0


def _cpu() -> float:
    """Seconds of the processor that this process and the engine have taken."""
    ticks = 0
    for one in _processes():
        parts = Path(f"/proc/{one}/stat").read_text(encoding="utf-8").rsplit(")", 1)[1].split()
        ticks += int(parts[11]) + int(parts[12])
    return ticks / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
