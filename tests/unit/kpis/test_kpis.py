"""The customer base in figures, from small tables of events."""

from __future__ import annotations

import json
import math
from dataclasses import asdict
from typing import TYPE_CHECKING

import numpy as np
import pytest

from retain.errors import WindowError
from retain.evaluation.wilson import wilson
from retain.events.schemas import SCHEMAS, Kind
from retain.events.store import MISSING, Column, EventStore, EventTable
from retain.kpis import Kpi, kpi_history, kpis
from retain.kpis.kpi import DEFINITIONS
from retain.scoring.value import ValueSettings, learn_forecast, purchases
from retain.timeline import DAY, instant

if TYPE_CHECKING:
    from collections.abc import Mapping

START, END = instant("2024-03-01"), instant("2024-04-01")
VALUE = ValueSettings(horizon_days=60, margin_share=0.5)


def read(table: str, text: str) -> EventTable:
    """The table that the text shows: a header, then one row a line; a dot is a value that is not known."""
    header, *rows = [line.split() for line in text.strip().splitlines()]
    schema = SCHEMAS[table]
    raw = {name: [row[at] for row in rows] for at, name in enumerate(header)}
    # What is made of texts is no column of the contract; it is a number.
    kinds = {one.name: one.kind for one in schema.fields}
    columns = {name: _column(kinds.get(name, Kind.NUMBER), values) for name, values in raw.items()}
    time = columns.pop(str(schema.time)).values.astype(np.int64)
    known = np.maximum(time, columns["recorded_at"].values) if "recorded_at" in columns else time
    customer = np.array(
        [int(one.replace(".", "-1")) for one in raw.get("customer_id", ["."] * len(rows))], np.int64
    )
    columns.pop("customer_id", None)
    whole = EventTable(customer, time, known, columns)
    return whole.select(np.lexsort([time, customer]))


def _column(kind: Kind, values: list[str]) -> Column:
    if kind is Kind.TIME:
        return Column(np.array([MISSING if one == "." else instant(one) for one in values], np.int64))
    if kind is Kind.MONEY:
        return Column(np.array([MISSING if one == "." else int(one) for one in values], np.int64))
    if kind is Kind.NUMBER:
        return Column(np.array([math.nan if one == "." else float(one) for one in values]))
    if kind is Kind.FLAG:
        return Column(np.array([-1 if one == "." else int(one) for one in values], np.int8))
    levels = sorted(set(values) - {"."})
    codes = np.array([-1 if one == "." else levels.index(one) for one in values], np.int32)
    return Column(codes, np.array(levels, dtype=object))


def store(**tables: str) -> EventStore:
    """A store of the tables that the texts show."""
    read_tables = {name: read(name, text) for name, text in tables.items()}
    return EventStore(np.array([str(at) for at in range(10)], dtype=object), read_tables, {})


def found(events: EventStore, start: int = START, end: int = END, active_days: int = 60) -> Mapping[str, Kpi]:
    """The KPIs of the period by name."""
    return {one.name: one for one in kpis(events, start, end, active_days, VALUE)}


ORDERS = """
customer_id ordered_at order_id kind   amount margin discount
0           2024-01-20 a1       sale     1000    300        0
0           2024-03-10 a2       sale     2000    600      100
0           2024-03-10 a2       sale     1000    300        .
1           2024-02-10 b1       sale     5000   1500        0
2           2024-03-05 c1       sale      400    100        0
2           2024-03-15 c2       sale      600    200       50
2           2024-03-20 c3       return    150    -50        .
3           2023-06-01 d1       sale      800    200        0
3           2024-03-30 d2       sale      800    200        0
4           2024-02-20 e1       return    300   -100        0
"""
"""0 stays, 1 is lost, 2 is new, 3 is won back, 4 only ever returned something."""


def test_who_stayed_left_came_and_came_back() -> None:
    """Active: 0 and 1. In the period 0 and 3 return, 2 is new, 1 is lost."""
    told = found(store(orders=ORDERS))
    assert told["active_customers"].value == 2
    assert told["lost_customers"].value == 1
    assert told["new_customers"].value == 1
    assert told["returning_customers"].value == 2
    assert (told["churn_rate"].value, told["churn_rate"].n) == (0.5, 2)
    assert (told["churn_rate"].low, told["churn_rate"].high) == wilson(1, 2)


