"""The word lists: how a file of words is read, and all of them compiled into one automaton.

A list is a text file that a speaker of the language can edit; ``docs/text.md`` describes it. All lists together are
matched in one pass, and a table says what each entry means in each language.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from importlib.resources import files
from typing import TYPE_CHECKING

import numpy as np
from ahocorasick_rs import AhoCorasick

from retain.errors import ConfigError
from retain.text.fold import fold

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    import numpy.typing as npt

LANGUAGES = ("bg", "de", "en", "es", "fr", "kk", "pt", "ru", "tr", "uk", "zh")
"""The languages that have a list."""
UNSURE, FOREIGN = len(LANGUAGES), len(LANGUAGES) + 1
"""Columns of the tables for a text whose language is not certain, and for one in a language without a list."""
TOPICS = ("delivery", "price", "quality", "service", "payment", "returns", "app", "other")
INTENTS = ("cancel", "refund", "complaint", "praise", "question", "threat_to_leave", "legal_threat")

# What an entry does in a sentence; one entry may do several things.
POLAR, MASK, NEGATION, NEGATION_AFTER, STRONGER, WEAKER, BUT = (1 << bit for bit in range(7))
_ROLES = {
    "neutral": MASK,
    "negation": NEGATION,
    "negation after": NEGATION_AFTER,
    "stronger": STRONGER,
    "weaker": WEAKER,
    "but": BUT,
}
_EMOJI = "emoji"


@dataclass(frozen=True)
class Entry:
    """One line of a list: what is matched and what it means.

    Attributes:
        pattern: folded, with a space where a word has to begin or end.
        section: the heading it stands under, such as ``positive 2`` or ``topic price``.
    """

    pattern: str
    section: str


@dataclass(frozen=True)
class Lexicon:
    """All lists, ready to be matched.

    Attributes:
        automaton: finds every pattern in a folded text.
        patterns: in the automaton's order.
        lead: int64, 1 where the pattern begins with the space before a word.
        trail: int64, 1 where it ends with the space after one.
        roles: uint8 (patterns, languages + 2), what it does.
        weights: float32 of the same shape; 0 without sentiment.
        topics: uint16 of the same shape, a bit a topic.
        intents: uint16 of the same shape, a bit an intent.
        evidence: float32 (patterns, languages), how much it tells for a language.
        tells: bool, whether it tells for any; ideographs do that by themselves.
        fingerprint: SHA-256 of the lists and of the table of characters.
    """

    automaton: AhoCorasick
    patterns: tuple[str, ...]
    lead: npt.NDArray[np.int64]
    trail: npt.NDArray[np.int64]
    roles: npt.NDArray[np.uint8]
    weights: npt.NDArray[np.float32]
    topics: npt.NDArray[np.uint16]
    intents: npt.NDArray[np.uint16]
    evidence: npt.NDArray[np.float32]
    tells: npt.NDArray[np.bool_]
    fingerprint: str


@cache
def lexicon() -> Lexicon:
    """The lists that come with retain, compiled once a process."""
    return compiled({code: _shipped(code) for code in (*LANGUAGES, _EMOJI)})


def _shipped(code: str) -> str:
    return files("retain.text").joinpath(f"words/{code}.txt").read_text("utf-8")


def entries(text: str, name: str) -> Iterator[Entry]:
    r"""The entries of one list.

    Args:
        text: the file's content.
        name: what the file is called in messages.

    Raises:
        ConfigError: a heading that is not known, an entry before the first heading, or one of which nothing is left
            once folded; the message names the line.

    >>> [one.pattern for one in entries("[positive 2]\nlov*\ngreat job\n*freundlich\n好吃", "list")]
    [' lov', ' great job ', 'freundlich ', '好吃']
    """
    section = None
    lines: list[tuple[int, str, str]] = []
    for number, raw in enumerate(text.splitlines(), start=1):
        line = raw.strip()
        if not line or line.startswith("#"):
            continue
        if line.startswith("[") and line.endswith("]"):
            section = " ".join(line[1:-1].split())
            _check_section(section, f"{name}, line {number}")
        elif section is None:
            raise ConfigError(
                f"{name}, line {number}: '{line}' stands before the first heading. Put it under one."
            )
        else:
            lines.append((number, line, section))
    folded = fold([line.strip("*") for _, line, _ in lines]).text.split("\n")
    for (number, line, section), found in zip(lines, folded, strict=False):
        if "*" in line[1:-1]:
            raise ConfigError(f"{name}, line {number}: '{line}' has a * inside. It may stand at either end.")
        if not found.strip():
            raise ConfigError(f"{name}, line {number}: nothing of '{line}' can be matched. Remove it.")
        yield Entry(line if section == "also" else _pattern(line, found.strip()), section)


def _pattern(line: str, body: str) -> str:
    """The folded entry with a space wherever a word has to begin or end."""
    if _borderless(body):
        return body
    return f"{'' if line.startswith('*') else ' '}{body}{'' if line.endswith('*') else ' '}"


def _borderless(body: str) -> bool:
    """Whether it is written without spaces: ideographs and signs."""
    return not body[0].isalnum() or "\u3040" <= body[0] <= "\u9fff"


_SECTIONS = frozenset(
    {f"{way} {strength}" for way in ("positive", "negative") for strength in (1, 2, 3)}
    | set(_ROLES)
    | {f"topic {one}" for one in TOPICS}
    | {f"intent {one}" for one in INTENTS}
    | {"common", "also"}
)


def _check_section(section: str, place: str) -> None:
    if section not in _SECTIONS:
        raise ConfigError(
            f"{place}: there is no heading [{section}]. Choose from: {', '.join(sorted(_SECTIONS))}."
        )


def compiled(lists: Mapping[str, str]) -> Lexicon:
    """These lists as one automaton.

    Args:
        lists: the content of each list by its language, or ``emoji`` for what counts in all of them.

    Raises:
        ConfigError: as ``entries``.
    """
    read = {code: list(entries(text, f"{code}.txt")) for code, text in lists.items()}
    borrowed = {code: [one.pattern for one in found if one.section == "also"] for code, found in read.items()}
    patterns = sorted({one.pattern for found in read.values() for one in found if one.section != "also"})
    index = {pattern: number for number, pattern in enumerate(patterns)}
    own = {code: _Meanings(len(patterns)).filled(found, index) for code, found in read.items()}
    tables = _joined(own, borrowed, len(patterns))
    evidence = _evidence(own, borrowed, patterns)
    characters = {"traditional": _shipped("traditional")}
    texts = "\n".join(f"{code}\n{text}" for code, text in sorted({**lists, **characters}.items()))
    return Lexicon(
        AhoCorasick(patterns, store_patterns=False),
        tuple(patterns),
        np.array([one.startswith(" ") for one in patterns], dtype=np.int64),
        np.array([one.endswith(" ") for one in patterns], dtype=np.int64),
        tables.roles,
        tables.weights,
        tables.topics,
        tables.intents,
        evidence,
        evidence.any(axis=1)
        & np.array([one.strip()[0] < "\u3040" or one.strip()[0] > "\u9fff" for one in patterns], dtype=bool),
        sha256(texts.encode()).hexdigest(),
    )


class _Meanings:
    """What every pattern means: one column of each table, or several."""

    def __init__(self, *shape: int) -> None:
        self.roles = np.zeros(shape, dtype=np.uint8)
        self.weights = np.zeros(shape, dtype=np.float32)
        self.topics = np.zeros(shape, dtype=np.uint16)
        self.intents = np.zeros(shape, dtype=np.uint16)
        self.common = np.zeros(shape, dtype=bool)

    def filled(self, found: Sequence[Entry], index: Mapping[str, int]) -> _Meanings:
        """The same with one list's entries."""
        for one in found:
            kind, _, name = one.section.partition(" ")
            if kind == "also":
                continue
            row = index[one.pattern]
            if kind in ("positive", "negative"):
                self.roles[row] |= POLAR
                self.weights[row] = float(name) * (1 if kind == "positive" else -1)
            elif kind == "topic":
                self.topics[row] |= 1 << TOPICS.index(name)
            elif kind == "intent":
                self.intents[row] |= 1 << INTENTS.index(name)
            elif kind == "common":
                self.common[row] = True
            else:
                self.roles[row] |= _ROLES[one.section]
        return self


