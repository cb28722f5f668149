"""The data contract as SQL: for each row the first reason why it cannot be used, or none."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

from retain.errors import did_you_mean
from retain.events.casts import LARGEST_NUMBER, value
from retain.events.schemas import Kind
from retain.events.sql import literal, name
from retain.timeline import DAY, instant

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import duckdb

    from retain.events.casts import Habits, Shape
    from retain.events.schemas import Field, Schema

FIRST_TIME = instant("1900-01-01")
LAST_TIME = instant("2200-01-01")
_A_CATEGORY = 2
"""A value that occurs less often than this may be somebody's name."""
_OPEN_END = instant("9999-01-01")

PLANNED = frozenset({"promised_at", "ended_at"})
"""Times that may lie in the future: they are plans."""

DEADLINES = frozenset({"promised_at"})
"""A bare day here is meant to its end: a parcel promised for the 12th is on time all through the 12th."""
OPEN_ENDED = frozenset({"ended_at"})
"""Times for which 9999-12-31 means "not yet"."""

ENDS: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {
        "orders": {"delivered_at": "ordered_at"},
        "feedback": {"answered_at": "given_at"},
        "tickets": {
            "first_response_at": "opened_at",
            "resolved_at": "opened_at",
            "closed_at": "opened_at",
        },
        "messages": dict.fromkeys(
            ("delivered_at", "opened_at", "clicked_at", "bounced_at", "spam_at", "unsubscribed_at"), "sent_at"
        ),
        "contracts": {"ended_at": "started_at"},
        "treatments": {"contacted_at": "assigned_at", "outcome_at": "assigned_at"},
    }
)
"""For each table: the end, and the beginning that it cannot come before."""

_UNREAD = {
    Kind.TIME: "is no time",
    Kind.DATE: "is no date",
    Kind.MONEY: "is no amount",
    Kind.NUMBER: "is no number",
    Kind.FLAG: "is neither yes nor no",
}


@dataclass(frozen=True)
class Rules:
    """What holds for all tables.

    Attributes:
        zone: where a time without an offset is read.
        exponent: decimal places of the minor unit.
        now: times later than a day after it are in the future.
    """

    zone: str
    exponent: int
    now: int


def checked_sql(
    schema: Schema, staged: str, shapes: Mapping[str, Shape], habits: Habits, rules: Rules
) -> str:
    """SQL of a staged table with our values and the first reason against each row.

    ``place`` counts the table's rows in the order of the files, from 0: rows are staged in that order.

    Args:
        schema: the table's contract.
        staged: quoted name of the staged table.
        shapes: its columns.
        habits: how it writes things.
        rules: what holds for all tables.
    """
    fields = [schema[one] for one in shapes]
    read = []
    for field in fields:
        column = name(field.name)
        if field.name in habits.whole_floats:
            column = f"regexp_replace({column}, '\\.0$', '')"
        sql = value(column, field.kind, shapes[field.name], habits, zone=rules.zone, exponent=rules.exponent)
        read.append(
            f"{sql} AS {name(field.name)}, {name(field.name)} IS NOT NULL AS {name(_given(field.name))}"
        )
    final = ", ".join(f"{_final(field, shapes, rules)} AS {name(field.name)}" for field in fields)
    if "kind" not in shapes and {"amount"} & set(shapes) and schema.name == "orders":
        final += ", CASE WHEN amount < 0 THEN 'return' ELSE 'sale' END AS kind"
    reasons = " ".join(
        f"WHEN {condition} THEN {literal(reason)}"
        for condition, reason in _conditions(schema, fields, shapes, rules)
    )
    return (
        f"SELECT file_no, place, {final}, CASE {reasons} ELSE NULL END AS reason "
        f"FROM (SELECT file_no, rowid AS place, {', '.join(read)} FROM {staged})"
    )


def _given(column: str) -> str:
    return f"{column} is given"


def _final(field: Field, shapes: Mapping[str, Shape], rules: Rules) -> str:
    column = name(field.name)
    if field.name in DEADLINES:
        return (
            f"CASE WHEN {_local(field.name, rules)} % {DAY} = 0 THEN {column} + {DAY - 1} ELSE {column} END"
        )
    if field.name in OPEN_ENDED:
        return f"CASE WHEN {column} < {_OPEN_END} THEN {column} END"
    if field.name == "kind":
        unsaid = "CASE WHEN amount < 0 THEN 'return' ELSE 'sale' END" if "amount" in shapes else "'sale'"
        return f"coalesce(lower({column}), {unsaid})"
    if field.name == "amount" and "kind" in shapes:
        return f"CASE WHEN lower(kind) = 'return' THEN -abs({column}) ELSE {column} END"
    return f"lower({column})" if field.allowed else column


def _conditions(
    schema: Schema, fields: list[Field], shapes: Mapping[str, Shape], rules: Rules
) -> Iterator[tuple[str, str]]:
    for field in fields:
        column = name(field.name)
        if field.required:
            yield f"NOT {name(_given(field.name))}", f"{field.name} is empty"
        if field.kind in _UNREAD:
            yield (
                f"{name(_given(field.name))} AND {column} IS NULL",
                f"{field.name} {_UNREAD[field.kind]}",
            )
        if field.kind in (Kind.TIME, Kind.DATE):
            yield from _time_conditions(field, rules)
        yield from _value_conditions(field)
    for end, begin in ENDS.get(schema.name, {}).items():
        if end in shapes and begin in shapes:
            yield _ends_early(end, begin, rules, returns="kind" in shapes), f"{end} is before {begin}"
    if "kind" in shapes and "amount" in shapes:
        yield "lower(kind) = 'sale' AND amount < 0", "amount is negative, but kind is sale"


