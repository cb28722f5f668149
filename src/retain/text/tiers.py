"""The second and the third tier: what a feed's own texts teach, and when.

Through time a text is read with what earlier texts have taught and with nothing later. At the beginning of a month, when
there is twice as much to learn from as at the last lesson, a new one is taken from all that was known by then; the
texts of the month are read with it. So a text's sentiment is as old as the text, the same for every cutoff after it, and no
later text or rating changes it. Texts without an order in time teach all at once, and none is read with what it taught.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from retain.cache import key_of
from retain.text.clean import cleaned
from retain.text.feed import months_of
from retain.text.fitting import FEWEST, MOST
from retain.text.fold import fold
from retain.text.hashing import hashed, joined
from retain.text.learned import Learned, score
from retain.text.learning import FEWEST_UNRATED, learn, self_train
from retain.text.reading import BATCH, fingerprint
from retain.text.understood import by_words

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from retain.cache import Arrays, Cache
    from retain.events.store import IntArray
    from retain.text.feed import Feed, FloatArray, TextArray
    from retain.text.hashing import Hashed
    from retain.text.learning import Lesson
    from retain.text.understood import Understood

LEARNED, SELF_TRAINED = "learned", "self_trained"
_LEAST = {LEARNED: FEWEST, SELF_TRAINED: FEWEST_UNRATED}
_GROWTH = 2.0
"""A new lesson is taken when there is so many times as much to learn from."""
_LESSONS = "1"
"""Raised when the same texts teach something else, so that no cache answers for an older version."""


@dataclass(frozen=True)
class Seen:
    """What is known of texts besides their words; one row each. A lesson is planned from it, and only its own texts are looked at.

    Attributes:
        given: int64, when it was given.
        known: int64, when it was in the system.
        pleased: as in ``Feed``.
        sentiment: by the word lists, NaN without text.
        language: object, its code; None without text.
    """

    given: IntArray
    known: IntArray
    pleased: FloatArray
    sentiment: FloatArray
    language: TextArray

    @property
    def months(self) -> IntArray:
        """The calendar month (UTC) in which each was given, counted from 1970."""
        return months_of(self.given)

    @staticmethod
    def of(feed: Feed, words: Understood) -> Seen:
        """The texts of a feed, once they were read word by word."""
        return Seen(feed.given, feed.known, feed.pleased, words.sentiment, words.language)

    @staticmethod
    def together(parts: Sequence[Seen]) -> Seen:
        """The texts of all parts, one part after the other."""
        return Seen(
            *(
                np.concatenate([getattr(one, name) for one in parts])
                for name in ("given", "known", "pleased", "sentiment", "language")
            )
        )


Taught: TypeAlias = tuple[int, Learned | None, str]
Lessons: TypeAlias = Mapping[str, tuple[Taught, ...]]
"""For each tier its lessons, the oldest first: the month from which it is read by, what was learned, and its key in the cache."""


@dataclass(frozen=True)
class ThroughTime:
    """Word lists, and over them what earlier texts have taught.

    Attributes:
        tiers: those that may be used, the best first.
    """

    tiers: tuple[str, ...]

    def __call__(self, feed: Feed, cache: Cache) -> Understood:
        """What each text says, from itself and from texts known before the month in which it was given."""
        words = by_words(feed, cache)
        lessons = self.lessons(Seen.of(feed, words), lambda rows: feed.text[rows], cache)
        return self.told(feed, words, lessons, cache)

    def lessons(self, seen: Seen, texts: Callable[[IntArray], TextArray], cache: Cache) -> Lessons:
        """What these texts teach, and when.

        Args:
            seen: all of them.
            texts: gives the words of some, by ascending row.
            cache: keeps what was learned.
        """
        return {tier: tuple(_lessons(tier, seen, texts, cache)) for tier in self.tiers}

    def told(self, feed: Feed, words: Understood, lessons: Lessons, cache: Cache) -> Understood:
        """What each of these texts says when read by these lessons, which other texts may have taught.

        Args:
            feed: the texts, all or some.
            words: what their words say.
            lessons: from ``lessons`` all texts.
            cache: keeps what was told.
        """
        there = np.flatnonzero(np.isfinite(words.sentiment))
        months = feed.months[there]
        found = words
        for tier in reversed(self.tiers):
            begins = np.array([month for month, _, _ in lessons[tier]], dtype=np.int64)
            for month in np.unique(months):
                last = int(np.searchsorted(begins, month, side="right")) - 1
                model, key = lessons[tier][last][1:] if last >= 0 else (None, "")
                if model is not None:
                    rows = there[months == month]
                    found = _over(
                        found, rows, _told(tier, feed.rows(rows), words, rows, model, key, cache), tier
                    )
        return found

    def at_once(self, feed: Feed, cache: Cache) -> Understood:
        """What each text says, when every text may teach and none is read with what it taught."""
        words = by_words(feed, cache)
        found = words
        rows = np.flatnonzero(np.isfinite(words.sentiment))
        if len(rows):
            texts = _hashed(feed.text[rows])
            for tier in reversed(self.tiers):
                lesson = _taught(tier, texts, words.sentiment[rows], words.language[rows], feed.pleased[rows])
                if lesson is not None:
                    told = score(lesson.model, texts, words.sentiment[rows], words.language[rows])
                    told = np.where(np.isnan(lesson.held_out), told, lesson.held_out)
                    found = _over(found, rows, 2 * told - 1, tier)
        return found


def _over(found: Understood, rows: IntArray, told: FloatArray, tier: str) -> Understood:
    """What was found, with what a tier tells of some rows where it tells anything."""
    known = rows[np.isfinite(told)]
    sentiment, tiers, understood = found.sentiment.copy(), found.tier.copy(), found.understood.copy()
    sentiment[known], tiers[known], understood[known] = told[np.isfinite(told)], tier, True
    return replace(found, sentiment=sentiment, tier=tiers, understood=understood)


def _lessons(tier: str, seen: Seen, texts: Callable[[IntArray], TextArray], cache: Cache) -> Iterator[Taught]:
    """The months in which something was learned, with what it was and its key in the cache."""
    there = np.flatnonzero(np.isfinite(seen.sentiment))
    teaching = there if tier == SELF_TRAINED else there[np.isfinite(seen.pleased[there])]
    last = 0
    for month in np.unique(seen.months[there]).tolist():
        begins = np.datetime64(month, "M").astype("datetime64[us]").astype(np.int64)
        before = teaching[seen.known[teaching] < begins]
        if len(before) >= max(_LEAST[tier], _GROWTH * last):
            last = len(before)
            rows = _latest(seen, before)
            yield (month, *_lesson(tier, seen, rows, texts(rows), cache))


def _latest(seen: Seen, rows: IntArray) -> IntArray:
    """Of each language the latest rows, no more than can be learned from."""
    ordered = rows[np.argsort(seen.given[rows], kind="stable")]
    names = seen.language[ordered].astype(str)
    return np.sort(np.concatenate([ordered[names == name][-MOST:] for name in np.unique(names)]))


def _lesson(
    tier: str, seen: Seen, rows: IntArray, texts: TextArray, cache: Cache
) -> tuple[Learned | None, str]:
    """What these rows teach, from the cache if these very texts have taught before."""
    languages, pleased = seen.language[rows], seen.pleased[rows]
    key = key_of([tier, _LESSONS, fingerprint(), *texts, *languages, pleased.tobytes()])

    def make() -> Arrays:
        lesson = _taught(tier, _hashed(texts), seen.sentiment[rows], languages, pleased)
        if lesson is None:
            return {"languages": np.zeros(0, dtype=np.str_)}
        model = lesson.model
        return {
            "languages": np.array(model.languages, dtype=np.str_),
            "weights": model.weights,
            "lexicon_weight": np.array(model.lexicon_weight),
            "slopes": model.slopes,
            "intercepts": model.intercepts,
        }

    kept = cache.arrays(key, make)
    if not len(kept["languages"]):
        return None, key
    model = Learned(
        kept["weights"].astype(np.float32),
        float(kept["lexicon_weight"]),
        tuple(kept["languages"].tolist()),
        kept["slopes"].astype(np.float64),
        kept["intercepts"].astype(np.float64),
    )
    return model, key


def _taught(
    tier: str, texts: Hashed, sentiment: FloatArray, languages: TextArray, pleased: FloatArray
) -> Lesson | None:
    if tier == LEARNED:
        return learn(texts, sentiment, languages, pleased)
    return self_train(texts, sentiment, languages)


def _told(
    tier: str, feed: Feed, words: Understood, rows: IntArray, model: Learned, key: str, cache: Cache
) -> FloatArray:
    """The sentiment of a month's texts, from the cache if they were read with this very lesson before."""
    languages = words.language[rows]

    def make() -> Arrays:
        chance = score(model, _hashed(feed.text), words.sentiment[rows], languages)
        return {"sentiment": 2 * chance - 1}

    return cache.arrays(key_of([tier, key, *feed.text, *languages]), make)["sentiment"].astype(np.float64)


def _hashed(texts: TextArray) -> Hashed:
    """What occurs in each text; batches keep the arrays in the processor's cache."""
    return joined(
        [hashed(fold([cleaned(one) for one in texts[at : at + BATCH]])) for at in range(0, len(texts), BATCH)]
    )
