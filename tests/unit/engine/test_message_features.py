"""What became of messages, worked out by hand and asked of every engine: the channel that is answered best, and rates."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from retain.engine import ENGINES
from retain.engine.panel import Snapshots
from retain.features.catalog import EVERY
from retain.features.columns import CHANNELS
from retain.features.spec import FeatureSet, Foremost
from retain.timeline import DAY, instant

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from retain.events.store import EventStore

    Build = Callable[..., EventStore]
    Row = dict[str, object]

SENT = instant("2024-01-01")
CUTOFF = "2024-03-01"
TIMES = ("delivered_at", "opened_at", "clicked_at", "bounced_at", "spam_at", "unsubscribed_at")


def sent(channel: str | None, *became: str, times: int = 1, day: int = 0) -> list[Row]:
    """So many messages through a channel, of which all that is named happened a day later."""
    moment = SENT + day * DAY
    fates = {name: moment + DAY if name.removesuffix("_at") in became else None for name in TIMES}
    return [{"customer_id": "a", "sent_at": moment, "channel": channel, **fates}] * times


def value(build: Build, engine: str, name: str, rows: Sequence[Row], cutoff: str = CUTOFF) -> float:
    """One feature of the customer."""
    data = build([], others={"messages": list(rows)})
    asked = Snapshots(np.zeros(1, dtype=np.int64), np.array([instant(cutoff)]))
    return float(ENGINES.get(engine)(data, FeatureSet((EVERY.by_name[name],)), asked).values[0, 0])


def best(build: Build, engine: str, rows: Sequence[Row], cutoff: str = CUTOFF) -> str | None:
    """The channel that is answered best."""
    place = value(build, engine, "best_channel_365d", rows, cutoff)
    return None if np.isnan(place) else CHANNELS[int(place) - 1]


@pytest.mark.parametrize("engine", ENGINES.names())
@pytest.mark.parametrize(
    ("rows", "wanted"),
    [
        # Two of three against three of five.
        ([sent("sms", "opened", times=2), sent("sms"), sent("email", "opened", times=3), sent("email", times=2)], "sms"),
        # However the word is spelt, it is one channel.
        ([sent("E-Mail", "opened"), sent("e_mail"), sent("EMAIL")], "email"),
        # Of equal shares the one that is named first.
        ([sent("post", "opened", times=3), sent("phone", "opened", times=3)], "phone"),
        # A link that was followed is an answer where nobody tells of opens.
        ([sent("sms", "clicked", times=3), sent("email", "opened", times=2), sent("email")], "sms"),
        # Two messages are too few to tell, and a channel without a known answer is not compared: unknown is not zero.
        ([sent("sms", "opened", times=2), sent("email", times=9)], None),
        # Other channels, and messages without one, are not told apart.
        ([sent("carrier pigeon", "opened", times=5), sent(None, "opened", times=5)], None),
        ([], None),
    ],
)  # fmt: skip
def test_the_channel_that_is_answered_best(
    orders_store: Build, engine: str, rows: list[list[Row]], wanted: str | None
) -> None:
    """By the share of messages that were opened or clicked; of those since long before the cutoff none counts."""
    long_ago = sent("app", "opened", times=9, day=-400)
    assert best(orders_store, engine, [*long_ago, *(one for some in rows for one in some)]) == wanted


@pytest.mark.parametrize("engine", ENGINES.names())
def test_an_answer_after_the_cutoff_is_not_known(orders_store: Build, engine: str) -> None:
    """Sent on the first of January, opened on the second."""
    rows = sent("email", "opened", times=3)
    assert best(orders_store, engine, rows, "2024-01-02") is None
    assert best(orders_store, engine, rows, "2024-01-03") == "email"


@pytest.mark.parametrize("engine", ENGINES.names())
@pytest.mark.parametrize(
    ("name", "fate"),
    [
        ("delivery_rate_365d", "delivered"),
        ("bounce_rate_365d", "bounced"),
        ("spam_rate_365d", "spam"),
        ("unsubscribe_rate_365d", "unsubscribed"),
    ],
)
def test_a_rate_over_nothing_sent_is_not_known(
    orders_store: Build, engine: str, name: str, fate: str
) -> None:
    """Of four messages one is a quarter, and none of four is none."""
    rows = [*sent("email", fate), *sent("sms", times=3)]
    assert value(orders_store, engine, name, rows) == 0.25
    assert value(orders_store, engine, name, rows[1:]) == 0
    assert np.isnan(value(orders_store, engine, name, rows, "2024-01-01"))


def test_a_comparison_of_nothing_is_refused() -> None:
    """Neither of no words nor of shares of nothing."""
    formula = EVERY.by_name["best_channel_365d"].formula
    assert isinstance(formula, Foremost)
    for candidates, least in (((), 3), (formula.candidates, 0)):
        with pytest.raises(ValueError, match="are asked at least"):
            Foremost(candidates, least)
