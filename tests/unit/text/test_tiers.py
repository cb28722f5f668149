"""Tests of what a feed teaches, and when."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from retain.cache import Cache
from retain.text.at_once import at_once
from retain.text.backends import TextSettings, backend_of
from retain.text.feed import Feed
from retain.text.tiers import LEARNED, SELF_TRAINED
from retain.timeline import DAY, instant

if TYPE_CHECKING:
    from pathlib import Path

    from retain.text.understood import Understood

START = instant("2024-01-01")
GOOD = "zarm belvo quist".split()
BAD = "grolp nax fidden".split()
FILLER = "the parcel and is was of my order".split()


def feed(months: int = 6, a_month: int = 200, seed: int = 1) -> Feed:
    """Texts of a trade whose words are in no list, half of them good; each rated when it was given."""
    rng = np.random.default_rng(seed)
    rows = months * a_month
    pleased = rng.integers(0, 2, rows).astype(float)
    texts = [
        " ".join([*rng.choice(FILLER, 4), *rng.choice(GOOD if one else BAD, 2), *rng.choice(FILLER, 2)])
        for one in pleased
    ]
    given = np.sort(START + (rng.random(rows) * months * 30 * DAY).astype(np.int64))
    return Feed(
        np.array(texts, dtype=object), np.full(rows, "en", dtype=object), given, given.copy(), pleased
    )


def read(one: Feed, backend: str = "auto", folder: Path | None = None) -> Understood:
    """The feed through time."""
    return backend_of(TextSettings(backend))(one, Cache(folder))


def test_ratings_teach_the_months_after_them() -> None:
    """Words that no list has are understood once enough customers have rated texts with them, and not before."""
    whole = feed()
    found = read(whole)
    first = whole.months == whole.months.min()
    assert set(found.tier[first]) == {"lexicon"}
    last = whole.months >= whole.months.min() + 3
    assert set(found.tier[last]) == {LEARNED}
    assert np.all((found.sentiment[last] > 0) == (whole.pleased[last] == 1))
    assert found.understood[last].all()


def test_nothing_known_later_changes_an_earlier_text() -> None:
    """Ratings, texts and whole rows from an instant on may be anything: what was given before is read the same."""
    whole = feed()
    cutoff = instant("2024-04-10")
    before = whole.given < cutoff
    rng = np.random.default_rng(5)
    other = Feed(
        np.where(before, whole.text, "terrible zarm belvo"),
        whole.language,
        whole.given,
        whole.known,
        np.where(before, whole.pleased, rng.integers(0, 2, len(whole))),
    )
    assert np.array_equal(read(whole).sentiment[before], read(other).sentiment[before])
    assert np.array_equal(read(whole.rows(np.flatnonzero(before))).sentiment, read(whole).sentiment[before])


def test_a_rating_recorded_late_teaches_late() -> None:
    """A rating given before a month and recorded after its beginning has taught nothing yet."""
    whole = feed()
    late = Feed(
        whole.text, whole.language, whole.given, np.full(len(whole), instant("2024-12-01")), whole.pleased
    )
    assert set(read(late).tier) == {"lexicon"}


def test_row_order_does_not_matter() -> None:
    """The same rows in another order say the same."""
    whole = feed()
    order = np.random.default_rng(3).permutation(len(whole))
    found = read(whole.rows(order))
    assert np.array_equal(found.sentiment, read(whole).sentiment[order])
    assert found.tier.tolist() == read(whole).tier[order].tolist()


def test_what_is_kept_says_the_same(tmp_path: Path) -> None:
    """A second run reads from the cache, with a new month beside the old ones, and nothing differs."""
    short, whole = feed().rows(np.arange(700)), feed()
    read(short, folder=tmp_path)
    before = {one.name for one in tmp_path.iterdir()}
    again = read(whole, folder=tmp_path)
    assert np.array_equal(again.sentiment, read(whole).sentiment)
    assert before & {one.name for one in tmp_path.iterdir()}
    assert not any(word.encode() in one.read_bytes() for one in tmp_path.iterdir() for word in (*GOOD, *BAD))


def test_a_feed_without_ratings_teaches_itself() -> None:
    """Two thousand texts with clear words tell what goes along with them."""
    whole = feed(months=6, a_month=700)
    rng = np.random.default_rng(2)
    clear = rng.random(len(whole)) < 0.6
    words = np.where(whole.pleased == 1, " excellent", " terrible")
    texts = np.array(
        [text + (word if one else "") for text, word, one in zip(whole.text, words, clear, strict=True)],
        dtype=object,
    )
    unrated = Feed(texts, whole.language, whole.given, whole.known, np.full(len(whole), np.nan))
    found = read(unrated)
    hard = (whole.months == whole.months.max()) & ~clear
    assert set(found.tier[hard]) == {SELF_TRAINED}
    assert np.mean((found.sentiment[hard] > 0) == (whole.pleased[hard] == 1)) > 0.95
    assert set(read(unrated, LEARNED).tier) == {"lexicon"}


def test_texts_of_one_file_are_read_by_what_the_others_teach() -> None:
    """Without dates every rating teaches, and a text is scored by a model that has not seen it."""
    whole = feed()
    found = at_once(whole, TextSettings())
    assert set(found.tier) == {LEARNED}
    assert np.mean((found.sentiment > 0) == (whole.pleased == 1)) > 0.99
    by_lot = Feed(
        np.array([f"{text} {number}" for number, text in enumerate(whole.text)], dtype=object),
        whole.language,
        whole.given,
        whole.known,
        np.random.default_rng(9).integers(0, 2, len(whole)).astype(float),
    )
    assert set(at_once(by_lot, TextSettings()).tier) == {"lexicon"}


@pytest.mark.parametrize("backend", ["auto", "lexicon", SELF_TRAINED, LEARNED])
def test_an_empty_feed_says_nothing(backend: str) -> None:
    """And stops nothing."""
    nothing = feed().rows(np.zeros(0, dtype=np.int64))
    assert len(read(nothing, backend).sentiment) == 0
    assert len(at_once(nothing, TextSettings(backend)).sentiment) == 0
