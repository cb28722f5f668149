from __future__ import annotations

import stat
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from retain.errors import OutputError
from retain.events.held import Held


def test_nothing_is_left_of_work_that_ended(tmp_path: Path) -> None:
    """The folder goes at the end, and so does the home if nobody else works there; ending twice is no trouble."""
    held = Held(tmp_path / "home", "key")
    (held.folder / "rows").write_text("half")
    held.close()
    held.close()
    assert list(tmp_path.iterdir()) == []


def test_the_next_run_finds_what_a_killed_one_left_of_the_same_work(tmp_path: Path) -> None:
    """A folder that nobody holds is taken with what is in it."""
    left = tmp_path / "home" / "key"
    left.mkdir(parents=True)
    (left / "rows").write_text("whole")
    held = Held(tmp_path / "home", "key")
    assert held.folder == left
    assert (held.folder / "rows").read_text() == "whole"
    held.close()


def test_what_killed_runs_left_of_other_work_goes(tmp_path: Path) -> None:
    """Old folders take no space for ever; a file that is none of ours stays."""
    (tmp_path / "home" / "old" / "events").mkdir(parents=True)
    (tmp_path / "home" / "old.1").mkdir()
    (tmp_path / "home" / "note").write_text("mine")
    held = Held(tmp_path / "home", "key")
    assert sorted(one.name for one in (tmp_path / "home").iterdir()) == ["key", "note"]
    held.close()
    assert [one.name for one in (tmp_path / "home").iterdir()] == ["note"]


def test_two_runs_of_the_same_work_do_not_meet(tmp_path: Path) -> None:
    """The second one works beside the first, and neither removes what the other works on."""
    first = Held(tmp_path, "key")
    second = Held(tmp_path, "key")
    other = Held(tmp_path, "another")
    assert first.folder != second.folder
    assert first.folder.is_dir()
    second.close()
    assert first.folder.is_dir()
    assert other.folder.is_dir()
    first.close()
    other.close()


def test_another_system_s_locks_do_as_well(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Windows has locks of its own kind; whoever holds one is left alone."""
    taken: set[str] = set()

    def locking(lock: int, mode: int, size: int) -> None:
        name = str(Path(f"/proc/self/fd/{lock}").readlink())
        assert (mode, size) == (7, 1)
        if name in taken:
            raise PermissionError("Permission denied")
        taken.add(name)

    monkeypatch.setitem(sys.modules, "msvcrt", SimpleNamespace(locking=locking, LK_NBLCK=7))
    monkeypatch.setattr(sys, "platform", "win32")
    assert [Held(tmp_path, "key").folder.name for _ in range(2)] == ["key", "key.1"]


def test_nobody_else_may_look_into_it(tmp_path: Path) -> None:
    """It holds what customers bought and wrote."""
    held = Held(tmp_path / "home", "key")
    assert stat.S_IMODE(held.folder.stat().st_mode) == 0o700
    held.close()


def test_a_home_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    """The message names it."""
    (tmp_path / "home").write_text("a file")
    with pytest.raises(OutputError, match="home' cannot be written"):
        Held(tmp_path / "home", "key")
