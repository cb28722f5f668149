"""The fast engine: prefix sums over sorted events, so that any window at any cutoff is two look-ups."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from retain.engine.panel import Panel, Snapshots, combine, entropy, weighted_log
from retain.engine.streams import STREAMS, earliest
from retain.engine.views import View, build_views, order_of_line, stream_view
from retain.events.store import MISSING
from retain.features.spec import CATEGORICAL, FeatureSet, How, Measure, measures
from retain.timeline import DAY, NEVER

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy.typing as npt

    from retain.events.store import EventStore, EventTable, IntArray
    from retain.timeline import Lookback

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
    values = np.empty((len(snapshots), len(features.features)))
    wanted = frozenset(one.view for feature in features.features for one in measures(feature.formula))
    whole = _Prepared(_views(store, store.tables, wanted))
    late = [_KnownLate(name, table, wanted) for name, table in store.tables.items()]
    for cutoff in np.unique(snapshots.cutoff):
        rows = np.flatnonzero(snapshots.cutoff == cutoff)
        customers = snapshots.customer[rows]
        values[rows] = whole.at(int(cutoff), customers, features)
        # A row that happened before the cutoff but was recorded later did not exist yet: its customers are
        # computed again from what was known.
        hidden = np.unique(np.concatenate([one.hidden_at(int(cutoff)) for one in late]))
        again = np.isin(customers, hidden)
        if again.any():
            known = {
                name: table.select(np.isin(table.customer, customers[again]) & (table.known < cutoff))
                for name, table in store.tables.items()
            }
            part = _Prepared(_views(store, known, wanted))
            values[rows[again]] = part.at(int(cutoff), customers[again], features)
    return Panel(snapshots, features, values)


def _views(store: EventStore, tables: Mapping[str, EventTable], wanted: frozenset[str]) -> dict[str, View]:
    """The views of these names from these rows of the store's tables."""
    views = {
        name: stream_view(name, tables[STREAMS[name].table], len(store.customer_ids))
        for name in sorted(wanted & set(STREAMS))
    }
    if wanted - set(STREAMS):
        views |= build_views(tables["orders"], store)
    return views


class _KnownLate:
    """The rows of a table that were known only after they would have shown."""

    def __init__(self, name: str, table: EventTable, wanted: frozenset[str]) -> None:
        shown = earliest(
            [one for view, one in STREAMS.items() if view in wanted and one.table == name], table
        )
        if name == "orders" and wanted - set(STREAMS):
            group = order_of_line(table)
            begun = np.full(int(group.max()) + 1 if len(group) else 0, np.iinfo(np.int64).max)
            np.minimum.at(begun, group, table.time)
            shown = np.minimum(shown, begun[group])
        late = table.known > shown
        self._customer = table.customer[late]
        self._shown, self._known = shown[late], table.known[late]

    def hidden_at(self, cutoff: int) -> IntArray:
        """Whose rows would have shown by then but were not known yet."""
        return self._customer[(self._shown < cutoff) & (self._known >= cutoff)]


