"""Tests of the word lists: how a file is read, and what every shipped list has to hold."""

from __future__ import annotations

from importlib.resources import files

import numpy as np
import pytest

from retain.errors import ConfigError
from retain.text.lexicon import INTENTS, LANGUAGES, TOPICS, UNSURE, compiled, entries, lexicon


def test_stars_say_where_a_word_may_go_on() -> None:
    """A plain entry is a whole word, a star at an end is any ending or beginning, ideographs have no borders."""
    found = entries("[positive 1]\ngut\nfreund*\n*fest\nsehr gut\n好吃\n👍", "list")
    assert [one.pattern for one in found] == [" gut ", " freund", "fest ", " sehr gut ", "好吃", "👍"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("good", "line 1: 'good' stands before the first heading"),
        ("[positive 4]\ngood", "line 1: there is no heading [positive 4]"),
        ("[topic weather]", "there is no heading [topic weather]"),
        ("[positive 1]\nso * good", "line 2: 'so * good' has a * inside"),
        ("[positive 1]\ngood\n-", "line 3: nothing of '-' can be matched"),
    ],
)
def test_a_slip_in_a_list_is_told_with_its_line(text: str, said: str) -> None:
    """A speaker who edits a list learns where it went wrong."""
    with pytest.raises(ConfigError, match="list, ") as caught:
        list(entries(text, "list"))
    assert said in str(caught.value)


def test_an_entry_means_what_its_language_says() -> None:
    """One spelling may be good in one language and bad in another; between languages it is the mean."""
    lists = compiled({"en": "[negative 2]\nfatal", "de": "[negative 3]\nfatal", "fr": "[positive 1]\nfatal"})
    weights = dict(zip(LANGUAGES, lists.weights[0], strict=False))
    assert (weights["en"], weights["de"], weights["fr"], weights["ru"]) == (-2, -3, 1, 0)
    assert lists.weights[0, UNSURE] == pytest.approx(-4 / 3)


def test_a_language_borrows_from_another() -> None:
    """Kazakh feeds are full of Russian words; a list's own meaning goes before a borrowed one."""
    lists = compiled(
        {"ru": "[positive 2]\nкласс\n[negative 1]\nбар", "kk": "[also]\nru\n[positive 1]\nжақсы\nбар"}
    )
    kk = LANGUAGES.index("kk")
    said = {one.strip(): float(lists.weights[place, kk]) for place, one in enumerate(lists.patterns)}
    assert said == {"класс": 2, "жаксы": 1, "бар": 1}


def test_the_fingerprint_tells_one_lexicon_from_another() -> None:
    """Models remember which lists they were trained with."""
    one, other = compiled({"en": "[positive 1]\ngood"}), compiled({"en": "[positive 2]\ngood"})
    assert one.fingerprint != other.fingerprint


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_has_a_whole_list(language: str) -> None:
    """Sentiment both ways, negation, degrees, every topic and every intent."""
    lists, column = lexicon(), LANGUAGES.index(language)
    weights = lists.weights[:, column]
    assert np.count_nonzero(weights > 0) >= 120
    assert np.count_nonzero(weights < 0) >= 120
    for place, topic in enumerate(TOPICS):
        assert np.count_nonzero(lists.topics[:, column] >> place & 1) >= 3, topic
    for place, intent in enumerate(INTENTS):
        assert np.count_nonzero(lists.intents[:, column] >> place & 1) >= 3, intent
    # Every role: neutral masks, negation, stronger, weaker, but.
    assert {int(bit) for bit in (2, 4, 16, 32, 64) if np.any(lists.roles[:, column] & bit)} == {
        2,
        4,
        16,
        32,
        64,
    }


def test_no_list_calls_one_word_good_and_bad() -> None:
    """An entry that stands under both signs in one file is a slip of its author."""
    for language in (*LANGUAGES, "emoji"):
        text = files("retain.text").joinpath(f"words/{language}.txt").read_text("utf-8")
        signs: dict[str, set[str]] = {}
        for one in entries(text, language):
            if one.section.startswith(("positive", "negative")):
                signs.setdefault(one.pattern, set()).add(one.section.split()[0])
        assert not [pattern for pattern, found in signs.items() if len(found) > 1], language
