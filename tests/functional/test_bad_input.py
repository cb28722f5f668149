"""What a user can do wrong: one clear message and its exit code, or a correct result; nothing half-written."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest
from pyarrow import parquet

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

HEAD = "customer_id,ordered_at,amount,order_id\n"
START = dt.date(2022, 1, 1)


def rows(customers: int = 40, every: int = 20, until: int = 700, first: int = 0) -> str:
    """Orders of customers who buy in equal steps, as CSV without its head."""
    return "".join(
        f"c{who:03},{START + dt.timedelta(days=day)},{10 + who % 7}.50,o{who}-{day}\n"
        for who in range(customers)
        for day in range(first + who % every, until, every)
    )


def refused(ran: Any, code: int, *words: str) -> None:
    """The call ended with that code, one message with these words, no traceback and nothing on stdout."""
    assert ran.code == code, ran.err
    complaints = [line for line in ran.err.splitlines() if line.startswith("Error: ")]
    assert len(complaints) == 1, ran.err
    assert ran.err.splitlines()[-1] == complaints[0]
    assert "Traceback" not in ran.err
    assert not ran.out
    for word in words:
        assert word in complaints[0], complaints[0]


@pytest.mark.parametrize("verb", [["validate"], ["train"], ["score"], ["kpis"], ["explain", "c001"]])
def test_missing_file_is_named_whatever_the_verb(own: Callable[..., Any], verb: list[str]) -> None:
    """A source file that does not exist ends with 4, names the setting, and offers the near file that is there."""
    home = own(HEAD)
    home.config.write_text(home.config.read_text().replace("orders.csv", "ordres.csv"))
    refused(home(*verb), 4, "[source.tables.orders]", "ordres.csv", "'orders.csv'")


def test_missing_column_offers_the_nearest(own: Callable[..., Any]) -> None:
    """A required column that is not there ends with 4 and says which column of the file might be meant."""
    refused(own("customer_id,orderd_at,amount\nc1,2022-01-01,5\n")("validate"), 4, "ordered_at", "orderd_at")


def test_mapped_column_that_is_missing_offers_the_nearest(own: Callable[..., Any]) -> None:
    """A mapping to a column that the file lacks ends with 4 and a near name."""
    home = own("client,day\nc1,2022-01-01\n", 'columns = { customer_id = "cliant", ordered_at = "day" }')
    refused(home("validate"), 4, "cliant", "client")


def test_column_of_the_wrong_type_stops_when_no_row_can_be_read(own: Callable[..., Any]) -> None:
    """A time column full of something else ends with 5 and counts what it found."""
    home = own(HEAD + "c1,blue,5,o1\nc2,green,5,o2\n")
    refused(home("validate"), 5, "orders", "ordered_at")


@pytest.mark.parametrize(
    ("settings", "wrong", "right"),
    [
        ("[churn]\nhorizn_days = 90", "horizn_days", "horizon_days"),
        ("[chrn]\nhorizon_days = 90", "chrn", "churn"),
        ('[features]\nfamilies = ["rfn"]', "rfn", "rfm"),
        ('[features]\nengine = "kernle"', "kernle", "kernel"),
        ('[training]\nlearners = ["lightgmb"]', "lightgmb", "lightgbm"),
        ('[churn]\ndefinition = "inactive"', "inactive", "inactivity"),
        ("[churn]\nhorizon_days = 'long'", "churn.horizon_days", "whole number"),
        ("[churn]\nhorizon_days = 0", "horizon_days", "from 1 to 36500"),
        ("[tiers]\nmedium = 0.9", "medium", "high"),
        ("name = 'a b'", "a b", "letters"),
        ("[churn", "own.toml", "TOML"),
    ],
)
def test_setting_that_means_nothing_is_refused(
    own: Callable[..., Any], settings: str, wrong: str, right: str
) -> None:
    """An unknown key, name or value ends with 3, names the file, and says what would have been right."""
    refused(own(HEAD, settings=settings)("validate"), 3, "own.toml", wrong, right)


def test_configuration_that_is_missing_is_refused(
    cli: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a configuration, or with one that does not exist, the call ends with 3 and says how to get one."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("RETAIN_CONFIG", raising=False)
    refused(cli("validate"), 3, "retain init", "--config")
    refused(cli("validate", "--config", "none.toml"), 3, "none.toml", "retain init")


@pytest.mark.parametrize("verb", [["validate"], ["train"], ["score"], ["kpis"]])
def test_empty_table_is_refused(own: Callable[..., Any], verb: list[str]) -> None:
    """An orders table with a head and no row ends with 5 and says where to look."""
    refused(own(HEAD)(*verb), 5, "orders has no usable row", "[source.tables.orders]")


def test_file_of_no_bytes_is_refused(own: Callable[..., Any]) -> None:
    """A CSV file of no bytes ends with 4: not even the columns are there."""
    refused(own("")("validate"), 4, "orders.csv", "empty")


def test_empty_parquet_is_refused(own: Callable[..., Any], tmp_path: Path) -> None:
    """A Parquet table without rows ends with 5."""
    columns = {"customer_id": pa.array([], pa.string()), "ordered_at": pa.array([], pa.timestamp("us"))}
    parquet.write_table(pa.table(columns), tmp_path / "orders.parquet")
    home = own((tmp_path / "orders.parquet").read_bytes(), name="orders.parquet")
    refused(home("validate"), 5, "orders has no usable row")


def test_file_that_is_not_what_its_ending_says_is_refused(own: Callable[..., Any]) -> None:
    """Text in a file called .parquet ends with 4, not with a defect."""
    refused(own("hello", name="orders.parquet")("validate"), 4, "orders.parquet")


def test_one_customer_cannot_train_but_can_be_described(own: Callable[..., Any]) -> None:
    """With one customer validate and kpis give right figures, and train ends with 7 and says why."""
    home = own(HEAD + rows(customers=1))
    found = home.well("validate")
    assert (found["customers"], found["active_customers"]) == (1, 1)
    figures = home.well("kpis")["periods"][0]["kpis"]
    assert figures["active_customers"]["value"] == 1
    refused(home("train"), 7, "nothing to learn")


def test_no_churners_cannot_train(own: Callable[..., Any]) -> None:
    """Customers who all come back are nothing to learn from: 7."""
    refused(own(HEAD + rows())("train"), 7, "ends in churn")


def test_only_churners_cannot_train(own: Callable[..., Any]) -> None:
    """Customers who never come back are nothing to learn from: 7."""
    once = "".join(f"c{who:03},{START + dt.timedelta(days=4 * who)},5,o{who}\n" for who in range(180))
    refused(own(HEAD + once)("train"), 7, "snapshots end in churn")


@pytest.mark.parametrize(
    ("verb", "words"),
    [
        (["features", "--cutoff", "2021-06-01", "--out", "f.csv"], ("2021-06-01", "2022-01-01")),
        (["features", "--cutoff", "2022-06-01,2026-01-01", "--out", "f.csv"], ("2026-01-01", "2023-12-01")),
        (["evaluate", "--cutoff", "2021-06-01"], ("2021-06-01", "2022-01-01")),
        (["evaluate", "--cutoff", "2026-01-01"], ("2026-01-01", "2023-12-01")),
        (["evaluate", "--cutoff", "2023-11-01"], ("label window", "2024-01-30", "2023-09-0")),
        (["train", "--until", "2022-02-01"], ("No label window has closed by 2022-02-01",)),
        (["train", "--until", "2021-02-01"], ("No label window has closed by 2021-02-01",)),
        (["kpis", "--until", "2021-02-01"], ("2021-02-01", "2022-01-01")),
        (["kpis", "--until", "2026-01-01"], ("2026-01-01", "2023-12-01")),
    ],
)
def test_date_that_does_not_fit_the_data_is_refused(
    own: Callable[..., Any],
    verb: list[str],
    words: tuple[str, ...],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A cutoff before the first order, after the last, or with an open label window ends with 6 and says what fits."""
    monkeypatch.chdir(tmp_path)
    refused(own(HEAD + rows())(*verb), 6, *words)
    assert not (tmp_path / "f.csv").exists()


