"""What the customer said of the company in figures: stars, recommendation and satisfaction."""

from __future__ import annotations

from retain.features.spec import Balance, Feature, How, Measure, Ratio, Remedy
from retain.timeline import Lookback

_QUARTER, _HALF, _YEAR = Lookback(90), Lookback(180), Lookback(365)

FEATURES = (
    Feature(
        "feedback_365d",
        Measure("feedback", How.COUNT, within=_YEAR),
        "feedback",
        "Who speaks up still cares.",
        "{feedback_365d:feedback} in the last 365 days",
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
        "{answered_share_365d:.0%} of the feedback of the last 365 days was answered",
        remedy=Remedy("answer_feedback", at_least=1.0),
    ),
    Feature(
        "sentiment_mean_90d",
        Measure("feedback", How.MEAN, "sentiment", _QUARTER),
        "feedback",
        "What customers wrote of late says more than what they wrote a year ago.",
        "tone of what was written in the last 90 days: {sentiment_mean_90d:+.1f} on a scale from -1 to 1",
    ),
    Feature(
        "sentiment_mean_365d",
        Measure("feedback", How.MEAN, "sentiment", _YEAR),
        "feedback",
        "What customers write says more than stars, and some give no stars.",
        "tone of what was written in the last 365 days: {sentiment_mean_365d:+.1f} on a scale from -1 to 1",
        spoken_by="sentiment_mean_90d",
    ),
    Feature(
        "sentiment_min_365d",
        Measure("feedback", How.MIN, "sentiment", _YEAR),
        "feedback",
        "The angriest words are remembered.",
        "angriest words of the last 365 days: {sentiment_min_365d:+.1f} on a scale from -1 to 1",
    ),
    Feature(
        "sentiment_sd_365d",
        Measure("feedback", How.SD, "sentiment", _YEAR),
        "feedback",
        "A tone that swings shows experiences that do.",
        "tone of what was written varies by {sentiment_sd_365d:.1f} on a scale from -1 to 1",
    ),
    Feature(
        "sentiment_change_180d",
        Balance(
            (Measure("feedback", How.MEAN, "sentiment", _HALF),),
            (Measure("feedback", How.MEAN, "sentiment"),),
        ),
        "feedback",
        "The tone of the last half year against the customer's own average.",
        "tone of the last 180 days against the average: {sentiment_change_180d:+.1f}",
    ),
    Feature(
        "complaints_90d",
        Measure("feedback", How.COUNT, within=_QUARTER, where="negative"),
        "feedback",
        "Who complains gives the company a last chance.",
        "{complaints_90d:complaint} in the last 90 days",
        spoken_by="complaints_365d",
    ),
    Feature(
        "complaints_365d",
        Measure("feedback", How.COUNT, within=_YEAR, where="negative"),
        "feedback",
        "Who complains gives the company a last chance.",
        "{complaints_365d:complaint} in the last 365 days",
    ),
    Feature(
        "days_since_complaint",
        Measure("feedback", How.SINCE_LAST, where="negative"),
        "feedback",
        "A fresh complaint weighs more than an old one.",
        "last complaint {days_since_complaint:days} ago",
    ),
    *(
        Feature(
            f"{topic}_complaints_365d",
            Measure("feedback", How.COUNT, within=_YEAR, where=f"{topic}_complaint"),
            "feedback",
            why,
            f"complaints about {topic} in the last 365 days: {{{topic}_complaints_365d:.0f}}",
        )
        for topic, why in (
            ("delivery", "Parcels that come late or not at all."),
            ("price", "Who finds it dear compares with others."),
            ("quality", "Goods that disappoint are not bought twice."),
            ("service", "People leave people."),
        )
    ),
    Feature(
        "leaving_texts_180d",
        Measure("feedback", How.COUNT, within=_HALF, where="threat_to_leave"),
        "feedback",
        "Some say that they are about to go.",
        "texts of the last 180 days that speak of leaving: {leaving_texts_180d:.0f}",
    ),
)