def test_the_two_retention_rates_are_told_apart() -> None:
    """At the end 0, 1, 2 and 3 are active, 2 of them new: (4 - 1) / 2; two of three buyers return."""
    told = found(store(orders=ORDERS))
    assert told["crr_standard"].value == 1.5
    assert told["crr_returning"].value == pytest.approx(2 / 3)


def test_lost_margin_over_all_margin() -> None:
    """Of the 18.00 that the active brought in, 15.00 are gone."""
    assert found(store(orders=ORDERS))["revenue_churn"].value == pytest.approx(1500 / 1800)


def test_orders_are_counted_once_and_returns_apart() -> None:
    """Two lines are one order; a return is none, but it lowers revenue."""
    told = found(store(orders=ORDERS))
    assert told["orders"].value == 4
    assert told["revenue"].value == 46.5
    assert told["aov"].value == pytest.approx(46.5 / 4)
    assert told["return_rate"].value == 0.25
    assert told["purchase_frequency"].value == pytest.approx(4 / 3)
    assert told["repeat_purchase_rate"].value == pytest.approx(1 / 3)
    assert told["promotion_share"].value == 0.5


def test_value_so_far_is_the_mean_margin_of_buyers() -> None:
    """Margins of 12, 15, 2.50 and 4; who never bought does not count."""
    told = found(store(orders=ORDERS))["clv_historic"]
    assert told.value == pytest.approx((12 + 15 + 2.5 + 4) / 4)
    assert told.n == 4


def test_waiting_is_measured_against_the_own_rhythm() -> None:
    """0 waits 22 of its 50 days, 2 waits 17 of 10, 3 waits 2 of 303: the median is 22/50."""
    assert found(store(orders=ORDERS))["inter_purchase_ratio"].value == pytest.approx(22 / 50)


def test_order_numbers_say_nothing_about_time() -> None:
    """Gaps of 1, 10 and 2 days have the median 2, however orders are numbered; 17 days are 8.5 times that."""
    text = """
    customer_id ordered_at order_id
    0           2024-03-02 d
    0           2024-03-03 a
    0           2024-03-13 c
    0           2024-03-15 b
    """
    assert found(store(orders=text))["inter_purchase_ratio"].value == 8.5


def test_rows_without_an_order_id_are_one_order_if_simultaneous() -> None:
    """Without a number, the customer and the instant tell orders apart; a missing number likewise."""
    bare = """
    customer_id ordered_at
    0           2024-03-02T10:00
    0           2024-03-02T10:00
    0           2024-03-02T11:00
    """
    partly = """
    customer_id ordered_at       order_id
    0           2024-03-02T10:00 .
    0           2024-03-02T10:00 .
    0           2024-03-02T11:00 a
    0           2024-03-02T12:00 a
    """
    assert found(store(orders=bare))["orders"].value == 2
    assert found(store(orders=partly))["orders"].value == 2


def test_one_order_id_of_two_customers_is_two_orders() -> None:
    """Numbers that a source uses again do not merge customers."""
    text = """
    customer_id ordered_at order_id
    0           2024-03-02 a
    1           2024-03-02 a
    """
    assert found(store(orders=text))["orders"].value == 2


def test_negative_amount_is_a_return_without_saying_so() -> None:
    """Without a kind, the sign tells."""
    text = """
    customer_id ordered_at amount
    0           2024-03-02   1000
    0           2024-03-09   -400
    0           2024-03-12      .
    """
    told = found(store(orders=text))
    assert told["return_rate"].value == 0.5
    assert told["revenue"].value == 6.0
    assert told["revenue_churn"].value is None
    assert "revenue stands in for margin" in told["clv_historic"].note


