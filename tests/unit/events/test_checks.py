from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from retain.errors import ContractError
from retain.events.checks import ENDS, PLANNED
from retain.events.schemas import SCHEMAS, Kind
from retain.timeline import instant

if TYPE_CHECKING:
    from tests.unit.events.conftest import Shop

ONE = {
    Kind.KEY: "k1",
    Kind.TIME: "2023-01-01",
    Kind.DATE: "1980-01-01",
    Kind.MONEY: "1",
    Kind.NUMBER: "1",
    Kind.TEXT: "x",
    Kind.FLAG: "yes",
}
UNREADABLE = {
    Kind.TIME: "31.02.2011",
    Kind.DATE: "yesterday",
    Kind.MONEY: "1.2.3",
    Kind.NUMBER: "many",
    Kind.FLAG: "maybe",
}


def _row(table: str, **changes: str) -> str:
    """One row with every column of the table, good but for the changes."""
    values = {one.name: one.allowed[0] if one.allowed else ONE[one.kind] for one in SCHEMAS[table].fields}
    values |= changes
    return ",".join(values) + "\n" + ",".join(values.values()) + "\n"


def _reasons(shop: Shop, table: str, **changes: str) -> dict[str, int]:
    shop.csv("customers", "customer_id\nx\n")
    shop.csv("tickets", "ticket_id,customer_id,opened_at\nk1,x,2023-01-01\n")
    shop.csv(table, _row(table, **changes))
    try:
        return dict(shop.reasons(table))
    except ContractError:
        # The only row of a main table was bad.
        return {one["reason"]: 1 for one in shop.put_aside(table)}


@pytest.mark.parametrize("table", SCHEMAS)
def test_a_good_row_of_every_table_passes(shop: Shop, table: str) -> None:
    """A row with every column of the contract filled in is good."""
    assert _reasons(shop, table) == {}


@pytest.mark.parametrize(("table", "column"), [(t, c) for t, s in SCHEMAS.items() for c in s.required])
def test_a_required_value_may_not_be_empty(shop: Shop, table: str, column: str) -> None:
    """Blanks and nothing are both empty."""
    assert _reasons(shop, table, **{column: "  "}) == {f"{column} is empty": 1}


@pytest.mark.parametrize(
    ("table", "column"),
    [(t, f.name) for t, s in SCHEMAS.items() for f in s.fields if f.kind in UNREADABLE],
)
def test_a_value_has_to_be_of_its_kind(shop: Shop, table: str, column: str) -> None:
    """What cannot be read is no silent gap."""
    kind = SCHEMAS[table][column].kind
    (reason,) = _reasons(shop, table, **{column: UNREADABLE[kind]})
    assert reason.startswith(f"{column} is n")


@pytest.mark.parametrize("value", ["1899-12-31", "0202-01-01", "2200-01-01", "9999-12-31"])
def test_impossible_times_are_put_aside(shop: Shop, value: str) -> None:
    """Nobody ordered before 1900 or will after 2200."""
    assert _reasons(shop, "orders", ordered_at=value) == {
        "ordered_at is an impossible time: before 1900 or after 2200": 1
    }


@pytest.mark.parametrize(
    ("table", "column"),
    [
        (t, f.name)
        for t, s in SCHEMAS.items()
        for f in s.fields
        if f.kind in (Kind.TIME, Kind.DATE) and f.name not in PLANNED
    ],
)
def test_the_future_has_not_happened(shop: Shop, table: str, column: str) -> None:
    """A time more than a day after the present is bad, in every column."""
    assert _reasons(shop, table, **{column: "2024-01-03"}) == {f"{column} is in the future": 1}
    ends = [end for end, begin in ENDS.get(table, {}).items() if begin == column]
    tomorrow = dict.fromkeys([column, *ends], "2024-01-02")
    assert _reasons(shop, table, **tomorrow) == {}


def test_plans_may_lie_in_the_future(shop: Shop) -> None:
    """A promised delivery and a contract's agreed end are known before they happen."""
    assert _reasons(shop, "orders", promised_at="2024-06-01") == {}
    assert _reasons(shop, "contracts", ended_at="2025-06-01") == {}


def test_an_open_end_is_no_end(shop: Shop) -> None:
    """9999-12-31 in ended_at means that the contract runs."""
    store = shop.csv("contracts", "customer_id,started_at,ended_at\na,2023-01-01,9999-12-31\n").read()
    assert store.tables["contracts"].columns["ended_at"].values.tolist() == [-(2**63)]


