"""The customer's own purchase rhythm: how far apart orders are, how regular, and whether it slows."""

from __future__ import annotations

from retain.features.spec import Contrast, Feature, How, Measure, Ratio
from retain.timeline import Lookback

_SINCE = Measure("orders", How.SINCE_LAST)
_MEDIAN = Measure("orders", How.MEDIAN, "gap")
_MEAN = Measure("orders", How.MEAN, "gap")
_SD = Measure("orders", How.SD, "gap")

FEATURES = (
    Feature(
        "gap_days_mean",
        _MEAN,
        "rhythm",
        "How often the customer orders.",
        "an order every {gap_days_mean:interval} on average",
        spoken_by="gap_days_median",
    ),
    Feature(
        "gap_days_sd",
        _SD,
        "rhythm",
        "How much the time between orders varies.",
        "the time between orders varies by {gap_days_sd:days}",
        spoken_by="gap_cv",
    ),
    Feature(
        "gap_days_median",
        _MEDIAN,
        "rhythm",
        "The usual time between orders; one long pause does not move it.",
        "usually an order every {gap_days_median:interval}",
    ),
    Feature(
        "gap_cv",
        Ratio(_SD, _MEAN),
        "rhythm",
        "A regular customer who pauses says more than an irregular one.",
        "time between orders: {gap_days_mean:days}, give or take {gap_days_sd:days}",
    ),
    Feature(
        "overdue_ratio",
        Ratio(_SINCE, _MEDIAN),
        "recency",
        "Silence measured by the customer's own rhythm: above 1 the next order is overdue.",
        "no order for {recency_days:days}; usually every {gap_days_median:interval}",
    ),
    Feature(
        "overdue_ratio_mean",
        Ratio(_SINCE, _MEAN),
        "recency",
        "As overdue_ratio, against the mean, which long pauses do move.",
        "no order for {recency_days:days}; on average every {gap_days_mean:interval}",
        spoken_by="overdue_ratio",
    ),
    Feature(
        "gap_days_max",
        Measure("orders", How.MAX, "gap"),
        "rhythm",
        "The longest pause the customer has come back from.",
        "longest pause between two orders so far: {gap_days_max:days}",
    ),
    Feature(
        "orders_trend_90d",
        Contrast(
            Measure("orders", How.COUNT, within=Lookback(90)),
            Measure("orders", How.COUNT, within=Lookback(180, 90)),
        ),
        "trend",
        "Orders of the last 90 days against the 90 before: slowing down comes before leaving.",
        "{orders_90d:order} in the last 90 days, {orders_180d:.0f} in the last 180",
    ),
    Feature(
        "orders_trend_180d",
        Contrast(
            Measure("orders", How.COUNT, within=Lookback(180)),
            Measure("orders", How.COUNT, within=Lookback(365, 180)),
        ),
        "trend",
        "Orders of the last half year against the half before.",
        "{orders_180d:order} in the last 180 days, {orders_365d:.0f} in the last 365",
    ),
    Feature(
        "spend_trend_90d",
        Contrast(
            Measure("orders", How.SUM, "amount", Lookback(90)),
            Measure("orders", How.SUM, "amount", Lookback(180, 90)),
        ),
        "trend",
        "Spend of the last 90 days against the 90 before.",
        "spent {spend_90d:money} in the last 90 days, {spend_180d:money} in the last 180",
    ),
    Feature(
        "orders_same_season",
        Measure("orders", How.COUNT, within=Lookback(365, 275)),
        "habits",
        "Orders in the 90 days after this date a year ago: who buys for a season returns for it.",
        "{orders_same_season:order} in the 90 days after this date last year",
    ),
)
