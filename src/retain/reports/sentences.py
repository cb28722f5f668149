"""What the figures say, in whole sentences."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from retain.reports.charts import found_at
from retain.reports.wording import UNKNOWN, count, day, decimals, listed, money, percent

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
    amount = money(head.value_at_risk, content.currency)
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
    """Whether the model beats the baselines, and how surely."""
    ours = next((one for one in quality.contenders if one.ours), None)
    if ours is None:
        return ""
    said = [_against(ours, other) for other in quality.contenders if not other.ours]
    return " ".join(one for one in said if one)


def _against(ours: Contender, other: Contender) -> str:
    mine, theirs = _finite(ours.auroc.value), _finite(other.auroc.value)
    if mine is None or theirs is None:
        return f"How it compares with {other.name} is {UNKNOWN}."
    low, high = _finite(ours.auroc.low), _finite(other.auroc.high)
    if mine <= theirs:
        return f"It ranks customers no better than {other.name}."
    if low is None or high is None:
        return f"It ranks customers better than {other.name}, with intervals that are not known."
    if low > high:
        return f"It ranks customers better than {other.name}, by more than the intervals allow for."
    return f"It ranks customers better than {other.name}, but the intervals overlap."


def _finite(value: Number) -> float | None:
    return value if value is not None and math.isfinite(value) else None