def test_predicted_value_is_what_the_forecast_says_of_everybody() -> None:
    """The mean over all who had bought by the end, those who may be gone included; later orders change nothing."""
    rows = [f"{n} 2024-0{1 + n % 3}-02 {n}00\n{n} 2024-03-1{n} {n}50" for n in range(1, 10)]
    text = "customer_id ordered_at amount\n0 2024-02-01 700\n" + "\n".join(rows)
    events = store(orders=text)
    told = found(events)["clv_predicted"]
    forecast, known = learn_forecast(events, END), purchases(events, END)
    assert forecast is not None
    assert known is not None
    revenue = forecast.revenue(known.history, known.spent, 60, VALUE.discount_rate)
    assert told.value == pytest.approx(revenue.mean() * 0.5)
    assert told.n == 10
    assert told.note == "over 60 days, with 0.5 of the revenue as margin and 0.1 a year off"
    assert found(store(orders=text + "\n0 2024-04-01 900"))["clv_predicted"] == told


def test_predicted_value_is_unknown_where_nothing_can_be_learned() -> None:
    """Few customers, no amounts, or no order at all: each says why."""
    assert "too few customers" in found(store(orders=ORDERS))["clv_predicted"].note
    bare = found(store(orders="customer_id ordered_at\n0 2024-03-02"))
    assert bare["clv_predicted"].note == "orders have no column amount"
    assert found(store())["clv_predicted"].note == "there is no table orders"


def test_what_orders_do_not_tell_is_unknown_not_zero() -> None:
    """Customer and time alone give rates of customers; money, returns, discounts and promises are None with a reason."""
    told = found(store(orders="customer_id ordered_at\n0 2024-03-02"))
    assert told["new_customers"].value == 1
    for name in ("revenue", "aov", "clv_historic", "revenue_churn", "return_rate", "promotion_share"):
        assert told[name].value is None
        assert "orders have n" in told[name].note
    assert "promised_at" in told["on_time"].note
    assert "payment_failed_at" in told["payment_failure_rate"].note
    assert told["churn_rate"].note == "nobody was active at the start"


def test_period_without_orders() -> None:
    """Nothing is divided by nothing."""
    told = found(store(orders=ORDERS), instant("2020-01-01"), instant("2020-02-01"))
    assert told["orders"].value == 0
    for name in (
        "churn_rate",
        "aov",
        "clv_historic",
        "inter_purchase_ratio",
        "revenue_churn",
        "crr_standard",
    ):
        assert told[name].value is None


def test_what_was_not_known_at_the_end_does_not_count() -> None:
    """An order recorded late, a delivery and a payment failure to come are not known yet."""
    text = """
    customer_id ordered_at recorded_at promised_at delivered_at payment_failed_at
    0           2024-03-02 2024-03-02  2024-03-05  2024-03-04   .
    1           2024-03-02 2024-04-01  2024-03-05  2024-03-04   .
    2           2024-03-02 2024-03-02  2024-03-31  2024-04-02   2024-04-03
    3           2024-03-02 2024-03-02  2024-03-05  2024-03-06   2024-03-02
    4           2024-03-02 2024-03-02  2024-04-05  2024-03-06   .
    5           2024-03-02 2024-03-02  .           2024-03-06   .
    """
    told = found(store(orders=text))
    assert told["orders"].value == 5
    assert told["on_time"].value == pytest.approx(1 / 3)
    assert told["on_time"].n == 3
    assert told["payment_failure_rate"].value == 0.2


def test_no_promise_in_the_period() -> None:
    """Promptness without promises is not known."""
    text = "customer_id ordered_at promised_at delivered_at\n0 2024-03-02 . ."
    assert found(store(orders=text))["on_time"].note == "nothing was promised for the period"


FEEDBACK = """
customer_id given_at   nps csat answered_at
0           2024-03-02  10    5 2024-03-03
1           2024-03-03   9    4 2024-04-02
2           2024-03-04   8    3 .
3           2024-03-05   6    . .
4           2024-03-06   .    1 .
5           2024-02-06   0    1 .
"""


def test_satisfaction_has_an_interval_and_a_number_of_answers() -> None:
    """Two promoters and one detractor of four are 25; two of four answers are 4 or 5."""
    told = found(store(feedback=FEEDBACK))
    assert (told["nps"].value, told["nps"].n) == (25.0, 4)
    assert told["nps"].low is not None
    assert told["nps"].high is not None
    assert -100 <= told["nps"].low < 25 < told["nps"].high <= 100
    assert (told["csat"].value, told["csat"].low, told["csat"].high) == (0.5, *wilson(2, 4))


