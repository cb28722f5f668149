"""Which of a source's columns is which of ours."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from retain.errors import SourceError, did_you_mean
from retain.events.casts import Shape, shape_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from retain.events.readers import Reading
    from retain.events.schemas import Schema
    from retain.events.source import TableSource

# Of a file without a header the "names" are a customer's data, which belong in no message.
_NAME = re.compile(r"[^\W\d][\w .-]{0,39}")
_VALUE = re.compile(r"@|^[^\w]*\d|\d{4}")


@dataclass(frozen=True)
class Matched:
    """The columns of a table.

    Attributes:
        shapes: ours, in the contract's order, with the shape that all files can be brought to.
        theirs: for each file, ours to its own; a file may lack an optional column.
        missing: optional columns of ours that no file has.
    """

    shapes: Mapping[str, Shape]
    theirs: Sequence[Mapping[str, str]]
    missing: tuple[str, ...]


def match_columns(schema: Schema, source: TableSource, readings: Sequence[Reading]) -> Matched:
    """The source's columns by our names.

    Raises:
        SourceError: a required column is missing in a file, or a column that the config names in all of them; or a
            column that is read occurs twice.
    """
    theirs = [_found(schema, source, reading) for reading in readings]
    present = [one.name for one in schema.fields if any(one.name in found for found in theirs)]
    for ours, name in source.columns.items():
        if ours not in present:
            known = sorted({column for reading in readings for column in reading.columns})
            raise SourceError(
                f"[source.tables.{schema.name}] columns: {ours} = '{name}', but '{readings[0].file.shown}' has no "
                f"such column. {choices(name, known)}"
            )
    for reading, found in zip(readings, theirs, strict=True):
        for required in schema.required:
            if required not in found:
                wanted = source.columns.get(required, required)
                raise _missing(schema, required, wanted, reading, known=bool(found))
        for ours, name in found.items():
            if name.casefold() in reading.repeated:
                raise SourceError(
                    f"'{reading.file.shown}' has more than one column '{name}', which {schema.name} reads as {ours}. "
                    "Give each column a name of its own; letter case makes no difference."
                )
    shapes = {
        name: shape_of(
            schema[name].kind,
            (r.columns[found[name]] for r, found in zip(readings, theirs, strict=True) if name in found),
            mapped=name in source.values,
        )
        for name in present
    }
    missing = tuple(one.name for one in schema.fields if one.name not in present)
    return Matched(shapes, theirs, missing)


def _found(schema: Schema, source: TableSource, reading: Reading) -> dict[str, str]:
    pairs = (
        (field.name, named(source.columns.get(field.name, field.name), reading.columns))
        for field in schema.fields
    )
    return {ours: theirs for ours, theirs in pairs if theirs is not None}


def named(wanted: str, columns: Iterable[str]) -> str | None:
    """That column; where no other has the name in other letter case, case does not matter."""
    have = list(columns)
    if wanted in have:
        return wanted
    near = [one for one in have if one.casefold() == wanted.casefold()]
    return near[0] if len(near) == 1 else None


def _missing(schema: Schema, required: str, wanted: str, reading: Reading, *, known: bool) -> SourceError:
    problem = f"'{reading.file.shown}' has no column '{wanted}', which {schema.name} needs as {required}. "
    mend = f'Say which it is: [source.tables.{schema.name}] columns = {{ {required} = "..." }}'
    names, more = _listed(reading.columns)
    nameless = not names or any(map(_like_value, reading.columns))
    if reading.file.format == "csv" and not known and nameless:
        return SourceError(
            f"{problem}Its first line does not look like column names: put a line with the names above the rows. "
            f"If these are the names, say which is which in [source.tables.{schema.name}] columns."
        )
    near = choices(wanted, reading.columns)
    listed = f" It has: {', '.join(names)}{more}." if near.startswith("Did") else ""
    return SourceError(f"{problem}{near}{listed} {mend}")


def choices(wanted: str, columns: Iterable[str]) -> str:
    """What may have been meant; nothing that could be a value of somebody's row is shown."""
    names, more = _listed(columns)
    if not names:
        return "None of its columns has a plain name."
    near = did_you_mean(wanted, names)
    return near if near.startswith("Did") else f"Choose one of: {', '.join(names)}{more}."


def _listed(columns: Iterable[str]) -> tuple[list[str], str]:
    every = list(columns)
    names = sorted(one for one in every if _NAME.fullmatch(one) and not _like_value(one))
    left = len(every) - len(names)
    return names, f" and {left} more" if left else ""


def _like_value(column: str) -> bool:
    """Whether it is rather a date, a number or an address than a column's name."""
    return _VALUE.search(column) is not None
