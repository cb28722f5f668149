"""Arrays kept between runs by the content that they were made of: a run makes only what is new."""

from __future__ import annotations

import hashlib
import io
import lzma
import os
import struct
import zipfile
import zlib
from contextlib import suppress
from typing import TYPE_CHECKING

import numpy as np
from numpy.lib import format as npy

from retain import atomic
from retain.errors import OutputError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from pathlib import Path

    Array = np.ndarray[tuple[int, ...], np.dtype[np.generic]]
    Arrays = Mapping[str, Array]

_FORMAT = 2
_DAMAGE = (
    OSError,
    ValueError,
    KeyError,
    EOFError,
    RuntimeError,  # from zipfile, of a part that claims to be encrypted or packed in an unknown way
    SyntaxError,
    struct.error,
    zlib.error,
    lzma.LZMAError,
    zipfile.BadZipFile,
)
"""What reading a file of somebody else's bytes can raise."""


class Cache:
    """Arrays in a folder, each file named by the hash of all that they were made of.

    The files hold numbers and short codes, never an id or a text. One that is damaged is as good as none. Several runs may use
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
        """What was made under that key; None if nothing whole is there. The arrays cannot be written to."""
        if self._folder is None:
            return None
        path = self._path(key)
        with suppress(*_DAMAGE):
            found = _read(path)
            os.utime(path)  # now it is the one used last
            return found
        return None

    def keep(self, key: str, arrays: Arrays) -> None:
        """Nothing; the arrays are there for the next run, unless they cannot be written."""
        if self._folder is None:
            return
        # Without space, or when another run writes the same file, the result is still right.
        with suppress(OutputError), atomic.file(self._path(key)) as part, part.open("wb") as out:
            np.savez(out, allow_pickle=False, **arrays)

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
        path = self._folder / f"{key}.npz"
        self._asked.add(path.name)
        return path

    def _files(self) -> list[Path]:
        return [] if self._folder is None else sorted(self._folder.glob("*.npz"))


def _read(path: Path) -> Arrays:
    """The arrays of a file, each checked as a whole before a byte of it is believed; ``numpy.load`` trusts the header first."""
    with zipfile.ZipFile(path) as packed:
        return {name.removesuffix(".npy"): _array(packed.read(name)) for name in packed.namelist()}


def _array(raw: bytes) -> Array:
    head = io.BytesIO(raw)
    npy.read_magic(head)
    shape, by_column, dtype = npy.read_array_header_1_0(head)
    if dtype.hasobject:
        raise ValueError("an array of objects")
    found: Array = np.frombuffer(raw, dtype=dtype, offset=head.tell())
    return found.reshape(shape, order="F" if by_column else "C")


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
        raw = (
            b"\\0"
            if part is None
            else part.encode("utf-8", "surrogatepass")
            if isinstance(part, str)
            else part
        )
        digest.update(len(raw).to_bytes(8, "little"))
        digest.update(raw)
    return digest.hexdigest()