def test_nps_interval_has_the_coverage_it_claims() -> None:
    """Of many surveys of one base, about 95 % have the truth in their interval."""
    random = np.random.default_rng(1)
    covered = 0
    for _ in range(200):
        answers = random.choice([10, 8, 3], size=40, p=[0.5, 0.3, 0.2])
        text = "customer_id given_at nps\n" + "\n".join(f"0 2024-03-02 {one}" for one in answers)
        told = found(store(feedback=text))["nps"]
        covered += (told.low or 0) <= 30 <= (told.high or 0)
    assert 180 <= covered <= 199


def test_unanimous_survey_still_has_an_interval() -> None:
    """Three promoters are 100, but not for certain."""
    told = found(store(feedback="customer_id given_at nps\n0 2024-03-02 10\n1 2024-03-02 9\n2 2024-03-02 9"))[
        "nps"
    ]
    assert (told.value, told.high) == (100.0, 100.0)
    assert told.low is not None
    assert told.low < 50


def test_answers_after_the_end_are_no_answers_yet() -> None:
    """One of five pieces of feedback was answered before the end."""
    assert found(store(feedback=FEEDBACK))["answered_feedback_rate"].value == 0.2


def test_feedback_without_scores_or_answers_is_unknown() -> None:
    """A missing column and a period without answers are told apart."""
    bare = found(store(feedback="customer_id given_at\n0 2024-03-02"))
    assert bare["nps"].note == "feedback has no column nps"
    assert bare["answered_feedback_rate"].note == "feedback has no column answered_at"
    silent = found(store(feedback="customer_id given_at nps\n0 2024-03-02 ."))
    assert silent["nps"].note == "nobody answered in the period"


def test_the_tone_of_texts_is_a_figure_with_an_interval() -> None:
    """Of three texts one is angry; a text about delivery counts there too; a period without texts is not known."""
    table = store(
        feedback=(
            "customer_id given_at sentiment sentiment_delivery sentiment_price sentiment_quality sentiment_service\n"
            "0 2024-03-02 -0.8 -0.8 . . .\n1 2024-03-03 0.5 0.5 . . .\n2 2024-03-04 0.6 . . . .\n3 2024-03-05 . . . . ."
        )
    )
    told = found(table)
    assert told["negative_feedback"].value == pytest.approx(1 / 3)
    assert told["negative_feedback"].n == 3
    assert told["sentiment"].value == pytest.approx(0.1)
    assert told["sentiment"].n == 3
    assert told["sentiment_delivery"].value == pytest.approx(-0.15)
    assert told["sentiment_delivery"].n == 2
    assert told["sentiment"].low is not None
    assert told["sentiment"].low < 0.1
    assert told["sentiment_price"].note == "fewer than two texts in the period"
    assert found(store(feedback=FEEDBACK))["sentiment"].note == "feedback has no column text"


TICKETS = """
ticket_id customer_id opened_at        first_response_at resolved_at
t1        0           2024-03-02T10:00 2024-03-02T10:30  2024-03-03T10:00
t2        1           2024-03-02T10:00 2024-03-02T11:00  2024-03-02T14:00
t3        1           2024-03-05T10:00 2024-03-05T13:00  2024-04-05T10:00
t4        2           2024-03-06T10:00 .                 .
t5        2           2024-03-31T23:30 .                 .
t6        3           2024-02-28T10:00 2024-03-01T10:00  .
"""


def test_speed_of_service() -> None:
    """Half of four get a reply within the hour; medians are over what was done in the period."""
    told = found(store(tickets=TICKETS))
    assert (told["reply_within_1h"].value, told["reply_within_1h"].n) == (0.5, 4)
    assert (told["first_response"].value, told["first_response"].n) == (120.0, 4)
    assert (told["resolution"].value, told["resolution"].n) == (14.0, 2)


def test_tickets_without_times_are_unknown() -> None:
    """A bare list of tickets says nothing about speed."""
    told = found(store(tickets="ticket_id customer_id opened_at\nt 0 2024-03-02"))
    assert told["reply_within_1h"].note == "tickets have no column first_response_at"
    assert told["resolution"].note == "tickets have no column resolved_at"


