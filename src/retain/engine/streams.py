"""Events beside orders, each told by one time column of one table: sent, opened, clicked, resolved, delivered late.

A fact with a time of its own is an event of its own at that time. That is what keeps the future out: a mail that is
opened after the cutoff has been sent, and nothing else is known of it yet.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from retain.engine.order import by_customer
from retain.events.schemas import SCHEMAS
from retain.events.store import MISSING, EventTable
from retain.features.columns import CHANNELS
from retain.timeline import DAY, MINUTE

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    import numpy.typing as npt

    from retain.events.store import Column, IntArray

    BoolArray = npt.NDArray[np.bool_]

_NEVER = np.iinfo(np.int64).max
SPAN_PARTS = 60
"""Spans are held in minutes and told in hours."""
TERM_PARTS = 100
"""Terms are held in hundredths of a month."""
SCALE_PARTS = 1_000
"""Ratings are held in thousandths of the best possible one."""


@dataclass(frozen=True)
class Plain:
    """A number column as it is, in whole units."""

    column: str
    parts: int = 1


@dataclass(frozen=True)
class Share:
    """A number column over another, such as stars over the most there are."""

    column: str
    of: str
    parts: int = SCALE_PARTS


@dataclass(frozen=True)
class Span:
    """Time from one column to another, None being the table's own time; below 0 where the end came first."""

    start: str | None
    end: str
    parts: int = SPAN_PARTS


@dataclass(frozen=True)
class Money:
    """A money column; its parts are the currency's minor units."""

    column: str


@dataclass(frozen=True)
class Step:
    """By how much a money column differs from the customer's event before; not known for the first."""

    column: str


@dataclass(frozen=True)
class Changed:
    """1 where a category differs from that of the customer's event before, else 0; not known for the first."""

    column: str
    parts: int = 1


@dataclass(frozen=True)
class Fresh:
    """1 where a row says something else than the row before of the same thing, such as a ticket; 0 where it repeats it.

    The first row of a thing is 1. Rows that do not say anything are passed over; of a yes-or-no column they say no. Of rows of one
    instant the smaller value comes first.
    """

    column: str
    by: str
    parts: int = 1


@dataclass(frozen=True)
class Elapsed:
    """Time since the first row of the same thing, such as a ticket."""

    by: str
    parts: int = SPAN_PARTS


@dataclass(frozen=True)
class Oldest:
    """Time since the first row of the customer's oldest open thing, such as a ticket, once all rows of the instant are told.

    A thing is open from its first row on, as long as the last word that was said of it is none of those that end it; of rows of one
    instant the smaller word comes first. Not known where nothing is open.
    """

    column: str
    by: str
    ends: tuple[str, ...]
    parts: int = DAY // MINUTE


@dataclass(frozen=True)
class Named:
    """1 where a category is that word, 0 where it is another one; E-Mail and e_mail are ``email``."""

    column: str
    word: str
    parts: int = 1


@dataclass(frozen=True)
class Turn:
    """1 where a row opens its thing again, such as a ticket, -1 where it ends it, 0 where it leaves it as it was.

    A thing is open before its first row. Which words end it, and which of one instant comes last, is as in ``Oldest``.
    """

    column: str
    by: str
    ends: tuple[str, ...]
    parts: int = 1


Number: TypeAlias = Plain | Share | Span | Money | Step | Changed | Fresh | Elapsed | Oldest | Turn | Named


@dataclass(frozen=True)
class Flag:
    """Yes where a number of the stream is known and lies in ``[least, most]``, in its parts."""

    number: str
    least: int | None = None
    most: int | None = None


@dataclass(frozen=True)
class Stream:
    """One kind of event.

    Attributes:
        table: where it is told.
        time: the column that says when; None is the table's own time.
        only: a column and the text it has to hold, or None for a flag that has to be set.
        numbers: by name.
        flags: by name.
        categories: names to columns.
    """

    table: str
    time: str | None = None
    only: tuple[str, str | None] | None = None
    numbers: Mapping[str, Number] = field(default_factory=dict)
    flags: Mapping[str, Flag] = field(default_factory=dict)
    categories: Mapping[str, str] = field(default_factory=dict)

    def columns(self, number: str | None = None) -> Iterator[str]:
        """The columns that the stream itself, or one of its numbers, reads."""
        if number is None:
            yield from (one for one in (self.time, self.only and self.only[0]) if one is not None)
            return
        spec = self.numbers[number]
        read = {
            Share: ("column", "of"),
            Span: ("start", "end"),
            Fresh: ("column", "by"),
            Elapsed: ("by",),
            Oldest: ("column", "by"),
            Turn: ("column", "by"),
        }.get(type(spec), ("column",))
        own = SCHEMAS[self.table].time
        yield from (name for part in read if (name := getattr(spec, part)) is not None and name != own)

    def at_hand(self, there: frozenset[str]) -> frozenset[str] | None:
        """The columns of the view when the table has these; None where it cannot be told at all."""
        if not set(self.columns()) <= there:
            return None
        numbers = {name for name in self.numbers if set(self.columns(name)) <= there}
        flags = {name for name, flag in self.flags.items() if flag.number in numbers}
        return frozenset(
            numbers | flags | {name for name, column in self.categories.items() if column in there}
        )


