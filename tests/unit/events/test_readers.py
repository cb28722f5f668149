from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from retain.errors import ConfigError, SourceError, UserError
from retain.events.source import SourceSettings, TableSource

if TYPE_CHECKING:
    from tests.unit.events.conftest import Shop

HEAD = "customer_id,ordered_at,amount\n"


def test_malformed_csv_lines_are_put_aside(shop: Shop) -> None:
    """Too few fields, too many, a stray quote: each with its row number, and the others stay."""
    shop.csv(
        "orders",
        HEAD
        + 'a,2023-01-01,1\nb,2023-01-01\nc,2023-01-01,1,1\nd,2023-01-01,"1"2\ne,never,1\nf,2023-01-01,1\n',
    )
    store = shop.read()
    assert store.customer_ids.tolist() == ["a", "f"]
    assert [(one["row"], one["reason"]) for one in shop.put_aside()] == [
        (2, "malformed line: too few fields"),
        (3, "malformed line: too many fields"),
        (4, "malformed line: a quote is not closed"),
        (5, "ordered_at is no time"),
    ]
    assert shop.put_aside()[0]["row_json"] == '{"line":"b,2023-01-01"}'
    assert store.accounts["orders"].rows_read == 6


def test_an_unclosed_quote_does_not_hide_the_rows_behind_it(shop: Shop) -> None:
    """Every line that the quote swallowed is counted; too many of them stop the run."""
    shop.csv("orders", HEAD + 'a,2023-01-01,1\nb,2023-01-01,"1\n' + "c,2023-01-01,1\n" * 5)
    assert shop.read().accounts["orders"].rows_read == 7
    shop.csv("orders", HEAD + 'b,2023-01-01,"1\n' + "c,2023-01-01,1\n" * 5000)
    with pytest.raises(
        SourceError, match=r"'orders.csv': a quote that begins in line 2 or before is never closed"
    ):
        shop.read()


def test_quoted_fields_may_hold_anything(shop: Shop, texts: Any) -> None:
    """Delimiters, quotes and line ends inside quotes are text."""
    content = b'customer_id,given_at,"text"\na,2023-01-01,"one, ""two""\nthree"\n'
    assert texts(shop.file("feedback", "f.csv", content).read(), "feedback", "text") == ['one, "two"\nthree']


@pytest.mark.parametrize("mark", [",", ";", "\t", "|"])
def test_the_delimiter_is_found(shop: Shop, mark: str) -> None:
    """The one that parts every line like the header."""
    text = (
        mark.join(["customer_id", "given_at", "text"])
        + "\n"
        + mark.join(["a", "2023-01-01", "x y: z"])
        + "\n"
    )
    assert shop.csv("feedback", text).read().customer_ids.tolist() == ["a"]


def test_the_delimiter_may_be_given(shop: Shop) -> None:
    """A header that could be read in two ways is read as the config says."""
    shop.csv("orders", "customer_id|ordered_at|a,b\nx|2023-01-01|c,d\n", delimiter="|")
    assert shop.read().customer_ids.tolist() == ["x"]


def test_repeated_and_empty_column_names_do_no_harm(shop: Shop) -> None:
    """Equal names of columns that are not read are let be; a column without a name gets one."""
    store = shop.csv("orders", "customer_id,ordered_at,amount,note,note,\na,2023-01-01,1,2,3,4\n").read()
    assert store.tables["orders"].columns["amount"].values.tolist() == [100]


def test_malformed_json_lines_are_put_aside(shop: Shop) -> None:
    """Half an object, a list, a word; blank lines are nothing."""
    lines = [
        '{"customer_id": 1, "ordered_at": "2023-01-01", "amount": 1.10}',
        "",
        '{"customer_id": 2, "ordered_at',
        "[1]",
        '{"customer_id": "x", "ordered_at": "never", "deep": {"a\\"b": 1}}',
        '{"ordered_at": "2023-01-02", "customer_id": "1", "amount": null, "deep": {"a": 1}}',
    ]
    store = shop.file("orders", "o.jsonl", "\n".join(lines).encode()).read()
    assert store.tables["orders"].columns["amount"].values.tolist() == [110, -(2**63)]
    assert [(one["row"], one["reason"]) for one in shop.put_aside()] == [
        (2, "malformed line: no JSON object"),
        (3, "malformed line: no JSON object"),
        (4, "ordered_at is no time"),
    ]


