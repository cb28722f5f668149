"""Features that the configuration makes of columns of customers: they have no time, and so they may leak."""

from __future__ import annotations

import re
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from retain.errors import ConfigError
from retain.events.attributes import TABLE
from retain.events.schemas import SCHEMAS, Kind
from retain.features.spec import Attribute, Feature, Holds

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from retain.events.store import Column, EventTable

PREFIX = "static_"
"""What the names of these features begin with, so that a reader of a model sees that they have no time."""
MOST_LEVELS = 50
"""So many words of a category are told apart, the most frequent; more say little that a model can learn."""
FEWEST = 5
"""A word that fewer customers have is not told apart: it may be somebody's name."""
NO_YES = ("no", "yes")
"""The words of a flag."""
WHY = "An attribute that the configuration admits. Nothing says since when it has been so: it may know the outcome."


def attribute_features(
    table: EventTable, admitted: Iterable[str], often: Callable[[str, int], Mapping[str, int]] | None = None
) -> tuple[Feature, ...]:
    """A feature for each admitted column of the table of customers, in the order they are named.

    Args:
        table: of customers.
        admitted: names of its columns.
        often: from a column and a number to the words that so many customers have at least, and how many; asked where the table's
            rows are elsewhere. None counts the rows.

    Raises:
        ConfigError: two columns would give features of the same name.
    """
    found: dict[str, Feature] = {}
    for column in admitted:
        counted = None if often is None else partial(often, column, FEWEST)
        one = _feature(column, table.columns[column], counted)
        if one.name in found:
            raise ConfigError(
                f"[source.tables.{TABLE}.static]: {column} and another column would both be {one.name}. Rename one in "
                f"[source.tables.{TABLE}] columns."
            )
        found[one.name] = one
    return tuple(found.values())


def attribute(name: str, formula: Attribute) -> Feature:
    """The feature of that name that reads an attribute."""
    shown = _shown(formula)
    said = {
        Holds.NUMBER: f"{shown} is {{{name}:,.10g}}",
        Holds.CATEGORY: f"{shown} is {{{name}}}",
        Holds.DATE: f"{shown} was {{{name}:days}} ago",
    }
    return Feature(name, formula, shown, WHY, said[formula.holds])


def plain_phrase(feature: Feature) -> str:
    """How to say an attribute's value in any language: its column, and the value."""
    formula = feature.formula
    if not isinstance(formula, Attribute):
        raise TypeError(f"{feature.name} reads events")
    spec = {Holds.NUMBER: ":,.10g", Holds.CATEGORY: "", Holds.DATE: ":days"}[formula.holds]
    return f"{_shown(formula)}: {{{feature.name}{spec}}}"


def _shown(formula: Attribute) -> str:
    """The column's name without what a phrase would take for a value's place."""
    return formula.column.replace("{", "(").replace("}", ")")


def _feature(column: str, values: Column, counted: Callable[[], Mapping[str, int]] | None) -> Feature:
    return attribute(PREFIX + re.sub(r"\W+", "_", column).strip("_"), _formula(column, values, counted))


def _formula(column: str, values: Column, counted: Callable[[], Mapping[str, int]] | None) -> Attribute:
    declared = SCHEMAS[TABLE].by_name.get(column)
    if values.values.dtype == np.int64 or (declared is not None and declared.kind is Kind.DATE):
        return Attribute(column, Holds.DATE)
    if values.levels is not None:
        return Attribute(column, Holds.CATEGORY, _levels(_counted(values) if counted is None else counted()))
    if values.values.dtype == np.int8:
        return Attribute(column, Holds.CATEGORY, NO_YES)
    return Attribute(column, Holds.NUMBER)


def _counted(column: Column) -> dict[str, int]:
    """How many rows have each word."""
    words = [] if column.levels is None else column.levels.tolist()
    codes = column.values.astype(np.int64)
    return dict(zip(words, np.bincount(codes[codes >= 0], minlength=len(words)).tolist(), strict=True))


def _levels(counted: Mapping[str, int]) -> tuple[str, ...]:
    """The words that enough customers have, the most frequent of them, in code-point order."""
    often = sorted((-many, word) for word, many in counted.items() if many >= FEWEST)
    return tuple(sorted(word for _, word in often[:MOST_LEVELS]))
