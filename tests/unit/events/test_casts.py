from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from retain.errors import ContractError
from retain.timeline import instant

if TYPE_CHECKING:
    from tests.unit.events.conftest import Shop


def _csv_amount(shop: Shop, text: str, **source: str) -> list[int]:
    quoted = f'customer_id;ordered_at;amount\na;2023-01-01;"{text}"\nb;2023-01-01;0\n'
    return list(shop.csv("orders", quoted, **source).read().tables["orders"].columns["amount"].values)[:1]


@pytest.mark.parametrize(
    ("text", "minor"),
    [
        ("12", 1200),
        ("12.5", 1250),
        ("1,234.56", 123456),
        ("1 234.56", 123456),
        ("£12.50", 1250),
        (".5", 50),
        ("5.", 500),
        ("1e3", 100000),
        ("1.005", 100),
        ("1.015", 102),
        ("1.025", 102),
        ("-1.005", -100),
        ("-1.015", -102),
        ("0.285", 28),
        ("1.0050001", 101),
        ("89999999999999.98", 8999999999999998),
        ("90071992547409.93", None),
        ("nan", None),
        ("inf", None),
        ("12,50", None),
        ("1.2.3", None),
        ("12 apples", None),
        ("-", None),
    ],
)
def test_money_with_a_point_is_exact(shop: Shop, text: str, minor: int | None) -> None:
    """Whole minor units, a half to the even one, from the decimal text."""
    if text == "nan":
        minor = -(2**63)
    got = _csv_amount(shop, text, decimal=".")
    assert got == ([0] if minor is None else [minor])


@pytest.mark.parametrize(
    ("text", "minor"),
    [
        ("12,5", 1250),
        ("1.234,56", 123456),
        ("1 234,56", 123456),
        ("1\u202f234,56", 123456),
        ("1.234", 123400),
        ("-0,07", -7),
        ("12", 1200),
        ("12,50 €", 1250),
    ],
)
def test_money_with_a_comma_is_exact(shop: Shop, text: str, minor: int) -> None:
    """Continental figures, with points or blanks between the thousands."""
    assert _csv_amount(shop, text, decimal=",") == [minor]


@pytest.mark.parametrize(
    ("amounts", "minor", "comma"),
    [
        ("12,5|3", [1250, 300], True),
        ("1.234,56|7,10", [123456, 710], True),
        ("12.5|1,234.00", [1250, 123400], False),
        ("12|13", [1200, 1300], False),
    ],
)
def test_the_decimal_mark_is_found_and_shown(
    shop: Shop, amounts: str, minor: list[int], *, comma: bool
) -> None:
    """What can only be read in one way decides for all."""
    rows = "".join(f"a\t2023-01-0{i}\t{one}\n" for i, one in enumerate(amounts.split("|"), 1))
    store = shop.csv("orders", "customer_id\tordered_at\tamount\n" + rows).read()
    assert list(store.tables["orders"].columns["amount"].values) == minor
    assert store.accounts["orders"].format == "csv, utf-8, tab" + (", decimal comma" if comma else "")
    assert store.warnings == ()


@pytest.mark.parametrize(("mark", "minor"), [("|", 123400), (";", 123)])
def test_a_doubtful_decimal_mark_is_warned_of(shop: Shop, mark: str, minor: int) -> None:
    """1,234 is read as the field delimiter suggests, and the store says so."""
    store = shop.csv(
        "orders", f"customer_id{mark}ordered_at{mark}amount\na{mark}2023-01-01{mark}1,234\n"
    ).read()
    assert list(store.tables["orders"].columns["amount"].values) == [minor]
    assert "set decimal if that is wrong" in store.warnings[0]


@pytest.mark.parametrize(
    ("array", "minor"),
    [
        (pa.array([1.005, 2.675, 0.1 + 0.2, -1.005, 1e15]), [100, 268, 30, -100, None]),
        (pa.array([0.99, 1.005, 16777.21], pa.float32()), [99, 100, 1677721]),
        (pa.array([Decimal("1.005"), Decimal("-2.500")]), [100, -250]),
        (pa.array([3, -4], pa.int64()), [300, -400]),
        (pa.array([3, 4], pa.int32()), [300, 400]),
        (pa.array([float("nan"), float("inf"), 1.0]), [None, None, 100]),
        (pa.array(["1.50", "2"]), [150, 200]),
    ],
)
def test_money_of_any_type_is_the_same(shop: Shop, array: pa.Array, minor: list[int | None]) -> None:
    """A float counts as the shortest decimal that names it."""
    ids = [f"c{i}" for i in range(len(array))]
    when = [dt.datetime(2023, 1, 1)] * len(array)  # noqa: DTZ001 -- naive on purpose
    pq.write_table(
        pa.table({"customer_id": ids, "ordered_at": when, "amount": array}), shop.folder / "o.parquet"
    )
    store = shop.at("orders", "o.parquet").read()
    assert list(store.tables["orders"].columns["amount"].values) == [one for one in minor if one is not None]
    assert store.accounts["orders"].rows_bad == minor.count(None)