@pytest.mark.parametrize("verb", [["score", "--as-of"], ["explain", "C0000001", "--as-of"]])
@pytest.mark.parametrize("date", ["2022-06-01", "2026-01-01"])
def test_scores_of_a_date_without_data_are_refused(shop: Any, verb: list[str], date: str) -> None:
    """Scoring or explaining as of a date before the first order or after the last ends with 6."""
    refused(shop(*verb, date), 6, date)


def test_period_longer_than_the_data_says_what_it_cannot_know(own: Callable[..., Any]) -> None:
    """A period that begins long before the first order has figures, and reasons for those it cannot have."""
    ran = own(HEAD + rows())("kpis", "--days", "36500")
    assert ran.code == 0, ran.err
    assert "revenue" in ran.out
    (line,) = [one for one in ran.out.splitlines() if one.startswith("  nobody was active at the start: ")]
    assert "churn_rate" in line


@pytest.mark.parametrize("words", [["--days", "0"], ["--days", "4000000"], ["--periods", "0"]])
def test_period_that_no_calendar_knows_is_refused(shop: Any, words: list[str]) -> None:
    """A length or number of periods that means nothing ends with 2."""
    ran = shop("kpis", *words)
    assert ran.code == 2
    assert words[0] in ran.err
    assert "Traceback" not in ran.err


