"""Exact contributions: rows a second against LightGBM's own ``pred_contrib`` on the same models, one thread each.

Both take turns on the same rows in this process; figures are medians. "Ready" is what it takes to build the tables from
the model's text, once a model.
"""

from __future__ import annotations

import statistics
import sys
import time
from typing import TYPE_CHECKING

import lightgbm
import numpy as np

from retain.modelling.contributions import ShapleyTables
from retain.modelling.trees import read_forest

if TYPE_CHECKING:
    from collections.abc import Callable

TURNS = 5
THEIR_ROWS, OUR_ROWS = 600, 30_000
"""Enough for each to run for a good part of a second; NumPy's calls would dominate on few rows."""
MODELS = ((5, 20, 50, 25), (5, 20, 150, 40), (5, 20, 300, 60), (6, 31, 300, 60))
"""Depth, leaves, trees and features."""


def seconds(work: Callable[[], object]) -> float:
    """How long it takes."""
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def booster(depth: int, leaves: int, trees: int, features: int) -> tuple[lightgbm.Booster, np.ndarray]:
    """A model trained as ours are, and rows with a tenth of the values unknown and a third of the columns whole."""
    random = np.random.default_rng(1)
    x = random.normal(size=(OUR_ROWS, features))
    odds = x[:, 0] + x[:, 1] * x[:, 2] + x @ random.normal(size=features) / 5
    x[:, ::3] = np.round(2 * x[:, ::3])
    x[random.random(x.shape) < 0.1] = np.nan
    settings = {
        "objective": "binary",
        "learning_rate": 0.02,
        "max_depth": depth,
        "num_leaves": leaves,
        "min_data_in_leaf": 200,
        "lambda_l2": 20.0,
        "feature_fraction": 0.4,
        "bagging_fraction": 0.6,
        "bagging_freq": 1,
        "num_threads": 1,
        "verbosity": -1,
    }
    y = odds + random.logistic(size=OUR_ROWS) > 0
    return lightgbm.train(settings, lightgbm.Dataset(x, label=y), num_boost_round=trees), x


def main() -> int:
    """Print the table; end with 1 if a ratio is below 5 or a difference above 1e-5."""
    print("depth leaves trees features   theirs/s     ours/s   ratio (lowest-highest)   ready s   difference")
    good = True
    for depth, leaves, trees, features in MODELS:
        model, x = booster(depth, leaves, trees, features)
        few = x[:THEIR_ROWS]
        text = model.model_to_string()
        ready = statistics.median(
            seconds(lambda text=text: ShapleyTables.of(read_forest(text))) for _ in range(3)
        )
        tables = ShapleyTables.of(read_forest(text))
        theirs = model.predict(few, pred_contrib=True, num_threads=1)
        difference = float(np.abs(tables.contributions(few) - theirs[:, :-1]).max())
        turns = [
            (
                THEIR_ROWS / seconds(lambda: model.predict(few, pred_contrib=True, num_threads=1)),  # noqa: B023  # runs at once
                OUR_ROWS / seconds(lambda: tables.contributions(x)),  # noqa: B023  # runs at once
            )
            for _ in range(TURNS)
        ]
        slow, fast = (statistics.median(rates) for rates in zip(*turns, strict=True))
        ratios = sorted(ours / plain for plain, ours in turns)
        good &= ratios[TURNS // 2] >= 5 and difference <= 1e-5
        print(
            f"{depth:5d} {leaves:6d} {trees:5d} {features:8d} {slow:10,.0f} {fast:10,.0f}"
            f" {ratios[TURNS // 2]:7.1f} ({ratios[0]:6.1f}-{ratios[-1]:6.1f}) {ready:16.2f} {difference:12.1e}"
        )
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
