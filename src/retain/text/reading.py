"""What a text says by the words in it: the first tier, which needs nothing but the lists."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from functools import cache
from itertools import chain
from typing import TYPE_CHECKING

import numpy as np

from retain.cache import key_of
from retain.text.clean import LONGEST, cleaned
from retain.text.fold import ASK, CALL, COMMA, STOP, fold
from retain.text.language import UNDETERMINED, base_language, columns_of, letter_evidence
from retain.text.lexicon import (
    BUT,
    FOREIGN,
    INTENTS,
    LANGUAGES,
    MASK,
    NEGATION,
    NEGATION_AFTER,
    POLAR,
    STRONGER,
    TOPICS,
    WEAKER,
    Lexicon,
    lexicon,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from retain.text.fold import Folded

    IntArray = npt.NDArray[np.int64]
    FloatArray = npt.NDArray[np.float64]
    BoolArray = npt.NDArray[np.bool_]

BATCH = 1_000
"""Texts folded and matched at a time: their arrays stay in the processor's cache."""
_NEGATED, _STRONGER, _WEAKER = -0.5, 1.4, 0.6
_AFTER_BUT, _BEFORE_BUT = 1.2, 0.7
"""Found on eight languages at once; AUROC moves by .002 or less around these."""
_REACH, _REACH_BACK, _REACH_OF_DEGREE = 3, 2, 2
_DAMPING = 4.0
_BROKEN = 0xFFFD


RULES = 1
"""Raised when the same words in the same text come to another sentiment, so that nothing kept or trained before is believed."""


def fingerprint() -> str:
    """SHA-256 that changes with what a text is read by: the lists, the folding of characters, and the rules."""
    weights = (_NEGATED, _STRONGER, _WEAKER, _AFTER_BUT, _BEFORE_BUT)
    reach = (_REACH, _REACH_BACK, _REACH_OF_DEGREE, _DAMPING, LONGEST)
    return key_of([str(RULES), repr(weights), repr(reach), lexicon().fingerprint])


@dataclass(frozen=True)
class Reading:
    """What each of some texts says.

    Attributes:
        sentiment: float64 from -1 to 1; 0 where words were found but none of sentiment, NaN without text.
        language: the code that the source gave or that letters and words told; ``und`` where that is not certain;
            None without text.
        understood: whether any word of sentiment, a topic or an intent was found.
        topics: bool (texts, TOPICS).
        intents: bool (texts, INTENTS).
    """

    sentiment: FloatArray
    language: npt.NDArray[np.object_]
    understood: BoolArray
    topics: BoolArray
    intents: BoolArray

    def __len__(self) -> int:
        """How many texts."""
        return len(self.sentiment)


@dataclass(frozen=True)
class Word:
    """One entry that moved a text's sentiment.

    Attributes:
        entry: as it was found in the folded text.
        weight: what it added, after negation and degree.
    """

    entry: str
    weight: float


def read(texts: Sequence[str | None], languages: Sequence[str | None] | None = None) -> Reading:
    """What the texts say by their words.

    Args:
        texts: any; None for a missing one.
        languages: what the source says of their languages, as ``en`` or ``zh-Hant``; None where it does not say.

    >>> found = read(["Not at all cheap, the parcel came late", "Très bon service, merci !", "", "12345"])
    >>> found.sentiment.round(2).tolist()
    [-0.71, 0.89, nan, nan]
    """
    parts = [
        _batch(texts[first : first + BATCH], None if languages is None else languages[first : first + BATCH])
        for first in range(0, len(texts), BATCH)
    ]
    if not parts:
        none = np.zeros(0)
        return Reading(
            none, none.astype(object), none.astype(bool), _flags(none, TOPICS), _flags(none, INTENTS)
        )
    return Reading(
        np.concatenate([one.sentiment for one in parts]),
        np.concatenate([one.language for one in parts]),
        np.concatenate([one.understood for one in parts]),
        np.concatenate([one.topics for one in parts]),
        np.concatenate([one.intents for one in parts]),
    )


def words(text: str, language: str | None = None) -> list[Word]:
    """The entries that moved a text's sentiment, in the order of the text.

    >>> [(one.entry, round(one.weight, 1)) for one in words("Not cheap, very slow")]
    [('not cheap', -2.0), ('slow', -1.4)]
    """
    return words_of([text], [language])[0]


def words_of(texts: Sequence[str | None], languages: Sequence[str | None]) -> list[list[Word]]:
    """The same of many texts, one list each; of a missing text an empty one."""
    found: list[list[Word]] = [[] for _ in texts]
    for begin in range(0, len(texts), BATCH):
        folded = fold([cleaned(one or "") for one in texts[begin : begin + BATCH]])
        said = _said(folded, lexicon(), languages[begin : begin + BATCH])
        whole = folded.text
        for row, first, end, weight in zip(
            said.text[said.polar].tolist(),
            said.first[said.polar].tolist(),
            said.end[said.polar].tolist(),
            said.weight[said.polar].tolist(),
            strict=True,
        ):
            found[begin + row].append(Word(whole[first:end], weight))
    return found


