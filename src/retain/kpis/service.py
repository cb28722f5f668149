"""KPIs of what customers say and how they are answered: feedback, tickets, messages."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from retain.evaluation.wilson import wilson
from retain.events.store import MISSING
from retain.kpis.kpi import DEFINITIONS, SPOKEN_OF
from retain.timeline import DAY, HOUR, SECOND

if TYPE_CHECKING:
    import numpy.typing as npt

    from retain.events.store import EventTable, IntArray
    from retain.kpis.kpi import Kpi

    BoolArray = npt.NDArray[np.bool_]

_NEGATIVE = -0.25
_NO_TICKET = "no ticket of the period allows it"
_NOTHING_SENT = "no message was sent in the period"


def feedback_kpis(table: EventTable, end: int) -> dict[str, Kpi]:
    """The KPIs of feedback.

    Args:
        table: the feedback of the period.
        end: an answer from this instant on is not known yet.
    """
    define = DEFINITIONS
    found = {}
    for name in ("nps", "csat"):
        if name not in table.columns:
            found[name] = define[name].unknown(f"feedback has no column {name}")
            continue
        answers = table.columns[name].values.astype(np.float64)
        answers = answers[~np.isnan(answers)]
        if name == "nps":
            found[name] = _nps(answers)
        else:
            found[name] = define[name].share(
                int((answers >= 4).sum()), len(answers), "nobody answered in the period"
            )
    found |= _tone(table)
    one = define["answered_feedback_rate"]
    answered = _instants(table, "answered_at")
    if answered is None:
        found[one.name] = one.unknown("feedback has no column answered_at")
    else:
        found[one.name] = one.share(
            int(_happened(answered, end).sum()), len(table), "no feedback came in the period"
        )
    return found


def _tone(table: EventTable) -> dict[str, Kpi]:
    """How customers sound, on the whole and about single things."""
    define = DEFINITIONS
    names = ("sentiment", *(f"sentiment_{one}" for one in SPOKEN_OF))
    if "sentiment" not in table.columns:
        why = "feedback has no column text"
        return {name: define[name].unknown(why) for name in ("negative_feedback", *names)}
    tones = {name: table.columns[name].values.astype(np.float64) for name in names}
    said = {name: tone[~np.isnan(tone)] for name, tone in tones.items()}
    tone = said["sentiment"]
    return {
        "negative_feedback": define["negative_feedback"].share(
            int((tone <= _NEGATIVE).sum()), len(tone), "nobody wrote anything in the period"
        ),
        **{name: define[name].mean(one, "fewer than two texts in the period") for name, one in said.items()},
    }


def _nps(answers: npt.NDArray[np.float64]) -> Kpi:
    """The net promoter score; its interval joins the Wilson limits of the two shares, which depend on each other.

    Source: Zou, Donner 2008, Statistics in Medicine 27:1693-1702.
    """
    one, n = DEFINITIONS["nps"], len(answers)
    if not n:
        return one.unknown("nobody answered in the period")
    promoters, detractors = int((answers >= 9).sum()), int((answers <= 6).sum())
    for_us, against = promoters / n, detractors / n
    low_for, high_for = wilson(promoters, n)
    low_against, high_against = wilson(detractors, n)
    spread = for_us * against * (1 - for_us) * (1 - against)
    # Who promotes does not detract: the two shares are correlated by -sqrt(ab / ((1 - a)(1 - b))).
    tie = -for_us * against / math.sqrt(spread) if spread else 0.0
    below = _joined(for_us - low_for, high_against - against, tie)
    above = _joined(high_for - for_us, against - low_against, tie)
    score = for_us - against
    return one.between(100 * score, 100 * max(-1.0, score - below), 100 * min(1.0, score + above), n)


def _joined(one: float, other: float, tie: float) -> float:
    return math.sqrt(one * one + other * other - 2 * tie * one * other)


def ticket_kpis(table: EventTable, start: int, end: int) -> dict[str, Kpi]:
    """The KPIs of tickets.

    Args:
        table: tickets opened before the end, however early: they may be answered in the period.
        start: first instant of the period.
        end: the first instant after it.
    """
    define = DEFINITIONS
    replied = _instants(table, "first_response_at")
    if replied is None:
        missing = "tickets have no column first_response_at"
        found = {name: define[name].unknown(missing) for name in ("reply_within_1h", "first_response")}
    else:
        # Whoever wrote less than an hour before the end may still be answered in time.
        due = (table.time >= start) & (table.time <= end - HOUR)
        prompt = due & _happened(replied, end) & (replied - table.time <= HOUR)
        found = {
            "reply_within_1h": define["reply_within_1h"].share(int(prompt.sum()), int(due.sum()), _NO_TICKET),
            "first_response": define["first_response"].median(
                _took(table, replied, start, end) / (60 * SECOND), _NO_TICKET
            ),
        }
    resolved = _instants(table, "resolved_at")
    if resolved is None:
        found["resolution"] = define["resolution"].unknown("tickets have no column resolved_at")
    else:
        found["resolution"] = define["resolution"].median(
            _took(table, resolved, start, end) / HOUR, _NO_TICKET
        )
    return found


def _took(table: EventTable, until: IntArray, start: int, end: int) -> npt.NDArray[np.float64]:
    """How long each step took that was completed in the period, in microseconds."""
    inside = (until >= start) & (until < end)
    took: npt.NDArray[np.float64] = (until - table.time)[inside].astype(np.float64)
    return took


def ticket_event_kpis(table: EventTable) -> dict[str, Kpi]:
    """The KPIs of ticket histories.

    Args:
        table: what happened to tickets in the period.
    """
    one = DEFINITIONS["reopen_rate"]
    if "reopened" not in table.columns:
        return {one.name: one.unknown("ticket_events have no column reopened")}
    ticket, again = table.columns["ticket_id"].values, table.columns["reopened"].values == 1
    return {one.name: one.share(len(np.unique(ticket[again])), len(np.unique(ticket)), _NO_TICKET)}


def message_kpis(table: EventTable, start: int, end: int) -> dict[str, Kpi]:
    """The KPIs of messages.

    A channel on which no delivery, opening or click was ever seen does not report them; its messages are left out
    of that rate, and if no channel reports them the rate is not known.

    Args:
        table: messages sent before the end.
        start: first instant of the period.
        end: the first instant after it.
    """
    define = DEFINITIONS
    sent = table.time >= start
    delivered = _happening(table, "delivered_at", end)
    found = {
        "delivered_rate": _rate("delivered_rate", table, "delivered_at", end, sent),
        "click_rate": _rate("click_rate", table, "clicked_at", end, sent),
    }
    if delivered is None:
        found["open_rate"] = define["open_rate"].unknown("messages have no column delivered_at")
    else:
        found["open_rate"] = _rate("open_rate", table, "opened_at", end, sent & delivered)
    for name, column in (("spam_rate", "spam_at"), ("bounce_rate", "bounced_at")):
        happened = _happening(table, column, end)
        found[name] = (
            define[name].unknown(f"messages have no column {column}")
            if happened is None
            else define[name].share(int((sent & happened).sum()), int(sent.sum()), _NOTHING_SENT)
        )
    gone = _happening(table, "unsubscribed_at", end)
    total, reached = int(sent.sum()), len(np.unique(table.customer[sent]))
    found["opt_outs"] = (
        define["opt_outs"].unknown("messages have no column unsubscribed_at")
        if gone is None
        else define["opt_outs"].divided(1000 * int((sent & gone).sum()), total, total, _NOTHING_SENT)
    )
    months = (end - start) / (30 * DAY)
    found["contact_pressure"] = define["contact_pressure"].divided(
        total, reached * months, reached, _NOTHING_SENT
    )
    return found


def _rate(name: str, table: EventTable, column: str, end: int, of: BoolArray) -> Kpi:
    """The share of these messages to which it happened, where the channel reports it."""
    one, happened = DEFINITIONS[name], _happening(table, column, end)
    if happened is None:
        return one.unknown(f"messages have no column {column}")
    if not happened.any():
        return one.unknown(f"{column} was never recorded on any message")
    counted = of
    if "channel" in table.columns:
        channel = table.columns["channel"].values
        counted = of & np.isin(channel, np.unique(channel[happened]))
    return one.share(int((counted & happened).sum()), int(counted.sum()), _NOTHING_SENT)


def _happening(table: EventTable, column: str, end: int) -> BoolArray | None:
    """Which messages it happened to before the end; None without the column."""
    instants = _instants(table, column)
    return None if instants is None else _happened(instants, end)


def _instants(table: EventTable, column: str) -> IntArray | None:
    return table.columns[column].values.astype(np.int64) if column in table.columns else None


def _happened(instants: IntArray, end: int) -> BoolArray:
    happened: BoolArray = (instants != MISSING) & (instants < end)
    return happened
