"""What a customer is worth if kept, and the order in which to call."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from retain.errors import ConfigError
from retain.events.store import MISSING
from retain.labels import orders_of
from retain.timeline import DAY, LONGEST_DAYS

if TYPE_CHECKING:
    import numpy.typing as npt

    from retain.events.store import EventStore, IntArray

    FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True)
class ValueSettings:
    """What a kept customer brings: the ``[value]`` part of the configuration.

    Attributes:
        horizon_days: over how long a time.
        margin_share: what is left of the revenue; assumed to be all of it unless the company says otherwise.
        currency: shown beside amounts.
        source: where margin_share comes from, ``assumed`` or ``learned``.
        monthly: an attribute of customers that says what each pays a month, in place of the pace of orders.
        fixed: revenue over the horizon that is assumed of everybody where nothing else tells; 0 assumes nothing.
    """

    horizon_days: int = 365
    margin_share: float = 1.0
    currency: str = ""
    source: str = "assumed"
    monthly: str = ""
    fixed: float = 0.0

    def __post_init__(self) -> None:
        """Refuse shares that are none."""
        if not 0 < self.horizon_days <= LONGEST_DAYS or not 0 < self.margin_share <= 1:
            raise ConfigError(
                f"[value] needs horizon_days from 1 to {LONGEST_DAYS} and margin_share above 0 and at most 1."
            )
        if self.source not in ("assumed", "learned"):
            raise ConfigError(f"[value] source is '{self.source}'; it is 'assumed' or 'learned'.")
        if not 0 <= self.fixed < float("inf"):
            raise ConfigError(f"[value] fixed is {self.fixed}; it is an amount of 0 or more.")


PACE_DAYS = 365
"""The pace of spending is measured over so many days, or over the customer's life where it is shorter."""
DAYS_A_MONTH = 365 / 12
SHORTEST_LIFE_DAYS = 90
"""A first order a week ago is no weekly habit: a shorter life counts as this long."""


def expected_value(
    store: EventStore, cutoff: int, customers: IntArray, settings: ValueSettings
) -> FloatArray:
    """Margin that each customer brings over the horizon if they stay, at the pace known at the cutoff.

    ``spend / days * horizon_days * margin_share``, where spend is sales less returns of the last 365 days and days
    is the customer's life, at least 90 and at most 365. Never below 0; NaN where orders carry no amounts. Where the
    settings name a monthly attribute, that times the months of the horizon takes its place; without any orders, the
    fixed amount does.

    Args:
        store: checked events.
        cutoff: what was known before it counts.
        customers: indexes of customers.
        settings: horizon and margin.
    """
    told = _told(store, customers, settings)
    if told is not None:
        return np.asarray(np.round(told * settings.margin_share, store.money_exponent))
    orders = orders_of(store)
    if "amount" not in orders.columns:
        return np.full(len(customers), np.nan)
    amount = orders.columns["amount"].values.astype(np.int64)
    known = (orders.known < cutoff) & (amount != MISSING)
    recent = known & (orders.time >= cutoff - PACE_DAYS * DAY)
    count = len(store.customer_ids)
    spend = np.zeros(count, dtype=np.int64)
    np.add.at(spend, orders.customer[recent], amount[recent])
    first = np.full(count, cutoff, dtype=np.int64)
    np.minimum.at(first, orders.customer[known], orders.time[known])
    days = np.clip((cutoff - first) / DAY, SHORTEST_LIFE_DAYS, PACE_DAYS)
    money = np.maximum(spend, 0) / 10**store.money_exponent
    value = money / days * settings.horizon_days * settings.margin_share
    return np.asarray(np.round(value[customers], store.money_exponent))


def _told(store: EventStore, customers: IntArray, settings: ValueSettings) -> FloatArray | None:
    """Revenue over the horizon by what the settings name; None where orders have to tell it."""
    if settings.monthly:
        table = store.tables["customers"]
        if table.columns[settings.monthly].values.dtype != np.float64:
            raise ConfigError(f"[value] monthly = '{settings.monthly}': this column does not hold numbers.")
        monthly = np.full(len(store.customer_ids), np.nan)
        monthly[table.customer] = table.columns[settings.monthly].values
        return np.asarray(np.maximum(monthly[customers], 0.0) * settings.horizon_days / DAYS_A_MONTH)
    if "orders" in store.tables:
        return None
    return np.full(len(customers), settings.fixed or np.nan)


def priority(value_at_risk: FloatArray, probability: FloatArray) -> FloatArray:
    """Percentile of the value at risk among the customers scored, 0 to 100; 100 is the first to call.

    Where no value is known the probability itself decides.

    >>> priority(np.array([5.0, 1.0]), np.array([0.1, 0.9])).tolist()
    [100.0, 50.0]
    """
    score = np.where(np.isfinite(value_at_risk), value_at_risk, -1.0)
    if not np.isfinite(value_at_risk).any():
        score = probability
    ranked = np.sort(score)
    share = np.searchsorted(ranked, score, side="right") / max(1, len(score))
    return np.asarray(np.round(100 * share, 2))
