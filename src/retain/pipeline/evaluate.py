"""`retain evaluate`: how good a model is at a cutoff that it never saw, beside its baselines."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from retain.errors import ModelError, StoreError, UsageError
from retain.evaluation.card import METRICS
from retain.evaluation.delong import Comparison, compare, delong_interval
from retain.labels import observed, require_closed, require_cutoff
from retain.modelling.given import WARNING
from retain.modelling.tracking import CHAMPION
from retain.modelling.waiting import Measured
from retain.pipeline.assess import assess
from retain.pipeline.given import OUT_OF_FOLD, assess_given, default_until
from retain.pipeline.then import log_odds_then, recipe
from retain.pipeline.train import run_training
from retain.timeline import instant, instant_text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from retain.evaluation.card import Measures
    from retain.evaluation.intervals import Interval
    from retain.evaluation.segments import Predicted, Segment
    from retain.modelling.bundle import Bundle
    from retain.modelling.tracking import Registered
    from retain.pipeline.assess import Assessment
    from retain.pipeline.project import Project


@dataclass(frozen=True)
class AgainstChampion:
    """The model beside the present champion, on the same customers.

    Attributes:
        number: the champion's number in the store.
        version: of its bundle.
        followed_again: it knew outcomes after the cutoff, so its recipe was followed again on what was known then.
        same_recipe: following it again gives the very model that is evaluated, so that nothing is left to compare.
        auroc: the champion's, with its interval.
        comparison: the model's AUROC against the champion's.
    """

    number: int
    version: str
    followed_again: bool
    same_recipe: bool
    auroc: Interval
    comparison: Comparison

    def as_dict(self) -> dict[str, Any]:
        """The comparison as JSON values."""
        return {
            "model": self.number,
            "model_version": self.version,
            "followed_again": self.followed_again,
            "same_recipe": self.same_recipe,
            **self.comparison.as_dict(),
        }


@dataclass(frozen=True)
class Evaluation:
    """How good a model was at one cutoff.

    Attributes:
        cutoff: the instant of prediction.
        registered: the model's place in the store.
        bundle: the model.
        trained_now: it was trained for this evaluation, because there was none that had not seen the outcome.
        measures: all metrics with intervals.
        baselines: the same for each baseline.
        comparisons: the model's AUROC against each baseline's, on the same customers.
        champion: the same against the present champion; None where that is the model itself, there is none, or the
            model store does not answer any more.
        segments: the model's quality in every part of the customers that is large enough.
        unlogged: why the figures are not in the model store, and where they wait; empty if they are in it.
        folds: where labels are given, into how many parts the customers were divided; else 0, for there is a cutoff.
    """

    cutoff: int
    registered: Registered
    bundle: Bundle
    trained_now: bool
    measures: Measures
    baselines: Mapping[str, Measures]
    comparisons: Mapping[str, Comparison]
    champion: AgainstChampion | None
    segments: tuple[Segment, ...]
    unlogged: str
    folds: int = 0

    @property
    def warning(self) -> str:
        """What could not be checked; empty where a later cutoff was."""
        return WARNING if self.folds else ""

    def as_dict(self) -> dict[str, Any]:
        """The evaluation as JSON values."""
        return {
            "cutoff": None if self.folds else instant_text(self.cutoff),
            **({"folds": self.folds, "warning": self.warning} if self.folds else {}),
            "model_version": self.bundle.version,
            "learner": self.bundle.card["learner"],
            "calibration": self.bundle.calibration.method,
            "season_shift": self.bundle.calibration.shift,
            "trained_until": self.bundle.known_until,
            "trained_now": self.trained_now,
            "logged": not self.unlogged,
            **self.measures.as_dict(),
            "baselines": {name: one.as_dict() for name, one in self.baselines.items()},
            "comparisons": {name: one.as_dict() for name, one in self.comparisons.items()},
            "champion": None if self.champion is None else self.champion.as_dict(),
            "segments": [one.as_dict() for one in self.segments],
        }


def run_evaluation(project: Project, cutoff: int | None = None, model: str | None = None) -> Evaluation:
    """The model's quality at a cutoff, with the baselines beside it.

    Args:
        project: the data and settings.
        cutoff: predictions are made as of then, and compared with what happened afterwards. None where labels are
            given: each customer is predicted by models of the others.
        model: alias, number or version; None takes the newest that knew no outcome after the cutoff, and trains one
            where there is none.

    Raises:
        UsageError: there is no cutoff though one is needed, or one though labels are given.
        WindowError: the cutoff does not fit the data, or its label window is not closed yet.
        ModelError: no such model, or it knew outcomes after the cutoff.
        StoreError: the model store does not answer or refuses when asked for the model.
    """
    config, store = project.config, project.store
    if config.churn.given:
        return _of_given(project, cutoff, model)
    if cutoff is None:
        raise UsageError("Which date? Predictions are made as of --cutoff, and compared with what followed.")
    require_cutoff(store, cutoff, config.churn)
    require_closed(config.churn, cutoff, observed(store, config.churn)[1])
    registered, trained_now = _model(project, cutoff, model)
    opened = project.open(registered)
    if opened.trained_until > cutoff:
        raise ModelError(
            f"Model {opened.version} knew outcomes until {opened.card['training']['until']}, after the cutoff "
            f"{instant_text(cutoff)}: its figures would flatter it. Run `retain train --until {instant_text(cutoff)}`."
        )
    opened = opened.in_season(cutoff, lambda: [store])
    trained_on = [instant(one) for one in opened.card["training"]["cutoffs"]]
    found = assess(project, cutoff, opened.features, opened.probabilities, trained_on, opened.trained_until)
    return _logged(project, registered, opened, found, cutoff, trained_now=trained_now)


def _of_given(project: Project, cutoff: int | None, model: str | None) -> Evaluation:
    """The quality of a model's recipe on labelled customers whom it did not learn from."""
    if cutoff is not None:
        raise UsageError("Given labels have no cutoffs: leave --cutoff out.")
    current = [one for one in project.tracking.versions() if project.is_current(one)]
    trained_now = model is None and not current
    if trained_now:
        project.progress("no model yet that predicts these labels: training one")
        registered = run_training(project, candidate=False).registered
    elif model is None:
        registered = max(current, key=lambda one: (CHAMPION in one.aliases, one.number))
    else:
        registered = project.find(model)
    opened = project.open(registered)
    found, folds = assess_given(project, opened)
    until = default_until(project)
    return _logged(project, registered, opened, found, until, trained_now=trained_now, folds=folds)


