"""Where the tables are: the source settings, and the files that a table is read from."""

from __future__ import annotations

import glob
from contextlib import suppress
from dataclasses import dataclass, field
from importlib.resources import files as package_files
from pathlib import Path, PurePosixPath, PureWindowsPath
from types import MappingProxyType
from typing import TYPE_CHECKING

from retain.errors import ConfigError, SourceError, did_you_mean
from retain.events.attributes import require_static
from retain.events.schemas import SCHEMAS
from retain.timeline import zone_named

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

FORMATS: Mapping[str, str] = MappingProxyType(
    {
        ".parquet": "parquet",
        ".pq": "parquet",
        ".csv": "csv",
        ".tsv": "csv",
        ".txt": "csv",
        ".jsonl": "jsonl",
        ".ndjson": "jsonl",
        ".json": "jsonl",
    }
)
"""File endings that are data, and how each is read; ``.gz`` may follow a text format's."""

DELIMITERS = (",", ";", "\t", "|")
"""What may part the fields of a CSV file."""

BUNDLED = "bundled:"
# No usual system takes longer ones.
_LONGEST_PATH = 4096
_CHOICES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "format": ("auto", "parquet", "csv", "jsonl"),
        "delimiter": ("auto", *DELIMITERS),
        "decimal": ("auto", ".", ","),
        "dates": ("auto", "day-first", "month-first"),
    }
)


