"""Texts folded into one plain form, a batch at a time: lower case, bare letters, one space between words.

Everything that matches or counts text works on this form, and so do the word lists. Folding is look-ups in tables over
the code points of a whole batch, so that a text costs microseconds.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    CodeArray = npt.NDArray[np.uint32]
    IntArray = npt.NDArray[np.int64]
    BoolArray = npt.NDArray[np.bool_]

SPACE, END = ord(" "), ord("\n")
COMMA, STOP, CALL, ASK = (ord(one) for one in ",.!?")
SMILE, FROWN = ord("🙂"), ord("🙁")

# What a code point is.
_NOTHING, _GAP, _LETTER, _DIGIT, _IDEOGRAPH, _SIGN = range(6)

_CODES = 0x110000
_IDEOGRAPHS = ((0x3040, 0x30FF), (0x3400, 0x9FFF), (0xF900, 0xFAFF), (0x20000, 0x323AF))
_DROPPED = ((0x200B, 0x200F), (0x202A, 0x202E), (0x2060, 0x206F), (0x300, 0x36F), (0xFE00, 0xFE0F), (0x1F3FB, 0x1F3FF),
            (0xE0000, 0xE01EF), (0x64B, 0x652))  # fmt: skip
_PICTURES = ((0x1F000, 0x1F3FA), (0x1F400, 0x1FAFF))
_LOOK_ALIKE = {pair[0]: pair[1] for pair in "ёе әа ғг қк ңн өо ұу үу һх іи їи єе ґг ıi ßs".split()}
_STOPS = {
    ",": COMMA,
    "،": COMMA,
    "，": COMMA,
    "、": COMMA,
    "!": CALL,
    "！": CALL,
    "¡": CALL,
    "?": ASK,
    "？": ASK,
    "¿": ASK,
    "؟": ASK,
}
_STOPS |= dict.fromkeys(".;:…。；：()[]{}（）【】「」\r", STOP)
_LOOSE = re.compile(r"[^\n][\u0300-\u036f]+")
"""A letter and marks that stand alone."""
_NOSES, _GLAD, _SAD = "-^'", ")]", "(["


@dataclass(frozen=True)
class Folded:
    r"""A batch of texts in the plain form.

    Attributes:
        codes: uint32 code points of all texts. A text begins with a space and ends with ``" \n"``; between words, signs
            and runs of ideographs there is one space; ``, . ! ?`` and emoji stand alone.
        starts: int64, text ``i`` is ``codes[starts[i]:starts[i + 1]]``.
        written: uint32 code points as they were written, with END after each text.
    """

    codes: CodeArray
    starts: IntArray
    written: CodeArray

    @property
    def text(self) -> str:
        """The whole batch as one text."""
        return str(self.codes.tobytes().decode("utf-32-le"))


@dataclass(frozen=True)
class _Tables:
    """What each code point is, and what it folds to."""

    kind: npt.NDArray[np.uint8]
    plain: CodeArray


@cache
def _tables() -> _Tables:
    """Made once a process; only planes with bare letters are looked at one by one."""
    kind = np.full(_CODES, _LETTER, dtype=np.uint8)
    plain = np.arange(_CODES, dtype=np.uint32)
    for code in (*range(0x3400), *range(0xFB00, 0x10000)):
        kind[code], plain[code] = _look(chr(code))
    for first, last in _IDEOGRAPHS:
        kind[first : last + 1] = _IDEOGRAPH
    for first, last in _PICTURES:
        kind[first : last + 1] = _SIGN
    for first, last in _DROPPED:
        kind[first : last + 1] = _NOTHING
    kind[0xD800:0xF900] = _NOTHING  # halves of pairs and private use
    for letter, alike in _LOOK_ALIKE.items():
        plain[ord(letter)] = plain[ord(letter.upper()[0])] = ord(alike)
    plain[ord("I")] = plain[ord("İ")] = ord("i")
    for mark, folded in _STOPS.items():
        kind[ord(mark)], plain[ord(mark)] = _SIGN, folded
    kind[END], plain[END] = _SIGN, END
    pairs = files("retain.text").joinpath("words/traditional.txt")
    for pair in pairs.read_text("utf-8").splitlines():
        if pair and not pair.startswith("#"):
            traditional, simplified = pair.split()
            plain[ord(traditional)] = ord(simplified)
    return _Tables(kind, plain)


def _look(char: str) -> tuple[int, int]:
    """What a character is and what it folds to, from its Unicode properties."""
    category = unicodedata.category(char)
    bare = unicodedata.normalize("NFKC", char).lower()
    if "LATIN" in unicodedata.name(bare[:1] or " ", ""):
        bare = unicodedata.normalize("NFD", bare)
    code = ord(bare[0]) if bare else ord(char)
    if category[0] == "L" or category in ("Mc", "Mn"):
        return _LETTER, code
    if category[0] == "N":
        return _DIGIT, code
    if category in ("Sc", "So"):
        return _SIGN, ord(char)
    return (_NOTHING if category in ("Cf", "Cc") and char not in "\t\n\r\x0b\x0c\x85" else _GAP), SPACE


def fold(texts: Sequence[str]) -> Folded:
    r"""The texts in the plain form.

    Args:
        texts: any, the empty one included; line breaks inside a text end a sentence.

    >>> fold(["Très  BIEN!!!", "好吃good👍🏽"]).text
    ' tres bien ! \n 好吃 good 👍 \n'
    """
    joined = "\n".join([*(one.replace("\n", "\r") if "\n" in one else one for one in texts), ""])
    if _LOOSE.search(joined):
        joined = _LOOSE.sub(lambda found: unicodedata.normalize("NFC", found.group()), joined)
    written = np.frombuffer(joined.encode("utf-32-le", "replace"), dtype=np.uint32)
    tables = _tables()
    kind, plain = tables.kind[written], tables.plain[written]
    _faces(written, kind, plain)
    kept = kind != _NOTHING
    if not kept.all():
        kind, plain = kind[kept], plain[kept]
    drawn_out = _repeated(plain, kind)
    if drawn_out.any():
        kind, plain = kind[~drawn_out], plain[~drawn_out]
    solid = np.flatnonzero(kind != _GAP)
    return _spaced(plain[solid], kind[solid], _apart(kind[solid], solid), written)


def _faces(written: CodeArray, kind: npt.NDArray[np.uint8], plain: CodeArray) -> None:
    """Turn ``:-)``, ``:(``, ``))`` and the like into one sign each, in place."""
    last = len(written) - 1
    eyes = np.flatnonzero((written == ord(":")) | (written == ord(";")) | (written == ord("=")))
    mouth = np.minimum(eyes + 1, last)
    mouth = np.minimum(mouth + np.isin(written[mouth], _points(_NOSES)), last)
    after = kind[np.minimum(mouth + 1, last)]
    free = (after != _LETTER) & (after != _DIGIT)
    glad = np.isin(written[mouth], _points(_GLAD)) | (written[mouth] == ord("D")) & free
    # A bracket after a colon opens a remark more often than it frowns, if something follows at once.
    sad = np.isin(written[mouth], _points(_SAD)) & free
    close, open_ = (np.flatnonzero(written == ord(one)) for one in ")(")
    for places, face in (
        (np.concatenate([mouth[glad], close[1:][np.diff(close) == 1]]), SMILE),
        (np.concatenate([mouth[sad], open_[1:][np.diff(open_) == 1]]), FROWN),
    ):
        kind[places], plain[places] = _SIGN, face


@cache
def _points(chars: str) -> CodeArray:
    return np.array([ord(one) for one in chars], dtype=np.uint32)


def _repeated(plain: CodeArray, kind: npt.NDArray[np.uint8]) -> BoolArray:
    """Letters and signs that only draw a word out: all but one of three or more in a row (Latin e and o: but two)."""
    drop = np.zeros(len(plain), dtype=bool)
    if len(plain) < 3:
        return drop
    same = plain[1:] == plain[:-1]
    thrice = np.flatnonzero(same[1:] & same[:-1]) + 1  # the middle of three alike
    if not len(thrice):
        return drop
    may = ((kind[thrice] == _LETTER) | (kind[thrice] == _SIGN)) & (plain[thrice] != END)
    middle = thrice[may]
    drop[middle + 1] = True
    single = middle[~np.isin(plain[middle], _points("eo"))]
    drop[single] = True
    return drop


def _apart(kind: npt.NDArray[np.uint8], solid: IntArray) -> BoolArray:
    """Before which of the solid characters a space belongs."""
    apart = np.ones(len(kind), dtype=bool)
    sign, ideograph = kind == _SIGN, kind == _IDEOGRAPH
    apart[1:] = (np.diff(solid) > 1) | sign[1:] | sign[:-1] | (ideograph[1:] != ideograph[:-1])
    return apart


def _spaced(plain: CodeArray, kind: npt.NDArray[np.uint8], apart: BoolArray, written: CodeArray) -> Folded:
    """The characters with their spaces."""
    place = np.arange(len(plain)) + np.cumsum(apart)
    codes = np.full(len(plain) + int(apart.sum()), SPACE, dtype=np.uint32)
    codes[place] = plain
    ends = place[(plain == END) & (kind == _SIGN)]
    starts = np.zeros(len(ends) + 1, dtype=np.int64)
    starts[1:] = ends + 1
    return Folded(codes, starts, written)