def test_a_json_array_is_no_json_lines(shop: Shop) -> None:
    """The message says what to write instead."""
    shop.file("orders", "o.json", b'[\n{"customer_id": 1}\n]\n')
    with pytest.raises(SourceError, match=r"one JSON array. Write one object a line"):
        shop.read()


def test_a_folder_is_read_with_all_below_it(shop: Shop, texts: Any) -> None:
    """Partition folders give columns; hidden files and other endings are left alone."""
    for year in (2022, 2023):
        folder = shop.folder / "in" / f"channel=web{year}"
        folder.mkdir(parents=True)
        (folder / "o.csv").write_text(f"customer_id,ordered_at\na,{year}-01-01\n")
        (folder / "README.md").write_text("no data")
        (folder / "_temporary.csv").write_text("no data")
    store = shop.at("orders", "in").read()
    assert texts(store, "orders", "channel") == ["web2022", "web2023"]


def test_a_glob_takes_what_fits(shop: Shop) -> None:
    """Only the files that the pattern names."""
    for who in ("a1", "a2", "b1"):
        (shop.folder / f"{who}.csv").write_text(f"customer_id,ordered_at\n{who},2023-01-01\n")
    assert shop.at("orders", "a*.csv").read().customer_ids.tolist() == ["a1", "a2"]


@pytest.mark.parametrize(
    ("path", "words"),
    [
        (
            "ordrs.csv",
            r"\[source.tables.orders\] path = 'ordrs.csv': no such file or folder. Did you mean 'orders.csv'",
        ),
        ("nowhere/o.csv", "Its folder does not exist either"),
        ("x*.csv", "no such file or folder"),
        ("empty", "this folder holds no data file"),
        ("bundled:nothing.parquet", "the package holds no such file"),
        ("bundled:../../events/load.py", "the package holds no such file"),
        ("bundled:..", "the package holds no such file"),
        (f"bundled:{__file__}", "the package holds no such file"),
        (f"{'x' * 3000}.csv", "cannot be looked up: File name too long"),
        ("odd.dat", "the ending of 'odd.dat' does not say what it is. Set format"),
    ],
)
def test_a_missing_file_is_named(shop: Shop, path: str, words: str) -> None:
    """The message names the setting, the path, and the nearest there is."""
    shop.csv("orders", HEAD)
    (shop.folder / "empty").mkdir()
    (shop.folder / "odd.dat").write_text(HEAD)
    with pytest.raises(SourceError, match=words):
        shop.at("orders", path).read()


def test_the_format_may_be_given(shop: Shop) -> None:
    """An ending that says nothing needs the setting."""
    shop.file("orders", "o.dat", b"customer_id,ordered_at\na,2023-01-01\n", format="csv")
    assert shop.read().customer_ids.tolist() == ["a"]


def test_a_missing_column_is_named(shop: Shop) -> None:
    """With the file, the nearest name, and the config line that mends it."""
    shop.csv("orders", "customer,ordered_at\na,2023-01-01\n")
    with pytest.raises(
        SourceError, match=r"'orders.csv' has no column 'customer_id', which orders needs"
    ) as error:
        shop.read()
    assert "Did you mean 'customer'? It has: customer, ordered_at." in str(error.value)
    assert '[source.tables.orders] columns = { customer_id = "..." }' in str(error.value)


