"""Measures of any window before any cutoff, each as the difference of two look-ups in running sums."""

from __future__ import annotations

from collections import defaultdict
from functools import cached_property
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from retain.engine.extremes import Extremes
from retain.engine.panel import combine
from retain.engine.sorted_columns import Counts, Grouped, Ranked, counted_before, passed, running
from retain.engine.views import View
from retain.events.store import MISSING
from retain.features.spec import BY_SIZE, CATEGORICAL, FeatureSet, How, Measure, measures
from retain.timeline import DAY

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    import numpy.typing as npt

    from retain.events.store import IntArray
    from retain.timeline import Lookback

    FloatArray = npt.NDArray[np.float64]
    BoolArray = npt.NDArray[np.bool_]
    Which = tuple[str, str | None]
    """A view and the flag that its events have to have."""

_Number = TypeVar("_Number", np.int64, np.float64)


class Windows:
    """Views at some snapshots, with whatever was made of them so far."""

    def __init__(
        self, views: Mapping[str, View], customer: IntArray, cutoff: IntArray, features: FeatureSet
    ) -> None:
        """Nothing is computed yet.

        Args:
            views: of all that was known.
            customer: of each snapshot, its place in the views.
            cutoff: of each snapshot.
            features: what will be asked for.
        """
        self._views = dict(views)
        self._customer, self._cutoff = customer, cutoff
        self._cutoffs, self._number = np.unique(cutoff, return_inverse=True)
        self._features = features
        self._offsets_asked: dict[Which, set[int]] = defaultdict(set)
        self._columns_asked: dict[Which, set[str]] = defaultdict(set)
        for one in (one for feature in features.features for one in measures(feature.formula)):
            if one.value is not None:
                self._columns_asked[one.view, one.where].add(one.value)
            if one.how not in CATEGORICAL | BY_SIZE:
                ends = {one.within.until_days, one.within.days}
                self._offsets_asked[one.view, one.where] |= {days for days in ends if days is not None}
        self._filtered: dict[Which, View] = {}
        self._owners: dict[Which, IntArray] = {}
        self._places: dict[tuple[Which, int | None], IntArray] = {}
        self._prefix: dict[tuple[Which, str, str], IntArray | None] = {}
        self._looked_up: dict[tuple[Which, str, str, int | None], IntArray] = {}
        self._ranked: dict[tuple[Which, str], Ranked] = {}
        self._grouped: dict[tuple[Which, str], Grouped] = {}
        self._counted: dict[tuple[Which, str, Lookback], Counts] = {}
        self._edges: dict[Which, tuple[IntArray, IntArray]] = {}
        self._extremes: dict[tuple[Which, str, How], Extremes] = {}
        self._done: dict[Measure, FloatArray] = {}

    def values(self) -> FloatArray:
        """The features, rows by columns; each column lies in one piece."""
        columns = np.empty((len(self._features.features), len(self._customer)))
        for place, one in enumerate(self._features.features):
            columns[place] = combine(one.formula, self._measured)
        return columns.T

    def _measured(self, one: Measure) -> FloatArray:
        if one not in self._done:
            if one.how in CATEGORICAL:
                self._done[one] = self._asked(self._counts(one).summary(one.how))
            elif one.how in BY_SIZE:
                numbers, ranges = self._numbers(one), self._ranges(one.within)
                found = (
                    numbers.median(*ranges)
                    if one.quantile is None
                    else numbers.quantile(one.quantile, *ranges)
                )
                self._done[one] = self._asked(found) / self._parts(one)
            else:
                self._done[one] = self._measure(one)
        return self._done[one]

    @cached_property
    def _cells(self) -> IntArray | None:
        """Where each snapshot is among all pairs of a cutoff and a customer; None if it is all of these, in order."""
        customers = len(next(iter(self._views.values())).offsets) - 1
        cells = self._number * customers + self._customer
        whole = np.arange(len(self._cutoffs) * customers)
        return None if np.array_equal(cells, whole) else cells

    def _asked(self, grid: npt.NDArray[_Number]) -> npt.NDArray[_Number]:
        """Of numbers, cutoffs by customers, those of the snapshots."""
        return grid.ravel() if self._cells is None else grid.ravel().take(self._cells)

    def _ranges(self, within: Lookback) -> tuple[IntArray, IntArray]:
        """The first instant of the window before each cutoff, and the first after it."""
        start, end = within.start, within.end
        cutoffs = self._cutoffs.tolist()
        return np.array([start(one) for one in cutoffs]), np.array([end(one) for one in cutoffs])

    def _view(self, which: Which) -> View:
        """The view with only the events that have the flag."""
        name, flag = which
        if flag is None:
            return self._views[name]
        if which not in self._filtered:
            self._filtered[which] = _filtered(self._views[name], flag, self._columns_asked[which])
        return self._filtered[which]

    def _owner(self, which: Which) -> IntArray:
        """Whose each event is."""
        if which not in self._owners:
            offsets = self._view(which).offsets
            self._owners[which] = np.repeat(np.arange(len(offsets) - 1), np.diff(offsets))
        return self._owners[which]

    def _instants(self, which: Which) -> tuple[IntArray, IntArray]:
        """For each event the places of the first and last one of the same customer and instant; 0 for a view without any."""
        if which not in self._edges:
            owner, time = self._owner(which), self._view(which).time
            fresh = np.flatnonzero((time[1:] != time[:-1]) | (owner[1:] != owner[:-1])) + 1
            edges = np.concatenate([[0], fresh, [max(len(time), 1)]])
            length = np.diff(edges)
            self._edges[which] = np.repeat(edges[:-1], length), np.repeat(edges[1:] - 1, length)
        return self._edges[which]

    def _place(self, which: Which, days: int | None) -> IntArray:
        """For each snapshot, the place of the customer's first event so many days before the cutoff or later; None is any."""
        if days is None and (which, None) not in self._places:
            self._places[which, None] = self._view(which).offsets.take(self._customer)
        elif (which, days) not in self._places:
            self._find_places(which)
        return self._places[which, days]

    def _find_places(self, which: Which) -> None:
        """All places that will be asked for: events are counted by customer and stretch between two moments, then added up."""
        view = self._view(which)
        moments = {days: self._cutoffs - days * DAY for days in self._offsets_asked[which]}
        whole = np.unique(np.concatenate(list(moments.values())))
        customers = len(view.offsets) - 1
        place = counted_before(self._owner(which), customers, passed(whole, view.time), len(whole))
        place += view.offsets[:-1]
        for days, each in moments.items():
            self._places[which, days] = self._asked(place[np.searchsorted(whole, each)])

    def _column(self, one: Measure) -> str:
        """The column that a measure reads."""
        assert one.value is not None  # noqa: S101  # the declaration refuses such a measure without a value
        return one.value

    def _parts(self, one: Measure) -> int:
        """How many whole parts make one unit of the measure's column."""
        return self._views[one.view].parts[self._column(one)]

    def _known(self, which: Which, column: str) -> tuple[IntArray, IntArray, IntArray]:
        """Whose the known values of a column are, when they were, and the values."""
        view = self._view(which)
        known = view.columns[column] != MISSING
        return self._owner(which)[known], view.time[known], view.columns[column][known]

    def _numbers(self, one: Measure) -> Ranked:
        """The measure's column, sorted by size."""
        which, column = (one.view, one.where), self._column(one)
        if (which, column) not in self._ranked:
            customers = len(self._view(which).offsets) - 1
            self._ranked[which, column] = Ranked.of(*self._known(which, column), customers)
        return self._ranked[which, column]

    def _counts(self, one: Measure) -> Counts:
        """How often each category occurs in the measure's window before each cutoff."""
        which, column = (one.view, one.where), self._column(one)
        if (which, column) not in self._grouped:
            customers = len(self._view(which).offsets) - 1
            self._grouped[which, column] = Grouped.of(*self._known(which, column), customers)
        if (which, column, one.within) not in self._counted:
            counted = self._grouped[which, column].count(*self._ranges(one.within))
            self._counted[which, column, one.within] = counted
        return self._counted[which, column, one.within]

    def _sums(self, which: Which, column: str, kind: str) -> IntArray | None:
        """Running sums of known values, their squares or their number; wrapped at 64 bits, differences are exact.

        None stands for the number where every value is known: it is that of the events.
        """
        key = (which, column, kind)
        if key not in self._prefix:
            values = self._view(which).columns[column]
            known = values != MISSING
            if kind == "count":
                self._prefix[key] = None if known.all() else running(known)
            else:
                summed = np.where(known, values, 0)
                self._prefix[key] = running(summed * summed if kind == "square" else summed)
        return self._prefix[key]

    def _sum(self, one: Measure, kind: str) -> IntArray:
        """The same in the measure's window before each snapshot's cutoff."""
        within = one.within
        return self._up_to(one, kind, within.until_days) - self._up_to(one, kind, within.days)

    def _up_to(self, one: Measure, kind: str, days: int | None) -> IntArray:
        which, column = (one.view, one.where), self._column(one)
        key = (which, column, kind, days)
        if key not in self._looked_up:
            sums = self._sums(which, column, kind)
            place = self._place(which, days)
            self._looked_up[key] = place if sums is None else sums.take(place)
        return self._looked_up[key]

    def _measure(self, one: Measure) -> FloatArray:  # noqa: PLR0911  # one return a kind of aggregation
        """One measure from the events in the window before each snapshot's cutoff."""
        which = (one.view, one.where)
        view = self._view(which)
        low, high = self._place(which, one.within.days), self._place(which, one.within.until_days)
        if one.how is How.SINCE_LAST:
            return _days_since(view.time, high - 1, high > low, self._cutoff)
        if one.how is How.SINCE_FIRST:
            return _days_since(view.time, low, high > low, self._cutoff)
        if one.value is None:
            return (high - low).astype(np.float64)
        if one.how is How.FIRST:
            # Only the first event's own instant is left of the window; of several then the smallest counts.
            ends = self._instants(which)[1] + 1
            high = np.where(high > low, ends[np.minimum(low, len(ends) - 1)], low)
            return self._extreme(one, How.MIN, low, high)
        if one.how is How.LAST:
            # Likewise; of several at the last instant the largest counts.
            begins = self._instants(which)[0]
            low = np.where(high > low, begins[np.maximum(high - 1, 0)], high)
            return self._extreme(one, How.MAX, low, high)
        if one.how in (How.MIN, How.MAX):
            return self._extreme(one, one.how, low, high)
        known = self._sum(one, "count")
        if one.how is How.COUNT:
            return known.astype(np.float64)
        parts = view.parts[one.value]
        total = self._sum(one, "sum")
        if one.how is How.SUM:
            return total.astype(np.float64) / parts
        with np.errstate(divide="ignore", invalid="ignore"):
            if one.how is How.MEAN:
                return np.where(known > 0, total.astype(np.float64) / known / parts, np.nan)
            return deviation(known, total, self._sum(one, "square")) / parts

    def _extreme(self, one: Measure, how: How, low: IntArray, high: IntArray) -> FloatArray:
        """The smallest or largest known value of each stretch ``low:high`` of the measure's column."""
        which, column = (one.view, one.where), self._column(one)
        key = (which, column, how)
        if key not in self._extremes:
            view = self._view(which)
            what = np.minimum if how is How.MIN else np.maximum
            longest = int(np.diff(view.offsets).max(initial=0))
            self._extremes[key] = Extremes.of(view.columns[column], what, longest)
        return self._extremes[key].between(low, high) / self._parts(one)


