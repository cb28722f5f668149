"""The only door to Optuna: which hyperparameters to try next, and every trial so far, kept in one SQLite file."""

from __future__ import annotations

import contextlib
import os
import sqlite3
from dataclasses import asdict, dataclass
from functools import partial
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import numpy as np

from retain.errors import OutputError, UserError
from retain.locks import taken
from retain.modelling.hyperparameters import Hyperparameters

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from retain.modelling.tuning import Knob, Tried

NAME = "retain"
"""Of the one study in a file, for those who open it with tools of Optuna's."""
AT_RANDOM = 10
"""Trials drawn at random before earlier ones say where to look, the present settings among them; Optuna's own figure."""

LIBRARIES = ("lightgbm", "numpy", "optuna", "scikit-learn", "scipy")


@dataclass(frozen=True)
class Trial:
    """One setting that was tried to the end.

    Attributes:
        number: from 0, which is the present settings.
        hyperparameters: which were tried.
        learner: that training would have chosen with them.
        size: its size.
        auroc: of each part that validates.
        seconds: that it took.
    """

    number: int
    hyperparameters: Hyperparameters
    learner: str
    size: int
    auroc: tuple[float, ...]
    seconds: float

    @property
    def mean_auroc(self) -> float:
        """The figure that decides."""
        return float(np.mean(self.auroc))


@dataclass(frozen=True)
class Proposal:
    """What to try next.

    Attributes:
        hyperparameters: which.
        drawn: the values by key before they were rounded.
    """

    hyperparameters: Hyperparameters
    drawn: Mapping[str, float]


class Study:
    """The trials of one file, and what to try after them.

    What is proposed depends on the seed and on the trials that are complete, and on nothing else, so a study that was
    interrupted goes on with the very trials that it would have had. One process works on a file at a time.
    """

    def __init__(self, optuna: Any, kept: Any, space: Sequence[Knob], seed: int) -> None:
        """A study that ``opened`` has opened.

        Args:
            optuna: the package.
            kept: its study in the file.
            space: what is tried.
            seed: of the proposals.
        """
        self._optuna, self._kept, self._space, self._seed = optuna, kept, tuple(space), seed
        kinds = optuna.distributions
        self._ranges = {
            one.key: kinds.IntDistribution(int(one.low), int(one.high), log=one.log)
            if one.whole
            else kinds.FloatDistribution(one.low, one.high, log=one.log)
            for one in self._space
        }
        # Proposals are made in memory: a trial that is never completed leaves nothing in the file.
        self._mind = optuna.create_study(direction="maximize")
        found = kept.get_trials()
        self._mind.add_trials(found)
        self._trials = [
            Trial(
                number,
                Hyperparameters.of(one.user_attrs["hyperparameters"]),
                one.user_attrs["learner"],
                one.user_attrs["size"],
                tuple(one.user_attrs["auroc"]),
                one.user_attrs["seconds"],
            )
            for number, one in enumerate(found)
        ]

    @property
    def trials(self) -> tuple[Trial, ...]:
        """Those that are complete, in the order in which they were tried."""
        return tuple(self._trials)

    def proposal(self, present: Hyperparameters) -> Proposal:
        """What to try next: first the present settings, then what Optuna makes of the trials so far.

        Args:
            present: what the configuration says; what is not searched stays as it is there.
        """
        if not self._trials:
            return Proposal(present, {one.key: present.by_key[one.key] for one in self._space})
        seed = int(np.random.SeedSequence([self._seed, len(self._trials)]).generate_state(1)[0])
        self._mind.sampler = self._optuna.samplers.TPESampler(n_startup_trials=AT_RANDOM, seed=seed)
        drawn = self._mind.ask(self._ranges)
        # It is added again with what came of it; left open, it would count as work in progress.
        self._mind.tell(drawn, state=self._optuna.trial.TrialState.FAIL)
        values = {one.key: one.rounded(drawn.params[one.key]) for one in self._space}
        return Proposal(present.with_values(values), drawn.params)

    def keep(self, proposal: Proposal, tried: Tried, seconds: float) -> Trial:
        """The trial, complete and in the file.

        Args:
            proposal: what was tried.
            tried: what came of it.
            seconds: that it took.
        """
        best = tried.best
        one = self._optuna.trial.create_trial(
            params=dict(proposal.drawn),
            distributions=self._ranges,
            value=best.mean_auroc,
            user_attrs={
                "hyperparameters": asdict(proposal.hyperparameters),
                "learner": best.learner,
                "size": best.size,
                "auroc": list(best.auroc),
                "seconds": seconds,
            },
        )
        self._kept.add_trial(one)
        self._mind.add_trial(one)
        trial = Trial(
            len(self._trials), proposal.hyperparameters, best.learner, best.size, best.auroc, seconds
        )
        self._trials.append(trial)
        return trial


def versions() -> dict[str, str]:
    """The versions of what proposes and what learns: with others the same trials would come out otherwise.

    Raises:
        UserError: Optuna is not installed.
    """
    _optuna()
    return {name: version(name) for name in LIBRARIES}


def _optuna() -> Any:
    """The package.

    Raises:
        UserError: it is not installed.
    """
    try:
        import optuna  # noqa: PLC0415  # an extra, and it takes a while to load
    except ImportError as cause:
        raise UserError("`retain tune` needs Optuna: pip install 'retain[tune]'.") from cause
    return optuna


@contextlib.contextmanager
def opened(file: Path, space: Sequence[Knob], seed: int, *, anew: bool = False) -> Iterator[Study]:
    """The study of that file, which is made where it is not there.

    Args:
        file: where trials are kept.
        space: what is tried.
        seed: of the proposals.
        anew: whether trials that are there are forgotten.

    Raises:
        UserError: Optuna is not installed.
        OutputError: the file cannot be written, is damaged, or another run works on it.
    """
    optuna = _optuna()
    from sqlalchemy.exc import SQLAlchemyError  # noqa: PLC0415  # it comes with Optuna

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        lock = taken(file.with_suffix(".lock"))
        if anew and lock is not None:
            for one in (file, file.with_name(f"{file.name}-journal")):
                one.unlink(missing_ok=True)
    except OSError as cause:
        raise OutputError(
            f"{file.parent} cannot be written: {cause.strerror}. Choose another --workspace."
        ) from cause
    if lock is None:
        raise OutputError(
            f"Another run adds trials to {file}. Wait for it to end, then give the command again."
        )
    storage = None
    try:
        storage = optuna.storages.RDBStorage(
            # An address has no place for some letters that a folder's name may have, so the path is not in it.
            "sqlite:///trials.db",
            engine_kwargs={"creator": partial(sqlite3.connect, file, check_same_thread=False)},
        )
        study = optuna.create_study(
            storage=storage, study_name=NAME, direction="maximize", load_if_exists=True
        )
        yield Study(optuna, study, space, seed)
    except (SQLAlchemyError, optuna.exceptions.StorageInternalError) as cause:
        raise OutputError(
            f"The trials in {file} cannot be read or written: {type(cause).__name__}. Is the disk full? If "
            f"the file is damaged, --restart begins a new one."
        ) from cause
    finally:
        if storage is not None:
            storage.engine.dispose()
        os.close(lock)
