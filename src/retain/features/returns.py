"""What the customer sends back."""

from __future__ import annotations

from retain.features.spec import Feature, How, Measure, Ratio
from retain.timeline import Lookback

_YEAR = Lookback(365)

FEATURES = (
    Feature(
        "returns_365d",
        Measure("returns", How.COUNT, within=_YEAR),
        "returns",
        "Returns tell of disappointment, and also of an engaged customer.",
        "{returns_365d:return} in the last 365 days",
    ),
    Feature(
        "return_rate",
        Ratio(Measure("returns", How.COUNT), Measure("orders", How.COUNT)),
        "returns",
        "Returns an order.",
        "{return_rate:.2f} returns an order",
    ),
    Feature(
        "returned_share_365d",
        Ratio(Measure("returns", How.SUM, "amount", _YEAR), Measure("orders", How.SUM, "amount", _YEAR)),
        "returns",
        "Share of the money that went back.",
        "{returned_share_365d:.0%} of the spend of the last 365 days was returned",
    ),
    Feature(
        "days_since_return",
        Measure("returns", How.SINCE_LAST),
        "returns",
        "A fresh disappointment weighs more than an old one.",
        "last return {days_since_return:days} ago",
    ),
)
