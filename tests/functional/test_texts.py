"""What customers write, from the tables to what validate, explain and the report say; and what is kept of it."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from pyarrow import parquet

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

FEEDBACK = """customer_id,given_at,recorded_at,text
1,2022-02-03,,"Great shop, fast delivery"
1,2022-05-10,,"The parcel arrived late, terrible service"
1,2022-05-20,2022-07-01,"I want my money back, this is a scam"
2,2022-03-04,,Доставката закъсня и никой не отговаря
2,2022-03-05,,Много съм доволен от магазина
3,2022-03-06,,Die Lieferung ist nicht angekommen und niemand meldet sich
3,2022-04-02,,12
4,2022-04-03,,
5,2022-04-04,,qqq zzz
"""
TICKETS = """ticket_id,customer_id,opened_at,text
t1,1,2022-06-02,Please cancel my account
"""
COVERAGE = [
    ("feedback", "en", 3, 3),
    ("feedback", "bg", 2, 2),
    ("feedback", "de", 1, 1),
    ("feedback", "und", 1, 0),
    ("tickets", "en", 1, 1),
]
SETTINGS = "[training]\nlearners = ['logistic']\nvalidation_cutoffs = 8\n[text]\nbackend = 'lexicon'"
SOURCES = '[source.tables.feedback]\npath = "feedback.csv"\n[source.tables.tickets]\npath = "tickets.csv"'


@pytest.fixture
def company(own: Callable[..., Any], tmp_path: Path) -> Any:
    """A small shop whose customers write in three languages."""
    rng = np.random.default_rng(4)
    lines = [
        f"{who},{np.datetime64('2022-01-01') + int(day)},{5 + who},o{who}-{day}"
        for who in range(60)
        for day in np.cumsum(rng.integers(5, 60, size=12 if who % 3 else 4))
        if day < 365
    ]
    (tmp_path / "feedback.csv").write_text(FEEDBACK, encoding="utf-8")
    (tmp_path / "tickets.csv").write_text(TICKETS, encoding="utf-8")
    orders = "customer_id,ordered_at,amount,order_id\n" + "\n".join(lines) + "\n"
    return own(orders, SOURCES, settings=SETTINGS)


def test_validate_says_how_much_was_understood(company: Any) -> None:
    """By table and language, texts and not rows: in JSON all figures, in words a line each."""
    found = company.well("validate")["texts"]
    assert [(one["table"], one["language"], one["texts"], one["understood"]) for one in found] == COVERAGE
    assert all(sum(one["tiers"].values()) == one["texts"] for one in found)
    lines = [line.split() for line in company("validate").out.splitlines()]
    for table, language, texts, understood in COVERAGE:
        assert [table, language, str(texts), f"{understood / texts:.0%}", "lexicon", str(texts)] in lines


def test_validate_of_tables_without_texts_has_no_such_lines(own: Callable[..., Any]) -> None:
    """Nobody is told about languages where nobody wrote."""
    home = own("customer_id,ordered_at\nc1,2023-01-01\nc1,2023-06-01\n")
    assert home.well("validate")["texts"] == []
    assert "texts of" not in home("validate").out


def test_the_report_and_explain_show_texts(company: Any, tmp_path: Path) -> None:
    """The page says how much of each language was understood; a customer's texts are shown as far as they were known."""
    company.well("train", "--until", "2022-12-01")
    # Three dozen customers make no model that passes the gate.
    company.well("score", "--model", "challenger", "--report", tmp_path / "page.html")
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    rows = [
        [
            re.sub(r"<[^>]*>", "", cell).strip()
            for cell in re.findall(r"<t[dh][^>]*>(.*?)</t[dh]>", row, re.DOTALL)
        ]
        for row in re.findall(r"<tr[^>]*>(.*?)</tr>", page, re.DOTALL)
    ]
    for table, code, texts, understood in COVERAGE:
        language = "not certain" if code == "und" else code
        assert [table, language, str(texts), f"{understood / texts:.1%}", f"lexicon {texts}"] in rows
    assert "Please cancel" not in page

    known = {
        "2022-02-01": [],
        "2022-02-04": ["Great shop, fast delivery"],
        "2022-06-01": ["The parcel arrived late, terrible service", "Great shop, fast delivery"],
        # What was given before but recorded later is not known yet.
        "2022-07-01": [
            "Please cancel my account",
            "The parcel arrived late, terrible service",
            "Great shop, fast delivery",
        ],
        # The latest three.
        "2022-07-02": [
            "Please cancel my account",
            "I want my money back, this is a scam",
            "The parcel arrived late, terrible service",
        ],
    }
    for as_of, written in known.items():
        shown = company.well("explain", "1", "--model", "challenger", "--as-of", as_of)["latest_texts"]
        assert [one["text"] for one in shown] == written, as_of
    worst = company.well("explain", "1", "--model", "challenger", "--as-of", "2022-06-01")["latest_texts"][0]
    assert (worst["given_at"], worst["table"]) == ("2022-05-10", "feedback")
    assert worst["sentiment"] < 0
    assert min(worst["words"], key=lambda one: one["weight"])["word"] == "terrible"
    words = company("explain", "1", "--model", "challenger", "--as-of", "2022-06-01").out
    assert "What they wrote last:" in words
    assert "The parcel arrived late" in words
    assert "terrible -" in words
    assert "What they wrote last:" not in company("explain", "7", "--model", "challenger").out


