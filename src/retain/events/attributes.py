"""Columns of customers beyond the contract that the configuration admits, and what each of them holds."""

from __future__ import annotations

from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING

from retain.errors import ConfigError, SourceError, did_you_mean
from retain.events.casts import DAY_OR_MONTH, NOTHING
from retain.events.columns import choices, named
from retain.events.schemas import SCHEMAS, Field, Kind
from retain.events.sql import literal, trimmed

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import duckdb

    from retain.events.readers import Reading
    from retain.events.schemas import Schema
    from retain.events.source import TableSource

TABLE = "customers"
"""The table whose columns may be admitted: it has one row a customer."""
AUTO = "auto"
KINDS: Mapping[str, Kind] = MappingProxyType(
    {"number": Kind.NUMBER, "category": Kind.TEXT, "date": Kind.TIME}
)
"""What the configuration may say that a column holds, besides ``auto``."""
NEVER = ("customer_id", "label", "label_at")
"""Columns that name the customer or tell the outcome."""

_TYPES = {"DATE": Kind.TIME, "BOOLEAN": Kind.TEXT, "UUID": Kind.TEXT}
_NUMBERS = ("INTEGER", "UINTEGER", "DECIMAL", "FLOAT", "DOUBLE")
_NUMBER = r"[-+]?(\d+([.,' ]\d+)*|[.,]\d+)([eE][-+]?\d+)?"
_DATE = r"\d{4}[-/.]\d{1,2}[-/.]\d{1,2}([ T].*)?"
_TOLD = 0.95
"""A text column holds numbers or dates if so many of its values are some; the rest go to the quarantine."""


def require_static(table: str, static: Mapping[str, str], columns: Mapping[str, str]) -> None:
    """Nothing, if these columns of that table may become features.

    Args:
        table: of the contract.
        static: the columns and what each holds.
        columns: our columns to theirs.

    Raises:
        ConfigError: the table has many rows a customer, a kind is none, or a column tells who it is or the outcome.
    """
    where = f"[source.tables.{table}.static]"
    if static and table != TABLE:
        raise ConfigError(f"{where}: only columns of {TABLE} can be static; other tables have times.")
    told = {columns.get(one, one).casefold(): one for one in NEVER}
    for name, kind in static.items():
        if kind not in (AUTO, *KINDS):
            raise ConfigError(f"{where} {name} = '{kind}': {did_you_mean(kind, (AUTO, *KINDS))}")
        ours = told.get(columns.get(name, name).casefold(), name)
        if ours in NEVER:
            raise ConfigError(f"{where} {name} is read as {ours}, which cannot be a feature. Leave it out.")
        if kind != AUTO and name in SCHEMAS[TABLE].by_name:
            raise ConfigError(
                f"{where} {name} = '{kind}': what {name} holds is part of the contract. Write '{AUTO}'."
            )


def with_attributes(
    con: duckdb.DuckDBPyConnection, schema: Schema, source: TableSource, readings: Sequence[Reading]
) -> Schema:
    """The table's contract with the columns that the configuration admits.

    Args:
        con: reads the files.
        schema: the contract.
        source: the admitted columns.
        readings: the files, opened.

    Raises:
        SourceError: no file has an admitted column.
    """
    extra: dict[str, Kind] = {}
    for name, kind in source.static.items():
        wanted = source.columns.get(name, name)
        having = [(one, theirs) for one in readings if (theirs := named(wanted, one.columns)) is not None]
        if not having:
            known = sorted({each for one in readings for each in one.columns})
            raise SourceError(
                f"[source.tables.{schema.name}.static]: '{readings[0].file.shown}' has no column '{wanted}'. "
                f"{choices(wanted, known)}"
            )
        if name not in schema.by_name:
            held = KINDS[kind] if kind != AUTO else _held(con, having, mapped=name in source.values)
            extra[name] = held
    return with_fields(schema, extra)


def with_fields(schema: Schema, kinds: Mapping[str, Kind]) -> Schema:
    """The contract with attributes of these names, each of its kind."""
    extra = (Field(one, kind, "An attribute without a time.", planned=True) for one, kind in kinds.items())
    return replace(schema, fields=(*schema.fields, *extra)) if kinds else schema


def fields_beyond(schema: Schema) -> dict[str, Kind]:
    """The attributes of a contract: what it has that the table's own does not."""
    return {one.name: one.kind for one in schema.fields if one.name not in SCHEMAS[schema.name].by_name}


def _held(con: duckdb.DuckDBPyConnection, having: Sequence[tuple[Reading, str]], *, mapped: bool) -> Kind:
    """What the column holds in all files together; translated values are words."""
    if mapped:
        return Kind.TEXT
    kinds = {_of_type(reading.columns[theirs]) for reading, theirs in having}
    if len(kinds) == 1 and None not in kinds:
        return next(one for one in kinds if one is not None)
    filled, numbers, dates = 0, 0, 0
    for reading, theirs in having:
        value = trimmed(f"CAST({reading.take(theirs)} AS VARCHAR)")
        row = con.execute(
            f"SELECT count(x), count(*) FILTER (regexp_full_match(x, {literal(_NUMBER)})), "
            f"count(*) FILTER (regexp_full_match(x, {literal(_DATE)}) OR regexp_matches(x, {literal(DAY_OR_MONTH)})) "
            f"FROM (SELECT {value} AS x FROM {reading.relation}) "
            f"WHERE x NOT IN ({', '.join(map(literal, NOTHING))})"
        ).fetchall()[0]
        filled, numbers, dates = filled + row[0], numbers + row[1], dates + row[2]
    if filled and dates >= _TOLD * filled:
        return Kind.TIME
    return Kind.NUMBER if filled and numbers >= _TOLD * filled else Kind.TEXT


def _of_type(given: str) -> Kind | None:
    """What DuckDB's type of a column says; None for texts."""
    if given.startswith("TIMESTAMP"):
        return Kind.TIME
    return Kind.NUMBER if given.endswith("INT") or given.startswith(_NUMBERS) else _TYPES.get(given)
