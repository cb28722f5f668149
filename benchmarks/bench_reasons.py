"""How many customers keep their reasons from one day to the next, when they ordered nothing in between.

Scores the same customers at a date and a day later: the bundled data with the shipped model, and a generated shop with one
trained on it. Run with `python benchmarks/bench_reasons.py`; prints a Markdown table.
"""

from __future__ import annotations

import re
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from retain.engine.kernel import compute
from retain.engine.panel import Snapshots
from retain.examples import shop
from retain.features.spec import FeatureSet
from retain.labels import LABELS
from retain.pipeline.project import Project, open_project
from retain.pipeline.train import run_training
from retain.scoring import reasons
from retain.scoring.languages import language
from retain.timeline import DAY

if TYPE_CHECKING:
    from retain.modelling.bundle import Bundle
    from retain.scoring.reasons import FloatArray, Reason

ROOT = Path(__file__).resolve().parents[1]
CUSTOMERS = 1_500
HARDLY = 1e-12
"""Effects that differ by more than nothing are told apart."""
WAYS = (
    ("plain order of effects", True, HARDLY),
    *((f"parts, near {near}", False, near) for near in (0.05, 0.1, 0.2)),
)
# In Chinese a sentence stays the same whatever the number, but for its digits and "less than a day".
TONGUE = language("zh-Hant")
NUMBER = re.compile(r"不到一(天|小時)| ?\d[\d.,]*( 天| 小時)?")


def main() -> None:
    """Print one row a data set and rule."""
    print("| | topics in order | topics | sentences in order | sentences |")
    print("|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        real = open_project(ROOT / "configs/default.toml", Path(folder))
        show(
            "Online Retail II",
            real,
            real.model("./models/champion")[0],
            ("2011-03-01", "2011-06-01", "2011-09-01"),
        )
        shop.write(Path(folder) / "data" / "shop", customers=CUSTOMERS)
        made = open_project(ROOT / "configs/sources/shop.toml", Path(folder))
        run_training(made)
        show(
            f"shop of {CUSTOMERS:,}",
            made,
            made.model("challenger")[0],
            ("2024-06-01", "2024-09-01", "2024-12-01"),
        )


def show(name: str, project: Project, bundle: Bundle, dates: tuple[str, ...]) -> None:
    """Print the rows of one data set: means over its dates."""
    pairs = [silent(project, bundle, project.instant(date)) for date in dates]
    shipped = reasons.NEAR
    for way, alone, near in WAYS:
        features = FeatureSet(
            tuple(replace(one, spoken_by="") if alone else one for one in bundle.features.features)
        )
        reasons.NEAR = near
        kept = [
            same(*(told(features, one, bundle) for one in before_and_after)) for before_and_after in pairs
        ]
        print(f"| {name}, {way} | " + " | ".join(f"{share:.3f}" for share in np.mean(kept, axis=0)) + " |")
    reasons.NEAR = shipped


def silent(project: Project, bundle: Bundle, cutoff: int) -> tuple[FloatArray, FloatArray]:
    """The features of those who can be scored on both days and ordered nothing between them."""
    eligible = LABELS.get(bundle.churn.definition).eligible
    both = eligible(project.store, cutoff, bundle.churn) & eligible(project.store, cutoff + DAY, bundle.churn)
    who = np.flatnonzero(both)
    before, after = (
        compute(project.store, bundle.features, Snapshots(who, np.full(len(who), when))).values
        for when in (cutoff, cutoff + DAY)
    )
    orders = bundle.features.names.index("orders_lifetime")
    quiet = before[:, orders] == after[:, orders]
    return before[quiet], after[quiet]


def told(features: FeatureSet, values: FloatArray, bundle: Bundle) -> list[tuple[Reason, ...]]:
    """The reasons of each row."""
    tongues = [TONGUE] * len(values)
    return reasons.explain(features, values, bundle.fitted.contributions(values), tongues)


def same(before: list[tuple[Reason, ...]], after: list[tuple[Reason, ...]]) -> list[float]:
    """Shares of customers whose topics and sentences stay, in order and at all."""
    found = []
    for shown in (lambda one: one.topic, lambda one: NUMBER.sub("#", one.sentence)):
        rows = [([*map(shown, one)], [*map(shown, other)]) for one, other in zip(before, after, strict=True)]
        found += [
            float(np.mean([one == other for one, other in rows])),
            float(np.mean([sorted(one) == sorted(other) for one, other in rows])),
        ]
    return found


if __name__ == "__main__":
    main()