def test_label_window_longer_than_the_data_has_no_test_cutoff(own: Callable[..., Any]) -> None:
    """Data shorter than the label window: train ends with 6, and validate says that nothing can be tested."""
    home = own(HEAD + rows(), settings="[churn]\nhorizon_days = 3650")
    refused(home("train"), 6, "No label window has closed")
    found = home.well("validate")
    assert found["latest_test_cutoff"] is None
    assert "No label window has closed" in found["obstacle"]
    assert "No model can be trained yet" in home("validate").out


def test_duplicate_order_lines_count_once(own: Callable[..., Any]) -> None:
    """The same line twice goes to the quarantine once, and the money counts once."""
    text = HEAD + rows()
    once = own(text).well("kpis")["periods"][0]["kpis"]["revenue"]
    home = own(text + rows(customers=1))
    found = home.well("validate")["tables"]["orders"]
    assert found["rows_bad"] == 35
    assert all("duplicate" in reason for reason in found["reasons"])
    assert home.well("kpis")["periods"][0]["kpis"]["revenue"] == once


@pytest.mark.parametrize("encoding", ["cp1251", "utf-16", "utf-8-sig"])
def test_encodings_decimal_commas_and_semicolons_are_read_right(
    own: Callable[..., Any], encoding: str
) -> None:
    """A CSV as a Bulgarian office saves it gives the same figures as a plain one, and says how it was read."""
    plain = HEAD.replace("order_id", "category") + "".join(
        f"клиент{who},2022-0{1 + who % 3}-10,1234.50,чай и кафе\n" for who in range(9)
    )
    wanted = own(plain).well("kpis", "--days", "400")["periods"][0]["kpis"]["revenue"]["value"]
    assert wanted == 9 * 1234.50
    office = "\n".join(
        ";".join(cell.replace("1234.50", "1 234,50") for cell in line.split(","))
        for line in plain.split("\n")
    )
    home = own(office.encode(encoding))
    found = home.well("validate")["tables"]["orders"]
    assert found["rows_bad"] == 0
    assert encoding.removesuffix("-sig") in found["format"]
    assert "';'" in found["format"]
    assert home.well("kpis", "--days", "400")["periods"][0]["kpis"]["revenue"]["value"] == wanted


