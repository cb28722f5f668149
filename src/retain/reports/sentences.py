"""What the figures say, in whole sentences."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from retain.reports import wording
from retain.reports.charts import found_at
from retain.reports.wording import UNKNOWN, count, day, decimals, listed, percent

if TYPE_CHECKING:
    from retain.reports.content import ChurnDefinition, Contender, Number, Quality, ReportContent

_WHO = {
    "inactivity": "active customers",
    "contract": "customers with a running contract",
    "given": "customers",
}
_RISK = {"inactivity": "not ordering", "contract": "ending their contract", "given": "leaving"}
_FATE = {"inactivity": "not order", "contract": "end their contract", "given": "leave"}
_CHURN = {
    "inactivity": "A customer has churned who places no order",
    "contract": "A customer has churned whose contract ends",
    "given": "A customer has churned whom the data label so",
}


def window(churn: ChurnDefinition, cutoff: str) -> str:
    """The label window of a cutoff, as the end of a sentence; nothing where labels are given, for they have none."""
    if churn.kind == "given":
        return ""
    days = f"{count(churn.horizon_days)} days"
    if churn.lead_days:
        return f"in the {days} that begin {count(churn.lead_days)} days after {day(cutoff)}"
    return f"in the {days} from {day(cutoff)}"


def definition(churn: ChurnDefinition) -> str:
    """What counts as churn, and who is scored."""
    if churn.kind == "given":
        return f"{_CHURN[churn.kind]}. Scored are all customers of that table, with a label or without."
    start = (
        f", beginning {count(churn.lead_days)} days after the cutoff"
        if churn.lead_days
        else " after the cutoff"
    )
    said = f"{_CHURN[churn.kind]} in the {count(churn.horizon_days)} days{start}."
    if churn.active_days is not None:
        said += f" Scored are those with an order in the {count(churn.active_days)} days before it."
    return said


def lead(content: ReportContent) -> str:
    """The whole run in two or three sentences."""
    head, kind = content.headline, content.churn.kind
    if not head.scored:
        return "No customer could be scored. The account of the data below says why."
    who = f"Of {count(head.scored)} {_WHO[kind]}, "
    when = window(content.churn, content.as_of)
    if not head.at_risk:
        return f"{who}none is {at_risk(content)} of {_RISK[kind]} {when}".rstrip() + "."
    verb = "is" if head.at_risk == 1 else "are"
    said = f"{who}{count(head.at_risk)} {verb} {at_risk(content)} of {_RISK[kind]} {when}".rstrip() + "."
    expected = expected_churners(content, head.at_risk_tiers)
    if expected is not None:
        said += f" If the probabilities hold, about {count(expected)} of them will {_FATE[kind]}."
    return said


def at_risk(content: ReportContent) -> str:
    """What those counted as at risk are, such as "at critical or high risk"."""
    return " ".join(["at", *filter(None, [listed(content.headline.at_risk_tiers, "or")]), "risk"])


def expected_churners(content: ReportContent, names: tuple[str, ...] | None = None) -> float | None:
    """The churners expected in the tiers of those names, or in all of them."""
    parts = [tier.expected_churners for tier in content.tiers if names is None or tier.name in names]
    known = [part for part in parts if part is not None and math.isfinite(part)]
    return math.fsum(known) if known and len(known) == len(parts) else None


def at_a_glance(content: ReportContent) -> str:
    """The line that stays in sight."""
    head = content.headline
    if not head.scored:
        return "No customer scored"
    said = f"{count(head.at_risk)} of {count(head.scored)} at risk"
    amount = wording.money(head.value_at_risk, content.currency)
    return said if amount == UNKNOWN else f"{said} \N{MIDDLE DOT} {amount}"


def gain(quality: Quality) -> str:
    """What the gain curve means for whoever makes the calls."""
    ours = next((one for one in quality.contenders if one.ours and one.gain), None)
    if ours is None:
        return ""
    return (
        "Contacting the fifth of the customers with the highest risk "
        f"reaches {percent(found_at(ours.gain, 0.2), 0)} of those who leave; a fifth drawn by lot reaches 20%."
    )


def reliability(quality: Quality) -> str:
    """How far probabilities and outcomes lie apart, on average and at worst."""
    bins = [one for one in quality.reliability if one.customers]
    if not bins:
        return ""
    total = sum(one.customers for one in bins)
    apart = math.fsum(abs(one.observed - one.predicted) * one.customers for one in bins) / total
    worst = max(bins, key=lambda one: abs(one.observed - one.predicted))
    return (
        f"Where the model said {percent(worst.predicted, 0)}, {percent(worst.observed, 0)} left: that is the widest miss. "
        f"On average the two lie {decimals(100 * apart, 1)} percentage points apart. On the diagonal they would be equal."
    )


def deciles(quality: Quality) -> str:
    """The highest tenth against the lowest."""
    rows = sorted(quality.deciles, key=lambda one: one.decile)
    if len(rows) < 2:
        return ""
    return (
        f"In the tenth ranked highest {percent(rows[0].rate, 0)} left, in the lowest {percent(rows[-1].rate, 0)}. "
        "A useful ranking falls from left to right."
    )


def against_baselines(quality: Quality) -> str:
    """Whether the model ranks better than by lot and better than the others, and how surely."""
    ours = next((one for one in quality.contenders if one.ours), None)
    if ours is None:
        return ""
    low = _finite(ours.auroc.low)
    if low is not None and low <= 0.5:
        return (
            "The interval of its AUROC holds one half: the order in which it puts customers may be nothing but chance, "
            "and nobody should be contacted because of it."
        )
    said = [_against(other) for other in quality.contenders if not other.ours]
    return " ".join(one for one in said if one)


def _against(other: Contender) -> str:
    """What the paired difference says: what both find hard cancels, so overlapping intervals would say less."""
    low = None if other.behind is None else _finite(other.behind.low)
    high = None if other.behind is None else _finite(other.behind.high)
    if low is None or high is None:
        return f"How it compares with {other.name} is {UNKNOWN}."
    if low <= 0 <= high:
        return f"Chance may explain how far it is from {other.name} on the same customers."
    near, far = sorted((abs(low), abs(high)))
    word = "better" if low > 0 else "worse"
    return f"It ranks the same customers {word} than {other.name}, by {decimals(near)} to {decimals(far)} of AUROC."


def money(quality: Quality) -> str:
    """What ordering by money instead of by risk reaches."""
    ours = next((one for one in quality.money if one.ours), None)
    other = next((one for one in quality.money if not one.ours), None)
    if ours is None or other is None:
        return ""
    return (
        f"Of all the value that left, the fifth listed first by {ours.name} held {percent(found_at(ours.gain, 0.2), 0)}, the "
        f"fifth listed first by {other.name} {percent(found_at(other.gain, 0.2), 0)}."
    )


def segments(quality: Quality) -> str:
    """In which parts the probabilities miss by plainly more, or plainly less, than among all customers."""
    level = _finite(quality.level)
    if level is None or not quality.segments:
        return ""
    more = [one for one in quality.segments if (_finite(one.level.low) or 0.0) > level]
    fewer = [one for one in quality.segments if (_finite(one.level.high) or math.inf) < level]
    said = f"Among all customers {decimals(level, 2)} left for each one forecast. "
    if not more and not fewer:
        return f"{said}In no part is it plainly otherwise."
    parts = [
        f"plainly {word} in {listed(tuple(f'{one.kind}: {one.name}' for one in those))}"
        for word, those in (("more", more), ("fewer", fewer))
        if those
    ]
    return f"{said}It was {'; '.join(parts)}."


def _finite(value: Number) -> float | None:
    return value if value is not None and math.isfinite(value) else None
