"""The events of all shards as one store: its rows are mapped from disk, so that memory holds what is looked at."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from retain.events.assemble import objects
from retain.events.store import Column, EventStore, EventTable

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from retain.events.store import AnyArray

_LEFT_OUT = frozenset((table, "text") for table in ("feedback", "tickets"))
"""What customers wrote stays in the shards: it is read there, and what it says is in other columns."""
_OWN = ("customer", "time", "known")


def gathered(
    stores: Iterable[EventStore], outline: EventStore, folder: Path
) -> tuple[EventStore, tuple[int, ...]]:
    """One store of all customers, without their texts, and where the customers of each shard begin in it.

    Args:
        stores: of all shards, in the order of their customers.
        outline: a store with their tables, columns, accounts and warnings.
        folder: takes the rows, as long as the store is used.
    """
    folder.mkdir()
    tables = {name: _Table(folder / name, name, table) for name, table in outline.tables.items()}
    ids: list[pa.Array] = []
    invalid: dict[str, str] = {}
    begins = [0]
    for store in stores:
        for name, table in store.tables.items():
            tables[name].add(table, begins[-1])
        ids.append(pa.array(store.customer_ids, pa.large_string()))
        begins.append(begins[-1] + len(store.customer_ids))
        invalid.update(store.invalid)
    return EventStore(
        customer_ids=objects(pa.chunked_array(ids, pa.large_string())),
        tables=MappingProxyType({name: one.all() for name, one in tables.items()}),
        accounts=outline.accounts,
        invalid=MappingProxyType(invalid),
        warnings=outline.warnings,
        money_exponent=outline.money_exponent,
        zone=outline.zone,
    ), tuple(begins)


@dataclass
class _Table:
    """The rows of one table on disk, a file a column."""

    folder: Path
    table: str
    model: EventTable
    rows: int = 0
    levels: dict[str, list[tuple[int, pa.Array]]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.folder.mkdir()
        for one in (*_OWN, *self.files.values()):
            (self.folder / one).touch()

    @cached_property
    def files(self) -> dict[str, str]:
        """The file of each column; the name of an attribute may hold what no file's name can."""
        kept = (name for name in self.model.columns if (self.table, name) not in _LEFT_OUT)
        return {name: f"column-{place}" for place, name in enumerate(kept)}

    def add(self, table: EventTable, first: int) -> None:
        """The rows of the next shard, whose customers begin with that number."""
        self._append("customer", table.customer + first)
        self._append("time", table.time)
        self._append("known", table.known)
        for name, file in self.files.items():
            one = table.columns[name]
            self._append(file, one.values)
            if one.levels is not None:
                self.levels.setdefault(name, []).append((self.rows, pa.array(one.levels, pa.large_string())))
        self.rows += len(table)

    def all(self) -> EventTable:
        """All rows that were added."""
        columns = {}
        for name, file in self.files.items():
            values = self._mapped(file, self.model.columns[name].values.dtype)
            levels = None if self.model.columns[name].levels is None else self._common(name, values)
            columns[name] = Column(values, levels)
        customer, time, known = (
            self._mapped(one, np.dtype(np.int64)).astype(np.int64, copy=False) for one in _OWN
        )
        return EventTable(customer, time, known, MappingProxyType(columns))

    def _append(self, name: str, values: AnyArray) -> None:
        with (self.folder / name).open("ab") as out:
            np.ascontiguousarray(values).tofile(out)

    def _mapped(self, name: str, kind: np.dtype[Any]) -> AnyArray:
        # Of nothing there is no map.
        return np.memmap(self.folder / name, kind, "r+") if self.rows else np.empty(0, kind)

    def _common(self, name: str, codes: AnyArray) -> np.ndarray[tuple[int, ...], np.dtype[np.object_]]:
        """The texts of all shards in code-point order; the codes are theirs then."""
        shards = self.levels.get(name, [])
        every = pc.unique(pa.chunked_array([one for _, one in shards], pa.large_string()))
        every = every.take(pc.sort_indices(every))
        ends = [*(begin for begin, _ in shards[1:]), self.rows]
        for (begin, levels), end in zip(shards, ends, strict=bool(shards)):
            # One place more than there are texts, for the code -1 of what is not known.
            place = np.append(np.asarray(pc.index_in(levels, value_set=every)).astype(np.int32), np.int32(-1))
            codes[begin:end] = place[codes[begin:end]]
        return objects(every)
