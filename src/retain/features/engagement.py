"""Whether the customer still reads what the company writes."""

from __future__ import annotations

from retain.features.columns import CHANNELS
from retain.features.spec import Candidate, Contrast, Feature, Foremost, How, Measure, Ratio, Remedy
from retain.timeline import Lookback

_MONTH, _QUARTER, _YEAR = Lookback(30), Lookback(90), Lookback(365)
_SENT = Measure("messages", How.COUNT, within=_QUARTER)
_SENT_YEAR = Measure("messages", How.COUNT, within=_YEAR)
_LEAST = 3
"""Of fewer messages through a channel a share says nothing."""
_WRITE_LESS = Remedy("write_less", times=0.5)
"""Shares of messages stay: of half as many, half as many are read."""

FEATURES = (
    Feature(
        "messages_30d",
        Measure("messages", How.COUNT, within=_MONTH),
        "engagement",
        "Contact pressure: too much of it drives customers away.",
        "{messages_30d:message} sent in the last 30 days",
        spoken_by="messages_90d",
        remedy=_WRITE_LESS,
    ),
    Feature(
        "messages_90d",
        _SENT,
        "engagement",
        "How much the company writes.",
        "{messages_90d:message} sent in the last 90 days",
        remedy=_WRITE_LESS,
    ),
    Feature(
        "open_rate_90d",
        Ratio(Measure("opens", How.COUNT, within=_QUARTER), _SENT),
        "engagement",
        "Who no longer reads is about to leave.",
        "opened {open_rate_90d:.0%} of the messages of the last 90 days",
    ),
    Feature(
        "open_rate_365d",
        Ratio(Measure("opens", How.COUNT, within=_YEAR), _SENT_YEAR),
        "engagement",
        "Who no longer reads is about to leave.",
        "opened {open_rate_365d:.0%} of the messages of the last 365 days",
        spoken_by="open_rate_90d",
    ),
    Feature(
        "opens_trend_90d",
        Contrast(
            Measure("opens", How.COUNT, within=_QUARTER),
            Measure("opens", How.COUNT, within=Lookback(180, 90)),
        ),
        "engagement",
        "Reading less than before.",
        "opens of the last 90 days against the 90 before: {opens_trend_90d:+.0%}",
    ),
    Feature(
        "click_rate_90d",
        Ratio(Measure("clicks", How.COUNT, within=_QUARTER), _SENT),
        "engagement",
        "A click is interest.",
        "followed a link in {click_rate_90d:.0%} of the messages of the last 90 days",
    ),
    Feature(
        "days_since_open",
        Measure("opens", How.SINCE_LAST),
        "engagement",
        "The longer nothing is read, the less it helps to write.",
        "no message opened for {days_since_open:days}",
    ),
    Feature(
        "days_since_click",
        Measure("clicks", How.SINCE_LAST),
        "engagement",
        "The last sign of interest.",
        "no link followed for {days_since_click:days}",
    ),
    Feature(
        "best_channel_365d",
        Foremost(
            tuple(
                Candidate(
                    one,
                    tuple(
                        Measure(view, How.COUNT, within=_YEAR, where=f"by_{one}")
                        for view in ("opens", "clicks")
                    ),
                    Measure("messages", How.COUNT, within=_YEAR, where=f"by_{one}"),
                )
                for one in CHANNELS
            ),
            _LEAST,
        ),
        "engagement",
        "Where the customer answers is where they can be won back.",
        "answers best to {best_channel_365d}",
    ),
    Feature(
        "delivery_rate_365d",
        Ratio(Measure("deliveries", How.COUNT, within=_YEAR), _SENT_YEAR),
        "engagement",
        "What does not arrive cannot win anybody back.",
        "{delivery_rate_365d:.0%} of the messages of the last 365 days arrived",
    ),
    Feature(
        "bounce_rate_365d",
        Ratio(Measure("bounces", How.COUNT, within=_YEAR), _SENT_YEAR),
        "engagement",
        "An address that is about to die lets less and less through.",
        "{bounce_rate_365d:.0%} of the messages of the last 365 days came back",
        spoken_by="bounces_365d",
    ),
    Feature(
        "spam_rate_365d",
        Ratio(Measure("spam", How.COUNT, within=_YEAR), _SENT_YEAR),
        "engagement",
        "The larger the share marked as spam, the less welcome the writing is.",
        "{spam_rate_365d:.0%} of the messages of the last 365 days marked as spam",
        spoken_by="spam_marks_lifetime",
    ),
    Feature(
        "unsubscribe_rate_365d",
        Ratio(Measure("unsubscribes", How.COUNT, within=_YEAR), _SENT_YEAR),
        "engagement",
        "Who unsubscribes from one list after the other is leaving step by step.",
        "unsubscribed through {unsubscribe_rate_365d:.0%} of the messages of the last 365 days",
        spoken_by="unsubscribes_lifetime",
    ),
    Feature(
        "bounces_365d",
        Measure("bounces", How.COUNT, within=_YEAR),
        "engagement",
        "An address that is dead is a customer who cannot be reached.",
        "messages that came back in the last 365 days: {bounces_365d:.0f}",
    ),
    Feature(
        "spam_marks_lifetime",
        Measure("spam", How.COUNT),
        "engagement",
        "Marked as spam: the writing is unwelcome.",
        "messages marked as spam: {spam_marks_lifetime:.0f}",
    ),
    Feature(
        "unsubscribes_lifetime",
        Measure("unsubscribes", How.COUNT),
        "engagement",
        "Who unsubscribes has taken the first step.",
        "times unsubscribed: {unsubscribes_lifetime:.0f}",
    ),
)