_ABOUT = ("delivery", "price", "quality", "service")
_INTENTS = ("cancel", "refund", "threat_to_leave")
_BAD = -250
_VOICE_NUMBERS: Mapping[str, Number] = MappingProxyType(
    {
        "sentiment": Plain("sentiment", SCALE_PARTS),
        **{f"sentiment_{topic}": Plain(f"sentiment_{topic}", SCALE_PARTS) for topic in _ABOUT},
        **{f"intent_{intent}": Plain(f"intent_{intent}") for intent in _INTENTS},
    }
)
"""What ``retain.text`` makes of the text of a row."""
_VOICE_FLAGS: Mapping[str, Flag] = MappingProxyType(
    {
        "negative": Flag("sentiment", most=_BAD),
        **{f"{topic}_complaint": Flag(f"sentiment_{topic}", most=_BAD) for topic in _ABOUT},
        **{intent: Flag(f"intent_{intent}", least=1) for intent in _INTENTS},
    }
)
SPOKEN = frozenset(_VOICE_NUMBERS) | frozenset(_VOICE_FLAGS)
"""Numbers and flags of a stream that come from a text."""
_CHANNEL: Mapping[str, str] = MappingProxyType({"channel": "channel"})
_BY_CHANNEL: Mapping[str, Number] = MappingProxyType({one: Named("channel", one) for one in CHANNELS})
_THROUGH: Mapping[str, Flag] = MappingProxyType({f"by_{one}": Flag(one, least=1) for one in CHANNELS})
ENDS = ("resolved", "closed", "cancelled", "canceled")
"""States of a ticket in which nobody waits for the company."""
_ENTERED: Mapping[str, Flag] = MappingProxyType({"entered": Flag("fresh", least=1)})
"""Many logs repeat a ticket's state in every row: only the first of such rows enters it."""

STREAMS: Mapping[str, Stream] = MappingProxyType(
    {
        "tickets": Stream(
            "tickets",
            numbers=_VOICE_NUMBERS,
            flags=_VOICE_FLAGS,
            categories={"category": "category", "channel": "channel"},
        ),
        "first_responses": Stream(
            "tickets",
            "first_response_at",
            numbers={"wait": Span(None, "first_response_at")},
            flags={"within_hour": Flag("wait", most=60)},
        ),
        "resolutions": Stream(
            "ticket_events",
            only=("state", "resolved"),
            numbers={"fresh": Fresh("state", "ticket_id"), "hours": Elapsed("ticket_id")},
            flags=_ENTERED,
        ),
        "reopenings": Stream(
            "ticket_events",
            only=("reopened", None),
            numbers={"fresh": Fresh("reopened", "ticket_id")},
            flags=_ENTERED,
        ),
        "escalations": Stream(
            "ticket_events",
            only=("state", "escalated"),
            numbers={"fresh": Fresh("state", "ticket_id")},
            flags=_ENTERED,
        ),
        "breaches": Stream(
            "ticket_events",
            only=("breached_sla", None),
            numbers={"fresh": Fresh("breached_sla", "ticket_id")},
            flags=_ENTERED,
        ),
        "backlog": Stream(
            "ticket_events",
            numbers={"oldest": Oldest("state", "ticket_id", ENDS), "turn": Turn("state", "ticket_id", ENDS)},
            flags={"ended": Flag("turn", most=-1), "again": Flag("turn", least=1)},
        ),
        "feedback": Stream(
            "feedback",
            numbers={
                "rating": Share("rating", "rating_max"),
                "nps": Plain("nps"),
                "csat": Plain("csat"),
                **_VOICE_NUMBERS,
            },
            flags={
                **_VOICE_FLAGS,
                "low_rating": Flag("rating", most=400),
                "detractor": Flag("nps", most=6),
                "promoter": Flag("nps", least=9),
                "dissatisfied": Flag("csat", most=2),
            },
        ),
        "answers": Stream("feedback", "answered_at"),
        "messages": Stream("messages", numbers=_BY_CHANNEL, flags=_THROUGH, categories=_CHANNEL),
        "deliveries": Stream("messages", "delivered_at", categories=_CHANNEL),
        "opens": Stream("messages", "opened_at", numbers=_BY_CHANNEL, flags=_THROUGH, categories=_CHANNEL),
        "clicks": Stream("messages", "clicked_at", numbers=_BY_CHANNEL, flags=_THROUGH, categories=_CHANNEL),
        "bounces": Stream("messages", "bounced_at", categories=_CHANNEL),
        "spam": Stream("messages", "spam_at", categories=_CHANNEL),
        "unsubscribes": Stream("messages", "unsubscribed_at", categories=_CHANNEL),
        "parcels": Stream(
            "orders",
            "delivered_at",
            numbers={"delay": Span("promised_at", "delivered_at")},
            flags={"late": Flag("delay", least=1)},
        ),
        "payment_failures": Stream("orders", "payment_failed_at"),
        "contracts": Stream(
            "contracts",
            numbers={
                "price": Money("monthly_price"),
                "price_step": Step("monthly_price"),
                "plan_step": Changed("plan"),
                "term": Plain("term_months", TERM_PARTS),
            },
            flags={"plan_changed": Flag("plan_step", least=1)},
        ),
        "contract_ends": Stream("contracts", "ended_at", numbers={"price": Money("monthly_price")}),
    }
)
"""Every stream by the name of its view."""


