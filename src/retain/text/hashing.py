"""A batch of folded texts as numbers to learn from: its runs of letters, words and pairs of words, hashed to columns.

No vocabulary is kept, so a model is one array, and a word that only the future will bring has its column already.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from retain.text.fold import END, SPACE

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from retain.text.fold import CodeArray, Folded

    IntArray = npt.NDArray[np.int64]
    KeyArray = npt.NDArray[np.uint64]
    BoolArray = npt.NDArray[np.bool_]

BITS = 18
COLUMNS = 1 << BITS
"""Columns that everything is hashed to."""
LONGEST_GRAM = 4
"""Characters of the longest run that is counted."""
_SAID_BY_GRAMS = LONGEST_GRAM - 2
"""A word of so many letters is, with its two spaces, a run that is counted already."""
_IDEOGRAPHS = (0x3040, 0x9FFF)
"""Written without spaces; see ``fold``."""

# Odd constants of no meaning: the golden ratio in 32 and 64 bits, and multipliers whose bits look like chance.
_START = np.uint32(0x9E3779B9)
_STEP = np.uint32(0x85EBCA6B)
_LAST = np.uint32(0xC2B2AE35)
_STEP_64 = np.uint64(0x9E3779B97F4A7C15)
_LAST_64 = np.uint64(0xD6E8FEB86659FD93)
_PAIR = np.uint64(0xA0761D6478BD642F)


@dataclass(frozen=True)
class Hashed:
    """What occurs in each of some texts.

    Attributes:
        columns: uint32 below COLUMNS, every occurrence, text after text.
        starts: int64, the occurrences in text ``i`` are ``columns[starts[i]:starts[i + 1]]``.
        keys: uint64, the same for the same folded text and for hardly any other.
    """

    columns: CodeArray
    starts: IntArray
    keys: KeyArray

    def __post_init__(self) -> None:
        """Refuse parts that do not belong together."""
        if len(self.starts) != len(self.keys) + 1 or self.starts[-1] != len(self.columns):
            raise ValueError("starts, keys and columns are of different texts")

    def __len__(self) -> int:
        """How many texts."""
        return len(self.keys)

    def rows(self, which: IntArray) -> Hashed:
        """These texts alone, in this order.

        >>> from retain.text.fold import fold
        >>> both = hashed(fold(["good", "bad"]))
        >>> both.rows(np.array([1])).columns.tolist() == hashed(fold(["bad"])).columns.tolist()
        True
        """
        counts = np.diff(self.starts)[which]
        starts = _from_zero(counts)
        place = np.arange(starts[-1]) + np.repeat(self.starts[which] - starts[:-1], counts)
        return Hashed(self.columns[place], starts, self.keys[which])


def hashed(folded: Folded) -> Hashed:
    """What occurs in each text: runs of one to four characters, words, and pairs of words that follow one another.

    Runs include the spaces around words. A word that a run says already (up to two letters, or ideographs, which are
    written without spaces) is not counted again. A column depends on nothing but the run or word itself.

    >>> from retain.text.fold import fold
    >>> len(hashed(fold(["so bad"])).columns)  # 5 letters, 7, 6 and 5 runs of two to four, "bad", "so bad"
    25
    """
    codes = folded.codes
    table = np.empty((len(codes), LONGEST_GRAM + 2), dtype=np.uint32)
    there = np.zeros(table.shape, dtype=bool)
    _grams(codes, table, there)
    keys = _words(folded, table, there)
    chosen = np.flatnonzero(there)
    return Hashed(table.ravel().take(chosen), np.searchsorted(chosen, folded.starts * table.shape[1]), keys)


def joined(parts: Sequence[Hashed]) -> Hashed:
    """Several batches as one."""
    return Hashed(
        np.concatenate([one.columns for one in parts]),
        _from_zero(np.concatenate([np.diff(one.starts) for one in parts])),
        np.concatenate([one.keys for one in parts]),
    )


def _from_zero(counts: IntArray) -> IntArray:
    """Where each begins, and where the last one ends."""
    return np.concatenate([[0], np.cumsum(counts)])


def _grams(codes: CodeArray, table: CodeArray, there: BoolArray) -> None:
    """Columns of the runs that begin at each character; no run holds the END of a text."""
    state = np.full(len(codes), _START)
    whole = np.ones(len(codes), dtype=bool)
    for size in range(LONGEST_GRAM):
        at = max(len(codes) - size, 0)
        state, whole = state[:at], whole[:at]
        state = (state ^ codes[size:]) * _STEP
        state ^= state >> np.uint32(15)
        whole = whole & (codes[size:] != END)
        table[:at, size] = (state * _LAST) >> np.uint32(32 - BITS)
        there[:at, size] = whole
    there[:, 0] &= codes != SPACE


def _words(folded: Folded, table: CodeArray, there: BoolArray) -> KeyArray:
    """Columns of words and pairs, each where its first word begins; returns the keys of the texts."""
    codes = folded.codes
    if not len(codes):
        return np.zeros(0, dtype=np.uint64)
    space = codes == SPACE
    # A text begins with a space, and its END stands alone like a word.
    first = np.flatnonzero(space[:-1] & ~space[1:]) + 1
    size = np.diff(first, append=len(codes) + 1) - 1
    word = _sums(codes[first[0] :] * ~space[first[0] :], first - first[0])
    alone = (codes[first] < _IDEOGRAPHS[0]) | (codes[first] > _IDEOGRAPHS[1])
    alone &= codes[first] != END
    table[first, LONGEST_GRAM] = _column(word)
    there[first, LONGEST_GRAM] = alone & (size > _SAID_BY_GRAMS)
    table[first[:-1], LONGEST_GRAM + 1] = _column(word[:-1] * _PAIR + word[1:])
    there[first[:-1], LONGEST_GRAM + 1] = alone[:-1] & alone[1:]
    return _sums(word, np.searchsorted(first, folded.starts[:-1]))


def _sums(parts: npt.NDArray[np.unsignedinteger], starts: IntArray) -> KeyArray:
    """A number for each stretch from one start to the next, from its parts and where in it they stand; 0 adds nothing."""
    place = np.arange(len(parts)) - np.repeat(starts, np.diff(starts, append=len(parts)))
    mixed = parts * (place.view(np.uint64) * _STEP_64 + _LAST_64)
    mixed ^= mixed >> np.uint64(32)
    mixed *= _LAST_64
    mixed ^= mixed >> np.uint64(29)
    return np.asarray(np.add.reduceat(mixed, starts))


def _column(number: KeyArray) -> CodeArray:
    mixed = (number ^ (number >> np.uint64(31))) * _STEP_64
    return (mixed >> np.uint64(64 - BITS)).astype(np.uint32)
