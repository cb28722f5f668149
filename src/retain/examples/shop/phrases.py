"""What customers write: sentences from ``phrases.toml``, put together at random."""

from __future__ import annotations

import functools
import tomllib
from dataclasses import dataclass
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from retain.examples.shop import world

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np

    from retain.examples.shop.world import Flags, Ints

NEGATIVE, NEUTRAL, POSITIVE = 0, 1, 2
POLARITIES = ("negative", "neutral", "positive")
TOPICS = ("delivery", "price", "quality", "service", "payment", "returns", "app")

SECOND = 0.40
"""How often a text goes on to another topic."""
BUT = 0.20
"""How often a second sentence says the opposite of the first."""
EMOJI = 0.10
TYPO = 0.05
FOREIGN = 0.04


@dataclass(frozen=True)
class Phrasebook:
    """One language's sentences.

    Attributes:
        says: by polarity and topic.
        asks: what a ticket asks for.
        leaves: says that the customer is about to go.
        foreign: a few words that are mixed in from another language.
        space: between two sentences.
    """

    says: tuple[tuple[tuple[str, ...], ...], ...]
    asks: tuple[str, ...]
    leaves: tuple[str, ...]
    foreign: tuple[str, ...]
    space: str


@functools.cache
def phrasebooks() -> tuple[Phrasebook, ...]:
    """The sentences of every language of the shop, in the order of LANGUAGES."""
    whole = _file()
    return tuple(_book(whole[name]) for name in world.LANGUAGES)


@functools.cache
def emoji() -> tuple[tuple[str, ...], ...]:
    """By polarity."""
    return tuple(tuple(_file()["emoji"][name]) for name in POLARITIES)


def _file() -> dict[str, Any]:
    text = (files("retain.examples.shop") / "phrases.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)


def _book(entry: Mapping[str, Any]) -> Phrasebook:
    return Phrasebook(
        says=tuple(tuple(tuple(entry[polarity][topic]) for topic in TOPICS) for polarity in POLARITIES),
        asks=tuple(entry["ask"]),
        leaves=tuple(entry["leave"]),
        foreign=tuple(entry["foreign"]),
        space=entry["space"],
    )


def compose(
    rng: np.random.Generator,
    language: Ints,
    polarity: Ints,
    topic: Ints,
    leaving: Flags,
    *,
    asks: bool = False,
) -> list[str]:
    """One text each.

    Args:
        rng: where the chance comes from.
        language: index into LANGUAGES.
        polarity: index into POLARITIES.
        topic: index into TOPICS.
        leaving: adds that the customer is about to go.
        asks: adds a request, as a ticket does.
    """
    n = len(language)
    chance = rng.random((n, 8)).tolist()
    other = ((topic + rng.integers(1, len(TOPICS), n)) % len(TOPICS)).tolist()
    books, smileys = phrasebooks(), emoji()
    rows = zip(
        language.tolist(), polarity.tolist(), topic.tolist(), leaving.tolist(), other, chance, strict=True
    )
    return [
        _text(books[tongue], smileys, tone, about, beside, odds, goes=goes, asks=asks)
        for tongue, tone, about, goes, beside, odds in rows
    ]


def _text(
    book: Phrasebook,
    smileys: tuple[tuple[str, ...], ...],
    tone: int,
    about: int,
    beside: int,
    odds: list[float],
    *,
    goes: bool,
    asks: bool,
) -> str:
    parts = [_pick(book.says[tone][about], odds[0])]
    if odds[1] < SECOND:
        turn = 2 - tone if odds[1] < SECOND * BUT else tone
        parts.append(_pick(book.says[turn][beside], odds[2]))
    if goes:
        parts.append(_pick(book.leaves, odds[3]))
    if asks:
        parts.append(_pick(book.asks, odds[4]))
    if odds[5] < FOREIGN:
        parts.append(_pick(book.foreign, odds[2]))
    text = book.space.join(parts)
    if odds[6] < TYPO:
        text = _mistyped(text, odds[3])
    if odds[7] < EMOJI:
        text += " " + _pick(smileys[tone], odds[4])
    return text


def _pick(choices: tuple[str, ...], odds: float) -> str:
    return choices[int(odds * len(choices))]


def _mistyped(text: str, odds: float) -> str:
    """Two neighbouring letters swapped, as fast fingers do."""
    at = int(odds * (len(text) - 2))
    return text[:at] + text[at + 1] + text[at] + text[at + 2 :]
