"""A source's checked events on disk, the customers in shards: memory is bounded by a shard, however many there are."""

from __future__ import annotations

import bisect
import dataclasses
import json
import os
import shutil
import time
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Self

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from retain import atomic
from retain.events.assemble import all_ids, objects, renumbered, sorted_table
from retain.events.attributes import fields_beyond, with_fields
from retain.events.checked import (
    MAIN_TABLES,
    check,
    connection,
    in_database,
    refuse_unusable,
    wanted_tables,
    warnings_of,
)
from retain.events.checks import Rules
from retain.events.content import Content, content_of
from retain.events.disk import in_our_words
from retain.events.load import only_invalid
from retain.events.schemas import SCHEMAS, Kind
from retain.events.source import refuse_changes, states_of
from retain.events.sql import literal, name
from retain.events.store import EventStore, TableAccount

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence
    from pathlib import Path

    import numpy.typing as npt

    from retain.events.checked import Checked
    from retain.events.schemas import Schema
    from retain.events.source import SourceSettings

MOST_SHARDS = 400
"""Each has a file that is open while rows are dealt out, and a system opens about a thousand."""
BATCH = 2**18
"""Rows that are dealt out at a time."""
_MANIFEST, _ROWS, _BAD = "spilled.json", "rows", "bad"
_MANY_ROWS, _ONE_IN = 5_000_000, 16
"""Of so many rows one customer in sixteen is enough to see where the shards have to be cut."""
_FEW = 1000
_ONLY_WHO = ("customer_id",)
"""What is on disk of a table that nobody needs."""
_INVALID = pa.schema([("customer_id", pa.large_string()), ("reason", pa.large_string())])


@dataclass(frozen=True)
class Spilled:
    """Events on disk, in shards of customers that follow each other in the order of their ids.

    Attributes:
        folder: where they are.
        columns: of each table those of ours that its rows have.
        kept: of each table those that are on disk; none of a table that nobody needs, of which the customers are.
        attributes: of each table what the columns hold that the configuration admits beyond the contract.
        starts: the first customer of each shard but the first.
        accounts: what became of each table's rows.
        warnings: what looks odd but stopped nothing.
        money_exponent: decimal places of the currency's minor unit.
        zone: in which a weekday or an hour is read.
        memory_mb: what the database may take for sorting a shard.
    """

    folder: Path
    columns: Mapping[str, tuple[str, ...]]
    kept: Mapping[str, tuple[str, ...]]
    attributes: Mapping[str, Mapping[str, Kind]]
    starts: tuple[str, ...]
    accounts: Mapping[str, TableAccount]
    warnings: tuple[str, ...]
    money_exponent: int
    zone: str
    memory_mb: int

    def __len__(self) -> int:
        """How many shards."""
        return len(self.starts) + 1

    def shard_of(self, customer_id: str) -> int:
        """The shard that has this customer, if any has."""
        return bisect.bisect_right(self.starts, customer_id)

    def store(self, shard: int | None, tables: Collection[str] | None = None) -> EventStore:
        """The events of one shard's customers, as reading them all at once has them, without accounts.

        Args:
            shard: from 0; None gives a store with every table and column that is kept and no row.
            tables: only these; None are all.
        """
        chosen = [one for one in self.columns if tables is None or one in tables]
        with in_our_words(self.folder):
            arranged = {
                table: sorted_table(self._sorter, self._schema(table), self._rows(table, shard))
                for table in chosen
                if self.is_kept(table)
            }
            others = [
                _ids(_read(_file(self.folder / _ROWS, table, shard)))
                for table in chosen
                if shard is not None and not self.is_kept(table)
            ]
        ids = all_ids([*(one.ids for one in arranged.values()), *others])
        bad = [] if shard is None else [_read(_file(self.folder / _BAD, table, shard)) for table in chosen]
        reasons = [
            dict(zip(one["customer_id"].to_pylist(), one["reason"].to_pylist(), strict=True)) for one in bad
        ]
        return EventStore(
            customer_ids=ids,
            tables=MappingProxyType({table: renumbered(one, ids) for table, one in arranged.items()}),
            accounts=MappingProxyType({}),
            invalid=MappingProxyType(only_invalid(reasons, set(ids) if any(reasons) else ())),
            money_exponent=self.money_exponent,
            zone=self.zone,
        )

    def is_kept(self, table: str) -> bool:
        """Whether the table's rows are on disk, and not only its customers."""
        return bool(self.kept[table])

    @cached_property
    def outline(self) -> EventStore:
        """A store with every table and column that the source has, and no row."""
        return dataclasses.replace(self, kept=self.columns).store(None)

    def often(self, table: str, column: str, least: int) -> dict[str, int]:
        """In how many rows of all shards each text of that column is that so many have at least."""
        with in_our_words(self.folder):
            rows = self._rows(table, None).select([column])
            batches = (
                one
                for shard in range(len(self))
                for one in self._rows(table, shard).select([column]).to_batches()
            )
            self._sorter.register("said", pa.RecordBatchReader.from_batches(rows.schema, batches))
            counted = self._sorter.execute(
                f"SELECT {name(column)}, count(*) AS n FROM said WHERE {name(column)} IS NOT NULL "
                f"GROUP BY 1 HAVING n >= {least} ORDER BY 1"
            ).fetchall()
            self._sorter.unregister("said")
        return dict(counted)

    def _schema(self, table: str) -> Schema:
        """The table's contract, with its attributes."""
        return with_fields(SCHEMAS[table], self.attributes.get(table, {}))

    @cached_property
    def _sorter(self) -> duckdb.DuckDBPyConnection:
        """A database that sorts one shard after the other."""
        settings: dict[str, str | bool | int | float | list[str]] = {
            "threads": 1,
            "memory_limit": f"{self.memory_mb}MB",
            "temp_directory": str(self.folder / "sorting"),
            "autoinstall_known_extensions": False,
            "arrow_large_buffer_size": True,
        }
        return duckdb.connect(config=settings)

    def _rows(self, table: str, shard: int | None) -> pa.Table:
        if shard is not None:
            return _read(_file(self.folder / _ROWS, table, shard))
        schema = self._schema(table)
        return pa.table({one: pa.array([], _ARROW[schema[one].kind]) for one in self.kept[table]})


