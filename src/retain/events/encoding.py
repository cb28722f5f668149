"""In which encoding a text file is, and the same text as UTF-8."""

from __future__ import annotations

import codecs
import gzip
import io
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, cast

from charset_normalizer import from_bytes

from retain.errors import SourceError

if TYPE_CHECKING:
    from collections.abc import Iterator

_CHUNK = 1 << 20
_SAMPLE = 64 << 10
_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_CANDIDATES = ("cp1252", "cp1251", "gb18030", "big5")
_WIDE_SHARE = 0.3
MENDED = "utf-8 with broken characters"
"""What a file is said to be in that is UTF-8 but for a few bytes; each of these is read as a replacement character."""
_BROKEN_SHARE = 0.1
# Every byte is a letter in it, so it never fails: the last resort.
_LAST = "latin-1"


@dataclass(frozen=True)
class Utf8Text:
    """A text file that a UTF-8 reader can read.

    Attributes:
        path: the file itself, or its copy.
        encoding: what the original is in.
    """

    path: str
    encoding: str


def as_utf8(path: str, shown: str, encoding: str, folder: Path) -> Utf8Text:
    """The file itself if it is clean UTF-8, else a copy in that folder.

    The copy also evens out line ends, for a file that mixes Windows and Unix ones cannot be read strictly.

    Args:
        path: the file.
        shown: its name in messages.
        encoding: its encoding, or ``auto``.
        folder: where a copy goes.

    Raises:
        SourceError: the encoding is unknown, or the file is not in it.
    """
    chosen = sniffed(path, shown) if encoding == "auto" else _text_encoding(encoding)
    if chosen == "utf-8" and _reads_as_it_is(path, shown):
        return Utf8Text(path, chosen)
    copy = folder / f"{len(list(folder.iterdir()))}.txt"
    try:
        # Universal newlines on the way in: every line end becomes one.
        with (
            _opened(path) as raw,
            _text(raw, chosen) as text,
            copy.open("w", encoding="utf-8", newline="") as out,
        ):
            out.write(text.read(_CHUNK).removeprefix("\ufeff"))
            while part := text.read(_CHUNK):
                out.write(part)
    except UnicodeError as cause:
        # What Python says of it may quote the text.
        place = f": {cause.reason} at byte {cause.start}" if isinstance(cause, UnicodeDecodeError) else ""
        raise SourceError(
            f"'{shown}' is not in {chosen}{place}. Set its encoding in the source config."
        ) from cause
    return Utf8Text(str(copy), chosen)


def _text(raw: IO[bytes], encoding: str) -> io.TextIOWrapper:
    if encoding == MENDED:
        return io.TextIOWrapper(raw, encoding="utf-8", errors="replace")
    return io.TextIOWrapper(raw, encoding=encoding)


def nearly_utf8(sample: bytes) -> bool:
    """Whether this is UTF-8 but for a few bytes: the letters of an old encoding are hardly ever UTF-8 by chance.

    >>> nearly_utf8("Отличный магазин".encode() + bytes([255])), nearly_utf8("Отличный магазин".encode("cp1251"))
    (True, False)
    """
    text = sample.decode("utf-8", "replace")
    broken, foreign = text.count("\ufffd"), sum(not one.isascii() for one in text)
    return broken <= _BROKEN_SHARE * foreign


def _text_encoding(name: str) -> str:
    try:
        # Python also knows 'encodings' that turn no bytes into text, such as hex; only this refuses them.
        io.TextIOWrapper(io.BytesIO(), encoding=name)
        return codecs.lookup(name).name
    except (LookupError, ValueError) as cause:
        raise SourceError(
            f"encoding = '{name}' is unknown. Use a name such as utf-8, cp1251 or gb18030."
        ) from cause


def sniffed(path: str, shown: str) -> str:
    """The name of the encoding: a byte-order mark, else UTF-8, if need be with broken characters, else the likeliest old one.

    An old encoding is told from a sample of the lines that are not plain ASCII, among those that business exports
    really use, and must then fit the whole file.

    Raises:
        SourceError: the file holds no text.
    """
    with _opened(path) as raw:
        start = raw.read(_SAMPLE)
    for mark, encoding in _BOMS:
        if start.startswith(mark):
            return encoding
    if start.startswith(b"PAR1"):
        raise _no_text(shown)
    if b"\0" in start:
        return _wide(start, shown)
    if _fits(path, "utf-8"):
        return "utf-8"
    sample = _foreign_sample(path)
    if nearly_utf8(sample):
        return MENDED
    guess = from_bytes(sample, cp_isolation=list(_CANDIDATES)).best()
    order = list(dict.fromkeys([*([guess.encoding] if guess else []), *_CANDIDATES]))
    return next((one for one in order if _fits(path, one)), _LAST)


def _wide(start: bytes, shown: str) -> str:
    """Plain letters in UTF-16 have every other byte zero, and hardly any of the rest."""
    even, odd = (part.count(0) / max(len(part), 1) for part in (start[::2], start[1::2]))
    few, many = sorted((even, odd))
    if many < _WIDE_SHARE or few > many / 2:
        raise _no_text(shown)
    return "utf-16-le" if odd > even else "utf-16-be"


def _no_text(shown: str) -> SourceError:
    return SourceError(
        f"'{shown}' holds bytes that no text has, so it is no CSV or JSON lines file or a damaged one. "
        "Mend it, or set format in the source config, or its encoding if it is text."
    )


def _foreign_sample(path: str) -> bytes:
    kept: list[bytes] = []
    size = 0
    with _opened(path) as raw:
        for line in raw:
            if not line.isascii():
                kept.append(line[:2000])
                size += len(kept[-1])
            if size > _SAMPLE:
                break
    return b"".join(kept)


def _fits(path: str, encoding: str) -> bool:
    decoder = codecs.getincrementaldecoder(encoding)()
    try:
        for chunk in _chunks(path):
            decoder.decode(chunk)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


def _reads_as_it_is(path: str, shown: str) -> bool:
    if not _fits(path, "utf-8"):
        raise SourceError(f"'{shown}' is not in utf-8. Set its encoding in the source config, or 'auto'.")
    both = lone = plain = 0
    before = b""
    for chunk in _chunks(path):
        part = before + chunk
        before = b"\r" if part.endswith(b"\r") else b""
        part = part[: len(part) - len(before)]
        pairs = part.count(b"\r\n")
        both += pairs
        plain += part.count(b"\n") - pairs
        lone += part.count(b"\r") - pairs
    return (both > 0) + (plain > 0) + (lone + len(before) > 0) <= 1


def _chunks(path: str) -> Iterator[bytes]:
    with _opened(path) as raw:
        while chunk := raw.read(_CHUNK):
            yield chunk


def _opened(path: str) -> IO[bytes]:
    if path.lower().endswith(".gz"):
        return cast("IO[bytes]", gzip.open(path, "rb"))
    return Path(path).open("rb")
