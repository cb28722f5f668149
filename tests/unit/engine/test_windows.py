"""Several measures at once share what was made for one of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from retain.engine import ENGINES
from retain.engine.panel import Snapshots
from retain.features.spec import Feature, FeatureSet, How, Measure
from retain.timeline import Lookback, instant

if TYPE_CHECKING:
    from collections.abc import Callable

    from retain.events.store import EventStore


def test_one_column_in_several_windows(orders: Callable[..., EventStore]) -> None:
    """Medians, sums and categories of different windows and cutoffs do not mix."""
    store = orders("""
        customer_id  ordered_at  amount  category
        a            2024-01-01  1.00    p
        a            2024-03-01  5.00    q
        a            2024-05-01  -       p
        b            2024-04-30  7.00    -
        b            2024-05-20  2.00    q
    """)
    windows = (Lookback(30), Lookback(100), Lookback(100, 30), Lookback())
    measures = [Measure("orders", how, "amount", one) for how in (How.MEDIAN, How.SUM) for one in windows]
    measures += [Measure("lines", How.DISTINCT, "category", one) for one in windows]
    features = FeatureSet(tuple(Feature(f"f{n}", one, "t", "w", "p") for n, one in enumerate(measures)))
    cutoffs = [instant("2024-05-01"), instant("2024-06-01")]
    snapshots = Snapshots(np.array([0, 1, 0, 1]), np.repeat(np.array(cutoffs), 2))
    fast = ENGINES.get("kernel")(store, features, snapshots).values
    assert fast.tobytes() == ENGINES.get("reference")(store, features, snapshots).values.tobytes()
    assert fast[0, :4].tolist()[1:] == [5.0, 5.0, 3.0]
    assert fast[3, 4:8].tolist() == [2.0, 9.0, 7.0, 9.0]
    assert fast[2, 8:].tolist() == [0.0, 2.0, 2.0, 2.0]
