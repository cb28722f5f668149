"""What a customer is expected to bring from now on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from retain.kpis.kpi import DEFINITIONS
from retain.lifetime.forecast import fit_forecast
from retain.scoring.value import purchases

if TYPE_CHECKING:
    from retain.events.store import EventStore
    from retain.kpis.kpi import Kpi
    from retain.scoring.value import ValueSettings


def clv_predicted(store: EventStore, end: int, value: ValueSettings) -> Kpi:
    """Mean discounted margin of a customer in the time to come, forecast from what was known at the end.

    Args:
        store: the events.
        end: what was known before it counts.
        value: horizon, margin and discount.
    """
    define = DEFINITIONS["clv_predicted"]
    known = purchases(store, end)
    if known is None:
        return define.unknown("orders have no column amount")
    forecast = fit_forecast(known.history, known.spent, known.kept_share)
    if forecast is None:
        return define.unknown("too few customers bought more than once to tell a rhythm")
    revenue = forecast.revenue(known.history, known.spent, value.horizon_days, value.discount_rate)
    customers = len(revenue)
    total = float(np.sum(revenue)) * value.margin_share
    return define.divided(
        total,
        customers,
        customers,
        "nobody has bought yet",
        f"over {value.horizon_days} days, with {value.margin_share:g} of the revenue as margin and "
        f"{value.discount_rate:g} a year off",
    )
