"""The definition: plain Python over one customer's events, obviously right, and slow.

Everything else is compared with this. It shares with the kernel only the declarations and the last arithmetic step
(``panel.combine`` and ``panel.weighted_log``), never a window, a sort or a sum.
"""

from __future__ import annotations

import math
import re
from collections import Counter, defaultdict
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np

from retain.engine.panel import Panel, Snapshots, combine, entropy, weighted_log
from retain.engine.streams import (
    STREAMS,
    Changed,
    Elapsed,
    Fresh,
    Money,
    Named,
    Number,
    Oldest,
    Plain,
    Share,
    Span,
    Step,
    Stream,
    Turn,
)
from retain.engine.views import GAP_PART, HOURS_A_BAND, ITEM_PARTS, number_parts
from retain.events.attributes import TABLE
from retain.events.store import MISSING
from retain.features.attributes import NO_YES
from retain.features.spec import Attribute, FeatureSet, Holds, How, Measure
from retain.timeline import DAY, MINUTE, zone_named

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from zoneinfo import ZoneInfo

    from retain.events.store import EventStore, EventTable

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class _Row:
    """One row of the orders table."""

    time: int
    known: int
    values: Mapping[str, int | float | str | None]


@dataclass(frozen=True)
class _Event:
    """One event of a view: its time, and whole parts, categories and flags by name (None: not known)."""

    time: int
    values: Mapping[str, int | None]


def compute(store: EventStore, features: FeatureSet, snapshots: Snapshots) -> Panel:
    """The features of these snapshots, each as it was known at its cutoff.

    Args:
        store: checked events.
        features: which columns.
        snapshots: which rows, in any order.

    Returns:
        The panel, its rows in the order asked for.
    """
    wanted = {int(one) for one in snapshots.customer}
    history = {name: _histories(table, wanted) for name, table in store.tables.items()}
    values = np.empty((len(snapshots), len(features.features)))
    for row, (customer, cutoff) in enumerate(zip(snapshots.customer, snapshots.cutoff, strict=True)):
        known = {
            name: [one for one in rows[int(customer)] if one.known < cutoff] for name, rows in history.items()
        }
        views = {**_views(known.get("orders", ()), store), **_stream_events(known)}
        for column, feature in enumerate(features.features):
            if isinstance(feature.formula, Attribute):
                values[row, column] = _attribute(feature.formula, known.get(TABLE, ()), int(cutoff))
                continue
            answer = combine(
                feature.formula,
                lambda one, views=views, cutoff=int(cutoff): np.array(  # type: ignore[misc]
                    [_measure(one, views[one.view], cutoff, store.money_exponent)]
                ),
            )
            values[row, column] = answer[0]
    return Panel(snapshots, features, values)


def _histories(table: EventTable, wanted: set[int]) -> dict[int, list[_Row]]:
    """Each wanted customer's rows of a table, as Python values."""
    rows: dict[int, list[_Row]] = {one: [] for one in wanted}
    for position in np.flatnonzero(np.isin(table.customer, sorted(wanted))):
        values: dict[str, int | float | str | None] = {}
        for name, column in table.columns.items():
            value = column.values[position].item()
            if column.levels is not None:
                value = column.levels[value] if value >= 0 else None
            elif value == MISSING or (isinstance(value, float) and math.isnan(value)):
                value = None
            values[name] = value
        row = _Row(int(table.time[position]), int(table.known[position]), values)
        rows[int(table.customer[position])].append(row)
    return rows


def _stream_events(known: Mapping[str, Sequence[_Row]]) -> dict[str, list[_Event]]:
    """The events of every stream of one customer, by time."""
    return {
        name: sorted(
            (
                event
                for row in known.get(stream.table, ())
                if (event := _event(stream, row, known[stream.table])) is not None
            ),
            key=lambda event: event.time,
        )
        for name, stream in STREAMS.items()
    }


def _event(stream: Stream, row: _Row, rows: Sequence[_Row]) -> _Event | None:
    """What a row tells in a stream, among the customer's rows of its table; None where it tells nothing."""
    time = row.time if stream.time is None else row.values.get(stream.time)
    if not isinstance(time, int):
        return None
    if stream.only is not None and row.values.get(stream.only[0]) != (stream.only[1] or 1):
        return None
    numbers = {name: _number_of(spec, row, rows) for name, spec in stream.numbers.items()}
    flags = {}
    for name, flag in stream.flags.items():
        number = numbers[flag.number]
        above = number is not None and (flag.least is None or number >= flag.least)
        flags[name] = int(above and number is not None and (flag.most is None or number <= flag.most))
    categories = {name: _hashed(row.values.get(column)) for name, column in stream.categories.items()}
    return _Event(time, {**numbers, **flags, **categories})


