"""What a feature is: a declaration that two engines read, and nothing that computes."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, fields, is_dataclass, replace
from enum import StrEnum
from functools import cache
from math import floor, inf, isfinite, nan
from string import Formatter
from typing import TYPE_CHECKING

from retain.timeline import Lookback

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

DEFINITION = 2
"""Raised whenever an engine's meaning of a declaration changes, so that old fingerprints no longer fit."""


class How(StrEnum):
    """The ways to turn a window's events into one number."""

    COUNT = "count"
    """How many events; with a value, how many whose value is known."""
    SUM = "sum"
    """Sum of the known values; 0 without any."""
    MEAN = "mean"
    """Mean of the known values."""
    SD = "sd"
    """Sample standard deviation; needs two known values."""
    MIN = "min"
    """Smallest known value."""
    MAX = "max"
    """Largest known value."""
    MEDIAN = "median"
    """Median; the mean of the two middle values of an even number."""
    QUANTILE = "quantile"
    """The value below which that share of the known values lies, between two of them in proportion."""
    DISTINCT = "distinct"
    """How many different known categories."""
    ENTROPY = "entropy"
    """Shannon entropy of the known categories in nats: 0 for one only, log k for k equally often."""
    TOP_SHARE = "top_share"
    """Share of the most frequent known category."""
    FIRST = "first"
    """Value of the first event; of several at one instant the smallest."""
    LAST = "last"
    """Value of the last event; of several at one instant the largest."""
    SINCE_LAST = "since_last"
    """Days from the last event to the cutoff."""
    SINCE_FIRST = "since_first"
    """Days from the first event to the cutoff."""


CATEGORICAL = frozenset({How.DISTINCT, How.ENTROPY, How.TOP_SHARE})
"""The ways that read a category instead of a number."""
WITHOUT_VALUE = frozenset({How.SINCE_LAST, How.SINCE_FIRST})
"""The ways that read only the time of an event."""
BY_SIZE = frozenset({How.MEDIAN, How.QUANTILE})
"""The ways that put the values in order of size."""


_LATER = {"later": True}
"""Marks a part of a declaration that came later: without a value it is no part of the fingerprint, so that old ones stand."""

WHOLE_LIFE = Lookback()
"""Everything known of the customer before the cutoff."""


@dataclass(frozen=True)
class Measure:
    """One number a customer and cutoff, from the events of one view inside one lookback.

    Attributes:
        view: which events; see ``retain.engine.views``.
        how: the aggregation.
        value: the column that it reads; None for those that read only that or when an event happened.
        within: the lookback.
        where: a yes-or-no column of the view; only events with yes count.
        quantile: which one, between 0 and 1; for ``How.QUANTILE`` only.
    """

    view: str
    how: How
    value: str | None = None
    within: Lookback = WHOLE_LIFE
    where: str | None = None
    quantile: float | None = field(default=None, metadata=_LATER)

    def __post_init__(self) -> None:
        """Refuse an aggregation without what it reads."""
        if (self.value is None) != (self.how in WITHOUT_VALUE) and self.how is not How.COUNT:
            raise ValueError(f"{self.how} {'reads no' if self.value else 'needs a'} value column")
        if (self.quantile is None) == (self.how is How.QUANTILE):
            raise ValueError(f"{self.how} {'reads no' if self.quantile else 'needs a'} quantile")
        if self.quantile is not None and not 0 < self.quantile < 1:
            raise ValueError(f"a quantile of {self.quantile}: it lies between 0 and 1")


@dataclass(frozen=True)
class Ratio:
    """``top / bottom``; not known where the bottom is 0 or either is not known."""

    top: Measure
    bottom: Measure


@dataclass(frozen=True)
class Contrast:
    """``(recent - before) / (recent + before)``, from -1 (stopped) to 1 (began); not known where both are 0."""

    recent: Measure
    before: Measure


@dataclass(frozen=True)
class Balance:
    """The sum of some measures less the sum of others, such as tickets opened, or opened again, less those ended."""

    added: tuple[Measure, ...]
    removed: tuple[Measure, ...]


