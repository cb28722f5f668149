"""What a user can do wrong, and the exit code that each mistake ends with."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from collections.abc import Iterable


class UserError(Exception):
    """A mistake that the user can mend: says what is wrong, where, and what to do.

    Attributes:
        exit_code: what the command line ends with; each subclass has its own.
        meaning: one line for the manual.
    """

    exit_code: ClassVar[int] = 1
    meaning: ClassVar[str] = "an error that has no code of its own"


class UsageError(UserError):
    """The call's own words are off: an unknown option, a date that is none."""

    exit_code = 2
    meaning = "the call's own words are off: an unknown option, name or date"


class ConfigError(UserError):
    """The configuration file is missing, unreadable, or holds an unknown key or value."""

    exit_code = 3
    meaning = "the configuration is missing, unreadable, or holds an unknown key or value"


class SourceError(UserError):
    """A source file, folder or column is missing or cannot be read."""

    exit_code = 4
    meaning = "a source file, folder or column is missing or cannot be read"


class ContractError(UserError):
    """The data were read, but break the data contract beyond the configured limit."""

    exit_code = 5
    meaning = "the data break the data contract: too many bad rows, or an empty table"


class WindowError(UserError):
    """A cutoff, lookback or label window does not fit the data."""

    exit_code = 6
    meaning = "a cutoff or label window does not fit the data: too early, too late, or not closed yet"


class TrainingError(UserError):
    """The panel cannot train a model: one class only, too few customers, nothing left after the purge."""

    exit_code = 7
    meaning = (
        "the panel cannot train a model: one class only, too few customers, nothing left after the purge"
    )


class ModelError(UserError):
    """No such model, or the bundle is damaged or does not fit the features at hand."""

    exit_code = 8
    meaning = "no such model, or its bundle is damaged or does not fit the features at hand"


class OutputError(UserError):
    """The result cannot be written where it was asked for."""

    exit_code = 9
    meaning = "the result cannot be written where it was asked for"


class GateError(UserError):
    """A model did not pass the gate: it is not promoted, or there is no champion to score with."""

    exit_code = 10
    meaning = "a model did not pass the gate: it is not promoted, or there is no champion to score with"


class LeakError(UserError):
    """A feature knows the outcome: a model of it would be worth nothing."""

    exit_code = 11
    meaning = "a feature knows the outcome already, so that training stops"


class StoreError(UserError):
    """The model store does not answer or refuses; what was to be logged waits in the workspace."""

    exit_code = 12
    meaning = "the model store does not answer, or refuses; what was to be logged waits in the workspace"


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """A sentence that offers the nearest known name, or all of them.

    Args:
        name: what the user wrote.
        known: the names that would have been right.

    Returns:
        A sentence such as ``Did you mean 'orders'?``, or the list of choices when nothing is near.

    >>> did_you_mean("horizn_days", ["horizon_days", "lead_days"])
    "Did you mean 'horizon_days'?"
    >>> did_you_mean("zebra", ["lightgbm", "logistic"])
    'Choose one of: lightgbm, logistic.'
    """
    choices = sorted(known)
    near = difflib.get_close_matches(name, choices, n=1)
    if near:
        return f"Did you mean '{near[0]}'?"
    return f"Choose one of: {', '.join(choices)}."