def _number_of(spec: Number, row: _Row, rows: Sequence[_Row]) -> int | None:
    """A number of a row, among the customer's rows of its table, in whole parts; None where not known."""
    if isinstance(spec, Span):
        start = row.time if spec.start is None else row.values.get(spec.start)
        end = row.values.get(spec.end)
        if not isinstance(start, int) or not isinstance(end, int):
            return None
        return (end - start) // MINUTE
    if isinstance(spec, Oldest):
        return _oldest(spec, row, rows)
    if isinstance(spec, Fresh | Elapsed | Turn):
        return _of_thing(spec, row, [one for one in rows if one.values[spec.by] == row.values[spec.by]])
    if isinstance(spec, Step | Changed):
        return _step(spec, row, rows)
    return _plain(spec, row)


def _plain(spec: Money | Named | Plain | Share, row: _Row) -> int | None:
    """A number that one row tells by itself."""
    value = row.values.get(spec.column)
    of = row.values.get(spec.of) if isinstance(spec, Share) else 1.0
    if value is None or of is None:
        return None
    if isinstance(spec, Money):
        return int(value)
    if isinstance(spec, Named):
        return int(re.sub(r"[\W_]", "", str(value).casefold()) == spec.word)
    return round(float(value) / float(of) * spec.parts)


def _oldest(spec: Oldest, row: _Row, rows: Sequence[_Row]) -> int | None:
    """How long ago the oldest thing began that is still open when everything until the row's instant has been told."""
    told = [one for one in rows if one.time <= row.time]
    begun = []
    for thing in {one.values[spec.by] for one in told}:
        mine = [one for one in told if one.values[spec.by] == thing]
        words = sorted((one.time, str(word)) for one in mine if (word := one.values[spec.column]) is not None)
        if not words or words[-1][1] not in spec.ends:
            begun.append(min(one.time for one in mine))
    return (row.time - min(begun)) // MINUTE if begun else None


def _of_thing(spec: Fresh | Elapsed | Turn, row: _Row, mates: Sequence[_Row]) -> int | None:
    """What a row is among those of the same thing: so long after the first, or what it says that the one before did not."""
    if isinstance(spec, Elapsed):
        return (row.time - min(one.time for one in mates)) // MINUTE
    if isinstance(spec, Turn):
        return _turn(spec, row, mates)
    told = []
    for place, one in enumerate(mates):
        value = one.values[spec.column]
        if value is not None:
            # Words are themselves; of yes and no, what is not known is no.
            told.append((one.time, value if isinstance(value, str) else int(value == 1), place))
    told.sort()
    mine = next((at for at, (_, _, place) in enumerate(told) if mates[place] is row), None)
    if mine is None:
        return None
    return int(mine == 0 or told[mine - 1][1] != told[mine][1])


def _turn(spec: Turn, row: _Row, mates: Sequence[_Row]) -> int:
    """1 if the thing is open after the row and was not before, -1 if it was and is not; one that says nothing is neither."""
    if row.values[spec.column] is None:
        return 0
    told = [one for one in mates if one.values[spec.column] is not None]
    told.sort(key=lambda one: (one.time, str(one.values[spec.column])))
    place = next(at for at, one in enumerate(told) if one is row)
    before = place == 0 or told[place - 1].values[spec.column] not in spec.ends
    return int(row.values[spec.column] not in spec.ends) - int(before)


def _step(spec: Step | Changed, row: _Row, rows: Sequence[_Row]) -> int | None:
    """How a column of a row differs from that of the row before; of one instant the smaller comes first, unknown ones at all."""

    def rank(one: _Row) -> tuple[Any, ...]:
        value = one.values.get(spec.column)
        return (one.time, value is not None, 0 if value is None else value)

    ordered = sorted(rows, key=rank)
    place = next(at for at, one in enumerate(ordered) if one is row)
    now = row.values.get(spec.column)
    before = ordered[place - 1].values.get(spec.column) if place else None
    if now is None or before is None:
        return None
    return int(now != before) if isinstance(spec, Changed) else int(now) - int(before)


def _views(rows: Iterable[_Row], store: EventStore) -> dict[str, list[_Event]]:
    """Orders, their lines and returns of one customer, by time."""
    zone = zone_named(store.zone)
    sales = [row for row in rows if row.values.get("kind") != "return"]
    returns = [row for row in rows if row.values.get("kind") == "return"]
    lines = [
        _Event(
            row.time,
            {
                "product": _hashed(row.values.get("product_id")),
                "category": _hashed(row.values.get("category")),
                "channel": _hashed(row.values.get("channel")),
                "store": _hashed(row.values.get("store_id")),
            },
        )
        for row in sales
    ]
    return {"orders": _orders(sales, 1, zone), "returns": _orders(returns, -1, zone), "lines": lines}


def _hashed(value: object) -> int | None:
    """A number for a category; equal categories get equal ones."""
    return None if value is None else hash(value)


