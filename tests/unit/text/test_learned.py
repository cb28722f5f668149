"""Sentiment learned from rated texts."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from scipy.special import expit, logit

from retain.text import fitting, learning
from retain.text.fitting import enough
from retain.text.fold import fold
from retain.text.hashing import COLUMNS, Hashed, hashed, joined
from retain.text.learned import Learned, list_log_odds, score
from retain.text.learning import learn

SYLLABLES = "ba de fi go ku la me ni po ru sa te vi wo zu".split()


def invented(seed: int) -> list[str]:
    """A language of 100 words."""
    draw = np.random.default_rng(seed)
    return ["".join(draw.choice(SYLLABLES, 3)) for _ in range(100)]


def feed(
    texts: int, seed: int, language: int = 0, strength: float = 1.0
) -> tuple[list[str], np.ndarray, np.ndarray]:
    """Texts of eight words, whether their authors were content, and the true probability of it.

    The first 25 words are those of content authors, the next 25 of the others.
    """
    words, draw = np.array(invented(language)), np.random.default_rng(seed)
    leaning = np.zeros(100)
    leaning[:25], leaning[25:50] = strength, -strength
    chosen = draw.integers(0, 100, (texts, 8))
    truth = expit(leaning[chosen].sum(axis=1) + 0.5)
    label = (draw.random(texts) < truth).astype(float)
    return [" ".join(row) for row in words[chosen].tolist()], label, truth


def auroc(label: np.ndarray, value: np.ndarray) -> float:
    """The share of pairs in the right order."""
    above, below = value[label == 1][:, None], value[label == 0][None, :]
    return float((above > below).mean() + (above == below).mean() / 2)


def unread(texts: int) -> np.ndarray:
    """Sentiment by lists that know no word."""
    return np.zeros(texts)


def test_the_words_of_an_unknown_language_are_learned() -> None:
    """From 2,000 rated texts; the texts held out say so honestly."""
    texts, label, _ = feed(2_000, seed=1, strength=3)
    new, new_label, _ = feed(2_000, seed=2, strength=3)
    lesson = learn(hashed(fold(texts)), unread(2_000), ["xx"] * 2_000, label)
    assert lesson is not None
    found = auroc(new_label, score(lesson.model, hashed(fold(new)), unread(2_000), ["xx"] * 2_000))
    assert found > 0.9
    assert auroc(label, lesson.held_out) == pytest.approx(lesson.trials[0].auroc)
    assert lesson.trials[0].auroc == pytest.approx(found, abs=0.03)


def test_probabilities_are_calibrated_on_texts_not_learned_from() -> None:
    """The slope of the labels on the log-odds is near 1, and the mean is that of the labels."""
    texts, label, _ = feed(4_000, seed=3, strength=1.5)
    new, new_label, _ = feed(6_000, seed=4, strength=1.5)
    lesson = learn(hashed(fold(texts)), unread(4_000), ["xx"] * 4_000, label)
    assert lesson is not None
    told = score(lesson.model, hashed(fold(new)), unread(6_000), ["xx"] * 6_000)
    slope, intercept = learning._platt(logit(told), new_label)
    assert slope == pytest.approx(1, abs=0.15)
    assert intercept == pytest.approx(0, abs=0.15)
    assert told.mean() == pytest.approx(new_label.mean(), abs=0.02)


def test_ratings_drawn_by_lot_are_not_learned() -> None:
    """Scored in sample they would look well read; held out they are a coin, and the language is refused."""
    texts, _, _ = feed(1_500, seed=5)
    label = np.random.default_rng(6).integers(0, 2, 1_500).astype(float)
    task = fitting.task_of(hashed(fold(texts)), unread(1_500), ["xx"] * 1_500, label)
    assert task is not None
    held_out = fitting.held_out(task)
    assert auroc(task.label, fitting.fitted(task).log_odds(task)) > 0.9
    assert auroc(task.label, held_out) == pytest.approx(0.5, abs=0.05)
    assert learn(hashed(fold(texts)), unread(1_500), ["xx"] * 1_500, label) is None


def test_a_sentence_that_came_often_cannot_vouch_for_itself() -> None:
    """Thirty copies of each text with one rating drawn by lot: none of them is held out with its copies learned from."""
    texts, _, _ = feed(100, seed=7)
    label = np.repeat(np.random.default_rng(8).integers(0, 2, 100), 30).astype(float)
    task = fitting.task_of(hashed(fold([one for one in texts for _ in range(30)])), unread(3_000), ["xx"] * 3_000, label)  # fmt: skip
    assert task is not None
    assert auroc(task.label, fitting.held_out(task)) < 0.65


@pytest.mark.parametrize(("texts", "content"), [(299, 150), (2_000, 49), (2_000, 1_951)])
def test_a_language_with_too_few_ratings_is_refused(texts: int, content: int) -> None:
    """300 in all and 50 of each kind are needed."""
    said, _, _ = feed(texts, seed=9)
    label = (np.arange(texts) < content).astype(float)
    assert learn(hashed(fold(said)), unread(texts), ["xx"] * texts, label) is None


def test_texts_without_rating_or_language_teach_nothing() -> None:
    """They are no part of the lesson, and have no probability held out."""
    texts, label, _ = feed(1_200, seed=10, strength=3)
    language = np.array(["xx"] * 1_200, dtype=object)
    label[::4], language[1::4] = np.nan, None
    lesson = learn(hashed(fold(texts)), unread(1_200), language, label)
    assert lesson is not None
    assert lesson.trials[0].texts == 600
    assert np.isnan(lesson.held_out).tolist() == [True, True, False, False] * 300


def test_a_language_that_was_not_learned_is_not_scored() -> None:
    """Nor a text without language."""
    texts, label, _ = feed(600, seed=11, strength=3)
    both = hashed(fold(texts))
    lesson = learn(both, unread(600), ["xx"] * 600, label)
    assert lesson is not None
    told = score(lesson.model, both.rows(np.arange(3)), unread(3), ["xx", "yy", None])
    assert np.isnan(told).tolist() == [False, True, True]


def test_lists_that_do_better_are_left_in_place() -> None:
    """Where the lists' order is that of the ratings nothing is gained by learning; another language may still gain."""
    texts, label, truth = feed(800, seed=12, strength=3)
    other, other_label, _ = feed(800, seed=13, language=1, strength=3)
    perfect = np.where(np.arange(1_600) < 800, np.concatenate([2 * label - 1, label]) * 0.9, 0)
    lesson = learn(
        hashed(fold(texts + other)),
        np.where(np.arange(1_600) < 800, perfect, 0.0),
        ["xx"] * 800 + ["yy"] * 800,
        np.concatenate([np.where(truth > 0.5, 1.0, 0.0), other_label]),
    )
    assert lesson is not None
    assert "yy" in lesson.model.languages


