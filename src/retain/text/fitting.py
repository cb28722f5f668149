"""Which texts are learned from, and the weights that fit them; those of the other folds, to tell how good they are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import csr_array, hstack

from retain.text.hashing import COLUMNS
from retain.text.learned import damping, list_log_odds, places_of
from retain.text.logistic import coefficients, ratios

if TYPE_CHECKING:
    from collections.abc import Iterable

    import numpy.typing as npt

    from retain.text.hashing import Hashed, KeyArray
    from retain.text.learned import Languages

    IntArray = npt.NDArray[np.int64]
    FloatArray = npt.NDArray[np.float64]
    BoolArray = npt.NDArray[np.bool_]

MOST = 20_000
"""Texts learned from; more only cost time."""
FEWEST, FEWEST_OF_EACH = 300, 50
"""Labelled texts of a language that are needed, in all and of the rarer label."""
FOLDS = 5
_FREE = 10.0
"""Scale of the columns for language and word lists, so that hardly any penalty keeps them small."""


def enough(keys: KeyArray, language: Languages, label: FloatArray) -> BoolArray:
    """Which texts ``learn`` learns from: the rated ones of languages with enough of them, or MOST, evenly between languages.

    Whoever has millions of rated texts need keep no others in memory.

    Args:
        keys: of the texts, see ``Hashed``.
        language: of each.
        label: of each, NaN where it was not rated.
    """
    rated = ~np.isnan(label)
    names = np.array([one or "" for one in language], dtype=object)
    taken = np.zeros(len(keys), dtype=bool)
    of_each = {
        name: np.flatnonzero(rated & (names == name)) for name in sorted({one for one in names[rated] if one})
    }
    known = {name: rows for name, rows in of_each.items() if _suffices(label[rows])}
    share = _share([len(rows) for rows in known.values()])
    for rows in known.values():
        # Texts that are alike have one key, so they are taken together or not at all.
        least = np.sort(keys[rows])[share] if len(rows) > share else None
        chosen = rows if least is None else rows[keys[rows] < least]
        taken[chosen] = _suffices(label[chosen])
    return taken


def _suffices(label: FloatArray) -> bool:
    good = int(label.sum())
    return len(label) >= FEWEST and min(good, len(label) - good) >= FEWEST_OF_EACH


def _share(counts: Iterable[int]) -> int:
    """How many texts a language may have so that all together are at most MOST."""
    left, ordered = MOST, sorted(counts)
    for place, count in enumerate(ordered):
        share = left // (len(ordered) - place)
        if count > share:
            return share
        left -= count
    return MOST


@dataclass(frozen=True)
class Task:
    """Texts to learn from, in an order that is their own.

    Attributes:
        counts: float64 (texts, COLUMNS), occurrences.
        root: float64, one over the root of a text's number of occurrences.
        lists: float64, log-odds by the word lists.
        label: 1 or 0.
        language: int64, the place among ``languages``.
        languages: sorted.
        fold: int64, in which fold a text is held out.
        row: int64, where each text stood.
    """

    counts: csr_array
    root: FloatArray
    lists: FloatArray
    label: FloatArray
    language: IntArray
    languages: tuple[str, ...]
    fold: IntArray
    row: IntArray

    def rows(self, which: BoolArray) -> Task:
        """These texts alone."""
        return Task(
            self.counts[which],
            self.root[which],
            self.lists[which],
            self.label[which],
            self.language[which],
            self.languages,
            self.fold[which],
            self.row[which],
        )


@dataclass(frozen=True)
class Fitted:
    """Weights before they are calibrated; one intercept a language."""

    weights: FloatArray
    lexicon_weight: float
    intercepts: FloatArray

    def log_odds(self, task: Task) -> FloatArray:
        """Of each of the texts."""
        said = (task.counts @ self.weights) * task.root
        return np.asarray(said + self.lexicon_weight * task.lists + self.intercepts[task.language])


def task_of(hashed: Hashed, sentiment: FloatArray, language: Languages, label: FloatArray) -> Task | None:
    """The texts that can be learned from, None if they are too few; see ``learn`` for the arguments."""
    used = np.flatnonzero(enough(hashed.keys, language, label))
    if not len(used):
        return None
    languages = tuple(sorted({str(language[one]) for one in used.tolist()}))
    place = places_of(language, languages)
    row = used[np.lexsort((sentiment[used], label[used], hashed.keys[used], place[used]))]
    own = hashed.rows(row)
    counts = csr_array(
        (np.ones(len(own.columns)), own.columns.astype(np.int32), own.starts.astype(np.int32)),
        shape=(len(own), COLUMNS),
    )
    counts.sum_duplicates()
    fold = own.keys % np.uint64(FOLDS)
    return Task(
        counts,
        damping(own),
        list_log_odds(sentiment[row]),
        label[row],
        place[row],
        languages,
        fold.astype(np.int64),
        row,
    )


def fitted(task: Task) -> Fitted:
    """The weight of each column, ratio and coefficient in one."""
    texts, languages = len(task.label), len(task.languages)
    rate = np.bincount(task.language, task.label) / np.maximum(np.bincount(task.language), 1)
    there = np.bincount(task.counts.indices, minlength=COLUMNS) > 0
    used, heads = np.flatnonzero(there), task.counts.indptr
    place = (np.cumsum(there, dtype=np.int32) - 1)[task.counts.indices]
    scale = ratios(
        csr_array((task.counts.data, place, heads), shape=(texts, len(used))), task.label, rate[task.language]
    )
    scaled = task.counts.data * scale[place] * np.repeat(task.root, np.diff(heads))
    free = csr_array(
        (
            _FREE * np.stack([task.lists, np.ones(texts)], axis=1).ravel(),
            np.stack([np.zeros(texts, dtype=np.int32), task.language + 1], axis=1).ravel(),
            2 * np.arange(texts + 1),
        ),
        shape=(texts, 1 + languages),
    )
    table = hstack([csr_array((scaled, place, heads), shape=(texts, len(used))), free], format="csr")
    found = coefficients(table, task.label)
    weights = np.zeros(COLUMNS)
    weights[used] = scale * found[: len(used)]
    return Fitted(weights, float(_FREE * found[len(used)]), _FREE * found[len(used) + 1 :])


def held_out(task: Task) -> FloatArray:
    """Log-odds of each text from the texts of the other folds."""
    held_out = np.empty(len(task.label))
    for fold in range(FOLDS):
        out = task.fold == fold
        held_out[out] = fitted(task.rows(~out)).log_odds(task.rows(out))
    return held_out