def test_reopened_tickets() -> None:
    """One of two tickets with an event in the period was opened again in it."""
    text = """
    ticket_id happened_at reopened
    t1        2024-03-02         0
    t1        2024-03-03         1
    t2        2024-02-03         1
    t2        2024-03-03         .
    """
    assert found(store(ticket_events=text))["reopen_rate"].value == 0.5
    bare = found(store(ticket_events="ticket_id happened_at\nt1 2024-03-02"))
    assert bare["reopen_rate"].note == "ticket_events have no column reopened"


MESSAGES = """
customer_id sent_at    channel delivered_at opened_at  clicked_at bounced_at spam_at unsubscribed_at
0           2024-03-02 email   2024-03-02   2024-03-03 2024-03-03 .          .       .
0           2024-03-09 email   2024-03-09   .          .          .          .       .
1           2024-03-02 email   2024-03-02   2024-04-03 .          .          .       2024-03-04
1           2024-03-09 email   .            .          .          2024-03-09 .       .
2           2024-03-09 sms     2024-03-09   .          .          .          .       .
2           2024-02-09 sms     .            .          .          .          .       .
"""


def test_fate_of_messages() -> None:
    """Opened over delivered, on channels that report openings; the rest over sent."""
    told = found(store(messages=MESSAGES))
    assert told["delivered_rate"].value == 0.8
    assert told["open_rate"].value == pytest.approx(1 / 3)
    assert told["open_rate"].n == 3
    assert (told["click_rate"].value, told["click_rate"].n) == (0.25, 4)
    assert told["bounce_rate"].value == 0.2
    assert (told["spam_rate"].value, told["spam_rate"].low) == (0.0, 0.0)
    assert told["opt_outs"].value == 200.0
    assert told["contact_pressure"].value == pytest.approx(5 / 3 / (31 / 30))


def test_fate_of_messages_that_nobody_recorded_is_unknown() -> None:
    """A missing column, and a column in which nothing ever was, are not a rate of 0."""
    bare = found(store(messages="customer_id sent_at\n0 2024-03-02"))
    for name in ("delivered_rate", "open_rate", "click_rate", "spam_rate", "bounce_rate", "opt_outs"):
        assert bare[name].value is None
        assert "no column" in bare[name].note
    empty = found(store(messages="customer_id sent_at delivered_at opened_at\n0 2024-03-02 2024-03-02 ."))
    assert empty["open_rate"].note == "opened_at was never recorded on any message"
    assert empty["delivered_rate"].value == 1.0


CONTRACTS = """
customer_id started_at ended_at   monthly_price
0           2023-01-01 .          1000
1           2023-01-01 2024-03-10 2000
2           2023-01-01 2024-03-10 3000
2           2024-03-10 .          4000
3           2023-01-01 2024-03-20 1000
3           2024-03-20 .          500
4           2024-03-05 .          700
5           2023-05-01 2023-09-01 900
5           2024-03-15 .          900
6           2023-01-01 .          .
"""
"""0 stays, 1 leaves, 2 pays more, 3 pays less, 4 is new, 5 comes back, of 6 the price is not known."""


def test_who_is_under_contract_who_left_and_who_came() -> None:
    """0, 1, 2, 3 and 6 are under contract at the start; who changes the plan is not lost, who comes back not new."""
    told = found(store(contracts=CONTRACTS))
    assert told["contracted_customers"].value == 5
    assert told["contracted_customers_lost"].value == 1
    assert told["contracted_customers_new"].value == 1
    assert (told["contract_churn_rate"].value, told["contract_churn_rate"].n) == (0.2, 5)
    assert (told["contract_churn_rate"].low, told["contract_churn_rate"].high) == wilson(1, 5)


