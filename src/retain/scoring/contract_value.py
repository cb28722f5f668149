"""What a customer with running contracts is worth if kept."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from retain.contracts import contracts_of, ends_of, first_end, running
from retain.events.store import MISSING
from retain.lifetime.sbg import ShiftedBetaGeometric
from retain.lifetime.tenure import ContractForecast, fit_tenure
from retain.timeline import DAY

if TYPE_CHECKING:
    import numpy.typing as npt

    from retain.events.store import EventStore
    from retain.scoring.value import ValueSettings

    FloatArray = npt.NDArray[np.float64]

_LASTING = ContractForecast(ShiftedBetaGeometric(alpha=1.0, beta=1.0))


def learn_tenure(store: EventStore, cutoff: int) -> ContractForecast | None:
    """What all contracts known at the cutoff teach about how long each will last; None where they are too few."""
    contracts = contracts_of(store)
    known = (contracts.time < cutoff) & (contracts.known < cutoff)
    runs = running(contracts, cutoff, cutoff)
    until = np.where(runs, cutoff, ends_of(contracts))
    entered = np.clip(first_end(contracts, cutoff) - contracts.time, 0, until - contracts.time)
    return fit_tenure((until - contracts.time)[known] / DAY, ~runs[known], entered[known] / DAY)


def all_end(store: EventStore, cutoff: int, forecast: ContractForecast, days: float) -> FloatArray:
    """For each customer of the store the probability that every running contract ends in the next ``days``.

    1 for a customer without a running one.

    Args:
        store: checked events.
        cutoff: what was known before it counts.
        forecast: what was learned of all contracts.
        days: how far ahead.
    """
    contracts = contracts_of(store)
    runs = running(contracts, cutoff, cutoff)
    chance = forecast.ends_within((cutoff - contracts.time[runs]) / DAY, days)
    together = np.ones(len(store.customer_ids))
    np.multiply.at(together, contracts.customer[runs], chance)
    return together


def contract_value(
    store: EventStore,
    cutoff: int,
    settings: ValueSettings,
    forecast: ContractForecast | None,
    within_days: int,
) -> FloatArray:
    """Margin that each customer's running contracts bring over the horizon if they stay, as far as was known at the cutoff.

    ``ContractForecast.revenue_if_kept`` of each contract that ran, times the margin share. Where too little was known to learn how
    long contracts last, they last. 0 for a customer without a running one; NaN where prices are not known.

    Args:
        store: checked events.
        cutoff: what was known before it counts.
        settings: horizon, margin and discount.
        forecast: what was learned of all contracts.
        within_days: who stays keeps them so long.
    """
    contracts = contracts_of(store)
    if "monthly_price" not in contracts.columns:
        return np.full(len(store.customer_ids), np.nan)
    price = contracts.columns["monthly_price"].values.astype(np.int64)
    rows = np.flatnonzero(running(contracts, cutoff, cutoff) & (price != MISSING))
    money = price[rows] / 10**store.money_exponent
    age = (cutoff - contracts.time[rows]) / DAY
    # Nothing ends within the horizon where nothing was learned; then the curve is never asked.
    within = settings.horizon_days if forecast is None else within_days
    worth = (forecast or _LASTING).revenue_if_kept(
        age, money, settings.horizon_days, settings.discount_rate, within
    )
    # Whole cents before they are added, so that the order of contracts changes no bit.
    cents = np.rint(worth * settings.margin_share * 10**store.money_exponent).astype(np.int64)
    total = np.zeros(len(store.customer_ids), dtype=np.int64)
    np.add.at(total, contracts.customer[rows], cents)
    return np.asarray(total / 10**store.money_exponent)