def deviation(count: IntArray, total: IntArray, squares: IntArray) -> FloatArray:
    """Sample standard deviation from exact sums, without the cancellation of the usual short formula.

    With ``m = total // count`` and ``r = total - count * m``, the squared distances from ``m`` are
    ``squares - 2 m total + count m^2 = squares - m (total + r)``: a whole number that 64-bit arithmetic gives exactly even
    where its terms overflow. What is left is ``(that - r^2 / count) / (count - 1)``.

    >>> float(deviation(np.array([2]), np.array([4]), np.array([10]))[0])  # 1 and 3
    1.4142135623730951
    """
    enough = count > 1
    some = np.where(enough, count, 2)
    centre = total // some
    rest = total - some * centre
    distances = (squares - centre * (total + rest)).astype(np.float64)
    left = rest.astype(np.float64)
    return np.where(enough, np.sqrt(np.maximum(distances - left * left / some, 0.0) / (some - 1)), np.nan)


def _filtered(view: View, flag: str, wanted: Collection[str]) -> View:
    """The events whose flag says yes, with the wanted columns."""
    rows = np.flatnonzero(view.columns[flag] == 1)
    columns = {name: view.columns[name][rows] for name in wanted}
    return View(np.searchsorted(rows, view.offsets), view.time[rows], columns, view.parts)


def _days_since(time: IntArray, position: IntArray, there: BoolArray, cutoff: IntArray) -> FloatArray:
    """Days from the event at each position to the cutoff; NaN where there is none."""
    if not len(time):
        return np.full(len(position), np.nan)
    # Where there is none, any event will do until it is struck out.
    days = (cutoff - time.take(position, mode="clip")).astype(np.float64)
    days /= DAY
    np.copyto(days, np.nan, where=~there)
    return days
