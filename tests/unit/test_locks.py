"""Locks on files, in this process and beyond its end."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from retain.locks import taken

if TYPE_CHECKING:
    from pathlib import Path

HOLDS = "import sys, time, pathlib, retain.locks as l; assert l.taken(pathlib.Path(sys.argv[1])); print('held', flush=True); time.sleep(60)"


def test_a_file_is_held_once_until_it_is_let_go(tmp_path: Path) -> None:
    """Whoever comes second gets nothing; after the first is done, it is free."""
    first = taken(tmp_path / "lock")
    assert first is not None
    assert taken(tmp_path / "lock") is None
    os.close(first)
    again = taken(tmp_path / "lock")
    assert again is not None
    os.close(again)


def test_what_a_killed_process_held_is_free(tmp_path: Path) -> None:
    """The system takes the lock back."""
    with subprocess.Popen(
        [sys.executable, "-c", HOLDS, str(tmp_path / "lock")], stdout=subprocess.PIPE
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == b"held\n"
        assert taken(tmp_path / "lock") is None
        other.send_signal(signal.SIGKILL)
        other.wait()
    free = taken(tmp_path / "lock")
    assert free is not None
    os.close(free)


def test_where_nothing_can_be_made_the_system_says_why(tmp_path: Path) -> None:
    """There is no such folder."""
    with pytest.raises(FileNotFoundError):
        taken(tmp_path / "nowhere" / "lock")
