"""Arrays kept between runs."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from retain import cache
from retain.cache import Cache, key_of

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

KEY = key_of(["a", "key"])
MADE = {
    "numbers": np.array([[1.5, np.nan], [-0.0, 4.0], [5.0, 6.0]]),
    "flags": np.array([True, False]),
    "codes": np.array(["en", "bg"]),
}


def refuse() -> Mapping[str, np.ndarray[tuple[int, ...], np.dtype[np.generic]]]:
    raise AssertionError("made again")


def same(found: object) -> bool:
    return isinstance(found, dict) and {
        name: (one.dtype, one.shape, one.tobytes()) for name, one in found.items()
    } == {name: (one.dtype, one.shape, one.tobytes()) for name, one in MADE.items()}


def test_what_was_made_is_not_made_again(tmp_path: Path) -> None:
    """The next run finds the same bits."""
    assert Cache(tmp_path).arrays(KEY, lambda: MADE) is MADE
    assert same(Cache(tmp_path).arrays(KEY, refuse))
    assert Cache(tmp_path).find(key_of(["another"])) is None


def test_without_a_folder_nothing_is_kept() -> None:
    """Each run makes its own."""
    cache = Cache(None)
    assert cache.arrays(KEY, lambda: MADE) is MADE
    assert cache.find(KEY) is None
    cache.forget_the_rest()
    cache.shrink(0)


def test_any_damaged_byte_is_noticed(tmp_path: Path) -> None:
    """Whichever byte another program has changed: what is found is whole, or nothing is found."""
    cache = Cache(tmp_path)
    cache.keep(KEY, MADE)
    path = tmp_path / f"{KEY}.arrays"
    whole = path.read_bytes()
    lost = 0
    for place in range(len(whole)):
        for flipped in (0xFF, 0x01):
            path.write_bytes(whole[:place] + bytes([whole[place] ^ flipped]) + whole[place + 1 :])
            found = cache.find(KEY)
            lost += found is None
            assert found is None, place
    assert lost == 2 * len(whole)


def beside() -> dict[str, np.ndarray[tuple[int, ...], np.dtype[np.generic]]]:
    return {name: one for name, one in MADE.items() if name != "numbers"}


def test_an_array_is_filled_from_a_file(tmp_path: Path) -> None:
    """It then has the bits that were kept, many pages of them."""
    rng = np.random.default_rng(2)
    kept = {"values": rng.random((70_001, 3)), "features": np.array([b"a", b"bc"])}
    Cache(tmp_path).keep(KEY, kept)
    values = np.empty((70_001, 3))
    assert Cache(tmp_path).fill(KEY, {"values": values}, {"features": kept["features"]})
    assert values.tobytes() == kept["values"].tobytes()


def test_only_a_file_of_the_same_kind_fills(tmp_path: Path) -> None:
    """One that is not there, has other names, shapes or types, or other arrays beside, fills nothing."""
    cache, into = Cache(tmp_path), np.empty((3, 2))
    assert not Cache(None).fill(KEY, {"numbers": into}, beside())
    assert not cache.fill(KEY, {"numbers": into}, beside())
    cache.keep(KEY, MADE)
    assert cache.fill(KEY, {"numbers": into}, beside())
    assert not cache.fill(KEY, {"others": into}, beside())
    assert not cache.fill(KEY, {"numbers": np.empty((2, 3))}, beside())
    assert not cache.fill(KEY, {"numbers": np.empty((3, 2), dtype=np.int64)}, beside())
    assert not cache.fill(KEY, {"numbers": into}, {**beside(), "codes": np.array(["en", "de"])})


def test_any_damaged_byte_is_noticed_while_filling(tmp_path: Path) -> None:
    """A file that is damaged anywhere, or cut short, is not taken for a whole one."""
    cache = Cache(tmp_path)
    cache.keep(KEY, MADE)
    path = tmp_path / f"{KEY}.arrays"
    whole = path.read_bytes()
    for place in range(len(whole)):
        for damaged in (whole[:place] + bytes([whole[place] ^ 0x80]) + whole[place + 1 :], whole[:place]):
            path.write_bytes(damaged)
            assert not cache.fill(KEY, {"numbers": np.empty((3, 2))}, beside()), place


def test_pages_that_changed_places_are_noticed(tmp_path: Path) -> None:
    """And so is one that was overwritten with zeros: a checksum is no plain sum."""
    cache, page = Cache(tmp_path), 4096
    kept = {"values": np.arange(8 * page // 8, dtype=np.float64)}
    cache.keep(KEY, kept)
    path = tmp_path / f"{KEY}.arrays"
    whole = path.read_bytes()
    end = len(whole)
    pages = [whole[end - (8 - one) * page : end - (7 - one) * page] for one in range(8)]
    for changed in ([*pages[:5], pages[6], pages[5], pages[7]], [*pages[:3], bytes(page), *pages[4:]]):
        path.write_bytes(whole[: end - 8 * page] + b"".join(changed))
        assert cache.find(KEY) is None
        assert not cache.fill(KEY, {"values": np.empty(8 * page // 8)}, {})


@pytest.mark.parametrize("left", [0, 1, 100, -1])
def test_a_file_cut_short_is_made_again(tmp_path: Path, left: int) -> None:
    """And is whole afterwards."""
    Cache(tmp_path).keep(KEY, MADE)
    path = tmp_path / f"{KEY}.arrays"
    path.write_bytes(path.read_bytes()[:left])
    assert Cache(tmp_path).arrays(KEY, lambda: MADE) is MADE
    assert same(Cache(tmp_path).arrays(KEY, refuse))


def test_objects_are_never_kept_or_read(tmp_path: Path) -> None:
    """They would have to be pickled; a file with such in it is no file of ours."""
    objects = np.array([None, "x"], dtype=object)
    with pytest.raises(ValueError, match="numbers: objects are not kept"):
        Cache(tmp_path).keep(KEY, {"numbers": objects})
    assert list(tmp_path.iterdir()) == []
    path = tmp_path / f"{KEY}.arrays"
    np.savez(path, allow_pickle=True, numbers=objects)
    path.with_suffix(".arrays.npz").replace(path)
    assert Cache(tmp_path).find(KEY) is None


def test_what_is_found_is_read_only(tmp_path: Path) -> None:
    """It is the file itself, which nobody may change."""
    Cache(tmp_path).keep(KEY, MADE)
    found = Cache(tmp_path).find(KEY)
    assert found is not None
    assert not any(one.flags.writeable for one in found.values())


def test_what_is_found_privately_may_be_written_into(tmp_path: Path) -> None:
    """Nobody else sees it, nor does the file."""
    Cache(tmp_path).keep(KEY, MADE)
    mine = Cache(tmp_path).find(KEY, private=True)
    assert mine is not None
    for one in mine.values():
        one[...] = np.zeros((), one.dtype)
    other = Cache(tmp_path).find(KEY)
    assert other is not None
    assert [other[name].tobytes() for name in MADE] == [one.tobytes() for one in MADE.values()]


def test_arrays_without_a_value_are_kept_too(tmp_path: Path) -> None:
    """And a number by itself."""
    made = {"none": np.empty((0, 3)), "one": np.array(2.5), "letters": np.array([b"ab", b"c"])}
    Cache(tmp_path).keep(KEY, made)
    found = Cache(tmp_path).find(KEY)
    assert found is not None
    assert {name: (one.shape, one.tolist()) for name, one in found.items()} == {
        name: (one.shape, one.tolist()) for name, one in made.items()
    }


def test_what_cannot_be_written_does_no_harm(tmp_path: Path) -> None:
    """The run has what it made all the same."""
    blocked = tmp_path / "file"
    blocked.write_text("no folder")
    assert Cache(blocked).arrays(KEY, lambda: MADE) is MADE
    assert blocked.read_text() == "no folder"


def test_two_runs_that_write_the_same_do_no_harm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One of them wins, and what is there is whole."""
    write = cache._pack

    def slowly(*given: Any) -> None:
        monkeypatch.setattr(cache, "_pack", write)
        Cache(tmp_path).keep(KEY, MADE)
        write(*given)

    monkeypatch.setattr(cache, "_pack", slowly)
    Cache(tmp_path).keep(KEY, MADE)
    assert [one.name for one in tmp_path.iterdir()] == [f"{KEY}.arrays"]
    assert same(Cache(tmp_path).find(KEY))


def test_what_nobody_asked_for_is_forgotten(tmp_path: Path) -> None:
    """Other files in the folder are not ours to remove."""
    old = Cache(tmp_path)
    old.keep(KEY, MADE)
    old.keep(key_of(["gone"]), MADE)
    (tmp_path / "notes.txt").write_text("mine")
    new = Cache(tmp_path)
    new.arrays(KEY, refuse)
    new.forget_the_rest()
    assert sorted(one.name for one in tmp_path.iterdir()) == sorted([f"{KEY}.arrays", "notes.txt"])


def test_what_was_used_longest_ago_goes_first(tmp_path: Path) -> None:
    """To be found is to be used."""
    cache = Cache(tmp_path)
    keys = [key_of([str(number)]) for number in range(3)]
    for age, key in enumerate(keys):
        cache.keep(key, MADE)
        os.utime(tmp_path / f"{key}.arrays", (1_000 + age, 1_000 + age))
    assert cache.find(keys[0]) is not None
    size = (tmp_path / f"{keys[0]}.arrays").stat().st_size
    cache.shrink(2 * size)
    assert [cache.find(key) is not None for key in keys] == [True, False, True]
    cache.shrink(size - 1)
    assert not list(tmp_path.iterdir())