def test_what_stays_of_the_monthly_revenue() -> None:
    """70.00 at the start; 10 + 40 + 5 stay net, 10 + 30 + 5 gross; newcomers and who comes back count in the sum only."""
    told = found(store(contracts=CONTRACTS))
    assert told["monthly_recurring_revenue"].value == (1000 + 4000 + 500 + 700 + 900) / 100
    assert told["net_revenue_retention"].value == pytest.approx(5500 / 7000)
    assert told["gross_revenue_retention"].value == pytest.approx(4500 / 7000)
    assert told["gross_revenue_retention"].n == 4
    assert told["gross_revenue_retention"].note.endswith("1 of those at the end")


def test_an_end_in_the_future_is_not_known_yet() -> None:
    """An end that was filled in afterwards changes nothing of the months before it."""
    open_ended = CONTRACTS.replace("0           2023-01-01 .  ", "0           2023-01-01 2024-04-02")
    assert found(store(contracts=open_ended)) == found(store(contracts=CONTRACTS))


def test_contracts_without_prices_or_customers_are_unknown() -> None:
    """Nothing is divided by nobody, and no price is not a price of 0."""
    bare = found(store(contracts="customer_id started_at\n0 2024-03-05"))
    assert bare["monthly_recurring_revenue"].note == "contracts have no column monthly_price"
    assert bare["contract_churn_rate"].note == "nobody was under contract at the start"
    young = found(store(contracts="customer_id started_at monthly_price\n0 2024-03-05 100"))
    assert young["net_revenue_retention"].note == "nobody paid anything at the start"
    assert young["monthly_recurring_revenue"].value == 1.0


def test_every_kpi_is_there_whatever_the_tables() -> None:
    """An empty store yields the whole catalogue, all unknown, each saying which table is missing."""
    told = kpis(store(), START, END, 60, VALUE)
    assert [one.name for one in told] == list(DEFINITIONS)
    assert all(one.value is None and one.note.startswith("there is no table") for one in told)


def test_tables_without_rows_are_unknown_not_a_crash() -> None:
    """Every column there, not a row in it."""
    texts = {"orders": ORDERS, "feedback": FEEDBACK, "tickets": TICKETS, "messages": MESSAGES}
    whole = store(**texts, ticket_events="ticket_id happened_at reopened\nt1 2024-03-02 1")
    told = found(whole, instant("2001-01-01"), instant("2001-02-01"))
    unknown = {one.name for one in told.values() if one.value is None}
    counts = {
        "active_customers",
        "lost_customers",
        "new_customers",
        "returning_customers",
        "orders",
        "revenue",
    }
    assert set(told) - unknown == counts


def test_later_events_do_not_change_the_past() -> None:
    """A KPI of March is the same whether or not April is in the store."""
    later = ORDERS + "1 2024-04-02 b2 sale 100 10 0\n5 2024-04-01 f1 sale 100 10 0\n"
    assert kpis(store(orders=later), START, END, 60, VALUE) == kpis(
        store(orders=ORDERS), START, END, 60, VALUE
    )


def test_history_is_a_row_of_equal_periods() -> None:
    """Oldest first, each as if asked for alone."""
    events = store(orders=ORDERS)
    february, march = kpi_history(events, [END, START], 30, 60, VALUE)
    assert (february.start, february.end) == (START - 30 * DAY, START)
    assert march.kpis == kpis(events, END - 30 * DAY, END, 60, VALUE)


def test_kpis_are_json() -> None:
    """No NaN and no NumPy number gets out."""
    text = json.dumps(
        [asdict(one) for one in kpis(store(orders=ORDERS, messages=MESSAGES), START, END, 60, VALUE)],
        allow_nan=False,
    )
    assert '"churn_rate"' in text


@pytest.mark.parametrize(
    ("end", "active_days", "message"), [(START, 60, "is empty"), (END, 0, "active_days is 0")]
)
def test_period_that_makes_no_sense_is_refused(end: int, active_days: int, message: str) -> None:
    """The message says what to mend."""
    with pytest.raises(WindowError, match=message):
        kpis(store(), START, end, active_days, VALUE)


def test_kpi_refuses_nan_and_unexplained_ignorance() -> None:
    """What is not known is None, with a reason."""
    with pytest.raises(ValueError, match="holds nan"):
        Kpi("aov", math.nan, "money", None, None, 0, "")
    with pytest.raises(ValueError, match="does not say why"):
        Kpi("aov", None, "money", None, None, 0, "")