@dataclass(frozen=True)
class TableSource:
    """Where one table is and how its columns and values translate into ours.

    Attributes:
        path: a file, a glob, a folder (every data file below it), or ``bundled:NAME`` for a file of the package.
        columns: ours to theirs; a column of ours that is not named is looked up under our own name.
        values: our column to ``{their value: our value}``; the empty value means "not known".
        format: ``auto`` goes by the file's ending.
        encoding: of text files; ``auto`` looks.
        delimiter: of CSV files.
        decimal: the mark before the decimals, of numbers that are text.
        dates: which number comes first in dates such as 05/06/2011.
        static: columns of customers that become features though nothing says when they were so, and what each holds.
    """

    path: str
    columns: Mapping[str, str] = field(default_factory=dict)
    values: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    format: str = "auto"
    encoding: str = "auto"
    delimiter: str = "auto"
    decimal: str = "auto"
    dates: str = "auto"
    static: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse a setting that means nothing."""
        if not self.path:
            raise ConfigError("A source table has an empty 'path'. Name a file, a glob or a folder.")
        for name, choices in _CHOICES.items():
            value = getattr(self, name)
            if value not in choices:
                raise ConfigError(f"{name} = '{value}' means nothing here. {did_you_mean(value, choices)}")


@dataclass(frozen=True)
class SourceSettings:
    """The tables and what holds for all of them.

    Attributes:
        tables: where each table is.
        base: the folder that relative paths start from.
        zone: where a time without an offset is read, an IANA name.
        money_exponent: decimal places of the currency's minor unit.
        max_bad_share: the share of bad rows in a table above which the run stops.
    """

    tables: Mapping[str, TableSource]
    base: Path = Path()
    zone: str = "UTC"
    money_exponent: int = 2
    max_bad_share: float = 0.05

    def __post_init__(self) -> None:
        """Refuse tables and columns that the contract does not know, and figures out of range."""
        for table, source in self.tables.items():
            if table not in SCHEMAS:
                raise ConfigError(f"[source.tables.{table}]: no such table. {did_you_mean(table, SCHEMAS)}")
            known = {*SCHEMAS[table].by_name, *source.static}
            require_static(table, source.static, source.columns)
            for key, names in (("columns", source.columns), ("values", source.values)):
                for name in names:
                    if name not in known:
                        raise ConfigError(
                            f"[source.tables.{table}] {key}: '{name}' is no column of {table}. "
                            f"{did_you_mean(name, known)}"
                        )
        zone_named(self.zone)
        if not 0 <= self.money_exponent <= 4:
            raise ConfigError(f"money_exponent is {self.money_exponent}; it has to be from 0 to 4.")
        if not 0 <= self.max_bad_share <= 1:
            raise ConfigError(f"max_bad_share is {self.max_bad_share}; it has to be from 0 to 1.")


@dataclass(frozen=True)
class SourceFile:
    """One file of a table.

    Attributes:
        path: where it is.
        shown: how messages and the quarantine name it: as the owner wrote it.
        format: ``parquet``, ``csv`` or ``jsonl``.
        partition: columns that the folders' names give, such as ``year=2024``.
    """

    path: str
    shown: str
    format: str
    partition: Mapping[str, str] = field(default_factory=dict)


def files_of(table: str, source: TableSource, base: Path) -> tuple[SourceFile, ...]:
    """The files that a table is read from, in the order of their names.

    Raises:
        ConfigError: the path is none.
        SourceError: there is none, or an ending says nothing about the format.
    """
    where = f"[source.tables.{table}] path"
    if "\0" in source.path:
        raise ConfigError(f"{where} holds a NUL character, which no path can.")
    if len(source.path) > _LONGEST_PATH:
        raise ConfigError(f"{where} has {len(source.path)} letters; no path is longer than {_LONGEST_PATH}.")
    try:
        return _files(source, base, where)
    except OSError as cause:
        raise SourceError(f"{where} = '{source.path}' cannot be looked up: {cause.strerror}.") from cause


def states_of(source: SourceSettings, tables: Iterable[str]) -> dict[str, str]:
    """Of every local file of these tables, as the owner wrote it, what changes when it does: size, time and place on the disk."""
    found = {}
    for table in tables:
        for one in files_of(table, source.tables[table], source.base):
            if "://" not in one.path:
                with suppress(OSError):  # gone, or not to be looked at: its reader will say so
                    state = Path(one.path).stat()
                    found[one.shown] = f"{state.st_size} {state.st_mtime_ns} {state.st_ino}"
    return found


def refuse_changes(before: Mapping[str, str], after: Mapping[str, str]) -> None:
    """Nothing, if the files are what they were when reading began.

    Raises:
        SourceError: one came, went or changed, so that what was read may be half of two states.
    """
    for one in sorted(before.keys() | after.keys()):
        if before.get(one) != after.get(one):
            what = "went" if one not in after else "changed" if one in before else "came"
            raise SourceError(
                f"'{one}' {what} while the tables were read, so what was read may be neither the old nor the new. "
                f"Run again when nothing writes there any more."
            )


def _files(source: TableSource, base: Path, where: str) -> tuple[SourceFile, ...]:
    if "://" in source.path:
        return (SourceFile(source.path, source.path, _format(source.path, source, where)),)
    if source.path.startswith(BUNDLED):
        named = source.path.removeprefix(BUNDLED)
        inside = Path(str(package_files("retain"))) / "examples" / "data" / named
        # Windows paths are refused everywhere, so that a config means the same on every system.
        outside = any(
            ".." in one.parts or one.anchor for one in (PurePosixPath(named), PureWindowsPath(named))
        )
        if outside or not inside.is_file():
            raise SourceError(f"{where} = '{source.path}': the package holds no such file.")
        return (SourceFile(str(inside), source.path, _format(source.path, source, where)),)
    found = base / source.path
    if found.is_dir():
        names = sorted(
            str(Path(source.path) / one.relative_to(found))
            for one in found.rglob("*")
            if _is_data(one, found)
        )
    elif found.is_file():
        names = [source.path]
    else:
        names = sorted(
            one
            for one in glob.glob(source.path, root_dir=base, recursive=True)  # noqa: PTH207 -- Path.glob refuses absolute patterns
            if (base / one).is_file()
        )
    if not names:
        what = "this folder holds no data file" if found.is_dir() else "no such file or folder"
        raise SourceError(f"{where} = '{source.path}': {what}. {_siblings(found)}".rstrip())
    return tuple(
        SourceFile(str(base / one), one, _format(one, source, where), _partition(one)) for one in names
    )


def _is_data(path: Path, root: Path) -> bool:
    hidden = any(part.startswith((".", "_")) for part in path.relative_to(root).parts)
    return not hidden and path.is_file() and _ending(path.name) in FORMATS


def _ending(name: str) -> str:
    return Path(name.lower().removesuffix(".gz")).suffix


def _format(name: str, source: TableSource, where: str) -> str:
    if source.format != "auto":
        return source.format
    if _ending(name) not in FORMATS:
        raise SourceError(
            f"{where}: the ending of '{name}' does not say what it is. Set format to parquet, csv or jsonl."
        )
    return FORMATS[_ending(name)]


def _partition(name: str) -> dict[str, str]:
    folders = Path(name).parent.parts
    return dict(part.split("=", 1) for part in folders if "=" in part)


def _siblings(path: Path) -> str:
    folder = path.parent
    if not folder.is_dir():
        return "Its folder does not exist either. Relative paths start from the config file's folder."
    near = [one.name for one in folder.iterdir() if not one.name.startswith(".")]
    return did_you_mean(path.name, near) if near and len(near) <= 30 else ""
