"""Measures of any window before any cutoff, each as the difference of two look-ups in running sums."""

from __future__ import annotations

from collections import defaultdict
from functools import cached_property
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from retain.engine.exact import deviation, running_sums
from retain.engine.extremes import Extremes, Stretches
from retain.engine.panel import combine
from retain.engine.sorted_columns import Counts, Grouped, Ranked, passed, running
from retain.engine.views import View
from retain.events.store import MISSING
from retain.features.spec import BY_SIZE, CATEGORICAL, FeatureSet, How, Measure, measures
from retain.timeline import DAY

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    import numpy.typing as npt

    from retain.engine.exact import Sums
    from retain.events.store import IntArray
    from retain.timeline import Lookback

    FloatArray = npt.NDArray[np.float64]
    BoolArray = npt.NDArray[np.bool_]
    Which = tuple[str, str | None]
    """A view and the flag that its events have to have."""
    Ends = tuple[int | None, int]
    """How many days before a cutoff a window begins and ends."""

_Number = TypeVar("_Number", np.int64, np.float64)


class Asked:
    """What features read of their views, found once for all customers.

    Attributes:
        features: the columns.
        read: the views, and the columns and flags of each.
        days: of each view, how many days before a cutoff the windows begin or end that need no sorting of their events.
        columns: of each view with a flag or without, the columns that are read.
    """

    def __init__(self, features: FeatureSet) -> None:
        """What these features read."""
        self.features = features
        self.read: dict[str, set[str]] = defaultdict(set)
        days: dict[Which, set[int]] = defaultdict(set)
        self.columns: dict[Which, set[str]] = defaultdict(set)
        for one in (one for feature in features.features for one in measures(feature.formula)):
            self.read[one.view] |= {name for name in (one.value, one.where) if name is not None}
            if one.value is not None:
                self.columns[one.view, one.where].add(one.value)
            if one.how not in CATEGORICAL | BY_SIZE:
                ends = {one.within.until_days, one.within.days}
                days[one.view, one.where] |= {each for each in ends if each is not None}
        self.days = {which: tuple(sorted(each)) for which, each in days.items()}


