"""Texts of the store turned into dated numbers: columns beside the text, known when the text was."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np

from retain.cache import Cache
from retain.events.store import Column
from retain.text.backends import backend_of
from retain.text.feed import feed_of
from retain.text.lexicon import INTENTS, TOPICS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from pathlib import Path

    from retain.events.store import EventStore, EventTable
    from retain.text.backends import TextSettings
    from retain.text.understood import Understood

TABLES = ("feedback", "tickets")
"""The tables whose texts are read."""
DECIMALS = 3
"""Sentiment is kept in thousandths, so that no last bit of a model moves a feature."""


@dataclass(frozen=True)
class Coverage:
    """How much of one language's texts in one table was understood.

    Attributes:
        table: where they are.
        language: its code; ``und`` where nothing told it.
        texts: how many with any text in them.
        understood: in how many a word of sentiment, a topic or an intent was found, or a model knew the language.
        tiers: how many texts each tier of the backend scored.
    """

    table: str
    language: str
    texts: int
    understood: int
    tiers: Mapping[str, int]

    @property
    def share(self) -> float:
        """Share of the texts that was understood."""
        return self.understood / self.texts

    def as_dict(self) -> dict[str, object]:
        """The figures as JSON values."""
        return {
            "table": self.table,
            "language": self.language,
            "texts": self.texts,
            "understood": self.understood,
            "tiers": dict(self.tiers),
        }


def annotated(
    store: EventStore,
    settings: TextSettings,
    folder: Path | None = None,
    progress: Callable[[str], None] = lambda _: None,
) -> tuple[EventStore, tuple[Coverage, ...]]:
    """The store with what its texts say as columns, and how much was understood.

    The columns are ``sentiment``, ``sentiment_<topic>`` where the text is about it, and ``intent_<name>`` (1 or 0); not known
    where there is no text. They speak of the text alone and, from the second tier on, of texts that were known before
    it was given: so they are known when the text is, and no cutoff sees more than it may.

    Args:
        store: checked events.
        settings: which backend.
        folder: where what was made of texts is kept for the next run; None keeps nothing.
        progress: called with a few words before each table.
    """
    backend, cache = backend_of(settings), Cache(folder)
    tables, coverage = dict(store.tables), []
    for name in TABLES:
        table = tables.get(name)
        if table is None or "text" not in table.columns:
            continue
        feed = feed_of(table)
        progress(f"reading what customers wrote: {len(feed):,} rows of {name}")
        found = backend(feed, cache)
        tables[name] = with_columns(table, found)
        coverage += coverage_of(name, found)
    cache.forget_the_rest()
    return replace(store, tables=MappingProxyType(tables)), tuple(coverage)


def with_columns(table: EventTable, found: Understood) -> EventTable:
    """The table with what its texts say as columns."""
    sentiment = np.round(found.sentiment, DECIMALS)
    said = np.isfinite(found.sentiment)
    columns = {"sentiment": sentiment}
    for place, topic in enumerate(TOPICS):
        columns[f"sentiment_{topic}"] = np.where(found.topics[:, place], sentiment, np.nan)
    for place, intent in enumerate(INTENTS):
        columns[f"intent_{intent}"] = np.where(said, found.intents[:, place].astype(np.float64), np.nan)
    added = {name: Column(values) for name, values in columns.items()}
    return replace(table, columns=MappingProxyType({**table.columns, **added}))


def coverage_of(table: str, found: Understood) -> list[Coverage]:
    """How much was understood, the commonest language first."""
    rows = []
    there = np.isfinite(found.sentiment)
    for language in sorted({str(one) for one in found.language[there]}):
        mine = there & (found.language == language)
        tiers = {
            name: int(np.count_nonzero(mine & (found.tier == name))) for name in sorted(set(found.tier[mine]))
        }
        rows.append(
            Coverage(table, language, int(mine.sum()), int(np.count_nonzero(mine & found.understood)), tiers)
        )
    return sorted(rows, key=lambda one: (-one.texts, one.language))


def together(parts: Iterable[Coverage]) -> tuple[Coverage, ...]:
    """How much was understood in all parts of the customers, by table and language, the commonest language first."""
    found: dict[tuple[str, str], list[Coverage]] = {}
    for one in parts:
        found.setdefault((one.table, one.language), []).append(one)
    summed = [
        Coverage(
            table,
            language,
            sum(one.texts for one in each),
            sum(one.understood for one in each),
            dict(sorted(sum((Counter(one.tiers) for one in each), Counter()).items())),
        )
        for (table, language), each in found.items()
    ]
    return tuple(sorted(summed, key=lambda one: (TABLES.index(one.table), -one.texts, one.language)))
