"""`retain backtest`: the whole procedure again at past cutoffs, each knowing only what was known then."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from retain import __version__, atomic
from retain.errors import TrainingError, WindowError
from retain.labels import observed, require_closed, require_cutoff
from retain.modelling.seasons import Year, shift_at
from retain.modelling.training import make_plan, train
from retain.pipeline.assess import assess
from retain.pipeline.train import lesson_of
from retain.timeline import DAY, instant_text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from retain.pipeline.project import Project


@dataclass(frozen=True)
class Round:
    """One past cutoff: a model trained as it would have been then, and what came of its predictions.

    Attributes:
        cutoff: the instant of prediction, as text.
        learner: the champion chosen then.
        calibration: the method chosen then.
        season_shift: what a forecast of the season added to everyone's log-odds.
        trained_on: how many cutoffs trained it.
        measures: the report card, as JSON values.
        baselines: the same for each baseline.
        kept: it was found in the workspace instead of being computed.
    """

    cutoff: str
    learner: str
    calibration: str
    season_shift: float
    trained_on: int
    measures: Mapping[str, Any]
    baselines: Mapping[str, Mapping[str, Any]]
    kept: bool

    @property
    def ahead(self) -> float:
        """AUROC above the best baseline's; NaN where one of them has none."""
        own = self.measures["auroc"]["value"]
        others = [
            one["auroc"]["value"] for one in self.baselines.values() if one["auroc"]["value"] is not None
        ]
        return own - max(others) if own is not None and others else float("nan")


@dataclass(frozen=True)
class Backtest:
    """What `retain backtest` found.

    Attributes:
        rounds: oldest first.
        folder: where they are kept.
    """

    rounds: tuple[Round, ...]
    folder: Path

    def as_dict(self) -> dict[str, Any]:
        """The backtest as JSON values."""
        return {
            "rounds": [
                {**asdict(one), "measures": dict(one.measures), "baselines": dict(one.baselines)}
                for one in self.rounds
            ],
            "mean": {name: self.mean(name) for name in ("auroc", "lift_at_10", "ece", "observed_expected")},
            "mean_ahead_of_best_baseline": self.mean_ahead,
            "folder": str(self.folder),
        }

    @property
    def mean_ahead(self) -> float | None:
        """AUROC above the best baseline's, mean over the rounds that have one."""
        known = [one.ahead for one in self.rounds if np.isfinite(one.ahead)]
        return float(np.mean(known)) if known else None

    def mean(self, metric: str) -> float | None:
        """A metric's mean over the rounds that have it."""
        values = [one.measures[metric] for one in self.rounds]
        known = [one["value"] if isinstance(one, dict) else one for one in values]
        known = [one for one in known if one is not None]
        return float(np.mean(known)) if known else None


def run_backtest(
    project: Project, cutoffs: Sequence[int] | None = None, most: int = 12, step_days: int = 0
) -> Backtest:
    """Training, choice, calibration and measurement repeated at past cutoffs.

    A round that the workspace already holds for the same data, settings and version is taken from there, so that a
    stopped backtest goes on where it was.

    Args:
        project: the data and settings.
        cutoffs: when to predict; None steps back from the last cutoff with a known outcome.
        most: at most so many.
        step_days: days between two; 0 is a third of the horizon.

    Raises:
        WindowError: a cutoff does not fit the data, or none can be tested.
    """
    config, store = project.config, project.store
    if config.churn.given:
        raise WindowError(
            "Given labels have no past cutoffs at which the procedure could be repeated. `retain evaluate` measures the "
            "model on customers left out of training instead."
        )
    chosen = tuple(cutoffs) if cutoffs is not None else past_cutoffs(project, most, step_days)
    for cutoff in chosen:
        require_cutoff(store, cutoff, config.churn)
        require_closed(config.churn, cutoff, observed(store, config.churn)[1])
    folder = project.folder / "backtest"
    places = {
        cutoff: folder / f"{instant_text(cutoff).replace(':', '')}-{_key(project, cutoff)}.json"
        for cutoff in chosen
    }
    waiting = sum(not place.exists() for place in places.values())
    project.progress(f"{len(chosen)} cutoffs, {waiting} to compute: each trains a model of its own")
    rounds = []
    for number, cutoff in enumerate(chosen, start=1):
        project.progress(f"round {number} of {len(chosen)}: {instant_text(cutoff)}")
        rounds.append(_kept(places[cutoff]) or _compute(project, cutoff, places[cutoff]))
    return Backtest(tuple(rounds), folder)


def past_cutoffs(project: Project, most: int, step_days: int) -> tuple[int, ...]:
    """The cutoffs that can be tested, oldest first: outcome known, and enough history to train before.

    Raises:
        WindowError: there is none.
    """
    config, store = project.config, project.store
    newest = config.churn.window.latest_cutoff(observed(store, config.churn)[1]) // DAY * DAY
    step = step_days or max(1, config.churn.horizon_days // 3)
    found: list[int] = []
    obstacle = ""
    while len(found) < most:
        cutoff = newest - len(found) * step * DAY
        try:
            require_cutoff(store, cutoff, config.churn)
            make_plan(store, cutoff, config.churn, config.training)
        except (WindowError, TrainingError) as cause:
            obstacle = str(cause)
            break
        found.append(cutoff)
    if not found:
        raise WindowError(f"No cutoff can be tested: {obstacle}")
    return tuple(reversed(found))


def _compute(project: Project, cutoff: int, place: Path) -> Round:
    """One round, written to the workspace when it is whole."""
    config = project.config
    trained = train(lesson_of(project, cutoff))
    orders = (Year.of(one, config.churn, cutoff).around(cutoff, 1) for one in [project.store])
    shift = shift_at(trained.season, orders, config.churn, cutoff)
    calibrated = replace(trained.calibration, shift=shift)
    found = assess(
        project,
        cutoff,
        trained.features,
        lambda x: calibrated(trained.fitted.log_odds(x)),
        trained.plan.cutoffs,
        trained.plan.until,
    )
    done = Round(
        cutoff=instant_text(cutoff),
        learner=trained.learner,
        calibration=trained.calibration.method,
        season_shift=shift,
        trained_on=len(trained.plan.cutoffs),
        measures=found.measures.as_dict(),
        baselines={name: one.as_dict() for name, one in found.baselines.items()},
        kept=False,
    )
    with atomic.file(place) as part:
        part.write_text(json.dumps(asdict(done), indent=1), encoding="utf-8", newline="")
    return done


def _kept(place: Path) -> Round | None:
    """The round that an earlier run left there."""
    try:
        return Round(**{**json.loads(place.read_text(encoding="utf-8")), "kept": True})
    # Whatever is not a whole round is computed again.
    except (OSError, ValueError, TypeError):
        return None


def _key(project: Project, cutoff: int) -> str:
    """A name that changes with anything that could change the round."""
    config = project.config
    parts = (
        __version__,
        str(cutoff),
        repr(
            (
                config.churn,
                config.training,
                config.evaluation,
                config.value,
                config.source.zone,
                config.source.money_exponent,
            )
        ),
        project.features.fingerprint,
        *(one.fingerprint for one in project.store.accounts.values()),
    )
    return hashlib.sha256("|".join(parts).encode()).hexdigest()[:12]
