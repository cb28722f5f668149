"""The ways to tell a text's sentiment, by name."""

from __future__ import annotations

from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Protocol

import numpy as np

from retain.registry import Registry
from retain.text.cache import key_of
from retain.text.clean import cleaned
from retain.text.hooks import hook
from retain.text.lexicon import lexicon
from retain.text.reading import read

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy.typing as npt

    from retain.events.store import IntArray
    from retain.text.cache import Arrays, Cache
    from retain.text.feed import Feed, FloatArray, TextArray
    from retain.text.hooks import Model

    BoolArray = npt.NDArray[np.bool_]

LEXICON, MODEL = "lexicon", "model"
"""Tiers: our word lists, and somebody's model."""


@dataclass(frozen=True)
class TextSettings:
    """How texts are read: the ``[text]`` part of the configuration.

    Attributes:
        backend: ``auto``, another name below, or somebody's model: ``python:package.module:function``,
            ``command:PROGRAM`` or ``onnx:FOLDER``; see ``docs/text.md``.
        version: of somebody's model; another version is asked again for texts that an earlier one has scored.
    """

    backend: str = "auto"
    version: str = ""

    def __post_init__(self) -> None:
        """Refuse a backend that does not exist, before any data is read."""
        backend_of(self)


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


class Backend(Protocol):
    """One way to tell a text's sentiment."""

    def __call__(self, feed: Feed, cache: Cache) -> Understood:
        """What each text says, from itself and from texts known before it was given."""
        ...


def backend_of(settings: TextSettings) -> Backend:
    """The backend that the settings name.

    Raises:
        UsageError: there is none of that name.
    """
    model = hook(settings.backend)
    if model is not None:
        return Hooked(model, settings.version)
    return BACKENDS.get(settings.backend)


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

    return cache.arrays(key_of([LEXICON, lexicon().fingerprint, *feed.text, *feed.language]), make)


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


@dataclass(frozen=True)
class Hooked:
    """Somebody's model for the sentiment, our word lists for the rest.

    Attributes:
        model: tells the sentiment.
        version: of the model, as the user counts.
    """

    model: Model
    version: str

    def __call__(self, feed: Feed, cache: Cache) -> Understood:
        """What each text says; where the model has no answer, the words'."""
        words = by_words(feed, cache)
        sentiment, tier = words.sentiment.copy(), words.tier.copy()
        months = feed.months
        for month in np.unique(months):
            rows = np.flatnonzero((months == month) & np.isfinite(words.sentiment))
            told = self._told(feed.rows(rows), words.language[rows], cache)
            known = rows[np.isfinite(told)]
            sentiment[known], tier[known] = told[np.isfinite(told)], MODEL
        return replace(words, sentiment=sentiment, tier=tier, understood=words.understood | (tier == MODEL))

    def _told(self, feed: Feed, language: TextArray, cache: Cache) -> FloatArray:
        key = key_of([MODEL, self.model.fingerprint, self.version, *feed.text, *language])
        texts = [cleaned(one) for one in feed.text]
        return cache.arrays(key, lambda: {"sentiment": self.model(texts, language.tolist())})[
            "sentiment"
        ].astype(np.float64)


BACKENDS: Registry[Backend] = Registry(
    "sentiment backend",
    "retain.sentiment_backends",
    MappingProxyType({LEXICON: lambda: by_words, "auto": lambda: by_words}),
)
"""Every way of our own by its name."""
