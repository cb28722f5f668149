"""`retain tune`: other hyperparameters on the same validation as training, each trial kept as soon as it is complete."""

from __future__ import annotations

import hashlib
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from retain import __version__, atomic
from retain.errors import StoreError
from retain.labels import UNDATED
from retain.modelling.study import Trial, opened, versions
from retain.modelling.tuning import (
    Verdict,
    ahead,
    gain_left_out,
    ground_of_labelled,
    ground_through_time,
    judge,
    space_of,
)
from retain.modelling.waiting import Tuned, TunedTrial
from retain.pipeline.given import default_until
from retain.pipeline.train import lesson_of
from retain.reports.tuning import Picture, Slice, draw
from retain.timeline import instant_text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from retain.evaluation.intervals import Interval
    from retain.modelling.study import Study
    from retain.modelling.tuning import Ground, Knob, Tried
    from retain.pipeline.project import Project


@dataclass(frozen=True)
class Tuning:
    """What `retain tune` found.

    Attributes:
        version: named by all that the trials depend on: data, features, churn, settings, date and ranges.
        until: outcomes known by then were used, as text; empty where nothing has a time.
        parts: what validates: dates of cutoffs, or parts of the customers.
        trials: all that are complete, the present settings first.
        wanted: how many were asked for.
        difference: how far the best is above the present settings in mean AUROC, as ``modelling.tuning.ahead`` says.
        left_out: what choosing brings on validation that did not choose, as ``modelling.tuning.gain_left_out`` says.
        picture: where it is.
        file: where the trials are kept.
        stopped: whether Ctrl-C ended it.
        run_id: of the MLflow run; empty where the store was not reached.
        unlogged: why the store was not told, and where the trials wait; empty where it was.
    """

    version: str
    until: str
    parts: tuple[str, ...]
    trials: tuple[Trial, ...]
    wanted: int
    difference: Interval
    left_out: float | None
    picture: Path
    file: Path
    stopped: bool
    run_id: str
    unlogged: str

    @property
    def present(self) -> Trial:
        """The present settings."""
        return self.trials[0]

    @property
    def best(self) -> Trial:
        """The trial with the highest mean AUROC; the first of equals."""
        return best_of(self.trials)

    @property
    def verdict(self) -> Verdict:
        """What the best trial is beside the present settings."""
        return judge(self.difference, self.left_out)

    @property
    def recommended(self) -> bool:
        """Whether the configuration should be changed."""
        return self.verdict is Verdict.BETTER

    def as_dict(self) -> dict[str, Any]:
        """The tuning as JSON values."""
        return {
            "tuning": self.version,
            "until": self.until or None,
            "validation": list(self.parts),
            "trials": [_as_dict(one) for one in self.trials],
            "wanted": self.wanted,
            "stopped": self.stopped,
            "present": _as_dict(self.present),
            "best": _as_dict(self.best),
            "difference": {
                "auroc": self.difference.value,
                "low": self.difference.low,
                "high": self.difference.high,
                "left_out": self.left_out,
            },
            "verdict": self.verdict.value,
            "recommended": self.recommended,
            "toml": "\n".join(self.best.hyperparameters.toml()),
            "picture": str(self.picture),
            "file": str(self.file),
            "mlflow_run_id": self.run_id or None,
        }


def run_tuning(
    project: Project,
    until: int | None = None,
    trials: int = 30,
    minutes: int | None = None,
    *,
    restart: bool = False,
) -> Tuning:
    """The best hyperparameters of several trials, beside the present ones. Nothing in the configuration is changed.

    Trials that the workspace already holds for the same data and settings count, so that a stopped tuning goes on where
    it was, with the trials that it would have had.

    Args:
        project: the data and settings.
        until: what was known by then is used; None is the end of the data.
        trials: how many in all, the present settings among them.
        minutes: after so many no further trial begins; None is no limit.
        restart: whether trials of an earlier run are forgotten.

    Raises:
        UserError: Optuna is not installed.
        ConfigError: no learner has hyperparameters.
        WindowError: no label window has closed by then.
        TrainingError: the panel cannot train a model.
        LeakError: a feature seems to know the outcome.
        KeyboardInterrupt: before the present settings were measured, so that nothing is known.
    """
    config = project.config
    needed = versions()
    space = space_of(config.training)
    until = default_until(project) if until is None else until
    version = _key(project, until, space, needed)
    folder = project.folder / "tune"
    file = folder / f"{version}.db"
    with opened(file, space, config.training.seed, anew=restart) as study:
        lay = ground_of_labelled if config.churn.given else ground_through_time
        ground = lay(lesson_of(project, until))
        known, stopped = _try(project, study, ground, trials, minutes)
        done = study.trials
    # Those of an earlier run are measured again: only their figures were kept.
    best, first = (
        known.get(one.number) or ground.tried(one.hyperparameters) for one in (best_of(done), done[0])
    )
    difference = ahead(best, first, len(done))
    values = [one.hyperparameters.by_key for one in done]
    slices = [Slice(one.key, one.log, [each[one.key] for each in values]) for one in space]
    picture = draw(Picture([one.mean_auroc for one in done], slices, difference.value - difference.low))
    with atomic.file(folder / f"{version}.svg") as part:
        part.write_text(picture, encoding="utf-8", newline="")
    found = Tuning(
        version=version,
        until="" if until == UNDATED else instant_text(until),
        parts=tuple(one.name for one in ground.parts),
        trials=done,
        wanted=trials,
        difference=difference,
        left_out=gain_left_out([one.auroc for one in done]),
        picture=folder / f"{version}.svg",
        file=file,
        stopped=stopped,
        run_id="",
        unlogged="",
    )
    return _logged(project, found, picture)


