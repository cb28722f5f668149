"""The table of export formats: one file and one line each, and whatever other packages add."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from retain.registry import Registry

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import pyarrow as pa


@dataclass(frozen=True)
class Format:
    """One way to write a table of scores.

    Attributes:
        name: what the user asks for.
        about: one sentence for the manual.
        write: puts the table, every row once and in its order, into one or more files in an empty folder. The same
            table gives the same bytes.
    """

    name: str
    about: str
    write: Callable[[pa.Table, Path], None]


def _csv() -> Format:
    from retain.exports import as_csv  # noqa: PLC0415 - nothing is imported before it is asked for

    return as_csv.FORMAT


def _parquet() -> Format:
    from retain.exports import as_parquet  # noqa: PLC0415 - nothing is imported before it is asked for

    return as_parquet.FORMAT


FORMATS: Registry[Format] = Registry("export format", "retain.exports", {"csv": _csv, "parquet": _parquet})
"""Every export format by its name."""
