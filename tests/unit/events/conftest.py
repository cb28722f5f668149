"""Small sources written as text, and their stores."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pyarrow.parquet as pq
import pytest

from retain.events.load import read_events
from retain.events.source import SourceSettings, TableSource
from retain.timeline import instant

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from retain.events.store import EventStore

NOW = instant("2024-01-01")


class Shop:
    """A folder in which a test puts tables, and the store read from it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.quarantine = folder / "quarantine"
        self.tables: dict[str, TableSource] = {}

    def csv(self, table: str, text: str, name: str = "", written: str = "utf-8", **source: Any) -> Shop:
        """Add a CSV table; blanks around the lines do not count."""
        return self.file(table, name or f"{table}.csv", _lines(text).encode(written), **source)

    def file(self, table: str, name: str, content: bytes, **source: Any) -> Shop:
        """Add a table of one file with that content."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        return self.at(table, source.pop("path", name), **source)

    def at(self, table: str, path: str, **source: Any) -> Shop:
        """Add a table that is there already."""
        self.tables[table] = TableSource(path, **source)
        return self

    def read(self, tables: list[str] | None = None, **settings: Any) -> EventStore:
        """The store; every row may be bad unless the test says otherwise."""
        source = SourceSettings(self.tables, self.folder, max_bad_share=1.0)
        return read_events(replace(source, **settings), quarantine=self.quarantine, now=NOW, tables=tables)

    def reasons(self, table: str = "orders", **settings: Any) -> Mapping[str, int]:
        """Why rows of that table were put aside."""
        return self.read(**settings).accounts[table].reasons

    def put_aside(self, table: str = "orders") -> list[dict[str, Any]]:
        """The rows of that table's quarantine."""
        rows: list[dict[str, Any]] = pq.read_table(self.quarantine / f"{table}.parquet").to_pylist()
        return rows


def _lines(text: str) -> str:
    return "\n".join(line.strip() for line in text.strip().splitlines()) + "\n"


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    """An empty shop."""
    return Shop(tmp_path)


@pytest.fixture
def texts() -> Callable[[EventStore, str, str], list[str | None]]:
    """A text column's values, row by row."""

    def values(store: EventStore, table: str, column: str) -> list[str | None]:
        held = store.tables[table].columns[column]
        assert held.levels is not None
        return [None if code < 0 else str(held.levels[code]) for code in held.values]

    return values
