"""Files that one process holds at a time; the system itself takes them back from a process that dies, however it dies."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def taken(file: Path) -> int | None:
    """A file that is locked for this process until the descriptor is closed; None if another holds it.

    Args:
        file: is made where it is not there.

    Raises:
        OSError: it cannot be made.
    """
    lock = os.open(file, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        if sys.platform == "win32":
            import msvcrt  # noqa: PLC0415  # no other system has it

            msvcrt.locking(lock, msvcrt.LK_NBLCK, 1)
        else:
            import fcntl  # noqa: PLC0415  # every other system has it

            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(lock)
        return None
    return lock
