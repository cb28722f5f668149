"""What each aggregation gives, worked out by hand and asked of both engines."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import pytest

from retain.engine import ENGINES
from retain.engine.panel import Snapshots
from retain.features.spec import Contrast, Feature, FeatureSet, Formula, How, Measure, Ratio
from retain.timeline import Lookback, instant

if TYPE_CHECKING:
    from collections.abc import Callable

    from retain.events.store import EventStore

    Orders = Callable[..., EventStore]
    Ask = Callable[..., list[float]]

NAN = math.nan


@pytest.fixture(params=ENGINES.names())
def ask(request: pytest.FixtureRequest) -> Ask:
    """A function from a store, a formula and a cutoff to the value of each customer, for both engines."""
    compute = ENGINES.get(request.param)

    def values(store: EventStore, formula: Formula, cutoff: str = "2024-06-01") -> list[float]:
        customers = np.arange(len(store.customer_ids), dtype=np.int64)
        snapshots = Snapshots(customers, np.full(len(customers), instant(cutoff)))
        one = FeatureSet((Feature("it", formula, "topic", "why", "said"),))
        panel = compute(store, one, snapshots)
        assert panel.values.shape == (len(customers), 1)
        return [float(value) for value in panel.values[:, 0]]

    return values


def expect(found: list[float], wanted: list[float]) -> None:
    """Refuse anything but these values; NaN is itself."""
    assert found == pytest.approx(wanted, rel=1e-12, abs=0, nan_ok=True)


FOUR = """
    customer_id  ordered_at  amount  product_id
    a            2024-05-01  10.00   x
    a            2024-05-11  -       y
    a            2024-05-14  30.00   x
    a            2024-05-31  2.50    x
    b            2024-05-02  7.00    -
    c            2024-06-01  99.00   x
