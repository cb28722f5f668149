"""The data contract: which tables there are, and what each column means."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


class Kind(StrEnum):
    """What a column holds, and so how it is read and stored."""

    KEY = "key"
    """An identifier: always text, however it looks."""
    TIME = "time"
    """An instant."""
    DATE = "date"
    """A calendar day without a time zone, such as a birthday."""
    MONEY = "money"
    """An amount, held exactly as whole minor units."""
    NUMBER = "number"
    """Any other number."""
    TEXT = "text"
    """Words or a category."""
    FLAG = "flag"
    """Yes or no."""


@dataclass(frozen=True)
class Field:
    """One column of the contract.

    Attributes:
        name: ours; a source config maps the owner's to it.
        kind: what it holds.
        required: the table is of no use without it, and a row with a null here is a bad row.
        allowed: the only values a text may have; empty is any.
        unique: a value may occur once in the table.
        minimum: the smallest number that makes sense.
        planned: a time that may lie in the future.
        about: one sentence for the manual.
    """

    name: str
    kind: Kind
    about: str
    required: bool = False
    allowed: tuple[str, ...] = ()
    unique: bool = False
    minimum: float | None = None
    planned: bool = False


@dataclass(frozen=True)
class Schema:
    """One table of the contract.

    Attributes:
        name: the table.
        fields: its columns, customer first.
        time: the column that says when it happened; None for a table without a time.
        identity: columns that together name a row; a second row with the same values is a duplicate. Empty: no check.
        about: one sentence for the manual.
    """

    name: str
    about: str
    fields: tuple[Field, ...]
    time: str | None
    identity: tuple[str, ...] = ()

    def __getitem__(self, name: str) -> Field:
        """The column of that name."""
        return self.by_name[name]

    @property
    def by_name(self) -> Mapping[str, Field]:
        """The columns by their names."""
        return {one.name: one for one in self.fields}

    @property
    def required(self) -> tuple[str, ...]:
        """The columns that a source has to have."""
        return tuple(one.name for one in self.fields if one.required)


def _customer(*, required: bool = True, unique: bool = False) -> Field:
    return Field("customer_id", Kind.KEY, "Who.", required=required, unique=unique)


def _time(name: str, about: str, *, required: bool = False) -> Field:
    return Field(name, Kind.TIME, about, required=required)


_RECORDED = _time("recorded_at", "When the row entered the system; it is known only from then on.")
_CHANNEL = Field("channel", Kind.TEXT, "Where: shop, web, phone, e-mail, SMS.")

_ALL = (
    Schema(
        "customers",
        "One row a customer: who they are and how they may be reached.",
        (
            _customer(unique=True),
            _time("joined_at", "When the relationship began."),
            Field("birth_date", Kind.DATE, "Birthday."),
            Field("country", Kind.TEXT, "Country."),
            Field("language", Kind.TEXT, "Language to write in, such as 'en' or 'zh-Hant'."),
            Field("preferred_channel", Kind.TEXT, "The channel the customer asked for."),
            Field("consent_email", Kind.FLAG, "May be written to by e-mail."),
            Field("consent_sms", Kind.FLAG, "May be sent an SMS."),
            Field("consent_phone", Kind.FLAG, "May be called."),
            Field("consent_post", Kind.FLAG, "May be sent a letter or parcel."),
            Field("do_not_contact", Kind.FLAG, "Must not be contacted at all."),
            Field("loyalty_tier", Kind.TEXT, "Level in the loyalty programme."),
            Field("points_balance", Kind.NUMBER, "Points not yet redeemed."),
            Field("label", Kind.FLAG, "A given churn label."),
            _time("label_at", "When the given label was observed."),
        ),
        time=None,
        identity=("customer_id",),
    ),
    Schema(
        "orders",
        "Orders or order lines, and returns.",
        (
            _customer(),
            _time("ordered_at", "When it was ordered or returned.", required=True),
            Field("amount", Kind.MONEY, "What the row came to; a return's is negative or marked by kind."),
            Field("order_id", Kind.KEY, "Rows with the same one are lines of one order."),
            Field("line_id", Kind.KEY, "Names the line within its order."),
            Field("product_id", Kind.KEY, "What was bought."),
            Field("category", Kind.TEXT, "The product's category."),
            Field("quantity", Kind.NUMBER, "How many."),
            Field("discount", Kind.MONEY, "What was taken off the price.", minimum=0),
            Field(
                "kind",
                Kind.TEXT,
                "sale or return; without it every row is a sale.",
                allowed=("sale", "return"),
            ),
            Field("margin", Kind.MONEY, "Profit on the row."),
            _CHANNEL,
            Field("store_id", Kind.KEY, "Which shop."),
            _time("promised_at", "When delivery was promised for."),
            _time("delivered_at", "When it was delivered; unknown before that."),
            _time("payment_failed_at", "When a payment failed."),
            _RECORDED,
        ),
        time="ordered_at",
        identity=("order_id", "line_id"),
    ),
    Schema(
        "feedback",
        "Reviews, surveys and comments.",
        (
            _customer(),
            _time("given_at", "When it was given.", required=True),
            Field("text", Kind.TEXT, "What the customer wrote."),
            Field("language", Kind.TEXT, "Its language, if the source says so."),
            Field("rating", Kind.NUMBER, "Stars or points."),
            Field("rating_max", Kind.NUMBER, "The best possible rating.", minimum=1),
            Field("nps", Kind.NUMBER, "Answer to 'would you recommend us', 0 to 10.", minimum=0),
            Field("csat", Kind.NUMBER, "Satisfaction, 1 to 5.", minimum=1),
            _CHANNEL,
            _time("answered_at", "When the company answered."),
            _RECORDED,
        ),
        time="given_at",
    ),
    Schema(
        "tickets",
        "Support tickets as they were opened.",
        (
            Field("ticket_id", Kind.KEY, "Names the ticket.", required=True, unique=True),
            _customer(),
            _time("opened_at", "When it was opened.", required=True),
            _time("first_response_at", "When somebody first answered."),
            _time("resolved_at", "When it was resolved; unknown before that."),
            _time("closed_at", "When it was closed; unknown before that."),
            _CHANNEL,
            Field("category", Kind.TEXT, "What it is about."),
            Field("priority", Kind.TEXT, "How urgent it was when opened."),
            Field("text", Kind.TEXT, "What the customer wrote."),
            _RECORDED,
        ),
        time="opened_at",
        identity=("ticket_id",),
    ),
    Schema(
        "ticket_events",
        "What happened to a ticket, step by step: its true history.",
        (
            Field("ticket_id", Kind.KEY, "Which ticket.", required=True),
            _time("happened_at", "When.", required=True),
            _customer(required=False),
            Field("state", Kind.TEXT, "The state from then on."),
            Field("priority", Kind.TEXT, "The priority from then on."),
            Field("assigned_to", Kind.KEY, "Who has it from then on."),
            Field("reopened", Kind.FLAG, "It was opened again."),
            Field("breached_sla", Kind.FLAG, "An agreed deadline was missed."),
        ),
        time="happened_at",
    ),
    Schema(
        "messages",
        "Messages sent to customers and what became of them.",
        (
            _customer(),
            _time("sent_at", "When it was sent.", required=True),
            _CHANNEL,
            Field("campaign_id", Kind.KEY, "Which campaign."),
            _time("delivered_at", "When it arrived."),
            _time("opened_at", "When it was opened."),
            _time("clicked_at", "When a link in it was followed."),
            _time("bounced_at", "When it came back."),
            _time("spam_at", "When it was marked as spam."),
            _time("unsubscribed_at", "When the customer unsubscribed through it."),
        ),
        time="sent_at",
    ),
    Schema(
        "contracts",
        "Contracts or subscriptions.",
        (
            _customer(),
            _time("started_at", "When it began.", required=True),
            _time("ended_at", "When it ended; unknown before that."),
            Field("plan", Kind.TEXT, "Which plan."),
            Field("monthly_price", Kind.MONEY, "Price a month.", minimum=0),
            Field(
                "term_months",
                Kind.NUMBER,
                "Months from one renewal to the next, as agreed at the start.",
                minimum=0,
            ),
            _RECORDED,
        ),
        time="started_at",
    ),
    Schema(
        "treatments",
        "Earlier retention campaigns: who was treated, who was held out, what it cost.",
        (
            _customer(),
            Field("action_id", Kind.KEY, "Which action.", required=True),
            _time("assigned_at", "When it was decided.", required=True),
            Field("arm", Kind.TEXT, "treated or control.", required=True, allowed=("treated", "control")),
            Field("campaign_id", Kind.KEY, "Which campaign."),
            _time("contacted_at", "When the customer was reached."),
            Field("propensity", Kind.NUMBER, "Probability of having been treated.", minimum=0),
            Field("cost", Kind.MONEY, "What it cost.", minimum=0),
            _time("outcome_at", "When the outcome was known."),
            Field("outcome", Kind.TEXT, "What came of it."),
        ),
        time="assigned_at",
    ),
)

SCHEMAS: Mapping[str, Schema] = MappingProxyType({one.name: one for one in _ALL})
"""Every table of the contract by its name."""
