"""What a customer is worth if kept, and the order in which to call."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from retain.errors import ConfigError
from retain.events.store import MISSING
from retain.labels import LABELS, sales_of
from retain.lifetime.forecast import Forecast, fit_forecast
from retain.lifetime.gamma_gamma import spending
from retain.lifetime.history import histories
from retain.lifetime.tenure import ContractForecast
from retain.scoring.contract_value import contract_value, learn_tenure
from retain.timeline import DAY, LONGEST_DAYS

if TYPE_CHECKING:
    import numpy.typing as npt

    from retain.events.store import EventStore, EventTable, IntArray
    from retain.labels import ChurnSettings
    from retain.lifetime.gamma_gamma import Spending
    from retain.lifetime.history import History

    FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True)
class ValueSettings:
    """What a kept customer brings: the ``[value]`` part of the configuration.

    Attributes:
        horizon_days: over how long a time.
        margin_share: what is left of the revenue; assumed to be all of it unless the company says otherwise.
        discount_rate: what money that comes a year later is worth less; 0.1 is a tenth.
        currency: shown beside amounts.
        source: where margin_share and discount_rate come from, ``assumed`` or ``learned``.
        monthly: an attribute of customers that says what each pays a month, in place of the pace of orders.
        fixed: revenue over the horizon that is assumed of everybody where nothing else tells; 0 assumes nothing.
    """

    horizon_days: int = 365
    margin_share: float = 1.0
    discount_rate: float = 0.1
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
        if not 0 <= self.discount_rate <= 1:
            raise ConfigError(
                f"[value] discount_rate is {self.discount_rate}; it has to be from 0 to 1, such as 0.1 for a tenth a year."
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


@dataclass(frozen=True)
class Purchases:
    """What was known at a cutoff of everybody's purchases.

    Attributes:
        customer: those who had bought, ascending.
        history: when they bought.
        spent: and what for.
        kept_share: what was left of all sales after returns.
    """

    customer: IntArray
    history: History
    spent: Spending
    kept_share: float


def purchases(store: EventStore, cutoff: int) -> Purchases | None:
    """What was known at the cutoff of everybody's purchases; None where there are no orders, or they carry no amounts."""
    orders = _paid_orders(store)
    if orders is None or not len(orders):
        return None
    sales = sales_of(store)
    known = sales.known < cutoff
    customer, history = histories(sales.customer[known], sales.time[known], cutoff)
    amount = _amounts(sales)
    told = known & (amount != MISSING)
    unit = 10**store.money_exponent
    everybody = spending(sales.customer[told], sales.time[told], amount[told], len(store.customer_ids), unit)
    spent = everybody.of(customer)
    paid = float((spent.purchases * spent.mean).sum())
    left = int(_amounts(orders)[(orders.known < cutoff) & (_amounts(orders) != MISSING)].sum()) / unit
    return Purchases(customer, history, spent, min(1.0, max(0.0, left) / paid) if paid else 1.0)


def learn(store: EventStore, cutoff: int, churn: ChurnSettings) -> Forecast | ContractForecast | None:
    """What all customers teach about what each will bring; None where they are too few, or no money is known.

    Args:
        store: checked events.
        cutoff: what was known before it counts.
        churn: whether orders or contracts bring the money.
    """
    return learn_tenure(store, cutoff) if _by_contract(churn) else learn_forecast(store, cutoff)


def learn_forecast(store: EventStore, cutoff: int) -> Forecast | None:
    """The same of their orders.

    Args:
        store: checked events.
        cutoff: what was known before it counts.
    """
    known = purchases(store, cutoff)
    return None if known is None else fit_forecast(known.history, known.spent, known.kept_share)


