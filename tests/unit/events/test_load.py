from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from retain.errors import ConfigError, ContractError, OutputError, SourceError
from retain.events.load import read_events
from retain.events.source import SourceSettings
from retain.timeline import NEVER, instant

if TYPE_CHECKING:
    from tests.unit.events.conftest import Shop

PLAIN = """
customer_id,ordered_at,amount
b,2023-01-02,2.50
a,2023-01-01,10
a,2022-05-05T10:30:00,0.07
"""


def test_events_are_sorted_by_customer_and_time(shop: Shop) -> None:
    """Rows come out by customer, then by time, whatever the order in the file."""
    store = shop.csv("orders", PLAIN).read()
    orders = store.tables["orders"]
    assert store.customer_ids.tolist() == ["a", "b"]
    assert orders.customer.tolist() == [0, 0, 1]
    assert orders.time.tolist() == [
        instant("2022-05-05T10:30"),
        instant("2023-01-01"),
        instant("2023-01-02"),
    ]
    assert orders.columns["amount"].values.tolist() == [7, 1000, 250]
    assert orders.known.tolist() == orders.time.tolist()


def test_every_row_is_accounted_for(shop: Shop) -> None:
    """Rows read are good rows and bad rows."""
    account = shop.csv("orders", PLAIN + "c,never,1\n,2023-01-01,1\n").read().accounts["orders"]
    assert (account.rows_read, account.rows_good, account.rows_bad) == (5, 3, 2)
    assert account.reasons == {"ordered_at is no time": 1, "customer_id is empty": 1}
    assert account.first_event == instant("2022-05-05T10:30")
    assert account.last_event == instant("2023-01-02")
    assert account.format == "csv, utf-8, ','"
    assert "order_id" in account.missing_columns


def test_quarantine_says_where_and_why(shop: Shop) -> None:
    """A bad row is found again by its file and number, with its raw columns."""
    shop.csv("orders", PLAIN + "c,never,1\n", name="in/o.csv", path="in").read()
    assert shop.put_aside() == [
        {
            "file": "in/o.csv",
            "row": 4,
            "reason": "ordered_at is no time",
            "row_json": '{"customer_id":"c","ordered_at":"never","amount":"1"}',
        }
    ]


def test_quarantine_of_an_earlier_run_goes(shop: Shop) -> None:
    """A table without bad rows leaves no quarantine behind."""
    shop.csv("orders", PLAIN + "c,never,1\n").read()
    assert (shop.quarantine / "orders.parquet").exists()
    shop.csv("orders", PLAIN).read()
    assert list(shop.quarantine.iterdir()) == []


def test_too_many_bad_rows_stop_the_run_after_the_quarantine_is_written(shop: Shop) -> None:
    """The message names the table, the share, the reasons and where the rows are."""
    shop.csv("orders", PLAIN + "c,never,1\n")
    with pytest.raises(
        ContractError, match=r"orders: 1 of 4 rows \(25.0%\).*ordered_at is no time \(1\)"
    ) as error:
        shop.read(max_bad_share=0.2)
    assert "quarantine/orders.parquet" in str(error.value)
    assert len(shop.put_aside()) == 1
    assert shop.read(max_bad_share=0.25).accounts["orders"].rows_bad == 1


def test_customers_of_bad_rows_only_are_invalid(shop: Shop) -> None:
    """A customer with one good row is none of them."""
    store = shop.csv("orders", PLAIN + "c,never,1\na,never,1\n").read()
    assert dict(store.invalid) == {"c": "ordered_at is no time"}
    assert store.customer_ids.tolist() == ["a", "b"]


@pytest.mark.parametrize("text", ["customer_id,ordered_at\n", "customer_id,ordered_at\na,never\n"])
def test_main_table_without_good_rows_is_refused(shop: Shop, text: str) -> None:
    """An empty order table, or one of bad rows only, ends the run."""
    with pytest.raises(ContractError, match=r"orders has no usable row"):
        shop.csv("orders", text).read()


def test_empty_side_table_is_warned_of(shop: Shop) -> None:
    """Feedback may be empty; the store then has no rows of it and says so."""
    store = shop.csv("orders", PLAIN).csv("feedback", "customer_id,given_at,rating\n").read()
    assert len(store.tables["feedback"]) == 0
    assert store.accounts["feedback"].first_event is None
    assert store.warnings == ("feedback has no usable row.",)