def _flags(bits: npt.NDArray[np.generic], names: tuple[str, ...]) -> BoolArray:
    """A column a name from bit sets."""
    return np.asarray((bits.astype(np.int64)[:, None] >> np.arange(len(names))) & 1 == 1)


def _batch(texts: Sequence[str | None], languages: Sequence[str | None] | None) -> Reading:
    folded = fold([cleaned(one or "") for one in texts])
    lists = lexicon()
    said = _said(folded, lists, languages)
    count = len(texts)
    total = np.bincount(said.text[said.polar], said.weight[said.polar], minlength=count)
    has_text = _has_text(folded)
    topics, intents = np.zeros(count, dtype=np.uint16), np.zeros(count, dtype=np.uint16)
    np.bitwise_or.at(topics, said.tagged_text, said.tagged_topics)
    np.bitwise_or.at(intents, said.tagged_text, said.tagged_intents)
    asked = np.flatnonzero(folded.codes == ASK)
    np.bitwise_or.at(intents, _text_at(folded, asked), np.uint16(1 << INTENTS.index("question")))
    touched = np.bincount(said.text[said.polar], minlength=count) > 0
    names = np.array([*LANGUAGES, UNDETERMINED, UNDETERMINED], dtype=object)[said.column]
    if languages is not None:
        names[said.column == FOREIGN] = [
            base_language(languages[i]) for i in np.flatnonzero(said.column == FOREIGN).tolist()
        ]
    names[~has_text] = None
    return Reading(
        np.where(has_text, total / np.sqrt(total**2 + _DAMPING), np.nan),
        names,
        has_text & (touched | (topics > 0) | (np.bincount(said.tagged_text[said.tagged_intents > 0], minlength=count) > 0)),
        _flags(np.where(has_text, topics, 0), TOPICS),
        _flags(np.where(has_text, intents, 0), INTENTS),
    )  # fmt: skip


def _text_at(folded: Folded, place: IntArray) -> IntArray:
    return np.searchsorted(folded.starts, place, side="right") - 1


def _has_text(folded: Folded) -> BoolArray:
    """Which texts hold a letter or an emoji; figures, amounts and punctuation alone are no text."""
    return np.asarray(np.add.reduceat(_says()[folded.codes], folded.starts[:-1]) > 0)


@cache
def _says() -> BoolArray:
    """For each code point of a folded text, whether it can say anything."""
    says = np.ones(0x110000, dtype=bool)
    says[:0x80] = False
    says[ord("a") : ord("z") + 1] = True
    for code in (*range(0x80, 0x3400), *range(0xF900, 0x10000)):
        category = unicodedata.category(chr(code))
        says[code] = category[0] != "N" and category != "Sc"
    says[_BROKEN] = False
    return says


@dataclass(frozen=True)
class _Said:
    """The matches of a batch that count, in the order of the texts.

    ``first`` and ``end`` are places in the folded text, ``weight`` is what a match adds to the sentiment; ``tagged_*`` are the
    matches that tell a topic or an intent; ``column`` is how each text is read.
    """

    text: IntArray
    first: IntArray
    end: IntArray
    polar: BoolArray
    weight: FloatArray
    tagged_text: IntArray
    tagged_topics: npt.NDArray[np.uint16]
    tagged_intents: npt.NDArray[np.uint16]
    column: IntArray


def _said(folded: Folded, lists: Lexicon, languages: Sequence[str | None] | None) -> _Said:
    """Match all lists in one pass and read each match in its text's language."""
    found = lists.automaton.find_matches_as_indexes(folded.text, overlapping=True)
    flat = np.fromiter(chain.from_iterable(found), dtype=np.int64, count=3 * len(found)).reshape(-1, 3)
    pattern, first, end = (
        flat[:, 0],
        flat[:, 1] + lists.lead[flat[:, 0]],
        flat[:, 2] - lists.trail[flat[:, 0]],
    )
    text = _text_at(folded, first)
    evidence = letter_evidence(folded.written)
    # Matches come in the order of the texts, so each text's stand together.
    telling = np.flatnonzero(lists.tells[pattern])
    heads = np.flatnonzero(np.append(True, np.diff(text[telling]) > 0)) if len(telling) else telling
    evidence[text[telling[heads]]] += np.add.reduceat(lists.evidence[pattern[telling]], heads, axis=0)
    column = columns_of(evidence, languages)
    own = column[text]
    topics, intents = lists.topics[pattern, own], lists.intents[pattern, own]
    tagged = (topics > 0) | (intents > 0)
    role = lists.roles[pattern, own]
    kept = _longest(role, first, end)
    text, first, end, role = text[kept], first[kept], end[kept], role[kept]
    weight = lists.weights[pattern[kept], own[kept]].astype(np.float64)
    weight *= _turned(folded, text, first, end, role)
    polar = (role & POLAR > 0) & (role & MASK == 0)
    return _Said(text, first, end, polar, weight, _text_at(folded, flat[tagged, 1]), topics[tagged], intents[tagged], column)  # fmt: skip