def test_customer_id_as_number_here_and_text_there_is_one_customer(
    own: Callable[..., Any], tmp_path: Path
) -> None:
    """Ids that are floats in one table, whole numbers in another and text in a third name the same customers."""
    times = pa.array([dt.datetime(2022, 1, 1 + day, tzinfo=dt.UTC) for day in range(9)])
    orders = pa.table(
        {"customer_id": pa.array([float(12000 + day) for day in range(9)]), "ordered_at": times}
    )
    parquet.write_table(orders, tmp_path / "orders.parquet")
    messages = pa.table({"customer_id": pa.array([12000 + day for day in range(9)]), "sent_at": times})
    parquet.write_table(messages, tmp_path / "messages.parquet")
    (tmp_path / "customers.csv").write_text(
        "customer_id,country\n" + "".join(f'"{12000 + day}",BG\n' for day in range(9)) + "007,BG\n"
    )
    home = own(
        (tmp_path / "orders.parquet").read_bytes(),
        '[source.tables.customers]\npath = "customers.csv"\n[source.tables.messages]\npath = "messages.parquet"',
        name="orders.parquet",
    )
    found = home.well("validate")
    assert found["customers"] == 10
    assert {name: one["rows_bad"] for name, one in found["tables"].items()} == {
        "orders": 0,
        "customers": 0,
        "messages": 0,
    }


def test_bad_rows_are_put_aside_with_file_row_and_reason(own: Callable[..., Any]) -> None:
    """Bad rows go to a Parquet file with file, row and reason; the run goes on and says how many, and where."""
    good = rows()
    place = good.count("\n")
    home = own(HEAD + good + "c900,2022-13-45,5,o1\n,2022-01-01,5,o2\nc901,2022-01-01,lots,o3\n")
    found = home.well("validate")
    assert found["tables"]["orders"]["rows_bad"] == 3
    assert sum(found["tables"]["orders"]["reasons"].values()) == 3
    table = parquet.read_table(home.workspace / "own" / "quarantine" / "orders.parquet").to_pylist()
    assert [(one["file"], one["row"]) for one in table] == [("orders.csv", place + at) for at in (1, 2, 3)]
    assert [
        column in one["reason"]
        for one, column in zip(table, ("ordered_at", "customer_id", "amount"), strict=True)
    ]
    words = home("validate").out
    assert "quarantine" in words
    assert "1 x " in words


def test_too_many_bad_rows_stop_the_run(own: Callable[..., Any]) -> None:
    """More bad rows than the configured share end with 5, say how many, and still leave them to be looked at."""
    home = own(HEAD + rows(customers=2, until=100) + "c9,never,5,o\n" * 5)
    refused(home("validate"), 5, "orders", "5 of ", "max_bad_share")
    assert parquet.read_table(home.workspace / "own" / "quarantine" / "orders.parquet").num_rows == 5
    tolerant = own(HEAD + rows(customers=2, until=100) + "c9,never,5,o\n" * 5, source="max_bad_share = 0.5")
    assert tolerant.well("validate")["tables"]["orders"]["rows_bad"] == 5


def test_mended_rows_leave_the_quarantine(own: Callable[..., Any]) -> None:
    """A file of bad rows from an earlier run goes once there are none."""
    own(HEAD + rows() + "c9,never,5,o\n").well("validate")
    home = own(HEAD + rows())
    home.well("validate")
    assert not (home.workspace / "own" / "quarantine" / "orders.parquet").exists()


@pytest.mark.parametrize(
    "verb",
    [
        ["score", "--out", "{}/file/scores"],
        ["score", "--out", "{}/file"],
        ["score", "--report", "{}/file/report.html"],
        ["export", "--to", "csv", "--out", "{}/file/out"],
        ["features", "--cutoff", "2024-06-01", "--out", "{}/file/f.csv"],
        ["features", "--cutoff", "2024-06-01", "--out", "{}/folder.csv"],
        ["evaluate", "--cutoff", "2024-09-01", "--report", "{}/file/report.html"],
    ],
)
def test_output_that_cannot_be_written_is_refused(shop: Any, verb: list[str], tmp_path: Path) -> None:
    """A place that cannot be written ends with 9, names it, and is left as it was."""
    (tmp_path / "file").write_text("mine")
    (tmp_path / "folder.csv").mkdir()
    refused(shop(*(word.format(tmp_path) for word in verb)), 9, str(tmp_path))
    assert (tmp_path / "file").read_text() == "mine"
    assert sorted(one.name for one in tmp_path.iterdir()) == ["file", "folder.csv"]


