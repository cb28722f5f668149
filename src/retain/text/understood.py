"""What the texts of a feed say, and the first tier that tells it: the word lists, a month at a time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from retain.cache import key_of
from retain.text.reading import fingerprint, read

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy.typing as npt

    from retain.cache import Arrays, Cache
    from retain.events.store import IntArray
    from retain.text.feed import Feed, FloatArray, TextArray

    BoolArray = npt.NDArray[np.bool_]

LEXICON = "lexicon"
"""The tier of the word lists."""


@dataclass(frozen=True)
class Understood:
    """What the texts of a feed say; one row each.

    Attributes:
        sentiment: float64 from -1 to 1, NaN without text.
        language: object, the code that the source gave or that was told; None without text.
        tier: object, which tier told the sentiment; "" without text.
        understood: whether anything in it was recognised.
        topics: bool (texts, TOPICS).
        intents: bool (texts, INTENTS).
    """

    sentiment: FloatArray
    language: TextArray
    tier: TextArray
    understood: BoolArray
    topics: BoolArray
    intents: BoolArray


def by_words(feed: Feed, cache: Cache) -> Understood:
    """The first tier: word lists alone."""
    months = feed.months
    parts = [np.flatnonzero(months == month) for month in np.unique(months)]
    found = [_month(feed.rows(rows), cache) for rows in parts]
    whole = _empty(len(feed)) if not found else _put_together(found, np.concatenate(parts))
    tier = np.where(np.isfinite(whole["sentiment"]), LEXICON, "").astype(object)
    language = whole["language"].astype(object)
    language[language == ""] = None
    return Understood(
        whole["sentiment"].astype(np.float64),
        language,
        tier,
        whole["understood"].astype(bool),
        whole["topics"].astype(bool),
        whole["intents"].astype(bool),
    )


def _month(feed: Feed, cache: Cache) -> Arrays:
    """What the words of some rows say, from the cache if these very texts were read before."""

    def make() -> Arrays:
        found = read(feed.text.tolist(), feed.language.tolist())
        return {
            "sentiment": found.sentiment,
            "language": np.array(["" if one is None else one for one in found.language], dtype=np.str_),
            "understood": found.understood,
            "topics": found.topics,
            "intents": found.intents,
        }

    return cache.arrays(key_of([LEXICON, fingerprint(), *feed.text, *feed.language]), make)


def _empty(rows: int) -> Arrays:
    found = read([""] * rows)
    return {
        "sentiment": found.sentiment,
        "language": np.zeros(rows, dtype=np.str_),
        "understood": found.understood,
        "topics": found.topics,
        "intents": found.intents,
    }


def _put_together(
    parts: list[Arrays], rows: IntArray
) -> Mapping[str, np.ndarray[tuple[int, ...], np.dtype[np.generic]]]:
    """The parts as one, each row in its place."""
    place = np.argsort(rows, kind="stable")
    return {name: np.concatenate([one[name] for one in parts])[place] for name in parts[0]}
