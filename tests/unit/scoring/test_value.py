"""What a customer is worth: forecast from rhythm and money, or worked out by hand from the pace."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from retain.errors import ConfigError
from retain.events.store import MISSING, Column, EventStore, EventTable
from retain.labels import ChurnSettings
from retain.lifetime.bgnbd import BgNbd
from retain.lifetime.forecast import Forecast
from retain.lifetime.gamma_gamma import GammaGamma, Spending
from retain.lifetime.history import History
from retain.scoring.value import ValueSettings, expected_value, learn_forecast, priority, purchases
from retain.timeline import instant

if TYPE_CHECKING:
    from collections.abc import Callable

    Orders = Callable[..., EventStore]

CUTOFF = instant("2024-06-01")
CHURN = ChurnSettings(horizon_days=60, lead_days=30)


def worth(store: EventStore, settings: ValueSettings | None = None) -> list[float]:
    """The value of every customer."""
    everybody = np.arange(len(store.customer_ids))
    found = expected_value(store, CUTOFF, everybody, settings or ValueSettings(), CHURN, None)
    return [float(one) for one in found]


SHOP = """
    customer_id  ordered_at  amount  kind
    a            2023-06-01  10.00   sale
    a            2023-09-01  20.00   sale
    a            2024-01-01  30.00   sale
    b            2023-06-01  200.00  sale
    b            2024-05-01  300.00  sale
    c            2024-05-20  15.00   sale
    c            2024-05-20  5.00    sale
    d            2023-07-01  60.00   sale
    d            2023-07-05  -48.00  return
    e            2024-07-01  60.00   sale
