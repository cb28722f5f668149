"""Rows that come in pieces of any size, in pieces of one size: what is written does not tell how it came."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


def in_groups(batches: Iterable[pa.RecordBatch], size: int) -> Iterator[pa.Table]:
    """The same rows, so many at a time and what is left at the end; nothing of no rows.

    Args:
        batches: one after the other.
        size: rows of each piece.

    >>> some = pa.table({"a": range(5)}).to_batches(max_chunksize=2)
    >>> [one["a"].to_pylist() for one in in_groups(some, 3)]
    [[0, 1, 2], [3, 4]]
    """
    held: list[pa.RecordBatch] = []
    count = 0
    for batch in batches:
        rest = batch
        while count + len(rest) >= size:
            held.append(rest.slice(0, size - count))
            rest = rest.slice(size - count)
            yield pa.Table.from_batches(held).combine_chunks()
            held, count = [], 0
        if len(rest):
            held.append(rest)
            count += len(rest)
    if held:
        yield pa.Table.from_batches(held).combine_chunks()