def test_the_minor_unit_is_configured(shop: Shop) -> None:
    """A currency without cents, and one with three places."""
    shop.csv("orders", "customer_id,ordered_at,amount\na,2023-01-01,12.5\n")
    for exponent, minor in ((0, 12), (3, 12500)):
        assert list(shop.read(money_exponent=exponent).tables["orders"].columns["amount"].values) == [minor]


TIMES = [
    ("2023-03-04", "2023-03-04"),
    ("2023-03-04T05:06", "2023-03-04T05:06"),
    ("2023-03-04 05:06:07.5", "2023-03-04T05:06:07.5"),
    ("2023-03-04T05:06:07.123456789", "2023-03-04T05:06:07.123456"),
    ("2023-03-04T05:06:07Z", "2023-03-04T05:06:07Z"),
    ("2023-03-04T05:06:07+02:00", "2023-03-04T05:06:07+02:00"),
    ("2023-03-04T05:06:07+0200", "2023-03-04T05:06:07+02:00"),
    ("2023/03/04 5:06", "2023-03-04T05:06"),
    ("2023.03.04", "2023-03-04"),
    ("20230304", "2023-03-04"),
    ("04.03.2023 05:06", "2023-03-04T05:06"),
    ("4.3.2023", "2023-03-04"),
    ("04.03.23", "2023-03-04"),
    ("04.03.99", "1999-03-04"),
    ("04-Mar-2023 05:06", "2023-03-04T05:06"),
    ("Mar 4, 2023", "2023-03-04"),
    ("1677906367", "2023-03-04T05:06:07Z"),
    ("1677906367000", "2023-03-04T05:06:07Z"),
    ("1677906367000000", "2023-03-04T05:06:07Z"),
    ("1677906367000000000", "2023-03-04T05:06:07Z"),
]


@pytest.mark.parametrize("zone", ["UTC", "Europe/Sofia"])
@pytest.mark.parametrize(("text", "iso"), TIMES)
def test_times_are_read_as_people_write_them(shop: Shop, text: str, iso: str, zone: str) -> None:
    """Many ways to write an instant; without an offset it is one in the source's zone."""
    store = shop.csv("orders", f"customer_id;ordered_at\na;{text}\n").read(zone=zone)
    assert store.tables["orders"].time.tolist() == [instant(iso, zone)]
    assert store.zone == zone


@pytest.mark.parametrize(
    "text",
    ["infinity", "epoch", "today", "2023-02-30", "12:30", "13.13.2023", "2023-01-01 25:00", "2023", "-5"],
)
def test_what_is_no_time_is_none(shop: Shop, text: str) -> None:
    """Words that a database would take for a time are none here."""
    shop.csv("orders", f"customer_id;ordered_at\na;{text}\nb;2023-01-01\n")
    assert shop.reasons() == {"ordered_at is no time": 1}


@pytest.mark.parametrize(
    ("dates", "iso", "words"),
    [
        (["05/06/2023 2:30 PM", "25/06/2023"], ["2023-06-05T14:30", "2023-06-25"], "day-first dates"),
        (["05/06/2023 14:30", "06/25/2023"], ["2023-05-06T14:30", "2023-06-25"], "month-first dates"),
    ],
)
def test_the_order_of_day_and_month_is_found_and_shown(
    shop: Shop, dates: list[str], iso: list[str], words: str
) -> None:
    """One date that fits only one way decides for all of the table."""
    store = shop.csv("orders", "customer_id,ordered_at\n" + "".join(f"a,{one}\n" for one in dates)).read()
    assert store.tables["orders"].time.tolist() == [instant(one) for one in iso]
    assert words in store.accounts["orders"].format


def test_doubtful_dates_are_refused_until_the_config_decides(shop: Shop) -> None:
    """05/06 may be June or May: no guess is safe."""
    text = "customer_id,ordered_at\na,05/06/2023\n"
    with pytest.raises(
        ContractError, match=r'Set dates = "day-first" or "month-first" in \[source.tables.orders\]'
    ):
        shop.csv("orders", text).read()
    for dates, iso in (("day-first", "2023-06-05"), ("month-first", "2023-05-06")):
        assert shop.csv("orders", text, dates=dates).read().tables["orders"].time.tolist() == [instant(iso)]


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
@pytest.mark.parametrize("zone", [None, "UTC", "Asia/Almaty"])
def test_typed_times_of_any_unit(shop: Shop, unit: str, zone: str | None) -> None:
    """A typed timestamp without a zone is in the source's; with one it is what it says."""
    moment = dt.datetime(2023, 6, 1, 12, tzinfo=dt.UTC if zone else None)
    pq.write_table(
        pa.table({"customer_id": ["a"], "ordered_at": pa.array([moment], pa.timestamp(unit, zone))}),
        shop.folder / "o.parquet",
    )
    store = shop.at("orders", "o.parquet").read(zone="Europe/Sofia")
    expected = instant("2023-06-01T12:00Z") if zone else instant("2023-06-01T12:00", "Europe/Sofia")
    assert store.tables["orders"].time.tolist() == [expected]


