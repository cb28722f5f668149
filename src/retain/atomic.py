"""Files and folders that are complete or not there: written beside their place, then renamed into it."""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from retain.errors import OutputError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@contextlib.contextmanager
def file(path: Path) -> Iterator[Path]:
    """A temporary path beside ``path``; what was written there becomes ``path`` when the block ends well.

    Readers see the old file or the new one, never a part. When the block fails, the old file stays and the
    temporary goes. What a killed run left behind is removed by the next one; of two writers at the same time the
    earlier one fails instead of publishing half of anything.

    Args:
        path: where the file shall be; missing folders are made, a symbolic link is followed.

    Yields:
        Where to write it. The name ends as ``path`` does; nothing is there yet.

    Raises:
        OutputError: it cannot be written there.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     with file(Path(folder) / "new" / "hello.txt") as part:
    ...         _ = part.write_text("hello")
    ...     (Path(folder) / "new" / "hello.txt").read_text()
    'hello'
    """
    # A device or a pipe, such as /dev/null, must not be replaced by a file.
    with _temporary(path, "file", Path.is_file) as (part, target):
        yield part
        _sync(part)
        part.replace(target)


@contextlib.contextmanager
def folder(path: Path) -> Iterator[Path]:
    """A temporary folder beside ``path`` that takes its place, as a whole, when the block ends well.

    As ``file``, for a folder: an old folder is replaced with everything in it. No file system renames over a full
    folder, so the old one steps aside for an instant; should the machine die in that instant, the next writer
    puts it back.

    Args:
        path: where the folder shall be; missing parents are made, a symbolic link is followed.

    Yields:
        The temporary folder, empty.

    Raises:
        OutputError: it cannot be written there.
    """
    with _temporary(path, "folder", Path.is_dir) as (part, target):
        part.mkdir()
        yield part
        for inside in sorted(part.rglob("*")):
            _sync(inside)
        _sync(part)
        aside = _aside(target)
        if target.exists():
            target.replace(aside)
        try:
            part.replace(target)
        except OSError:
            if aside.exists():
                aside.replace(target)
            raise
        _remove(aside)


@contextlib.contextmanager
def _temporary(path: Path, word: str, is_one: Callable[[Path], bool]) -> Iterator[tuple[Path, Path]]:
    """A name beside the target that nobody else uses, gone at the end, and the target with its links followed."""
    target = path.resolve()
    part = target.with_name(f".part-{secrets.token_hex(4)}-{target.name}")
    try:
        if target.exists() and not is_one(target):
            raise OutputError(f"{path} exists and is not a {word}. Choose another place to write to.")
        target.parent.mkdir(parents=True, exist_ok=True)
        _clear_up_after_a_killed_run(target)
        yield part, target
        _sync(target.parent)
    except OSError as cause:
        if not _concerns(cause, target, part):
            raise
        raise OutputError(
            f"Cannot write {path}: {cause.strerror or cause}. "
            "Check that the place exists, may be written to and has space left, or choose another."
        ) from cause
    finally:
        _remove(part)


def _concerns(cause: OSError, target: Path, part: Path) -> bool:
    """Whether the failure is about writing here: what is wrong with an input is not ours to explain."""
    if not isinstance(cause.filename, (str, bytes, os.PathLike)):
        return True
    named = Path(os.fsdecode(cause.filename))
    return target.is_relative_to(named) or any(named.is_relative_to(ours) for ours in (part, _aside(target)))


def _clear_up_after_a_killed_run(target: Path) -> None:
    aside = _aside(target)
    if aside.exists() and not target.exists():
        aside.replace(target)
    _remove(aside)
    left = re.compile(rf"\.part-[0-9a-f]{{8}}-{re.escape(target.name)}")
    for beside in target.parent.iterdir():
        if left.fullmatch(beside.name):
            _remove(beside)


def _aside(target: Path) -> Path:
    return target.with_name(f".old-{target.name}")


def _remove(path: Path) -> None:
    # Nobody is helped when clearing up hides the failure that made it necessary.
    with contextlib.suppress(OSError):
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)


def _sync(path: Path) -> None:
    """Have the bytes on the disk before a name points to them."""
    if path.is_dir():
        # Some systems and network shares cannot sync a folder; the files in it are what matters.
        with contextlib.suppress(OSError):
            _sync_descriptor(path)
    else:
        _sync_descriptor(path)


def _sync_descriptor(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
