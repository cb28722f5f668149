"""The catalogue of features as a page of the manual, written from the declarations themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING

from retain.features.catalog import FAMILIES
from retain.features.spec import (
    CATEGORICAL,
    WITHOUT_VALUE,
    Attribute,
    Balance,
    Foremost,
    How,
    Measure,
    Ratio,
    Renewal,
)

if TYPE_CHECKING:
    from retain.features.spec import Formula, Remedy
    from retain.timeline import Lookback

_VALUES = {
    "gap": "gap in days",
    "hour_band": "four-hour band",
    "gross": "price before discount",
    "wait": "hours waited",
    "hours": "hours since the ticket's first event",
    "delay": "hours of delay",
    "price_step": "price less that of the contract before",
    "term": "term in months",
    "oldest": "age in days of the oldest open ticket",
}
_VIEWS = {
    "lines": "order lines",
    "first_responses": "first responses to tickets",
    "resolutions": "tickets resolved",
    "reopenings": "tickets reopened",
    "escalations": "tickets escalated",
    "breaches": "deadlines missed by support",
    "backlog": "steps in the history of tickets",
    "answers": "feedback answered",
    "opens": "messages opened",
    "clicks": "messages with a link followed",
    "bounces": "messages that came back",
    "deliveries": "messages delivered",
    "spam": "messages marked as spam",
    "unsubscribes": "messages unsubscribed through",
    "parcels": "deliveries",
    "payment_failures": "failed payments",
    "contract_ends": "contracts ended",
}
"""Views whose names do not say it."""
_SAID = {
    How.COUNT: "number of {events}",
    How.SUM: "sum of {value} over {events}",
    How.MEAN: "mean {value} over {events}",
    How.SD: "standard deviation of {value} over {events}",
    How.MIN: "smallest {value} over {events}",
    How.MAX: "largest {value} over {events}",
    How.MEDIAN: "median {value} over {events}",
    How.QUANTILE: "{quantile} quantile of {value} over {events}",
    How.FIRST: "{value} of the first of {events}",
    How.LAST: "{value} of the last of {events}",
    How.DISTINCT: "number of different values of {value} in {events}",
    How.ENTROPY: "entropy of {value} over {events}",
    How.TOP_SHARE: "share of the most frequent {value} in {events}",
    How.LAST: "{value} of the last of {events}",
    How.SINCE_LAST: "days from the last of {events} to the cutoff",
    How.SINCE_FIRST: "days from the first of {events} to the cutoff",
}


def feature_tables() -> str:
    """Every feature of every family, as Markdown."""
    parts = []
    for family, features in FAMILIES.items():
        rows = [
            f"| `{one.name}` | {one.topic} | {in_words(one.formula)} | {one.why} | {one.phrase} |"
            for one in features
        ]
        head = f"### {family}\n\n| feature | topic | formula | why | phrase |\n|---|---|---|---|---|\n"
        parts.append(head + "\n".join(rows) + "\n")
    return "\n".join(parts)


def aggregations() -> str:
    """Every way to turn events into a number, as Markdown."""
    rows = []
    for how in How:
        reads = "a category" if how in CATEGORICAL else "no value" if how in WITHOUT_VALUE else "a number"
        reads = "nothing, or any value" if how is How.COUNT else reads
        gives = _SAID[how].format(events="the events", value="`value`", quantile="the")
        rows.append(f"| `{how}` | {reads} | {gives} |")
    return "\n".join(["| `how` | `value` | gives |", "|---|---|---|", *rows]) + "\n"


def remedy_table() -> str:
    """Every feature that the company can act on, and what would change, as Markdown."""
    rows = [
        f"| `{one.name}` | `{one.remedy.lever}` | {_better(one.remedy)} |"
        for features in FAMILIES.values()
        for one in features
        if one.remedy
    ]
    return "\n".join(["| feature | lever | would be |", "|---|---|---|", *rows]) + "\n"


def _better(remedy: Remedy) -> str:
    """The change as a person would read it out."""
    if remedy.never:
        return "not known: it never happened"
    if remedy.times is not None:
        return f"{remedy.times:g} times as many"
    return f"at most {remedy.at_most:g}" if remedy.at_most is not None else f"at least {remedy.at_least:g}"


def in_words(formula: Formula) -> str:
    """A formula as a person would read it out.

    >>> in_words(Measure("orders", How.COUNT))
    'number of orders'
    """
    if isinstance(formula, Measure):
        return _measure(formula)
    if isinstance(formula, Attribute):
        return f"the customer's {formula.column}"
    if isinstance(formula, Ratio):
        return f"({_measure(formula.top)}) / ({_measure(formula.bottom)})"
    if isinstance(formula, Balance):
        return " + ".join(map(_measure, formula.added)) + "".join(
            f" - {_measure(one)}" for one in formula.removed
        )
    if isinstance(formula, Foremost | Renewal):
        return _foremost(formula) if isinstance(formula, Foremost) else _renewal(formula)
    return f"(a - b) / (a + b), a = {_measure(formula.recent)}, b = {_measure(formula.before)}"


def _renewal(formula: Renewal) -> str:
    return f"a - b mod a: a = {_measure(formula.term)}, b = {_measure(formula.age)}"


def _foremost(formula: Foremost) -> str:
    """The first word's share stands for all: the others differ in the word only."""
    first, *_ = formula.candidates
    words = ", ".join(one.word for one in formula.candidates)
    answered = " or ".join(map(_measure, first.answered))
    return (
        f"that of {words} with the largest share, such as ({answered}, whichever is more) / ({_measure(first.asked)}); "
        f"each with {formula.least} or more and a share above 0"
    )


def _measure(one: Measure) -> str:
    events = _VIEWS.get(one.view, one.view) + (f" of which {one.where} is true" if one.where else "")
    value = _VALUES.get(one.value or "", one.value or "")
    return _SAID[one.how].format(events=events, value=value, quantile=one.quantile) + _window(one.within)


def _window(within: Lookback) -> str:
    if within.days is None:
        return ""
    if within.until_days:
        return f", from {within.days} to {within.until_days} days before the cutoff"
    return f", last {within.days} days"
