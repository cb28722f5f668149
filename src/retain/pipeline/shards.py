"""A project's events in shards of customers on disk, for whatever can be done one shard after the other."""

from __future__ import annotations

import time
from dataclasses import replace
from functools import cached_property, partial
from typing import TYPE_CHECKING

import duckdb
import pyarrow as pa

from retain import __version__, atomic
from retain.cache import key_of
from retain.config import values_of
from retain.errors import ConfigError
from retain.events.gathered import gathered
from retain.events.held import Held
from retain.events.source import states_of
from retain.events.spill import finished, spill
from retain.pipeline.needs import Needs, columns_needed
from retain.pipeline.workers import WorkerKilledError, share
from retain.text.annotate import TABLES, annotated, together
from retain.text.backends import TextSettings, reader_of
from retain.text.parts import TextsByParts
from retain.text.understood import LEXICON
from retain.timeline import DAY

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from pathlib import Path
    from typing import Any

    from retain.config import Config
    from retain.events.spill import Spilled
    from retain.events.store import EventStore, EventTable
    from retain.pipeline.memory import Budget
    from retain.text.annotate import Coverage


PAYS = 10_000_000
"""Of fewer rows that wait, a process is done before others have loaded their libraries, which takes two seconds."""


def _annotated(empty: EventStore) -> EventStore:
    """A store without a row, with the columns that texts give."""
    return annotated(empty, TextSettings(LEXICON))[0]


