"""Training through time: validated on later cutoffs, purged, calibrated out of time, then fitted on all that is known."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from retain.engine.panel import Snapshots
from retain.errors import ConfigError, TrainingError, WindowError, did_you_mean
from retain.evaluation.ranking import auroc
from retain.labels import LABELS, ChurnSettings, observed, outcomes
from retain.modelling import calibration, leaks, seasons
from retain.modelling.contest import chosen_first
from retain.modelling.hyperparameters import USUAL, Hyperparameters, LogisticSettings, TreeSettings
from retain.modelling.learners import Fitted, Predictions, Task, largest_for
from retain.modelling.one_thread import one_thread
from retain.timeline import DAY, cutoffs_back_from, instant_text

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import numpy.typing as npt

    from retain.engine.panel import Engine, FloatArray
    from retain.events.store import EventStore, IntArray
    from retain.features.spec import FeatureSet
    from retain.modelling.calibration import Calibration, Evidence
    from retain.modelling.leaks import Leak
    from retain.modelling.seasons import Moved, Season

    LabelArray = npt.NDArray[np.int8]

BASELINES = {"orders": "rfm_logistic", "contracts": "tenure_hazard"}
"""By the table that makes a customer: always trained beside the configured learners, and champion where it is better."""
MOST_THREADS = 64
MOST_ROWS = 50_000
"""Rows that train for a validation cutoff; the figures behind it are in ``docs/decisions/0003-training.md``."""
MOST_IN_SEASON = 40_000
"""Rows that tell how far the level of past cutoffs was missed: their shares are exact enough."""
FEWEST_OF_A_CLASS = 5
"""Fewer churners, or fewer others, than this in a cutoff tell nothing."""


@dataclass(frozen=True)
class TrainingSettings:
    """How models are trained: the ``[training]`` part of the configuration.

    Attributes:
        step_days: days between two cutoffs; 0 is a third of the horizon.
        most_cutoffs: at most so many, the newest.
        warm_up_days: days of history before the first cutoff; 0 is half of active_days.
        validation_cutoffs: at most so many, a horizon apart, so that their label windows do not overlap.
        learners: which compete, the preferred one first: another is taken only where it is ahead by more than luck.
        seed: of whatever is random.
        allow_leaks: features that may seem to know the outcome without stopping the run.
        rising: features with which the risk that trees and logistic regression see may only rise, others the same.
        falling: features with which it may only fall.
        threads: validation cutoffs, and at last parts of the model, worked on at the same time. Each of them is trained
            by one thread, so the result is the same whatever this is.
        trees: how boosted trees are grown.
        logistic: how logistic regression is restrained.
    """

    step_days: int = 0
    most_cutoffs: int = 24
    warm_up_days: int = 0
    validation_cutoffs: int = 4
    learners: tuple[str, ...] = ("blend", "lightgbm", "logistic")
    seed: int = 20
    allow_leaks: tuple[str, ...] = ()
    rising: tuple[str, ...] = ()
    falling: tuple[str, ...] = ()
    threads: int = 2
    trees: TreeSettings = field(default_factory=TreeSettings)
    logistic: LogisticSettings = field(default_factory=LogisticSettings)

    def __post_init__(self) -> None:
        """Refuse what cannot train."""
        for name in ("most_cutoffs", "validation_cutoffs", "threads"):
            if getattr(self, name) < 1:
                raise ConfigError(f"[training] {name} is {getattr(self, name)}; it has to be at least 1.")
        if self.threads > MOST_THREADS:
            raise ConfigError(
                f"[training] threads is {self.threads}; more than {MOST_THREADS} are of no use."
            )
        if self.step_days < 0 or self.warm_up_days < 0:
            raise ConfigError("[training] step_days and warm_up_days cannot be negative.")
        both = sorted(set(self.rising) & set(self.falling))
        if both:
            raise ConfigError(f"[training] rising and falling both name {both[0]}. Choose one.")
        if not self.learners:
            raise ConfigError("[training] learners is empty. Name one at least, such as 'lightgbm'.")

    @property
    def hyperparameters(self) -> Hyperparameters:
        """What trees and logistic regression are told."""
        return Hyperparameters(self.trees, self.logistic)

    def for_rows(self, rows: int) -> TrainingSettings:
        """The same for a model of so many rows, whose validation follows the same recipe on fewer."""
        return replace(self, trees=self.trees.in_steps_for(rows))


@dataclass(frozen=True)
class Fold:
    """One validation cutoff and the earlier cutoffs that may train for it.

    Attributes:
        validation: the cutoff that is predicted.
        training: cutoffs whose label window has closed by then.
        purged: earlier cutoffs left out, because their label windows reach past the validation cutoff.
    """

    validation: int
    training: tuple[int, ...]
    purged: tuple[int, ...]


@dataclass(frozen=True)
class Plan:
    """Which cutoffs train and which validate.

    Attributes:
        until: what was known by then is used.
        cutoffs: all whose label window has closed by then, oldest first.
        folds: oldest first.
    """

    until: int
    cutoffs: tuple[int, ...]
    folds: tuple[Fold, ...]


@dataclass(frozen=True)
class Contest:
    """How one learner did on the validation cutoffs.

    Attributes:
        learner: its name.
        size: the best of its sizes.
        auroc: one for each fold.
    """

    learner: str
    size: int
    auroc: tuple[float, ...]

    @property
    def mean_auroc(self) -> float:
        """The mean over the folds."""
        return float(np.mean(self.auroc))


@dataclass(frozen=True)
class Validated:
    """One validation cutoff as models saw it that knew only what was known then.

    Attributes:
        cutoff: the instant of prediction.
        customer: int64, indexes into the store's customers.
        y: what became of them.
        log_odds: of each learner, at the size that is best for it.
    """

    cutoff: int
    customer: IntArray
    y: LabelArray
    log_odds: Mapping[str, FloatArray]


@dataclass(frozen=True)
class Trained:
    """A calibrated model and how it came about.

    Attributes:
        learner: the champion's name.
        size: its size.
        fitted: trained on all cutoffs of the plan.
        calibration: learned on the folds' predictions, each of a later cutoff than its model was trained on.
        features: the columns that it reads.
        churn: the definition that it predicts.
        plan: the cutoffs.
        contests: every learner's validation, that of the chosen one first, then by mean AUROC.
        evidence: every calibration method's log loss.
        season: how the level moves with the season; None where nothing can be forecast or the past speaks against it.
        season_evidence: what that forecast would have brought at the validation cutoffs that have a year before.
        rows: training rows of the final fit.
        churn_rate: among them.
        seed: of whatever was random.
        leaks: features that seem to know the outcome, all of them allowed by the settings.
        validated: every learner's predictions of the validation cutoffs, oldest first.
        rising: features with which its risk may only rise.
        falling: features with which it may only fall.
        hyperparameters: what trees and logistic regression were told.
    """

    learner: str
    size: int
    fitted: Fitted
    calibration: Calibration
    features: FeatureSet
    churn: ChurnSettings
    plan: Plan
    contests: tuple[Contest, ...]
    evidence: tuple[Evidence, ...]
    season: Season | None
    season_evidence: tuple[Moved, ...]
    rows: int
    churn_rate: float
    seed: int
    leaks: tuple[Leak, ...]
    validated: tuple[Validated, ...] = field(compare=False)
    rising: tuple[str, ...] = ()
    falling: tuple[str, ...] = ()
    hyperparameters: Hyperparameters = USUAL


def _quietly(_: str) -> None:
    """Say nothing."""


@dataclass(frozen=True)
class Lesson:
    """What a model is to learn, from what and how.

    Attributes:
        store: all customers with their events.
        features: the columns.
        engine: what computes them.
        until: what was known by then is used.
        churn: what is predicted.
        settings: how it is learned.
        progress: is told what is being done.
    """

    store: EventStore
    features: FeatureSet
    engine: Engine
    until: int
    churn: ChurnSettings
    settings: TrainingSettings
    progress: Callable[[str], None] = _quietly

    def for_rows(self, rows: int) -> Lesson:
        """The same for a model of so many rows, whose validation follows the same recipe on fewer."""
        return replace(self, settings=self.settings.for_rows(rows))

    def task(self, x: FloatArray, y: LabelArray, size: int) -> Task:
        """The task of learning from these rows what the settings say of it."""
        return Task(
            x,
            y,
            self.features.names,
            size=size,
            seed=self.settings.seed,
            categories=self.features.categories,
            rising=self.settings.rising,
            falling=self.settings.falling,
            hyperparameters=self.settings.hyperparameters,
        )


def baseline_of(churn: ChurnSettings) -> str:
    """The learner that is always trained beside the others where churn means this."""
    return BASELINES[LABELS.get(churn.definition).table]


def make_plan(store: EventStore, until: int, churn: ChurnSettings, settings: TrainingSettings) -> Plan:
    """The cutoffs to train and validate on, from what had happened by that instant.

    Raises:
        WindowError: no label window has closed by then.
        TrainingError: the purge leaves no validation cutoff with an earlier one to train on.
    """
    first, last = observed(store, churn)
    newest = churn.window.latest_cutoff(min(until, last))
    oldest = first + (settings.warm_up_days or max(1, churn.active_days // 2)) * DAY
    step = settings.step_days or max(1, churn.horizon_days // 3)
    cutoffs = cutoffs_back_from(newest, oldest, step, settings.most_cutoffs)
    span = churn.lead_days + churn.horizon_days
    history = (oldest - first) // DAY
    if not cutoffs:
        raise WindowError(
            f"No label window has closed by {instant_text(min(until, last))[:10]}: the data begin on {instant_text(first)[:10]}, "
            f"and a cutoff needs {history} days of history before it and {span} days for its label window. Load a longer history, or choose a shorter horizon_days or active_days."
        )
    folds: list[Fold] = []
    validation = newest
    while len(folds) < settings.validation_cutoffs:
        earlier = [one for one in cutoffs if one < validation]
        closed = tuple(one for one in earlier if churn.window.end(one) <= validation)
        if not closed:
            break
        folds.append(Fold(validation, closed, tuple(one for one in earlier if one not in closed)))
        # The last one that may train for this fold is the next to be predicted: no two label windows overlap.
        validation = closed[-1]
    if not folds:
        raise TrainingError(
            f"After the purge nothing is left to train on: {len(cutoffs)} cutoffs from {instant_text(cutoffs[0])} to "
            f"{instant_text(newest)}, but the label windows of all earlier ones reach past {instant_text(newest)}. "
            f"That needs {history} days of history and {2 * span} days for two label windows: load a longer history, "
            f"or choose a shorter horizon_days, warm_up_days or step_days."
        )
    return Plan(until, cutoffs, tuple(reversed(folds)))


def eligible_snapshots(store: EventStore, cutoffs: Sequence[int], churn: ChurnSettings) -> Snapshots:
    """Every eligible customer at each of these cutoffs, by cutoff and then customer."""
    label = LABELS.get(churn.definition)
    found = [np.flatnonzero(label.eligible(store, cutoff, churn)) for cutoff in cutoffs]
    return Snapshots(
        np.concatenate([np.empty(0, dtype=np.int64), *found]),
        np.repeat(np.array(cutoffs, dtype=np.int64), [len(one) for one in found]),
    )


@dataclass(frozen=True)
class Panel:
    """What is learned from, and what became of it.

    Attributes:
        plan: the cutoffs.
        snapshots: every eligible customer at each of them.
        x: their features.
        y: their outcomes, as known by the plan's end.
        leaks: features that seem to know the outcome, all of them allowed by the settings.
    """

    plan: Plan
    snapshots: Snapshots
    x: FloatArray
    y: LabelArray
    leaks: tuple[Leak, ...]


@dataclass(frozen=True)
class Validating:
    """A validation cutoff and its rows of the panel.

    Attributes:
        fold: the cutoff, and those that train for it.
        into: rows that train.
        then: their outcomes, as known at the cutoff.
        at: rows that are predicted.
    """

    fold: Fold
    into: IntArray
    then: LabelArray
    at: IntArray


def panel_of(lesson: Lesson) -> Panel:
    """All cutoffs whose label window has closed by that instant, with features and outcomes.

    Raises:
        WindowError: no label window has closed by then.
        TrainingError: nothing is left after the purge, or one class only.
        LeakError: a feature seems to know the outcome, and the settings do not allow that.
    """
    store, features, churn, settings = lesson.store, lesson.features, lesson.churn, lesson.settings
    require_directions(features, settings)
    plan = make_plan(store, lesson.until, churn, settings)
    snapshots = eligible_snapshots(store, plan.cutoffs, churn)
    lesson.progress(f"features of {len(snapshots):,} snapshots at {len(plan.cutoffs)} cutoffs")
    x = lesson.engine(store, features, snapshots).values

    y = outcomes(store, snapshots.customer, snapshots.cutoff, churn, plan.until)
    _require_both_classes(y)
    suspects = leaks.find(x, y, snapshots.cutoff, features.names, features.categories)
    leaks.require_none(suspects, settings.allow_leaks)
    return Panel(plan, snapshots, x, y, suspects)


def validating(lesson: Lesson, panel: Panel) -> tuple[Validating, ...]:
    """The plan's validation cutoffs that tell something, oldest first; where very many rows may train, of a draw.

    Raises:
        TrainingError: none has enough of either class, in itself and before it.
    """
    store, churn, snapshots, y = lesson.store, lesson.churn, panel.snapshots, panel.y
    usable: list[Validating] = []
    unfit: list[str] = []
    for fold in panel.plan.folds:
        into = drawn(
            np.flatnonzero(np.isin(snapshots.cutoff, fold.training)), lesson.settings.seed, MOST_ROWS
        )
        at = np.flatnonzero(snapshots.cutoff == fold.validation)
        then = outcomes(store, snapshots.customer[into], snapshots.cutoff[into], churn, fold.validation)
        if both_classes(then) and both_classes(y[at]):
            usable.append(Validating(fold, into, then, at))
            continue
        unfit.append(
            f"{instant_text(fold.validation)[:10]}: {int(y[at].sum()):,} of {len(at):,} churned, "
            f"and {int(then.sum()):,} of the {len(into):,} rows that train for it"
        )
    if not usable:
        raise TrainingError(
            f"No validation cutoff has {FEWEST_OF_A_CLASS} churners and {FEWEST_OF_A_CLASS} others, in itself and before it "
            f"({'; '.join(unfit)}). Load more customers, or change active_days and horizon_days under [churn]."
        )
    return tuple(usable)


@one_thread()
def train(lesson: Lesson) -> Trained:
    """A calibrated model from all cutoffs whose label window has closed by that instant.

    Each validation cutoff is predicted by models that saw only earlier cutoffs with closed label windows. These
    predictions choose the learner and its size, and calibrate it; then the chosen one is fitted on every cutoff.

    Raises:
        WindowError: no label window has closed by then.
        TrainingError: nothing is left after the purge, or one class only.
        LeakError: a feature seems to know the outcome, and the settings do not allow that.
    """
    panel = panel_of(lesson)
    plan, snapshots, x, y = panel.plan, panel.snapshots, panel.x, panel.y
    lesson = lesson.for_rows(len(y))
    churn, settings = lesson.churn, lesson.settings
    names = tuple(dict.fromkeys((*settings.learners, baseline_of(churn))))
    largest = largest_for(names, len(y))
    parts = validating(lesson, panel)
    usable = [one.fold for one in parts]
    truths = [y[one.at] for one in parts]
    tasks = [(lesson.task(x[one.into], one.then, largest), x[one.at]) for one in parts]
    learned_at = [snapshots.cutoff[one.into] for one in parts]

    def predicted(fold: Fold, task: Task, later: FloatArray) -> dict[str, Mapping[int, FloatArray]]:
        lesson.progress(
            f"validating at {instant_text(fold.validation)[:10]}, earlier cutoffs that train: {len(fold.training)}"
        )
        predictions = Predictions(later)
        return {name: predictions.of(name, task.fitted(name)) for name in names}

    with ThreadPoolExecutor(settings.threads) as pool:
        found = list(pool.map(lambda one: predicted(one[0], *one[1]), zip(usable, tasks, strict=True)))
    odds = {name: [one[name] for one in found] for name in names}
    plan = Plan(plan.until, plan.cutoffs, tuple(usable))
    by_fold = [
        (fold.validation, snapshots.customer[snapshots.cutoff == fold.validation], truth)
        for fold, truth in zip(usable, truths, strict=True)
    ]
    contests, validated = contested(odds, by_fold, settings.learners)
    best = contests[0]
    folds = [(one.log_odds[best.learner], one.y) for one in validated]
    calibrated, evidence = calibration.choose(folds, float(y.mean()))
    lesson.progress(f"fitting {best.learner} on all {len(plan.cutoffs)} cutoffs")
    fitted = lesson.task(x, y, best.size).side_by_side(settings.threads).fitted(best.learner)
    season: Season | None = None
    season_evidence: tuple[Moved, ...] = ()
    if LABELS.get(churn.definition).table == "orders":
        season_evidence = tuple(
            one
            for fold, (task, _), at, (log_odds, truth) in zip(usable, tasks, learned_at, folds, strict=True)
            if (one := _in_season(lesson, fold, task, at, best, calibrated, log_odds, truth)) is not None
        )
        year = seasons.Year.of(lesson.store, churn, plan.until)
        proven = seasons.proven(season_evidence, year, plan.until)
        if proven or (proven is None and year.busyness(plan.until, 1) is not None):
            past = _past(
                snapshots.cutoff, x, y, settings.seed, lambda rows: calibrated.log_odds(fitted.log_odds(rows))
            )
            season = seasons.learn(year, past, proven=proven is True)
    return Trained(
        learner=best.learner,
        size=best.size,
        fitted=fitted,
        calibration=calibrated,
        features=lesson.features,
        churn=churn,
        plan=plan,
        contests=contests,
        evidence=evidence,
        season=season,
        season_evidence=season_evidence,
        rows=len(y),
        churn_rate=float(y.mean()),
        seed=settings.seed,
        leaks=panel.leaks,
        rising=settings.rising,
        falling=settings.falling,
        hyperparameters=settings.hyperparameters,
        validated=validated,
    )


def _in_season(
    lesson: Lesson,
    fold: Fold,
    task: Task,
    cutoff: IntArray,
    best: Contest,
    calibrated: Calibration,
    log_odds: FloatArray,
    y: LabelArray,
) -> seasons.Moved | None:
    """What a forecast of the season would have brought at a validation cutoff."""
    year = seasons.Year.of(lesson.store, lesson.churn, fold.validation)
    if year.busyness(fold.validation, 1) is None:
        return None
    model = task.fitted(best.learner)
    past = _past(
        cutoff, task.x, task.y, task.seed, lambda rows: calibrated.log_odds(model.log_odds(rows, best.size))
    )
    return seasons.tried(year, past, seasons.Past(fold.validation, calibrated.log_odds(log_odds), y))


def _past(
    cutoff: IntArray, x: FloatArray, y: LabelArray, seed: int, log_odds: Callable[[FloatArray], FloatArray]
) -> list[seasons.Past]:
    """What a model says of past cutoffs, of very many rows those drawn."""
    seen = drawn(np.arange(len(y)), seed, MOST_IN_SEASON)
    said, cutoff, y = log_odds(x[seen]), cutoff[seen], y[seen]
    rows = [(int(one), cutoff == one) for one in np.unique(cutoff)]
    return [seasons.Past(one, said[mine], y[mine]) for one, mine in rows]


def require_directions(features: FeatureSet, settings: TrainingSettings) -> None:
    """Nothing, if risk can rise or fall with each of the features of which that is asked.

    Raises:
        ConfigError: one is not there, or is a category, whose words have no order.
    """
    for key, names in (("rising", settings.rising), ("falling", settings.falling)):
        for name in names:
            if name not in features.names:
                raise ConfigError(
                    f"[training] {key}: there is no feature '{name}' here. {did_you_mean(name, features.names)}"
                )
            if name in features.categories:
                raise ConfigError(
                    f"[training] {key}: {name} is a category, whose words have no order. Leave it out."
                )


def contested(
    odds: Mapping[str, Sequence[Mapping[int, FloatArray]]],
    folds: Sequence[tuple[int, IntArray, LabelArray]],
    learners: Sequence[str],
) -> tuple[tuple[Contest, ...], tuple[Validated, ...]]:
    """Every learner's validation, the chosen one's first, and what each predicted at its best size.

    Args:
        odds: of each learner, for each fold, its log-odds at each size.
        folds: cutoff, customers and what became of them.
        learners: the configured ones, the preferred first.
    """
    found = [_contest(name, by_fold, [y for _, _, y in folds]) for name, by_fold in odds.items()]
    validated = tuple(
        Validated(*fold, {one.learner: odds[one.learner][at][one.size] for one in found})
        for at, fold in enumerate(folds)
    )
    return chosen_first(found, validated, learners), validated


def _contest(name: str, folds: Sequence[Mapping[int, FloatArray]], truths: list[LabelArray]) -> Contest:
    """The learner's best size by mean AUROC over the folds; the smaller of equals."""
    by_size = {
        size: tuple(auroc(truth, fold[size]) for fold, truth in zip(folds, truths, strict=True))
        for size in folds[0]
    }
    best = max(sorted(by_size), key=lambda size: float(np.mean(by_size[size])))
    return Contest(name, best, by_size[best])