def best_of(trials: Sequence[Trial]) -> Trial:
    """The trial with the highest mean AUROC; the first of equals."""
    return max(trials, key=lambda one: one.mean_auroc)


def _try(
    project: Project, study: Study, ground: Ground, trials: int, minutes: int | None
) -> tuple[Mapping[int, Tried], bool]:
    """The first trial and the best one, by number, as far as they were measured here, and whether Ctrl-C ended it."""
    present = project.config.training.hyperparameters
    began = time.monotonic()
    known: dict[int, Tried] = {}
    done = study.trials
    if done:
        project.progress(f"{len(done)} trials are there from an earlier run")
    try:
        while len(done) < trials and (minutes is None or not done or time.monotonic() - began < 60 * minutes):
            project.progress(
                f"trial {len(done)} of {trials - 1}" + _so_far(done)
                if done
                else "measuring the present settings: trial 0"
            )
            begun = time.monotonic()
            proposal = study.proposal(present)
            tried = ground.tried(proposal.hyperparameters)
            last = study.keep(proposal, tried, round(time.monotonic() - begun, 3))
            done = (*done, last)
            known[last.number] = tried
            known = {at: one for at, one in known.items() if at in (0, best_of(done).number)}
            if last.number == 0 and trials > 1:
                project.progress(_cost(last, trials, minutes))
    except KeyboardInterrupt:
        if not done:
            raise
        project.progress("stopped; what follows is of the trials that are complete")
        return known, True
    return known, False


def _cost(first: Trial, trials: int, minutes: int | None) -> str:
    """What the other trials will take, by the first one."""
    takes = first.seconds * (trials - 1) / 60
    limit = "" if minutes is None or takes <= minutes else f", of which {minutes} minutes are allowed"
    return (
        f"it took {first.seconds:.1f} s, so {trials - 1} others take about {takes:.1f} minutes{limit}; Ctrl-C ends them well, and "
        f"the same command goes on"
    )


def _so_far(done: Sequence[Trial]) -> str:
    best = best_of(done)
    return f"; best so far {best.mean_auroc:.4f} (trial {best.number})"


def _key(project: Project, until: int, space: Sequence[Knob], needed: Mapping[str, str]) -> str:
    """A name that changes with anything that could change a trial."""
    config = project.config
    parts = (
        __version__,
        repr(sorted(needed.items())),
        str(until),
        # However many threads there are, the result is the same.
        repr(
            (
                config.churn,
                replace(config.training, threads=1),
                config.source.zone,
                config.source.money_exponent,
            )
        ),
        repr(space),
        project.features.fingerprint,
        repr(sorted(project.learned_from(project.features).items())),
    )
    return hashlib.sha256("|".join(parts).encode()).hexdigest()[:12]


def _logged(project: Project, found: Tuning, picture: str) -> Tuning:
    """The same, in the model store; where that does not answer, what it is to be told waits."""
    config = project.config
    said = Tuned(
        version=found.version,
        until=found.until,
        params={
            "until": found.until,
            "seed": str(config.training.seed),
            "learners": ", ".join(config.training.learners),
            "validation": ", ".join(found.parts),
        },
        metrics={
            "trials": len(found.trials),
            "present_auroc": found.present.mean_auroc,
            "best_auroc": found.best.mean_auroc,
            "difference": found.difference.value,
            "difference_low": found.difference.low,
            "difference_high": found.difference.high,
            **({} if found.left_out is None else {"gain_left_out": found.left_out}),
        },
        tags={
            "verdict": found.verdict.value,
            "best_trial": str(found.best.number),
            **{f"best.{key}": str(value) for key, value in found.best.hyperparameters.by_key.items()},
        },
        trials=tuple(
            TunedTrial(
                number=one.number,
                params={
                    **{key: str(value) for key, value in one.hyperparameters.by_key.items()},
                    "learner": one.learner,
                    "size": str(one.size),
                },
                metrics={
                    "mean_auroc": one.mean_auroc,
                    **{f"auroc.{name}": each for name, each in zip(found.parts, one.auroc, strict=True)},
                    "seconds": one.seconds,
                },
            )
            for one in found.trials
        ),
        picture=picture,
    )
    project.progress("logging the trials")
    try:
        return replace(found, run_id=project.tracking.log_tuning(said))
    except StoreError as cause:
        kept = project.waiting.keep(said)
        why = (
            f"{cause} The trials wait in {kept.folder} until `retain models log` or the next `retain train`."
        )
        return replace(found, unlogged=why)


def _as_dict(trial: Trial) -> dict[str, Any]:
    return {
        "number": trial.number,
        "settings": trial.hyperparameters.by_key,
        "learner": trial.learner,
        "size": trial.size,
        "mean_auroc": trial.mean_auroc,
        "auroc": list(trial.auroc),
        "seconds": trial.seconds,
    }
