"""From what a source holds to what we hold: SQL for each kind of column.

Values go through two steps. First every file's column is brought to one of four plain shapes (``Shape``), so that files
of one table may differ in type. Then, with habits found over the whole table, the shape becomes our value: instants as
UTC microseconds, money as whole minor units, identifiers as text.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from retain.events.schemas import Kind
from retain.events.sql import literal, trimmed

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

LARGEST_MONEY = 9_000_000_000_000_000
"""Minor units beyond this are no amount; sums of a whole table still fit 64 bits."""
LARGEST_NUMBER = 1_000_000_000_000
"""A quantity, rating or balance beyond this is a mistake, and would drown every sum that it enters."""

_WHOLE = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "UTINYINT", "USMALLINT", "UINTEGER")
NOTHING = ("nan", "NaN", "NAN", "null", "NULL", "None", "<NA>", "NaT", r"\N", "#N/A", "N/A", "NA")
_TRUE = ("true", "t", "yes", "y", "1", "1.0")
_FALSE = ("false", "f", "no", "n", "0", "0.0")
# Signs and codes of money that exports put beside the figure.
_CURRENCY = "[€$£¥₽₸₴₺₩₹ \u00a0\u2007\u2009\u202f'\u2019]"


class Shape(StrEnum):
    """What a column is held as between the two steps."""

    TEXT = "text"
    LOCAL = "local"
    """A timestamp without an offset."""
    INSTANT = "instant"
    """A timestamp with one."""
    DOUBLE = "double"


@dataclass(frozen=True)
class Habits:
    """How a table writes what can be written in more than one way.

    Attributes:
        decimal_comma: 12,5 is twelve and a half.
        month_first: 05/06 is the sixth of May.
        whole_floats: key columns in which 12345.0 is 12345.
    """

    decimal_comma: bool = False
    month_first: bool = False
    whole_floats: frozenset[str] = frozenset()


def shape_of(kind: Kind, types: Iterable[str], *, mapped: bool) -> Shape:
    """The shape that holds that kind of column from files with these types.

    Args:
        kind: of our column.
        types: the DuckDB type in each file.
        mapped: its values are translated, so they have to be text.
    """
    seen = set(types)
    if mapped or not seen:
        return Shape.TEXT
    if kind in (Kind.TIME, Kind.DATE):
        if all(one.startswith("TIMESTAMP") and not _is_local(one) for one in seen):
            return Shape.INSTANT
        if all(_is_local(one) for one in seen):
            return Shape.LOCAL
    # A 64-bit amount may be finer than a double; its digits are exact.
    fits = {"DOUBLE", *_WHOLE} if kind is Kind.NUMBER else {"DOUBLE", *_WHOLE} - {"BIGINT", "UBIGINT"}
    if kind in (Kind.MONEY, Kind.NUMBER) and seen <= fits:
        return Shape.DOUBLE
    return Shape.TEXT


def _is_local(kind: str) -> bool:
    return kind == "DATE" or (kind.startswith("TIMESTAMP") and "ZONE" not in kind and "TZ" not in kind)


def plain(expression: str, given: str, kind: Kind, shape: Shape) -> str:
    """SQL that brings a raw column to its shape; NULL is "not known".

    Args:
        expression: the raw column.
        given: its DuckDB type.
        kind: of our column.
        shape: to be held as.
    """
    if shape is Shape.LOCAL:
        return f"CAST({expression} AS TIMESTAMP)"
    if shape is Shape.INSTANT:
        return f"CAST({expression} AS TIMESTAMPTZ)"
    if shape is Shape.DOUBLE:
        double = f"CAST({expression} AS DOUBLE)"
        # Some writers put NaN where a figure is missing; for money that is refused instead of guessed.
        gaps = given == "DOUBLE" and kind is Kind.NUMBER
        return f"CASE WHEN isnan({double}) THEN NULL ELSE {double} END" if gaps else double
    if given in ("FLOAT", "DOUBLE"):
        return _float_text(expression, gap=kind is not Kind.MONEY)
    if given in _WHOLE:
        return f"CAST({expression} AS VARCHAR)"
    return trimmed(expression if given == "VARCHAR" else f"CAST({expression} AS VARCHAR)")


def translated(column: str, given: str, kind: Kind, values: Mapping[str, str]) -> str:
    """SQL that puts our words for the owner's into a plain text column, and NULL for words that mean nothing.

    Args:
        column: the quoted name of the plain column.
        given: the DuckDB type that it came from.
        kind: of our column.
        values: their value to ours.
    """
    if values:
        cases = " ".join(f"WHEN {literal(theirs)} THEN {literal(ours)}" for theirs, ours in values.items())
        return f"nullif(CASE {column} {cases} ELSE {column} END, '')"
    if kind is Kind.TEXT or given != "VARCHAR":
        return column
    return f"CASE WHEN {column} IN ({', '.join(map(literal, NOTHING))}) THEN NULL ELSE {column} END"


def _float_text(expression: str, *, gap: bool) -> str:
    """The shortest text of a float; a whole one has no decimals, for tables with gaps come with whole ids as floats."""
    return (
        f"CASE WHEN {'isnan(' + expression + ')' if gap else 'false'} THEN NULL "
        f"WHEN isfinite({expression}) AND {expression} = trunc({expression}) AND abs({expression}) < 1e18 "
        f"THEN CAST(CAST({expression} AS BIGINT) AS VARCHAR) ELSE CAST({expression} AS VARCHAR) END"
    )


def value(column: str, kind: Kind, shape: Shape, habits: Habits, *, zone: str, exponent: int) -> str:
    """SQL of our value from a column in its shape; NULL where it cannot be read.

    Args:
        column: the quoted name of the shaped column.
        kind: what it becomes.
        shape: what it is held as.
        habits: of the table.
        zone: where a time without an offset is read.
        exponent: decimal places of the minor unit.
    """
    if kind is Kind.TIME:
        return _instant(_moment(column, shape, habits, zone))
    if kind is Kind.DATE:
        return _day(column, shape, habits, zone)
    if kind is Kind.MONEY:
        return _money(column, shape, habits, exponent)
    if kind is Kind.NUMBER:
        number = _number(column, shape, habits)
        # Adding nought turns minus nought, which has other bytes, into nought.
        return f"CASE WHEN isfinite({number}) THEN {number} + 0.0 END"
    if kind is Kind.FLAG:
        yes, no = (", ".join(literal(one) for one in some) for some in (_TRUE, _FALSE))
        return f"CAST(CASE WHEN lower({column}) IN ({yes}) THEN 1 WHEN lower({column}) IN ({no}) THEN 0 END AS TINYINT)"
    return column


def _instant(moment: str) -> str:
    return f"CASE WHEN isfinite({moment}) THEN epoch_us({moment}) END"


def _moment(column: str, shape: Shape, habits: Habits, zone: str) -> str:
    if shape is Shape.INSTANT:
        return column
    if shape is Shape.LOCAL:
        return column if zone == "UTC" else f"({column} AT TIME ZONE {literal(zone)})"
    # The session's zone is the source's: a text without an offset is read in it.
    iso = iso_text(column, month_first=habits.month_first)
    return (
        f"coalesce(CASE WHEN regexp_matches({iso}, '^\\d{{4}}-') THEN TRY_CAST({iso} AS TIMESTAMPTZ) END, "
        f"{_worded(iso)} AT TIME ZONE {literal(zone)}, {_epoch(column)})"
    )


def _worded(iso: str) -> str:
    days = ("%Y-%m-%d", "%d-%b-%Y", "%d %b %Y", "%d %B %Y", "%b %d, %Y", "%B %d, %Y", "%d-%b-%y")
    clocks = ("", " %H:%M", " %H:%M:%S", " %I:%M %p", " %I:%M:%S %p")
    formats = ", ".join(literal(day + clock) for day in days for clock in clocks)
    # Given a word such as 'infinity' alone, strptime answers with a date.
    return f"CASE WHEN regexp_matches({iso}, '\\d') THEN try_strptime({iso}, [{formats}]) END"


def _epoch(column: str) -> str:
    """Seconds, milliseconds, microseconds or nanoseconds since 1970: the number of digits tells which."""
    units = ((10, "* 1000000"), (13, "* 1000"), (16, ""), (19, "// 1000"))
    cases = " ".join(
        f"WHEN regexp_full_match({column}, '\\d{{{digits}}}') "
        f"THEN make_timestamptz(CAST({column} AS BIGINT) {scale})"
        for digits, scale in units
    )
    return f"CASE {cases} END"


DAY_OR_MONTH = r"^(\d{1,2})[./-](\d{1,2})[./-](\d{4}|\d{2})(\D.*)?$"
"""A date that begins with its day or its month."""


def iso_text(column: str, *, month_first: bool) -> str:
    """SQL that writes a date of digits as year, month, day, whatever its order and marks were."""
    day, month = ("2", "1") if month_first else ("1", "2")
    short = DAY_OR_MONTH.replace(r"(\d{4}|\d{2})", r"(\d{2})")
    long = DAY_OR_MONTH.replace(r"(\d{4}|\d{2})", r"(\d{4})")
    # Two-digit years: 69 and later are the last century's, as POSIX has it.
    old = short.replace(r"(\d{2})", r"([7-9]\d|69)")
    tail = rf"-\{month}-\{day}\4"
    return (
        f"CASE WHEN substr({column}, 5, 1) = '-' THEN {column} "
        f"WHEN regexp_matches({column}, '^\\d{{4}}[./]') "
        f"THEN replace(replace(left({column}, 10), '/', '-'), '.', '-') || substr({column}, 11) "
        f"WHEN regexp_full_match({column}, '\\d{{8}}') "
        f"THEN left({column}, 4) || '-' || substr({column}, 5, 2) || '-' || right({column}, 2) "
        f"WHEN regexp_matches({column}, {literal(long)}) "
        f"THEN regexp_replace({column}, {literal(long)}, {literal(chr(92) + '3' + tail)}) "
        f"WHEN regexp_matches({column}, {literal(old)}) "
        f"THEN regexp_replace({column}, {literal(old)}, {literal('19' + chr(92) + '3' + tail)}) "
        f"WHEN regexp_matches({column}, {literal(short)}) "
        f"THEN regexp_replace({column}, {literal(short)}, {literal('20' + chr(92) + '3' + tail)}) "
        f"ELSE {column} END"
    )


def _day(column: str, shape: Shape, habits: Habits, zone: str) -> str:
    if shape is Shape.INSTANT:
        moment = f"({column} AT TIME ZONE {literal(zone)})"
    elif shape is Shape.LOCAL:
        moment = column
    else:
        iso = iso_text(column, month_first=habits.month_first)
        moment = (
            f"coalesce(CASE WHEN regexp_matches({iso}, '^\\d{{4}}-') THEN TRY_CAST({iso} AS TIMESTAMP) END, "
            f"{_worded(iso)})"
        )
    return f"CASE WHEN isfinite({moment}) THEN strftime({moment}, '%Y-%m-%d') END"


def _number(column: str, shape: Shape, habits: Habits) -> str:
    return column if shape is Shape.DOUBLE else f"TRY_CAST({_plain(column, habits)} AS DOUBLE)"


def _plain(column: str, habits: Habits) -> str:
    """SQL of the number with a decimal point and nothing between its digits; NULL if it is no number."""
    mark, group = (",", ".") if habits.decimal_comma else (".", ",")
    bare = f"regexp_replace({column}, {literal(_CURRENCY)}, '', 'g')"
    grouped = rf"^[-+]?(\d{{1,3}}([{group}]\d{{3}})+|\d*)([{mark}]\d*)?([eE][-+]?\d+)?$"
    careful = (
        f"CASE WHEN regexp_matches({bare}, {literal(grouped)}) "
        f"THEN replace(replace({bare}, {literal(group)}, ''), {literal(mark)}, '.') END"
    )
    simple = rf"[-+]?\d+([{mark}]\d+)?"
    quick = f"replace({column}, ',', '.')" if habits.decimal_comma else column
    return f"CASE WHEN regexp_full_match({column}, {literal(simple)}) THEN {quick} ELSE {careful} END"


def _money(column: str, shape: Shape, habits: Habits, exponent: int) -> str:
    """Whole minor units, half to even, from the decimal text.

    A product of doubles is right unless it falls next to a half or is very large; only then the slower exact decimal
    is taken, which for a double is the shortest text that names it: 1.005 is a half, not 1.00499999999999989.
    """
    number = _number(column, shape, habits)
    text = f"CAST({column} AS VARCHAR)" if shape is Shape.DOUBLE else _plain(column, habits)
    scale = 10**exponent
    minor = f"({number} * {scale})"
    exact = f"TRY_CAST({text} AS DECIMAL(38, 18))"
    half = f"CAST(trunc({exact} * {scale}) AS HUGEINT)"
    rest = f"({exact} * {scale} - trunc({exact} * {scale}))"
    rounded = (
        f"({half} + CASE WHEN abs({rest}) > 0.5 OR (abs({rest}) = 0.5 AND {half} % 2 <> 0) "
        f"THEN CASE WHEN {exact} < 0 THEN -1 ELSE 1 END ELSE 0 END)"
    )
    return (
        f"CASE WHEN {number} IS NULL OR NOT isfinite({number}) OR abs({minor}) > {LARGEST_MONEY} THEN NULL "
        f"WHEN abs({minor}) < 1e12 AND abs({minor} - floor({minor}) - 0.5) > 0.001 "
        f"THEN CAST(round({minor}) AS BIGINT) ELSE CAST({rounded} AS BIGINT) END"
    )
