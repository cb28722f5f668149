from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from retain import atomic
from retain.errors import OutputError

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    Kind = Callable[[Path], AbstractContextManager[Path]]


def names(folder: Path) -> list[str]:
    return sorted(one.name for one in folder.iterdir())


def write(part: Path, text: str = "new") -> None:
    """Put a text where a file or a folder is being made."""
    (part / "inside.txt" if part.is_dir() else part).write_text(text)


def read(path: Path) -> str:
    return (path / "inside.txt" if path.is_dir() else path).read_text()


BOTH = pytest.mark.parametrize("kind", [atomic.file, atomic.folder])


@BOTH
def test_the_result_appears_at_the_end_and_alone(kind: Kind, tmp_path: Path) -> None:
    """While the block runs the target is not there; afterwards it is, with nothing beside it."""
    target = tmp_path / "deep" / "er" / "out.csv"
    with kind(target) as part:
        write(part)
        assert not target.exists()
        assert part.suffix == ".csv"
    assert read(target) == "new"
    assert names(target.parent) == ["out.csv"]


@BOTH
def test_an_old_result_is_replaced_whole(kind: Kind, tmp_path: Path) -> None:
    """The old one is readable until the new one takes its place."""
    target = tmp_path / "out"
    for text in ("old", "new"):
        with kind(target) as part:
            write(part, text)
            assert not target.exists() or read(target) == "old"
    assert read(target) == "new"
    assert names(tmp_path) == ["out"]


def test_an_old_folder_s_files_do_not_survive(tmp_path: Path) -> None:
    """A folder is replaced, not merged."""
    target = tmp_path / "out"
    target.mkdir()
    (target / "stale.txt").write_text("stale")
    with atomic.folder(target) as part:
        (part / "sub").mkdir()
        (part / "sub" / "fresh.txt").write_text("fresh")
    assert names(target) == ["sub"]
    assert (target / "sub" / "fresh.txt").read_text() == "fresh"


@BOTH
@pytest.mark.parametrize("failure", [RuntimeError("bug"), KeyboardInterrupt()])
def test_a_failing_block_leaves_the_old_result(
    kind: Kind,
    failure: BaseException,
    tmp_path: Path,
) -> None:
    """Whatever ends the block is passed on, the old result stays and nothing is left beside it."""
    target = tmp_path / "out"
    with kind(target) as part:
        write(part, "old")

    def fail_half_way() -> None:
        with kind(target) as part:
            write(part)
            raise failure

    with pytest.raises(type(failure)):
        fail_half_way()
    assert read(target) == "old"
    assert names(tmp_path) == ["out"]