@dataclass(frozen=True)
class Happenings:
    """A stream's events, sorted by customer and time.

    Attributes:
        customer: int64.
        time: int64 microseconds.
        columns: int64 each; numbers as whole parts (MISSING: not known), flags as 0 and 1, categories as codes.
        parts: how many parts make one unit of a number.
    """

    customer: IntArray
    time: IntArray
    columns: Mapping[str, IntArray]
    parts: Mapping[str, int]


def parts_of(spec: Number, money_exponent: int) -> int:
    """How many whole parts make one unit of that number."""
    return int(10**money_exponent) if isinstance(spec, Money | Step) else spec.parts


def happenings(stream: Stream, table: EventTable, money_exponent: int) -> Happenings:
    """The stream's events among these rows of its table."""
    time = _times(stream.time, table)
    there_is = _passing(stream, table, time)
    # Where a table tells of nothing else, its rows are taken as they are instead of being copied one by one.
    rows: slice | IntArray = slice(None) if there_is.all() else np.flatnonzero(there_is)
    if stream.time is not None:
        rows = np.flatnonzero(there_is)
        rows = rows.take(by_customer(table.customer.take(rows), time.take(rows)))
    there = stream.at_hand(frozenset(table.columns)) or frozenset()
    numbers = {name: _number(spec, table)[rows] for name, spec in stream.numbers.items() if name in there}
    columns = {
        **numbers,
        **{name: _flag(flag, numbers[flag.number]) for name, flag in stream.flags.items() if name in there},
        **{
            name: _category(table, column)[rows]
            for name, column in stream.categories.items()
            if name in there
        },
    }
    parts = {name: parts_of(stream.numbers[name], money_exponent) for name in numbers}
    return Happenings(table.customer[rows], time[rows], columns, parts)


def stream_columns(stream: Stream, read: Iterable[str]) -> set[str]:
    """The columns of its table that a stream needs for these of its own."""
    found = set(stream.columns())
    for name in read:
        if name in stream.categories:
            found.add(stream.categories[name])
        else:
            found.update(stream.columns(stream.flags[name].number if name in stream.flags else name))
    return found


def earliest(times: Iterable[str | None], table: EventTable) -> IntArray:
    """The first instant at which each row would show in streams with these time columns, were it known at once."""
    first = np.full(len(table), _NEVER)
    for one in times:
        time = _times(one, table)
        first = np.where(time != MISSING, np.minimum(first, time), first)
    return first


def hidden_rows(times: Iterable[str | None], table: EventTable, begun: IntArray | None) -> IntArray:
    """The places of the rows that became known later than they would show in streams with these time columns.

    Args:
        times: names of columns; None is the table's own time.
        table: any.
        begun: when each row would show besides.
    """
    late = np.zeros(len(table), dtype=bool) if begun is None else table.known > begun
    for one in times:
        time = _times(one, table)
        late |= (table.known > time) & (time != MISSING)
    return np.flatnonzero(late)


