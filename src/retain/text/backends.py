"""The ways to tell a text's sentiment, by name."""

from __future__ import annotations

from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Protocol

import numpy as np

from retain.cache import key_of
from retain.registry import Registry
from retain.text.clean import cleaned
from retain.text.hooks import hook
from retain.text.reading import fingerprint
from retain.text.tiers import LEARNED, SELF_TRAINED, ThroughTime
from retain.text.understood import LEXICON, by_words

if TYPE_CHECKING:
    from retain.cache import Cache
    from retain.text.feed import Feed, FloatArray, TextArray
    from retain.text.hooks import Model
    from retain.text.understood import Understood

MODEL = "model"
"""The tier of somebody's model."""
TEXTS = "texts"
"""What the reader of texts is called among the things that a model learned from."""


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


class Backend(Protocol):
    """One way to tell a text's sentiment."""

    def __call__(self, feed: Feed, cache: Cache) -> Understood:
        """What each text says, from itself and from texts known before it was given."""
        ...


def reader_of(settings: TextSettings) -> str:
    """SHA-256 that changes with the way texts are read: the backend, somebody's model, or our word lists."""
    model = hook(settings.backend)
    seen = None if model is None else model.fingerprint
    return key_of([settings.backend, settings.version, seen, fingerprint()])


def backend_of(settings: TextSettings) -> Backend:
    """The backend that the settings name.

    Raises:
        UsageError: there is none of that name.
    """
    model = hook(settings.backend)
    if model is not None:
        return Hooked(model, settings.version)
    return BACKENDS.get(settings.backend)


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
    MappingProxyType(
        {
            "auto": lambda: ThroughTime((LEARNED, SELF_TRAINED)),
            LEXICON: lambda: by_words,
            SELF_TRAINED: lambda: ThroughTime((SELF_TRAINED,)),
            LEARNED: lambda: ThroughTime((LEARNED,)),
        }
    ),
)
"""Every way of our own by its name."""
