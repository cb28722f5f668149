"""Columns of customers that the configuration admits."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from retain.errors import ConfigError, SourceError
from retain.events.source import TableSource
from retain.timeline import instant

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.unit.events.conftest import Shop

    from retain.events.store import Column, EventStore

    Texts = Callable[[EventStore, str, str], list[str | None]]

SOME = """
customer_id,Contract,tenure,Total,since,Zip
a,Month-to-month,1,"1.234,50",2023-05-01,01234
b, One year ,34, ,2023-06-30,98000
c,,2,"7,25",,12
"""


def read(shop: Shop, text: str, **static: str) -> dict[str, Column]:
    """The table of customers with these columns admitted."""
    return dict(shop.csv("customers", text, static=static).read().tables["customers"].columns)


def test_what_a_column_holds_is_found_from_its_values(shop: Shop, texts: Texts) -> None:
    """Numbers in whatever way they are written, dates, and words for all the rest; a blank is not known."""
    found = read(shop, SOME, Contract="auto", tenure="auto", Total="auto", since="auto")
    assert found["tenure"].values.tolist() == [1, 34, 2]
    assert found["Total"].values[0] == 1234.5
    assert np.isnan(found["Total"].values[1])
    assert found["since"].values[:2].tolist() == [instant("2023-05-01"), instant("2023-06-30")]
    assert texts(shop.read(), "customers", "Contract") == ["Month-to-month", "One year", None]


def test_what_is_said_overrules_what_is_seen(shop: Shop, texts: Texts) -> None:
    """Postcodes are words, though they are written in digits."""
    shop.csv("customers", SOME, static={"Zip": "category"})
    assert texts(shop.read(), "customers", "Zip") == ["01234", "98000", "12"]


def test_columns_may_be_renamed_and_translated(shop: Shop, texts: Texts) -> None:
    """As those of the contract."""
    shop.csv(
        "customers",
        SOME,
        columns={"plan": "Contract"},
        values={"plan": {"Month-to-month": "monthly"}},
        static={"plan": "auto"},
    )
    assert texts(shop.read(), "customers", "plan") == ["monthly", "One year", None]


@pytest.mark.parametrize(
    ("values", "held"),
    [
        (pa.array([1, 2], pa.int8()), "f"),
        (pa.array([1.5, None], pa.float32()), "f"),
        (pa.array([True, False]), "words"),
        (pa.array([1, None], pa.date32()), "i"),
        (pa.array([1, None], pa.timestamp("us")), "i"),
        (pa.array(["1", "2"]), "f"),
        (pa.array(["1", "many"]), "words"),
        (pa.array([None, None], pa.string()), "words"),
    ],
)
def test_types_of_parquet_tell_what_a_column_holds(shop: Shop, values: pa.Array, held: str) -> None:
    """Numbers are numbers, flags are words, and texts are looked at."""
    path = shop.folder / "customers.parquet"
    pq.write_table(pa.table({"customer_id": ["a", "b"], "x": values}), path)
    column = shop.at("customers", path.name, static={"x": "auto"}).read().tables["customers"].columns["x"]
    assert (column.levels is not None and "words") or column.values.dtype.kind == held


def test_a_few_values_that_are_no_number_are_bad_rows(shop: Shop) -> None:
    """With the column's name as the reason; infinite ones too."""
    rows = "".join(f"c{at:02},{at}\n" for at in range(60))
    shop.csv("customers", f"customer_id,x\n{rows}d,many\ne,1e999\n", static={"x": "auto"})
    store = shop.read()
    assert store.accounts["customers"].reasons == {"x is no number": 2}
    assert sorted(store.invalid) == ["d", "e"]


def test_a_date_may_lie_in_the_future(shop: Shop) -> None:
    """The day a contract ends is a plan."""
    found = read(shop, "customer_id,ends\na,2031-01-01\n", ends="date")
    assert found["ends"].values.tolist() == [instant("2031-01-01")]


def test_the_fingerprint_covers_attributes(shop: Shop) -> None:
    """Another word of one customer is other data."""
    first = shop.csv("customers", SOME, static={"Contract": "auto"}).read().accounts["customers"]
    again = shop.csv("customers", SOME.replace("One", "Two"), static={"Contract": "auto"})
    assert again.read().accounts["customers"].fingerprint != first.fingerprint


@pytest.mark.parametrize(
    ("static", "more", "said"),
    [
        ({"x": "colour"}, {}, "x = 'colour'"),
        ({"label": "auto"}, {}, "label is read as label, which cannot be a feature"),
        ({"Churn": "auto"}, {"label": "Churn"}, "Churn is read as label"),
        ({"churn": "auto"}, {"label": "Churn"}, "churn is read as label"),
        ({"left": "auto"}, {"label": "Churn", "left": "Churn"}, "left is read as label"),
        ({"country": "category"}, {}, "what country holds is part of the contract. Write 'auto'"),
    ],
)
def test_what_cannot_be_admitted_is_refused(static: dict[str, str], more: Any, said: str) -> None:
    """The outcome and the customer's name above all, whatever they are called."""
    from retain.events.source import SourceSettings  # noqa: PLC0415  # the subject of this test alone

    with pytest.raises(ConfigError, match=said):
        SourceSettings({"customers": TableSource("c.csv", more, static=static)})


def test_only_customers_have_attributes(shop: Shop) -> None:
    """A column of orders has a time, and features of its own."""
    shop.csv("orders", "customer_id,ordered_at,x\na,2023-01-01,1\n", static={"x": "auto"})
    with pytest.raises(ConfigError, match="only columns of customers can be static"):
        shop.read()


def test_a_column_that_no_file_has_is_named(shop: Shop) -> None:
    """With the nearest one that there is."""
    shop.csv("customers", SOME, static={"Contrakt": "auto"})
    with pytest.raises(SourceError, match=r"no column 'Contrakt'\. Did you mean 'Contract'"):
        shop.read()
