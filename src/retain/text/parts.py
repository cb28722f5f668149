"""Texts of customers who come part by part, read as if all of them had come at once."""

from __future__ import annotations

import itertools
from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np

from retain.cache import Cache
from retain.errors import ConfigError
from retain.text.annotate import TABLES, coverage_of, with_columns
from retain.text.backends import Hooked, backend_of
from retain.text.feed import feed_of
from retain.text.tiers import Seen, ThroughTime
from retain.text.understood import by_words

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from retain.events.store import EventStore, EventTable, IntArray
    from retain.text.annotate import Coverage
    from retain.text.backends import TextSettings
    from retain.text.feed import Feed, TextArray
    from retain.text.tiers import Lessons
    from retain.text.understood import Understood


class TextsByParts:
    """Reads the texts of one part of the customers at a time.

    A backend that learns from texts has seen all of them before: their ratings, times and languages at once, which are numbers,
    and the words only of those that teach.
    """

    def __init__(self, settings: TextSettings, folder: Path | None) -> None:
        """Nothing is read yet.

        Args:
            settings: which backend.
            folder: where what was made of texts is kept for the next run; None keeps nothing.

        Raises:
            ConfigError: the backend is somebody's own, and may want all texts at once.
        """
        self._backend = backend_of(settings)
        if not (isinstance(self._backend, ThroughTime | Hooked) or self._backend is by_words):
            raise ConfigError(
                f"[text] backend = '{settings.backend}' may learn from all texts at once, and these tables are read in parts. "
                f"Raise [resources] memory_mb, or choose another backend."
            )
        self._cache = Cache(folder)
        self._lessons: dict[str, Lessons] = {}

    def learn(self, name: str, parts: int, table: Callable[[int], EventTable]) -> None:
        """Nothing; what the texts of a table teach is known afterwards.

        Args:
            name: the table's; it has a column of texts.
            parts: how many there are.
            table: gives its rows of one part, all parts in the order of their customers.
        """
        if not isinstance(self._backend, ThroughTime):
            return
        found = []
        for part in range(parts):
            feed = feed_of(table(part))
            found.append(Seen.of(feed, by_words(feed, self._cache)))
        ends = np.cumsum([len(one.given) for one in found])

        def texts(rows: IntArray) -> TextArray:
            cuts = np.searchsorted(rows, np.append(0, ends)).tolist()
            pieces: list[TextArray] = [np.empty(0, dtype=object)]
            for part, (low, high) in enumerate(itertools.pairwise(cuts)):
                if low < high:
                    first = int(ends[part]) - len(found[part].given)
                    pieces.append(feed_of(table(part)).text[rows[low:high] - first])
            return np.concatenate(pieces)

        self._lessons[name] = self._backend.lessons(Seen.together(found), texts, self._cache)

    def __call__(self, store: EventStore) -> tuple[EventStore, tuple[Coverage, ...]]:
        """The part's store with what its texts say as columns, and how much of them was understood."""
        tables, coverage = dict(store.tables), []
        for name in TABLES:
            table = tables.get(name)
            if table is None or "text" not in table.columns:
                continue
            found = self._read(name, feed_of(table))
            tables[name] = with_columns(table, found)
            coverage += coverage_of(name, found)
        return replace(store, tables=MappingProxyType(tables)), tuple(coverage)

    def forget_the_rest(self) -> None:
        """Remove what was kept of texts that are no longer there, once every part was read."""
        self._cache.forget_the_rest()

    def _read(self, name: str, feed: Feed) -> Understood:
        if isinstance(self._backend, ThroughTime):
            words = by_words(feed, self._cache)
            return self._backend.told(feed, words, self._lessons[name], self._cache)
        return self._backend(feed, self._cache)