def test_one_customer_is_enough(shop: Shop) -> None:
    """A store of a single customer is a store."""
    assert shop.csv("orders", "customer_id,ordered_at\na,2023-01-01\n").read().customer_ids.tolist() == ["a"]


def test_customers_are_the_union_of_all_tables(shop: Shop) -> None:
    """A customer who only wrote feedback is known; the tables count within the same ids."""
    store = (
        shop.csv("orders", PLAIN)
        .csv("feedback", "customer_id,given_at,text\naa,2023-01-01,hm\nb,2023-02-01,ok\n")
        .read()
    )
    assert store.customer_ids.tolist() == ["a", "aa", "b"]
    assert store.tables["orders"].customer.tolist() == [0, 0, 2]
    assert store.tables["feedback"].customer.tolist() == [1, 2]


def test_table_of_strangers_is_warned_of(shop: Shop) -> None:
    """No customer in common with the orders hints at ids written in another way."""
    store = shop.csv("orders", PLAIN).csv("feedback", "customer_id,given_at\nX-1,2023-01-01\n").read()
    assert store.warnings[0].startswith("No customer of feedback occurs in orders")


def test_ids_join_whatever_their_type(shop: Shop) -> None:
    """12345 as a number, as text, and as the float that a gap makes of it are one customer."""
    when = [instant("2023-01-01")] * 2
    pq.write_table(
        pa.table({"customer_id": pa.array([12345, 7]), "ordered_at": pa.array(when, pa.timestamp("us"))}),
        shop.folder / "o.parquet",
    )
    pq.write_table(
        pa.table({"customer_id": pa.array([12345.0, None]), "given_at": pa.array(when, pa.timestamp("us"))}),
        shop.folder / "f.parquet",
    )
    shop.at("orders", "o.parquet").at("feedback", "f.parquet")
    shop.csv("messages", "customer_id,sent_at\n 12345 ,2023-01-01\n")
    shop.csv("contracts", "customer_id,started_at\n12345.0,2023-01-01\n7.0,2023-01-01\n")
    store = shop.read()
    assert store.customer_ids.tolist() == ["12345", "7"]
    assert store.accounts["feedback"].reasons == {"customer_id is empty": 1}


def test_ids_keep_leading_zeros_and_real_decimals(shop: Shop) -> None:
    """Text ids stay as they are unless all of them are whole numbers with '.0'."""
    store = shop.csv(
        "orders", "customer_id,ordered_at\n007,2023-01-01\n7.0,2023-01-01\nx,2023-01-01\n"
    ).read()
    assert store.customer_ids.tolist() == ["007", "7.0", "x"]


def test_written_out_nothing_is_no_customer(shop: Shop) -> None:
    """'nan' and 'NULL', as exports write gaps, are not two big customers."""
    assert shop.csv("orders", PLAIN + "nan,2023-01-01,1\nNULL,2023-01-01,1\n").reasons() == {
        "customer_id is empty": 2
    }


def test_only_the_tables_asked_for_are_read(shop: Shop) -> None:
    """A broken table that nobody asked for does no harm."""
    shop.csv("orders", PLAIN).at("feedback", "nowhere.csv")
    assert list(shop.read(tables=["orders"]).tables) == ["orders"]
    with pytest.raises(ConfigError, match=r"no table 'order'. Did you mean 'orders'"):
        shop.read(tables=["order"])


def test_a_tickets_events_belong_to_its_customer(shop: Shop, texts: Any) -> None:
    """The history of a ticket needs no customer of its own; an unknown ticket's event is bad."""
    shop.csv("tickets", "ticket_id,customer_id,opened_at\nt1,a,2023-01-01\nt2,b,2023-01-01\n")
    shop.csv("ticket_events", "ticket_id,happened_at,state\nt2,2023-01-02,open\nt9,2023-01-02,open\n")
    store = shop.read(tables=["ticket_events"])
    assert store.tables["ticket_events"].customer.tolist() == [1]
    assert texts(store, "ticket_events", "ticket_id") == ["t2"]
    assert store.accounts["ticket_events"].reasons == {"ticket_id names no known ticket": 1}