"""
"""Four orders, one of unknown amount; one order; and one exactly at the cutoff, which is future."""


@pytest.mark.parametrize(
    ("formula", "wanted"),
    [
        (Measure("orders", How.COUNT), [4, 1, 0]),
        (Measure("orders", How.COUNT, "amount"), [3, 1, 0]),
        (Measure("orders", How.SUM, "amount"), [42.5, 7, 0]),
        (Measure("orders", How.MEAN, "amount"), [42.5 / 3, 7, NAN]),
        # Deviations of 10, 30 and 2.5 from 14.1667: 17.36 + 250.69 + 136.11 = 404.1667, halved, square root.
        (Measure("orders", How.SD, "amount"), [math.sqrt(404 + 1 / 6) / math.sqrt(2), NAN, NAN]),
        (Measure("orders", How.MIN, "amount"), [2.5, 7, NAN]),
        (Measure("orders", How.MAX, "amount"), [30, 7, NAN]),
        (Measure("orders", How.MEDIAN, "amount"), [10, 7, NAN]),
        (Measure("orders", How.MEDIAN, "gap"), [10, NAN, NAN]),  # 10, 3 and 17 days
        (Measure("orders", How.MEDIAN, "amount", Lookback(20)), [16.25, NAN, NAN]),  # of 30 and 2.5
        (Measure("orders", How.QUANTILE, "amount", quantile=0.5), [10, 7, NAN]),
        (Measure("orders", How.QUANTILE, "amount", quantile=0.9), [26, 7, NAN]),  # of 2.5, 10 and 30
        (Measure("orders", How.QUANTILE, "amount", quantile=0.1), [4, 7, NAN]),
        (Measure("orders", How.QUANTILE, "gap", Lookback(25), quantile=0.25), [6.5, NAN, NAN]),  # of 3 and 17
        (Measure("orders", How.FIRST, "amount"), [10, 7, NAN]),
        (Measure("orders", How.FIRST, "amount", Lookback(21)), [NAN, NAN, NAN]),  # that amount is not known
        (Measure("orders", How.FIRST, "amount", Lookback(20)), [30, NAN, NAN]),
        (Measure("orders", How.LAST, "amount"), [2.5, 7, NAN]),
        (Measure("orders", How.LAST, "amount", Lookback(30, 5)), [30, 7, NAN]),
        (Measure("orders", How.LAST, "amount", Lookback(30, 20)), [NAN, 7, NAN]),
        (Measure("orders", How.SINCE_LAST), [1, 30, NAN]),
        (Measure("orders", How.SINCE_FIRST), [31, 30, NAN]),
        (Measure("lines", How.DISTINCT, "product"), [2, 0, 0]),
        (Measure("lines", How.TOP_SHARE, "product"), [0.75, NAN, NAN]),
        (
            Measure("lines", How.ENTROPY, "product"),
            [-0.75 * math.log(0.75) - 0.25 * math.log(0.25), NAN, NAN],
        ),
        (Measure("lines", How.COUNT, "product"), [4, 0, 0]),
    ],
    ids=lambda one: f"{one.view}-{one.how}-{one.value}" if isinstance(one, Measure) else "",
)
def test_aggregations(orders: Orders, ask: Ask, formula: Measure, wanted: list[float]) -> None:
    """Unknown values do not count; without any known value a sum or a count is 0, all else is not known."""
    # The entropy is held in parts of 2**-30, which is what the tolerance is for.
    assert ask(orders(FOUR), formula) == pytest.approx(wanted, rel=1e-9, abs=0, nan_ok=True)


@pytest.mark.parametrize("unknown", ["", "a 2024-05-01 e - b\na 2024-05-09 f - b"])
def test_of_several_events_at_the_same_instant_the_first_is_the_smallest_and_the_last_the_largest(
    orders: Orders, ask: Ask, unknown: str
) -> None:
    """So that the order of rows decides nothing; a value that is not known is neither."""
    store = orders(f"""
        customer_id  ordered_at  order_id  amount  category
        a            2024-05-01  a         5.00    b
        a            2024-05-01  b         3.00    b
        a            2024-05-05  c         1.00    b
        a            2024-05-09  c         9.00    b
        a            2024-05-09  d         4.00    b
        a            2024-05-09  h         2.00    b
        b            2024-05-09  g         8.00    b
        {unknown}
    """)
    expect(ask(store, Measure("orders", How.FIRST, "amount")), [3, 8])
    expect(ask(store, Measure("orders", How.LAST, "amount")), [4, 8])
    expect(ask(store, Measure("orders", How.LAST, "amount", Lookback(60, 24))), [10, NAN])


def test_the_half_quantile_is_the_median(orders: Orders, ask: Ask) -> None:
    """Of an even number of values and of an odd one."""
    store = orders("""
        customer_id  ordered_at  amount
        a            2024-05-01  5.00
        a            2024-05-02  3.01
        b            2024-05-01  5.00
        b            2024-05-02  3.00
        b            2024-05-03  9.00
    """)
    half = Measure("orders", How.QUANTILE, "amount", quantile=0.5)
    assert ask(store, half) == ask(store, Measure("orders", How.MEDIAN, "amount")) == [4.005, 5]


def test_an_evenly_spread_category_has_the_entropy_of_its_number(orders: Orders, ask: Ask) -> None:
    """K categories equally often: log k; one only: 0."""
    store = orders("""
        customer_id  ordered_at  product_id
        a            2024-05-01  x
        a            2024-05-02  y
        a            2024-05-03  z
        b            2024-05-01  x
        b            2024-05-02  x
    """)
    found = ask(store, Measure("lines", How.ENTROPY, "product"))
    assert found == pytest.approx([math.log(3), 0.0], rel=1e-9)


@pytest.mark.parametrize(
    ("within", "wanted"),
    [
        (Lookback(), 6),
        (Lookback(60), 4),
        (Lookback(30), 3),
        (Lookback(30, 1), 2),
        (Lookback(60, 30), 1),
    ],
)
def test_windows_are_half_open(orders: Orders, ask: Ask, within: Lookback, wanted: float) -> None:
    """The first instant of a lookback belongs to it, its end does not, so neighbours share nothing."""
    store = orders("""
        customer_id  ordered_at
        a            2020-02-29
        a            2024-04-01T23:59:59.999999
        a            2024-04-02
        a            2024-05-02
        a            2024-05-30T12:00
        a            2024-05-31
        a            2024-06-01
    """)
    assert ask(store, Measure("orders", How.COUNT, within=within)) == [wanted]


def test_an_order_at_the_cutoff_is_future(orders: Orders, ask: Ask) -> None:
    """And one a microsecond earlier is known."""
    store = orders("""
        customer_id  ordered_at
        a            2024-06-01T00:00:00.000000
        b            2024-05-31T23:59:59.999999
    """)
    assert ask(store, Measure("orders", How.COUNT)) == [0, 1]


def test_a_ratio_of_nothing_is_not_known(orders: Orders, ask: Ask) -> None:
    """Neither when the bottom is 0 nor when a part is not known."""
    store = orders("""
        customer_id  ordered_at  amount  kind
        a            2024-05-01  8.00    sale
        a            2024-05-03  -2.00   return
        b            2024-05-01  -5.00   return
        c            2024-05-01  5.00    sale
    """)
    returned = Ratio(Measure("returns", How.SUM, "amount"), Measure("orders", How.SUM, "amount"))
    expect(ask(store, returned), [0.25, NAN, 0])
    overdue = Ratio(Measure("orders", How.SINCE_LAST), Measure("orders", How.MEDIAN, "gap"))
    expect(ask(store, overdue), [NAN, NAN, NAN])


def test_a_contrast_runs_from_stopped_to_began(orders: Orders, ask: Ask) -> None:
    """-1 for nothing lately, 1 for nothing before, and not known where there was nothing at all."""
    store = orders(
        """
        customer_id  ordered_at
        a            2024-01-10
        b            2024-05-10
        c            2024-01-10
        c            2024-05-10
        c            2024-05-11
        c            2024-05-12
        """,
        customers=["d"],
    )
    recent = Measure("orders", How.COUNT, within=Lookback(90))
    before = Measure("orders", How.COUNT, within=Lookback(180, 90))
    expect(ask(store, Contrast(recent, before)), [-1, 1, 0.5, NAN])


def test_returns_are_no_orders(orders: Orders, ask: Ask) -> None:
    """A return neither counts as an order nor takes from its sum; what went back is a positive figure of its own."""
    store = orders("""
        customer_id  ordered_at  order_id  amount  quantity  kind
        a            2024-05-01  1         20.00   2         sale
        a            2024-05-05  1         -20.00  -2        return
        a            2024-05-09  2         5.00    1         sale
    """)
    expect(ask(store, Measure("orders", How.COUNT)), [2])
    expect(ask(store, Measure("orders", How.SUM, "amount")), [25])
    expect(ask(store, Measure("orders", How.MEAN, "gap")), [8])
    expect(ask(store, Measure("returns", How.COUNT)), [1])
    expect(ask(store, Measure("returns", How.SUM, "amount")), [20])
    expect(ask(store, Measure("returns", How.SUM, "items")), [2])
    expect(ask(store, Measure("returns", How.SINCE_LAST)), [27])


def test_lines_of_one_order_id_are_one_order(orders: Orders, ask: Ask) -> None:
    """It happens at its first line and comes to the sum of them; unknown amounts add nothing."""
    store = orders("""
        customer_id  ordered_at        order_id  amount  quantity  discount
        a            2024-05-01T10:00  7         1.00    1         0.50
        a            2024-05-01T10:05  7         2.00    0.125     -
        a            2024-05-02T10:00  8         -       -         -
        a            2024-05-04T10:00  7         4.00    -         1.00
        b            2024-05-03T10:00  7         9.00    1         -
        """)
    expect(ask(store, Measure("orders", How.COUNT)), [2, 1])
    expect(ask(store, Measure("orders", How.MAX, "amount")), [7, 9])
    expect(ask(store, Measure("orders", How.SUM, "items")), [1.125, 1])
    expect(ask(store, Measure("orders", How.SUM, "gross")), [8.5, 9])
    expect(ask(store, Measure("orders", How.SUM, "discount")), [1.5, 0])
    expect(ask(store, Measure("orders", How.MEAN, "gap")), [1, NAN])


def test_without_an_order_id_lines_of_one_instant_are_one_order(orders: Orders, ask: Ask) -> None:
    """Two baskets at the same instant are not told apart."""
    store = orders("""
        customer_id  ordered_at        order_id  amount
        a            2024-05-01T10:00  -         1.00
        a            2024-05-01T10:00  -         2.00
        a            2024-05-01T10:00  5         4.00
        a            2024-05-01T10:01  -         8.00
    """)
    expect(ask(store, Measure("orders", How.COUNT)), [3])
    expect(ask(store, Measure("orders", How.MIN, "amount")), [3])


SPLIT = """
    customer_id  ordered_at  recorded_at  order_id  amount
    a            2024-05-01  -            1         1.00
    a            2024-05-20  -            1         2.00
    a            2024-05-10  2024-05-25   1         4.00
    a            2024-04-20  2024-05-28   1         8.00
    b            2024-05-03  2024-05-25   2         5.00
