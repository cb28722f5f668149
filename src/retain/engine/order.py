"""The order of rows by customer and then by something else, found as fast as the numbers allow."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from retain.events.store import IntArray

_MOST = np.iinfo(np.int64).max


def by_customer(customer: IntArray, value: IntArray) -> IntArray:
    """The places of rows that are sorted by customer, sorted by customer and value; ties stay in their order.

    >>> by_customer(np.array([0, 0, 1, 1]), np.array([7, 5, 3, 3])).tolist()
    [1, 0, 2, 3]
    """
    if not len(value):
        return np.empty(0, dtype=np.int64)
    low, high = int(value.min()), int(value.max())
    if (int(customer[-1]) + 1) * (high - low + 1) > _MOST:
        return np.lexsort((value, customer))
    # One key is sorted much faster than two, and rows that are nearly in order faster still.
    key = customer * (high - low + 1) + (value - low)
    return np.argsort(key, kind="stable")