def _logged(
    project: Project,
    registered: Registered,
    opened: Bundle,
    found: Assessment,
    cutoff: int,
    *,
    trained_now: bool,
    folds: int = 0,
) -> Evaluation:
    """The evaluation, beside the champion where there is a cutoff, and the model store told of it."""
    figures = {name: found.measures.interval(name).value for name in METRICS}
    beside = {f"auroc.{name}": one.auroc.value for name, one in found.baselines.items()}
    where = OUT_OF_FOLD if folds else instant_text(cutoff)
    measured = Measured(where, registered.version, {**figures, **beside})
    champion, unlogged = None, ""
    try:
        champion = None if folds else _against_champion(project, opened, found.seen)
        project.tracking.log_evaluation(measured)
    except StoreError as cause:
        unlogged = _wait(project, measured, cause)
    return Evaluation(
        cutoff=cutoff,
        registered=registered,
        bundle=opened,
        trained_now=trained_now,
        measures=found.measures,
        baselines=found.baselines,
        comparisons=found.comparisons,
        champion=champion,
        segments=found.segments,
        unlogged=unlogged,
        folds=folds,
    )


def _wait(project: Project, measured: Measured, cause: StoreError) -> str:
    """Why the figures are not in the model store, and where they wait."""
    kept = project.waiting.keep(measured)
    return f"{cause} The figures wait in {kept.folder} until `retain models log` or the next `retain train`."


def _against_champion(project: Project, opened: Bundle, seen: Predicted) -> AgainstChampion | None:
    """The model beside the champion, where there is another one that could score these data."""
    present = project.champion()
    if present is None or present.version == opened.version:
        return None
    try:
        champion = project.open(present)
    except ModelError:
        return None
    again = champion.trained_until > seen.cutoff
    same = again and recipe(champion) == recipe(opened)
    if not same:
        project.progress(f"comparing with the champion, model {present.number}")
    other = seen.p if same else log_odds_then(project, champion, opened, seen.cutoff)
    return AgainstChampion(
        number=present.number,
        version=present.version,
        followed_again=again,
        same_recipe=same,
        auroc=delong_interval(seen.y, other),
        comparison=compare(seen.y, seen.p, other),
    )


def _model(project: Project, cutoff: int, model: str | None) -> tuple[Registered, bool]:
    """The model to evaluate, and whether it was trained just now."""
    if model is not None:
        return project.find(model), False
    honest = [
        one
        for one in project.tracking.versions()
        if one.trained_until and instant(one.trained_until) <= cutoff
    ]
    fitting = [one for one in honest if project.is_current(one)]
    if fitting:
        return max(fitting, key=lambda one: (instant(one.trained_until), one.number)), False
    project.progress(f"no model yet that knows nothing after {instant_text(cutoff)}: training one")
    return run_training(project, cutoff, candidate=False).registered, True