@BOTH
def test_a_full_disk_says_where(kind: Kind, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A write that the disk refuses is an output error with the path and the reason, and leaves nothing."""

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with (
        pytest.raises(OutputError, match=r"out: No space left on device\. Check") as caught,
        kind(tmp_path / "out") as part,
    ):
        write(part)
    assert isinstance(caught.value.__cause__, OSError)
    assert names(tmp_path) == []


@BOTH
def test_a_parent_that_is_a_file_is_refused(kind: Kind, tmp_path: Path) -> None:
    """A path through a file is an output error before anything is written."""
    (tmp_path / "file").write_text("mine")
    with pytest.raises(OutputError, match=r"Cannot write .*file"), kind(tmp_path / "file" / "out"):
        pytest.fail("the block must not run")
    assert names(tmp_path) == ["file"]


@BOTH
def test_a_name_too_long_for_the_disk_is_refused(kind: Kind, tmp_path: Path) -> None:
    """A path that the system cannot even look at is an output error as well."""
    with pytest.raises(OutputError, match="File name too long"), kind(tmp_path / ("n" * 300)):
        pytest.fail("the block must not run")


@BOTH
def test_a_block_that_writes_nothing_fails_and_says_so(kind: Kind, tmp_path: Path) -> None:
    """A result that disappeared, for instance because a second run cleared it up, is not published."""
    with pytest.raises(OutputError, match="No such file"), kind(tmp_path / "out") as part:
        atomic._remove(part)
    assert names(tmp_path) == []


@BOTH
def test_a_mistake_with_another_file_is_not_an_output_error(kind: Kind, tmp_path: Path) -> None:
    """A missing input keeps its own exception."""
    with pytest.raises(FileNotFoundError), kind(tmp_path / "out") as part:
        write(part, (tmp_path / "missing.csv").read_text())
    assert names(tmp_path) == []


@BOTH
def test_what_a_killed_run_left_is_removed(kind: Kind, tmp_path: Path) -> None:
    """Temporaries of the same target go; those of others and other files stay."""
    (tmp_path / ".part-0123abcd-out").write_text("half")
    (tmp_path / ".part-4567cdef-out").mkdir()
    (tmp_path / ".part-4567cdef-other").write_text("another's")
    (tmp_path / ".part-readme-out").write_text("a user's")
    with kind(tmp_path / "out") as part:
        write(part)
    assert names(tmp_path) == [".part-4567cdef-other", ".part-readme-out", "out"]


def test_a_folder_that_stepped_aside_comes_back(tmp_path: Path) -> None:
    """After a crash between the two renames the old folder is put back, and stays when the next run fails."""
    (tmp_path / ".old-out").mkdir()
    (tmp_path / ".old-out" / "inside.txt").write_text("old")
    with pytest.raises(RuntimeError), atomic.folder(tmp_path / "out"):
        raise RuntimeError
    assert read(tmp_path / "out") == "old"
    assert names(tmp_path) == ["out"]


def test_a_failing_rename_puts_the_old_folder_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """When the new folder cannot take its place the old one is there again."""
    target = tmp_path / "out"
    with atomic.folder(target) as part:
        write(part, "old")
    rename = Path.replace

    def broken(self: Path, to: Path) -> Path:
        if self.name.startswith(".part-"):
            raise OSError(errno.EIO, os.strerror(errno.EIO), str(self))
        return rename(self, to)

    monkeypatch.setattr(Path, "replace", broken)
    with pytest.raises(OutputError, match="Input/output error"), atomic.folder(target) as part:
        write(part)
    assert read(target) == "old"
    assert names(tmp_path) == ["out"]


def test_a_first_folder_whose_rename_fails_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With no old folder to put back, the place is as empty as before."""

    def broken(self: Path, _: Path) -> Path:
        raise OSError(errno.EIO, os.strerror(errno.EIO), str(self))

    monkeypatch.setattr(Path, "replace", broken)
    with pytest.raises(OutputError), atomic.folder(tmp_path / "out") as part:
        write(part)
    assert names(tmp_path) == []


def test_a_device_is_never_replaced() -> None:
    """Writing to /dev/null must not turn it into a file."""
    with (
        pytest.raises(OutputError, match="/dev/null exists and is not a file"),
        atomic.file(Path("/dev/null")),
    ):
        pytest.fail("the block must not run")


def test_a_file_is_no_folder(tmp_path: Path) -> None:
    """A folder does not take a file's place."""
    (tmp_path / "out").write_text("mine")
    with pytest.raises(OutputError, match="exists and is not a folder"), atomic.folder(tmp_path / "out"):
        pytest.fail("the block must not run")
    assert (tmp_path / "out").read_text() == "mine"


def test_a_symbolic_link_is_followed(tmp_path: Path) -> None:
    """The file that a link points to is replaced; the link stays one."""
    (tmp_path / "real").mkdir()
    (tmp_path / "link.txt").symlink_to(tmp_path / "real" / "out.txt")
    with atomic.file(tmp_path / "link.txt") as part:
        write(part)
    assert (tmp_path / "link.txt").is_symlink()
    assert (tmp_path / "real" / "out.txt").read_text() == "new"


def test_of_two_writers_the_earlier_fails(tmp_path: Path) -> None:
    """Two runs at once never publish half of anything: the one that began first is told."""

    def write_within_writing() -> None:
        with atomic.file(tmp_path / "out") as first:
            write(first, "first")
            with atomic.file(tmp_path / "out") as second:
                write(second, "second")

    with pytest.raises(OutputError, match="No such file"):
        write_within_writing()
    assert read(tmp_path / "out") == "second"
    assert names(tmp_path) == ["out"]