def test_days_are_read_in_the_zone(shop: Shop) -> None:
    """A typed date begins at midnight there."""
    pq.write_table(
        pa.table({"customer_id": ["a"], "ordered_at": pa.array([dt.date(2023, 6, 1)])}),
        shop.folder / "o.parquet",
    )
    store = shop.at("orders", "o.parquet").read(zone="Europe/Sofia")
    assert store.tables["orders"].time.tolist() == [instant("2023-06-01", "Europe/Sofia")]


def test_an_hour_that_the_clock_skips_is_read_past_the_gap(shop: Shop) -> None:
    """02:30 does not exist on the night of the change; it is read as 03:30."""
    store = shop.csv("orders", "customer_id,ordered_at\na,2023-03-26 02:30\n").read(zone="Europe/Berlin")
    assert store.tables["orders"].time.tolist() == [instant("2023-03-26T03:30+02:00")]


def test_missing_numbers_are_gaps(shop: Shop) -> None:
    """A NaN in a number is a gap, an infinite one is bad, and minus nought is nought."""
    pq.write_table(
        pa.table(
            {
                "customer_id": ["a", "b", "c", "d"],
                "ordered_at": [dt.datetime(2023, 1, 1)] * 4,  # noqa: DTZ001 -- naive on purpose
                "quantity": [float("nan"), None, float("inf"), -0.0],
            }
        ),
        shop.folder / "o.parquet",
    )
    store = shop.at("orders", "o.parquet").read()
    assert store.accounts["orders"].reasons == {"quantity is no number": 1}
    assert [str(one) for one in store.tables["orders"].columns["quantity"].values] == ["nan", "nan", "0.0"]


@pytest.mark.parametrize(
    ("array", "flags"),
    [
        (pa.array([True, False, None]), [1, 0, -1]),
        (pa.array([1, 0, None]), [1, 0, -1]),
        (pa.array([1.0, 0.0, None]), [1, 0, -1]),
        (pa.array(["Yes", "n", ""]), [1, 0, -1]),
    ],
)
def test_flags_of_any_type(shop: Shop, array: pa.Array, flags: list[int]) -> None:
    """True, 1 and yes are one thing."""
    pq.write_table(
        pa.table({"customer_id": ["a", "b", "c"], "consent_email": array}), shop.folder / "c.parquet"
    )
    store: Any = shop.at("customers", "c.parquet").read()
    assert store.tables["customers"].columns["consent_email"].values.tolist() == flags


def test_files_of_one_table_may_differ_in_type(shop: Shop) -> None:
    """A whole number in one file, a float with gaps in another, text in a third."""
    when = pa.array([dt.datetime(2023, 1, 1)])  # noqa: DTZ001 -- naive on purpose
    for number, (who, amount, time) in enumerate(
        [
            (pa.array([12]), pa.array([1]), when),
            (pa.array([12.0]), pa.array([1.5]), when.cast(pa.timestamp("ns", "UTC"))),
            (pa.array(["12"]), pa.array(["2.5"]), pa.array(["2023-01-01"])),
        ]
    ):
        pq.write_table(
            pa.table({"customer_id": who, "amount": amount, "ordered_at": time}),
            shop.folder / f"o{number}.parquet",
        )
    store = shop.at("orders", "o*.parquet").read()
    assert store.customer_ids.tolist() == ["12"]
    assert store.tables["orders"].columns["amount"].values.tolist() == [100, 150, 250]
    assert store.tables["orders"].time.tolist() == [instant("2023-01-01")] * 3


@pytest.mark.parametrize(
    "array",
    [
        pa.array([dt.date(1980, 5, 6)]),
        pa.array([dt.datetime(1980, 5, 5, 23, tzinfo=dt.UTC)], pa.timestamp("us", "UTC")),
        pa.array(["06.05.1980"]),
        pa.array(["1980-05-06"]),
    ],
)
def test_a_day_of_any_type_is_a_day(shop: Shop, texts: Any, array: pa.Array) -> None:
    """A birthday has no time zone; a typed instant counts as the day it was in the source's zone."""
    pq.write_table(pa.table({"customer_id": ["a"], "birth_date": array}), shop.folder / "c.parquet")
    store = shop.at("customers", "c.parquet").read(zone="Europe/Sofia")
    assert texts(store, "customers", "birth_date") == ["1980-05-06"]
