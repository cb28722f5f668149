"""How the customer fared with support, as far as it had happened at the cutoff."""

from __future__ import annotations

from retain.features.spec import Balance, Feature, How, Measure, Ratio, Remedy
from retain.timeline import Lookback

_QUARTER, _HALF, _YEAR = Lookback(90), Lookback(180), Lookback(365)

FEATURES = (
    Feature(
        "tickets_90d",
        Measure("tickets", How.COUNT, within=_QUARTER),
        "support",
        "Who needs help has a problem, and still cares.",
        "{tickets_90d:ticket} in the last 90 days",
    ),
    Feature(
        "tickets_365d",
        Measure("tickets", How.COUNT, within=_YEAR),
        "support",
        "Who needs help has a problem, and still cares.",
        "{tickets_365d:ticket} in the last 365 days",
    ),
    Feature(
        "days_since_ticket",
        Measure("tickets", How.SINCE_LAST),
        "support",
        "A fresh problem weighs more than an old one.",
        "last ticket {days_since_ticket:days} ago",
    ),
    Feature(
        "open_tickets",
        Balance(
            (Measure("tickets", How.COUNT), Measure("backlog", How.COUNT, where="again")),
            (Measure("backlog", How.COUNT, where="ended"),),
        ),
        "support",
        "A problem that is not solved yet.",
        "{open_tickets:ticket} still open",
        remedy=Remedy("settle_tickets", at_most=0.0),
    ),
    Feature(
        "backlog_days_max",
        Balance((Measure("backlog", How.LAST, "oldest"), Measure("backlog", How.SINCE_LAST)), ()),
        "support",
        "Who waits for a solution does not wait for ever.",
        "oldest open ticket is from {backlog_days_max:days} ago",
        remedy=Remedy("settle_tickets", never=True),
    ),
    Feature(
        "reopened_365d",
        Measure("reopenings", How.COUNT, within=_YEAR, where="entered"),
        "support",
        "A problem that was called solved and was not.",
        "tickets reopened in the last 365 days: {reopened_365d:.0f}",
    ),
    Feature(
        "escalated_365d",
        Measure("escalations", How.COUNT, within=_YEAR, where="entered"),
        "support",
        "A problem that the first person could not solve.",
        "tickets escalated in the last 365 days: {escalated_365d:.0f}",
    ),
    Feature(
        "breached_365d",
        Measure("breaches", How.COUNT, within=_YEAR, where="entered"),
        "support",
        "A promise of support that was not kept.",
        "deadlines missed by support in the last 365 days: {breached_365d:.0f}",
        remedy=Remedy("answer_faster", at_most=0.0),
    ),
    Feature(
        "resolution_hours_median_365d",
        Measure("resolutions", How.MEDIAN, "hours", _YEAR, where="entered"),
        "support",
        "A problem that takes long to solve is remembered.",
        "problems of the last 365 days usually took {resolution_hours_median_365d:hour} to solve",
        remedy=Remedy("settle_tickets", at_most=24.0),
    ),
    Feature(
        "first_response_hours_365d",
        Measure("first_responses", How.MEAN, "wait", _YEAR),
        "support",
        "Waiting for a first answer drives customers away.",
        "first answers took {first_response_hours_365d:hour} on average",
        remedy=Remedy("answer_faster", at_most=1.0),
    ),
    Feature(
        "answered_within_hour_365d",
        Ratio(
            Measure("first_responses", How.COUNT, within=_YEAR, where="within_hour"),
            Measure("first_responses", How.COUNT, within=_YEAR),
        ),
        "support",
        "Many expect an answer within the hour.",
        "{answered_within_hour_365d:.0%} of the tickets answered within an hour",
        remedy=Remedy("answer_faster", at_least=1.0),
    ),
    Feature(
        "ticket_categories_365d",
        Measure("tickets", How.DISTINCT, "category", _YEAR),
        "support",
        "One thing that goes wrong, or many.",
        "tickets about different things in the last 365 days: {ticket_categories_365d:.0f}",
    ),
    Feature(
        "ticket_top_category_share_365d",
        Measure("tickets", How.TOP_SHARE, "category", _YEAR),
        "support",
        "The same thing goes wrong again and again.",
        "{ticket_top_category_share_365d:.0%} of the tickets of the last 365 days about one thing",
    ),
    Feature(
        "ticket_channels_365d",
        Measure("tickets", How.DISTINCT, "channel", _YEAR),
        "support",
        "Who asks here and there was not helped at once.",
        "channels of tickets in the last 365 days: {ticket_channels_365d:.0f}",
    ),
    Feature(
        "ticket_sentiment_mean_365d",
        Measure("tickets", How.MEAN, "sentiment", _YEAR),
        "support",
        "How angry the customer is when asking for help.",
        "tone of tickets in the last 365 days: {ticket_sentiment_mean_365d:+.1f} on a scale from -1 to 1",
    ),
    Feature(
        "angry_tickets_90d",
        Measure("tickets", How.COUNT, within=_QUARTER, where="negative"),
        "support",
        "An angry call for help of late.",
        "angry tickets in the last 90 days: {angry_tickets_90d:.0f}",
    ),
    Feature(
        "leaving_tickets_180d",
        Balance(
            (
                Measure("tickets", How.COUNT, within=_HALF, where="threat_to_leave"),
                Measure("tickets", How.COUNT, within=_HALF, where="cancel"),
            ),
            (),
        ),
        "support",
        "Some ask support how to cancel, or say that they are about to go.",
        "tickets of the last 180 days that speak of leaving or cancelling: {leaving_tickets_180d:.0f}",
    ),
    Feature(
        "refund_requests_365d",
        Measure("tickets", How.COUNT, within=_YEAR, where="refund"),
        "support",
        "Who wants the money back was disappointed.",
        "requests for a refund in the last 365 days: {refund_requests_365d:.0f}",
    ),
)