def _value_conditions(field: Field) -> Iterator[tuple[str, str]]:
    column = name(field.name)
    if field.kind is Kind.NUMBER:
        yield f"abs({column}) > {LARGEST_NUMBER}", f"{field.name} is too large"
    if field.allowed:
        allowed = ", ".join(literal(one) for one in field.allowed)
        yield (
            f"lower({column}) NOT IN ({allowed})",
            f"{field.name} is none of: {', '.join(field.allowed)}",
        )
    if field.minimum is not None:
        yield f"{column} < {field.minimum:g}", f"{field.name} is below {field.minimum:g}"


def _time_conditions(field: Field, rules: Rules) -> Iterator[tuple[str, str]]:
    column = name(field.name)
    micros = column if field.kind is Kind.TIME else f"epoch_us(CAST({column} AS TIMESTAMP))"
    open_end = f" AND {micros} < {_OPEN_END}" if field.name in OPEN_ENDED else ""
    yield (
        f"{micros} < {FIRST_TIME} OR ({micros} >= {LAST_TIME}{open_end})",
        f"{field.name} is an impossible time: before 1900 or after 2200",
    )
    if field.name not in PLANNED and not field.planned:
        yield f"{micros} > {rules.now + DAY}", f"{field.name} is in the future"


def _local(column: str, rules: Rules) -> str:
    """Microseconds of the local clock, 0 at midnight when divided by a day."""
    return f"epoch_us(make_timestamptz({name(column)}) AT TIME ZONE {literal(rules.zone)})"


def _ends_early(end: str, begin: str, rules: Rules, *, returns: bool) -> str:
    """An end before its beginning; a bare day is not before a time on the same day."""
    early = (
        f"CASE WHEN {name(end)} < {name(begin)} "
        f"THEN {name(begin)} - {name(end)} >= {DAY} OR {_local(end, rules)} % {DAY} <> 0 ELSE false END"
    )
    # A return keeps the delivery date of what was once ordered.
    return f"({early}) AND lower(kind) IS DISTINCT FROM 'return'" if returns else early


def mark_duplicates(con: duckdb.DuckDBPyConnection, schema: Schema, checked: str, columns: list[str]) -> None:
    """Give all but one of the rows that name the same thing a reason.

    Which one stays is told by the rows' values, so the order of the source does not matter. An order line and its
    return may share their names. Lines without a name of their own are the same if every column is.

    Args:
        con: holds the checked table.
        schema: its contract.
        checked: its quoted name.
        columns: all of its columns that are ours.
    """
    order = ", ".join(name(one) for one in [*columns, "place"])
    named = [one for one in schema.identity if one in columns]
    if not named or named[0] != schema.identity[0]:
        return
    parts: list[tuple[list[str], str, str]] = []
    if named == list(schema.identity):
        apart = [*named, "kind"] if "kind" in columns else named
        given = " AND ".join(f"{name(one)} IS NOT NULL" for one in named)
        parts.append((apart, given, f"duplicate: another row has the same {' and '.join(named)}"))
    if len(schema.identity) > 1:
        unnamed = f"{name(schema.identity[0])} IS NOT NULL"
        if named == list(schema.identity):
            unnamed += f" AND {name(schema.identity[1])} IS NULL"
        parts.append((columns, unnamed, "duplicate: another row of the order is the same in every column"))
    for apart, given, reason in parts:
        by = ", ".join(name(one) for one in apart)
        con.execute(
            f"UPDATE {checked} SET reason = {literal(reason)} WHERE rowid IN ("
            f"SELECT rid FROM (SELECT rowid AS rid, row_number() OVER (PARTITION BY {by} ORDER BY {order}) AS n "
            f"FROM {checked} WHERE reason IS NULL AND {given} AND hash({by}) IN ("
            f"SELECT hash({by}) FROM {checked} WHERE reason IS NULL AND {given} GROUP BY 1 HAVING count(*) > 1"
            f")) WHERE n > 1)"
        )


def unknown_values_hint(
    con: duckdb.DuckDBPyConnection, schema: Schema, checked: str, columns: list[str]
) -> str:
    """How to map the values that the contract does not know; empty if there are none."""
    lines = []
    for field in schema.fields:
        if not field.allowed or field.name not in columns:
            continue
        allowed = ", ".join(literal(one) for one in field.allowed)
        rows = con.execute(
            f"SELECT {name(field.name)} AS v FROM {checked} WHERE reason IS NOT NULL AND v NOT IN ({allowed}) "
            # A wrongly mapped column may hold names or addresses, which belong in no message: only words of a
            # few letters that occur often enough to be a category are quoted.
            f"AND regexp_full_match(v, '[[:alpha:]][[:alpha:] _-]{{0,19}}') "
            f"GROUP BY v HAVING count(*) >= {_A_CATEGORY} ORDER BY count(*) DESC, v LIMIT 5"
        ).fetchall()
        pairs = ", ".join(f'"{row[0]}" = "{field.allowed[0]}"' for row in rows)
        if rows:
            near = did_you_mean(str(rows[0][0]), field.allowed)
            lines.append(
                f"{schema.name}.{field.name} holds values that are none of {', '.join(field.allowed)}. {near} "
                f"Map them: [source.tables.{schema.name}.values] {field.name} = {{ {pairs} }}"
            )
    return " ".join(lines)
