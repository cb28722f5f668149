"""What the disk or the memory lacks while tables are read, told apart from what is wrong with the tables."""

from __future__ import annotations

import contextlib
import errno
from typing import TYPE_CHECKING

import duckdb
import pyarrow as pa

from retain.errors import ConfigError, OutputError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_SAYS_FULL = ("No space left", "File too large", "max_temp_directory_size", "quota exceeded")


def is_full(cause: Exception) -> bool:
    """Whether a disk had no space left."""
    told = isinstance(cause, OSError) and cause.errno in _FULL
    return told or any(one in str(cause) for one in _SAYS_FULL)


def is_ours(cause: Exception) -> bool:
    """Whether it happened for want of space or memory, and not because of what was read."""
    return is_full(cause) or isinstance(cause, duckdb.OutOfMemoryException)


@contextlib.contextmanager
def in_our_words(folder: Path, elsewhere: str = "--workspace") -> Iterator[None]:
    """A block in which it is said what the disk of that folder or the memory lacks, and what to do.

    Args:
        folder: takes what does not fit in memory.
        elsewhere: what names another place for it.

    Raises:
        OutputError: the disk is full, or the folder cannot be written.
        ConfigError: the memory does not suffice.
    """
    try:
        yield
    except (duckdb.Error, OSError, pa.ArrowException) as cause:
        if is_full(cause):
            raise OutputError(
                f"The disk of '{folder}' is full: tables that do not fit in memory are kept there while they are worked on. "
                f"Free some space, or choose another disk with {elsewhere}."
            ) from cause
        if isinstance(cause, duckdb.OutOfMemoryException):
            raise ConfigError(
                "[resources] memory_mb leaves the database too little memory for these tables. Raise it."
            ) from cause
        if isinstance(cause, OSError):
            raise OutputError(f"'{folder}' cannot be written: {cause.strerror or cause}.") from cause
        raise
