"""How a table writes decimals, dates and ids: found over all its rows, so that no split of the files changes it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from retain.errors import ContractError
from retain.events.casts import DAY_OR_MONTH, Habits, Shape
from retain.events.schemas import Kind
from retain.events.sql import literal, name

if TYPE_CHECKING:
    from collections.abc import Mapping

    import duckdb

    from retain.events.source import TableSource

# 12,5 and 1.234,56 can only have a decimal comma; 12.5 and 1,234.56 only a point; 1,234 and 1.234 may be either.
_COMMA = r"^[^,]*,(\d{1,2}|\d{4,})$|^[-+]?0,\d+$|\.\d{3},\d+$"
_POINT = r"^[^.]*\.(\d{1,2}|\d{4,})$|^[-+]?0\.\d+$|,\d{3}\.\d+$"
_EITHER = r"^[-+]?[1-9]\d{0,2},\d{3}$"


@dataclass(frozen=True)
class Found:
    """The habits, and what to tell the user about them.

    Attributes:
        habits: for reading.
        words: for the account of the table.
        warnings: choices that could be wrong.
    """

    habits: Habits
    words: tuple[str, ...]
    warnings: tuple[str, ...]


def find_habits(
    con: duckdb.DuckDBPyConnection,
    table: str,
    staged: str,
    columns: Mapping[str, tuple[Kind, Shape]],
    source: TableSource,
    *,
    semicolons: bool,
) -> Found:
    """The habits of a staged table.

    Args:
        con: holds the staged table.
        table: its name in the contract.
        staged: its quoted name in the database.
        columns: our columns with their kinds and shapes.
        source: settings that overrule what is seen.
        semicolons: fields are parted by semicolons, as where the comma marks decimals.

    Raises:
        ContractError: nothing tells whether dates begin with the day or the month.
    """
    text = {one: kind for one, (kind, shape) in columns.items() if shape is Shape.TEXT}
    numbers = [one for one, kind in text.items() if kind in (Kind.MONEY, Kind.NUMBER)]
    dates = [one for one, kind in text.items() if kind in (Kind.TIME, Kind.DATE)]
    keys = [one for one, kind in text.items() if kind is Kind.KEY]
    words: list[str] = []
    warnings: list[str] = []
    comma = source.decimal == ","
    if numbers and source.decimal == "auto":
        sure, point, either = _counts(
            con, staged, numbers, [_matches(one) for one in (_COMMA, _POINT, _EITHER)]
        )
        comma = sure > point or (sure == point == 0 and either > 0 and semicolons)
        if either and not sure and not point:
            meant = "a decimal comma" if comma else "thousands"
            warnings.append(
                f"{table}: numbers such as 1,234 were read with {meant}; set decimal if that is wrong."
            )
    if comma and numbers:
        words.append("decimal comma")
    month_first = source.dates == "month-first"
    if dates:
        first, second, slashed, dotted = _counts(
            con,
            staged,
            dates,
            [
                _dated(_part(1)),
                _dated(_part(2)),
                _dated(_matches(DAY_OR_MONTH)),
                _dated(_matches(DAY_OR_MONTH.replace("[./-]", "[.]"))),
            ],
        )
        if slashed:
            if source.dates == "auto":
                month_first = second > first
                if first == second and dotted < slashed:
                    raise ContractError(
                        f"{table}: nothing tells whether dates such as 05/06/2011 begin with the day or the month. "
                        f'Set dates = "day-first" or "month-first" in [source.tables.{table}].'
                    )
            words.append("month-first dates" if month_first else "day-first dates")
    whole = frozenset(one for one in keys if _whole_floats(con, staged, one))
    return Found(Habits(comma, month_first, whole), tuple(words), tuple(warnings))


def _matches(pattern: str) -> str:
    return f"regexp_matches(x, {literal(pattern)})"


def _dated(condition: str) -> str:
    """That condition for a date that does not begin with its year; most do, and are quickly told."""
    return f"CASE WHEN substr(x, 5, 1) = '-' THEN false ELSE {condition} END"


def _part(number: int) -> str:
    return f"TRY_CAST(regexp_extract(x, {literal(DAY_OR_MONTH)}, {number}) AS INTEGER) > 12"


def _counts(
    con: duckdb.DuckDBPyConnection, staged: str, columns: list[str], conditions: list[str]
) -> tuple[int, ...]:
    total = [0] * len(conditions)
    wanted = ", ".join(f"count(*) FILTER ({one})" for one in conditions)
    for column in columns:
        row = con.execute(f"SELECT {wanted} FROM (SELECT {name(column)} AS x FROM {staged})").fetchall()[0]
        total = [have + more for have, more in zip(total, row, strict=True)]
    return tuple(total)


def _whole_floats(con: duckdb.DuckDBPyConnection, staged: str, column: str) -> bool:
    if not con.execute(f"SELECT 1 FROM {staged} WHERE suffix({name(column)}, '.0') LIMIT 1").fetchall():
        return False
    row = con.execute(
        f"SELECT coalesce(bool_and(regexp_full_match(x, '-?\\d+(\\.0)?')), false) "
        f"FROM (SELECT {name(column)} AS x FROM {staged})"
    ).fetchall()[0]
    return bool(row[0])
