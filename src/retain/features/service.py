"""Whether the company kept its promises, and payments went well."""

from __future__ import annotations

from retain.features.spec import Feature, How, Measure, Ratio, Remedy
from retain.timeline import Lookback

_HALF, _YEAR = Lookback(180), Lookback(365)
_NOT_LATE = Remedy("deliver_on_time", at_most=0.0)
_NEVER_LATE = Remedy("deliver_on_time", never=True)

FEATURES = (
    Feature(
        "late_deliveries_180d",
        Measure("parcels", How.COUNT, within=_HALF, where="late"),
        "delivery",
        "A broken promise.",
        "late deliveries in the last 180 days: {late_deliveries_180d:.0f}",
        remedy=_NOT_LATE,
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
        remedy=_NOT_LATE,
    ),
    Feature(
        "delay_hours_max_365d",
        Measure("parcels", How.MAX, "delay", _YEAR, where="late"),
        "delivery",
        "The worst delay is remembered.",
        "longest delay of a delivery in the last 365 days: {delay_hours_max_365d:hour}",
        remedy=_NEVER_LATE,
    ),
    Feature(
        "days_since_late_delivery",
        Measure("parcels", How.SINCE_LAST, where="late"),
        "delivery",
        "A fresh disappointment weighs more than an old one.",
        "last late delivery {days_since_late_delivery:days} ago",
        remedy=_NEVER_LATE,
    ),
    Feature(
        "failed_payments_365d",
        Measure("payment_failures", How.COUNT, within=_YEAR),
        "payment",
        "Failed payments end relationships that nobody wanted to end.",
        "failed payments in the last 365 days: {failed_payments_365d:.0f}",
        remedy=Remedy("mend_payments", at_most=0.0),
    ),
)
