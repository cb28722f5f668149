"""Whatever a company declares for itself: the engines agree on it to the bit, and the future changes nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
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
TABLES = tuple(sorted({one.table for one in STREAMS.values()} | {"orders"}))
moments = st.one_of(
    st.integers(0, 100).map(lambda days: START + days * DAY),
    st.integers(0, 100 * DAY).map(lambda micros: START + micros),
    st.sampled_from(CUTOFFS),
)


@st.composite
def any_measure(draw: st.DrawFn) -> Measure:
    """A measure of any view, column, aggregation and window that a configuration may ask for."""
    view = draw(st.sampled_from(sorted(VIEWS)))
    columns = VIEWS[view]
    ways = [How.COUNT, *sorted(WITHOUT_VALUE)]
    ways += sorted(CATEGORICAL) if columns.categories else []
    ways += sorted(set(How) - CATEGORICAL - WITHOUT_VALUE - {How.COUNT}) if columns.numbers else []
    how = draw(st.sampled_from(ways))
    values = sorted(columns.categories if how in CATEGORICAL else columns.numbers)
    if how is How.COUNT:
        value = draw(st.sampled_from([None, *sorted(columns.numbers | columns.categories)]))
    else:
        value = None if how in WITHOUT_VALUE else draw(st.sampled_from(values))
    until = draw(st.sampled_from([0, 0, 0, 1, 30]))
    days = draw(st.sampled_from([None, *(one for one in (1, 7, 30, 60) if one > until)]))
    where = draw(st.sampled_from([None, *sorted(columns.flags)]))
    quantile = draw(st.one_of(st.sampled_from([0.5, 0.9]), st.floats(0.001, 0.999)))
    one = Measure(view, how, value, Lookback(days, until), where, quantile if how is How.QUANTILE else None)
    require_readable(one, VIEWS, "here")
    return one


any_formula: st.SearchStrategy[Formula] = st.one_of(
    any_measure(),
    st.builds(Ratio, any_measure(), any_measure()),
    st.builds(Contrast, any_measure(), any_measure()),
    st.builds(lambda one, two: Balance((one,), (two,)), any_measure(), any_measure()),
)


def a_set(formulas: list[Formula]) -> FeatureSet:
    """Features of these formulas."""
    return FeatureSet(
        tuple(Feature(f"f{place}", one, "own", "Because.", "{f0}") for place, one in enumerate(formulas))
    )


@given(data=st.data(), formulas=st.lists(any_formula, min_size=1, max_size=12))
@settings(max_examples=150)
def test_the_engines_agree_on_any_measure(
    orders_store: Build, any_row: Draw, data: st.DataObject, formulas: list[Formula]
) -> None:
    """Of every view, column, aggregation and window, alone and two together; unknown values, ties and late rows too."""
    tables = {
        name: data.draw(st.lists(any_row(name, moments, ("a", "b")), min_size=1, max_size=7), label=name)
        for name in TABLES
    }
    orders = [{**one, "kind": "return" if one["kind"] == "x" else "sale"} for one in tables.pop("orders")]
    store = orders_store(orders, customers=["nobody"], others=tables, zone="Europe/Sofia")
    customers = np.arange(len(store.customer_ids), dtype=np.int64)
    asked = Snapshots(
        np.tile(customers, len(CUTOFFS)), np.repeat(np.array(CUTOFFS, dtype=np.int64), len(customers))
    )
    features = a_set(formulas)
    slow = ENGINES.get("reference")(store, features, asked).values
    fast = ENGINES.get("kernel")(store, features, asked).values
    for place, formula in enumerate(formulas):
        assert fast[:, place].tobytes() == slow[:, place].tobytes(), formula
