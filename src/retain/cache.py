"""Arrays kept between runs by the content that they were made of: a run makes only what is new."""

from __future__ import annotations

import hashlib
import json
import math
import mmap
import os
import struct
import zlib
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

_FORMAT = 4
_NONE = 2**64 - 1
_SUFFIX = ".arrays"
_FRONT = struct.Struct("<IQ")
"""Checksum of all that follows it, and the length of the list of arrays."""
_ALIGNED = 64


class Cache:
    """Arrays in a folder, each file named by the hash of all that they were made of.

    A file is a checksum of the rest, a list of the arrays, and these as they are in memory: numbers and short codes, never an id or a text.
    One that is damaged is as good as none. Several runs may use
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
        """What was made under that key, to be read only; None if nothing whole is there."""
        if self._folder is None:
            return None
        path = self._path(key)
        with suppress(OSError, ValueError):
            with path.open("rb") as file:
                # Mapped, a file is neither copied nor held twice.
                whole = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
            found = _unpacked(whole)
            if found is not None:
                os.utime(path)  # now it is the one used last
            return found
        return None

    def keep(self, key: str, arrays: Arrays) -> None:
        """Nothing; the arrays are there for the next run, unless they cannot be written."""
        if self._folder is None:
            return
        # Without space, or when another run writes the same file, the result is still right.
        with suppress(OutputError), atomic.file(self._path(key)) as part:
            _pack(part, arrays)

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


def _pack(path: Path, arrays: Arrays) -> None:
    """Write the arrays: a checksum of the rest, the length of a list of them, the list, and each at a place that a processor likes."""
    raw = {name: np.asarray(one, order="C") for name, one in arrays.items()}
    listed = []
    end = 0
    for name, one in raw.items():
        if one.dtype.hasobject:
            raise ValueError(f"{name}: objects are not kept")
        listed.append((name, one.dtype.str, one.shape, end))
        end += -(-one.nbytes // _ALIGNED) * _ALIGNED
    head = json.dumps(listed).encode()
    head += b" " * (-(_FRONT.size + len(head)) % _ALIGNED)
    parts: list[bytes | memoryview] = [head]
    for one in raw.values():
        parts += [one.reshape(-1).view(np.uint8).data, bytes(-one.nbytes % _ALIGNED)]
    check = zlib.crc32(len(head).to_bytes(8, "little"))
    for part in parts:
        check = zlib.crc32(part, check)
    with path.open("wb") as file:
        file.write(_FRONT.pack(check, len(head)))
        for part in parts:
            file.write(part)


def _unpacked(whole: mmap.mmap) -> Arrays | None:
    """The arrays of a file; None if it is damaged."""
    if len(whole) < _FRONT.size:
        return None
    check, length = _FRONT.unpack_from(whole)
    if zlib.crc32(memoryview(whole)[_FRONT.size - 8 :]) != check:
        return None
    first = _FRONT.size + length
    return {
        name: np.frombuffer(whole, kind, math.prod(shape), first + begin).reshape(shape)
        for name, kind, shape, begin in json.loads(whole[_FRONT.size : first])
    }


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
