"""NumPy arrays as typed Arrow columns, so that a table has the same types even when it is empty."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from retain.examples.shop import world
from retain.timeline import DAY, SECOND

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from retain.examples.shop.people import People
    from retain.examples.shop.world import Flags, Floats, Ints

TIME = pa.timestamp("us", tz="UTC")
MONEY = pa.decimal128(18, 2)


def times(moments: Ints, known: Flags | None = None) -> pa.Array:
    """Instants; null where not known, and from the shop's last instant on, for that is not known yet."""
    here = moments < world.END
    if known is not None:
        here = here & known
    return pa.array(moments.astype(np.int64), type=pa.int64(), mask=~here).cast(TIME)


def money(cents: Ints) -> pa.Array:
    """Exact amounts with two decimals."""
    low = cents.astype("<i8")
    words = np.ascontiguousarray(np.stack([low, low >> 63], axis=1))
    return pa.Array.from_buffers(MONEY, len(cents), [None, pa.py_buffer(words)])


def chosen(levels: Sequence[str], codes: Ints, known: Flags | None = None) -> pa.Array:
    """The text that each code stands for; null where not known."""
    mask = None if known is None else ~known
    return pa.array(levels, type=pa.string()).take(pa.array(codes.astype(np.int64), mask=mask))


def numbers(values: Floats | Ints, known: Flags | None = None) -> pa.Array:
    """Numbers; null where not known."""
    return pa.array(values.astype(np.float64), mask=None if known is None else ~known)


def flags(values: Flags) -> pa.Array:
    """Yes and no."""
    return pa.array(values.astype(np.bool_))


def texts(values: Sequence[str | None]) -> pa.Array:
    """Texts as they are."""
    return pa.array(values, type=pa.string())


def serial(prefix: str, values: Ints, width: int) -> pa.Array:
    """Ids such as C0000001."""
    digits = pc.utf8_lpad(pa.array(values.astype(np.int64)).cast(pa.string()), width, "0")
    return pc.binary_join_element_wise(pa.scalar(prefix), digits, "")


def customer_ids(people: People, who: Ints) -> pa.Array:
    """The ids of these customers of the block."""
    return serial("C", people.first + who, 7)


def joined(*parts: pa.Array) -> pa.Array:
    """Texts put together, with a hyphen between."""
    return pc.binary_join_element_wise(*parts, "-")


def sheet(
    columns: Mapping[str, pa.Array], moments: Ints, who: Ints, *, recorded: Ints | None = None
) -> pa.Table:
    """A table in order of time and customer, without the rows that were not in the system by the end.

    Args:
        columns: by name.
        moments: when each row happened.
        who: the customer of each row.
        recorded: when each row was recorded, if later.
    """
    order = np.lexsort((who, moments))
    known = (moments if recorded is None else np.maximum(moments, recorded)) < world.END
    return pa.table(dict(columns)).take(pa.array(order[known[order]]))


def at(day: Ints, hour: Floats) -> Ints:
    """The instant of an hour of a day of the calendar, to the second."""
    moment: Ints = world.START + day * DAY + np.floor(hour * 3600).astype(np.int64) * SECOND
    return moment


def after(moments: Ints, hours: Floats) -> Ints:
    """The instant so many hours later, to the second."""
    later: Ints = moments + np.floor(hours * 3600).astype(np.int64) * SECOND
    return later


def day_at(moments: Ints) -> Ints:
    """The day of the calendar of each instant, kept within the calendar."""
    day: Ints = np.clip((moments - world.START) // DAY, 0, world.DAYS - 1)
    return day
