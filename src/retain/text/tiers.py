"""The second and third tier through time: a text is read with what earlier texts have taught, and with nothing later.

At the beginning of a month, when there are twice as many texts to learn from as at the last lesson, a new lesson is taken
from all that was known by then. The texts of the month are read with the lessons at hand. So a text's sentiment is as old as
the text, the same for every cutoff after it, and never changes when new texts come.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from retain.text.cache import key_of
from retain.text.clean import cleaned
from retain.text.fold import fold
from retain.text.hashing import hashed, joined
from retain.text.learned import FEWEST, MOST, Learned, learn, score
from retain.text.lexicon import lexicon
from retain.text.reading import BATCH
from retain.text.self_trained import FEWEST_TEXTS, self_train
from retain.text.words import by_words

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from retain.text.cache import Arrays, Cache
    from retain.text.feed import Feed, FloatArray, IntArray
    from retain.text.hashing import Hashed
    from retain.text.words import Understood

LEARNED, SELF_TRAINED = "learned", "self_trained"
GROWTH = 2.0
"""A new lesson is taken when there is so many times as much to learn from."""