def expected_value(
    store: EventStore,
    cutoff: int,
    customers: IntArray,
    settings: ValueSettings,
    churn: ChurnSettings,
    forecast: Forecast | ContractForecast | None,
) -> FloatArray:
    """Margin that each customer brings over the horizon if they stay, as far as was known at the cutoff.

    ``Forecast.revenue_if_kept`` times the margin share. Where too little was known to learn a forecast, it is the pace:
    ``spend / days * horizon_days * margin_share``, where spend is sales less returns of the last 365 days and days is the
    customer's life, at least 90 and at most 365. Never below 0; NaN where there are no orders with amounts. Where churn is the
    end of a contract, it is what the running contracts bring. Where the settings name a monthly attribute, that times the
    months of the horizon takes the place of all this; without orders or contracts, the fixed amount does.

    Args:
        store: checked events.
        cutoff: what was known before it counts.
        customers: indexes of customers.
        settings: horizon, margin and discount.
        churn: who stays has bought, or has a contract, when the label window closes.
        forecast: what ``learn`` learned of all customers.
    """
    told = _told(store, customers, settings, churn)
    if told is not None:
        return np.asarray(np.round(told * settings.margin_share, store.money_exponent))
    within_days = churn.window.days
    if _by_contract(churn):
        curve = forecast if isinstance(forecast, ContractForecast) else None
        return contract_value(store, cutoff, settings, curve, within_days)[customers]
    orders = _paid_orders(store)
    if orders is None:
        return np.full(len(customers), np.nan)
    if not isinstance(forecast, Forecast):
        money = _at_pace(store, orders, cutoff, settings.horizon_days)[customers]
    elif (known := purchases(store, cutoff)) is None:
        # Others have ordered, but none of these customers.
        money = np.zeros(len(customers))
    else:
        asked = np.flatnonzero(np.isin(known.customer, customers))
        money = np.zeros(len(store.customer_ids))
        money[known.customer[asked]] = forecast.revenue_if_kept(
            known.history.of(asked),
            known.spent.of(asked),
            settings.horizon_days,
            settings.discount_rate,
            within_days,
        )
        money = money[customers]
    return np.asarray(np.round(money * settings.margin_share, store.money_exponent))


def _by_contract(churn: ChurnSettings) -> bool:
    """Whether contracts bring the money."""
    return LABELS.get(churn.definition).table == "contracts"


def _at_pace(store: EventStore, orders: EventTable, cutoff: int, horizon_days: int) -> FloatArray:
    """The revenue of every customer over the horizon, at the pace known at the cutoff."""
    count = len(store.customer_ids)
    amount = _amounts(orders)
    known = (orders.known < cutoff) & (amount != MISSING)
    recent = known & (orders.time >= cutoff - PACE_DAYS * DAY)
    spend = np.zeros(count, dtype=np.int64)
    np.add.at(spend, orders.customer[recent], amount[recent])
    first = np.full(count, cutoff, dtype=np.int64)
    np.minimum.at(first, orders.customer[known], orders.time[known])
    days = np.clip((cutoff - first) / DAY, SHORTEST_LIFE_DAYS, PACE_DAYS)
    return np.asarray(np.maximum(spend, 0) / 10**store.money_exponent / days * horizon_days)


def _paid_orders(store: EventStore) -> EventTable | None:
    """The table of orders if they carry amounts."""
    orders = store.tables.get("orders")
    return orders if orders is not None and "amount" in orders.columns else None


def _amounts(table: EventTable) -> IntArray:
    """What each row came to in minor units; MISSING where not known."""
    return table.columns["amount"].values.astype(np.int64)


def _told(
    store: EventStore, customers: IntArray, settings: ValueSettings, churn: ChurnSettings
) -> FloatArray | None:
    """Revenue over the horizon by what the settings name; None where orders or contracts have to tell it."""
    if settings.monthly:
        table = store.tables["customers"]
        if table.columns[settings.monthly].values.dtype != np.float64:
            raise ConfigError(f"[value] monthly = '{settings.monthly}': this column does not hold numbers.")
        monthly = np.full(len(store.customer_ids), np.nan)
        monthly[table.customer] = table.columns[settings.monthly].values
        return np.asarray(np.maximum(monthly[customers], 0.0) * settings.horizon_days / DAYS_A_MONTH)
    if "orders" in store.tables or _by_contract(churn):
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
