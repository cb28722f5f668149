"""Sentiment learned from a feed's own texts: from those that were rated, or from those whose words leave no doubt.

A rating says how its text was meant. A few hundred rated texts teach the words of a trade that no general list has. A
language is read with what was learned only where that is no worse than reading by the list, on texts not learned from.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import csr_array, hstack
from scipy.special import expit

from retain.text.hashing import COLUMNS
from retain.text.logistic import coefficients, ratios

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import numpy.typing as npt

    from retain.text.hashing import Hashed, KeyArray

    IntArray = npt.NDArray[np.int64]
    FloatArray = npt.NDArray[np.float64]
    BoolArray = npt.NDArray[np.bool_]
    Languages = Sequence[str | None] | npt.NDArray[np.object_]

MOST = 20_000
"""Texts learned from; more only cost time."""
FEWEST, FEWEST_OF_EACH = 300, 50
"""Rated texts of a language that are needed, in all and of the rarer label."""
FOLDS = 5
_FREE = 10.0
"""Scale of the columns for language and word list, so that hardly any penalty keeps them small."""
_GRAIN = 2.0**-20
"""Weights are whole multiples of this: their sums are exact, and so the same in whatever order and batch."""
_STEEPEST = 0.99


@dataclass(frozen=True)
class Learned:
    """What was learned, ready to score texts.

    The log-odds of a text in language ``l`` are ``slopes[l] (sum of weights / sqrt(occurrences) + lexicon_weight f(s)) + intercepts[l]``,
    with ``s`` its sentiment by the word lists and ``f`` as in ``list_log_odds``.

    Attributes:
        weights: float32 (COLUMNS,).
        lexicon_weight: of the reading by the lists.
        languages: those that it may be used for, sorted.
        slopes: float64, one a language.
        intercepts: float64, one a language.
    """

    weights: npt.NDArray[np.float32]
    lexicon_weight: float
    languages: tuple[str, ...]
    slopes: FloatArray
    intercepts: FloatArray

    def __post_init__(self) -> None:
        """Refuse parts that do not belong together."""
        if self.weights.shape != (COLUMNS,):
            raise ValueError(f"there is one weight for each of {COLUMNS} columns")
        if not len(self.languages) == len(self.slopes) == len(self.intercepts):
            raise ValueError("each language has a slope and an intercept")


@dataclass(frozen=True)
class Trial:
    """How a language did on texts not learned from.

    Attributes:
        language: its code.
        texts: rated texts that it was tried on.
        auroc: of what was learned.
        lexicon_auroc: of the word lists, on the same texts.
        used: whether the language is read with what was learned.
    """

    language: str
    texts: int
    auroc: float
    lexicon_auroc: float
    used: bool


@dataclass(frozen=True)
class Lesson:
    """What rated texts taught.

    Attributes:
        model: for texts that were not learned from.
        held_out: float64, for each text learned from the probability that its author was content, told by a model that did not
            see it; NaN for all others.
        trials: one for each language with enough ratings.
    """

    model: Learned
    held_out: FloatArray
    trials: tuple[Trial, ...]


def learn(hashed: Hashed, sentiment: FloatArray, language: Languages, label: FloatArray) -> Lesson | None:
    """What rated texts teach, None where no language can be read with it.

    The same for the same texts in any order. Texts that are alike are held out together, so a sentence that came twice cannot vouch
    for itself.

    Args:
        hashed: what occurs in each text.
        sentiment: of each by the word lists, NaN for none.
        language: of each; None for none, and then it is not used.
        label: 1 where the author was content, 0 where not, NaN where nobody knows.
    """
    task = _task(hashed, sentiment, language, label)
    if task is None:
        return None
    held_out = _held_out(task)
    found = [_tried(task, held_out, number) for number in range(len(task.languages))]
    good = [number for number, one in enumerate(found) if one.used]
    if not good:
        return None
    slopes, intercepts = (
        np.array(column)
        for column in zip(*(_platt(held_out[mine], task.label[mine]) for mine in (task.language == one for one in good)), strict=True)
    )  # fmt: skip
    whole = _fitted(task)
    model = Learned(
        np.rint(whole.weights / _GRAIN).astype(np.float32) * np.float32(_GRAIN),
        whole.lexicon_weight,
        tuple(task.languages[one] for one in good),
        slopes,
        slopes * whole.intercepts[good] + intercepts,
    )
    place = np.full(len(task.languages), -1)
    place[good] = np.arange(len(good))
    mine = place[task.language]
    probability = np.full(len(hashed), np.nan)
    probability[task.row] = np.where(mine >= 0, expit(slopes[mine] * held_out + intercepts[mine]), np.nan)
    return Lesson(model, probability, tuple(found))


def score(model: Learned, hashed: Hashed, sentiment: FloatArray, language: Languages) -> FloatArray:
    """The probability that each text's author was content; NaN in a language that the model is not for.

    Args:
        model: what was learned.
        hashed: what occurs in each text.
        sentiment: of each by the word lists, NaN for none.
        language: of each; None for none.
    """
    column = _places(language, model.languages)
    filled = np.flatnonzero(np.diff(hashed.starts))
    said = np.zeros(len(hashed))
    if len(filled):
        said[filled] = np.add.reduceat(model.weights[hashed.columns], hashed.starts[filled], dtype=np.float64)
    said = _root(hashed) * said + model.lexicon_weight * list_log_odds(sentiment)
    if not model.languages:
        return np.full(len(hashed), np.nan)
    return np.where(column >= 0, expit(model.slopes[column] * said + model.intercepts[column]), np.nan)


def list_log_odds(sentiment: FloatArray) -> FloatArray:
    """A sentiment by the word lists as a number without bounds: 2 artanh(s), as if ``(s + 1) / 2`` were a probability.

    >>> list_log_odds(np.array([0.0, 0.5, np.nan])).round(2).tolist()
    [0.0, 1.1, 0.0]
    """
    return np.asarray(2 * np.arctanh(np.clip(np.nan_to_num(sentiment), -_STEEPEST, _STEEPEST)))


def enough(keys: KeyArray, language: Languages, label: FloatArray) -> BoolArray:
    """Which texts ``learn`` learns from: the rated ones of languages with enough of them, or MOST, evenly between languages.

    Whoever has millions of rated texts need hash no others.

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
        taken[rows if least is None else rows[keys[rows] < least]] = True
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
class _Task:
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

    def rows(self, which: BoolArray) -> _Task:
        """These texts alone."""
        return _Task(
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
class _Fitted:
    """Weights before they are calibrated; one intercept a language."""

    weights: FloatArray
    lexicon_weight: float
    intercepts: FloatArray

    def log_odds(self, task: _Task) -> FloatArray:
        said = (task.counts @ self.weights) * task.root
        return np.asarray(said + self.lexicon_weight * task.lists + self.intercepts[task.language])


def _task(hashed: Hashed, sentiment: FloatArray, language: Languages, label: FloatArray) -> _Task | None:
    used = np.flatnonzero(enough(hashed.keys, language, label))
    if not len(used):
        return None
    languages = tuple(sorted({str(language[one]) for one in used.tolist()}))
    place = _places(language, languages)
    row = used[np.lexsort((sentiment[used], label[used], hashed.keys[used], place[used]))]
    own = hashed.rows(row)
    counts = csr_array(
        (np.ones(len(own.columns)), own.columns.astype(np.int32), own.starts), shape=(len(own), COLUMNS)
    )
    counts.sum_duplicates()
    fold = own.keys % np.uint64(FOLDS)
    return _Task(
        counts,
        _root(own),
        list_log_odds(sentiment[row]),
        label[row],
        place[row],
        languages,
        fold.astype(np.int64),
        row,
    )


def _root(hashed: Hashed) -> FloatArray:
    return np.asarray(1 / np.sqrt(np.maximum(np.diff(hashed.starts), 1)))


def _fitted(task: _Task) -> _Fitted:
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
    return _Fitted(weights, float(_FREE * found[len(used)]), _FREE * found[len(used) + 1 :])


def _held_out(task: _Task) -> FloatArray:
    """Log-odds of each text from the texts of the other folds."""
    held_out = np.empty(len(task.label))
    for fold in range(FOLDS):
        out = task.fold == fold
        held_out[out] = _fitted(task.rows(~out)).log_odds(task.rows(out))
    return held_out


def _tried(task: _Task, log_odds: FloatArray, number: int) -> Trial:
    """Whether a language may be read with what was learned: no worse than by the lists, and better than by chance."""
    mine = task.language == number
    label = task.label[mine]
    by_model, by_lists = _auroc(label, log_odds[mine]), _auroc(label, task.lists[mine])
    good = label.sum()
    by_chance = np.sqrt((len(label) + 1) / (12 * good * (len(label) - good)))  # its standard error at .5
    used = by_model >= max(by_lists, 0.5 + 2 * by_chance)
    return Trial(task.languages[number], len(label), by_model, by_lists, bool(used))


def _auroc(label: FloatArray, score: FloatArray) -> float:
    """The chance that a text of label 1 scores higher than one of label 0; ties count one half."""
    _, place, counts = np.unique(score, return_inverse=True, return_counts=True)
    rank = np.cumsum(counts) - (counts - 1) / 2
    good = label.sum()
    return float((rank[place][label == 1].sum() - good * (good + 1) / 2) / (good * (len(label) - good)))


def _platt(log_odds: FloatArray, label: FloatArray) -> tuple[float, float]:
    """Slope and intercept that make log-odds true ones: Platt (1999), with his softened labels."""
    good = label.sum()
    target = np.where(label == 1, (good + 1) / (good + 2), 1 / (len(label) - good + 2))
    slope, intercept = 1.0, 0.0
    for _ in range(25):
        chance = expit(slope * log_odds + intercept)
        curve = np.maximum(chance * (1 - chance), 1e-9)
        left = chance - target
        a, b, c = (curve * log_odds**2).sum(), (curve * log_odds).sum(), curve.sum()
        down, along = (left * log_odds).sum(), left.sum()
        size = a * c - b * b
        slope, intercept = slope - (c * down - b * along) / size, intercept - (a * along - b * down) / size
    return float(slope), float(intercept)


def _places(language: Languages, names: tuple[str, ...]) -> IntArray:
    """The place of each text's language among the names, -1 for none."""
    place = {name: number for number, name in enumerate(names)}
    return np.array([place.get(one or "", -1) for one in language], dtype=np.int64)