@pytest.mark.parametrize(("table", "end"), [(t, e) for t, ends in ENDS.items() for e in ends])
def test_an_end_is_not_before_its_beginning(shop: Shop, table: str, end: str) -> None:
    """The day before is too early; the bare day itself is not."""
    begin = ENDS[table][end]
    late = dict.fromkeys([*ENDS[table], begin], "2023-01-01 12:00")
    assert _reasons(shop, table, **{**late, end: "2022-12-31"}) == {f"{end} is before {begin}": 1}
    assert _reasons(shop, table, **{**late, end: "2023-01-01 11:59"}) == {f"{end} is before {begin}": 1}
    assert _reasons(shop, table, **{**late, end: "2023-01-01"}) == {}


def test_a_return_may_come_after_its_delivery(shop: Shop) -> None:
    """A return keeps the delivery date of what was once ordered."""
    assert _reasons(shop, "orders", kind="return", delivered_at="2022-06-01") == {}


@pytest.mark.parametrize(
    ("table", "column"), [(t, f.name) for t, s in SCHEMAS.items() for f in s.fields if f.minimum is not None]
)
def test_a_number_is_not_below_its_minimum(shop: Shop, table: str, column: str) -> None:
    """A negative discount or a rating scale that ends below 1 is bad."""
    minimum = SCHEMAS[table][column].minimum
    assert _reasons(shop, table, **{column: "-3"}) == {f"{column} is below {minimum:g}": 1}


def test_a_sale_is_not_negative(shop: Shop) -> None:
    """A negative amount on a row that says it is a sale is bad."""
    text = "customer_id,ordered_at,amount,kind\na,2023-01-01,-1,sale\na,2023-01-01,1,sale\n"
    assert shop.csv("orders", text).reasons() == {"amount is negative, but kind is sale": 1}


def test_returns_are_stored_negative(shop: Shop, texts: Any) -> None:
    """Whether the source writes a return as -3 or as 3, it is -3; an empty kind goes by the sign."""
    text = """
    customer_id,ordered_at,amount,kind
    a,2023-01-01,-3,return
    b,2023-01-01,3,Return
    c,2023-01-01,-3,
    d,2023-01-01,3,
    """
    store = shop.csv("orders", text).read()
    assert store.tables["orders"].columns["amount"].values.tolist() == [-300, -300, -300, 300]
    assert texts(store, "orders", "kind") == ["return", "return", "return", "sale"]


def test_without_a_kind_a_negative_amount_is_a_return(shop: Shop, texts: Any) -> None:
    """The store then says so; without a negative amount there is no kind at all."""
    store = shop.csv("orders", "customer_id,ordered_at,amount\na,2023-01-01,-3\nb,2023-01-01,3\n").read()
    assert texts(store, "orders", "kind") == ["return", "sale"]
    assert store.warnings == ("orders has no kind: 1 rows with a negative amount were taken for returns.",)
    store = shop.csv("orders", "customer_id,ordered_at,amount\nb,2023-01-01,3\n").read()
    assert list(store.tables["orders"].columns) == ["amount"]
    assert store.warnings == ()


def test_an_unknown_kind_is_bad_and_the_message_says_how_to_map_it(shop: Shop) -> None:
    """The config line to add stands in the warning and in the error."""
    shop.csv(
        "orders", "customer_id,ordered_at,kind\na,2023-01-01,sales\nb,2023-01-01,sales\na,2023-01-02,sale\n"
    )
    store = shop.read()
    assert store.accounts["orders"].reasons == {"kind is none of: sale, return": 2}
    assert "Did you mean 'sale'?" in store.warnings[0]
    with pytest.raises(ContractError, match=r'kind = \{ "sales" = "sale" \}'):
        shop.read(max_bad_share=0.1)


def test_a_message_quotes_no_value_that_may_be_personal(shop: Shop) -> None:
    """A column of addresses or names that was mapped by mistake stays in the quarantine."""
    people = ("ann@example.org", "ann@example.org", "Bo Li", "12345", "12345")
    rows = "".join(f"{at},2023-01-01,{who}\n" for at, who in enumerate(people))
    shop.csv("orders", f"customer_id,ordered_at,kind\n{rows}9,2023-01-02,sale\n")
    said = " ".join(shop.read().warnings)
    assert "ann" not in said
    assert "Bo" not in said
    assert "12345" not in said


def test_values_are_translated(shop: Shop, texts: Any) -> None:
    """The owner's words become ours; an empty one means that nothing is known."""
    shop.csv(
        "orders",
        "customer_id,ordered_at,kind,category\na,2023-01-01,order,?\nb,2023-01-01,refund,toys\n",
        values={"kind": {"order": "sale", "refund": "return"}, "category": {"?": ""}},
    )
    store = shop.read()
    assert texts(store, "orders", "kind") == ["sale", "return"]
    assert texts(store, "orders", "category") == [None, "toys"]


