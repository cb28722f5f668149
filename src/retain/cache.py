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
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from retain import atomic
from retain.errors import OutputError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from io import RawIOBase
    from pathlib import Path

    import numpy.typing as npt

    Array = np.ndarray[tuple[int, ...], np.dtype[np.generic]]
    Arrays = Mapping[str, Array]

_FORMAT = 5
_NONE = 2**64 - 1
_SUFFIX = ".arrays"
_FRONT = struct.Struct("<IQ")
"""Checksum of the list of arrays and its length, and this length."""
_ALIGNED = 64
_PAGE = 4096
_AT_ONCE = 128 * _PAGE
"""Bytes that are read and then summed up while they are in the processor's cache."""
_LONGEST_HEAD = 2**20
_SPREAD = np.uint64(0x9E3779B97F4A7C15)


class Cache:
    """Arrays in a folder, each file named by the hash of all that they were made of.

    A file is a list of the arrays with a checksum of each, and these as they are in memory: numbers and short codes, never an id or a text.
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

    def find(self, key: str, *, private: bool = False) -> Arrays | None:
        """What was made under that key, to be read only; None if nothing whole is there.

        Args:
            key: from ``key_of``.
            private: it may be written into, too, which nobody else sees; only pages that are written to are copied.
        """
        if self._folder is None:
            return None
        path = self._path(key)
        access = mmap.ACCESS_COPY if private else mmap.ACCESS_READ
        with suppress(OSError, ValueError):
            with path.open("rb") as file:
                # Mapped, a file is neither copied nor held twice.
                whole = mmap.mmap(file.fileno(), 0, access=access)
            found = _unpacked(whole)
            if found is not None:
                os.utime(path)  # now it is the one used last
            return found
        return None

    def fill(self, key: str, into: Mapping[str, Array], beside: Arrays) -> bool:
        """Whether under that key there are whole arrays like ``into``, and ``beside`` them just these; then ``into`` is filled.

        It takes two thirds of the time of ``find`` and a copy: what is read is summed up while the processor has it at hand, and no page
        is mapped. Otherwise ``into`` may hold anything.

        Args:
            key: from ``key_of``.
            into: contiguous arrays to be filled.
            beside: what the other arrays have to be.
        """
        if self._folder is None:
            return False
        path = self._path(key)
        with suppress(OSError, ValueError), path.open("rb", buffering=0) as file:
            front = file.read(_FRONT.size)
            listed = _listed(front, file.read(_head_size(front))) if len(front) == _FRONT.size else None
            if listed is None or {one.name for one in listed} != {*into, *beside}:
                return False
            for one in listed:
                there = into.get(one.name)
                target = np.empty(one.shape, one.kind) if there is None else there
                if (target.dtype.str, target.shape) != (one.kind, one.shape) or not _read(file, one, target):
                    return False
                if there is None and not np.array_equal(target, beside[one.name]):
                    return False
            os.utime(path)  # now it is the one used last
            return True
        return False

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


@dataclass(frozen=True)
class _Listed:
    """One array of a file: its name, what numpy calls its type, its shape, where it begins behind the list, and its checksum."""

    name: str
    kind: str
    shape: tuple[int, ...]
    begin: int
    check: int

    @property
    def size(self) -> int:
        """Bytes of the array, without what fills up to the next."""
        return math.prod(self.shape) * np.dtype(self.kind).itemsize


def _pack(path: Path, arrays: Arrays) -> None:
    """Write the arrays: a list of them with checksums, and each at a place that a processor likes."""
    listed = []
    parts: list[bytes | memoryview] = []
    end = 0
    for name, array in arrays.items():
        one = np.asarray(array, order="C")
        if one.dtype.hasobject:
            raise ValueError(f"{name}: objects are not kept")
        raw = one.reshape(-1).view(np.uint8)
        listed.append((name, one.dtype.str, one.shape, end, _checksum(raw)))
        parts += [raw.data, bytes(-one.nbytes % _ALIGNED)]
        end += one.nbytes + len(parts[-1])
    head = json.dumps(listed).encode()
    head += b" " * (-(_FRONT.size + len(head)) % _ALIGNED)
    with path.open("wb") as file:
        file.write(_front(head))
        for part in (head, *parts):
            file.write(part)


def _front(head: bytes) -> bytes:
    return _FRONT.pack(zlib.crc32(head, zlib.crc32(len(head).to_bytes(8, "little"))), len(head))


def _head_size(front: bytes) -> int:
    """How long the list is said to be; no longer than one of ours could be, as the number itself may be damaged."""
    return min(int(_FRONT.unpack(front)[1]), _LONGEST_HEAD)


def _listed(front: bytes, head: bytes) -> tuple[_Listed, ...] | None:
    """What a file says it holds; None if that is damaged."""
    if front != _front(head):
        return None
    return tuple(
        _Listed(name, kind, tuple(shape), begin, check)
        for name, kind, shape, begin, check in json.loads(head)
    )


def _unpacked(whole: mmap.mmap) -> Arrays | None:
    """The arrays of a file; None if it is damaged."""
    front = whole[: _FRONT.size]
    if len(front) < _FRONT.size:
        return None
    first = _FRONT.size + _head_size(front)
    listed = _listed(front, whole[_FRONT.size : first])
    if listed is None:
        return None
    found = {}
    for one in listed:
        raw = np.frombuffer(whole, np.uint8)[first + one.begin :]
        fill = raw[one.size : one.size + -one.size % _ALIGNED]
        if len(raw) < one.size or len(fill) < -one.size % _ALIGNED or fill.any():
            return None
        if _checksum(raw[: one.size]) != one.check:
            return None
        found[one.name] = raw[: one.size].view(one.kind).reshape(one.shape)
    return found


def _read(file: RawIOBase, one: _Listed, target: Array) -> bool:
    """Whether the array that comes next in the file is whole; it is in the target then."""
    raw = target.reshape(-1).view(np.uint8)
    total = 0
    for begin in range(0, len(raw), _AT_ONCE):
        some = raw[begin : begin + _AT_ONCE]
        if file.readinto(some.data) != len(some):
            return False
        total += _checksum(some, begin // _PAGE)
    fill = file.read(-len(raw) % _ALIGNED)
    return fill == bytes(-len(raw) % _ALIGNED) and total % 2**64 == one.check


def _checksum(raw: npt.NDArray[np.uint8], first: int = 0) -> int:
    """A sum of 64-bit words, page by page, each page with a weight of its own; of parts it adds up modulo 2**64.

    Weights are odd, so no change of one word is lost, and they differ, so a page is missed where it ought to be. It takes a third of the
    time of a CRC-32.

    Args:
        raw: bytes, in whole pages but for the last part.
        first: how many pages come before them.
    """
    whole = len(raw) // _PAGE
    sums = np.zeros(-(-len(raw) // _PAGE), dtype=np.uint64)
    np.add.reduce(raw[: whole * _PAGE].view(np.uint64).reshape(whole, _PAGE // 8), axis=1, out=sums[:whole])
    if len(sums) > whole:
        last = np.zeros(_PAGE, dtype=np.uint8)
        last[: len(raw) - whole * _PAGE] = raw[whole * _PAGE :]
        sums[whole] = np.add.reduce(last.view(np.uint64))
    weight = (np.arange(first, first + len(sums), dtype=np.uint64) * _SPREAD) | np.uint64(1)
    return int(np.add.reduce(sums * weight))


def _remove(path: Path) -> None:
    with suppress(OSError):  # another run has it open, or was faster
        path.unlink(missing_ok=True)


def sums_of(array: Array) -> bytes:
    """What tells numbers from others in a key: two checksums of different kinds, three times as fast as a cryptographic hash.

    >>> sums_of(np.array([1, 2])) == sums_of(np.array([2, 1]))
    False
    """
    raw = np.ascontiguousarray(array).reshape(-1).view(np.uint8)
    return f"{array.dtype.str} {array.shape} {zlib.crc32(raw.data):08x} {_checksum(raw):016x}".encode()


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
