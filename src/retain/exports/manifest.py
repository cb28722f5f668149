"""What an export holds, in a file beside it, so that the receiver can check that all of it arrived."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from retain.errors import SourceError

if TYPE_CHECKING:
    from pathlib import Path

NAME = "manifest.json"


@dataclass(frozen=True)
class FileEntry:
    """One file of an export.

    Attributes:
        name: in the export's folder.
        bytes: its size.
        sha256: of its bytes.
    """

    name: str
    bytes: int
    sha256: str


@dataclass(frozen=True)
class Manifest:
    """What an export holds; nothing in it depends on when or where it was written.

    Attributes:
        format: the export format.
        rows: customers, each in one row.
        columns: in their order.
        run_id: the scoring run; None when the scores do not say.
        model_version: the model that scored.
        as_of: the cutoff of the scores.
        retain_version: which retain wrote it.
        files: every other file in the folder.
    """

    format: str
    rows: int
    columns: tuple[str, ...]
    run_id: str | None
    model_version: str | None
    as_of: str | None
    retain_version: str
    files: tuple[FileEntry, ...]

    def write(self, folder: Path) -> None:
        """Put it into the folder, always as the same bytes."""
        text = json.dumps(asdict(self), indent=2, ensure_ascii=False, sort_keys=True)
        (folder / NAME).write_text(text + "\n", encoding="utf-8", newline="\n")


def entry(path: Path) -> FileEntry:
    """Size and hash of that file."""
    with path.open("rb") as opened:
        return FileEntry(path.name, path.stat().st_size, hashlib.file_digest(opened, "sha256").hexdigest())


def read_manifest(folder: Path) -> Manifest:
    """The manifest in that folder.

    Raises:
        SourceError: there is none, or it is not one of ours.
    """
    try:
        values = json.loads((folder / NAME).read_text(encoding="utf-8"))
        files = tuple(FileEntry(**one) for one in values.pop("files"))
        return Manifest(**{**values, "columns": tuple(values["columns"])}, files=files)
    except OSError as cause:
        raise SourceError(
            f"Cannot read {folder / NAME}: {cause.strerror}. Name the folder of an export."
        ) from cause
    except (ValueError, TypeError, KeyError, AttributeError) as cause:
        raise SourceError(f"{folder / NAME} is not the manifest of an export, or is damaged.") from cause


def verify(folder: Path) -> None:
    """Return when the folder holds exactly the files that its manifest lists, unchanged.

    Raises:
        SourceError: a file is missing, was changed, or does not belong there; the message names it.
    """
    listed = {one.name: one for one in read_manifest(folder).files}
    there = {one.name for one in folder.iterdir()} - {NAME}
    for name in sorted(listed.keys() | there):
        if name not in listed:
            raise SourceError(f"{folder / name} is not in the manifest. Remove it, or export again.")
        if name not in there:
            raise SourceError(f"{folder / name} is in the manifest but missing. Export again.")
        if entry(folder / name) != listed[name]:
            raise SourceError(f"{folder / name} is not as it was written. Export again.")
