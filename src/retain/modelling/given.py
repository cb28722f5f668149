"""Training on customers who come with a label: checked on customers left out, for there is no later time to check on."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from retain.engine.panel import Snapshots
from retain.errors import TrainingError
from retain.events.attributes import TABLE
from retain.events.store import MISSING
from retain.labels import customers_of, labels_of
from retain.modelling import calibration, leaks
from retain.modelling.hyperparameters import USUAL, Hyperparameters
from retain.modelling.learners import RFM, Logistic, Task, sizes_for
from retain.modelling.one_thread import one_thread
from retain.modelling.training import (
    BASELINES,
    FEWEST_OF_A_CLASS,
    Plan,
    Trained,
    contested,
    require_directions,
)
from retain.timeline import DAY, today

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from retain.engine.panel import FloatArray
    from retain.events.store import EventStore, IntArray
    from retain.features.spec import FeatureSet
    from retain.labels import ChurnSettings
    from retain.modelling.training import LabelArray, Lesson

FOLDS = 10
"""The labelled customers are divided into so many parts; fewer where a part would have fewer than five of a class."""
ONE_FEATURE = "one_feature"
"""The baseline: logistic regression on the feature that tells most alone."""
WARNING = (
    "The labels come without a history, so nothing could be checked through time: whether each column was known before the "
    "customer left, whether the model holds in another season or year, and whether the churn rate stays what it was. "
    "These figures are of customers left out of training, not of a later time: expect less of later customers."
)


@dataclass(frozen=True)
class Labelled:
    """The customers whose outcome is given, each once.

    Attributes:
        snapshots: who, and the instant before which things were known of them.
        y: what became of them.
    """

    snapshots: Snapshots
    y: LabelArray


def last_known(store: EventStore) -> int | None:
    """The latest instant of anything that the tables tell; None where nothing has a time.

    A date of a customer that has not come yet, such as the end of a contract, is a plan and tells nothing.
    """
    columns = [one.values for one in customers_of(store).columns.values()]
    dates = [one.astype(np.int64) for one in columns if one.dtype == np.int64]
    present = today(store.zone)
    times = [one.time for one in store.tables.values()]
    times += [np.where(one > present, MISSING, one) for one in dates]
    latest = max((int(one.max()) for one in times if len(one)), default=MISSING)
    # Of rows that are elsewhere there are accounts.
    told = (one.last_event for one in store.accounts.values() if one.last_event is not None)
    latest = max(latest, *told, MISSING)
    return None if latest == MISSING else latest


def labelled(store: EventStore, churn: ChurnSettings, until: int) -> Labelled:
    """The customers with a label that was known by that instant.

    A label with a time was observed at the end of its label window, so that its customer is seen as of the horizon
    and the lead time before it, at midnight; one without a time as of that instant.

    Raises:
        ContractError: the table of customers has no labels.
        TrainingError: too few customers of a class.
    """
    label = labels_of(store)
    table = store.tables[TABLE]
    moment = (
        table.columns["label_at"].values.astype(np.int64)
        if "label_at" in table.columns
        else np.full(len(table), MISSING, dtype=np.int64)
    )
    rows = (label >= 0) & (moment <= until)
    undated = moment == MISSING
    cutoff = churn.window.latest_cutoff(0) + np.where(undated, 0, moment)
    seen = np.where(undated, until, cutoff // DAY * DAY)
    y = label[rows].astype(np.int8)
    _require_enough(y, len(table))
    return Labelled(Snapshots(table.customer[rows], seen[rows]), y)


def folds_of(y: LabelArray, seed: int) -> IntArray:
    """The number of each customer's part: as many of either class in each, as far as that goes.

    Args:
        y: outcomes, in the order of the customers' ids.
        seed: another one gives another division.

    >>> fold = folds_of(np.repeat(np.array([0, 1], np.int8), [60, 40]), seed=1)
    >>> np.bincount(fold[60:]).tolist()
    [5, 5, 5, 5, 5, 5, 5, 5]
    """
    rarer = min(int((y == one).sum()) for one in (0, 1))
    count = int(np.clip(rarer // FEWEST_OF_A_CLASS, 2, FOLDS))
    random = np.random.default_rng(seed)
    fold = np.empty(len(y), dtype=np.int64)
    for one in (0, 1):
        mine = np.flatnonzero(y == one)
        fold[random.permutation(mine)] = np.arange(len(mine)) % count
    return fold


@one_thread()
def left_out(
    x: FloatArray,
    y: LabelArray,
    fold: IntArray,
    features: FeatureSet,
    recipes: Mapping[str, Sequence[int]],
    *,
    seed: int,
    threads: int = 1,
    rising: Collection[str] = (),
    falling: Collection[str] = (),
    hyperparameters: Hyperparameters = USUAL,
) -> dict[str, dict[int, FloatArray]]:
    """Log-odds of every customer from models that were trained without them.

    Args:
        x: features, rows by columns.
        y: outcomes.
        fold: the part of each row.
        features: the columns.
        recipes: names of learners, and the sizes of each.
        seed: of whatever is random in a learner.
        threads: parts worked on at the same time; changes no result.
        rising: names of features with which risk may only rise.
        falling: names of those with which it may only fall.
        hyperparameters: what trees and logistic regression are told.

    Returns:
        By learner and size.
    """
    largest = max(size for sizes in recipes.values() for size in sizes)
    parts = np.unique(fold)

    def without(part: int) -> dict[str, dict[int, FloatArray]]:
        rest, mine = fold != part, x[fold == part]
        task = Task(
            x[rest],
            y[rest],
            features.names,
            size=largest,
            seed=seed,
            categories=features.categories,
            rising=rising,
            falling=falling,
            hyperparameters=hyperparameters,
        )
        return {
            name: {size: task.fitted(name).log_odds(mine, size) for size in sizes}
            for name, sizes in recipes.items()
        }

    with ThreadPoolExecutor(threads) as pool:
        found = list(pool.map(without, parts.tolist()))
    return {
        name: {size: _together(fold, [one[name][size] for one in found]) for size in sizes}
        for name, sizes in recipes.items()
    }


def one_feature(x: FloatArray, y: LabelArray, fold: IntArray, features: FeatureSet) -> FloatArray:
    """Log-odds of every customer by the one feature that tells most alone, chosen and trained without them."""
    places = [features.names.index(name) for name in features.categories]
    found = []
    for part in np.unique(fold):
        rest = fold != part
        whole = leaks.in_order(x[rest], y[rest], places)
        best = int(np.argmax(leaks.alone(whole, y[rest], np.zeros(int(rest.sum()), dtype=np.int64))))
        column = slice(best, best + 1)
        task = Task(
            x[rest, column], y[rest], features.names[column], size=1, seed=0, categories=features.categories
        )
        found.append(Logistic(strength=1_000.0).fit(task).log_odds(x[fold == part, column]))
    return _together(fold, found)


@dataclass(frozen=True)
class LabelledPanel:
    """All labelled customers, in parts of which each is predicted from the others.

    Attributes:
        customer: int64, indexes into the store's customers.
        x: their features.
        y: what became of them.
        fold: the part of each.
        leaks: features that seem to know the outcome, all of them allowed by the settings.
    """

    customer: IntArray
    x: FloatArray
    y: LabelArray
    fold: IntArray
    leaks: tuple[leaks.Leak, ...]


def panel_of_labelled(lesson: Lesson) -> LabelledPanel:
    """All customers whose label was known by then, with their features.

    Raises:
        ContractError: the table of customers has no labels.
        TrainingError: too few customers of a class.
        LeakError: a feature seems to know the outcome, and the settings do not allow that.
    """
    features, settings = lesson.features, lesson.settings
    require_directions(features, settings)
    known = labelled(lesson.store, lesson.churn, lesson.until)
    lesson.progress(f"features of {len(known.y):,} labelled customers")
    x = lesson.engine(lesson.store, features, known.snapshots).values
    undated = np.zeros(len(known.y), dtype=np.int64)
    suspects = leaks.find(x, known.y, undated, features.names, features.categories)
    leaks.require_none(suspects, settings.allow_leaks)
    return LabelledPanel(known.snapshots.customer, x, known.y, folds_of(known.y, settings.seed), suspects)


@one_thread()
def train_given(lesson: Lesson) -> Trained:
    """A calibrated model of all labelled customers; each part of them is predicted by models of the other parts.

    These predictions choose the learner and its size, and calibrate it; then the chosen one is fitted on everybody.

    Raises:
        ContractError: the table of customers has no labels.
        TrainingError: too few customers of a class.
        LeakError: a feature seems to know the outcome, and the settings do not allow that.
    """
    panel = panel_of_labelled(lesson)
    x, y, fold = panel.x, panel.y, panel.fold
    lesson = lesson.for_rows(len(y))
    features, settings, until = lesson.features, lesson.settings, lesson.until
    names = tuple(dict.fromkeys((*settings.learners, *baselines_of(features))))
    parts = [fold == one for one in np.unique(fold)]
    lesson.progress(f"predicting each of {len(parts)} parts of the customers from the others")
    sizes = {name: sizes_for(name, len(y)) for name in names}
    odds = left_out(
        x,
        y,
        fold,
        features,
        sizes,
        seed=settings.seed,
        threads=settings.threads,
        rising=settings.rising,
        falling=settings.falling,
        hyperparameters=settings.hyperparameters,
    )
    by_part = {
        name: [{size: each[one] for size, each in odds[name].items()} for one in parts] for name in names
    }
    folds = [(until, panel.customer[one], y[one]) for one in parts]
    contests, validated = contested(by_part, folds, settings.learners)
    best = contests[0]
    pairs = [(one.log_odds[best.learner], one.y) for one in validated]
    calibrated, evidence = calibration.choose(pairs, float(y.mean()))
    lesson.progress(f"fitting {best.learner} on all labelled customers")
    return Trained(
        learner=best.learner,
        size=best.size,
        fitted=lesson.task(x, y, best.size).fitted(best.learner),
        calibration=calibrated,
        features=features,
        churn=lesson.churn,
        plan=Plan(until, (until,), ()),
        contests=contests,
        evidence=evidence,
        season=None,
        season_evidence=(),
        rows=len(y),
        churn_rate=float(y.mean()),
        seed=settings.seed,
        leaks=panel.leaks,
        rising=settings.rising,
        falling=settings.falling,
        hyperparameters=settings.hyperparameters,
        validated=validated,
    )


def baselines_of(features: FeatureSet) -> tuple[str, ...]:
    """The learners that are always trained beside the configured ones: RFM where there are orders."""
    return (BASELINES["orders"],) if set(RFM) & set(features.names) else ()


def _together(fold: IntArray, found: Sequence[FloatArray]) -> FloatArray:
    """The predictions of all parts in the order of the customers."""
    whole = np.empty(len(fold))
    for part, values in zip(np.unique(fold), found, strict=True):
        whole[fold == part] = values
    return whole


def _require_enough(y: LabelArray, customers: int) -> None:
    """Refuse labels that cannot be divided.

    Raises:
        TrainingError: there are none, or too few of one class.
    """
    churned, least = int(y.sum()), 2 * FEWEST_OF_A_CLASS
    if not len(y):
        raise TrainingError(
            f"None of the {customers:,} customers has a label that was known by then: there is nothing to learn. Map the "
            f"column under [source.tables.{TABLE}] columns, and its words under values.label."
        )
    if min(churned, len(y) - churned) < least:
        raise TrainingError(
            f"Of the {len(y):,} labelled customers {churned:,} churned and {len(y) - churned:,} did not; {least} of each "
            f"are the least. Load more customers with a label."
        )
