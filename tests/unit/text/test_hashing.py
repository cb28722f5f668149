"""Texts become counts of letters, words and pairs of words."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from retain.text.fold import fold
from retain.text.hashing import COLUMNS, Hashed, hashed, joined

TEXTS = ["so bad", "", "Добре!", "很好吃 good", "mal y caro " * 40, "👍👍", "\n"]


def occurrences(text: str) -> int:
    return len(hashed(fold([text])).columns)


def test_every_run_of_one_to_four_characters_is_counted_with_the_spaces_around_words() -> None:
    """With its spaces: one letter, two runs of two, one of three; neither the word nor the end again."""
    assert occurrences("a") == 1 + 2 + 1


def test_a_word_is_counted_where_no_run_says_it() -> None:
    """With its spaces "ab" is a run of four; "abc" is longer: 3 letters, 4, 3 and 2 runs, and the word."""
    assert occurrences("ab") == 2 + 3 + 2 + 1
    assert occurrences("abc") == 3 + 4 + 3 + 2 + 1


def test_two_words_that_follow_one_another_are_a_pair() -> None:
    """Of "abc de": 5 letters, 7, 6 and 5 runs, one word, one pair."""
    assert occurrences("abc de") == 5 + 7 + 6 + 5 + 1 + 1


def test_a_pair_is_told_from_the_same_words_turned_round() -> None:
    """Of two words turned round, three runs across the gap and the pair are others."""
    one, other = (hashed(fold([text])).columns.tolist() for text in ("nothing whatever", "whatever nothing"))
    assert len(set(one) - set(other)) == 3 + 1


def test_ideographs_are_runs_and_no_words() -> None:
    """Three are 3 letters, 4, 3 and 2 runs; with a word beside them they make no pair."""
    assert occurrences("很好吃") == 3 + 4 + 3 + 2
    assert occurrences("很好 abc") == 5 + 7 + 6 + 5 + 1


def test_an_empty_text_has_no_occurrence() -> None:
    """Nothing is counted in it, and its neighbours keep theirs."""
    found = hashed(fold(["", "abc", ""]))
    assert np.diff(found.starts).tolist() == [0, 13, 0]
    assert hashed(fold([])).columns.tolist() == []
    assert len(hashed(fold([]))) == 0


def test_columns_stay_the_same_for_ever() -> None:
    """A stored model would be read wrongly if a column moved."""
    found = hashed(fold(["so bad 好"]))
    assert found.columns.max() < COLUMNS
    assert found.columns.tolist() == [
        203210,
        152160,
        74299,
        2744,
        49100,
        28449,
        34916,
        168287,
        177709,
        242727,
        112286,
        26436,
        146663,
        249601,
        95004,
        226790,
        195816,
        188763,
        243795,
        102343,
        108259,
        250986,
        157065,
        65769,
        82372,
        90322,
        36114,
        208399,
        37166,
        106819,
        72191,
        44557,
    ]
    assert [hex(one) for one in found.keys.tolist()] == ["0xa8a95573e33a8b96"]


def test_columns_do_not_depend_on_the_process() -> None:
    """Nor on PYTHONHASHSEED."""
    code = "from retain.text.fold import fold; from retain.text.hashing import hashed; print(hashed(fold(['so bad'])).columns.tolist())"
    runs = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": ":".join(sys.path)},
            capture_output=True,
            check=True,
            text=True,
        ).stdout
        for seed in "12"
    }
    assert runs == {f"{hashed(fold(['so bad'])).columns.tolist()}\n"}


def test_a_text_is_hashed_alike_alone_and_in_a_batch() -> None:
    """Neither what stands before it nor what follows changes a text's columns or key."""
    whole = hashed(fold(TEXTS))
    parts = joined([hashed(fold([one])) for one in TEXTS])
    assert whole.columns.tolist() == parts.columns.tolist()
    assert whole.starts.tolist() == parts.starts.tolist()
    assert whole.keys.tolist() == parts.keys.tolist()


def test_keys_are_those_of_the_folded_text() -> None:
    """What folding makes alike has one key; the order of words tells texts apart."""
    same = hashed(fold(["SO bad", "so  bad", "bad so", "so bad!"])).keys.tolist()
    assert same[0] == same[1]
    assert len(set(same)) == 3


def test_rows_are_picked_in_the_order_asked_for() -> None:
    """Also twice, and empty ones."""
    whole = hashed(fold(TEXTS))
    picked = whole.rows(np.array([3, 1, 0, 3]))
    again = hashed(fold([TEXTS[3], TEXTS[1], TEXTS[0], TEXTS[3]]))
    assert picked.columns.tolist() == again.columns.tolist()
    assert picked.starts.tolist() == again.starts.tolist()
    assert picked.keys.tolist() == again.keys.tolist()


def test_parts_of_different_texts_are_refused() -> None:
    """Rather than scored wrongly."""
    one = hashed(fold(["abc"]))
    with pytest.raises(ValueError, match="different texts"):
        Hashed(one.columns, one.starts, one.keys[:0])
