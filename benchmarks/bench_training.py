"""Training, from the panel to the logged model and its card, against one fit of LightGBM on the same rows.

    python benchmarks/bench_training.py [ROWS]

All in this process with one thread of LightGBM. Ours is all of `retain train` after the features: leak detector, validation of every learner on
later cutoffs, calibration, the final fit, the gate, the model card, the bundle and the MLflow run. Beside it stand two fits without any of that:

- a plain script's: a `Dataset` of all rows and one `train` with the configured settings, in the usual steps, and as many trees as go as far as those chosen;
- our own trees alone: the same rows with the steps and the number of trees that training took, which of very many rows are half as many in steps twice as long.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np

from retain.config import Config
from retain.engine import ENGINES
from retain.engine.panel import Panel
from retain.engine.views import columns_at_hand
from retain.events.source import SourceSettings
from retain.events.store import MISSING, Column, EventStore, EventTable
from retain.features.catalog import EVERY, FAMILIES, feature_set
from retain.features.spec import FeatureSet
from retain.labels import outcomes
from retain.modelling.hyperparameters import step_of
from retain.modelling.learners import Boosting, Task, largest_for
from retain.modelling.training import eligible_snapshots, make_plan
from retain.pipeline.project import Project
from retain.pipeline.train import run_training
from retain.timeline import DAY, instant

if TYPE_CHECKING:
    import numpy.typing as npt

    from retain.engine.panel import Snapshots

FEATURES = 60
START, DAYS = instant("2023-01-01"), 730
"""Two years of history give 19 cutoffs with the settings that come with retain."""
EACH = 10.0
"""Snapshots that a customer has on average."""


def events(random: np.random.Generator, customers: int, mean: float) -> EventTable:
    """Events of customers who come at their own pace, with seasons, and leave on a day of their own."""
    pace = random.gamma(1.5, mean / 1.5, customers)
    stays = np.where(random.random(customers) < 0.3, DAYS, random.exponential(400, customers).clip(30, DAYS))
    joins = random.uniform(0, DAYS - 60, customers) * (random.random(customers) < 0.6)
    count = random.poisson(pace * np.minimum(stays, DAYS - joins) / DAYS) + 1
    customer = np.repeat(np.arange(customers), count)
    day = (joins + 0.999 * np.minimum(stays, DAYS - joins) * 0)[customer]
    day = day + random.random(len(customer)) * np.minimum(stays, DAYS - joins)[customer]
    moment = START + (day * DAY).astype(np.int64)
    order = np.lexsort((moment, customer))
    customer, moment = customer[order], moment[order]
    rows = len(customer)
    worth = random.lognormal(8, 0.6, customers)
    columns = {
        "amount": Column((worth[customer] * random.lognormal(0, 0.5, rows)).astype(np.int64)),
        "quantity": Column(random.integers(1, 6, rows).astype(np.float64)),
        "category": Column(
            random.integers(0, 8, rows).astype(np.int32),
            np.array([f"c{at}" for at in range(8)], dtype=object),
        ),
        "channel": Column(
            random.integers(0, 2, rows).astype(np.int32), np.array(["shop", "web"], dtype=object)
        ),
    }
    return EventTable(customer, moment, moment, MappingProxyType(columns))


def company(rows: int) -> EventStore:
    """Orders, and messages that are opened less and less by those who leave, for about so many snapshots."""
    random = np.random.default_rng(5)
    customers = round(rows / EACH)
    orders = events(random, customers, 25)
    mails, tickets, feedback = (
        events(random, customers, 12),
        events(random, customers, 2),
        events(random, customers, 3),
    )

    def later(table: EventTable, share: float) -> Column:
        there = random.random(len(table)) < share
        return Column(np.where(there, table.time + DAY // 4, MISSING))

    sent = EventTable(
        mails.customer,
        mails.time,
        mails.known,
        {"opened_at": later(mails, 0.3), "clicked_at": later(mails, 0.1)},
    )
    asked = EventTable(tickets.customer, tickets.time, tickets.known, {"resolved_at": later(tickets, 0.8)})
    said = EventTable(
        feedback.customer,
        feedback.time,
        feedback.known,
        {"nps": Column(random.integers(0, 11, len(feedback)).astype(np.float64))},
    )
    ids = np.array([f"C{at:07}" for at in range(customers)], dtype=object)
    tables = {"orders": orders, "messages": sent, "tickets": asked, "feedback": said}
    return EventStore(ids, tables, {})


class Prepared:
    """An engine that knows the whole panel already, so that only training is measured."""

    def __init__(self, store: EventStore, features: FeatureSet, snapshots: Snapshots) -> None:
        """The features that these tables feed are computed; the others are made from them and noise."""
        fed = feature_set(tuple(FAMILIES), columns_at_hand(store))
        values = ENGINES.get("kernel")(store, fed, snapshots).values
        random = np.random.default_rng(6)
        columns = []
        for at, name in enumerate(features.names):
            if name in fed.names:
                columns.append(values[:, fed.names.index(name)])
            else:
                columns.append(values[:, at % len(fed.names)] + random.normal(0, 50, len(values)))
        self.values = np.column_stack(columns)
        self.cutoffs, self.customers = np.unique(snapshots.cutoff), len(store.customer_ids)
        self.keys = self.key(snapshots)

    def key(self, snapshots: Snapshots) -> npt.NDArray[np.int64]:
        """One number for each snapshot, ascending in the panel."""
        at = np.searchsorted(self.cutoffs, snapshots.cutoff)
        return np.asarray(at * self.customers + snapshots.customer, dtype=np.int64)

    def __call__(self, _: EventStore, features: FeatureSet, snapshots: Snapshots) -> Panel:
        """The rows asked for."""
        keys = self.key(snapshots)
        if np.array_equal(keys, self.keys):
            return Panel(snapshots, features, self.values)
        return Panel(snapshots, features, self.values[np.searchsorted(self.keys, keys)])


def project_of(rows: int, workspace: Path, stages: list[tuple[str, float, float]]) -> tuple[Project, Task]:
    """A project whose tables and features are in memory, and the rows that it trains on."""
    store = company(rows)

    def progress(words: str) -> None:
        stages.append((words, time.perf_counter(), time.process_time()))

    project = Project(Config("bench", SourceSettings({}, workspace)), workspace, progress)
    fed = feature_set(tuple(FAMILIES), columns_at_hand(store))
    others = [one for one in EVERY.features if one.name not in fed.names]
    chosen = {one.name for one in (*fed.features, *others[: FEATURES - len(fed.features)])}
    features = FeatureSet(tuple(one for one in EVERY.features if one.name in chosen))
    churn, training = project.config.churn, project.config.training
    plan = make_plan(store, project_end(store), churn, training)
    snapshots = eligible_snapshots(store, plan.cutoffs, churn)
    engine = Prepared(store, features, snapshots)
    vars(project).update(_read=(store, ()), features=features, engine=engine)
    y = outcomes(store, snapshots.customer, snapshots.cutoff, churn, plan.until)
    return project, Task(engine.values, y, features.names, size=300, seed=training.seed)


def project_end(store: EventStore) -> int:
    """The midnight after the last order."""
    return int(store.tables["orders"].time.max()) // DAY * DAY + DAY


def main() -> int:
    """Print where the time goes, and the ratio."""
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    stages: list[tuple[str, float, float]] = []
    with tempfile.TemporaryDirectory() as folder:
        project, task = project_of(rows, Path(folder), stages)
        project.tracking.versions()
        stages.clear()
        begun = time.perf_counter(), time.process_time()
        made = run_training(project)
        ended = time.perf_counter(), time.process_time()
    print(f"{len(task.y):,} rows, {task.x.shape[1]} features, {task.y.mean():.1%} churned")
    for (words, wall, cpu), (_, next_wall, next_cpu) in zip(stages, [*stages[1:], ("", *ended)], strict=True):
        print(f"{next_wall - wall:8.1f} s wall {next_cpu - cpu:8.1f} s CPU  {words}")
    contests = ", ".join(f"{one.learner} {one.mean_auroc:.4f} ({one.size})" for one in made.trained.contests)
    print(f"validation AUROC: {contests}; {made.trained.calibration}")
    largest = largest_for(["lightgbm"], len(task.y))
    size = made.trained.size if made.trained.learner in {"blend", "lightgbm"} else largest
    usual = project.config.training.hyperparameters
    for words, told, trees in (
        ("a plain fit", usual, size * step_of(len(task.y))),
        ("its own trees", made.trained.hyperparameters, size),
    ):
        fitted = time.perf_counter(), time.process_time()
        Boosting().fit(Task(task.x, task.y, task.names, size=trees, seed=task.seed, hyperparameters=told))
        done = time.perf_counter(), time.process_time()
        for name, at in (("wall", 0), ("CPU", 1)):
            ours, alone = ended[at] - begun[at], done[at] - fitted[at]
            print(
                f"{name}: training {ours:.1f} s, {words}, {trees} of rate {told.trees.learning_rate}, {alone:.1f} s, "
                f"ratio {ours / alone:.2f}"
            )
    return 0


if __name__ == "__main__":
    sys.exit(main())