def test_what_the_lists_say_counts_too() -> None:
    """A reading that tells something the letters do not makes the learned one better."""
    texts, label, _ = feed(1_000, seed=14, strength=1.5)
    hint = np.clip((2 * label - 1) * 0.5 + np.random.default_rng(15).normal(0, 0.7, 1_000), -1, 1)
    with_lists = learn(hashed(fold(texts)), hint, ["xx"] * 1_000, label)
    assert with_lists is not None
    assert with_lists.model.lexicon_weight > 0.5
    without = fitting.task_of(hashed(fold(texts)), unread(1_000), ["xx"] * 1_000, label)
    assert without is not None
    assert auroc(label, with_lists.held_out) > auroc(without.label, fitting.held_out(without)) + 0.05


def test_two_languages_share_one_model_with_an_intercept_each() -> None:
    """A word of opposite meaning in the two does not keep either from its own rate of content authors."""
    texts, label, _ = feed(900, seed=16, strength=3)
    other, other_label, _ = feed(900, seed=17, language=1, strength=3)
    other_label[np.random.default_rng(18).random(900) < 0.5] = 1
    lesson = learn(
        hashed(fold(texts + other)),
        unread(1_800),
        ["xx"] * 900 + ["yy"] * 900,
        np.concatenate([label, other_label]),
    )
    assert lesson is not None
    assert lesson.model.languages == ("xx", "yy")
    assert lesson.held_out[:900].mean() == pytest.approx(label.mean(), abs=0.02)
    assert lesson.held_out[900:].mean() == pytest.approx(other_label.mean(), abs=0.02)


def test_the_order_of_the_texts_changes_nothing() -> None:
    """Not one bit of the model, nor of what was held out."""
    texts, label, _ = feed(900, seed=19, strength=2)
    texts[:40] = texts[40:80]  # alike, and some of them rated otherwise
    language = ["xx" if one % 3 else "yy" for one in range(900)]
    whole = hashed(fold(texts))
    hint = np.random.default_rng(20).uniform(-1, 1, 900)
    hint[:40] = hint[40:80]
    shuffled = np.random.default_rng(21).permutation(900)
    one = learn(whole, hint, language, label)
    other = learn(whole.rows(shuffled), hint[shuffled], [language[i] for i in shuffled], label[shuffled])
    assert one is not None
    assert other is not None
    assert one.model.weights.tobytes() == other.model.weights.tobytes()
    assert one.model.slopes.tolist() == other.model.slopes.tolist()
    assert one.model.intercepts.tolist() == other.model.intercepts.tolist()
    assert one.trials == other.trials
    np.testing.assert_array_equal(one.held_out[shuffled], other.held_out)


def test_a_text_scores_alike_alone_and_in_a_batch() -> None:
    """To the last bit: weights are whole multiples of one grain, so that their sums are exact."""
    texts, label, _ = feed(700, seed=22, strength=3)
    lesson = learn(hashed(fold(texts)), unread(700), ["xx"] * 700, label)
    assert lesson is not None
    whole = score(lesson.model, hashed(fold([*texts, ""])), unread(701), ["xx"] * 701)
    parts = [score(lesson.model, hashed(fold([one])), unread(1), ["xx"])[0] for one in [*texts[:50], ""]]
    assert whole[[*range(50), 700]].tolist() == parts
    assert score(lesson.model, hashed(fold([])), unread(0), []).tolist() == []