def drawn(rows: IntArray, seed: int, most: int) -> IntArray:
    """The rows in their order: all, or of very many as many as are enough.

    Args:
        rows: in the panel's order, which does not depend on that of the tables.
        seed: of the draw.
        most: how many are enough.
    """
    if len(rows) <= most:
        return rows
    chosen = np.random.default_rng(seed).choice(len(rows), most, replace=False, shuffle=False)
    return np.asarray(rows[np.sort(chosen)])


def both_classes(y: LabelArray | IntArray) -> bool:
    """Whether there are enough of either class to learn or measure anything."""
    churners = int(y.sum())
    return min(churners, len(y) - churners) >= FEWEST_OF_A_CLASS


def _require_both_classes(y: LabelArray) -> None:
    """Refuse snapshots that teach nothing.

    Raises:
        TrainingError: there are none, or too few of one class.
    """
    if both_classes(y):
        return
    rows, churners = len(y), int(y.sum())
    hint = "Load more customers, or change active_days and horizon_days under [churn]."
    if not rows:
        raise TrainingError(f"Nobody was active before any of the cutoffs: there is nothing to learn. {hint}")
    if churners == 0:
        raise TrainingError(
            f"None of the {rows:,} snapshots ends in churn: there is nothing to learn. {hint}"
        )
    if churners == rows:
        raise TrainingError(f"All {rows:,} snapshots end in churn: there is nothing to learn. {hint}")
    raise TrainingError(
        f"Of the {rows:,} snapshots {churners:,} end in churn and {rows - churners:,} do not; {FEWEST_OF_A_CLASS} of "
        f"each are the least. {hint}"
    )
