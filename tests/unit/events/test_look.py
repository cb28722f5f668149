from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from retain.errors import SourceError
from retain.events.look import look
from retain.events.schemas import SCHEMAS, Kind
from retain.events.synonyms import _COLUMNS, TABLES, WORDS, best_column, words_of

if TYPE_CHECKING:
    from pathlib import Path


def _put(folder: Path, name: str, text: str, encoding: str = "utf-8") -> None:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode(encoding))


def test_a_folder_of_exports_is_recognised(tmp_path: Path) -> None:
    """Files, formats, tables and columns are found, and numbered files are one table."""
    for part in (1, 2):
        _put(
            tmp_path,
            f"sales/part-{part}.csv",
            "CustomerID;InvoiceNo;InvoiceDate;Total;Type;Note\n1;7;2023-01-01;5,5;Refund;x\n1;8;2023-01-02;5,5;Order;y\n",
        )
    _put(tmp_path, "отзывы.csv", "клиент,дата,текст,оценка\n1,2023-01-01,Хорошо и быстро,5\n", "cp1251")
    _put(tmp_path, "clients.jsonl", '{"client_id": 1, "country": "KZ"}\n')
    _put(tmp_path, "weather.csv", "day,degrees\n2023-01-01,3\n")
    found = look(tmp_path)
    assert {one.path: one.format for one in found.files} == {
        "clients.jsonl": "jsonl, utf-8",
        "sales/part-*.csv": "csv, utf-8, ';'",
        "weather.csv": "csv, utf-8, ','",
        "отзывы.csv": "csv, cp1251, ','",
    }
    assert {table: source.path for table, source in found.tables.items()} == {
        "customers": "clients.jsonl",
        "orders": "sales/part-*.csv",
        "feedback": "отзывы.csv",
    }
    assert found.tables["orders"].columns == {
        "customer_id": "CustomerID",
        "ordered_at": "InvoiceDate",
        "amount": "Total",
        "order_id": "InvoiceNo",
    }
    assert found.tables["feedback"].columns == {
        "customer_id": "клиент",
        "given_at": "дата",
        "text": "текст",
        "rating": "оценка",
    }
    assert "'weather.csv' looks like no table of the contract." in found.notes
    assert "'sales/part-*.csv' as orders: not used: Type, Note." in found.notes


def test_usual_words_for_kinds_are_mapped(tmp_path: Path) -> None:
    """A source that says order and refund gets its values translated; other values are not even kept."""
    _put(
        tmp_path,
        "orders.csv",
        "customer_id,ordered_at,kind,category\n1,2023-01-01,order,secret\n1,2023-01-02,Refund,secret\n1,2023-01-03,sale,s\n",
    )
    found = look(tmp_path / "orders.csv")
    assert found.tables["orders"].values == {"kind": {"order": "sale", "Refund": "return"}}
    assert "secret" not in repr(found)


def test_columns_are_described_without_examples(tmp_path: Path) -> None:
    """How full, how many different values, and what they look like."""
    _put(tmp_path, "orders.csv", "customer_id,ordered_at,amount\na,01.02.2023,1\na,02.02.2023,\n")
    (file,) = look(tmp_path).files
    assert [(one.name, one.filled, one.distinct, one.kind) for one in file.columns] == [
        ("customer_id", 1.0, 1, Kind.TEXT),
        ("ordered_at", 1.0, 2, Kind.TIME),
        ("amount", 0.5, 1, Kind.NUMBER),
    ]


def test_an_unreadable_file_is_a_note(tmp_path: Path) -> None:
    """One broken file does not hide the others."""
    _put(tmp_path, "orders.csv", "customer_id,ordered_at\na,2023-01-01\n")
    _put(tmp_path, "broken.parquet", "none")
    found = look(tmp_path)
    assert list(found.tables) == ["orders"]
    assert any("'broken.parquet' cannot be read as parquet" in one for one in found.notes)


def test_an_empty_folder_is_refused(tmp_path: Path) -> None:
    """There is nothing to look at."""
    with pytest.raises(SourceError, match="holds no data file"):
        look(tmp_path)