def test_the_number_of_threads_changes_nothing() -> None:
    """Learning again where the libraries may use two threads gives the same bytes."""
    code = (
        "import numpy as np, hashlib\n"
        "from retain.text.fold import fold\n"
        "from retain.text.hashing import hashed\n"
        "from retain.text.learning import learn\n"
        "draw = np.random.default_rng(1)\n"
        "texts = [' '.join(row) for row in draw.choice(['ba', 'doku', 'mire', 'sona', 'wi'], (600, 5)).tolist()]\n"
        "label = np.array([float('doku' in one) for one in texts])\n"
        "lesson = learn(hashed(fold(texts)), np.zeros(600), ['xx'] * 600, label)\n"
        "print(hashlib.sha256(lesson.model.weights.tobytes() + lesson.held_out.tobytes()).hexdigest())\n"
    )
    runs = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={
                "OMP_NUM_THREADS": threads,
                "OPENBLAS_NUM_THREADS": threads,
                "PYTHONPATH": ":".join(sys.path),
            },
            capture_output=True,
            check=True,
            text=True,
        ).stdout
        for threads in "12"
    }
    assert len(runs) == 1


def test_true_log_odds_are_left_as_they_are_by_calibration() -> None:
    """And where nearly all is certain the line stays finite."""
    draw = np.random.default_rng(25)
    odds = draw.normal(0, 2, 20_000)
    label = (draw.random(20_000) < expit(odds)).astype(float)
    assert learning._platt(odds, label) == pytest.approx((1, 0), abs=0.06)
    assert learning._platt(odds / 5 + 3, label) == pytest.approx((5, -15), abs=0.3)
    assert np.isfinite(learning._platt(odds, (odds > 0).astype(float))).all()
    draw = np.random.default_rng(8)
    wild = draw.standard_cauchy(200) * 10  # Newton's first steps reach too far here
    assert learning._platt(wild, (draw.random(200) < expit(wild)).astype(float)) == pytest.approx(
        (0.34, 0.06), abs=0.01
    )
    assert np.isfinite(learning._platt(np.where(odds > 0, 40.0, -40.0), (odds > 0).astype(float))).all()


def test_too_many_texts_are_thinned_evenly(monkeypatch: pytest.MonkeyPatch) -> None:
    """A rare language keeps all of its texts, a frequent one what is left; copies stay together."""
    monkeypatch.setattr(fitting, "MOST", 1_500)
    draw = np.random.default_rng(23)
    keys = draw.integers(0, 2**63, 5_000).astype(np.uint64)
    keys[1_000:2_000] = keys[2_000:3_000]
    language = ["xx"] * 4_500 + ["yy"] * 500
    label = draw.integers(0, 2, 5_000).astype(float)
    taken = enough(keys, language, label)
    assert taken[4_500:].all()
    assert 900 < taken[:4_500].sum() <= 1_000
    assert (taken[1_000:2_000] == taken[2_000:3_000]).all()
    label[:4_500] = np.arange(4_500) < 60
    assert not enough(keys, language, label)[:4_500].any()
    label[:] = np.nan
    assert not enough(keys, language, label).any()


@pytest.mark.parametrize("different", [1, 2, 3])
def test_a_feed_of_few_sentences_teaches_nothing(different: int) -> None:
    """Held out with all its copies, a sentence is read by others only; with none left that is no reading at all."""
    texts = [f"{'ab' * (one % different + 1)} xyz" for one in range(600)]
    label = (np.arange(600) // different % 3 > 0).astype(float)
    lesson = learn(hashed(fold(texts)), unread(600), ["xx"] * 600, label)
    assert lesson is None


def test_a_model_of_parts_that_do_not_fit_is_refused() -> None:
    """It could only score wrongly."""
    model = Learned(np.zeros(COLUMNS, dtype=np.float32), 1.0, ("xx",), np.ones(1), np.zeros(1))
    with pytest.raises(ValueError, match="one weight for each"):
        replace(model, weights=np.zeros(8, dtype=np.float32))
    with pytest.raises(ValueError, match="slope and an intercept"):
        replace(model, languages=("xx", "yy"))
    with pytest.raises(ValueError, match="there is a language"):
        replace(model, languages=(), slopes=np.ones(0), intercepts=np.ones(0))


def test_sentiment_by_lists_is_symmetric_and_bounded() -> None:
    """As log-odds; none is 0."""
    odds = list_log_odds(np.array([-1, -0.3, np.nan, 0.3, 1]))
    assert (odds == -odds[::-1]).all()
    assert np.isfinite(odds).all()


def test_batches_joined_teach_what_one_batch_teaches() -> None:
    """However the texts were cut."""
    texts, label, _ = feed(400, seed=24, strength=3)
    parts: list[Hashed] = [hashed(fold(texts[at : at + 70])) for at in range(0, 400, 70)]
    one = learn(joined(parts), unread(400), ["xx"] * 400, label)
    other = learn(hashed(fold(texts)), unread(400), ["xx"] * 400, label)
    assert one is not None
    assert other is not None
    assert one.model.weights.tobytes() == other.model.weights.tobytes()
