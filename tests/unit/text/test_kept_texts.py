"""Tests of what is kept of texts between runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from retain.cache import Cache, key_of
from retain.text.backends import TextSettings, backend_of
from retain.text.feed import Feed

if TYPE_CHECKING:
    from pathlib import Path

    from retain.cache import Arrays

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


def test_the_same_arrays_are_the_same_bytes(tmp_path: Path) -> None:
    """A file tells nothing of when it was written."""
    for name in ("one", "two"):
        Cache(tmp_path / name).arrays("a", Maker())
    assert (tmp_path / "one" / "a.arrays").read_bytes() == (tmp_path / "two" / "a.arrays").read_bytes()


def test_a_folder_that_is_not_there_has_nothing_to_forget(tmp_path: Path) -> None:
    """A run without texts leaves no folder behind."""
    Cache(tmp_path / "texts").forget_the_rest()
    assert not (tmp_path / "texts").exists()


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
        kept = Cache(tmp_path).find(path.stem)
        assert kept is not None
        assert set(kept) == {"sentiment", "language", "understood", "topics", "intents"}
        assert all(one.dtype.kind in "fb" for name, one in kept.items() if name != "language")
        assert set(kept["language"].tolist()) <= {"", "und", "en", "de"}
