"""Facts about customers that have no time, as columns of a panel."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from retain.events.attributes import TABLE
from retain.events.store import MISSING
from retain.features.attributes import NO_YES
from retain.features.spec import Attribute, FeatureSet, Holds
from retain.timeline import DAY

if TYPE_CHECKING:
    from retain.engine.panel import FloatArray, Snapshots
    from retain.events.store import Column, EventStore, IntArray
    from retain.features.spec import Feature


def without_attributes(features: FeatureSet) -> FeatureSet:
    """The features that read events."""
    return FeatureSet(tuple(one for one in features.features if not isinstance(one.formula, Attribute)))


def attribute_column(store: EventStore, feature: Feature, snapshots: Snapshots) -> FloatArray:
    """The attribute's value of each snapshot; NaN where it is not known, or a category has another word."""
    formula, table = feature.formula, store.tables[TABLE]
    if not isinstance(formula, Attribute):
        raise TypeError(f"{feature.name} reads events")
    row = np.full(len(store.customer_ids), -1, dtype=np.int64)
    row[table.customer] = np.arange(len(table))
    row = row[snapshots.customer]
    column = table.columns[formula.column]
    if formula.holds is Holds.DATE:
        moment = _at(_moments(column), row, MISSING)
        age = (snapshots.cutoff - moment) / DAY
        return np.where((moment != MISSING) & (moment < snapshots.cutoff), age, np.nan)
    values = _places(column, formula.levels) if formula.holds is Holds.CATEGORY else column.values
    return _at(values.astype(np.float64), row, np.nan)


def _at(
    values: np.ndarray[tuple[int, ...], np.dtype[np.generic]], row: IntArray, absent: float
) -> FloatArray:
    """The values of these rows; a customer without a row has none."""
    return np.asarray(np.append(values, np.array([absent], dtype=values.dtype))[row])


def _moments(column: Column) -> IntArray:
    """The instants of a column of times or of calendar days."""
    if column.levels is None:
        return column.values.astype(np.int64)
    days = np.append(np.array(column.levels.tolist(), dtype="datetime64[us]").astype(np.int64), MISSING)
    return np.asarray(days[column.values.astype(np.int64)])


def _places(column: Column, levels: tuple[str, ...]) -> FloatArray:
    """From 1 the place among the levels of each row's word."""
    place = {word: at for at, word in enumerate(levels, start=1)}
    words = NO_YES if column.levels is None else column.levels.tolist()
    known = np.array([*(place.get(word, np.nan) for word in words), np.nan])
    return np.asarray(known[column.values.astype(np.int64)])
