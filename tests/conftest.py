"""What all tests share: settings of Hypothesis, and event stores written as small tables."""

from __future__ import annotations

from typing import TYPE_CHECKING

import hypothesis
import numpy as np
import pytest

from retain.events.store import MISSING, Column, EventStore, EventTable
from retain.timeline import instant

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

hypothesis.settings.register_profile("retain", deadline=None, max_examples=60, print_blob=True)
hypothesis.settings.load_profile("retain")

_MONEY = ("amount", "discount", "margin")
_NUMBERS = ("quantity",)


def _column(name: str, values: Sequence[object]) -> Column:
    """Python values as a column of the contract's kind."""
    if name in _MONEY:
        return Column(np.array([MISSING if one is None else one for one in values], dtype=np.int64))
    if name in _NUMBERS:
        return Column(np.array([np.nan if one is None else one for one in values], dtype=np.float64))
    levels = np.array(sorted({str(one) for one in values if one is not None}), dtype=object)
    codes = {level: code for code, level in enumerate(levels)}
    return Column(
        np.array([-1 if one is None else codes[str(one)] for one in values], dtype=np.int32), levels
    )


@pytest.fixture(scope="session")
def orders_store() -> Callable[..., EventStore]:
    """A function from rows of the orders table to a store.

    Each row is a dict with ``customer_id``, ``ordered_at`` (text or microseconds) and any columns of the contract;
    money in minor units. ``customers`` names customers without orders.
    """

    def build(
        rows: Sequence[dict[str, object]],
        *,
        customers: Sequence[str] = (),
        zone: str = "UTC",
        money_exponent: int = 2,
    ) -> EventStore:
        def moment(value: object) -> int:
            return instant(value, zone) if isinstance(value, str) else int(value)  # type: ignore[call-overload]

        ids = sorted({str(row["customer_id"]) for row in rows} | set(customers))
        code = {one: position for position, one in enumerate(ids)}
        keyed = sorted(
            rows,
            key=lambda row: (
                code[str(row["customer_id"])],
                moment(row["ordered_at"]),
                repr(sorted(row.items())),
            ),
        )
        time = np.array([moment(row["ordered_at"]) for row in keyed], dtype=np.int64)
        recorded = np.array(
            [moment(row.get("recorded_at") or row["ordered_at"]) for row in keyed], dtype=np.int64
        )
        names = sorted({name for row in rows for name in row} - {"customer_id", "ordered_at", "recorded_at"})
        table = EventTable(
            customer=np.array([code[str(row["customer_id"])] for row in keyed], dtype=np.int64),
            time=time,
            known=np.maximum(time, recorded),
            columns={name: _column(name, [row.get(name) for row in keyed]) for name in names},
        )
        return EventStore(
            customer_ids=np.array(ids, dtype=object),
            tables={"orders": table},
            accounts={},
            money_exponent=money_exponent,
            zone=zone,
        )

    return build