class Shards:
    """All events, a shard of customers at a time in the order of their ids."""

    def __init__(
        self,
        config: Config,
        tables: Sequence[str],
        folder: Path,
        budget: Budget,
        progress: Callable[[str], None],
        needs: Needs = Needs.EVERYTHING,
        joined: Path | None = None,
    ) -> None:
        """Read and check the tables, unless a killed run has done so.

        Args:
            config: the settings.
            tables: those that are read.
            folder: the project's in the workspace.
            budget: how much memory there is.
            progress: called with a few words before each step that takes long.
            needs: how much of the tables is looked at; nothing else is kept.
            joined: the folder of the process that has read them and for which this one works; None is that process itself.
        """
        self._config, self._progress, self._budget = config, progress, budget
        self._needs, self._workspace = needs, folder.parent
        self._coverage: dict[int, tuple[Coverage, ...]] = {}
        self._held: Held | None = None
        if joined is not None:
            self._home = joined
            self._spilled = finished(joined / "events", budget.database_mb // budget.workers)
            self._texts = TextsByParts(config.text, folder / "texts")
            return
        source = config.source
        remote = any("://" in source.tables[one].path for one in tables)
        states = states_of(source, tables)
        key = key_of(
            [
                __version__,
                duckdb.__version__,
                repr(source),
                *sorted(tables),
                repr(sorted(states.items())),
                repr(budget),
                *(
                    (needs, repr(config.features), repr(config.churn))
                    if needs is not Needs.EVERYTHING
                    else ()
                ),
                reader_of(config.text),
                # Nobody can say whether a table elsewhere has changed; and tomorrow fewer rows are in the future.
                str(time.time_ns() if remote else time.time_ns() // 1000 // DAY),
            ]
        )
        self._held = Held(folder / "spill", key[:32])
        self._home = self._held.folder
        try:
            self._spilled = spill(
                source,
                self._home / "events",
                rows_each=budget.rows_each,
                memory_mb=budget.database_mb,
                quarantine=folder / "quarantine",
                tables=tables,
                needed=lambda empty: columns_needed(needs, config, _annotated(empty)),
                # A panel of features names no tables.
                fingerprints=needs is not Needs.FEATURES,
                progress=progress,
            )
            self._texts = TextsByParts(config.text, folder / "texts")
        except BaseException:
            self.close()
            raise

    def __len__(self) -> int:
        """How many shards."""
        return len(self._spilled)

    @property
    def spilled(self) -> Spilled:
        """The events as they are on disk."""
        return self._spilled

    @property
    def folder(self) -> Path:
        """A folder for what this run works on, gone at its end."""
        return self._home

    def close(self) -> None:
        """Nothing is left on disk."""
        if self._held is not None:
            self._held.close()

    @cached_property
    def outline(self) -> EventStore:
        """A store with all tables, columns and accounts, but without a row."""
        return self._with_accounts(self._spilled.outline)

    def _with_accounts(self, empty: EventStore) -> EventStore:
        return replace(_annotated(empty), accounts=self._spilled.accounts, warnings=self._spilled.warnings)

    @property
    def coverage(self) -> tuple[Coverage, ...]:
        """How much of what customers wrote was understood, once all shards were read."""
        return together(one for each in self._coverage.values() for one in each)

    def store(self, shard: int) -> EventStore:
        """The customers of a shard with their events and what their texts say."""
        self._learned  # noqa: B018  # before the first text is read
        store, self._coverage[shard] = self._texts(self._spilled.store(shard))
        return store

    def stores(self) -> Iterator[EventStore]:
        """Every shard's."""
        for shard in range(len(self)):
            self._progress(f"shard {shard + 1} of {len(self)}")
            yield self.store(shard)
        self._texts.forget_the_rest()

    def stores_of(self, table: str) -> Iterator[EventStore]:
        """Of every shard a store of that table alone, without what texts say; none where the source lacks the table."""
        if self._spilled.kept.get(table):
            for shard in range(len(self)):
                yield self._spilled.store(shard, (table,))

    def made(
        self, key: str, work: Callable[[EventStore], Iterable[pa.RecordBatch]], job: Mapping[str, Any]
    ) -> list[Path]:
        """Files with what the work makes of each shard; those that a killed run has finished are taken as they are.

        Args:
            key: tells this work from any other.
            work: makes batches of a store, one at least, all with the same columns.
            job: the same work in words, for processes that do it at the same time where that pays.

        Raises:
            ConfigError: a process was killed, most likely for want of memory; what is finished stays for the next run.
        """
        paths = [self._file(key, shard) for shard in range(len(self))]
        waiting = [shard for shard, path in enumerate(paths) if not path.exists()]
        workers = self._workers(len(waiting))
        if workers > 1:
            self._share(key, job, waiting, workers)
            return paths
        for shard in waiting:
            self._progress(f"shard {shard + 1} of {len(self)}")
            self.make(key, shard, work)
        return paths

    def make(self, key: str, shard: int, work: Callable[[EventStore], Iterable[pa.RecordBatch]]) -> None:
        """Write the file with what the work makes of one shard."""
        with atomic.file(self._file(key, shard)) as part:
            batches = iter(work(self.store(shard)))
            first = next(batches)
            with pa.ipc.new_file(str(part), first.schema) as writer:
                writer.write_batch(first)
                for one in batches:
                    writer.write_batch(one)

    def _file(self, key: str, shard: int) -> Path:
        return self.folder / key[:32] / f"{shard:04}.arrow"

    def _workers(self, waiting: int) -> int:
        """How many processes work on so many shards; 1 is this one alone."""
        rows = sum(
            one.rows_good for table, one in self._spilled.accounts.items() if self._spilled.kept[table]
        )
        small = rows * waiting < PAYS * len(self)
        return 1 if small or self._reads_texts else min(self._budget.workers, waiting)

    @property
    def _reads_texts(self) -> bool:
        """Whether any are: what they teach is learned once, and is in memory."""
        return any("text" in self._spilled.kept.get(name, ()) for name in TABLES)

    def _share(self, key: str, job: Mapping[str, Any], waiting: Sequence[int], workers: int) -> None:
        """Let other processes make the files of these shards."""
        self._progress(f"{len(waiting)} shards in {workers} processes")
        spec = {
            "config": values_of(self._config),
            "base": str(self._config.source.base.resolve()),
            "workspace": str(self._workspace.resolve()),
            "folder": str(self.folder.resolve()),
            "needs": self._needs,
            "key": key,
            "job": job,
        }
        try:
            share(
                spec,
                waiting,
                workers,
                lambda shard: self._progress(f"shard {shard + 1} of {len(self)} is done"),
            )
        except WorkerKilledError as killed:
            if self._held is not None:
                self._held.keep()
            raise ConfigError(str(killed)) from killed

    @cached_property
    def gathered(self) -> tuple[EventStore, tuple[int, ...]]:
        """One store of all customers, for what needs them all, and where those of each shard begin in it."""
        self._progress("gathering all customers: their rows stay on disk, their ids are in memory")
        return gathered(
            self.stores(), self._with_accounts(self._spilled.store(None)), self.folder / "gathered"
        )

    @cached_property
    def _learned(self) -> bool:
        """What texts teach is known, where the backend learns from them."""
        for name in TABLES:
            if "text" in self._spilled.kept.get(name, ()):
                self._progress(f"reading what customers wrote in {name}")
                self._texts.learn(name, len(self), partial(self._table, name))
        return True

    def _table(self, name: str, shard: int) -> EventTable:
        return self._spilled.store(shard, (name,)).tables[name]
