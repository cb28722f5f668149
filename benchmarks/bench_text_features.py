"""What the words of customers add to a model, on the generated shop, whose texts do speak of what drives its customers.

Trains on the same cutoffs with and without the features that read texts and compares both on the same later customers by DeLong's
paired test. Run with `python benchmarks/bench_text_features.py [CUSTOMERS]`; prints a Markdown table.
"""

from __future__ import annotations

import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from retain.engine.streams import SPOKEN
from retain.evaluation.delong import compare
from retain.examples.shop.write import write
from retain.features.catalog import EVERY, FAMILIES
from retain.features.spec import FeatureSet, measures
from retain.labels import outcomes
from retain.modelling.training import Lesson, eligible_snapshots, train
from retain.pipeline.project import open_project
from retain.shipped import shipped
from retain.timeline import instant

if TYPE_CHECKING:
    from collections.abc import Iterable

    from retain.evaluation.delong import Comparison
    from retain.features.spec import Feature
    from retain.pipeline.project import Project

CUTOFF = "2024-10-01"
SEEDS = (1,)


def main() -> None:
    """Print one row a seed and comparison."""
    customers = int(sys.argv[1]) if len(sys.argv) > 1 else 30_000
    print(f"{customers:,} customers, tested at {CUTOFF}\n")
    print("| seed | features | AUROC without texts | with texts | difference |")
    print("|---|---|---|---|---|")
    for seed in SEEDS:
        with tempfile.TemporaryDirectory() as workspace:
            write(Path(workspace) / "data" / "shop", customers=customers, seed=seed)
            project = open_project(shipped("sources/shop.toml"), Path(workspace))
            for name, without in (("RFM", FAMILIES["rfm"]), ("all families", EVERY.features)):
                told = compared(project, [one for one in without if not reads_text(one)])
                low, high = told.difference.low, told.difference.high
                print(
                    f"| {seed} | {name} | {told.auroc_b:.3f} | {told.auroc_a:.3f} "
                    f"| {told.difference.value:+.4f} [{low:+.4f}, {high:+.4f}] |",
                    flush=True,
                )


def reads_text(feature: Feature) -> bool:
    """Whether it reads what was made of texts."""
    return any(one.value in SPOKEN or one.where in SPOKEN for one in measures(feature.formula))


def compared(project: Project, without: Iterable[Feature]) -> Comparison:
    """The features without texts beside the same with them."""
    cutoff, config, store = instant(CUTOFF), project.config, project.store
    there = set(project.features.names)
    names = {one.name for one in without} & there
    spoken = {one.name for one in EVERY.features if reads_text(one)} & there
    snapshots = eligible_snapshots(store, [cutoff], config.churn)
    known = int(max(table.known.max() for table in store.tables.values() if len(table))) + 1
    y = outcomes(store, snapshots.customer, snapshots.cutoff, config.churn, known)
    told = []
    for chosen in (names | spoken, names):
        features = FeatureSet(tuple(one for one in EVERY.features if one.name in chosen))
        settings = replace(config.training, learners=("blend",))
        trained = train(Lesson(store, features, project.engine, cutoff, config.churn, settings))
        told.append(trained.probabilities(project.engine(store, features, snapshots).values))
    return compare(np.asarray(y), told[0], told[1])


if __name__ == "__main__":
    main()
