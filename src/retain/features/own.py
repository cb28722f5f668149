"""Features that a company declares in its configuration: read into the same declarations as those of the catalogue."""

from __future__ import annotations

import re
from dataclasses import dataclass
from string import Formatter
from typing import TYPE_CHECKING

from retain.errors import ConfigError, did_you_mean
from retain.features.attributes import PREFIX
from retain.features.catalog import EVERY
from retain.features.columns import require_readable
from retain.features.manual import in_words
from retain.features.spec import WITHOUT_VALUE, Balance, Contrast, Feature, How, Measure, Ratio
from retain.timeline import LONGEST_DAYS, Lookback

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from retain.features.columns import Columns
    from retain.features.spec import Formula

TOPIC = "own"
WHY = "Declared in the configuration."
_TAKEN = ("customer_id", "cutoff", "eligible")
"""Columns that stand beside the features in a panel's file."""
_SPECS = ("days", "interval", "money")
"""How a phrase may show a number besides Python's formats."""


@dataclass(frozen=True)
class MeasureSettings:
    """One number a customer and cutoff, as a feature of one's own reads it.

    Attributes:
        view: which events, such as ``orders`` or ``tickets``; docs/features.md lists all.
        how: what becomes of them, such as ``count`` or ``mean``; docs/features.md lists all.
        value: the column that is read; counts of events and days since one need none.
        where: a yes-or-no column; only events with yes count.
        days: the events of so many days before the cutoff; 0 is all that is known.
        until_days: less those of so many days before the cutoff.
        quantile: which one, such as 0.9, where ``how`` is ``quantile``.
    """

    view: str
    how: str
    value: str = ""
    where: str = ""
    days: int = 0
    until_days: int = 0
    quantile: float = 0.0


@dataclass(frozen=True)
class OwnSettings(MeasureSettings):
    """A feature of one's own, and how it is explained: the ``[features.own.NAME]`` part of the configuration.

    At most one of the three second measures is given.

    Attributes:
        divided_by: a table with the keys above; the feature is the measure over this one, not known where this one is 0.
        compared_with: likewise; the feature is ``(a - b) / (a + b)`` of the measure and this one, from -1 to 1.
        less: likewise; the feature is the measure less this one.
        topic: the reason that it belongs to when a score is explained: one of the catalogue's or a word of your own.
        why: one sentence for colleagues: why it tells something about churn.
        phrase: how to say a customer's value; empty puts the formula into words. Names of features stand in braces.
    """

    divided_by: MeasureSettings | None = None
    compared_with: MeasureSettings | None = None
    less: MeasureSettings | None = None
    topic: str = TOPIC
    why: str = WHY
    phrase: str = ""


def own_features(settings: Mapping[str, OwnSettings], views: Mapping[str, Columns]) -> tuple[Feature, ...]:
    """The declarations of a company's own features, in the order of the configuration.

    Args:
        settings: by the features' names.
        views: every view there is.

    Raises:
        ConfigError: a name, view, column, aggregation or phrase means nothing; the message names the key.
    """
    names = {*EVERY.names, *settings}
    return tuple(_feature(name, one, views, names) for name, one in settings.items())


def _feature(name: str, own: OwnSettings, views: Mapping[str, Columns], names: Iterable[str]) -> Feature:
    place = f"[features.own.{name}]"
    if not re.fullmatch(r"[a-z][a-z0-9_]*", name):
        raise ConfigError(
            f"{place}: a feature's name holds small letters, digits and '_' and begins with a letter."
        )
    if name.startswith(PREFIX):
        raise ConfigError(f"{place}: names that begin with '{PREFIX}' are for attributes of customers.")
    if name in EVERY.names or name in _TAKEN:
        raise ConfigError(
            f"{place}: there is a {'column' if name in _TAKEN else 'feature'} of that name already."
        )
    if not re.fullmatch(r"[a-z][a-z_]*", own.topic):
        raise ConfigError(f"{place} topic is '{own.topic}'; it has to be one word in small letters.")
    formula = _formula(name, own, views)
    feature = Feature(name, formula, own.topic, own.why, own.phrase or default_phrase(name, formula))
    _require_sayable(feature, names, place)
    return feature