def _orders(rows: Iterable[_Row], sign: int, zone: ZoneInfo) -> list[_Event]:
    """Rows joined to orders, with the gap to the order before and the local time of each."""
    groups: dict[object, list[_Row]] = defaultdict(list)
    for row in rows:
        order_id = row.values.get("order_id")
        groups[("at", row.time) if order_id is None else ("id", order_id)].append(row)
    events = []
    before: int | None = None
    for group in sorted(groups.values(), key=lambda one: min(row.time for row in one)):
        time = min(row.time for row in group)
        amount = _known_sum(row.values.get("amount") for row in group)
        discount = _known_sum(row.values.get("discount") for row in group)
        quantity = [row.values.get("quantity") for row in group]
        items = _known_sum(None if one is None else round(float(one) * ITEM_PARTS) for one in quantity)
        local = (_EPOCH + timedelta(microseconds=time)).astimezone(zone)
        values = {
            "amount": None if amount is None else sign * amount,
            "items": None if items is None else sign * items,
            "discount": discount,
            "gross": None if amount is None else amount + (discount or 0),
            "gap": None if before is None else time // GAP_PART - before,
            "hour": local.hour,
            "weekday": local.weekday(),
            "weekend": int(local.weekday() >= 5),
            "hour_band": local.hour // HOURS_A_BAND,
        }
        events.append(_Event(time, values))
        before = time // GAP_PART
    return events


def _known_sum(values: Iterable[int | float | str | None]) -> int | None:
    """Sum of the values that are known; None when none is."""
    known = [int(one) for one in values if one is not None]
    return sum(known) if known else None


def _attribute(formula: Attribute, rows: Sequence[_Row], cutoff: int) -> float:
    """A fact of a customer who has one row at most; not known where there is none."""
    value = rows[0].values.get(formula.column) if rows else None
    if value is None:
        return math.nan
    if formula.holds is Holds.NUMBER:
        return float(value)
    if formula.holds is Holds.CATEGORY:
        # A flag that is not known is held as -1.
        word = value if isinstance(value, str) else {0: NO_YES[0], 1: NO_YES[1]}.get(int(value))
        return float(formula.levels.index(word) + 1) if word in formula.levels else math.nan
    moment = value if isinstance(value, int) else _microseconds(str(value))
    return (cutoff - moment) / DAY if moment < cutoff else math.nan


def _microseconds(day: str) -> int:
    """Midnight of a calendar day, in UTC."""
    return (datetime.fromisoformat(day).replace(tzinfo=UTC) - _EPOCH) // timedelta(microseconds=1)


def _measure(  # noqa: C901, PLR0911  # one branch a kind of aggregation, as the definitions stand
    one: Measure, events: list[_Event], cutoff: int, money_exponent: int
) -> float:
    """One measure of one customer at one cutoff."""
    inside = [event for event in events if one.within.start(cutoff) <= event.time < one.within.end(cutoff)]
    if one.where is not None:
        inside = [event for event in inside if event.values[one.where] == 1]
    if one.how is How.SINCE_LAST:
        return float(cutoff - max(event.time for event in inside)) / DAY if inside else math.nan
    if one.how is How.SINCE_FIRST:
        return float(cutoff - min(event.time for event in inside)) / DAY if inside else math.nan
    if one.value is None:
        return float(len(inside))
    known = sorted(
        value for event in _at_the_end(one.how, inside) if (value := event.values[one.value]) is not None
    )
    if one.how is How.COUNT:
        return float(len(known))
    if one.how is How.DISTINCT:
        return float(len(set(known)))
    if one.how is How.SUM:
        return float(sum(known)) / number_parts(one.view, one.value, money_exponent)
    if not known:
        return math.nan
    if one.how is How.TOP_SHARE:
        return max(Counter(known).values()) / len(known)
    if one.how is How.ENTROPY:
        parts = sum(weighted_log(count) for count in Counter(known).values())
        return float(
            entropy(*(np.array([float(one)]) for one in (weighted_log(len(known)), parts, len(known))))[0]
        )
    if one.quantile is not None:
        return _quantile(one.quantile, known) / number_parts(one.view, one.value, money_exponent)
    return _of_numbers(one.how, known) / number_parts(one.view, one.value, money_exponent)


def _at_the_end(how: How, events: list[_Event]) -> list[_Event]:
    """The events of the first or the last instant, where only these count; else all."""
    if how not in (How.FIRST, How.LAST):
        return events
    times = [event.time for event in events]
    wanted = min(times, default=0) if how is How.FIRST else max(times, default=0)
    return [event for event in events if event.time == wanted]


def _of_numbers(how: How, known: list[int]) -> float:
    """Mean, deviation, smallest, largest or median of sorted whole numbers, of which there is one at least."""
    count = len(known)
    if how is How.MEAN:
        return float(sum(known)) / count
    if how in (How.MIN, How.FIRST):
        return float(known[0])
    if how in (How.MAX, How.LAST):
        return float(known[-1])
    if how is How.MEDIAN:
        return (float(known[(count - 1) // 2]) + float(known[count // 2])) / 2
    if count < 2:
        return math.nan
    centre = sum(known) // count
    rest = float(sum(known) - count * centre)
    distances = float(sum((value - centre) ** 2 for value in known))
    return math.sqrt(max(distances - rest * rest / count, 0.0) / (count - 1))


def _quantile(share: float, known: list[int]) -> float:
    """The number below which that share of sorted whole numbers lies; between two of them in proportion."""
    place = (len(known) - 1) * share
    below = math.floor(place)
    above = min(below + 1, len(known) - 1)
    return float(known[below]) + (place - below) * float(known[above] - known[below])