def test_a_mapped_column_has_to_exist(shop: Shop) -> None:
    """A typing error in the config is not taken for an absent column."""
    shop.csv("orders", HEAD + "a,2023-01-01,1\n", columns={"amount": "amont"})
    with pytest.raises(
        SourceError, match=r"amount = 'amont', but 'orders.csv' has no such column. Did you mean 'amount'"
    ):
        shop.read()


def test_a_required_column_may_not_be_missing_in_one_file_of_many(shop: Shop) -> None:
    """The message names that file; an optional column may be missing in some."""
    shop.csv("orders", HEAD + "a,2023-01-01,1\n", name="in/1.csv")
    shop.csv("orders", "customer_id,ordered_at\nb,2023-01-01\n", name="in/2.csv", path="in")
    assert shop.read().tables["orders"].columns["amount"].values.tolist() == [100, -(2**63)]
    shop.csv("orders", "customer_id\nb\n", name="in/3.csv", path="in")
    with pytest.raises(SourceError, match=r"'in/3.csv' has no column 'ordered_at'"):
        shop.read()


def test_names_differ_in_case_only(shop: Shop) -> None:
    """Customer_ID is customer_id where nothing else is."""
    assert shop.csv("orders", "Customer_ID,ORDERED_AT\na,2023-01-01\n").read().customer_ids.tolist() == ["a"]


def test_strange_names_are_only_names(shop: Shop) -> None:
    """Quotes in columns, values and paths are no commands."""
    name = 'it\'s "here"; DROP TABLE x'
    pq.write_table(
        pa.table({name: ["a'b"], "ordered_at": ["2023-01-01"], "kind": ["o'r\"d"]}),
        shop.folder / "it's.parquet",
    )
    shop.at("orders", "it's.parquet", columns={"customer_id": name}, values={"kind": {"o'r\"d": "sale"}})
    assert shop.read().customer_ids.tolist() == ["a'b"]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("o.parquet", b"PAR1 this is none"),
        ("o.parquet", b""),
        ("o.csv", b""),
        ("o.csv.gz", b"not compressed"),
        ("o.jsonl", b""),
    ],
)
def test_a_broken_file_is_one_clear_error(shop: Shop, name: str, content: bytes) -> None:
    """A file that is not what its ending says is named, without the machine's path."""
    with pytest.raises(SourceError, match=f"'{name}'") as error:
        shop.file("orders", name, content).read()
    assert str(shop.folder) not in str(error.value)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: TableSource(""), "empty 'path'"),
        (
            lambda: TableSource("x", format="xlsx"),
            "format = 'xlsx'.*Choose one of: auto, csv, jsonl, parquet",
        ),
        (lambda: TableSource("x", dates="day_first"), "Did you mean 'day-first'"),
        (lambda: SourceSettings({"order": TableSource("x")}), "no such table. Did you mean 'orders'"),
        (
            lambda: SourceSettings({"orders": TableSource("x", {"amout": "y"})}),
            "'amout' is no column of orders. Did you mean 'amount'",
        ),
        (
            lambda: SourceSettings({"orders": TableSource("x", values={"knd": {}})}),
            "'knd' is no column of orders. Did you mean 'kind'",
        ),
        (lambda: SourceSettings({}, zone="Mars/Base"), "no time zone"),
        (lambda: SourceSettings({}, money_exponent=9), "money_exponent is 9"),
        (lambda: SourceSettings({}, max_bad_share=2), "max_bad_share is 2"),
    ],
)
def test_settings_refuse_nonsense(make: Any, words: str) -> None:
    """A setting that means nothing is refused when it is made."""
    with pytest.raises(ConfigError, match=words) as error:
        make()
    assert isinstance(error.value, UserError)