class Windows:
    """Views at some snapshots, with whatever was made of them so far."""

    def __init__(self, views: Mapping[str, View], customer: IntArray, cutoff: IntArray, asked: Asked) -> None:
        """Nothing is computed yet.

        Args:
            views: of all that was known.
            customer: of each snapshot, its place in the views.
            cutoff: of each snapshot.
            asked: what will be asked for.
        """
        self._views = dict(views)
        self._customer, self._cutoff = customer, cutoff
        self._cutoffs, self._number = _told_apart(cutoff)
        self._wanted = asked
        self._filtered: dict[Which, View] = {}
        self._places: dict[tuple[Which, int | None], IntArray] = {}
        self._empty: dict[tuple[Which, Ends], BoolArray] = {}
        self._stretches: dict[tuple[Which, Ends], Stretches] = {}
        self._known_values: dict[tuple[Which, str], BoolArray | None] = {}
        self._prefix: dict[tuple[Which, str, str], Sums] = {}
        self._looked_up: dict[tuple[Which, str, str, int | None], Sums] = {}
        self._summed: dict[tuple[Which, str, str, Ends], Sums] = {}
        self._counts_known: dict[tuple[Which, str | None, Ends], FloatArray] = {}
        self._ranked: dict[tuple[Which, str], Ranked] = {}
        self._grouped: dict[tuple[Which, str], Grouped] = {}
        self._counted: dict[tuple[Which, str, Lookback], Counts] = {}
        self._edges: dict[Which, tuple[IntArray, IntArray]] = {}
        self._extremes: dict[tuple[Which, str, How], Extremes] = {}
        self._done: dict[Measure, FloatArray] = {}

    def values(self, columns: FloatArray) -> FloatArray:
        """The features, rows by columns; each column lies in one piece.

        Args:
            columns: takes them, columns by rows.
        """
        features = self._wanted.features.features
        for column, one in zip(columns, features, strict=True):
            if isinstance(one.formula, Measure) and one.formula not in self._done:
                self._done[one.formula] = column
                self._measure(one.formula, column)
            else:
                column[:] = combine(one.formula, self._measured)
        return columns.T

    def _measured(self, one: Measure) -> FloatArray:
        if one not in self._done:
            self._done[one] = np.empty(len(self._customer))
            self._measure(one, self._done[one])
        return self._done[one]

    @cached_property
    def _cells(self) -> IntArray | None:
        """Where each snapshot is among all pairs of a cutoff and a customer; None if it is all of these, in order."""
        customers = len(next(iter(self._views.values())).offsets) - 1
        cells = self._number * customers
        cells += self._customer
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
            self._filtered[which] = _filtered(self._views[name], flag, self._wanted.columns[which])
        return self._filtered[which]

    def _instants(self, which: Which) -> tuple[IntArray, IntArray]:
        """For each event the places of the first and last one of the same customer and instant; 0 for a view without any."""
        if which not in self._edges:
            owner, time = self._view(which).customer, self._view(which).time
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
        view, days = self._view(which), self._wanted.days[which]
        moments, place = np.unique(
            np.concatenate([self._cutoffs - one * DAY for one in days]), return_inverse=True
        )
        customers = len(view.offsets) - 1
        cell = passed(moments, view.time)
        cell *= customers
        cell += view.customer
        counts = np.bincount(cell, minlength=(len(moments) + 1) * customers).reshape(-1, customers)
        counts[0] += view.offsets[:-1]
        # Whole rows are added, each into where it will be read: a running sum along them would wait for each addition before the next.
        grid = np.empty((len(place), customers), dtype=np.int64)
        row, reached = counts[0], 0
        order = np.argsort(place, kind="stable").tolist()
        for here, moment in zip(order, place[order].tolist(), strict=True):
            if moment > reached:
                row, reached = np.add(row, counts[moment], out=grid[here]), moment
            else:
                grid[here] = row
        for each, found in zip(days, grid.reshape(len(days), -1), strict=True):
            self._places[which, each] = self._asked(found)

    def _bounds(self, one: Measure) -> tuple[IntArray, IntArray]:
        """For each snapshot where the measure's window begins among the events, and where it ends."""
        which = (one.view, one.where)
        return self._place(which, one.within.days), self._place(which, one.within.until_days)

    def _is_empty(self, one: Measure) -> BoolArray:
        """For which snapshots nothing is in the measure's window."""
        key = (one.view, one.where), _ends(one)
        if key not in self._empty:
            low, high = self._bounds(one)
            self._empty[key] = high <= low
        return self._empty[key]

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
        known = np.flatnonzero(view.columns[column] != MISSING)
        return view.customer.take(known), view.time.take(known), view.columns[column].take(known)

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

    def _are_known(self, which: Which, column: str) -> BoolArray | None:
        """Which values of a column are known; None where all are."""
        if (which, column) not in self._known_values:
            known = self._view(which).columns[column] != MISSING
            self._known_values[which, column] = None if known.all() else known
        return self._known_values[which, column]

    def _sums(self, which: Which, column: str, kind: str) -> Sums:
        """Running sums of known values, their squares or their number; wrapped at 64 bits, differences are exact."""
        key = (which, column, kind)
        if key not in self._prefix:
            values = self._view(which).columns[column]
            if kind == "count":
                self._prefix[key] = running(values != MISSING)
            else:
                known = self._are_known(which, column)
                summed = values if known is None else np.where(known, values, 0)
                self._prefix[key] = running_sums(summed, squares=kind == "square")
        return self._prefix[key]

    def _sum(self, one: Measure, kind: str) -> Sums:
        """The same in the measure's window before each snapshot's cutoff."""
        key = (one.view, one.where), self._column(one), kind, _ends(one)
        if key not in self._summed:
            low, high = self._sums_at(one, kind)
            self._summed[key] = high - low
        return self._summed[key]

    def _sums_at(self, one: Measure, kind: str) -> tuple[Sums, Sums]:
        """The running sums where the measure's window begins and where it ends."""
        which, column = (one.view, one.where), self._column(one)
        return (
            self._up_to(which, column, kind, one.within.days),
            self._up_to(which, column, kind, one.within.until_days),
        )

    def _up_to(self, which: Which, column: str, kind: str, days: int | None) -> Sums:
        key = (which, column, kind, days)
        if key not in self._looked_up:
            self._looked_up[key] = self._sums(which, column, kind).take(self._place(which, days))
        return self._looked_up[key]

    def _number_known(self, one: Measure, out: FloatArray | None = None) -> FloatArray:
        """How many values of the measure's column are known in its window, or how many events, if it has none; written there, too."""
        which = (one.view, one.where)
        column = None if one.value is None or self._are_known(which, one.value) is None else one.value
        key = which, column, _ends(one)
        if key in self._counts_known:
            if out is not None:
                out[:] = self._counts_known[key]
            return self._counts_known[key]
        found = np.empty(len(self._customer)) if out is None else out
        low, high = self._bounds(one) if column is None else self._sums_at(one, "count")
        np.subtract(high, low, out=found, casting="unsafe")
        self._counts_known[key] = found
        return found

    def _measure(self, one: Measure, out: FloatArray) -> None:
        """Write a measure of the events in the window before each snapshot's cutoff."""
        if one.how in CATEGORICAL:
            out[:] = self._asked(self._counts(one).summary(one.how))
        elif one.how in BY_SIZE:
            numbers, ranges = self._numbers(one), self._ranges(one.within)
            found = (
                numbers.median(*ranges) if one.quantile is None else numbers.quantile(one.quantile, *ranges)
            )
            np.divide(self._asked(found), self._parts(one), out=out)
        elif one.how in (How.SINCE_LAST, How.SINCE_FIRST):
            self._since(one, out)
        elif one.how in (How.FIRST, How.LAST):
            self._at_an_end(one, out)
        elif one.how in (How.MIN, How.MAX):
            self._extreme(one, out)
        elif one.how is How.COUNT:
            self._number_known(one, out)
        elif one.how is How.SUM:
            np.divide(self._sum(one, "sum"), self._parts(one), out=out)
        elif one.how is How.MEAN:
            self._mean(one, out)
        else:
            out[:] = deviation(self._number_known(one), self._sum(one, "sum"), self._sum(one, "square"))
            out /= self._parts(one)

    def _mean(self, one: Measure, out: FloatArray) -> None:
        """The mean of the known values; NaN where there is none."""
        known = self._number_known(one)
        with np.errstate(invalid="ignore"):
            np.divide(self._sum(one, "sum"), known, out=out)
        out /= self._parts(one)
        np.copyto(out, np.nan, where=known == 0)

    def _since(self, one: Measure, out: FloatArray) -> None:
        """Days from the first or last event of the window to the cutoff; NaN where there is none."""
        low, high = self._bounds(one)
        time = self._view((one.view, one.where)).time
        if not len(time):
            out[:] = np.nan
            return
        # Where there is none, any event will do until it is struck out.
        then = time.take(low if one.how is How.SINCE_FIRST else high - 1, mode="clip")
        np.subtract(self._cutoff, then, out=then)
        np.divide(then, DAY, out=out)
        np.copyto(out, np.nan, where=self._is_empty(one))

    def _extreme(self, one: Measure, out: FloatArray) -> None:
        """The smallest or largest known value of the window."""
        key = (one.view, one.where), _ends(one)
        if key not in self._stretches:
            self._stretches[key] = self._stretches_of(one, *self._bounds(one))
        self._extremes_of(one, one.how).of_each(self._stretches[key], out)

    def _at_an_end(self, one: Measure, out: FloatArray) -> None:
        """The value of the first or last event; only the events of that very instant are left of the window."""
        which = (one.view, one.where)
        low, high = self._bounds(one)
        begins, lasts = self._instants(which)
        if one.how is How.FIRST:
            # Of several at the first instant the smallest counts.
            high = np.where(high > low, lasts[np.minimum(low, len(lasts) - 1)] + 1, low)
            self._extremes_of(one, How.MIN).of_each(self._stretches_of(one, low, high), out)
        else:
            # Of several at the last instant the largest counts.
            low = np.where(high > low, begins[np.maximum(high - 1, 0)], high)
            self._extremes_of(one, How.MAX).of_each(self._stretches_of(one, low, high), out)

    def _stretches_of(self, one: Measure, low: IntArray, high: IntArray) -> Stretches:
        view = self._view((one.view, one.where))
        return Stretches.of(low, high, _most(view), len(view.time))

    def _extremes_of(self, one: Measure, how: How) -> Extremes:
        """The smallest or largest values of the measure's column."""
        which, column = (one.view, one.where), self._column(one)
        key = (which, column, how)
        if key not in self._extremes:
            view = self._view(which)
            what = np.fmin if how is How.MIN else np.fmax
            self._extremes[key] = Extremes.of(view.columns[column], self._parts(one), what, _most(view))
        return self._extremes[key]


def _told_apart(cutoff: IntArray) -> tuple[IntArray, IntArray]:
    """The cutoffs, ascending, and which of them each snapshot has; snapshots of one cutoff mostly follow each other."""
    fresh = np.flatnonzero(np.append(True, cutoff[1:] != cutoff[:-1]))
    cutoffs, number = np.unique(cutoff[fresh], return_inverse=True)
    return cutoffs, np.repeat(number, np.diff(np.append(fresh, len(cutoff))))


def _ends(one: Measure) -> Ends:
    """Of the measure's window; quicker to look up than the window itself."""
    return one.within.days, one.within.until_days


def _most(view: View) -> int:
    """How many events a customer has at most."""
    return int(np.diff(view.offsets).max(initial=0))


def _filtered(view: View, flag: str, wanted: Collection[str]) -> View:
    """The events whose flag says yes, with the wanted columns."""
    rows = np.flatnonzero(view.columns[flag] == 1)
    columns = {name: view.columns[name].take(rows) for name in wanted}
    return View(
        np.searchsorted(rows, view.offsets),
        view.time.take(rows),
        columns,
        view.parts,
        view.customer.take(rows),
    )
