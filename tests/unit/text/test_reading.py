"""Tests of what texts say by their words."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from retain.text import reading
from retain.text.lexicon import INTENTS, LANGUAGES, TOPICS
from retain.text.reading import BATCH, read, words, words_of

GOLDEN = Path(__file__).parents[2] / "golden" / "text"


def rows(language: str) -> list[list[str]]:
    """The golden texts of a language: sign, topics, intents, text."""
    lines = (GOLDEN / f"{language}.txt").read_text("utf-8").splitlines()
    return [line.split("\t") for line in lines if line and not line.startswith("#")]


@pytest.mark.parametrize("language", LANGUAGES)
def test_texts_that_speakers_made_up_are_understood(language: str) -> None:
    """Of the texts written for each language, nine of ten have the right sign, topics and intents, language untold."""
    golden = rows(language)
    found = read([one[3] for one in golden])
    signs = np.array([{"+": 1, "-": -1, "0": 0}[one[0]] for one in golden])
    told = np.where(np.abs(found.sentiment) <= 0.1, 0, np.sign(found.sentiment))
    assert len(golden) >= 60
    assert np.mean(told == signs) >= 0.9
    for place, names, there in ((1, TOPICS, found.topics), (2, INTENTS, found.intents)):
        wanted = [
            (row, names.index(name))
            for row, one in enumerate(golden)
            if one[place] != "."
            for name in one[place].split(",")
        ]
        assert np.mean([there[row, column] for row, column in wanted]) >= 0.85
    assert np.mean(found.language == language) >= 0.75


@pytest.mark.parametrize(
    ("better", "worse"),
    [
        ("good", "not good"),
        ("very good", "good"),
        ("good", "a bit good"),
        ("slow but excellent", "excellent but slow"),
        ("not bad", "bad"),
        ("好吃", "不好吃"),
        ("качественный товар", "не качественный товар"),
        ("iyi", "iyi değil"),
    ],
)
def test_the_words_around_a_word_turn_it(better: str, worse: str) -> None:
    """Negation before or after it, degree, and what follows "but"."""
    found = read([better, worse]).sentiment
    assert found[0] > found[1]


def test_a_negation_ends_with_its_clause() -> None:
    """What is denied in one sentence says nothing of the next sentence."""
    assert read(["Why not. Good shop"]).sentiment[0] > 0


@pytest.mark.parametrize(
    "nothing",
    [
        None,
        "",
        "   ",
        "12345",
        "4.5/5",
        "?!...",
        "-3.50 €",
        "₽ 1 200",
        "٣٤",
        "\ufffd\ufffd",
        "\u200b\u200e",
        "<br>",
        "https://shop.example/x",
    ],
)
def test_no_text_is_not_a_neutral_text(nothing: str | None) -> None:
    """Figures, punctuation and nothing at all have no sentiment, no language, no topic."""
    found = read([nothing])
    assert np.isnan(found.sentiment[0])
    assert found.language[0] is None
    assert not found.understood[0]
    assert not found.topics.any()
    assert not found.intents.any()


@pytest.mark.parametrize(
    ("text", "sign"),
    [
        ("😍😍😍", 1),
        ("Отлично! Great service, 很好", 1),
        ("<div><b>terrible</b></div>", -1),
        ("\u202eterrible\u202c", -1),
        ("ter\u200brible", -1),
        ("terr\ufffdible service, awful", -1),
        ("awful " * 300_000, -1),
        ("شكرا 👍", 1),
    ],
)
def test_odd_texts_are_read_as_far_as_they_go(text: str, sign: int) -> None:
    """Emoji only, mixed languages, tags, invisible and broken characters, two million of them, another script."""
    assert np.sign(read([text]).sentiment[0]) == sign


def test_a_text_without_a_known_word_is_text_that_was_not_understood() -> None:
    """It is neither missing nor good nor bad."""
    found = read(["zzz qqq"])
    assert found.sentiment[0] == 0
    assert not found.understood[0]


def test_the_words_that_moved_a_text_add_up_to_it() -> None:
    """What is shown as the reason is the reason."""
    text = "Not very good: the parcel came late, but the staff was really friendly"
    total = sum(one.weight for one in words(text, "en"))
    assert read([text], ["en"]).sentiment[0] == pytest.approx(total / np.sqrt(total**2 + 4))
    assert [one.entry for one in words("terrible food", "en")] == ["terrible"]


def test_the_words_of_many_texts_are_those_of_each() -> None:
    """Read together, beyond one batch too, each text has its own words, and a missing one has none."""
    texts = [None, *([one[3] for language in LANGUAGES for one in rows(language)] * 3)[: BATCH + 50], ""]
    languages = [None, *("en" if row % 5 == 0 else None for row in range(BATCH + 50)), None]
    together = words_of(texts, languages)
    assert together[0] == together[-1] == []
    for row in range(1, len(texts), 17):
        assert together[row] == words(texts[row] or "", languages[row])
    assert words_of([], []) == []


def test_neither_batch_nor_process_matters() -> None:
    """Texts read together, one by one or in another process with another hash seed say the same."""
    texts = ([one[3] for language in LANGUAGES for one in rows(language)] * 3)[: BATCH + 50]
    whole = read(texts)
    parts = [read(texts[first : first + 7]) for first in range(0, len(texts), 7)]
    assert np.array_equal(whole.sentiment, np.concatenate([one.sentiment for one in parts]), equal_nan=True)
    assert np.array_equal(whole.topics, np.concatenate([one.topics for one in parts]))
    code = "import sys; from retain.text.reading import read; print(read(sys.stdin.read().split('\\x00')).sentiment.tolist())"
    sample = texts[:200]
    told = subprocess.run(
        [sys.executable, "-c", code], input="\x00".join(sample), env={"PYTHONHASHSEED": "7", "PYTHONUTF8": "1", "PYTHONPATH": "src"},
        capture_output=True, text=True, encoding="utf-8", check=True,
    )  # fmt: skip
    assert told.stdout.strip() == str(whole.sentiment[:200].tolist())


def test_no_texts_is_an_empty_reading() -> None:
    """A feed without rows has the shapes of one with rows."""
    found = read([])
    assert len(found) == 0
    assert found.topics.shape == (0, len(TOPICS))


def test_what_is_kept_is_forgotten_when_the_rules_change(monkeypatch: pytest.MonkeyPatch) -> None:
    """Another weight of negation reads the same texts otherwise, so caches and models of before are not believed."""
    before = reading.fingerprint()
    assert reading.fingerprint() == before
    monkeypatch.setattr(reading, "_NEGATED", -0.4)
    assert reading.fingerprint() != before
