"""Whether the company kept its promises, and payments went well."""

from __future__ import annotations

from retain.features.spec import Feature, How, Measure, Ratio
from retain.timeline import Lookback

_HALF, _YEAR = Lookback(180), Lookback(365)

FEATURES = (
    Feature(
        "late_deliveries_180d",
        Measure("parcels", How.COUNT, within=_HALF, where="late"),
        "delivery",
        "A broken promise.",
        "late deliveries in the last 180 days: {late_deliveries_180d:.0f}",
    ),
    Feature(
        "late_share_365d",
        Ratio(
            Measure("parcels", How.COUNT, within=_YEAR, where="late"),
            Measure("parcels", How.COUNT, "delay", _YEAR),
        ),
        "delivery",
        "How often a promise was broken.",
        "{late_share_365d:.0%} of the deliveries of the last 365 days were late",
    ),
    Feature(
        "delay_hours_max_365d",
        Measure("parcels", How.MAX, "delay", _YEAR, where="late"),
        "delivery",
        "The worst delay is remembered.",
        "latest delivery of the last 365 days: {delay_hours_max_365d:hour} after the promised time",
    ),
    Feature(
        "days_since_late_delivery",
        Measure("parcels", How.SINCE_LAST, where="late"),
        "delivery",
        "A fresh disappointment weighs more than an old one.",
        "last late delivery {days_since_late_delivery:days} ago",
    ),
    Feature(
        "failed_payments_365d",
        Measure("payment_failures", How.COUNT, within=_YEAR),
        "payment",
        "Failed payments end relationships that nobody wanted to end.",
        "failed payments in the last 365 days: {failed_payments_365d:.0f}",
    ),
)
