"""What a declaration may read: the columns of a view by kind, and a measure held against them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from retain.errors import ConfigError, did_you_mean
from retain.features.spec import CATEGORICAL, How

if TYPE_CHECKING:
    from collections.abc import Mapping

    from retain.features.spec import Measure


CHANNELS = ("email", "sms", "phone", "post", "app")
"""The channels of messages that are told apart, as playbooks name them; others are just others."""


@dataclass(frozen=True)
class Columns:
    """The columns that a view has when its tables have all of theirs.

    Attributes:
        numbers: those that are added up and put in order.
        flags: those that are yes or no.
        categories: those whose different values are counted.
    """

    numbers: frozenset[str] = frozenset()
    flags: frozenset[str] = frozenset()
    categories: frozenset[str] = frozenset()


def require_readable(one: Measure, views: Mapping[str, Columns], where: str) -> None:
    """Nothing, if there is such a view with columns that can be read so.

    Args:
        one: what is declared.
        views: every view by its name.
        where: the place to name in a message, such as ``[features.own.tickets_per_order]``.

    Raises:
        ConfigError: there is no such view or column, or it is of another kind.
    """
    if one.view not in views:
        raise ConfigError(f"{where} view: there is no '{one.view}'. {did_you_mean(one.view, views)}")
    columns = views[one.view]
    if one.value is not None:
        if one.how is How.COUNT:
            kind, fitting = "column to count", columns.numbers | columns.categories
        elif one.how in CATEGORICAL:
            kind, fitting = "category", columns.categories
        else:
            kind, fitting = "number", columns.numbers
        _require(one.value, fitting, f"{where} value: '{one.value}' is no {kind} of {one.view}.")
    if one.where is not None:
        _require(
            one.where, columns.flags, f"{where} where: '{one.where}' is no yes-or-no column of {one.view}."
        )


def _require(name: str, known: frozenset[str], message: str) -> None:
    if name not in known:
        raise ConfigError(f"{message} {did_you_mean(name, known) if known else 'It has none.'}")
