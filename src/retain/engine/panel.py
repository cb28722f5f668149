"""Snapshots asked for, the panel that comes back, and the last steps that both engines share."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Protocol

import numpy as np
import pyarrow as pa

from retain.features.spec import (
    Attribute,
    Balance,
    Contrast,
    FeatureSet,
    Foremost,
    Formula,
    Measure,
    Renewal,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy.typing as npt

    from retain.events.store import EventStore, IntArray
    from retain.features.spec import Feature

    FloatArray = npt.NDArray[np.float64]

_ENTROPY_PARTS = 2**30
DAYS_A_MONTH = 365.25 / 12
"""Exact in binary, so that no engine can round it otherwise."""


@dataclass(frozen=True)
class Snapshots:
    """(customer, cutoff) pairs.

    Attributes:
        customer: int64, index into the store's customers.
        cutoff: int64 microseconds, the same length.
    """

    customer: IntArray
    cutoff: IntArray

    def __post_init__(self) -> None:
        """Refuse columns of different lengths."""
        if self.customer.shape != self.cutoff.shape:
            raise ValueError("customer and cutoff differ in length")

    def __len__(self) -> int:
        """How many pairs."""
        return len(self.customer)


@dataclass(frozen=True)
class Panel:
    """Features of snapshots.

    Attributes:
        snapshots: the rows.
        features: the columns.
        values: float64, rows by columns; NaN where a feature is not known.
    """

    snapshots: Snapshots
    features: FeatureSet
    values: FloatArray


class Engine(Protocol):
    """Anything that computes a panel; all give the same bits."""

    def __call__(self, store: EventStore, features: FeatureSet, snapshots: Snapshots) -> Panel:
        """The features of these snapshots, each as it was known at its cutoff."""
        ...


def as_told(feature: Feature, values: FloatArray) -> pa.Array:
    """A feature's values for a table: numbers, or the words of a category; null where not known."""
    if feature.levels is None:
        return pa.array(np.ascontiguousarray(values), from_pandas=True)
    words = np.array([None, *feature.levels], dtype=object)
    return pa.array(words[np.nan_to_num(values, nan=0.0).astype(np.int64)], pa.string())


def combine(formula: Formula, measured: Callable[[Measure], FloatArray]) -> FloatArray:
    """The formula's value from those of its measures."""
    with np.errstate(divide="ignore", invalid="ignore"):
        if isinstance(formula, Measure):
            return measured(formula)
        if isinstance(formula, Contrast):
            recent, before = measured(formula.recent), measured(formula.before)
            total = recent + before
            return np.where(total != 0, (recent - before) / total, np.nan)
        if isinstance(formula, Balance):
            return np.asarray(sum(map(measured, formula.added)) - sum(map(measured, formula.removed)))
        if isinstance(formula, Attribute):
            raise TypeError(f"{formula.column} is looked up, not combined")
        if isinstance(formula, Foremost):
            return _foremost(formula, measured)
        if isinstance(formula, Renewal):
            age, term = measured(formula.age), measured(formula.term) * DAYS_A_MONTH
            return np.where(term > 0, term - np.mod(age, term), np.nan)
        bottom = measured(formula.bottom)
        return np.where(bottom != 0, measured(formula.top) / bottom, np.nan)


def _foremost(formula: Foremost, measured: Callable[[Measure], FloatArray]) -> FloatArray:
    """The place of the word with the largest share; NaN where none is compared."""
    shares = []
    for one in formula.candidates:
        answered = np.max([measured(each) for each in one.answered], axis=0)
        asked = measured(one.asked)
        shares.append(np.where((answered > 0) & (asked >= formula.least), answered / asked, -1.0))
    best = np.argmax(shares, axis=0)
    return np.where(np.max(shares, axis=0) > 0, best + 1.0, np.nan)


@cache
def weighted_log(count: int) -> int:
    """``count * log(count)`` in whole parts, so that sums of it do not depend on their order."""
    return round(count * math.log(count) * _ENTROPY_PARTS) if count > 1 else 0


def entropy(total_parts: FloatArray, sum_parts: FloatArray, total: FloatArray) -> FloatArray:
    """Shannon entropy in nats: ``(n log n - sum of c log c) / n`` for counts ``c`` that add up to ``n``."""
    return np.asarray(np.maximum((total_parts - sum_parts) / _ENTROPY_PARTS / total, 0.0))