_ARROW = {
    Kind.KEY: pa.large_string(),
    Kind.TEXT: pa.large_string(),
    Kind.DATE: pa.large_string(),
    Kind.TIME: pa.int64(),
    Kind.MONEY: pa.int64(),
    Kind.NUMBER: pa.float64(),
    Kind.FLAG: pa.int8(),
}


def spill(
    source: SourceSettings,
    folder: Path,
    *,
    rows_each: int,
    memory_mb: int,
    quarantine: Path | None = None,
    now: int | None = None,
    tables: Collection[str] | None = None,
    needed: Callable[[EventStore], Mapping[str, Collection[str]]] | None = None,
    fingerprints: bool = True,
    progress: Callable[[str], None] = lambda _: None,
) -> Spilled:
    """The source's events, checked, in shards below that folder; what an earlier run has finished there is taken as it is.

    Args:
        source: where the tables are.
        folder: of this very content; what an earlier run left half done in it is removed.
        rows_each: about so many rows a shard. A customer is never divided, so one with more makes a larger shard.
        memory_mb: what the database may take while it reads and checks.
        quarantine: the folder that takes the bad rows; None writes nothing.
        now: as for ``read_events``.
        tables: as for ``read_events``.
        needed: from a store without a row to the columns of each table that are kept on disk, besides customer and times; of a table that
            it leaves out the customers are. None keeps everything.
        fingerprints: whether the accounts tell tables apart by what they say, for which all columns have to be read once more.
        progress: told in a few words what is being done.

    Raises:
        ConfigError: a table is asked for that the source does not have, or the zone is none that the database knows.
        SourceError: a file or column is missing or unreadable, or a file changed while it was read.
        ContractError: a table has too many bad rows, or the main table is empty.
        OutputError: the folder cannot be written, or its disk is full.
    """
    manifest = folder / _MANIFEST
    if manifest.exists():
        return finished(folder, memory_mb)
    wanted = wanted_tables(source, tables)
    rules = Rules(source.zone, source.money_exponent, time.time_ns() // 1000 if now is None else now)
    states = states_of(source, wanted)
    with in_our_words(folder):
        for left in (_ROWS, _BAD, "reading"):
            shutil.rmtree(folder / left, ignore_errors=True)
        reading = folder / "reading"
        for place in (reading, folder / _ROWS, folder / _BAD):
            place.mkdir(parents=True)
        with connection(source, reading, memory_mb) as con:
            checked: dict[str, Checked] = {}
            for table in wanted:
                progress(f"reading {table}")
                checked[table] = check(con, table, source, rules, reading, quarantine)
            refuse_changes(states, states_of(source, wanted))
            main = next((one for one in MAIN_TABLES if one in checked), None)
            refuse_unusable(checked, source.max_bad_share, quarantine, main)
            con.execute("SET preserve_insertion_order = false")
            warnings = warnings_of(checked, main, _strangers(con, checked, main))
            every = MappingProxyType({table: one.columns for table, one in checked.items()})
            found = Spilled(
                folder,
                every,
                every,
                MappingProxyType({table: fields_beyond(one.schema) for table, one in checked.items()}),
                (),
                MappingProxyType({}),
                warnings,
                source.money_exponent,
                source.zone,
                memory_mb,
            )
            kept = MappingProxyType(_kept(checked, None if needed is None else needed(found.outline)))
            starts = _starts(con, [one for table, one in checked.items() if kept[table]], rows_each)
            accounts = {}
            for table, one in checked.items():
                progress(f"dealing out {one.rows_good:,} rows of {table} to {len(starts) + 1:,} shards")
                first, last = _ends(con, one)
                columns = kept[table] or _ONLY_WHO
                said = _deal_out(con, one, columns, starts, folder, told=fingerprints)
                account = one.account(first, last, said)
                accounts[table] = account if fingerprints else dataclasses.replace(account, fingerprint="")
                con.execute(f"DROP TABLE {name(in_database(table))}")
        shutil.rmtree(reading, ignore_errors=True)
        found = dataclasses.replace(found, kept=kept, starts=starts, accounts=MappingProxyType(accounts))
        _remember(found, manifest)
    return found


def _kept(
    checked: Mapping[str, Checked], needed: Mapping[str, Collection[str]] | None
) -> dict[str, tuple[str, ...]]:
    """The columns of each table that go to disk."""
    if needed is None:
        return {table: one.columns for table, one in checked.items()}
    found = {}
    for table, one in checked.items():
        always = {"customer_id", one.schema.time, "recorded_at"}
        wanted = always | set(needed.get(table, ()))
        found[table] = tuple(name for name in one.columns if name in wanted) if table in needed else ()
    return found


def _remember(found: Spilled, manifest: Path) -> None:
    """Say that all rows are there; the last thing that is written."""
    content = {
        "columns": dict(found.columns),
        "kept": dict(found.kept),
        "attributes": dict(found.attributes),
        "starts": found.starts,
        "accounts": {
            table: dataclasses.asdict(dataclasses.replace(one, reasons=dict(one.reasons)))
            for table, one in found.accounts.items()
        },
        "warnings": found.warnings,
        "money_exponent": found.money_exponent,
        "zone": found.zone,
    }
    with atomic.file(manifest) as part:
        part.write_text(json.dumps(content), encoding="utf-8")


def finished(folder: Path, memory_mb: int) -> Spilled:
    """The shards that are in that folder, all of them whole.

    Args:
        folder: from ``spill``.
        memory_mb: what the database may take while it sorts.
    """
    content: dict[str, Any] = json.loads((folder / _MANIFEST).read_text(encoding="utf-8"))
    accounts = {
        table: TableAccount(**{**one, "missing_columns": tuple(one["missing_columns"])})
        for table, one in content["accounts"].items()
    }
    return Spilled(
        folder,
        MappingProxyType({table: tuple(columns) for table, columns in content["columns"].items()}),
        MappingProxyType({table: tuple(columns) for table, columns in content["kept"].items()}),
        MappingProxyType(
            {
                table: {one: Kind(kind) for one, kind in kinds.items()}
                for table, kinds in content["attributes"].items()
            }
        ),
        tuple(content["starts"]),
        MappingProxyType(accounts),
        tuple(content["warnings"]),
        content["money_exponent"],
        content["zone"],
        memory_mb,
    )


def _starts(con: duckdb.DuckDBPyConnection, checked: Sequence[Checked], rows_each: int) -> tuple[str, ...]:
    """Where to cut the customers so that the shards have about as many rows each."""
    total = sum(one.rows_good for one in checked)
    wanted = min(MOST_SHARDS, -(-total // rows_each))
    if wanted <= 1:
        return ()
    some = f" AND hash(customer_id) % {_ONE_IN} = 0" if total >= _MANY_ROWS else ""
    counts = " UNION ALL ".join(
        f"SELECT customer_id, count(*) AS n FROM {name(in_database(one.name))} WHERE reason IS NULL{some} GROUP BY 1"
        for one in checked
    )
    counted = con.sql(f"SELECT customer_id, sum(n)::BIGINT AS n FROM ({counts}) GROUP BY 1 ORDER BY 1")
    whole = total // _ONE_IN if some else total
    passed, last, starts = 0, 0, []
    for batch in counted.to_arrow_reader(BATCH):
        count = np.asarray(batch.column("n"))
        before = passed + np.cumsum(count) - count
        # A customer begins a shard where the rows before it fill one more than those before the last.
        filled = np.minimum(before * wanted // whole, wanted - 1)
        turns = np.flatnonzero(np.diff(filled, prepend=last))
        passed, last = passed + int(count.sum()), int(filled[-1])
        starts += [str(batch.column("customer_id")[at]) for at in turns.tolist()]
    return tuple(starts)


def _shard(starts: Sequence[str], low: int = 0) -> str:
    """SQL of a row's shard: as few comparisons as a search by halves."""
    if not starts:
        return str(low)
    middle = len(starts) // 2
    return (
        f"CASE WHEN customer_id < {literal(starts[middle])} THEN {_shard(starts[:middle], low)} "
        f"ELSE {_shard(starts[middle + 1 :], low + middle + 1)} END"
    )


def _deal_out(
    con: duckdb.DuckDBPyConnection,
    checked: Checked,
    kept: Sequence[str],
    starts: Sequence[str],
    folder: Path,
    *,
    told: bool,
) -> Content:
    """The content of a table, if it shall be told; its rows, with the columns that are kept, are in the files of its shards afterwards."""
    said = Content()
    columns = list(checked.columns if told else kept)
    rows = checked.good_with(columns)
    good = con.sql(f"SELECT *, {_shard(starts)} AS shard FROM ({rows})").to_arrow_reader(BATCH)
    shards = len(starts) + 1
    schema = pa.schema([good.schema.field(one) for one in kept])
    with _Files(folder / _ROWS, checked.name, shards, schema) as files:
        for batch in good:
            if told:
                said += content_of(checked.schema, pa.Table.from_batches([batch.select(columns)]))
            files.take(batch.select(kept), np.asarray(batch.column("shard")))
    bad = con.sql(f"SELECT *, {_shard(starts)} AS shard FROM ({checked.invalid})").to_arrow_reader(BATCH)
    with _Files(folder / _BAD, checked.name, shards, _INVALID) as files:
        for batch in bad:
            files.take(batch.select(_INVALID.names), np.asarray(batch.column("shard")))
    return said


class _Files:
    """One file a shard, open while rows are dealt out to them."""

    def __init__(self, folder: Path, table: str, shards: int, schema: pa.Schema) -> None:
        options = pa.ipc.IpcWriteOptions(compression="lz4")
        self._paths = [_file(folder, table, one) for one in range(shards)]
        self._writers = [pa.ipc.new_stream(str(one), schema, options=options) for one in self._paths]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for path, one in zip(self._paths, self._writers, strict=True):
            one.close()
            # The manifest must not outlive the rows when the power goes.
            with path.open("rb") as rows:
                os.fsync(rows.fileno())

    def take(self, rows: pa.RecordBatch, shard: np.ndarray[Any, np.dtype[np.generic]]) -> None:
        """Write each row into the file of its shard."""
        order = np.argsort(shard, kind="stable")
        sorted_rows = rows.take(pa.array(order))
        edges = np.searchsorted(shard[order], np.arange(len(self._writers) + 1))
        for one in np.flatnonzero(np.diff(edges)).tolist():
            self._writers[one].write_batch(sorted_rows.slice(edges[one], edges[one + 1] - edges[one]))


def _ends(con: duckdb.DuckDBPyConnection, checked: Checked) -> tuple[int | None, int | None]:
    """The first and last instant of a good row."""
    if checked.schema.time is None or not checked.rows_good:
        return None, None
    when = name(checked.schema.time)
    first, last = con.execute(f"SELECT min({when}), max({when}) FROM ({checked.good})").fetchall()[0]
    return int(first), int(last)


def _strangers(con: duckdb.DuckDBPyConnection, checked: Mapping[str, Checked], main: str | None) -> set[str]:
    """Tables with rows, none of whose customers is in the main table."""
    if main is None:
        return set()

    def meet(some: str) -> bool:
        known = f"SELECT 1 FROM ({checked[main].good}) WHERE customer_id IN ({some}) LIMIT 1"
        return bool(con.execute(known).fetchall())

    def strange(one: Checked) -> bool:
        ids = f"SELECT DISTINCT customer_id FROM ({one.good})"
        # A few nearly always tell.
        return not meet(f"{ids} LIMIT {_FEW}") and not meet(ids)

    return {table for table, one in checked.items() if table != main and one.rows_good and strange(one)}


def _file(folder: Path, table: str, shard: int) -> Path:
    return folder / f"{table}-{shard:04}.arrows"


def _ids(rows: pa.Table) -> npt.NDArray[np.object_]:
    """The customers of these rows, each once."""
    return objects(pc.unique(rows.column("customer_id")))


def _read(path: Path) -> pa.Table:
    with pa.OSFile(str(path)) as raw, pa.ipc.open_stream(raw) as rows:
        return rows.read_all()
