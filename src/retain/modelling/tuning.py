"""Other hyperparameters on the same validation as training, and whether they are better or only luckier."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import ndtri

from retain.errors import ConfigError
from retain.evaluation.clustered import Ranked, mean_difference
from retain.modelling.given import panel_of_labelled
from retain.modelling.hyperparameters import MOST_DEPTH
from retain.modelling.learners import Predictions, largest_for
from retain.modelling.one_thread import one_thread
from retain.modelling.training import contested, panel_of, validating
from retain.timeline import instant_text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from retain.engine.panel import FloatArray
    from retain.evaluation.intervals import Interval
    from retain.events.store import IntArray
    from retain.modelling.hyperparameters import Hyperparameters
    from retain.modelling.training import Contest, LabelArray, Lesson, TrainingSettings

REACHED = {"blend": ("trees", "logistic"), "lightgbm": ("trees",), "logistic": ("logistic",)}
"""The learners that hyperparameters reach, and which sections of them."""
ERROR = 0.05
"""How often settings that are no better may seem better."""
WORTH = 0.002
"""Less AUROC than this does not last from one cutoff to the next; see ``docs/decisions/0017-tuning.md``."""
DIGITS = 3
"""What is tried has so many: more would say more than a trial can tell."""


@dataclass(frozen=True)
class Knob:
    """One hyperparameter and the values that are tried.

    Attributes:
        key: its name below ``[training]``.
        low: the least.
        high: the greatest.
        log: whether it is searched by factors instead of by steps.
        whole: whether it is a whole number.
    """

    key: str
    low: float
    high: float
    log: bool = False
    whole: bool = False

    def holding(self, value: float) -> Knob:
        """The same, widened so far that it holds a value.

        >>> Knob("trees.ridge", 0.1, 200.0, log=True).holding(500.0).high
        500.0
        """
        return replace(self, low=min(self.low, value), high=max(self.high, value))

    def rounded(self, value: float) -> float:
        """A value as it is tried, with few digits.

        >>> Knob("trees.ridge", 0.1, 200.0, log=True).rounded(12.3456), Knob("trees.leaves", 4, 64, whole=True).rounded(8)
        (12.3, 8)
        """
        return int(value) if self.whole else float(f"{value:.{DIGITS}g}")


SPACE = (
    Knob("trees.learning_rate", 0.01, 0.1, log=True),
    Knob("trees.max_depth", 2, MOST_DEPTH, whole=True),
    Knob("trees.leaves", 4, 64, log=True, whole=True),
    Knob("trees.feature_share", 0.2, 1.0),
    Knob("trees.row_share", 0.4, 1.0),
    Knob("trees.ridge", 0.1, 200.0, log=True),
    Knob("trees.least_rows", 20, 1_000, log=True, whole=True),
    Knob("logistic.strength", 0.0001, 10.0, log=True),
)
"""Every hyperparameter with its range; the number of trees is chosen in each trial, as in training."""


def space_of(settings: TrainingSettings) -> tuple[Knob, ...]:
    """The hyperparameters that move a learner of these settings, with ranges that hold the present values.

    Raises:
        ConfigError: they move none of them.
    """
    sections = {one for name in settings.learners for one in REACHED.get(name, ())}
    if not sections:
        raise ConfigError(
            f"[training] learners names {', '.join(settings.learners)}, which have no hyperparameters to try. Add one of: "
            f"{', '.join(REACHED)}."
        )
    present = settings.hyperparameters.by_key
    return tuple(one.holding(present[one.key]) for one in SPACE if one.key.split(".")[0] in sections)


@dataclass(frozen=True)
class Part:
    """Outcomes that are predicted by models that could not know them.

    Attributes:
        name: what it is called, such as the date of its cutoff.
        cutoff: the instant of prediction; for labelled customers, until when things were known.
        into: rows of the panel that train.
        known: what was known of their outcomes then.
        at: rows that are predicted.
        y: what became of those.
        customer: whose rows those are.
    """

    name: str
    cutoff: int
    into: IntArray
    known: LabelArray
    at: IntArray
    y: LabelArray
    customer: IntArray


@dataclass(frozen=True)
class Tried:
    """What came of one setting of the hyperparameters.

    Attributes:
        hyperparameters: which.
        best: the learner and size that training would have chosen with them.
        ranked: each part's customers as that one ranked them.
    """

    hyperparameters: Hyperparameters
    best: Contest
    ranked: tuple[Ranked, ...] = field(compare=False, repr=False)


@dataclass(frozen=True)
class Ground:
    """What every trial is measured on: one panel, and the parts of it that validate.

    Attributes:
        x: features, rows by columns.
        parts: in the order of time.
        lesson: what is learned; its hyperparameters are those that others are compared with.
    """

    x: FloatArray = field(repr=False)
    parts: tuple[Part, ...]
    lesson: Lesson

    @one_thread()
    def tried(self, hyperparameters: Hyperparameters) -> Tried:
        """What training would have found with these: the same rows, learners, sizes and seed.

        Args:
            hyperparameters: what trees and logistic regression are told.
        """
        settings = replace(
            self.lesson.settings, trees=hyperparameters.trees, logistic=hyperparameters.logistic
        )
        lesson = replace(self.lesson, settings=settings).for_rows(len(self.x))
        names = [one for one in dict.fromkeys(settings.learners) if one in REACHED]
        largest = largest_for(names, len(self.x))

        def predicted(part: Part) -> dict[str, Mapping[int, FloatArray]]:
            task = lesson.task(self.x[part.into], part.known, largest)
            predictions = Predictions(self.x[part.at])
            return {name: predictions.of(name, task.fitted(name)) for name in names}

        with ThreadPoolExecutor(settings.threads) as pool:
            found = list(pool.map(predicted, self.parts))
        odds = {name: [one[name] for one in found] for name in names}
        folds = [(one.cutoff, one.customer, one.y) for one in self.parts]
        contests, validated = contested(odds, folds, names)
        best = contests[0]
        ranked = tuple(Ranked(one.customer, one.y, one.log_odds[best.learner]) for one in validated)
        return Tried(hyperparameters, best, ranked)


def ground_through_time(lesson: Lesson) -> Ground:
    """The validation cutoffs of ``training.train``, each with the earlier cutoffs that may train for it.

    Raises:
        WindowError: no label window has closed by then.
        TrainingError: nothing is left after the purge, or one class only.
        LeakError: a feature seems to know the outcome, and the settings do not allow that.
    """
    panel = panel_of(lesson)
    parts = tuple(
        Part(
            name=instant_text(one.fold.validation)[:10],
            cutoff=one.fold.validation,
            into=one.into,
            known=one.then,
            at=one.at,
            y=panel.y[one.at],
            customer=panel.snapshots.customer[one.at],
        )
        for one in validating(lesson, panel)
    )
    return Ground(panel.x, parts, lesson)


def ground_of_labelled(lesson: Lesson) -> Ground:
    """The parts of ``given.train_given``, each with the customers of all others, who train for it.

    Raises:
        ContractError: the table of customers has no labels.
        TrainingError: too few customers of a class.
        LeakError: a feature seems to know the outcome, and the settings do not allow that.
    """
    panel = panel_of_labelled(lesson)
    y, parts = panel.y, []
    for number in np.unique(panel.fold).tolist():
        into, at = np.flatnonzero(panel.fold != number), np.flatnonzero(panel.fold == number)
        parts.append(Part(f"part {number + 1}", lesson.until, into, y[into], at, y[at], panel.customer[at]))
    return Ground(panel.x, tuple(parts), lesson)


def ahead(best: Tried, present: Tried, trials: int) -> Interval:
    """How far the best of several trials is above the present settings in mean AUROC, with room for luck.

    Formula: ``evaluation.clustered.mean_difference``, its interval as wide as it has to be for all comparisons with the
    present settings to hold at once in 95 of 100 cases: the normal quantile of ``1 - 0.05 / (2 comparisons)``.

    Source: Bonferroni's inequality; Dunn 1961, JASA 56:52-64.

    Args:
        best: the trial that came out best.
        present: the settings that there are.
        trials: of how many, the present settings among them, it is the best.
    """
    return mean_difference(best.ranked, present.ranked, float(ndtri(1 - ERROR / 2 / max(1, trials - 1))))


def gain_left_out(auroc: Sequence[Sequence[float]]) -> float | None:
    """What choosing brings on validation that did not choose: the mean gain in AUROC over the first trial.

    Formula: for each part, the trial with the best mean over the other parts, minus the first trial, on this part; then
    the mean over parts. None with a single part.

    Source: cross-validation of the choice itself; Cawley, Talbot 2010, JMLR 11:2079-2107.

    Args:
        auroc: trials by parts.

    >>> gain_left_out([[0.70, 0.70], [0.72, 0.69]])
    -0.005
    >>> gain_left_out([[0.70], [0.72]]) is None
    True
    """
    table = np.array(auroc)
    if table.shape[1] < 2:
        return None
    others = (table.sum(axis=1, keepdims=True) - table) / (table.shape[1] - 1)
    # Rounded, so that of equals the first is chosen whatever the last digit of a sum is.
    chosen = np.argmax(others.round(12), axis=0)
    gains = table[chosen, np.arange(table.shape[1])] - table[0]
    return float(gains.mean().round(12))


class Verdict(StrEnum):
    """What the best trial is beside the present settings."""

    NOISE = "noise"
    SMALL = "small"
    BETTER = "better"


def judge(difference: Interval, left_out: float | None) -> Verdict:
    """Whether the best trial is better beyond noise, not only where it was chosen, and by enough to last.

    Args:
        difference: as ``ahead`` gives it.
        left_out: as ``gain_left_out`` gives it.

    >>> from retain.evaluation.intervals import Interval
    >>> judge(Interval(0.004, 0.001, 0.007), 0.003), judge(Interval(0.004, -0.001, 0.009), 0.003)
    (<Verdict.BETTER: 'better'>, <Verdict.NOISE: 'noise'>)
    """
    if not difference.low > 0 or (left_out is not None and left_out <= 0):
        return Verdict.NOISE
    return Verdict.BETTER if difference.value >= WORTH else Verdict.SMALL