def test_a_file_of_the_package_is_named_bundled(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """``bundled:`` looks in the package's own data."""
    data = shop.folder / "examples" / "data"
    data.mkdir(parents=True)
    (data / "o.csv").write_text("customer_id,ordered_at\na,2023-01-01\n")
    monkeypatch.setattr("retain.events.source.package_files", lambda _package: shop.folder)
    assert shop.at("orders", "bundled:o.csv").read().customer_ids.tolist() == ["a"]
    assert shop.read().accounts["orders"].rows_bad == 0


def test_a_remote_path_is_left_to_the_database(shop: Shop) -> None:
    """A path with a scheme is passed on as it is."""
    shop.csv("orders", HEAD + "a,2023-01-01,1\n")
    path = f"file://{shop.folder}/orders.csv"
    assert shop.at("orders", path).read().customer_ids.tolist() == ["a"]


def test_a_file_that_breaks_in_the_middle_is_named(shop: Shop) -> None:
    """A Parquet file whose end is whole and whose rows are not."""
    path = shop.folder / "o.parquet"
    rows = 5000
    pq.write_table(
        pa.table({"customer_id": [f"c{i}" for i in range(rows)], "ordered_at": ["2023-01-01"] * rows}), path
    )
    content = bytearray(path.read_bytes())
    content[4 : len(content) // 2] = b"\xff" * (len(content) // 2 - 4)
    path.write_bytes(content)
    with pytest.raises(SourceError, match=r"'o.parquet' cannot be read as parquet"):
        shop.at("orders", "o.parquet").read()


def test_a_parquet_text_that_is_none_is_named_without_its_words(shop: Shop) -> None:
    """What a customer wrote does not get into a message that may be logged."""
    written = pa.array([b"fine", b"my secret \xff words"], pa.binary())
    text = pa.StringArray.from_buffers(2, *written.buffers()[1:])
    pq.write_table(
        pa.table({"customer_id": ["a", "b"], "given_at": ["2023-01-01"] * 2, "text": text}),
        shop.folder / "f.parquet",
    )
    with pytest.raises(SourceError, match=r"'f.parquet' cannot be read as parquet") as caught:
        shop.at("feedback", "f.parquet").read()
    assert "secret" not in str(caught.value)


def test_names_that_differ_in_case_do_not_collide(shop: Shop) -> None:
    """Two spellings of a name in one file are no error, and a bad row is still shown as it is."""
    shop.csv("orders", "customer_id,ordered_at,Note,note,NOTE\na,2023-01-01,1,2,3\nb,never,1,2,3\n")
    assert shop.read().customer_ids.tolist() == ["a"]
    assert '"Note":"1","note_1":"2","NOTE_2":"3"' in shop.put_aside()[0]["row_json"]
    line = '{"customer_id":"b","ordered_at":"never","Note":1,"note":2}'
    good = '{"customer_id":"a","ordered_at":"2023-01-01"}'
    shop.file("orders", "o.jsonl", f"{good}\n{line}\n".encode())
    assert shop.read().customer_ids.tolist() == ["a"]
    assert shop.put_aside()[0]["row_json"] == line


@pytest.mark.parametrize("blank", ["\n", "\n\n", "\r\n", "  \n", "\ufeff\n", "\ufeff\n \n"])
def test_blank_lines_before_the_header_are_nothing(shop: Shop, blank: str) -> None:
    """The header is the first line that holds something, and never a customer; rows are numbered after it."""
    end = "\r\n" if "\r" in blank else "\n"
    text = blank + HEAD + "a,2023-01-01,1\nb,2023-01-01\n"
    store = shop.file("orders", "o.csv", text.replace("\r\n", "\n").replace("\n", end).encode()).read()
    assert store.customer_ids.tolist() == ["a"]
    assert store.accounts["orders"].rows_read == 2
    assert [one["row"] for one in shop.put_aside()] == [2]


def test_a_file_of_blank_lines_is_empty(shop: Shop) -> None:
    """There is no header in it."""
    with pytest.raises(SourceError, match=r"'o.csv' is empty"):
        shop.file("orders", "o.csv", b"\n\n  \n").read()


def test_a_name_in_quotes_may_go_over_two_lines(shop: Shop) -> None:
    """The line break counts as a blank, and the rows begin after the whole header."""
    content = b'customer_id,ordered_at,"amount\nin pounds"\na,2023-01-01,1\nb,2023-01-01\n'
    shop.file("orders", "o.csv", content, columns={"amount": "amount in pounds"})
    store = shop.read()
    assert store.tables["orders"].columns["amount"].values.tolist() == [100]
    assert store.customer_ids.tolist() == ["a"]
    assert [one["row"] for one in shop.put_aside()] == [2]


@pytest.mark.parametrize("rows", [1, 50, 5000])
def test_an_unclosed_quote_in_the_header_is_refused(shop: Shop, rows: int) -> None:
    """It is no reason to take customers for a column's name."""
    text = 'customer_id,ordered_at,"amount\n' + "ann.smith,2023-01-01,1\n" * rows
    with pytest.raises(SourceError, match=r"'o.csv': a quote in the line with the columns' names") as error:
        shop.file("orders", "o.csv", text.encode()).read()
    assert "smith" not in str(error.value)


def test_a_very_long_field_is_read(shop: Shop, texts: Any) -> None:
    """A text longer than what Python's own reader takes, in any line and with any delimiter."""
    long = "x" * 200_000
    text = f"customer_id;given_at;text\na;2023-01-01;short\nb;2023-01-01;{long}\n"
    assert texts(shop.csv("feedback", text).read(), "feedback", "text") == ["short", long]


@pytest.mark.parametrize(
    "row",
    [
        "Ann Smith,ann@example.org,2023-01-01,5",
        "C000123,2023-01-01,9.50",
        "Ann Smith,+44 20 7946,01/02/2023,x",
        "Ann Smith,77,comment that she wrote",
    ],
)
def test_a_file_without_a_header_shows_nobody(shop: Shop, row: str) -> None:
    """Its first row is somebody's data: no message repeats it."""
    shop.csv("orders", f"{row}\n{row}\n")
    with pytest.raises(SourceError, match=r"Its first line does not look like column names") as error:
        shop.read()
    assert not [one for one in row.split(",") if len(one) > 2 and one in str(error.value)]


def test_a_column_that_is_no_plain_name_is_not_listed(shop: Shop) -> None:
    """The others are, with the number of those left out."""
    shop.csv("orders", "ann@example.org,2023-01-01,77,ordered_at,Anzahl,total.net\n")
    with pytest.raises(SourceError, match="has no column 'customer_id'") as error:
        shop.read()
    assert "Choose one of: Anzahl, ordered_at, total.net and 3 more." in str(error.value)
    shop.csv("orders", "customer_id,ordered_at,ann@example.org\n", columns={"amount": "net"})
    with pytest.raises(
        SourceError, match=r"no such column. Choose one of: customer_id, ordered_at and 1 more"
    ):
        shop.read()
    shop.csv("orders", "ann@example.org,77\n", columns={"amount": "net"})
    with pytest.raises(SourceError, match=r"None of its columns has a plain name"):
        shop.read()


@pytest.mark.parametrize(
    "head", ["customer_id,customer_id", "customer_id,CUSTOMER_ID", "Customer_ID,customer_id"]
)
def test_a_column_that_is_read_may_not_occur_twice(shop: Shop, head: str) -> None:
    """Which of the two is meant is not guessed."""
    shop.csv("orders", f"{head},ordered_at\na,b,2023-01-01\n")
    with pytest.raises(SourceError, match=r"(?i)'orders.csv' has more than one column 'customer_id'"):
        shop.read()


@pytest.mark.parametrize(
    ("path", "words"), [("a\0.csv", "NUL"), ("bundled:\0", "NUL"), ("x" * 5000, "5000 letters")]
)
def test_a_path_that_can_be_none_is_refused(shop: Shop, path: str, words: str) -> None:
    """The message names the setting."""
    with pytest.raises(ConfigError, match=rf"\[source.tables.orders\] path .*{words}"):
        shop.at("orders", path).read()
