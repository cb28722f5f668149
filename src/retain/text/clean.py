"""What belongs to a text and what only came with it: tags, links, quoted mail and signatures go."""

from __future__ import annotations

import html
import re

LONGEST = 4_000
"""Characters of a text that are read; nobody says something new after two pages."""

_TAG = re.compile(r"<(?:!--.*?--|/?[a-zA-Z][^<>]{0,500})>", re.DOTALL)
_LINK = re.compile(r"(?:https?://|www\.)\S+")
_ADDRESS = re.compile(r"\S+@\S+\.\S+")
_QUOTED = re.compile(r"^\s*(?:>|&gt;).*$", re.MULTILINE)
_ABOVE = re.compile(
    r"^\s*(?:-{2,}\s*(?:original|forwarded|ursprüngliche|mensaje original|mensagem original|message d'origine|исходное|原始).*"
    r"|(?:on|am|le|el|em) .{5,80}(?:wrote|schrieb|a écrit|escribió|escreveu)\s*:"
    r"|--\s)$.*",
    re.IGNORECASE | re.MULTILINE | re.DOTALL,
)


def cleaned(text: str) -> str:
    """The text without tags, links, addresses, quoted mail and signature, and not longer than LONGEST.

    >>> cleaned("<p>Great!</p> see https://shop.example/x")
    ' Great!  see  '
    """
    if len(text) > 2 * LONGEST:
        text = text[: 2 * LONGEST]
    if "<" in text or "&" in text:
        text = html.unescape(_TAG.sub(" ", _QUOTED.sub(" ", text)))
    if "\n" in text:
        text = _QUOTED.sub(" ", _ABOVE.sub(" ", text))
    if "://" in text or "www." in text:
        text = _LINK.sub(" ", text)
    if "@" in text:
        text = _ADDRESS.sub(" ", text)
    return text[:LONGEST]