class Holds(StrEnum):
    """What an attribute of a customer holds, and so how it becomes a number."""

    NUMBER = "number"
    """A number, as it is."""
    CATEGORY = "category"
    """One of some words: its place among them, from 1."""
    DATE = "date"
    """An instant: days from it to the cutoff; not known where it comes after."""


@dataclass(frozen=True)
class Attribute:
    """A fact about the customer of which nothing says since when it has been so; it may know the outcome.

    Attributes:
        column: of the table of customers.
        holds: what it is.
        levels: of a category the words that are told apart; any other one is not known.
    """

    column: str
    holds: Holds
    levels: tuple[str, ...] = ()


@dataclass(frozen=True)
class Renewal:
    """Days to the next whole multiple of a term since the last event; not known without a term above 0.

    Attributes:
        age: days since the last event.
        term: its term in months, of which twelve are 365.25 days.
    """

    age: Measure
    term: Measure


@dataclass(frozen=True)
class Candidate:
    """One of some words that are compared.

    Attributes:
        word: such as a channel.
        answered: measures of how many answered; the largest counts, since one source tells of opens and another of clicks only.
        asked: how many were asked.
    """

    word: str
    answered: tuple[Measure, ...]
    asked: Measure


@dataclass(frozen=True)
class Foremost:
    """The word with the largest share answered / asked, as its place among them, from 1; of equal ones the first.

    A word that nobody answered is not compared: whether anybody did may not be told of it. Not known where none is left.

    Attributes:
        candidates: the words.
        least: a word of which fewer were asked is not compared.
    """

    candidates: tuple[Candidate, ...]
    least: int

    def __post_init__(self) -> None:
        """Refuse a comparison of nothing, or of shares of nothing."""
        if not self.candidates or self.least < 1:
            raise ValueError(f"{len(self.candidates)} candidates, of which {self.least} are asked at least")


Formula = Measure | Ratio | Contrast | Balance | Renewal | Foremost | Attribute


@dataclass(frozen=True)
class Remedy:
    """What a feature would be had the company done better. Only what the company itself does has one.

    Exactly one of the three is given.

    Attributes:
        lever: what would be done better; all features that share it change together.
        at_most: the feature would not be above this.
        at_least: the feature would not be below this.
        times: a number of events would be multiplied by this and rounded.
        never: it would not be known, because what it is about would never have happened.
    """

    lever: str
    at_most: float | None = None
    at_least: float | None = None
    times: float | None = None
    never: bool = False

    def __post_init__(self) -> None:
        """Refuse none of them, or several."""
        if sum(one is not None for one in (self.at_most, self.at_least, self.times)) + self.never != 1:
            raise ValueError(f"the remedy '{self.lever}' needs one of at_most, at_least, times and never")

    def applied(self, value: float) -> float:
        """The feature's value after it; what is not known stays so.

        >>> Remedy("answer_faster", at_most=1.0).applied(30.0), Remedy("write_less", times=0.5).applied(5.0)
        (1.0, 3.0)
        """
        if not isfinite(value) or self.never:
            return nan
        if self.times is not None:
            return float(floor(value * self.times + 0.5))
        low = -inf if self.at_least is None else self.at_least
        return max(low, min(value, inf if self.at_most is None else self.at_most))


