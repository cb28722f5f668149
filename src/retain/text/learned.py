"""Sentiment learned from a feed's own texts: from those that were rated, or from those whose words leave no doubt.

A rating says how its text was meant. A few hundred rated texts teach the words of a trade that no general list has. A
language is read with what was learned only where that is no worse than reading by the list, on texts not learned from.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import csr_array
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
