"""When the customer orders: days of the week and hours of the day, in the shop's own time zone."""

from __future__ import annotations

from retain.features.spec import Feature, How, Measure, Ratio

FEATURES = (
    Feature(
        "weekend_share",
        Ratio(Measure("orders", How.COUNT, where="weekend"), Measure("orders", How.COUNT)),
        "habits",
        "Private customers and companies shop on different days.",
        "{weekend_share:.0%} of the orders on a weekend",
    ),
    Feature(
        "weekday_entropy",
        Measure("orders", How.ENTROPY, "weekday"),
        "habits",
        "A fixed day is a habit.",
        "orders spread over the week (evenness {weekday_entropy:.1f} of 1.9)",
    ),
    Feature(
        "hour_mean",
        Measure("orders", How.MEAN, "hour"),
        "habits",
        "When in the day the customer orders.",
        "orders around {hour_mean:.0f} o'clock",
    ),
    Feature(
        "hour_entropy",
        Measure("orders", How.ENTROPY, "hour_band"),
        "habits",
        "A fixed time of the day is a habit.",
        "orders spread over the day (evenness {hour_entropy:.1f} of 1.8)",
    ),
)