@dataclass(frozen=True)
class Feature:
    """One column of the panel.

    Attributes:
        name: units in the name, such as ``recency_days``.
        formula: what it is.
        topic: which reason it belongs to when a score is explained.
        why: one sentence: why it tells something about churn.
        phrase: how to say a customer's value in English; names features in braces, such as
            ``no order for {recency_days:days}``. Besides Python's formats there are ``money``, and the forms of
            ``retain/scoring/words/en.toml``: ``days``, ``interval`` (after "every") and nouns, which stand in the plural
            where they have to. The other languages have their phrases there.
        spoken_by: another feature of the topic that says the same and more; the two are one part of a reason, told in
            that one's phrase where its numbers are known.
        remedy: what the feature would be had the company done better; None where the company cannot act on it.
    """

    name: str
    formula: Formula
    topic: str
    why: str
    phrase: str
    spoken_by: str = ""
    remedy: Remedy | None = None

    @property
    def levels(self) -> tuple[str, ...] | None:
        """The words that a category's values 1, 2 and so on stand for; None for a number."""
        formula = self.formula
        if isinstance(formula, Foremost):
            return tuple(one.word for one in formula.candidates)
        is_category = isinstance(formula, Attribute) and formula.holds is Holds.CATEGORY
        return formula.levels if isinstance(formula, Attribute) and is_category else None

    @property
    def mentioned(self) -> tuple[str, ...]:
        """The features whose values the phrase shows."""
        return _names_in(self.phrase)


@cache
def _names_in(phrase: str) -> tuple[str, ...]:
    """What stands in braces; asked for every customer, worked out once."""
    return tuple(name for _, name, _, _ in Formatter().parse(phrase) if name)


def measures(formula: Formula) -> Iterator[Measure]:
    """The measures that a formula is made of, in the order they are written."""
    if isinstance(formula, Measure):
        yield formula
    elif isinstance(formula, Ratio):
        yield from (formula.top, formula.bottom)
    elif isinstance(formula, Balance):
        yield from (*formula.added, *formula.removed)
    elif isinstance(formula, Renewal):
        yield from (formula.age, formula.term)
    elif isinstance(formula, Foremost):
        for one in formula.candidates:
            yield from (*one.answered, one.asked)
    elif isinstance(formula, Contrast):
        yield from (formula.recent, formula.before)


def _canonical(value: object) -> str:
    """A text of the value that is the same in every process and version of Python."""
    if isinstance(value, tuple):
        return f"({','.join(_canonical(one) for one in value)})"
    if is_dataclass(value) and not isinstance(value, type):
        parts = ((one, getattr(value, one.name)) for one in fields(value))
        inner = ",".join(
            f"{one.name}={_canonical(part)}"
            for one, part in parts
            if part is not None or not one.metadata.get("later")
        )
        return f"{type(value).__name__}({inner})"
    return repr(str(value) if isinstance(value, StrEnum) else value)


@dataclass(frozen=True)
class FeatureSet:
    """An ordered choice of features with the hash of its definition.

    Attributes:
        features: in the order of the panel's columns; names are unique.
    """

    features: tuple[Feature, ...]

    def __post_init__(self) -> None:
        """Refuse two features of one name."""
        if len(set(self.names)) != len(self.features):
            twice = sorted({name for name in self.names if self.names.count(name) > 1})
            raise ValueError(f"declared twice: {', '.join(twice)}")

    @property
    def names(self) -> tuple[str, ...]:
        """The columns' names."""
        return tuple(one.name for one in self.features)

    @property
    def by_name(self) -> Mapping[str, Feature]:
        """The features by their names."""
        return {one.name: one for one in self.features}

    @property
    def attributes(self) -> tuple[Feature, ...]:
        """Those that read a fact without a time."""
        return tuple(one for one in self.features if isinstance(one.formula, Attribute))

    @property
    def categories(self) -> tuple[str, ...]:
        """The names of those whose values are places in a list of words."""
        return tuple(one.name for one in self.features if one.levels is not None)

    @property
    def fingerprint(self) -> str:
        """SHA-256 of names and formulas; words may change without changing it."""
        return _hashed((one.name, one.formula) for one in self.features)

    @property
    def recipe(self) -> str:
        """The same, whichever words a category happened to have when it was read."""
        return _hashed(
            (one.name, replace(one.formula, levels=()) if isinstance(one.formula, Attribute) else one.formula)
            for one in self.features
        )


def _hashed(named: Iterable[tuple[str, Formula]]) -> str:
    text = ";".join(f"{name}={_canonical(formula)}" for name, formula in named)
    return hashlib.sha256(f"{DEFINITION};{text}".encode()).hexdigest()
