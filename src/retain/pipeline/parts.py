"""The parts of the customers whose quality is told apart: country, language, time as a customer, value."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from retain.evaluation.segments import Parting, segments
from retain.labels import LABELS, sales_of
from retain.scoring.value import expected_value
from retain.timeline import DAY

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from retain.evaluation.segments import Predicted, Segment
    from retain.evaluation.tally import FloatArray
    from retain.events.store import IntArray
    from retain.pipeline.project import Project

NOT_KNOWN = "not known"
SAID = ("country", "language")
"""Columns of the customers table that part them."""
TENURES = ((0, "less than 90 days ago"), (90, "90 to 364 days ago"), (365, "a year ago or more"))
VALUES = ("lower third", "middle third", "upper third")


def segments_of(project: Project, seen: Sequence[Predicted]) -> tuple[Segment, ...]:
    """The quality of predictions in every part that is large enough, as the parts were at each cutoff."""
    return tuple(one for parting in _partings(project, seen) for one in segments(seen, parting))


def told_apart(worth: FloatArray) -> bool:
    """Whether the value of all is known and is not nothing, as where every amount is missing."""
    return bool(np.isfinite(worth).all() and (worth > 0).any())


def _partings(project: Project, seen: Sequence[Predicted]) -> Iterator[Parting]:
    table = project.store.tables.get("customers")
    for name in SAID:
        if table is not None and name in table.columns:
            yield _said(project, seen, name)
    tenures = [_tenures(project, one) for one in seen]
    yield Parting("customer since", [words for _, words in TENURES], tenures, ordered=True)
    worth = [_values(project, one) for one in seen]
    if all(one is not None for one in worth):
        yield Parting("expected value", VALUES, [one for one in worth if one is not None], ordered=True)


def _said(project: Project, seen: Sequence[Predicted], name: str) -> Parting:
    table = project.store.tables["customers"]
    column = table.columns[name]
    levels = [] if column.levels is None else [str(one) for one in column.levels]
    code = np.full(len(project.store.customer_ids), len(levels), dtype=np.int64)
    given = column.values.astype(np.int64)
    code[table.customer] = np.where(given < 0, len(levels), given)
    return Parting(name, [*levels, NOT_KNOWN], [code[one.customer] for one in seen], ordered=False)


def _tenures(project: Project, seen: Predicted) -> IntArray:
    """Since when each has been a customer: their first order, or first contract."""
    table = project.store.tables[LABELS.get(project.config.churn.definition).table]
    events = sales_of(project.store) if table is project.store.tables.get("orders") else table
    known = (events.time < seen.cutoff) & (events.known < seen.cutoff)
    first = np.full(len(project.store.customer_ids), seen.cutoff, dtype=np.int64)
    np.minimum.at(first, events.customer[known], events.time[known])
    days = (seen.cutoff - first[seen.customer]) // DAY
    return np.searchsorted([least for least, _ in TENURES], days, side="right") - 1


def _values(project: Project, seen: Predicted) -> IntArray | None:
    """Thirds of the expected value; None where it tells nobody apart."""
    store, config = project.store, project.config
    # Learned from what was known at that cutoff, as the predictions were.
    forecast = project.forecast(seen.cutoff)
    worth = expected_value(store, seen.cutoff, seen.customer, config.value, config.churn, forecast)
    if not told_apart(worth):
        return None
    return np.searchsorted(np.quantile(worth, [1 / 3, 2 / 3]), worth, side="left")
