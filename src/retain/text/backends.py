"""The ways to tell a text's sentiment, by name."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Protocol

import numpy as np

from retain.registry import Registry
from retain.text.reading import read

if TYPE_CHECKING:
    import numpy.typing as npt

    from retain.text.feed import Feed, FloatArray, TextArray

    BoolArray = npt.NDArray[np.bool_]

LEXICON = "lexicon"


@dataclass(frozen=True)
class TextSettings:
    """How texts are read: the ``[text]`` part of the configuration.

    Attributes:
        backend: which way; see ``docs/text.md``.
    """

    backend: str = "auto"


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

    def __call__(self, feed: Feed) -> Understood:
        """What each text says, from itself and from texts known before it was given."""
        ...


def by_words(feed: Feed) -> Understood:
    """The first tier: word lists alone."""
    found = read(feed.text.tolist(), feed.language.tolist())
    tier = np.where(np.isfinite(found.sentiment), LEXICON, "").astype(object)
    return Understood(found.sentiment, found.language, tier, found.understood, found.topics, found.intents)


BACKENDS: Registry[Backend] = Registry(
    "sentiment backend",
    "retain.sentiment_backends",
    MappingProxyType({LEXICON: lambda: by_words, "auto": lambda: by_words}),
)
"""Every way by its name."""