def _joined(own: Mapping[str, _Meanings], borrowed: Mapping[str, list[str]], patterns: int) -> _Meanings:
    """One column a language, with what it borrows and the emoji; then UNSURE and FOREIGN."""
    joined = _Meanings(patterns, len(LANGUAGES) + 2)
    for column, code in enumerate(LANGUAGES):
        for source in (_EMOJI, *borrowed.get(code, ()), code):
            if source in own:
                _lay(own[source], joined, column)
    _mix([own[code] for code in LANGUAGES if code in own], joined)
    if _EMOJI in own:
        for column in (UNSURE, FOREIGN):
            _lay(own[_EMOJI], joined, column)
    return joined


def _lay(top: _Meanings, joined: _Meanings, column: int) -> None:
    """Put one list over what a column holds; its own meaning of an entry counts."""
    said = top.roles > 0
    joined.roles[said, column], joined.weights[said, column] = top.roles[said], top.weights[said]
    joined.topics[:, column] |= top.topics
    joined.intents[:, column] |= top.intents


def _mix(lists: Sequence[_Meanings], joined: _Meanings) -> None:
    """What an entry means on average over the languages that have it."""
    if not lists:
        return
    polar = np.stack([(one.roles & POLAR) > 0 for one in lists])
    weights = np.stack([one.weights for one in lists])
    counts = polar.sum(axis=0)
    joined.weights[:, UNSURE] = (weights * polar).sum(axis=0) / np.maximum(counts, 1)
    for one in lists:
        joined.roles[:, UNSURE] |= one.roles
        joined.topics[:, UNSURE] |= one.topics
        joined.intents[:, UNSURE] |= one.intents


def _evidence(
    own: Mapping[str, _Meanings], borrowed: Mapping[str, list[str]], patterns: Sequence[str]
) -> npt.NDArray[np.float32]:
    """How much finding an entry tells for each language: a function word 1, any other .5.

    What a word tells is shared among the languages that have it, whole or as a stem; a word that a language shares with
    one that it borrows from tells for the lender alone.
    """
    evidence = np.zeros((len(patterns), len(LANGUAGES)), dtype=np.float32)
    for column, code in enumerate(LANGUAGES):
        if code in own:
            one = own[code]
            there = (one.roles > 0) | (one.topics > 0) | (one.intents > 0)
            evidence[:, column] = np.where(one.common, 1.0, np.where(there, 0.5, 0.0))
    _, word = np.unique([one.strip() for one in patterns], return_inverse=True)
    has = np.zeros((int(word.max(initial=-1)) + 1, len(LANGUAGES)), dtype=bool)
    np.logical_or.at(has, word, evidence > 0)
    for code, lenders in borrowed.items():
        for lender in set(lenders) & set(LANGUAGES):
            has[has[:, LANGUAGES.index(lender)], LANGUAGES.index(code)] = False
    return np.asarray(evidence * has[word] / np.maximum(has.sum(axis=1), 1)[word][:, None], dtype=np.float32)