LINES = "customer_id,ordered_at,order_id,line_id,amount,kind\n"


def test_the_second_row_of_the_same_name_is_a_duplicate(shop: Shop) -> None:
    """Which of the two stays does not depend on their order."""
    one, two = "a,2023-01-01,o1,1,5,sale\n", "a,2023-01-01,o1,1,4,sale\n"
    for text in (LINES + one + two, LINES + two + one):
        store = shop.csv("orders", text).read()
        assert store.accounts["orders"].reasons == {
            "duplicate: another row has the same order_id and line_id": 1
        }
        assert store.tables["orders"].columns["amount"].values.tolist() == [400]


def test_a_return_of_a_line_is_no_duplicate(shop: Shop) -> None:
    """A return may carry the name of the order line that it takes back."""
    text = LINES + "a,2023-01-01,o1,1,5,sale\na,2023-01-05,o1,1,-5,return\n"
    assert shop.csv("orders", text).reasons() == {}


@pytest.mark.parametrize(
    ("header", "row", "bad"),
    [
        ("order_id,product_id", "o1,p1", 1),
        ("order_id", "o1", 1),
        ("order_id,line_id", "o1,", 1),
        ("product_id", "p1", 0),
        ("order_id", "", 0),
        ("line_id", "1", 0),
    ],
)
def test_equal_order_lines_are_duplicates_only_within_an_order(
    shop: Shop, header: str, row: str, bad: int
) -> None:
    """Two equal lines of an order are one line; two equal rows without an order may both have happened."""
    text = f"customer_id,ordered_at,amount,{header}\n" + f"a,2023-01-01,5,{row}\n" * 2
    assert sum(shop.csv("orders", text).reasons().values()) == bad


def test_lines_of_an_order_that_differ_are_kept(shop: Shop) -> None:
    """Another product is another line."""
    text = "customer_id,ordered_at,order_id,product_id\na,2023-01-01,o1,p1\na,2023-01-01,o1,p2\n"
    assert shop.csv("orders", text).reasons() == {}


def test_a_customer_occurs_once(shop: Shop) -> None:
    """A second row of a customer is a duplicate, whatever else it says."""
    text = "customer_id,country\na,UK\na,FR\nb,UK\n"
    assert shop.csv("customers", text).reasons("customers") == {
        "duplicate: another row has the same customer_id": 1
    }


def test_the_first_reason_counts(shop: Shop) -> None:
    """A row with two faults is put aside once."""
    assert shop.csv("orders", "customer_id,ordered_at\n,never\na,2023-01-01\n").reasons() == {
        "customer_id is empty": 1
    }


@pytest.mark.parametrize("many", ["1e20", "-1e13", "1000000000001"])
def test_a_number_beyond_any_sense_is_put_aside(shop: Shop, many: str) -> None:
    """One such row would drown every sum."""
    head = "customer_id,ordered_at,quantity\n"
    shop.csv("orders", head + f"a,2023-01-01,1000000000000\nb,2023-01-01,{many}\nc,2023-01-01,-3\n")
    store = shop.read()
    assert store.customer_ids.tolist() == ["a", "c"]
    assert store.accounts["orders"].reasons == {"quantity is too large": 1}


def test_an_endless_float_is_put_aside(shop: Shop) -> None:
    """Also where a file holds numbers as such; a gap stays a gap."""
    table = pa.table(
        {
            "customer_id": ["a", "b", "c", "d"],
            "ordered_at": ["2023-01-01"] * 4,
            "quantity": [1.0, float("inf"), float("nan"), 1e20],
        }
    )
    pq.write_table(table, shop.folder / "o.parquet")
    assert shop.at("orders", "o.parquet").read().customer_ids.tolist() == ["a", "c"]
    assert shop.reasons() == {"quantity is no number": 1, "quantity is too large": 1}


@pytest.mark.parametrize(
    ("promised", "read"),
    [
        ("2023-02-12", "2023-02-12T22:59:59.999999"),
        ("2023-02-12 00:00", "2023-02-12T22:59:59.999999"),
        ("2023-02-12 20:00", "2023-02-12T19:00"),
    ],
)
def test_a_promise_for_a_day_lasts_until_its_end(shop: Shop, promised: str, read: str) -> None:
    """In the shop's own time zone; a promise with a time of day is what it says."""
    shop.csv("orders", f"customer_id,ordered_at,promised_at\na,2023-02-10 09:00,{promised}\n")
    store = shop.read(zone="Europe/Berlin")
    assert store.tables["orders"].columns["promised_at"].values.tolist() == [instant(read)]