def _longest(role: npt.NDArray[np.uint8], first: IntArray, end: IntArray) -> IntArray:
    """The matches with a role, of which the longest covers all that it touches, and of equally long ones the first."""
    rows = np.flatnonzero(role)
    if not len(rows):
        return rows
    rows = rows[np.lexsort((-end[rows], first[rows]))]
    starts, ends = first[rows], end[rows]
    apart = np.ones(len(rows), dtype=bool)
    apart[1:] = starts[1:] >= np.maximum.accumulate(ends)[:-1]
    alone = apart & np.append(apart[1:], True)
    kept = [rows[alone]]
    # Of each group of matches that touch one another: take the longest, leave out what it covers, and so on.
    left, group = np.flatnonzero(~alone), np.cumsum(apart)
    worth = (ends - starts) * len(rows) + np.arange(len(rows))[::-1]
    while len(left):
        heads = np.flatnonzero(np.append(True, np.diff(group[left]) > 0))
        size = np.diff(np.append(heads, len(left)))
        best = len(rows) - 1 - np.maximum.reduceat(worth[left], heads) % len(rows)
        kept.append(rows[best])
        from_, to = np.repeat(starts[best], size), np.repeat(ends[best], size)
        left = left[(ends[left] <= from_) | (starts[left] >= to)]
    found = np.concatenate(kept)
    return found[np.argsort(first[found], kind="stable")]


def _turned(folded: Folded, text: IntArray, first: IntArray, end: IntArray, role: npt.NDArray[np.uint8]) -> FloatArray:  # fmt: skip
    """What negation, degree and "but" make of each match's weight."""
    codes = folded.codes
    begins = np.ones(len(codes), dtype=bool)
    begins[1:] = (codes[:-1] == ord(" ")) | (codes[1:] >= 0x3040)
    token = np.cumsum(begins & (codes != ord(" ")))
    clause = np.cumsum((codes == COMMA) | (codes == STOP) | (codes == CALL) | (codes == ASK))
    starts_at, ends_at, part = token[first], token[end - 1], clause[first]
    factor = np.ones(len(text))

    def nearest(flag: int, reach: int) -> BoolArray:
        """Whether such a match stands before in the same clause, at most so many words away."""
        place = np.where(role & flag > 0, np.arange(len(role)), -1)
        last = np.maximum.accumulate(np.concatenate([[-1], place]))[:-1]
        there = (last >= 0) & (text[last] == text) & (part[last] == part)
        return np.asarray(there & (starts_at - ends_at[last] <= reach))

    def following(flag: int, reach: int) -> BoolArray:
        place = np.where(role & flag > 0, np.arange(len(role)), len(role))
        after = np.minimum.accumulate(np.concatenate([place, [len(role)]])[::-1])[::-1][1:]
        known = after < len(role)
        after = np.where(known, after, 0)
        return np.asarray(
            known & (text[after] == text) & (part[after] == part) & (starts_at[after] - ends_at <= reach)
        )

    if len(role):
        far = np.where(codes[first] >= 0x3040, 1, 0)
        factor *= np.where(nearest(NEGATION, _REACH) | nearest(NEGATION, _REACH + 1) & (far > 0), _NEGATED, 1)
        factor *= np.where(following(NEGATION_AFTER, _REACH_BACK), _NEGATED, 1)
        factor *= np.where(nearest(STRONGER, _REACH_OF_DEGREE), _STRONGER, 1)
        factor *= np.where(nearest(WEAKER, _REACH_OF_DEGREE), _WEAKER, 1)
        factor *= _contrast(text, role)
    return factor


def _contrast(text: IntArray, role: npt.NDArray[np.uint8]) -> FloatArray:
    """What stands after the last "but" of a text weighs more, what stands before it less."""
    turns = np.flatnonzero(role & BUT > 0)
    if not len(turns):
        return np.ones(len(text))
    last = np.full(int(text.max()) + 1, -1)
    np.maximum.at(last, text[turns], turns)
    mine = last[text]
    place = np.arange(len(text))
    return np.where(mine < 0, 1.0, np.where(place > mine, _AFTER_BUT, _BEFORE_BUT))
