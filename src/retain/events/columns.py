"""Which of a source's columns is which of ours."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from retain.errors import SourceError, did_you_mean
from retain.events.casts import Shape, shape_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from retain.events.readers import Reading
    from retain.events.schemas import Schema
    from retain.events.source import TableSource


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
        SourceError: a required column is missing in a file, or a column that the config names in all of them.
    """
    theirs = [_found(schema, source, reading) for reading in readings]
    present = [one.name for one in schema.fields if any(one.name in found for found in theirs)]
    for ours, name in source.columns.items():
        if ours not in present:
            known = sorted({column for reading in readings for column in reading.columns})
            raise SourceError(
                f"[source.tables.{schema.name}] columns: {ours} = '{name}', but '{readings[0].file.shown}' has no "
                f"such column. {did_you_mean(name, known)}"
            )
    for reading, found in zip(readings, theirs, strict=True):
        for required in schema.required:
            if required not in found:
                raise _missing(schema, required, source.columns.get(required, required), reading)
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
        (field.name, _named(source.columns.get(field.name, field.name), reading.columns))
        for field in schema.fields
    )
    return {ours: theirs for ours, theirs in pairs if theirs is not None}


def _named(wanted: str, columns: Iterable[str]) -> str | None:
    """That column; where no other has the name in other letter case, case does not matter."""
    have = list(columns)
    if wanted in have:
        return wanted
    near = [one for one in have if one.casefold() == wanted.casefold()]
    return near[0] if len(near) == 1 else None


def _missing(schema: Schema, required: str, wanted: str, reading: Reading) -> SourceError:
    known = list(reading.columns)
    near = did_you_mean(wanted, known) if known else "It has no columns."
    listed = "" if near.startswith("Choose") or not known else f" It has: {', '.join(sorted(known))}."
    return SourceError(
        f"'{reading.file.shown}' has no column '{wanted}', which {schema.name} needs as {required}. {near}{listed} "
        f'Say which it is: [source.tables.{schema.name}] columns = {{ {required} = "..." }}'
    )
