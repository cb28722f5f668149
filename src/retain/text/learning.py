"""Sentiment learned from a feed's own texts: from those that were rated, or from those whose words leave no doubt.

A rating says how its text was meant. A few hundred rated texts teach the words of a trade that no general list has. A
language is read with what was learned only where that is no worse than reading by the list, on texts not learned from.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import expit

from retain.text.fitting import fitted, held_out, task_of
from retain.text.learned import Learned, grained, list_log_odds

if TYPE_CHECKING:
    import numpy.typing as npt

    from retain.text.fitting import Fitted, Task
    from retain.text.hashing import Hashed
    from retain.text.learned import Languages

    FloatArray = npt.NDArray[np.float64]
    BoolArray = npt.NDArray[np.bool_]

SURE = 0.5
"""Sentiment by the lists, either way, from which a text is learned from without a rating."""
FEWEST_UNRATED = 2_000
"""Texts of a language, below which nothing is learned without ratings."""
WEIGHT = 0.5
"""Of the log-odds learned without ratings, beside those of the lists."""
CAUTION = 0.75
"""Of their sum: both are read from the same words, so that together they are too sure."""
_ROUNDS = 20


@dataclass(frozen=True)
class Trial:
    """How a language did on texts not learned from.

    Attributes:
        language: its code.
        texts: texts that it was tried on.
        auroc: of what was learned.
        lexicon_auroc: of the word lists, on the same texts; NaN where they gave the labels.
        used: whether the language is read with what was learned.
    """

    language: str
    texts: int
    auroc: float
    lexicon_auroc: float
    used: bool


@dataclass(frozen=True)
class Lesson:
    """What a feed's texts taught.

    Attributes:
        model: for texts that were not learned from.
        held_out: float64, for each text learned from the probability that its author was content, told by a model that did
            not see it; NaN for all others.
        trials: one for each language with enough texts.
    """

    model: Learned
    held_out: FloatArray
    trials: tuple[Trial, ...]


def learn(hashed: Hashed, sentiment: FloatArray, language: Languages, label: FloatArray) -> Lesson | None:
    """What rated texts teach, None where no language can be read with it.

    The same for the same texts in any order. Texts that are alike are held out together, so a sentence that came twice
    cannot vouch for itself.

    Args:
        hashed: what occurs in each text.
        sentiment: of each by the word lists, NaN for none.
        language: of each; None for none, and then it is not used.
        label: 1 where the author was content, 0 where not, NaN where nobody knows.
    """
    task = task_of(hashed, sentiment, language, label)
    if task is None:
        return None
    odds = held_out(task)
    trials = tuple(_tried(task, odds, number) for number in range(len(task.languages)))
    used = [number for number, one in enumerate(trials) if one.used]
    if not used:
        return None
    found = [_platt(odds[mine], task.label[mine]) for mine in (task.language == one for one in used)]
    slopes, intercepts = np.array(found).T
    model = _model(fitted(task), task, used, slopes, intercepts)
    return Lesson(model, _spread(task, used, slopes, intercepts, odds, len(hashed)), trials)


def self_train(hashed: Hashed, sentiment: FloatArray, language: Languages) -> Lesson | None:
    """What the texts with clear words teach about the others, None where no language has enough texts.

    The word lists give the labels of the texts that they are sure of; what else is written in those tells about the texts
    that say it in other words. Log-odds by the lists and WEIGHT times the learned ones are added up, with CAUTION. There
    is one round, and nothing in it is measured against a truth: where ratings exist use ``learn``.

    Args:
        hashed: what occurs in each text.
        sentiment: of each by the word lists, NaN for none.
        language: of each; None for none.
    """
    sure = np.abs(np.nan_to_num(sentiment)) >= SURE
    label = np.where(sure & _frequent(language), (sentiment > 0).astype(np.float64), np.nan)
    task = task_of(hashed, np.zeros(len(hashed)), language, label)
    if task is None:
        return None
    odds = held_out(task)
    trials = tuple(
        replace(_tried(task, odds, number), lexicon_auroc=np.nan) for number in range(len(task.languages))
    )
    used = [number for number, one in enumerate(trials) if one.used]
    if not used:
        return None
    slopes, intercepts = np.full(len(used), CAUTION * WEIGHT), np.zeros(len(used))
    model = replace(_model(fitted(task), task, used, slopes, intercepts), lexicon_weight=1 / WEIGHT)
    odds += list_log_odds(sentiment[task.row]) / WEIGHT
    return Lesson(model, _spread(task, used, slopes, intercepts, odds, len(hashed)), trials)


def _frequent(language: Languages) -> BoolArray:
    """Which texts are in a language with FEWEST_UNRATED or more."""
    names, place, counts = np.unique([one or "" for one in language], return_inverse=True, return_counts=True)
    return np.asarray(((counts >= FEWEST_UNRATED) & (names != ""))[place])


def _model(whole: Fitted, task: Task, used: list[int], slopes: FloatArray, intercepts: FloatArray) -> Learned:
    return Learned(
        grained(whole.weights),
        whole.lexicon_weight,
        tuple(task.languages[one] for one in used),
        slopes,
        slopes * whole.intercepts[used] + intercepts,
    )


def _spread(
    task: Task, used: list[int], slopes: FloatArray, intercepts: FloatArray, odds: FloatArray, texts: int
) -> FloatArray:
    """The probabilities held out, where each text stood."""
    place = np.full(len(task.languages), -1)
    place[used] = np.arange(len(used))
    mine = place[task.language]
    spread = np.full(texts, np.nan)
    spread[task.row] = np.where(mine >= 0, expit(slopes[mine] * odds + intercepts[mine]), np.nan)
    return spread


def _tried(task: Task, log_odds: FloatArray, number: int) -> Trial:
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
    found = np.array([0.0, np.log((good + 1) / (len(label) - good + 1))])

    def loss(line: FloatArray) -> float:
        odds = line[0] * log_odds + line[1]
        return float((np.logaddexp(0, odds) - target * odds).sum())

    for _ in range(_ROUNDS):
        chance = expit(found[0] * log_odds + found[1])
        curve, left = np.maximum(chance * (1 - chance), 1e-9), chance - target
        a, b, c = (curve * log_odds**2).sum() + 1e-9, (curve * log_odds).sum(), curve.sum()
        down, along = (left * log_odds).sum(), left.sum()
        step = np.array([b * along - c * down, b * down - a * along]) / (a * c - b * b)
        while loss(found + step) > loss(found) and np.abs(step).max() > 1e-9:
            step /= 2  # Newton's step may reach too far where nearly all are certain
        found = found + step
    return float(found[0]), float(found[1])
