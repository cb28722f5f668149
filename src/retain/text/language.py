"""Which of the languages with a word list a text is in: told by its letters and by the words that were found in it.

This is no language identification for its own sake. It only decides which list's meaning of a word counts ("die" is a
threat in English and an article in German), and it says "not certain" rather than guess.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from retain.text.fold import END
from retain.text.lexicon import FOREIGN, LANGUAGES, UNSURE

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from retain.text.fold import CodeArray

    IntArray = npt.NDArray[np.int64]
    FloatArray = npt.NDArray[np.float32]

UNDETERMINED = "und"
"""ISO 639-2 for a text whose language is not certain."""

_LETTERS: tuple[tuple[str, str, float], ...] = (
    ("әғқңөұүһ", "kk", 0.8),
    ("їєґ", "uk", 0.8),
    ("і", "uk kk", 0.4),
    ("эё", "ru", 0.4),
    ("ы", "ru kk", 0.3),
    ("ъ", "bg", 0.4),
    ("ß", "de", 1.0),
    ("äöü", "de", 0.3),
    ("öü", "tr", 0.3),
    ("şğıİ", "tr", 0.6),
    ("ñ¿¡", "es", 0.8),
    ("ãõ", "pt", 0.8),
    ("áíóú", "es pt", 0.2),
    ("ç", "fr pt tr", 0.2),
    ("é", "fr es pt", 0.15),
    ("èêëîïûœàù", "fr", 0.3),
    ("âê", "pt", 0.2),
)
"""Letters, the languages that they tell for, and how much one of them tells."""
_IDEOGRAPH = 0.5
_MARGIN = 0.9
"""A language is certain where the second likeliest has less than this share of its evidence."""
_GROUPS = len(_LETTERS) + 2


@cache
def _groups() -> tuple[npt.NDArray[np.uint32], FloatArray]:
    """A bit set of groups for each code point below the ideographs, and what each group tells for each language."""
    member = np.zeros(0x3400, dtype=np.uint32)
    tells = np.zeros((_GROUPS, len(LANGUAGES)), dtype=np.float32)
    for group, (letters, languages, weight) in enumerate(_LETTERS):
        for letter in letters + letters.upper():
            if len(letter) == 1 and 0x80 <= ord(letter) < len(member):
                member[ord(letter)] |= 1 << group
        for language in languages.split():
            tells[group, LANGUAGES.index(language)] = weight
    return member, tells


def letter_evidence(written: CodeArray) -> FloatArray:
    """How much the letters of each text tell for each language, (texts, languages).

    Args:
        written: the code points of a batch as they were written; see ``Folded.written``.
    """
    member, tells = _groups()
    ends = np.flatnonzero(written == END)
    low = written < len(member)
    bits = member[np.where(low, written, 0)]
    evidence = np.zeros((len(ends), len(LANGUAGES)), dtype=np.float32)
    telling = np.flatnonzero(bits)
    text = np.searchsorted(ends, telling)
    for group in range(len(_LETTERS)):
        counts = np.bincount(text[(bits[telling] >> group) & 1 == 1], minlength=len(ends))
        evidence += counts[:, None].astype(np.float32) * tells[group]
    ideographs = np.flatnonzero((written >= 0x3400) & (written <= 0x9FFF))
    evidence[:, LANGUAGES.index("zh")] += _IDEOGRAPH * np.bincount(
        np.searchsorted(ends, ideographs), minlength=len(ends)
    )
    return evidence


def columns_of(evidence: FloatArray, given: Sequence[str | None] | None) -> IntArray:
    """The column of the lexicon's tables that each text is read with.

    Args:
        evidence: of letters and words, (texts, languages).
        given: what the source says of each text's language, as ``en`` or ``zh-Hant-HK``; None where it does not say.

    Returns:
        The language's place in LANGUAGES; UNSURE where two are about equally likely or nothing tells; FOREIGN where the
        source names a language without a list.
    """
    best = evidence.argmax(axis=1)
    top, second = np.sort(evidence, axis=1)[:, [-1, -2]].T
    found = np.where(second >= _MARGIN * top, UNSURE, best)
    if given is None:
        return found
    stated = np.array([_stated(one) for one in given], dtype=np.int64)
    return np.where(stated < 0, found, stated)


def _stated(code: str | None) -> int:
    """The column for what a source says, -1 where it says nothing."""
    base = base_language(code)
    if base in (None, UNDETERMINED):
        return -1
    return LANGUAGES.index(base) if base in LANGUAGES else FOREIGN


_OTHER_CODES = {"yue": "zh", "cmn": "zh", "kaz": "kk", "rus": "ru", "ukr": "uk", "bul": "bg", "eng": "en", "deu": "de",
                "spa": "es", "fra": "fr", "por": "pt", "tur": "tr", "zho": "zh"}  # fmt: skip


def base_language(code: str | None) -> str | None:
    """The language of a code without script and region; None for nothing.

    >>> base_language("zh-Hant-HK"), base_language("pt_BR"), base_language(" "), base_language("yue")
    ('zh', 'pt', None, 'zh')
    """
    base = (code or "").strip().lower().replace("_", "-").split("-")[0]
    return _OTHER_CODES.get(base, base) or None