ODD = (
    "Отлично! Great service, 很好",
    "<p>The service was <b>terrible</b></p>",
    "\u202eterrible service\u202c شكرا",
    "ter\u200brible",
    "terr\ufffdble service",
    "awful " * 333_334,
    "😡😡",
    "4",
    "",
    None,
    "ძალიან კარგი",
    "=cmd()",
    "two\nlines\r\nand\ta tab",
    "\u0000",
)


def test_odd_texts_are_rows_like_any_other(company: Any, tmp_path: Path) -> None:
    """Broken, empty, endless or in whatever script: no row is lost, texts are counted, and features are numbers."""
    (tmp_path / "feedback.csv").unlink()
    (tmp_path / "feedback.jsonl").write_text(
        "".join(
            json.dumps({"customer_id": str(at), "given_at": "2022-02-01", "text": text}) + "\n"
            for at, text in enumerate(ODD)
        )
    )
    company.config.write_text(company.config.read_text().replace("feedback.csv", "feedback.jsonl"))
    found = company.well("validate")
    assert found["tables"]["feedback"]["rows_good"] == len(ODD)
    texts = {one["language"]: one["texts"] for one in found["texts"] if one["table"] == "feedback"}
    assert sum(texts.values()) == len(ODD) - 4
    out = tmp_path / "out.parquet"
    company.well("features", "--cutoff", "2022-03-01", "--out", out)
    table = parquet.read_table(out)
    told = [name for name in table.column_names if name.startswith("sentiment")]
    assert told
    for name in told:
        assert all(one is None or np.isnan(one) or -1 <= one <= 1 for one in table[name].to_pylist())


def kept(home: Any) -> dict[str, int]:
    """The files that are kept of texts, and which file on the disk each is: one that is written again is another."""
    found = (home.workspace / "own" / "texts").iterdir()
    return {one.name: one.stat().st_ino for one in found}


def features(home: Any, path: Path) -> bytes:
    """The features of one day."""
    home.well("features", "--cutoff", "2022-08-01", "--out", path)
    return path.read_bytes()


def test_a_second_run_reads_nothing_anew_and_gives_the_same(company: Any, tmp_path: Path) -> None:
    """What was made of texts is read from the workspace, no file is written, and the features are the same bytes."""
    first = features(company, tmp_path / "one.parquet")
    before = kept(company)
    assert len(before) == 5
    assert features(company, tmp_path / "two.parquet") == first
    assert kept(company) == before
    for name in before:
        (company.workspace / "own" / "texts" / name).write_bytes(b"damaged")
    assert features(company, tmp_path / "three.parquet") == first


