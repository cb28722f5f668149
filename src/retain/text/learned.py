"""What was learned of sentiment from a feed's own texts, and how other texts are scored with it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import expit

from retain.text.hashing import COLUMNS

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from retain.text.hashing import Hashed

    IntArray = npt.NDArray[np.int64]
    FloatArray = npt.NDArray[np.float64]
    Languages = Sequence[str | None] | npt.NDArray[np.object_]

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
        if not 0 < len(self.languages) == len(self.slopes) == len(self.intercepts):
            raise ValueError("there is a language, and each has a slope and an intercept")


def score(model: Learned, hashed: Hashed, sentiment: FloatArray, language: Languages) -> FloatArray:
    """The probability that each text's author was content; NaN in a language that the model is not for.

    Args:
        model: what was learned.
        hashed: what occurs in each text.
        sentiment: of each by the word lists, NaN for none.
        language: of each; None for none.
    """
    column = places_of(language, model.languages)
    filled = np.flatnonzero(np.diff(hashed.starts))
    said = np.zeros(len(hashed))
    if len(filled):
        said[filled] = np.add.reduceat(
            model.weights.take(hashed.columns), hashed.starts[filled], dtype=np.float64
        )
    said = damping(hashed) * said + model.lexicon_weight * list_log_odds(sentiment)
    return np.where(column >= 0, expit(model.slopes[column] * said + model.intercepts[column]), np.nan)


def list_log_odds(sentiment: FloatArray) -> FloatArray:
    """A sentiment by the word lists as a number without bounds: 2 artanh(s), as if ``(s + 1) / 2`` were a probability.

    >>> list_log_odds(np.array([0.0, 0.5, np.nan])).round(2).tolist()
    [0.0, 1.1, 0.0]
    """
    return np.asarray(2 * np.arctanh(np.clip(np.nan_to_num(sentiment), -_STEEPEST, _STEEPEST)))


def places_of(language: Languages, names: tuple[str, ...]) -> IntArray:
    """The place of each text's language among the names, -1 for none."""
    place = {name: number for number, name in enumerate(names)}
    return np.array([place.get(one or "", -1) for one in language], dtype=np.int64)


def damping(hashed: Hashed) -> FloatArray:
    """One over the root of each text's number of occurrences: what the sum of its weights is multiplied with."""
    return np.asarray(1 / np.sqrt(np.maximum(np.diff(hashed.starts), 1)))


def grained(weights: FloatArray) -> npt.NDArray[np.float32]:
    """The weights as whole multiples of the grain.

    >>> grained(np.array([1 / 3])).tolist()
    [0.33333301544189453]
    """
    return np.asarray((np.rint(weights / _GRAIN) * _GRAIN).astype(np.float32))
