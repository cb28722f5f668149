"""Tests of the plain form of texts."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from retain.text.fold import END, SPACE, fold


@pytest.mark.parametrize(
    ("written", "plain"),
    [
        ("Très BIEN", " tres bien \n"),
        ("İYİ ışık", " iyi isik \n"),
        ("Ёжик Қазақ їжак", " ежик казак ижак \n"),
        ("Großartig", " grosartig \n"),
        ("ＦＵＬＬ　ｗｉｄｔｈ", " full width \n"),
        ("don't / won-t", " don t won t \n"),
        ("服務好good", " 服务好 good \n"),
        ("good!!! bad... why??", " good ! bad . why ? ? \n"),
        ("soooo goooood", " soo good \n"),
        ("суперррр 1000", " супер 1000 \n"),
        ("nice👍🏽👍🏽", " nice 👍 👍 \n"),
        ("ok :-) no :( да)))", " ok . 🙂 no . 🙁 да . 🙂 🙂 \n"),
        ("from 10:30 (see:(a))", " from 10 . 30 . see . . a . 🙂 \n"),
        ("=) :D", " 🙂 . 🙂 \n"),
        (":Do not", " . do not \n"),
        ("a\u200bb\u202ec", " abc \n"),
        ("one\ntwo", " one . two \n"),
        ("", " \n"),
        ("   ", " \n"),
        ("e\u0301te\u0301", " ete \n"),
        ("и\u0306", " й \n"),
        ("مَرحبا", " مرحبا \n"),
    ],
)
def test_what_people_type_becomes_one_plain_form(written: str, plain: str) -> None:
    """Case, accents, look-alike letters, width, elongation, faces and invisible characters make no difference."""
    assert fold([written]).text == plain


def test_half_a_surrogate_pair_is_no_reason_to_stop() -> None:
    """A broken encoding leaves characters that cannot be encoded; the rest of the text is read."""
    assert "good" in fold(["\ud800 good"]).text


@given(st.lists(st.text(max_size=40), max_size=12))
def test_a_batch_is_its_texts_one_by_one(texts: list[str]) -> None:
    """No text runs into its neighbour, each has its own place, and spaces stand alone."""
    whole = fold(texts)
    assert len(whole.starts) == len(texts) + 1
    for place, text in enumerate(texts):
        mine = whole.codes[whole.starts[place] : whole.starts[place + 1]]
        assert np.array_equal(mine, fold([text]).codes)
        assert mine[0] == SPACE
        assert mine[-1] == END
        assert not np.any((mine[1:] == SPACE) & (mine[:-1] == SPACE))


@given(st.text(max_size=60))
def test_the_plain_form_is_plain(text: str) -> None:
    """Folding what is folded changes nothing."""
    once = fold([text]).text[:-1]
    assert fold([once]).text[:-1] == once