def test_ticket_events_need_a_customer_from_somewhere(shop: Shop) -> None:
    """Without tickets and without customer_id nobody can tell whose events they are."""
    shop.csv("ticket_events", "ticket_id,happened_at\nt2,2023-01-02\n")
    with pytest.raises(SourceError, match=r"add \[source.tables.tickets\]"):
        shop.read()
    shop.csv("ticket_events", "ticket_id,happened_at,customer_id\nt2,2023-01-02,a\n")
    assert shop.read().customer_ids.tolist() == ["a"]


def test_a_fact_is_known_when_it_was_recorded(shop: Shop) -> None:
    """``known`` is the later of the time and the time of recording."""
    text = "customer_id,ordered_at,recorded_at\na,2023-01-01,2023-01-05\nb,2023-01-01,\nc,2023-01-02,2023-01-01\n"
    orders = shop.csv("orders", text).read().tables["orders"]
    assert orders.known.tolist() == [instant(f"2023-01-0{day}") for day in (5, 1, 2)]


def test_a_table_without_time_has_none(shop: Shop) -> None:
    """Customers happen at no instant."""
    store = shop.csv(
        "customers", "customer_id,birth_date,consent_email\na,1980-02-03,yes\nb,,no\nc,,\n"
    ).read()
    customers = store.tables["customers"]
    assert customers.time.tolist() == [NEVER] * 3
    assert customers.columns["birth_date"].values.tolist() == [0, -1, -1]
    assert customers.columns["consent_email"].values.tolist() == [1, 0, -1]
    assert customers.columns["consent_email"].values.dtype == np.int8


def test_levels_are_in_code_point_order(shop: Shop) -> None:
    """Capitals, small letters, accents, Chinese and what is beyond the basic plane, as Python sorts them."""
    words = ["z", "Z", "é", "中", "\U0001f600", "\uffee", "a"]
    text = "customer_id,ordered_at,category\n" + "".join(f"c,2023-01-01,{word}\n" for word in words)
    levels = shop.csv("orders", text).read().tables["orders"].columns["category"].levels
    assert levels is not None
    assert levels.tolist() == sorted(words)


def test_sources_are_only_read(shop: Shop) -> None:
    """Nothing beside the quarantine is written, and no source changes."""
    shop.csv("orders", PLAIN + "c,never,1\n", written="utf-16")
    before = {one: hashlib.sha256(one.read_bytes()).hexdigest() for one in shop.folder.rglob("*")}
    shop.read()
    after = {
        one: hashlib.sha256(one.read_bytes()).hexdigest() for one in shop.folder.rglob("*") if one.is_file()
    }
    quarantine = shop.quarantine / "orders.parquet"
    assert after.pop(quarantine)
    assert before == after
    assert sorted(one.name for one in shop.quarantine.iterdir()) == ["orders.parquet"]


def test_progress_is_told(shop: Shop) -> None:
    """One line a table."""
    told: list[str] = []
    read_events(SourceSettings(shop.csv("orders", PLAIN).tables, shop.folder), progress=told.append)
    assert told == ["reading orders", "sorting"]


def test_no_table_is_an_empty_store(shop: Shop) -> None:
    """Asking for nothing gives nothing."""
    store = shop.csv("orders", PLAIN).read(tables=[])
    assert store.customer_ids.tolist() == []
    assert dict(store.tables) == {}


def test_rows_can_be_selected(shop: Shop) -> None:
    """A table of some of its rows keeps its columns."""
    orders = shop.csv("orders", PLAIN).read().tables["orders"]
    late = orders.select(orders.time >= instant("2023-01-01"))
    assert late.columns["amount"].values.tolist() == [1000, 250]


def test_a_quarantine_that_cannot_be_written_is_one_clear_error(shop: Shop) -> None:
    """A file where the folder should be."""
    shop.csv("orders", PLAIN + "c,never,1\n")
    shop.quarantine.write_text("in the way")
    with pytest.raises(OutputError, match=r"cannot be written"):
        shop.read()


@pytest.mark.parametrize("zone", ["posix/Europe/London", "localtime", "right/UTC"])
def test_a_zone_of_this_machine_alone_is_refused(
    shop: Shop, zone: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whether Python finds such a zone differs from machine to machine; the database never does."""
    monkeypatch.setattr("retain.events.source.zone_named", lambda _name: None)
    with pytest.raises(ConfigError, match=rf"no time zone '{zone}'. Use an IANA name"):
        shop.csv("orders", PLAIN).read(zone=zone)