def _times(column: str | None, table: EventTable) -> IntArray:
    return table.time if column is None else table.columns[column].values.astype(np.int64, copy=False)


def _passing(stream: Stream, table: EventTable, time: IntArray) -> BoolArray:
    """Which rows have a time and hold what the stream asks for."""
    there: BoolArray = time != MISSING
    if stream.only is None:
        return there
    column, wanted = table.columns[stream.only[0]], stream.only[1]
    levels = [] if column.levels is None else column.levels.tolist()
    if wanted is not None and wanted not in levels:
        return np.zeros(len(table), dtype=bool)
    there &= column.values == (1 if wanted is None else levels.index(wanted))
    return there


def _number(spec: Number, table: EventTable) -> IntArray:
    """A number of every row in whole parts."""
    if isinstance(spec, Span):
        start, end = _times(spec.start, table), _times(spec.end, table)
        return np.where((start != MISSING) & (end != MISSING), (end - start) // MINUTE, MISSING)
    if isinstance(spec, Fresh | Elapsed | Oldest | Turn):
        return _of_things(spec, table)
    if isinstance(spec, Money | Named):
        return (
            table.columns[spec.column].values.astype(np.int64)
            if isinstance(spec, Money)
            else _named(spec, table)
        )
    if isinstance(spec, Step):
        now, before = _with_before(table, table.columns[spec.column].values.astype(np.int64))
        return np.where((now != MISSING) & (before != MISSING), now - before, MISSING)
    if isinstance(spec, Changed):
        now, before = _with_before(table, _category(table, spec.column))
        return np.where((now != MISSING) & (before != MISSING), (now != before).astype(np.int64), MISSING)
    value = table.columns[spec.column].values.astype(np.float64)
    if isinstance(spec, Share):
        value = value / table.columns[spec.of].values.astype(np.float64)
    known = np.isfinite(value)
    return np.where(known, np.rint(np.where(known, value, 0) * spec.parts).astype(np.int64), MISSING)


def _of_things(spec: Fresh | Elapsed | Oldest | Turn, table: EventTable) -> IntArray:
    """A number that hangs on the rows of the same thing."""
    if isinstance(spec, Oldest):
        return _oldest(spec, table)
    if isinstance(spec, Turn):
        return _turn(spec, table)
    return _fresh(spec, table) if isinstance(spec, Fresh) else _elapsed(spec, table)


def _fresh(spec: Fresh, table: EventTable) -> IntArray:
    """Which rows say something new of their thing."""
    column = table.columns[spec.column]
    value = (column.values == 1).astype(np.int64) if column.levels is None else _words(column)
    order, first = _things(table.columns[spec.by].values.astype(np.int64), table, table.time, value)
    order, first = order[value[order] >= 0], _first_known(first, value[order] >= 0)
    fresh = np.full(len(table), MISSING)
    fresh[order] = first
    fresh[order[1:]] |= value[order][1:] != value[order][:-1]
    return fresh


def _words(column: Column) -> IntArray:
    """The place of each row's word among all in their own order, -1 where there is none: codes have that in which they were met."""
    levels = np.empty(0, dtype=object) if column.levels is None else column.levels
    place = np.argsort(np.argsort(levels.astype(str), kind="stable"), kind="stable")
    return np.asarray(np.append(place, -1)[column.values.astype(np.int64)])


def _named(spec: Named, table: EventTable) -> IntArray:
    """Which rows hold the word, however it is spelt."""
    column = table.columns[spec.column]
    levels = [] if column.levels is None else column.levels.tolist()
    is_it = [int("".join(filter(str.isalnum, one.casefold())) == spec.word) for one in levels]
    return np.array([*is_it, MISSING])[column.values.astype(np.int64)]


def _oldest(spec: Oldest, table: EventTable) -> IntArray:
    """How old the customer's oldest open thing is at each row's instant."""
    order, first, is_open = _open_after(spec, table)
    if not len(order):
        return np.empty(0, dtype=np.int64)
    # Each open row keeps its thing open until the next row of the thing, or for ever.
    fresh = np.ones(len(table), dtype=bool)
    fresh[1:] = (table.time[1:] != table.time[:-1]) | (table.customer[1:] != table.customer[:-1])
    instant = np.cumsum(fresh) - 1
    last = np.searchsorted(table.customer, table.customer[order], side="right") - 1
    until = instant[last] + 1
    same = np.flatnonzero(~first[1:])
    until[same] = instant[order[same + 1]]
    begun = table.time[order][first][np.cumsum(first) - 1]
    oldest = _smallest(instant[order][is_open], until[is_open], begun[is_open], int(instant[-1]) + 1)[instant]
    return np.where(oldest == _NEVER, MISSING, (table.time - oldest) // MINUTE)


def _turn(spec: Turn, table: EventTable) -> IntArray:
    """Which rows end their thing, and which open it again."""
    order, first, is_open = _open_after(spec, table)
    before = np.ones(len(order), dtype=bool)
    before[1:] = is_open[:-1] | first[1:]
    turn = np.empty(len(order), dtype=np.int64)
    turn[order] = is_open.astype(np.int64) - before
    return turn


def _open_after(spec: Oldest | Turn, table: EventTable) -> tuple[IntArray, BoolArray, BoolArray]:
    """The rows one thing after the other, where a thing begins, and whether it is open once the row is told."""
    column = table.columns[spec.column]
    value = _words(column)
    order, first = _things(table.columns[spec.by].values.astype(np.int64), table, table.time, value)
    # A row that says nothing leaves its thing as it was: open, if nothing was said before.
    told = np.maximum.accumulate(np.where((value[order] >= 0) | first, np.arange(len(order)), 0))
    words = [] if column.levels is None else column.levels.tolist()
    ended = np.array([*(one in spec.ends for one in words), False])[column.values[order].astype(np.int64)]
    return order, first, ~ended[told]


def _smallest(low: IntArray, high: IntArray, value: IntArray, places: int) -> IntArray:
    """The smallest value of all stretches ``low:high`` that hold each place, _NEVER where none does.

    Two blocks whose length is a power of two cover a stretch; blocks are halved from the longest down.

    >>> _smallest(np.array([0, 1]), np.array([3, 4]), np.array([7, 5]), 5)[:4].tolist()
    [7, 5, 5, 5]
    """
    length = high - low
    size = np.frexp(length.astype(np.float64))[1] - 1
    found = np.full(places, _NEVER)
    for power in range(int(size[length > 0].max(initial=-1)), -1, -1):
        half = 2**power
        wider, found = found, found.copy()
        np.minimum(found[half:], wider[:-half], out=found[half:])
        mine = (size == power) & (length > 0)
        np.minimum.at(found, low[mine], value[mine])
        np.minimum.at(found, high[mine] - half, value[mine])
    return found


def _elapsed(spec: Elapsed, table: EventTable) -> IntArray:
    """How long after the first row of its thing each row is."""
    order, first = _things(table.columns[spec.by].values.astype(np.int64), table, table.time)
    begins = np.empty(len(table), dtype=np.int64)
    begins[order] = table.time[order][first][np.cumsum(first) - 1]
    return np.asarray((table.time - begins) // MINUTE)


def _things(thing: IntArray, table: EventTable, *by: IntArray) -> tuple[IntArray, BoolArray]:
    """The rows of each customer's things, one thing after the other, each in this order; and where a thing begins."""
    order = np.lexsort((*reversed(by), thing, table.customer))
    first = np.ones(len(order), dtype=bool)
    first[1:] = (thing[order][1:] != thing[order][:-1]) | (
        table.customer[order][1:] != table.customer[order][:-1]
    )
    return order, first


def _first_known(first: BoolArray, known: BoolArray) -> BoolArray:
    """Of the rows that are known, the first of each thing."""
    number = np.cumsum(first)[known]
    return np.diff(number, prepend=0) > 0


def _with_before(table: EventTable, value: IntArray) -> tuple[IntArray, IntArray]:
    """The value of each row and of the customer's row before; of one instant the smaller comes first, unknown ones at all."""
    order = np.lexsort((value, table.time, table.customer))
    before = np.full(len(value), MISSING)
    same = table.customer[order][1:] == table.customer[order][:-1]
    before[order[1:][same]] = value[order[:-1][same]]
    return value, before


def _flag(flag: Flag, number: IntArray) -> IntArray:
    least = np.iinfo(np.int64).min + 1 if flag.least is None else flag.least
    most = np.iinfo(np.int64).max if flag.most is None else flag.most
    inside: IntArray = ((number != MISSING) & (number >= least) & (number <= most)).astype(np.int64)
    return inside


def _category(table: EventTable, column: str) -> IntArray:
    codes: IntArray = table.columns[column].values.astype(np.int64)
    return np.where(codes >= 0, codes, MISSING)