def test_a_log_of_tickets_is_told_from_the_tickets(tmp_path: Path) -> None:
    """A row a ticket is one thing, a row a change another."""
    _put(tmp_path, "incidents.csv", "number,caller_id,opened_at,category\n1,a,2023-01-01,x\n")
    _put(
        tmp_path, "event_log.csv", "number,sys_updated_at,ident_state\n1,2023-01-01,New\n1,2023-01-02,Done\n"
    )
    found = look(tmp_path)
    assert {table: one.path for table, one in found.tables.items()} == {
        "tickets": "incidents.csv",
        "ticket_events": "event_log.csv",
    }


@pytest.mark.parametrize(
    ("header", "row"),
    [
        ("client_id,subscription_start,subscription_end,mrr,plan", "a,2024-01-01,2024-06-01,10,basic"),
        ("contract_id,customer_id,starts_at,ends_at", "1,a,2024-01-01,2024-06-01"),
        ("user_id,signup_date,cancel_date,plan_name", "a,2024-01-01,2024-06-01,basic"),
    ],
)
def test_subscriptions_are_contracts_whatever_the_file_is_called(
    tmp_path: Path, header: str, row: str
) -> None:
    """A start and an end of something are a contract, not a list of customers."""
    _put(tmp_path, "export.csv", f"{header}\n{row}\n")
    found = look(tmp_path)
    columns = {
        **dict.fromkeys(("customer_id", "started_at", "ended_at")),
        **found.tables["contracts"].columns,
    }
    assert [columns["started_at"], columns["ended_at"]] == [
        one for one in header.split(",") if one.startswith(("sub", "start", "end", "sign", "cancel"))
    ]


def test_synonyms_are_of_the_contract() -> None:
    """Every name that has synonyms is a table, column or allowed value."""
    columns = {one.name: one for schema in SCHEMAS.values() for one in schema.fields}
    assert set(TABLES) == set(SCHEMAS)
    assert set(_COLUMNS) <= set(columns)
    for name, words in WORDS.items():
        fixed = ("yes", "no") if columns[name].kind is Kind.FLAG else columns[name].allowed
        assert set(words) == set(fixed)


def test_names_are_compared_by_their_words() -> None:
    """Letter case and what joins the words do not matter; what the values look like does."""
    assert words_of("InvoiceDate 2-x") == {"invoice", "date", "2", "x"}
    assert best_column("orders", "customer_id", Kind.KEY, {"Customer ID": Kind.NUMBER}) == "Customer ID"
    assert best_column("orders", "amount", Kind.MONEY, {"total": Kind.TEXT}) is None
    assert best_column("messages", "opened_at", Kind.TIME, {"created_at": Kind.TIME}) is None


def test_a_list_with_many_rows_a_customer_is_no_customer_list(tmp_path: Path) -> None:
    """Yes-or-no columns are seen, and a repeated customer is an event of some kind."""
    (tmp_path / "members.jsonl").write_text(
        '{"customer_id": 1, "vip": true}\n{"customer_id": 1, "vip": false}\n'
    )
    assert dict(look(tmp_path).tables) == {}


def test_the_only_time_of_a_named_table_is_its_time(tmp_path: Path) -> None:
    """``reviews`` with one column of dates, whatever that is called, and digits in names count once."""
    for number in (10, 11):
        _put(tmp_path, f"reviews{number}.csv", "customer_id,day_of_visit\na,2023-01-01\n")
    (source,) = look(tmp_path).tables.values()
    assert source.path == "reviews*.csv"
    assert source.columns == {"given_at": "day_of_visit"}


def test_flags_and_bare_lists_are_seen(tmp_path: Path) -> None:
    """Typed yes-or-no columns are flags; a customer and a time alone are no table without a name that says so."""
    table = pa.table({"customer_id": ["a"], "consent_email": [True], "vip": [False]})
    pq.write_table(table, tmp_path / "people.parquet")
    _put(tmp_path, "redeemed.csv", "customer_id,sent_at\na,2023-01-01\na,2023-01-02\n")
    found = look(tmp_path)
    assert list(found.tables) == ["customers"]
    assert found.tables["customers"].columns == {}
    assert found.files[0].columns[1].kind is Kind.FLAG
