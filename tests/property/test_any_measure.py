"""Whatever a company declares for itself: the engines agree on it to the bit, and the future changes nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from retain.engine import ENGINES
from retain.engine.panel import Snapshots
from retain.engine.streams import STREAMS
from retain.engine.views import VIEWS
from retain.features.columns import require_readable
from retain.features.spec import (
    CATEGORICAL,
    WITHOUT_VALUE,
    Balance,
    Contrast,
    Feature,
    FeatureSet,
    Formula,
    How,
    Measure,
    Ratio,
    measures,
)
from retain.timeline import DAY, Lookback, instant

if TYPE_CHECKING:
    from collections.abc import Callable

    from retain.events.store import EventStore

    Build = Callable[..., EventStore]
    Row = dict[str, object]
    Draw = Callable[..., st.SearchStrategy[Row]]

START = instant("2024-01-01")
CUTOFFS = (instant("2024-01-20"), instant("2024-02-29"), instant("2024-03-31T01:30"))
NOBODY: dict[str, object] = {"customer_id": "nobody", "ordered_at": START, "kind": None}
moments = st.one_of(
    st.sampled_from([START, START + 40 * DAY]),  # many at the same instant
    st.integers(0, 12).map(lambda weeks: START + weeks * 7 * DAY),
    st.integers(0, 100 * DAY).map(lambda micros: START + micros),
    st.sampled_from(CUTOFFS),
)


@st.composite
def measures_by(draw: st.DrawFn, how: How) -> Measure:
    """A measure of any view, column and window that a configuration may ask for with this aggregation."""

    def fitting(view: str) -> frozenset[str]:
        columns = VIEWS[view]
        if how in CATEGORICAL:
            return columns.categories
        return columns.numbers | (columns.categories if how is How.COUNT else frozenset())

    free = how in WITHOUT_VALUE or how is How.COUNT
    view = draw(st.sampled_from([one for one in sorted(VIEWS) if free or fitting(one)]))
    values = [] if how in WITHOUT_VALUE else sorted(fitting(view))
    value = draw(st.sampled_from([*values, *([None] if free else [])]))
    until = draw(st.sampled_from([0, 0, 0, 1, 30]))
    days = draw(st.sampled_from([None, None, *(one for one in (1, 7, 30, 60) if one > until)]))
    where = draw(st.sampled_from([None, None, *sorted(VIEWS[view].flags)]))
    quantile = draw(st.one_of(st.sampled_from([0.5, 0.9]), st.floats(0.001, 0.999)))
    which = quantile if how is How.QUANTILE else None
    one = Measure(view, how, value, Lookback(days, until), where, which)
    require_readable(one, VIEWS, "here")
    return one


@st.composite
def formulas_by(draw: st.DrawFn, how: How) -> Formula:
    """Such a measure alone, or together with another one of any aggregation."""
    one = draw(measures_by(how))
    together = draw(st.sampled_from([None, None, Ratio, Contrast, Balance]))
    if together is None:
        return one
    two = draw(st.sampled_from(sorted(How)).flatmap(measures_by))
    if together is Ratio:
        return Ratio(one, two)
    return Contrast(one, two) if together is Contrast else Balance((one,), (two,))


@pytest.mark.parametrize("how", sorted(How))
@given(data=st.data())
@settings(max_examples=25)
def test_the_engines_agree_on_any_measure(
    orders_store: Build, any_row: Draw, how: How, data: st.DataObject
) -> None:
    """Of every view, column and window, alone and two together; with ties, unknown values and late rows."""
    formulas = data.draw(st.lists(formulas_by(how), min_size=3, max_size=6), label="formulas")
    views = {one.view for formula in formulas for one in measures(formula)}
    read = {STREAMS[view].table if view in STREAMS else "orders" for view in views}
    tables = {
        name: data.draw(st.lists(any_row(name, moments, ("a", "b")), min_size=2, max_size=12), label=name)
        for name in sorted(read)
    }
    orders = [
        {**one, "kind": "return" if one["kind"] == "x" else "sale"} for one in tables.pop("orders", [NOBODY])
    ]
    store = orders_store(orders, customers=["nobody"], others=tables, zone="Europe/Sofia")
    customers = np.arange(len(store.customer_ids), dtype=np.int64)
    asked = Snapshots(
        np.tile(customers, len(CUTOFFS)), np.repeat(np.array(CUTOFFS, dtype=np.int64), len(customers))
    )
    named = enumerate(formulas)
    features = FeatureSet(tuple(Feature(f"f{place}", one, "own", "Because.", "{f0}") for place, one in named))
    slow = ENGINES.get("reference")(store, features, asked).values
    fast = ENGINES.get("kernel")(store, features, asked).values
    for place, formula in enumerate(formulas):
        assert fast[:, place].tobytes() == slow[:, place].tobytes(), formula