def test_one_new_text_makes_its_month_alone_anew(company: Any, tmp_path: Path) -> None:
    """The next night reads what is new; a file of the month as it was before goes."""
    features(company, tmp_path / "one.parquet")
    before = kept(company)
    with (tmp_path / "feedback.csv").open("a", encoding="utf-8") as out:
        out.write("6,2022-04-20,,Excellent quality\n")
    new = features(company, tmp_path / "two.parquet")
    after = kept(company)
    assert len(after) == len(before)
    assert len(set(before.items()) & set(after.items())) == len(before) - 1
    other = company.workspace.with_name("other")
    company.well(
        "features", "--cutoff", "2022-08-01", "--out", tmp_path / "three.parquet", "--workspace", other
    )
    assert (tmp_path / "three.parquet").read_bytes() == new


def test_no_file_of_the_workspace_holds_what_customers_wrote(company: Any, tmp_path: Path) -> None:
    """Reading texts leaves numbers behind, packed or not, and progress quotes nobody."""
    ran = company("features", "--cutoff", "2022-08-01", "--out", tmp_path / "out.csv")
    said = [b"parcel", b"terrible", "магазина".encode(), "магазина".encode("utf-32-le"), b"Lieferung"]
    files = [one for one in company.workspace.rglob("*") if one.is_file()]
    assert any(one.parent.name == "texts" for one in files)
    for path in [*files, tmp_path / "out.csv"]:
        raw = path.read_bytes()
        assert not [one for one in said if one in raw], path.name
    assert "terrible" not in ran.err


def test_texts_that_cannot_be_kept_stop_nothing(company: Any) -> None:
    """A file where the folder should be stays, and the run reads everything anew."""
    folder = company.workspace / "own" / "texts"
    folder.parent.mkdir()
    folder.write_text("mine")
    assert [one["texts"] for one in company.well("validate")["texts"]]
    assert folder.read_text() == "mine"


def test_a_model_that_fails_stops_the_run_with_one_message(company: Any) -> None:
    """Whose program ends with an error is told so, and no customer is quoted."""
    company.config.write_text(company.config.read_text().replace("'lexicon'", "'command:false'"))
    ran = company("validate")
    assert ran.code == 4
    assert ran.err.splitlines()[-1].startswith("Error: [text] backend: the command 'false' ended with 1.")
    assert "parcel" not in ran.err


@pytest.mark.parametrize(
    ("backend", "words"),
    [("lexikon", "Did you mean 'lexicon'?"), ("python:", "names no model"), ("pyton:a:b", "names no model")],
)
def test_a_backend_that_does_not_exist_is_refused_before_any_table_is_read(
    company: Any, backend: str, words: str
) -> None:
    """With the file that names it."""
    company.config.write_text(company.config.read_text().replace("'lexicon'", f"'{backend}'"))
    ran = company("validate")
    assert ran.code == 3
    assert "own.toml" in ran.err.splitlines()[-1]
    assert words in ran.err.splitlines()[-1]
    assert "reading" not in ran.err


def test_a_model_of_texts_read_otherwise_is_refused(company: Any) -> None:
    """Its features would mean something else: 8, and what to do."""
    company.well("train", "--until", "2022-12-01")
    other = company.config.with_name("otherwise.toml")
    here = company.config.read_text(encoding="utf-8")
    assert "backend = 'lexicon'" in here
    other.write_text('name = "own"\n' + here.replace("'lexicon'", "'self_trained'"), encoding="utf-8")
    ran = company("score", "--model", "challenger", "--config", other)
    assert ran.code == 8
    assert "trained on texts that were read in another way" in ran.err