def _formula(name: str, own: OwnSettings, views: Mapping[str, Columns]) -> Formula:
    place = f"[features.own.{name}]"
    first = _measure(own, views, place)
    keys = [key for key in ("divided_by", "compared_with", "less") if getattr(own, key) is not None]
    if not keys:
        return first
    if len(keys) > 1:
        raise ConfigError(f"{place} has {' and '.join(keys)}. Keep one of them.")
    second = _measure(getattr(own, keys[0]), views, f"[features.own.{name}.{keys[0]}]")
    if own.divided_by is not None:
        return Ratio(first, second)
    return Contrast(first, second) if own.compared_with is not None else Balance((first,), (second,))


def _measure(one: MeasureSettings, views: Mapping[str, Columns], place: str) -> Measure:
    """The measure that the settings describe, its columns checked."""
    ways = [str(way) for way in How]
    if one.how not in ways:
        raise ConfigError(f"{place} how: there is no '{one.how}'. {did_you_mean(one.how, ways)}")
    how = How(one.how)
    if not one.value and how is not How.COUNT and how not in WITHOUT_VALUE:
        raise ConfigError(f"{place} lacks 'value': {how} needs a column to read.")
    if one.value and how in WITHOUT_VALUE:
        raise ConfigError(f"{place} value: {how} reads only when events happened. Leave value out.")
    if how is How.QUANTILE and not 0 < one.quantile < 1:
        raise ConfigError(
            f"{place} quantile is {one.quantile:g}; it has to lie between 0 and 1, such as 0.9."
        )
    if how is not How.QUANTILE and one.quantile:
        raise ConfigError(f"{place} quantile: {how} has none. Leave it out, or set how to quantile.")
    if not 0 <= one.days <= LONGEST_DAYS or not 0 <= one.until_days < (one.days or LONGEST_DAYS):
        raise ConfigError(
            f"{place} days = {one.days} and until_days = {one.until_days} hold nothing: days has to be from 1 to "
            f"{LONGEST_DAYS}, or 0 for all that is known, and until_days less than days."
        )
    measure = Measure(
        one.view,
        how,
        one.value or None,
        Lookback(one.days or None, one.until_days),
        one.where or None,
        one.quantile or None,
    )
    require_readable(measure, views, place)
    return measure


def default_phrase(name: str, formula: Formula) -> str:
    """The formula in words with the customer's own value.

    >>> default_phrase("calls", Measure("tickets", How.COUNT, within=Lookback(30)))
    'number of tickets, last 30 days: {calls:,.0f}'
    """
    whole = isinstance(formula, Measure) and formula.how in (How.COUNT, How.DISTINCT, *WITHOUT_VALUE)
    shown = "+.0%" if isinstance(formula, Contrast) else ",.0f" if whole else ",.2f"
    return f"{in_words(formula)}: {{{name}:{shown}}}"


def _require_sayable(feature: Feature, names: Iterable[str], place: str) -> None:
    """Refuse a phrase that could not be said of a customer."""
    try:
        pieces = [
            (name, spec or "") for _, name, spec, _ in Formatter().parse(feature.phrase) if name is not None
        ]
    except ValueError as cause:
        raise ConfigError(
            f"{place} phrase: {cause}. A brace that is meant as one is written twice."
        ) from cause
    if not pieces:
        raise ConfigError(
            f"{place} phrase names no feature. Put one into braces, such as {{{feature.name}:.1f}}."
        )
    for name, spec in pieces:
        if name not in names:
            raise ConfigError(f"{place} phrase: there is no feature '{name}'. {did_you_mean(name, names)}")
        try:
            format(1.0, "" if spec in _SPECS else spec)
        except ValueError as cause:
            raise ConfigError(
                f"{place} phrase: a number cannot be shown as '{spec}'. Write a format such as .1f or .0%, or one of: "
                f"{', '.join(_SPECS)}."
            ) from cause
