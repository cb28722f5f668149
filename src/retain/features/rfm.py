"""Recency, frequency, monetary value, and how long the customer has been one."""

from __future__ import annotations

from retain.features.spec import Feature, How, Measure, Ratio
from retain.timeline import Lookback

_WINDOWS = (7, 30, 90, 180, 365)
_YEAR = Lookback(365)
_NEAR = {
    "orders_7d": "orders_30d",
    "orders_180d": "orders_90d",
    "spend_30d": "spend_90d",
    "spend_180d": "spend_90d",
}
"""Windows so alike that a small change moves a reason from one to the other; they speak as one."""

FEATURES = (
    Feature(
        "recency_days",
        Measure("orders", How.SINCE_LAST),
        "recency",
        "The longer the silence, the less likely it ends.",
        "no order for {recency_days:days}",
        spoken_by="overdue_ratio",
    ),
    Feature(
        "tenure_days",
        Measure("orders", How.SINCE_FIRST),
        "tenure",
        "New customers leave more often than those who have stayed for long.",
        "first order {tenure_days:days} ago",
    ),
    *(
        Feature(
            f"orders_{days}d",
            Measure("orders", How.COUNT, within=Lookback(days)),
            "frequency",
            "Frequent customers come back.",
            f"{{orders_{days}d:order}} in the last {days} days",
            spoken_by=_NEAR.get(f"orders_{days}d", ""),
        )
        for days in _WINDOWS
    ),
    Feature(
        "orders_lifetime",
        Measure("orders", How.COUNT),
        "frequency",
        "A long record of orders is a habit.",
        "{orders_lifetime:order} so far",
    ),
    *(
        Feature(
            f"spend_{days}d",
            Measure("orders", How.SUM, "amount", Lookback(days)),
            "spend",
            "Money spent shows how much the shop matters to the customer.",
            f"spent {{spend_{days}d:money}} in the last {days} days",
            spoken_by=_NEAR.get(f"spend_{days}d", ""),
        )
        for days in _WINDOWS[1:]
    ),
    Feature(
        "spend_lifetime",
        Measure("orders", How.SUM, "amount"),
        "spend",
        "Money spent shows how much the shop matters to the customer.",
        "spent {spend_lifetime:money} so far",
    ),
    Feature(
        "order_value_mean",
        Measure("orders", How.MEAN, "amount"),
        "spend",
        "Large baskets and small ones come from different kinds of customers.",
        "{order_value_mean:money} an order on average",
    ),
    Feature(
        "order_value_mean_90d",
        Measure("orders", How.MEAN, "amount", Lookback(90)),
        "spend",
        "What the customer spends an order at present.",
        "{order_value_mean_90d:money} an order in the last 90 days",
        spoken_by="order_value_mean",
    ),
    Feature(
        "order_value_max",
        Measure("orders", How.MAX, "amount"),
        "spend",
        "The largest order shows how far the customer once trusted the shop.",
        "largest order {order_value_max:money}",
    ),
    Feature(
        "items_365d",
        Measure("orders", How.SUM, "items", _YEAR),
        "spend",
        "Things bought, whatever they cost.",
        "{items_365d:item} in the last 365 days",
    ),
    Feature(
        "items_per_order",
        Measure("orders", How.MEAN, "items"),
        "spend",
        "Stocking up and topping up are different habits.",
        "{items_per_order:,.1f} items an order on average",
    ),
    Feature(
        "discount_share_365d",
        Ratio(Measure("orders", How.SUM, "discount", _YEAR), Measure("orders", How.SUM, "gross", _YEAR)),
        "discounts",
        "Those who come for discounts leave when they end.",
        "{discount_share_365d:.0%} of the price was discounted in the last 365 days",
    ),
)
