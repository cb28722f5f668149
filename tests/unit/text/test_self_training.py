"""Sentiment learned without ratings, from the texts whose words leave no doubt."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import expit

from retain.text.fold import fold
from retain.text.hashing import Hashed, hashed
from retain.text.learned import list_log_odds, score
from retain.text.learning import CAUTION, FEWEST_UNRATED, self_train

WORDS = np.array([a + b + c for a in ("ba", "ku", "mi", "to") for b in ("ra", "se", "no", "li", "wu") for c in ("ka", "fe", "di", "po", "gu")])  # fmt: skip


def feed(texts: int, seed: int) -> tuple[list[str], np.ndarray, np.ndarray]:
    """Texts of six words, their sentiment by lists that know ten of a hundred words, and whether their authors were content.

    A content author takes the first thirty words oftener, another the next thirty; of each the lists know five.
    """
    draw = np.random.default_rng(seed)
    label = draw.random(texts) < 0.6
    leaning = np.where(label[:, None], np.repeat([4, 1, 2], [30, 30, 40]), np.repeat([1, 4, 2], [30, 30, 40]))
    chosen = np.stack([draw.choice(100, 6, p=row / row.sum()) for row in leaning])
    known = np.zeros(100)
    known[:5], known[30:35] = 2, -2
    total = known[chosen].sum(axis=1)
    return (
        [" ".join(row) for row in WORDS[chosen].tolist()],
        total / np.sqrt(total**2 + 4),
        label.astype(float),
    )


def auroc(label: np.ndarray, value: np.ndarray) -> float:
    """The share of pairs in the right order."""
    above, below = value[label == 1][:, None], value[label == 0][None, :]
    return float((above > below).mean() + (above == below).mean() / 2)


@pytest.fixture(scope="module")
def texts() -> tuple[Hashed, np.ndarray, np.ndarray]:
    """A feed of 4,000."""
    said, sentiment, label = feed(4_000, seed=1)
    return hashed(fold(said)), sentiment, label


def test_words_that_go_along_with_known_ones_are_learned(
    texts: tuple[Hashed, np.ndarray, np.ndarray],
) -> None:
    """So the feed is read better than by the lists alone, and so are new texts."""
    read, sentiment, label = texts
    lesson = self_train(read, sentiment, ["xx"] * 4_000)
    assert lesson is not None
    told = score(lesson.model, read, sentiment, ["xx"] * 4_000)
    told = np.where(np.isnan(lesson.held_out), told, lesson.held_out)
    assert auroc(label, told) > auroc(label, sentiment) + 0.1
    new, new_sentiment, new_label = feed(2_000, seed=2)
    told = score(lesson.model, hashed(fold(new)), new_sentiment, ["xx"] * 2_000)
    assert auroc(new_label, told) > auroc(new_label, new_sentiment) + 0.1


def test_what_the_lists_say_keeps_its_weight(texts: tuple[Hashed, np.ndarray, np.ndarray]) -> None:
    """Between a text read as good and the same read as nothing lies what the lists say, with caution."""
    read, sentiment, _ = texts
    lesson = self_train(read, sentiment, ["xx"] * 4_000)
    assert lesson is not None
    one = read.rows(np.array([0, 0]))
    odds = score(lesson.model, one, np.array([0.6, 0.0]), ["xx", "xx"])
    odds = np.log(odds / (1 - odds))
    assert odds[0] - odds[1] == pytest.approx(CAUTION * list_log_odds(np.array([0.6]))[0])


def test_a_text_learned_from_is_held_out(texts: tuple[Hashed, np.ndarray, np.ndarray]) -> None:
    """Those that the lists are sure of, and no others; the lists' own say is in their probability."""
    read, sentiment, _ = texts
    lesson = self_train(read, sentiment, ["xx"] * 4_000)
    assert lesson is not None
    sure = np.abs(sentiment) >= 0.5
    np.testing.assert_array_equal(~np.isnan(lesson.held_out), sure)
    told = score(lesson.model, read, sentiment, ["xx"] * 4_000)
    assert np.corrcoef(told[sure], lesson.held_out[sure])[0, 1] > 0.9
    assert (told[sure] != lesson.held_out[sure]).all()


def test_few_texts_teach_nothing_without_ratings(texts: tuple[Hashed, np.ndarray, np.ndarray]) -> None:
    """The number counts for each language, and texts without a language count for none."""
    read, sentiment, _ = texts
    language = np.array(["xx"] * 4_000, dtype=object)
    language[FEWEST_UNRATED - 1 :] = "yy"
    lesson = self_train(read, sentiment, language)
    assert lesson is not None
    assert lesson.model.languages == ("yy",)
    language[FEWEST_UNRATED - 1 :] = None
    assert self_train(read, sentiment, language) is None


def test_lists_whose_words_go_along_with_nothing_teach_nothing(
    texts: tuple[Hashed, np.ndarray, np.ndarray],
) -> None:
    """Readings drawn by lot are not found again in texts held out."""
    read, _, _ = texts
    by_lot = np.random.default_rng(3).choice([-0.8, 0.8], 4_000)
    assert self_train(read, by_lot, ["xx"] * 4_000) is None


def test_the_odds_of_a_feed_are_those_of_its_sure_texts(texts: tuple[Hashed, np.ndarray, np.ndarray]) -> None:
    """In a feed of content authors a text without a known word leans to content."""
    read, sentiment, label = texts
    lesson = self_train(read, sentiment, ["xx"] * 4_000)
    assert lesson is not None
    silent = hashed(fold(["zzz"]))
    prior = score(lesson.model, silent, np.zeros(1), ["xx"])[0]
    assert 0.5 < prior < expit(2)
    assert label.mean() > 0.5
