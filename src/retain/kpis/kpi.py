"""One figure about the customer base, and the catalogue of all of them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from retain.evaluation.wilson import wilson

if TYPE_CHECKING:
    import numpy.typing as npt


@dataclass(frozen=True)
class Kpi:
    """One figure about the customer base in one period.

    Attributes:
        name: what it is called.
        value: the figure; None where it is not known, which is never the same as 0.
        unit: share, money, days, minutes, hours, count, ratio or points.
        low: lower end of its 95 % interval, where it has one.
        high: upper end.
        n: how many cases it rests on.
        formula: how it is computed.
        note: what a reader must know, such as why it is not known.
    """

    name: str
    value: float | None
    unit: str
    low: float | None
    high: float | None
    n: int
    formula: str
    note: str = ""

    def __post_init__(self) -> None:
        """Refuse a figure that JSON cannot write and an unknown one that does not say why."""
        for one in (self.value, self.low, self.high):
            if one is not None and not math.isfinite(one):
                raise ValueError(f"KPI {self.name} holds {one}; what is not known is None")
        if self.value is None and not self.note:
            raise ValueError(f"KPI {self.name} is unknown and does not say why")


@dataclass(frozen=True)
class Definition:
    """What a KPI means, whether or not the data allow it.

    Attributes:
        name: what it is called.
        table: the table it is drawn from.
        unit: as of the KPI.
        formula: as of the KPI.
    """

    name: str
    table: str
    unit: str
    formula: str

    def of(self, value: float, n: int, note: str = "") -> Kpi:
        """The KPI with its value."""
        return Kpi(self.name, float(value), self.unit, None, None, n, self.formula, note)

    def between(self, value: float, low: float, high: float, n: int) -> Kpi:
        """The KPI with its value and interval."""
        return Kpi(self.name, value, self.unit, low, high, n, self.formula)

    def unknown(self, note: str) -> Kpi:
        """The KPI without a value, and why."""
        return Kpi(self.name, None, self.unit, None, None, 0, self.formula, note)

    def share(self, hits: int, n: int, nobody: str) -> Kpi:
        """A share with its Wilson interval, or unknown if there is nothing to take a share of."""
        if not n:
            return self.unknown(nobody)
        return self.between(hits / n, *wilson(hits, n), n)

    def divided(self, top: float, bottom: float, n: int, nobody: str, note: str = "") -> Kpi:
        """A quotient, or unknown if there is nothing to divide by."""
        return self.of(top / bottom, n, note) if bottom else self.unknown(nobody)

    def mean(self, values: npt.NDArray[np.float64], nobody: str) -> Kpi:
        """A mean with its normal interval, or unknown without two values."""
        if len(values) < 2:
            return self.unknown(nobody)
        middle, reach = float(values.mean()), 1.96 * float(values.std(ddof=1)) / math.sqrt(len(values))
        return self.between(middle, middle - reach, middle + reach, len(values))

    def median(self, values: npt.NDArray[np.float64], nobody: str) -> Kpi:
        """A median, or unknown without any value."""
        return self.of(float(np.median(values)), len(values)) if len(values) else self.unknown(nobody)


SPOKEN_OF = ("delivery", "price", "quality", "service")
"""What texts are about that has a KPI of its own."""

_ALL = (
    Definition(
        "active_customers", "orders", "count", "S: customers with a sale in the active_days before the start"
    ),
    Definition("lost_customers", "orders", "count", "customers of S without a sale in the period"),
    Definition("new_customers", "orders", "count", "customers whose first sale is in the period"),
    Definition(
        "returning_customers", "orders", "count", "customers with a sale in the period and one before it"
    ),
    Definition("orders", "orders", "count", "sales in the period, lines of one order counted once"),
    Definition("revenue", "orders", "money", "amount of sales minus amount of returns in the period"),
    Definition("churn_rate", "orders", "share", "lost_customers / active_customers"),
    Definition(
        "revenue_churn",
        "orders",
        "share",
        "margin of the lost / margin of S, both in the active_days before the start",
    ),
    Definition(
        "crr_standard",
        "orders",
        "ratio",
        "(E - N) / S with E customers active at the end and N the new ones among them",
    ),
    Definition(
        "crr_returning", "orders", "share", "returning_customers / (returning_customers + new_customers)"
    ),
    Definition(
        "repeat_purchase_rate",
        "orders",
        "share",
        "customers with 2 or more orders / customers with 1 or more, in the period",
    ),
    Definition("purchase_frequency", "orders", "ratio", "orders / customers with an order, in the period"),
    Definition("aov", "orders", "money", "revenue / orders"),
    Definition(
        "inter_purchase_ratio",
        "orders",
        "ratio",
        "median over customers of days since the last order at the end / own median gap",
    ),
    Definition(
        "clv_historic",
        "orders",
        "money",
        "mean over customers of the margin of all their orders before the end",
    ),
    Definition(
        "clv_predicted",
        "orders",
        "money",
        "mean over customers of the sum over t of (E[X_t] - E[X_t-1]) E[M] margin / (1 + d)^t, BG/NBD and gamma-gamma",
    ),
    Definition(
        "contracted_customers", "contracts", "count", "C: customers with a running contract at the start"
    ),
    Definition(
        "contracted_customers_lost",
        "contracts",
        "count",
        "customers of C without a running contract at the end",
    ),
    Definition(
        "contracted_customers_new",
        "contracts",
        "count",
        "customers whose first contract begins in the period",
    ),
    Definition(
        "contract_churn_rate", "contracts", "share", "contracted_customers_lost / contracted_customers"
    ),
    Definition(
        "monthly_recurring_revenue", "contracts", "money", "sum of the monthly prices that run at the end"
    ),
    Definition(
        "gross_revenue_retention",
        "contracts",
        "share",
        "of each of C the lower of the monthly prices at the start and the end / monthly prices of C at the start",
    ),
    Definition(
        "net_revenue_retention",
        "contracts",
        "share",
        "monthly prices of C at the end / monthly prices of C at the start",
    ),
    Definition("return_rate", "orders", "ratio", "returns / orders, in the period"),
    Definition("promotion_share", "orders", "share", "orders with a discount / orders"),
    Definition("payment_failure_rate", "orders", "share", "orders with a failed payment / orders"),
    Definition(
        "on_time",
        "orders",
        "share",
        "delivered when promised / orders promised for the period; undelivered ones are late",
    ),
    Definition(
        "nps",
        "feedback",
        "points",
        "100 · (share of 9-10 - share of 0-6), interval by Wilson limits combined (Zou, Donner 2008)",
    ),
    Definition("csat", "feedback", "share", "answers of 4 or 5 / answers"),
    Definition(
        "answered_feedback_rate", "feedback", "share", "answered before the end / received in the period"
    ),
    Definition(
        "negative_feedback",
        "feedback",
        "share",
        "texts with a sentiment of -0.25 or less / texts with a sentiment, in the period",
    ),
    Definition("sentiment", "feedback", "ratio", "mean sentiment of texts of the period, from -1 to 1"),
    *(
        Definition(f"sentiment_{topic}", "feedback", "ratio", f"the same, of texts about {topic}")
        for topic in SPOKEN_OF
    ),
    Definition(
        "reply_within_1h",
        "tickets",
        "share",
        "first reply within 60 minutes / tickets opened in the period at least an hour before its end",
    ),
    Definition(
        "first_response",
        "tickets",
        "minutes",
        "median time from opening to the first reply, replies of the period",
    ),
    Definition(
        "resolution", "tickets", "hours", "median time from opening to resolution, resolutions of the period"
    ),
    Definition(
        "reopen_rate", "ticket_events", "share", "tickets opened again / tickets with an event, in the period"
    ),
    Definition("delivered_rate", "messages", "share", "delivered / sent"),
    Definition("open_rate", "messages", "share", "opened / delivered"),
    Definition("click_rate", "messages", "share", "clicked / sent"),
    Definition("spam_rate", "messages", "share", "marked as spam / sent"),
    Definition("bounce_rate", "messages", "share", "bounced / sent"),
    Definition("opt_outs", "messages", "ratio", "1,000 · unsubscribed / sent"),
    Definition("contact_pressure", "messages", "ratio", "messages per customer written to, per 30 days"),
)

DEFINITIONS = {one.name: one for one in _ALL}
"""Every KPI by its name, in the order they are shown."""
