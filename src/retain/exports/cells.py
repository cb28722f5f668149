"""Text cells that a spreadsheet shows instead of running."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow.compute as pc

if TYPE_CHECKING:
    import pyarrow as pa

SIGNS = "=+-@" + "\uff1d\uff0b\uff0d\uff20" + "\ufe66\ufe62\ufe63\ufe6b" + "\u2212"
"""What a formula begins with; also full-width, small and mathematical, which some programs read as the plain sign."""

# Blanks are all that a reader may skip: spaces, controls, zero-width characters. Apostrophes in front belong to the
# pattern: a cell that already has one gets another, so that ``restore`` takes away exactly the one that was added.
_SIGN = "".join(f"\\x{{{ord(sign):x}}}" for sign in SIGNS)
_RUNS = rf"'*(?:[\t\r\n]|[\s\p{{Z}}\p{{C}}]*[{_SIGN}])"


def neutralise(texts: pa.ChunkedArray) -> pa.ChunkedArray:
    """The same texts, those that a spreadsheet might run with an apostrophe in front.

    >>> import pyarrow as pa
    >>> neutralise(pa.chunked_array([["fine", "=1+1", " @SUM(A1)", "'=1", None]])).to_pylist()
    ['fine', "'=1+1", "' @SUM(A1)", "''=1", None]
    """
    return pc.replace_substring_regex(texts, f"^({_RUNS})", r"'\1", max_replacements=1)


def restore(texts: pa.ChunkedArray) -> pa.ChunkedArray:
    """The texts as they were before ``neutralise``.

    >>> import pyarrow as pa
    >>> restore(pa.chunked_array([["fine", "'=1+1", "''=1", "'quoted'"]])).to_pylist()
    ['fine', '=1+1', "'=1", "'quoted'"]
    """
    return pc.replace_substring_regex(texts, f"^'({_RUNS})", r"\1", max_replacements=1)
