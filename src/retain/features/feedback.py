"""What the customer said of the company in figures: stars, recommendation and satisfaction."""

from __future__ import annotations

from retain.features.spec import Balance, Feature, How, Measure, Ratio
from retain.timeline import Lookback

_HALF, _YEAR = Lookback(180), Lookback(365)

FEATURES = (
    Feature(
        "feedback_365d",
        Measure("feedback", How.COUNT, within=_YEAR),
        "feedback",
        "Who speaks up still cares.",
        "gave feedback {feedback_365d:time} in the last 365 days",
    ),
    Feature(
        "rating_mean_365d",
        Measure("feedback", How.MEAN, "rating", _YEAR),
        "feedback",
        "Satisfaction as the customer states it, as a share of the best rating.",
        "rated us {rating_mean_365d:.0%} of the best on average",
    ),
    Feature(
        "rating_min_365d",
        Measure("feedback", How.MIN, "rating", _YEAR),
        "feedback",
        "The worst experience is remembered.",
        "worst rating in the last 365 days: {rating_min_365d:.0%} of the best",
    ),
    Feature(
        "rating_change_180d",
        Balance(
            (Measure("feedback", How.MEAN, "rating", _HALF),), (Measure("feedback", How.MEAN, "rating"),)
        ),
        "feedback",
        "Ratings of the last half year against the customer's own average.",
        "ratings of the last 180 days against the average: {rating_change_180d:+.0%}",
    ),
    Feature(
        "low_ratings_365d",
        Measure("feedback", How.COUNT, within=_YEAR, where="low_rating"),
        "feedback",
        "Two stars of five or fewer.",
        "low ratings in the last 365 days: {low_ratings_365d:.0f}",
    ),
    Feature(
        "days_since_low_rating",
        Measure("feedback", How.SINCE_LAST, where="low_rating"),
        "feedback",
        "A fresh disappointment weighs more than an old one.",
        "last low rating {days_since_low_rating:days} ago",
    ),
    Feature(
        "nps_mean_365d",
        Measure("feedback", How.MEAN, "nps", _YEAR),
        "feedback",
        "Whether the customer would recommend the company.",
        "would recommend us: {nps_mean_365d:.1f} of 10",
    ),
    Feature(
        "csat_mean_365d",
        Measure("feedback", How.MEAN, "csat", _YEAR),
        "feedback",
        "Satisfaction as asked in surveys.",
        "satisfaction in surveys: {csat_mean_365d:.1f} of 5",
    ),
    Feature(
        "answered_share_365d",
        Ratio(Measure("answers", How.COUNT, within=_YEAR), Measure("feedback", How.COUNT, within=_YEAR)),
        "feedback",
        "Feedback that nobody answers was given in vain.",
        "{answered_share_365d:.0%} of the feedback was answered",
    ),
)
