"""A folder that one run works in at a time: what a killed run left half done is found again, or removed."""

from __future__ import annotations

import os
import shutil
from contextlib import suppress
from itertools import count
from typing import TYPE_CHECKING

from retain.errors import OutputError
from retain.locks import taken

if TYPE_CHECKING:
    from pathlib import Path

_LOCK = "in-use"


class Held:
    """A folder of our own below a home that several runs may share.

    The system itself takes back the lock of a process that dies, however it dies. So a folder that can be locked is in nobody's use: one of
    our key holds what a killed run has done of this very work, any other is old and goes.

    Attributes:
        folder: the folder, there until ``close``.
    """

    def __init__(self, home: Path, key: str) -> None:
        """Take the folder of that key, and remove what killed runs left of other work.

        Args:
            home: where all such folders are.
            key: names the work; while another run does the same, ours is a folder beside it.

        Raises:
            OutputError: it cannot be made.
        """
        self._kept = False
        try:
            # What customers wrote may be in it.
            home.mkdir(parents=True, exist_ok=True, mode=0o700)
            for one in sorted(home.iterdir()):
                if one.name.split(".")[0] != key and (lock := _locked(one)) is not None:
                    os.close(lock)
                    shutil.rmtree(one, ignore_errors=True)
            for number in count():
                self.folder = home / (f"{key}.{number}" if number else key)
                self.folder.mkdir(exist_ok=True, mode=0o700)
                found = _locked(self.folder)
                if found is not None:
                    self._lock: int | None = found
                    break
        except OSError as cause:
            raise OutputError(
                f"'{home}' cannot be written: {cause.strerror}. Choose another with --workspace."
            ) from cause

    def keep(self) -> None:
        """What is in the folder stays for the next run, also after ``close``."""
        self._kept = True

    def close(self) -> None:
        """The work is done: the folder goes, and its home if it is empty."""
        if self._lock is None:
            return
        if not self._kept:
            shutil.rmtree(self.folder, ignore_errors=True)
        os.close(self._lock)
        self._lock = None
        with suppress(OSError):  # others work there
            self.folder.parent.rmdir()


def _locked(folder: Path) -> int | None:
    """The folder's lock, ours now; None if another holds it, or it is gone."""
    try:
        return taken(folder / _LOCK)
    except (FileNotFoundError, NotADirectoryError):
        return None