"""
FORECAST = Forecast(BgNbd(0.8, 60.0, 0.7, 2.5), GammaGamma(4.0, 3.5, 30.0), kept_share=0.9)


def test_value_is_what_the_forecast_says_of_those_who_stay(orders: Orders) -> None:
    """Rhythm and money from the orders known at the cutoff, times the margin share."""
    store = orders(SHOP)
    settings = ValueSettings(horizon_days=180, margin_share=0.4, discount_rate=0.2)
    found = expected_value(store, CUTOFF, np.array([2, 0]), settings, CHURN, FORECAST)
    a = History(np.array([2]), np.array([214.0]), np.array([366.0]))
    worth_a = FORECAST.revenue_if_kept(a, Spending(np.array([3]), np.array([20.0])), 180, 0.2, 90)[0]
    c = History(np.array([0]), np.array([0.0]), np.array([12.0]))
    worth_c = FORECAST.revenue_if_kept(c, Spending(np.array([1]), np.array([20.0])), 180, 0.2, 90)[0]
    assert found.tolist() == [round(worth_c * 0.4, 2), round(worth_a * 0.4, 2)]


def test_who_has_not_bought_yet_is_worth_nothing_known(orders: Orders) -> None:
    """An order after the cutoff is not known, and there is no rhythm without one."""
    found = expected_value(orders(SHOP), CUTOFF, np.array([4]), ValueSettings(), CHURN, FORECAST)
    assert found.tolist() == [0]


def test_what_was_sent_back_is_known_of_all(orders: Orders) -> None:
    """Of the sales known at the cutoff, 640.00 with those of c as one purchase, 48.00 came back."""
    known = purchases(orders(SHOP), CUTOFF)
    assert known is not None
    assert known.customer.tolist() == [0, 1, 2, 3]
    assert known.spent.purchases.tolist() == [3, 2, 1, 1]
    assert known.kept_share == pytest.approx(592 / 640)


def test_more_returned_than_sold_leaves_nothing(orders: Orders) -> None:
    """Not less than nothing; and where nothing was paid, nothing was sent back either."""
    bad = purchases(
        orders("customer_id ordered_at amount kind\na 2024-05-01 9.00 sale\na 2024-05-02 -99.00 return"),
        CUTOFF,
    )
    free = purchases(orders("customer_id ordered_at amount\na 2024-05-01 0.00"), CUTOFF)
    assert bad is not None
    assert free is not None
    assert (bad.kept_share, free.kept_share) == (0, 1)


def test_a_forecast_is_learned_from_what_was_known(orders: Orders) -> None:
    """Twelve customers teach one; what came after the cutoff changes no bit; without amounts there is none."""
    rows = [f"c{n} 2024-0{1 + n % 3}-01 {n + 5}.00\nc{n} 2024-05-0{1 + n % 7} {n + 6}.50" for n in range(12)]
    text = "customer_id ordered_at amount\n" + "\n".join(rows)
    found = learn_forecast(orders(text), CUTOFF)
    assert found is not None
    assert learn_forecast(orders(text + "\nc1 2024-06-01 9.00\nnew 2024-06-02 9.00"), CUTOFF) == found
    bare = orders("customer_id ordered_at\na 2024-05-31")
    assert learn_forecast(bare, CUTOFF) is None
    assert np.isnan(expected_value(bare, CUTOFF, np.array([0]), ValueSettings(), CHURN, FORECAST)).all()


def test_value_is_the_pace_of_spending_over_the_horizon(orders: Orders) -> None:
    """A life of 100 days counts as such, a shorter one as 90 and a longer one as 365, of which only those are summed."""
    store = orders("""
        customer_id  ordered_at  amount
        a            2024-02-22  10.00
        a            2024-05-01  20.00
        b            2024-05-31  9.00
        c            2020-01-01  500.00
        c            2023-06-02  7.30
        c            2023-06-01  99.00
    """)
    # 30 in 100 days; 9 in 90 days; 7.30 in 365 days, the orders of 366 days ago and before not among them.
    assert worth(store) == [round(30 / 100 * 365, 2), 36.5, 7.3]


def test_value_is_the_margin_over_the_company_s_horizon(orders: Orders) -> None:
    """Half the time, half the value; a fifth of the revenue, a fifth."""
    store = orders("customer_id ordered_at amount\na 2024-05-31 90.00")
    assert worth(store, ValueSettings(horizon_days=90)) == [90]
    assert worth(store, ValueSettings(horizon_days=45, margin_share=0.2)) == [9]


def test_returns_are_taken_from_the_spend_but_never_below_nothing(orders: Orders) -> None:
    """Who sent back more than they bought is worth nothing, not less."""
    store = orders("""
        customer_id  ordered_at  amount  kind
        a            2024-05-01  90.00   sale
        a            2024-05-09  -45.00  return
        b            2024-05-09  -45.00  return
    """)
    assert worth(store, ValueSettings(horizon_days=90)) == [45, 0]


def test_only_what_is_known_at_the_cutoff_counts(orders: Orders) -> None:
    """Neither an order at the cutoff, nor one recorded then, nor an unknown amount."""
    store = orders(
        """
        customer_id  ordered_at  recorded_at  amount
        a            2024-06-01  -            90.00
        b            2024-05-01  2024-06-01   90.00
        c            2024-01-01  -            -
        c            2024-05-31  -            90.00
        """,
        customers=["d"],
    )
    assert worth(store, ValueSettings(horizon_days=90)) == [0, 0, 90, 0]


def test_the_last_microsecond_before_the_pace_is_outside(orders: Orders) -> None:
    """The 365 days are half-open too."""
    store = orders("""
        customer_id  ordered_at                  amount
        a            2023-06-02                  7.30
        b            2023-06-01T23:59:59.999999  7.30
    """)
    assert worth(store) == [7.3, 0]


def test_money_is_rounded_as_the_currency_is(orders: Orders) -> None:
    """No yen has a hundredth."""
    store = orders("customer_id ordered_at amount\na 2024-05-31 100", money_exponent=0)
    assert worth(store) == [406]


def test_without_amounts_no_value_is_known(orders: Orders) -> None:
    """Not 0, which would be a claim."""
    assert np.isnan(worth(orders("customer_id ordered_at\na 2024-05-31"))).all()


def told(fees: list[float], *, orders: Orders | None = None) -> EventStore:
    """Customers who pay so much a month, and their orders if there are any."""
    ids = np.array([f"c{at}" for at in range(len(fees))], dtype=object)
    nowhere = np.full(len(fees), MISSING)
    columns = {
        "fee": Column(np.array(fees)),
        "word": Column(np.zeros(len(fees), np.int32), np.array(["x"], object)),
    }
    tables = {"customers": EventTable(np.arange(len(fees)), nowhere, nowhere, columns)}
    if orders is not None:
        bought = orders("customer_id ordered_at amount\nc0 2024-05-31 9.00", customers=["c1"])
        tables["orders"] = bought.tables["orders"]
    return EventStore(ids, tables, {})


def test_an_attribute_may_say_what_a_customer_pays_a_month(orders: Orders) -> None:
    """Twelve months in a year, margin as ever, nothing below 0, unknown where it is; orders or not."""
    settings = ValueSettings(monthly="fee", margin_share=0.5)
    values = worth(told([10.0, -3.0, float("nan")]), settings)
    assert values[:2] == [60, 0]
    assert np.isnan(values[2])
    assert worth(told([10.0, 1.0], orders=orders), settings) == [60, 6]


def test_an_attribute_of_words_says_no_value() -> None:
    """The message names it."""
    with pytest.raises(ConfigError, match="monthly = 'word': this column does not hold numbers"):
        worth(told([1.0]), ValueSettings(monthly="word"))


def test_without_orders_a_fixed_amount_is_assumed(orders: Orders) -> None:
    """Of everybody; without one nothing is known, and with orders they tell."""
    assert worth(told([1.0, 2.0]), ValueSettings(fixed=200.0, margin_share=0.5)) == [100, 100]
    assert np.isnan(worth(told([1.0]))).all()
    assert worth(told([1.0, 2.0], orders=orders), ValueSettings(fixed=200.0)) == [36.5, 0]


def test_only_those_asked_for_are_answered(orders: Orders) -> None:
    """In the order asked."""
    store = orders("customer_id ordered_at amount\na 2024-05-31 1.00\nb 2024-05-31 2.00")
    found = expected_value(store, CUTOFF, np.array([1, 0, 1]), ValueSettings(horizon_days=90), CHURN, None)
    assert found.tolist() == [2, 1, 2]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"horizon_days": 0}, "needs horizon_days from 1 to 36500"),
        ({"margin_share": 0.0}, "margin_share above 0 and at most 1"),
        ({"margin_share": 1.1}, "margin_share above 0 and at most 1"),
        ({"margin_share": float("nan")}, "margin_share above 0 and at most 1"),
        ({"discount_rate": -0.1}, "discount_rate is -0.1; it has to be from 0 to 1"),
        ({"discount_rate": 8.0}, "discount_rate is 8.0; it has to be from 0 to 1"),
        ({"source": "guessed"}, "source is 'guessed'; it is 'assumed' or 'learned'"),
        ({"fixed": -1.0}, "fixed is -1.0; it is an amount of 0 or more"),
        ({"fixed": float("nan")}, "an amount of 0 or more"),
    ],
)
def test_values_that_are_none_are_refused(settings: dict[str, float], message: str) -> None:
    """When they are made."""
    with pytest.raises(ConfigError, match=message):
        ValueSettings(**settings)  # type: ignore[arg-type]  # wrong on purpose


def test_priority_is_a_percentile() -> None:
    """Of the value at risk; equals share the better place, and who has no value comes last."""
    at_risk = np.array([5.0, 1.0, 5.0, np.nan])
    assert priority(at_risk, np.array([0.1, 0.9, 0.2, 1.0])).tolist() == [100, 50, 100, 25]


def test_without_any_value_the_probability_decides() -> None:
    """So there is an order to call in all the same."""
    nothing = np.full(3, np.nan)
    assert priority(nothing, np.array([0.1, 0.9, 0.5])).tolist() == [33.33, 100, 66.67]
    assert priority(np.empty(0), np.empty(0)).tolist() == []