"""
"""One order whose lines come one after the other, two of them entered later than they happened."""


@pytest.mark.parametrize(
    ("cutoff", "amount", "tenure"),
    [
        ("2024-05-01", [0, 0], [NAN, NAN]),
        ("2024-05-02", [1, 0], [1, NAN]),
        ("2024-05-20", [1, 0], [19, NAN]),
        ("2024-05-21", [3, 0], [20, NAN]),
        ("2024-05-25", [3, 0], [24, NAN]),
        ("2024-05-26", [7, 5], [25, 23]),
        ("2024-05-29", [15, 5], [39, 26]),
    ],
)
def test_an_order_grows_as_its_lines_become_known(
    orders: Orders, ask: Ask, cutoff: str, amount: list[float], tenure: list[float]
) -> None:
    """At each cutoff it is what was recorded by then, and begins with the first line known by then."""
    expect(ask(orders(SPLIT), Measure("orders", How.SUM, "amount"), cutoff), amount)
    expect(ask(orders(SPLIT), Measure("orders", How.SINCE_FIRST), cutoff), tenure)


@pytest.mark.parametrize(
    ("zone", "moment", "hour", "weekend"),
    [
        ("UTC", "2024-05-05T23:30Z", 23, 1),  # a Sunday
        ("Europe/Sofia", "2024-05-05T23:30Z", 2, 0),  # Monday already
        ("America/Los_Angeles", "2024-05-04T05:00Z", 22, 0),  # Friday still
        ("Asia/Kathmandu", "2024-05-03T18:15Z", 0, 1),  # a quarter of an hour decides
        ("Asia/Kathmandu", "2024-05-03T18:14Z", 23, 0),
        ("Europe/London", "2024-03-31T00:59:59Z", 0, 1),  # the last second before summer time
        ("Europe/London", "2024-03-31T01:00Z", 2, 1),  # one o'clock does not exist that day
        ("Europe/London", "2023-10-29T00:30Z", 1, 1),  # half past one comes twice
        ("Europe/London", "2023-10-29T01:30Z", 1, 1),
        ("Europe/London", "1901-01-05T12:00Z", 12, 1),
        ("UTC", "2024-02-29T07:00Z", 7, 0),
    ],
)
def test_hours_and_weekdays_are_the_shop_s_own(
    orders: Orders, ask: Ask, zone: str, moment: str, hour: float, weekend: float
) -> None:
    """An instant is read in the configured time zone, summer time and all."""
    store = orders(f"customer_id ordered_at\na {moment}", zone=zone)
    expect(ask(store, Measure("orders", How.MEAN, "hour")), [hour])
    expect(ask(store, Measure("orders", How.COUNT, where="weekend")), [weekend])


def test_days_are_24_hours_whatever_the_clock_shows(orders: Orders, ask: Ask) -> None:
    """Over the change to summer time a local day has 23 hours; a lookback and a recency do not."""
    store = orders(
        """
        customer_id  ordered_at
        a            2024-03-30T12:00
        b            2024-03-31T12:00
        """,
        zone="Europe/London",
    )
    expect(ask(store, Measure("orders", How.SINCE_LAST), "2024-04-01T11:00Z"), [47 / 24, 1])
    expect(ask(store, Measure("orders", How.COUNT, within=Lookback(1)), "2024-04-01T11:00Z"), [0, 1])


def test_leap_days_count(orders: Orders, ask: Ask) -> None:
    """A year back from the first of March 2024 begins on the second of March 2023."""
    store = orders("""
        customer_id  ordered_at
        a            2023-03-01
        b            2023-03-02
        c            2024-02-29
    """)
    expect(ask(store, Measure("orders", How.COUNT, within=Lookback(365)), "2024-03-01"), [0, 1, 1])
    expect(ask(store, Measure("orders", How.SINCE_LAST), "2024-03-01"), [366, 365, 1])


def test_huge_amounts_stay_exact(orders: Orders, ask: Ask) -> None:
    """Cents are not lost beside hundreds of billions, nor do squares that overflow spoil a deviation."""
    store = orders("""
        customer_id  ordered_at  amount
        a            2024-05-01  900000000000.01
        a            2024-05-02  900000000000.03
        a            2024-05-03  0.01
        b            2024-05-01  900000000000.01
        b            2024-05-02  900000000000.03
    """)
    expect(ask(store, Measure("orders", How.SUM, "amount")), [1_800_000_000_000.05, 1_800_000_000_000.04])
    expect(ask(store, Measure("orders", How.SD, "amount"))[1:], [math.sqrt(2) / 100])
    expect(ask(store, Measure("orders", How.MAX, "amount")), [900_000_000_000.03, 900_000_000_000.03])


@pytest.mark.parametrize(("exponent", "text", "wanted"), [(0, "1250", 1250), (3, "1.255", 1.255)])
def test_money_has_the_decimals_of_its_currency(
    orders: Orders, ask: Ask, exponent: int, text: str, wanted: float
) -> None:
    """A yen has none, a dinar three."""
    store = orders(f"customer_id ordered_at amount\na 2024-05-01 {text}", money_exponent=exponent)
    expect(ask(store, Measure("orders", How.SUM, "amount")), [wanted])


def test_gaps_are_counted_in_whole_minutes(orders: Orders, ask: Ask) -> None:
    """Each order's time is cut to its minute, so that the squares of gaps stay exact."""
    store = orders("""
        customer_id  ordered_at
        a            2024-05-01T10:00:59
        a            2024-05-01T10:01:00
        a            2024-05-01T11:01:30
    """)
    expect(ask(store, Measure("orders", How.MIN, "gap")), [1 / 1440])
    expect(ask(store, Measure("orders", How.MAX, "gap")), [60 / 1440])


def test_a_gap_reaches_back_past_the_lookback(orders: Orders, ask: Ask) -> None:
    """It belongs to the order that ends it."""
    store = orders("""
        customer_id  ordered_at
        a            2023-05-31
        a            2024-05-31
    """)
    expect(ask(store, Measure("orders", How.SUM, "gap", Lookback(7))), [366])


def test_customers_without_orders_have_rows_too(orders: Orders, ask: Ask) -> None:
    """Asked for, they are answered: nothing counted, nothing known."""
    store = orders("customer_id ordered_at\nb 2024-05-31", customers=["a", "c"])
    expect(ask(store, Measure("orders", How.COUNT)), [0, 1, 0])
    expect(ask(store, Measure("orders", How.SINCE_LAST)), [NAN, 1, NAN])
