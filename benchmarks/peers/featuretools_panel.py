"""The panel of `bench_features.py` by featuretools, in an environment of its own: `python featuretools_panel.py FOLDER`.

FOLDER has the tables and `asked.json`. Writes `featuretools.npy`, customers by id within cutoffs, and prints what it cost. Features without
an aggregation of the library's own, such as gaps between orders, stay unknown and are not counted.
"""

from __future__ import annotations

import json
import resource
import sys
import time
import warnings
from pathlib import Path

import featuretools as ft
import numpy as np
import pandas as pd
from featuretools import primitives as of

WAYS = {
    "count": of.Count,
    "sum": of.Sum,
    "mean": of.Mean,
    "sd": of.Std,
    "min": of.Min,
    "max": of.Max,
    "since_last": of.TimeSinceLast,
    "since_first": of.TimeSinceFirst,
}
SECONDS_A_DAY = 86_400


def main(folder: Path) -> None:
    """Compute, keep the panel and say what it cost."""
    warnings.simplefilter("ignore")
    asked = json.loads((folder / "asked.json").read_text(encoding="utf-8"))
    began = time.process_time(), time.perf_counter()
    events, customers = _read(folder, asked)
    read = time.process_time(), time.perf_counter()
    panel = _panel(events, customers, asked)
    done = time.process_time(), time.perf_counter()
    np.save(folder / "featuretools.npy", panel)
    spent = {
        "read_cpu": read[0] - began[0],
        "cpu": done[0] - read[0],
        "read_wall": read[1] - began[1],
        "wall": done[1] - read[1],
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }
    print(json.dumps(spent))


def _read(folder: Path, asked: dict) -> tuple[ft.EntitySet, pd.Index]:
    """Every kind of event as a table of its own, below the customers."""
    events = ft.EntitySet("panel")
    ids = pd.read_parquet(folder / "orders.parquet", columns=["customer_id"])["customer_id"]
    customers = pd.DataFrame({"customer_id": np.sort(ids.unique())})
    events.add_dataframe(dataframe_name="customers", dataframe=customers, index="customer_id")
    for view, source in asked["sources"].items():
        names = ["customer_id", source["time"], *([source["value"]] if source["value"] else [])]
        frame = pd.read_parquet(folder / f"{source['table']}.parquet", columns=names).dropna(
            subset=[source["time"]]
        )
        frame[source["time"]] = frame[source["time"]].dt.tz_localize(None)
        frame.insert(0, "row", np.arange(len(frame)))
        events.add_dataframe(
            dataframe_name=view,
            dataframe=frame,
            index="row",
            time_index=source["time"],
            logical_types={source["value"]: "Double"} if source["value"] else None,
        )
        events.add_relationship("customers", "customer_id", view, "customer_id")
    return events, pd.Index(customers["customer_id"])


def _panel(events: ft.EntitySet, customers: pd.Index, asked: dict) -> np.ndarray:
    """One call a window, since a call has one window for all its features."""
    cutoffs = pd.to_datetime(asked["cutoffs"], unit="us")
    rows = pd.DataFrame(
        {"customer_id": np.tile(customers, len(cutoffs)), "time": np.repeat(cutoffs, len(customers))}
    )
    panel = np.full((len(rows), len(asked["measures"])), np.nan)
    for days in sorted({one["days"] or 0 for one in asked["measures"]}):
        places = [
            place
            for place, one in enumerate(asked["measures"])
            if (one["days"] or 0) == days and one["value"] != "gap"
        ]
        found = ft.calculate_feature_matrix(
            [_feature(events, asked["measures"][place], asked["sources"]) for place in places],
            events,
            cutoff_time=rows,
            cutoff_time_in_index=True,
            training_window=f"{days} days" if days else None,
            include_cutoff_time=False,
        )
        whole = found.reindex(pd.MultiIndex.from_frame(rows)).to_numpy(dtype=np.float64)
        for column, place in enumerate(places):
            since = asked["measures"][place]["how"].startswith("since")
            panel[:, place] = whole[:, column] / (SECONDS_A_DAY if since else 1)
    return panel


def _feature(events: ft.EntitySet, one: dict, sources: dict) -> ft.Feature:
    source = sources[one["view"]]
    since = one["how"].startswith("since")
    column = source["time"] if since else one["value"] or "row"
    return ft.Feature(
        events[one["view"]].ww[column], parent_dataframe_name="customers", primitive=WAYS[one["how"]]
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]))
