"""Arrays kept between runs by the content that they were made of: a run makes only what is new."""

from __future__ import annotations

import hashlib
import io
import os
from contextlib import suppress
from typing import TYPE_CHECKING

import numpy as np

from retain import atomic
from retain.errors import OutputError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from pathlib import Path

    Array = np.ndarray[tuple[int, ...], np.dtype[np.generic]]
    Arrays = Mapping[str, Array]

_FORMAT = 3
_NONE = 2**64 - 1
_SUFFIX = ".arrays"
_DIGEST = hashlib.sha256().digest_size


class Cache:
    """Arrays in a folder, each file named by the hash of all that they were made of.

    A file is the SHA-256 of the rest, and the arrays as NumPy packs them: numbers and short codes, never an id or a text. One
    that is damaged is as good as none. Several runs may use
    a folder at once: files appear whole, and what cannot be written now is made again another time.
    """

    def __init__(self, folder: Path | None) -> None:
        """Nothing is read yet.

        Args:
            folder: where the files are; None keeps nothing.
        """
        self._folder = folder
        self._asked: set[str] = set()

    def arrays(self, key: str, make: Callable[[], Arrays]) -> Arrays:
        """What was made under that key, or what is made now.

        Args:
            key: from ``key_of``.
            make: makes the arrays, of numbers, flags and short codes only.
        """
        found = self.find(key)
        if found is None:
            found = make()
            self.keep(key, found)
        return found

    def find(self, key: str) -> Arrays | None:
        """What was made under that key; None if nothing whole is there."""
        if self._folder is None:
            return None
        path = self._path(key)
        with suppress(OSError):
            raw = path.read_bytes()
            # NumPy itself believes some damaged files, and fails at others in many ways.
            if hashlib.sha256(memoryview(raw)[_DIGEST:]).digest() == raw[:_DIGEST]:
                os.utime(path)  # now it is the one used last
                with np.load(io.BytesIO(memoryview(raw)[_DIGEST:]), allow_pickle=False) as kept:
                    return {name: kept[name] for name in kept.files}
        return None

    def keep(self, key: str, arrays: Arrays) -> None:
        """Nothing; the arrays are there for the next run, unless they cannot be written."""
        if self._folder is None:
            return
        # Without space, or when another run writes the same file, the result is still right.
        packed = io.BytesIO()
        np.savez(packed, allow_pickle=False, **arrays)
        with suppress(OutputError), atomic.file(self._path(key)) as part:
            part.write_bytes(hashlib.sha256(packed.getbuffer()).digest() + packed.getbuffer())

    def forget_the_rest(self) -> None:
        """Remove the files that nobody asked for since the cache was opened."""
        for path in self._files():
            if path.name not in self._asked:
                _remove(path)

    def shrink(self, most_bytes: int) -> None:
        """Remove the files that were used longest ago, until those that stay take no more than that.

        Args:
            most_bytes: how much may stay.
        """
        found = []
        for path in self._files():
            with suppress(OSError):
                state = path.stat()
                found.append((state.st_mtime_ns, path.name, state.st_size, path))
        total = 0
        for _, _, size, path in sorted(found, reverse=True):
            total += size
            if total > most_bytes:
                _remove(path)

    def _path(self, key: str) -> Path:
        assert self._folder is not None  # noqa: S101  # asked before
        path = self._folder / f"{key}{_SUFFIX}"
        self._asked.add(path.name)
        return path

    def _files(self) -> list[Path]:
        return [] if self._folder is None else sorted(self._folder.glob(f"*{_SUFFIX}"))


def _remove(path: Path) -> None:
    with suppress(OSError):  # another run has it open, or was faster
        path.unlink(missing_ok=True)


def key_of(parts: Iterable[str | bytes | None]) -> str:
    """A name for what these make: SHA-256 over the parts and where each ends.

    >>> key_of(["ab", "c"]) == key_of(["a", "bc"])
    False
    """
    digest = hashlib.sha256(str(_FORMAT).encode())
    for part in parts:
        raw = part.encode("utf-8", "surrogatepass") if isinstance(part, str) else part
        # No part is as long as what stands for none.
        digest.update((_NONE if raw is None else len(raw)).to_bytes(8, "little"))
        digest.update(raw or b"")
    return digest.hexdigest()