@pytest.mark.parametrize(
    "verb", [["train"], ["score"], ["models", "list"], ["explain", "c001"], ["validate"]]
)
def test_workspace_that_cannot_be_written_is_refused(
    own: Callable[..., Any], verb: list[str], tmp_path: Path
) -> None:
    """A workspace below a file ends with 9 for whatever has to write there."""
    home = own(HEAD + rows() + "c9,never,5,o\n")
    (tmp_path / "file").write_text("mine")
    refused(home(*verb, "--workspace", tmp_path / "file" / "w"), 9, "file")


def test_demo_in_a_workspace_that_cannot_be_written_is_refused(
    cli: Callable[..., Any], tmp_path: Path
) -> None:
    """The demo, too, ends with 9 before it computes anything."""
    (tmp_path / "file").write_text("mine")
    refused(cli("demo", "--workspace", tmp_path / "file"), 9, "file")


@pytest.mark.parametrize(
    ("verb", "code", "words"),
    [
        (["export", "--to", "csw"], 2, ("csw", "'csv'")),
        (["score", "--model", "chalenger"], 8, ("chalenger", "challenger")),
        (["models", "show", "17"], 8, ("17", "champion")),
        (["models", "promote", "17"], 8, ("17", "champion")),
        (["explain", "C9999999"], 2, ("no such customer",)),
        (["export", "--to", "csv", "--scores", "nowhere"], 4, ("nowhere", "retain score")),
        (["score", "--as-of", "tomorrow"], 2, ("tomorrow", "YYYY-MM-DD")),
        (["features", "--cutoff", "2024-06-01", "--out", "f.xlsx"], 2, (".parquet", ".csv")),
        (["features", "--cutoff", "2024-06-01,", "--out", "f.csv"], 2, ("YYYY-MM-DD",)),
        (
            ["evaluate", "--cutoff", "2024-09-01", "--model", "2"],
            8,
            ("knew outcomes", "retain train --until"),
        ),
    ],
)
def test_name_that_does_not_exist_is_refused(
    shop: Any, verb: list[str], code: int, words: tuple[str, ...]
) -> None:
    """An unknown format, model, customer, run or date ends with its code and says what there is."""
    refused(shop(*verb), code, *words)


@pytest.mark.parametrize("verb", [["score"], ["explain", "c001"], ["models", "show"]])
def test_workspace_without_a_model_says_how_to_get_one(own: Callable[..., Any], verb: list[str]) -> None:
    """Before the first training everything that needs a model ends with 8 and names the verb that makes one."""
    refused(own(HEAD + rows())(*verb), 8, "retain train")


def test_workspace_without_scores_says_how_to_get_them(own: Callable[..., Any]) -> None:
    """Exporting before the first scoring ends with 4 and names the verb that scores."""
    refused(own(HEAD + rows())("export", "--to", "csv"), 4, "retain score")


@pytest.mark.parametrize(
    "verb", [["score"], ["explain", "C0000001"], ["evaluate", "--cutoff", "2024-09-01", "--model", "1"]]
)
def test_model_of_another_definition_of_churn_is_refused(
    shop: Any, own: Callable[..., Any], verb: list[str], tmp_path: Path
) -> None:
    """A model that predicts something else than the configuration asks for ends with 8 and says what it predicts."""
    own(HEAD)
    other = tmp_path / "other.toml"
    other.write_text(shop.config.read_text().replace("horizon_days = 90", "horizon_days = 60"))
    refused(shop(*verb, "--config", other), 8, "another definition of churn", "90 days")


def test_model_that_reads_what_is_not_there_is_refused(
    shop: Any, own: Callable[..., Any], tmp_path: Path
) -> None:
    """A model whose features the tables at hand cannot feed ends with 8 and names the features."""
    home = own("customer_id,ordered_at\nc1,2023-01-01\nc1,2023-06-01\n")
    home.config.write_text("name = 'shop'\n" + home.config.read_text())
    (tmp_path / "workspace" / "mlflow.db").unlink()
    refused(shop("score", "--config", home.config), 8, "spend_", "columns")