class _Prepared:
    """Views with whatever has been summed up over them so far."""

    def __init__(self, views: Mapping[str, View]) -> None:
        self._views = dict(views)
        self._filtered: dict[tuple[str, str], View] = {}
        self._prefix: dict[tuple[str, str | None, str, str], IntArray] = {}
        self._ranked: dict[tuple[str, str | None, str], _Ranked] = {}
        self._grouped: dict[tuple[str, str | None, str], _Grouped] = {}

    def at(self, cutoff: int, customers: IntArray, features: FeatureSet) -> FloatArray:
        """The features of these customers at one cutoff, rows by columns."""
        done: dict[Measure, FloatArray] = {}
        ends: dict[tuple[str, str | None, int], IntArray] = {}
        counted: dict[tuple[str, str | None, str | None, Lookback], _Counts] = {}

        def bound(one: Measure, moment: int) -> IntArray:
            key = (one.view, one.where, moment)
            if key not in ends:
                ends[key] = _before(self._view(one), moment)[customers]
            return ends[key]

        def measured(one: Measure) -> FloatArray:
            if one not in done:
                start, end = one.within.start(cutoff), one.within.end(cutoff)
                if one.how in CATEGORICAL:
                    key = (one.view, one.where, one.value, one.within)
                    if key not in counted:
                        counted[key] = self._categories(one).count(start, end)
                    done[one] = counted[key].summary(one.how, customers)
                elif one.how is How.MEDIAN:
                    done[one] = self._numbers(one).median(start, end, customers) / self._parts(one)
                else:
                    done[one] = self._measure(one, bound(one, start), bound(one, end), cutoff)
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

    def _column(self, one: Measure) -> str:
        """The column that a measure reads."""
        assert one.value is not None  # noqa: S101  # the declaration refuses such a measure without a value
        return one.value

    def _parts(self, one: Measure) -> int:
        """How many whole parts make one unit of the measure's column."""
        return self._view(one).parts[self._column(one)]

    def _numbers(self, one: Measure) -> _Ranked:
        """The measure's column, sorted by size."""
        key = (one.view, one.where, self._column(one))
        if key not in self._ranked:
            self._ranked[key] = _Ranked.of(self._view(one), key[2])
        return self._ranked[key]

    def _categories(self, one: Measure) -> _Grouped:
        """The measure's column, sorted by category."""
        key = (one.view, one.where, self._column(one))
        if key not in self._grouped:
            self._grouped[key] = _Grouped.of(self._view(one), key[2])
        return self._grouped[key]

    def _sums(self, one: Measure, kind: str) -> IntArray:
        """Running sums of known values, their squares or their number; wrapped at 64 bits, differences are exact."""
        key = (one.view, one.where, self._column(one), kind)
        if key not in self._prefix:
            values = self._view(one).columns[key[2]]
            known = values != MISSING
            summed = known.astype(np.int64) if kind == "count" else np.where(known, values, 0)
            if kind == "square":
                summed = summed * summed
            self._prefix[key] = _running(summed)
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
        if one.how in (How.MIN, How.MAX):
            return _extreme(one.how, view.columns[one.value], low, high) / view.parts[one.value]
        counts = self._sums(one, "count")
        known = counts[high] - counts[low]
        if one.how is How.COUNT:
            return known.astype(np.float64)
        parts = view.parts[one.value]
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
    earlier = _running(view.time < moment)
    return view.offsets[:-1] + earlier[view.offsets[1:]] - earlier[view.offsets[:-1]]


def _filtered(view: View, flag: str) -> View:
    """The events whose flag says yes."""
    keep = view.columns[flag] == 1
    kept = _running(keep)
    columns = {name: values[keep] for name, values in view.columns.items()}
    return View(kept[view.offsets], view.time[keep], columns, view.parts)


def _extreme(how: How, values: IntArray, low: IntArray, high: IntArray) -> FloatArray:
    """Smallest or largest known value of each stretch ``low:high``, in parts; NaN where there is none."""
    last = np.iinfo(np.int64).max if how is How.MIN else MISSING
    # What is not known must not win, and one value more lets a stretch end behind the last.
    padded = np.append(np.where(values == MISSING, last, values), last)
    between = np.column_stack((low, high)).ravel()
    found = (np.minimum if how is How.MIN else np.maximum).reduceat(padded, between)[::2]
    return np.where((high > low) & (found != last), found.astype(np.float64), np.nan)


def _days_since(time: IntArray, position: IntArray, there: BoolArray, cutoff: int) -> FloatArray:
    """Days from the event at each position to the cutoff; NaN where there is none."""
    days = np.full(len(position), np.nan)
    days[there] = (cutoff - time[position[there]]).astype(np.float64) / DAY
    return days


