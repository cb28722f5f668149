"""The fast engine: prefix sums over sorted events, so that any window at any cutoff is two look-ups."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from retain.engine.panel import Panel, Snapshots, combine, entropy, weighted_log
from retain.engine.views import View, build_views, order_of_line
from retain.events.store import MISSING
from retain.features.spec import CATEGORICAL, FeatureSet, How, Measure
from retain.timeline import DAY, NEVER

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy.typing as npt

    from retain.events.store import EventStore, EventTable, IntArray

    FloatArray = npt.NDArray[np.float64]
    BoolArray = npt.NDArray[np.bool_]


def compute(store: EventStore, features: FeatureSet, snapshots: Snapshots) -> Panel:
    """The features of these snapshots, each as it was known at its cutoff.

    Args:
        store: checked events.
        features: which columns.
        snapshots: which rows, in any order.

    Returns:
        The panel, its rows in the order asked for.
    """
    orders = store.tables["orders"]
    values = np.empty((len(snapshots), len(features.features)))
    whole = _Prepared(build_views(orders, store))
    known_late = _KnownLate(orders)
    for cutoff in np.unique(snapshots.cutoff):
        rows = np.flatnonzero(snapshots.cutoff == cutoff)
        customers = snapshots.customer[rows]
        values[rows] = whole.at(int(cutoff), customers, features)
        # A row that happened before the cutoff but was recorded later did not exist yet: its customers are
        # computed again from what was known.
        late = np.unique(known_late.customer[known_late.hidden_at(int(cutoff))])
        again = np.isin(customers, late)
        if again.any():
            mine = np.isin(orders.customer, customers[again])
            known = orders.select(mine & (orders.known < cutoff))
            part = _Prepared(build_views(known, store))
            values[rows[again]] = part.at(int(cutoff), customers[again], features)
    return Panel(snapshots, features, values)


class _KnownLate:
    """The rows that were known only after their order had begun."""

    def __init__(self, orders: EventTable) -> None:
        group = order_of_line(orders)
        begun = np.full(int(group.max()) + 1 if len(group) else 0, np.iinfo(np.int64).max)
        np.minimum.at(begun, group, orders.time)
        since = begun[group] if len(group) else orders.time
        late = orders.known > since
        self.customer = orders.customer[late]
        self._since, self._known = since[late], orders.known[late]

    def hidden_at(self, cutoff: int) -> BoolArray:
        """Which of them had begun but were not known yet."""
        return (self._since < cutoff) & (self._known >= cutoff)


class _Prepared:
    """Views with whatever has been summed up over them so far."""

    def __init__(self, views: Mapping[str, View]) -> None:
        self._views = dict(views)
        self._filtered: dict[tuple[str, str], View] = {}
        self._prefix: dict[tuple[str, str | None, str, str], IntArray] = {}

    def at(self, cutoff: int, customers: IntArray, features: FeatureSet) -> FloatArray:
        """The features of these customers at one cutoff, rows by columns."""
        done: dict[Measure, FloatArray] = {}
        ends: dict[tuple[str, str | None, int], IntArray] = {}

        def bound(one: Measure, moment: int) -> IntArray:
            key = (one.view, one.where, moment)
            if key not in ends:
                ends[key] = _before(self._view(one), moment)[customers]
            return ends[key]

        def measured(one: Measure) -> FloatArray:
            if one not in done:
                low = bound(one, one.within.start(cutoff))
                high = bound(one, one.within.end(cutoff))
                done[one] = self._measure(one, low, high, cutoff)
            return done[one]

        columns = [combine(one.formula, measured) for one in features.features]
        return np.column_stack(columns) if columns else np.empty((len(customers), 0))

    def _view(self, one: Measure) -> View:
        """The view that a measure reads, with only the events that its filter lets through."""
        if one.where is None:
            return self._views[one.view]
        key = (one.view, one.where)
        if key not in self._filtered:
            self._filtered[key] = _filtered(self._views[one.view], one.where)
        return self._filtered[key]

    def _sums(self, one: Measure, kind: str) -> IntArray:
        """Running sums of known values, their squares or their number; wrapped at 64 bits, differences are exact."""
        assert one.value is not None  # noqa: S101  # the declaration refuses a sum without a value
        key = (one.view, one.where, one.value, kind)
        if key not in self._prefix:
            values = self._view(one).columns[one.value]
            known = values != MISSING
            summed = known.astype(np.int64) if kind == "count" else np.where(known, values, 0)
            if kind == "square":
                summed = summed * summed
            self._prefix[key] = np.concatenate(([0], np.cumsum(summed)))
        return self._prefix[key]

    def _measure(  # noqa: PLR0911  # one return a kind of aggregation
        self, one: Measure, low: IntArray, high: IntArray, cutoff: int
    ) -> FloatArray:
        """One measure over the events ``low:high`` of each customer."""
        view = self._view(one)
        if one.how is How.SINCE_LAST:
            return _days_since(view.time, high - 1, high > low, cutoff)
        if one.how is How.SINCE_FIRST:
            return _days_since(view.time, low, high > low, cutoff)
        if one.value is None:
            return (high - low).astype(np.float64)
        if one.how in CATEGORICAL:
            return _categorical(one.how, view.columns[one.value], low, high)
        counts = self._sums(one, "count")
        known = counts[high] - counts[low]
        if one.how is How.COUNT:
            return known.astype(np.float64)
        parts = view.parts[one.value]
        if one.how in (How.MIN, How.MAX, How.MEDIAN):
            return _ordered(one.how, view.columns[one.value], low, high) / parts
        sums = self._sums(one, "sum")
        total = sums[high] - sums[low]
        if one.how is How.SUM:
            return total.astype(np.float64) / parts
        with np.errstate(divide="ignore", invalid="ignore"):
            if one.how is How.MEAN:
                return np.where(known > 0, total.astype(np.float64) / known / parts, np.nan)
            squares = self._sums(one, "square")
            return deviation(known, total, squares[high] - squares[low]) / parts


def deviation(count: IntArray, total: IntArray, squares: IntArray) -> FloatArray:
    """Sample standard deviation from exact sums, without the cancellation of the usual short formula.

    With ``m = total // count`` and ``r = total - count * m``, the squared distances from ``m`` are
    ``squares - 2 m total + count m^2``: a whole number that 64-bit arithmetic gives exactly even where its terms
    overflow. What is left is ``(that - r^2 / count) / (count - 1)``.

    >>> float(deviation(np.array([2]), np.array([4]), np.array([10]))[0])  # 1 and 3
    1.4142135623730951
    """
    enough = count > 1
    some = np.where(enough, count, 2)
    centre = total // some
    rest = (total - some * centre).astype(np.float64)
    distances = (squares - 2 * centre * total + some * centre * centre).astype(np.float64)
    return np.where(enough, np.sqrt(np.maximum(distances - rest * rest / some, 0.0) / (some - 1)), np.nan)


def _before(view: View, moment: int) -> IntArray:
    """For each customer, the position of the first event at or after that instant."""
    if moment == NEVER:
        return view.offsets[:-1]
    earlier = np.concatenate(([0], np.cumsum(view.time < moment)))
    return view.offsets[:-1] + earlier[view.offsets[1:]] - earlier[view.offsets[:-1]]


def _filtered(view: View, flag: str) -> View:
    """The events whose flag says yes."""
    keep = view.columns[flag] == 1
    kept = np.concatenate(([0], np.cumsum(keep)))
    columns = {name: values[keep] for name, values in view.columns.items()}
    return View(kept[view.offsets], view.time[keep], columns, view.parts)


def _days_since(time: IntArray, position: IntArray, there: BoolArray, cutoff: int) -> FloatArray:
    """Days from the event at each position to the cutoff; NaN where there is none."""
    days = np.full(len(position), np.nan)
    days[there] = (cutoff - time[position[there]]).astype(np.float64) / DAY
    return days


def _expanded(low: IntArray, high: IntArray) -> tuple[IntArray, IntArray]:
    """Every event position of every window, and which window it belongs to."""
    length = high - low
    window = np.repeat(np.arange(len(low)), length)
    start = np.concatenate(([0], np.cumsum(length)))[:-1]
    position = np.arange(len(window)) - np.repeat(start, length) + np.repeat(low, length)
    return position, window


def _ordered(how: How, values: IntArray, low: IntArray, high: IntArray) -> FloatArray:
    """Smallest, largest or middle known value of each window, in parts."""
    position, window = _expanded(low, high)
    inside = values[position]
    known = inside != MISSING
    inside, window = inside[known], window[known]
    order = np.lexsort((inside, window))
    inside = inside[order]
    count = np.bincount(window, minlength=len(low))
    start = np.concatenate(([0], np.cumsum(count)))[:-1]
    there = count > 0
    result = np.full(len(low), np.nan)
    first, size = start[there], count[there]
    if how is How.MIN:
        result[there] = inside[first].astype(np.float64)
    elif how is How.MAX:
        result[there] = inside[first + size - 1].astype(np.float64)
    else:
        lower, upper = inside[first + (size - 1) // 2], inside[first + size // 2]
        result[there] = (lower.astype(np.float64) + upper.astype(np.float64)) / 2
    return result


def _categorical(how: How, codes: IntArray, low: IntArray, high: IntArray) -> FloatArray:
    """How many categories each window holds, or how evenly."""
    position, window = _expanded(low, high)
    inside = codes[position]
    known = inside != MISSING
    inside, window = inside[known], window[known]
    order = np.lexsort((inside, window))
    inside, window = inside[order], window[order]
    starts = np.ones(len(window), dtype=bool)
    starts[1:] = (window[1:] != window[:-1]) | (inside[1:] != inside[:-1])
    group_window = window[starts]
    group_size = np.diff(np.append(np.flatnonzero(starts), len(window)))
    if how is How.DISTINCT:
        return np.bincount(group_window, minlength=len(low)).astype(np.float64)
    total = np.bincount(window, minlength=len(low))
    there = total > 0
    result = np.full(len(low), np.nan)
    if how is How.TOP_SHARE:
        top = np.zeros(len(low), dtype=np.int64)
        np.maximum.at(top, group_window, group_size)
        result[there] = top[there] / total[there]
        return result
    most = int(total.max(initial=0))
    table = np.array([weighted_log(count) for count in range(most + 1)], dtype=np.int64)
    parts = np.zeros(len(low), dtype=np.int64)
    np.add.at(parts, group_window, table[group_size])
    total_parts = table[total].astype(np.float64)
    result[there] = entropy(
        total_parts[there], parts[there].astype(np.float64), total[there].astype(np.float64)
    )
    return result
