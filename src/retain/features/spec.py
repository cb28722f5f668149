"""What a feature is: a declaration that two engines read, and nothing that computes."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, fields, is_dataclass
from enum import StrEnum
from string import Formatter
from typing import TYPE_CHECKING

from retain.timeline import Lookback

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

DEFINITION = 1
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
    """The sum of some measures less the sum of others, such as tickets opened and reopened less those resolved."""

    added: tuple[Measure, ...]
    removed: tuple[Measure, ...]


Formula = Measure | Ratio | Contrast | Balance


class _Said(float):
    """A number that can be written as days, as an interval or with a noun.

    >>> f"{_Said(1):days}, {_Said(0.2):days}, every {_Said(0.2):interval}, {_Said(2):order}, {_Said(0):order}"
    '1 day, less than a day, every day, 2 orders, no orders'
    """

    def __format__(self, spec: str) -> str:
        """The number as a person would say it."""
        if not spec.isalpha():
            return super().__format__(spec)
        if spec == "interval":
            return "day" if self < 1.5 else f"{self:,.0f} days"
        if spec == "days":
            return "less than a day" if self < 1 else f"{self:day}"
        count = "no" if round(self) == 0 else f"{self:,.0f}"
        return f"{count} {spec}{'' if round(self) == 1 else 's'}"


@dataclass(frozen=True)
class Feature:
    """One column of the panel.

    Attributes:
        name: units in the name, such as ``recency_days``.
        formula: what it is.
        topic: which reason it belongs to when a score is explained.
        why: one sentence: why it tells something about churn.
        phrase: how to say a customer's value; names features in braces, such as ``no order for {recency_days:days}``.
            Besides Python's formats there are ``days``, ``interval`` (after "every") and a noun, which is put into the
            plural where it has to be.
    """

    name: str
    formula: Formula
    topic: str
    why: str
    phrase: str

    @property
    def mentioned(self) -> tuple[str, ...]:
        """The features whose values the phrase shows."""
        return tuple(name for _, name, _, _ in Formatter().parse(self.phrase) if name)

    def say(self, values: Mapping[str, float]) -> str:
        """The phrase with a customer's values, of which all that are mentioned have to be known."""
        return self.phrase.format(**{name: _Said(values[name]) for name in self.mentioned})


def measures(formula: Formula) -> Iterator[Measure]:
    """The measures that a formula is made of, in the order they are written."""
    if isinstance(formula, Measure):
        yield formula
    elif isinstance(formula, Ratio):
        yield from (formula.top, formula.bottom)
    elif isinstance(formula, Balance):
        yield from (*formula.added, *formula.removed)
    else:
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
    def fingerprint(self) -> str:
        """SHA-256 of names and formulas; words may change without changing it."""
        text = ";".join(f"{one.name}={_canonical(one.formula)}" for one in self.features)
        return hashlib.sha256(f"{DEFINITION};{text}".encode()).hexdigest()