@dataclass(frozen=True)
class _Ranked:
    """A view's known numbers, sorted by customer and size.

    Attributes:
        offsets: customer ``c``'s are ``offsets[c]:offsets[c + 1]``.
        time: when each was.
        value: the numbers, in parts.
    """

    offsets: IntArray
    time: IntArray
    value: IntArray

    @classmethod
    def of(cls, view: View, column: str) -> _Ranked:
        """The numbers of one column, sorted once for every window."""
        values, customer, time = _known(view, column)
        order = np.lexsort((values, customer))
        return cls(_offsets(customer, len(view.offsets) - 1), time[order], values[order])

    def median(self, start: int, end: int, customers: IntArray) -> FloatArray:
        """Each customer's middle number in ``[start, end)``, in parts; NaN where there is none."""
        running = _running((self.time >= start) & (self.time < end))
        before = running[self.offsets[customers]]
        count = running[self.offsets[customers + 1]] - before
        there = count > 0
        before, count = before[there], count[there]

        def ranked(rank: IntArray) -> FloatArray:
            # The number of that rank is where the running count first exceeds those before it by rank + 1.
            return self.value[np.searchsorted(running, before + rank + 1) - 1].astype(np.float64)

        result = np.full(len(customers), np.nan)
        result[there] = (ranked((count - 1) // 2) + ranked(count // 2)) / 2
        return result


@dataclass(frozen=True)
class _Grouped:
    """A view's known categories, sorted by customer and category.

    Attributes:
        groups: customer ``c``'s categories are groups ``groups[c]:groups[c + 1]``.
        edges: group ``g``'s events are ``edges[g]:edges[g + 1]``.
        time: when each event was.
    """

    groups: IntArray
    edges: IntArray
    time: IntArray

    @classmethod
    def of(cls, view: View, column: str) -> _Grouped:
        """The categories of one column, sorted once for every window."""
        codes, customer, time = _known(view, column)
        order = np.lexsort((codes, customer))
        codes, customer = codes[order], customer[order]
        fresh = np.ones(len(codes), dtype=bool)
        fresh[1:] = (codes[1:] != codes[:-1]) | (customer[1:] != customer[:-1])
        edges = np.append(np.flatnonzero(fresh), len(codes))
        return cls(_offsets(customer[fresh], len(view.offsets) - 1), edges, time[order])

    def count(self, start: int, end: int) -> _Counts:
        """How often each category occurs in ``[start, end)``."""
        running = _running((self.time >= start) & (self.time < end))
        return _Counts(self.groups, np.diff(running[self.edges]))


@dataclass(frozen=True)
class _Counts:
    """How often each category of each customer occurs in one window.

    Attributes:
        groups: customer ``c``'s categories are ``groups[c]:groups[c + 1]``.
        size: events of each category; 0 where it does not occur.
    """

    groups: IntArray
    size: IntArray

    def summary(self, how: How, customers: IntArray) -> FloatArray:
        """How many categories each customer has, or how evenly; NaN for evenness without any."""
        if how is How.DISTINCT:
            return self._sum(self.size > 0, customers).astype(np.float64)
        total = self._sum(self.size, customers)
        there = total > 0
        result = np.full(len(customers), np.nan)
        if how is How.TOP_SHARE:
            most = np.zeros(len(self.groups) - 1, dtype=np.int64)
            np.maximum.at(most, np.repeat(np.arange(len(most)), np.diff(self.groups)), self.size)
            result[there] = most[customers][there] / total[there]
            return result
        most_of_all = int(total.max(initial=0))
        table = np.array([weighted_log(count) for count in range(most_of_all + 1)], dtype=np.int64)
        # A customer who is not asked for may have more than the table holds; their part is never read.
        parts = self._sum(table[np.minimum(self.size, most_of_all)], customers)
        whole = table[total].astype(np.float64)
        result[there] = entropy(
            whole[there], parts[there].astype(np.float64), total[there].astype(np.float64)
        )
        return result

    def _sum(self, values: IntArray | BoolArray, customers: IntArray) -> IntArray:
        running = _running(values)
        return running[self.groups[customers + 1]] - running[self.groups[customers]]


def _known(view: View, column: str) -> tuple[IntArray, IntArray, IntArray]:
    """The values of a column that are known, whose they are, and when."""
    values = view.columns[column]
    customer = np.repeat(np.arange(len(view.offsets) - 1), np.diff(view.offsets))
    known = values != MISSING
    return values[known], customer[known], view.time[known]


def _offsets(customer: IntArray, customers: int) -> IntArray:
    """Where each customer's rows begin, and the end."""
    return _running(np.bincount(customer, minlength=customers))


def _running(values: IntArray | BoolArray) -> IntArray:
    """Running sums, with the 0 before the first."""
    result = np.zeros(len(values) + 1, dtype=np.int64)
    np.cumsum(values, out=result[1:])
    return result
