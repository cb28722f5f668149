"""What was made of texts before, kept by content: the next night makes only what is new."""

from __future__ import annotations

import hashlib
import io
from contextlib import suppress
from typing import TYPE_CHECKING

import numpy as np

from retain import atomic

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from pathlib import Path

    Arrays = Mapping[str, np.ndarray[tuple[int, ...], np.dtype[np.generic]]]

_FORMAT = 1
_NONE = 2**64 - 1
_SUFFIX = ".arrays"
_DIGEST = hashlib.sha256().digest_size


class Cache:
    """Arrays in a folder, each file named by the hash of all that they were made of; no file holds any text.

    A file is the SHA-256 of the rest, and the arrays as NumPy packs them. One that is damaged is made again. What a run did
    not ask for is of no use any more and goes at its end.
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
            make: makes the arrays, of numbers and flags only.
        """
        if self._folder is None:
            return make()
        path = self._folder / f"{key}{_SUFFIX}"
        self._asked.add(path.name)
        with suppress(OSError):
            raw = path.read_bytes()
            # NumPy itself believes some damaged files, and fails at others in many ways.
            if hashlib.sha256(raw[_DIGEST:]).digest() == raw[:_DIGEST]:
                with np.load(io.BytesIO(raw[_DIGEST:]), allow_pickle=False) as kept:
                    return {name: kept[name] for name in kept.files}
        made = make()
        packed = io.BytesIO()
        np.savez_compressed(packed, allow_pickle=False, **made)
        with atomic.file(path) as part:
            part.write_bytes(hashlib.sha256(packed.getvalue()).digest() + packed.getvalue())
        return made

    def forget_the_rest(self) -> None:
        """Remove the files that nobody asked for since the cache was opened."""
        if self._folder is not None and self._folder.is_dir():
            for path in self._folder.glob(f"*{_SUFFIX}"):
                if path.name not in self._asked:
                    # What cannot be cleared away is of no use, and does no harm.
                    with suppress(OSError):
                        path.unlink()


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
