"""Tests of what is kept of texts between runs."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import numpy as np
import pytest

from retain.errors import OutputError
from retain.text.backends import TextSettings, backend_of
from retain.text.cache import Cache, key_of
from retain.text.feed import Feed

if TYPE_CHECKING:
    from pathlib import Path

    from retain.text.cache import Arrays

DAY = 86_400_000_000


class Maker:
    """Makes arrays and counts how often it had to."""

    def __init__(self) -> None:
        """Nothing is made yet."""
        self.times = 0

    def __call__(self) -> Arrays:
        """Numbers, flags and codes, as backends make them."""
        self.times += 1
        return {
            "sentiment": np.array([0.5, np.nan, -1.0]),
            "language": np.array(["en", "", "zh-Hant"]),
            "topics": np.eye(3, dtype=bool),
            "none": np.zeros(0),
        }


def same(one: Arrays, other: Arrays) -> bool:
    """Whether both hold the same arrays of the same types."""
    return list(one) == list(other) and all(
        one[name].dtype == other[name].dtype and one[name].tobytes() == other[name].tobytes() for name in one
    )


def test_what_was_made_once_is_read_back(tmp_path: Path) -> None:
    """A hit gives the same arrays, types and all, and makes nothing; so does the next run."""
    make = Maker()
    first = Cache(tmp_path / "texts")
    made = first.arrays("a", make)
    assert same(first.arrays("a", make), made)
    assert same(Cache(tmp_path / "texts").arrays("a", make), made)
    assert make.times == 1


def test_another_key_is_made(tmp_path: Path) -> None:
    """Each key has its own file."""
    make, cache = Maker(), Cache(tmp_path)
    cache.arrays("a", make)
    cache.arrays("b", make)
    assert make.times == 2
    assert sorted(one.name for one in tmp_path.iterdir()) == ["a.arrays", "b.arrays"]


def test_without_a_folder_nothing_is_kept() -> None:
    """Everything is made each time, and there is nothing to clear away."""
    make, cache = Maker(), Cache(None)
    cache.arrays("a", make)
    cache.arrays("a", make)
    cache.forget_the_rest()
    assert make.times == 2


def test_the_same_arrays_are_the_same_bytes(tmp_path: Path) -> None:
    """A file tells nothing of when it was written."""
    for name in ("one", "two"):
        Cache(tmp_path / name).arrays("a", Maker())
    assert (tmp_path / "one" / "a.arrays").read_bytes() == (tmp_path / "two" / "a.arrays").read_bytes()


def test_a_damaged_file_is_made_again(tmp_path: Path) -> None:
    """Cut anywhere, or with any byte wrong, a file is never believed and never the end of a run."""
    wanted = Cache(tmp_path).arrays("a", Maker())
    path = tmp_path / "a.arrays"
    whole = path.read_bytes()
    wrong = [whole[:length] for length in range(0, len(whole), 37)]
    wrong += [whole[:at] + bytes([whole[at] ^ 0xFF]) + whole[at + 1 :] for at in range(0, len(whole), 3)]
    wrong += [b"hello", whole[32:]]
    for one in wrong:
        path.write_bytes(one)
        assert same(Cache(tmp_path).arrays("a", Maker()), wanted)


def test_files_that_nobody_asked_for_go(tmp_path: Path) -> None:
    """At the end of a run what it did not use is removed; files of others stay."""
    Cache(tmp_path).arrays("old", Maker())
    Cache(tmp_path).arrays("new", Maker())
    (tmp_path / "notes.txt").write_text("mine")
    (tmp_path / "folder.arrays").mkdir()
    again = Cache(tmp_path)
    again.arrays("new", Maker())
    again.forget_the_rest()
    assert sorted(one.name for one in tmp_path.iterdir()) == ["folder.arrays", "new.arrays", "notes.txt"]


def test_a_folder_that_is_not_there_has_nothing_to_forget(tmp_path: Path) -> None:
    """A run without texts leaves no folder behind."""
    Cache(tmp_path / "texts").forget_the_rest()
    assert not (tmp_path / "texts").exists()


def test_a_folder_that_cannot_be_written_is_one_message(tmp_path: Path) -> None:
    """It names the place."""
    (tmp_path / "file").write_text("mine")
    with pytest.raises(OutputError, match=r"Cannot write .*file"):
        Cache(tmp_path / "file" / "texts").arrays("a", Maker())
    (tmp_path / "a.arrays").mkdir()
    with pytest.raises(OutputError, match="not a file"):
        Cache(tmp_path).arrays("a", Maker())


def test_a_maker_that_fails_leaves_nothing(tmp_path: Path) -> None:
    """What was not made is not kept."""

    def fail() -> Arrays:
        raise KeyError("model")

    with pytest.raises(KeyError):
        Cache(tmp_path).arrays("a", fail)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (["ab", "c"], ["a", "bc"]),
        ([None], [""]),
        ([None], ["\\0"]),
        ([None], ["\0"]),
        (["a", None], ["a"]),
        (["\ud800"], ["\ud801"]),
        ([], [""]),
    ],
)
def test_keys_differ_where_parts_do(one: list[str | None], other: list[str | None]) -> None:
    """Neither where a part ends nor a missing one can be mistaken; half a surrogate pair is no obstacle."""
    assert key_of(one) != key_of(other)
    assert key_of(one) == key_of(list(one))


def test_no_file_holds_any_text(tmp_path: Path) -> None:
    """Of what customers wrote only numbers, flags and codes of languages are kept."""
    texts = np.array(
        ["Unmistakable words: terrible delivery", "Lieferung war schrecklich", None], dtype=object
    )
    feed = Feed(
        texts,
        np.array([None, "de-AT", None], dtype=object),
        np.arange(3) * 40 * DAY,
        np.arange(3) * 40 * DAY,
        np.array([0.0, 0.0, np.nan]),
    )
    backend_of(TextSettings("lexicon"))(feed, Cache(tmp_path))
    files = sorted(tmp_path.iterdir())
    assert len(files) == 3
    for path in files:
        with np.load(io.BytesIO(path.read_bytes()[32:]), allow_pickle=False) as kept:
            assert set(kept.files) == {"sentiment", "language", "understood", "topics", "intents"}
            assert all(kept[name].dtype.kind in "fb" for name in kept.files if name != "language")
            assert set(kept["language"].tolist()) <= {"", "und", "en", "de"}
