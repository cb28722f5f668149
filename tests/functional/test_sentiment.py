"""The verb `sentiment` as its user meets it: any file, any text, one message for what cannot be."""

from __future__ import annotations

import io
import json
import socket
import subprocess
import sys
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest
from pyarrow import csv, parquet

from retain.exports.cells import restore

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

LINES = "Great shop, fast delivery\nужасная доставка, верните деньги\n\n12\n😍\n"
SIGNS = [1, -1, None, None, 1]
COLUMNS = ["row", "text", "sentiment", "tier", "language", "understood", "topics", "intents"]


def signs(rows: list[dict[str, Any]]) -> list[int | None]:
    """Good, bad, or no text."""
    return [
        None if one["sentiment"] is None else (one["sentiment"] > 0) - (one["sentiment"] < 0) for one in rows
    ]


def refused(ran: Any, code: int, *words: str) -> None:
    """The call ended with that code and one message with these words, without a traceback or a result."""
    assert ran.code == code, ran.err
    assert ran.err.splitlines()[-1].startswith("Error: ")
    assert "Traceback" not in ran.err
    assert not ran.out
    for word in words:
        assert word in ran.err.splitlines()[-1], ran.err


@pytest.fixture
def told(cli: Callable[..., Any]) -> Callable[..., list[dict[str, Any]]]:
    """A function from a call's words to the rows of its JSON result."""

    def run(*words: object) -> list[dict[str, Any]]:
        ran = cli("sentiment", *words, "--json")
        assert ran.code == 0, ran.err
        found = ran.json["rows"]
        assert isinstance(found, list)
        return found

    return run


def piped(monkeypatch: pytest.MonkeyPatch, raw: bytes) -> None:
    """Stdin holds these bytes."""
    monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=io.BytesIO(raw)))


def test_lines_on_stdin_are_texts(told: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """Each line is one text, in its order; an empty one is a row without text."""
    piped(monkeypatch, LINES.encode())
    rows = told("-")
    assert [one["row"] for one in rows] == [1, 2, 3, 4, 5]
    assert [one["text"] for one in rows] == [line or None for line in LINES.splitlines()]
    assert signs(rows) == SIGNS
    assert rows[0]["topics"] == ["delivery"]
    assert rows[1]["intents"] == ["refund"]
    assert rows[1]["words"][0]["weight"] < 0


def test_the_real_command_reads_a_pipe() -> None:
    """In a process of its own, progress is on stderr, the result on stdout, and the end is 0."""
    done = subprocess.run(
        [sys.executable, "-m", "retain", "sentiment", "-"],
        input=LINES.encode(),
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    shown, said = done.stdout.decode(), done.stderr.decode()
    assert "Great shop, fast delivery" in shown
    assert "no text" in shown
    assert "texts of" in shown
    assert all(line.split()[1] == "s" for line in said.splitlines())
    assert "5 rows of stdin" in said


@pytest.mark.parametrize("name", ["lines.txt", "LINES.TXT"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1251"])
def test_lines_of_a_file_are_texts_however_they_were_saved(
    told: Callable[..., Any], tmp_path: Path, name: str, end: str, encoding: str
) -> None:
    """Line ends, marks at the beginning, encodings and the case of the ending make no difference."""
    text = LINES.replace("😍", "чудесно").replace("\n", end)
    (tmp_path / name).write_bytes(text.encode(encoding))
    rows = told(tmp_path / name)
    assert signs(rows) == SIGNS
    assert rows[1]["text"] == "ужасная доставка, верните деньги"


def test_only_line_ends_end_a_line(told: Callable[..., Any], tmp_path: Path) -> None:
    """A separator that some word processor left in a text is part of it."""
    (tmp_path / "lines.txt").write_text("good\u2028shop\x85ok\x0b\nbad", encoding="utf-8")
    assert [one["text"] for one in told(tmp_path / "lines.txt")] == ["good\u2028shop\x85ok\x0b", "bad"]


def test_a_letter_that_broke_costs_no_more_than_itself(told: Callable[..., Any], tmp_path: Path) -> None:
    """UTF-8 that was cut within a letter, or holds a byte of something else, is still read as UTF-8."""
    (tmp_path / "lines.txt").write_bytes(("ужасная доставка\n" * 3).encode() + b"\xff \xd1")
    rows = told(tmp_path / "lines.txt")
    assert [one["text"] for one in rows] == [*["ужасная доставка"] * 3, "\ufffd \ufffd"]


def table(folder: Path, kind: str) -> Path:
    """The same three rows as each kind of file."""
    rows = [("ужасная доставка", "ru", 1), ("великолепно", "ru", 5), (None, None, None)]
    path = folder / f"reviews.{kind}"
    if kind == "parquet":
        parquet.write_table(
            pa.table({name: [row[at] for row in rows] for at, name in enumerate(("said", "lang", "stars"))}),
            path,
        )
    elif kind == "jsonl":
        path.write_text(
            "".join(json.dumps(dict(zip(("said", "lang", "stars"), row, strict=True))) + "\n" for row in rows)
        )
    else:
        lines = [
            "said;lang;stars",
            *(";".join("" if one is None else str(one) for one in row) for row in rows),
        ]
        path.write_bytes("\r\n".join(lines).encode("cp1251") + b"\r\n")
    return path


@pytest.mark.parametrize("kind", ["csv", "parquet", "jsonl"])
def test_columns_of_a_table_are_named(told: Callable[..., Any], tmp_path: Path, kind: str) -> None:
    """A CSV as an office saves it, Parquet and JSON lines say the same: texts, languages and ratings are columns."""
    words = ("--text", "said", "--language", "lang", "--rating", "stars")
    rows = told(table(tmp_path, kind), *words)
    assert signs(rows) == [-1, 1, None]
    assert [one["language"] for one in rows] == ["ru", "ru", None]
    assert [one["text"] for one in rows] == ["ужасная доставка", "великолепно", None]
    assert told(table(tmp_path, kind), *words, "--backend", "lexicon") == told(
        table(tmp_path, kind), "--text", "said", "--language", "lang", "--backend", "lexicon"
    )


def test_a_column_of_languages_decides(told: Callable[..., Any], tmp_path: Path) -> None:
    """In a text of a language without a list only emoji count; without the column the words would."""
    (tmp_path / "r.csv").write_text("text,language\nterrible,ka\nterrible 😍,ka\n", encoding="utf-8")
    found = told(tmp_path / "r.csv", "--language", "language", "--backend", "lexicon")
    assert signs(found) == [0, 1]
    assert [one["language"] for one in found] == ["ka", "ka"]
    assert signs(told(tmp_path / "r.csv", "--backend", "lexicon"))[0] == -1


@pytest.mark.parametrize("ending", ["csv", "parquet", "CSV"])
def test_what_is_written_reads_back(cli: Callable[..., Any], tmp_path: Path, ending: str) -> None:
    """All rows in order, with a row number, whatever a text holds; the JSON names the file and repeats no text."""
    texts = ["=1+1 great", "@SUM(A1)", '-awful\r\nbad, "bad"', None, "l'été; ;", "good 😍\t", "+", "'=x"]
    parquet.write_table(pa.table({"text": texts}), tmp_path / "in.parquet")
    out = tmp_path / "new" / f"out.{ending}"
    ran = cli("sentiment", tmp_path / "in.parquet", "--out", out, "--json")
    assert ran.code == 0, ran.err
    assert (ran.json["texts"], ran.json["path"], ran.json["rows"]) == (8, str(out), [])
    if ending == "parquet":
        found = parquet.read_table(out)
        assert found["text"].to_pylist() == texts
        assert found["sentiment"].type == pa.float64()
    else:
        found = csv.read_csv(
            out,
            parse_options=csv.ParseOptions(newlines_in_values=True),
            convert_options=csv.ConvertOptions(
                column_types={"text": pa.string()}, strings_can_be_null=True, quoted_strings_can_be_null=False
            ),
        )
        assert all(one is None or one[0] not in "=@+-" for one in found["text"].to_pylist())
        assert restore(found["text"]).to_pylist() == texts
    assert found.column_names == COLUMNS
    assert found["row"].to_pylist() == list(range(1, 9))
    assert signs(found.to_pylist())[0] == 1
    assert found["sentiment"].to_pylist()[3] is None


def test_the_same_file_gives_the_same_bytes(cli: Callable[..., Any], tmp_path: Path) -> None:
    """Twice the same call, and in JSON the same words."""
    (tmp_path / "in.txt").write_text(LINES * 30, encoding="utf-8")
    ran = [cli("sentiment", tmp_path / "in.txt", "--json", "--quiet") for _ in range(2)]
    assert ran[0].out == ran[1].out
    for name in ("one.parquet", "two.parquet"):
        assert cli("sentiment", tmp_path / "in.txt", "--out", tmp_path / name).code == 0
    assert (tmp_path / "one.parquet").read_bytes() == (tmp_path / "two.parquet").read_bytes()


def test_people_see_the_first_rows_and_how_to_get_all(cli: Callable[..., Any], tmp_path: Path) -> None:
    """Twenty rows with the words that moved them, what was understood by language, and what more there is."""
    (tmp_path / "in.txt").write_text("good\x1b[31m parcel\n" * 25, encoding="utf-8")
    ran = cli("sentiment", tmp_path / "in.txt")
    assert ran.code == 0
    assert ran.out.count("good +") == 20
    assert "\x1b" not in ran.out
    assert "5 more rows; --out FILE writes all." in ran.out
    ran = cli("sentiment", tmp_path / "in.txt", "--out", tmp_path / "out.csv")
    assert f"25 rows: {tmp_path / 'out.csv'}" in ran.out


def test_quiet_and_log_lines_hold_as_for_every_verb(cli: Callable[..., Any], tmp_path: Path) -> None:
    """--quiet leaves stderr empty; --log-format json makes each of its lines an object; neither quotes a text."""
    (tmp_path / "in.txt").write_text("a private matter\n", encoding="utf-8")
    assert cli("sentiment", tmp_path / "in.txt", "--quiet").err == ""
    logged = cli("sentiment", tmp_path / "in.txt", "--log-format", "json").err
    assert [json.loads(line)["level"] for line in logged.splitlines()] == ["info", "info"]
    assert "private" not in logged


def test_no_texts_are_no_mistake(
    cli: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing on stdin, an empty .txt and a table without rows give an empty result."""
    (tmp_path / "in.txt").write_bytes(b"")
    (tmp_path / "in.csv").write_text("text\n")
    parquet.write_table(pa.table({"text": pa.array([], pa.string())}), tmp_path / "in.parquet")
    for name in ("in.txt", "in.csv", "in.parquet"):
        ran = cli("sentiment", tmp_path / name, "--json", "--out", tmp_path / "out.parquet")
        assert (ran.code, ran.json["texts"], ran.json["coverage"]) == (0, 0, [])
        assert parquet.read_table(tmp_path / "out.parquet").column_names == COLUMNS
        assert cli("sentiment", tmp_path / name).code == 0
    piped(monkeypatch, b"")
    assert cli("sentiment", "-", "--json").json["rows"] == []


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (["r.csv"], 2, ("'text'", "Choose one of: lang, said, stars", "--text")),
        (["r.csv", "--text", "siad"], 2, ("'siad'", "Did you mean 'said'?", "--text")),
        (["r.csv", "--text", "said", "--language", "lnag"], 2, ("Did you mean 'lang'?", "--language")),
        (["r.csv", "--text", "said", "--rating", "star"], 2, ("Did you mean 'stars'?", "--rating")),
        (["r.csv", "--text", "said", "--rating", "said"], 2, ("no number in row 1", "--rating")),
        (["r.csv", "--text", "said", "--out", "{}/out.xlsx"], 2, ("has to end in .csv or .parquet",)),
        (["r.csv", "--text", "said", "--out", "{}/out"], 2, ("has to end in .csv or .parquet",)),
        (["r.csv", "--text", "said", "--backend", "lexikon"], 2, ("Did you mean 'lexicon'?",)),
        (
            ["r.csv", "--text", "said", "--backend", "python:nowhere:f"],
            3,
            ("there is no function 'nowhere:f'",),
        ),
        (["r.csv", "--text", "said", "--backend", "command:false"], 4, ("'false' ended with 1",)),
        (["l.txt", "--rating", "stars"], 2, ("Lines have no columns", "--rating")),
        (["l.txt", "--language", "lang"], 2, ("Lines have no columns", "--language")),
        (["l.txt", "--out", "{}/l.txt/out.csv"], 9, ("Cannot write",)),
        (["l.txt", "--out", "{}/folder.csv"], 9, ("is not a file",)),
        (["rr.csv"], 4, ("There is no file", "rr.csv", "Did you mean 'r.csv'?")),
        (["none.txt"], 4, ("There is no file", "none.txt")),
        (["nowhere/none.csv"], 4, ("There is no file", "none.csv")),
        (["l.txt/none.csv"], 4, ("There is no file", "none.csv")),
        (["*.csv"], 4, ("There is no file", "*.csv")),
        ([f"{'x' * 300}.csv"], 4, ("cannot be read",)),
        (["."], 4, ("is a folder", "Name one file")),
        (["folder.csv"], 4, ("is a folder", "Name one file")),
        (["other.doc"], 2, ("other.doc", ".csv, .tsv", ".jsonl")),
        (["empty.csv"], 4, ("empty.csv", "is empty")),
        (["empty.jsonl"], 4, ("empty.jsonl", "is empty")),
        (["empty.parquet"], 4, ("empty.parquet", "cannot be read as parquet")),
        (["text.parquet"], 4, ("text.parquet", "cannot be read as parquet")),
        (["damaged.parquet"], 4, ("damaged.parquet", "cannot be read as parquet")),
        (["latin.parquet"], 4, ("latin.parquet", "no UTF-8")),
        (["socket.txt"], 4, ("socket.txt", "cannot be read")),
        (["bytes.txt"], 4, ("bytes.txt", "no text has")),
        (["array.json"], 4, ("array.json", "JSON array")),
        (["bad.csv"], 4, ("bad.csv", "row 2", "too many fields", "and 1 more")),
        (["bad.jsonl"], 4, ("bad.jsonl", "row 2", "no JSON object")),
    ],
)
def test_what_cannot_be_is_one_message(
    cli: Callable[..., Any],
    tmp_path: Path,
    words: list[str],
    code: int,
    message: tuple[str, ...],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A wrong column, ending, name or file ends with its code and says what there is; no customer is quoted."""
    files = {
        "r.csv": "said,lang,stars\na private matter,en,1\n",
        "l.txt": "a private matter\n",
        "other.doc": "x",
        "empty.csv": "",
        "empty.jsonl": "\n",
        "empty.parquet": "",
        "text.parquet": "hello",
        "bytes.txt": "\0\1\2\3 \0",
        "array.json": '[{"text": "good"}]',
        "bad.csv": "row,text\n1,a private matter\n2,a,private\n3,a,b\n",
        "bad.jsonl": '{"text": "good"}\na private matter\n',
    }
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    (tmp_path / "folder.csv").mkdir()
    parquet.write_table(
        pa.table({"text": [f"a private matter {one}" for one in range(5_000)]}), tmp_path / "damaged.parquet"
    )
    whole = (tmp_path / "damaged.parquet").read_bytes()
    (tmp_path / "damaged.parquet").write_bytes(
        whole[:4] + bytes(len(whole) // 2) + whole[4 + len(whole) // 2 :]
    )
    parquet.write_table(
        pa.table({"text": ["a private matt\xe8re".encode("cp1252")]}), tmp_path / "latin.parquet"
    )
    monkeypatch.chdir(tmp_path)
    with socket.socket(socket.AF_UNIX) as made:
        made.bind("socket.txt")
    there = sorted(tmp_path.iterdir())
    file, *options = words
    ran = cli("sentiment", tmp_path / file, *(one.format(tmp_path) for one in options))
    refused(ran, code, *message)
    assert "private" not in ran.err
    assert sorted(tmp_path.iterdir()) == there


@pytest.mark.parametrize("kind", ["txt", "csv", "jsonl", "parquet"])
def test_a_text_of_two_million_characters_is_read(
    told: Callable[..., Any], tmp_path: Path, kind: str
) -> None:
    """Whatever file it is in, it takes its row and says what its beginning says."""
    long = "awful " * 333_334
    path = tmp_path / f"in.{kind}"
    if kind == "parquet":
        parquet.write_table(pa.table({"text": [long, "good"]}), path)
    else:
        plain = {"txt": f"{long}\ngood\n", "csv": f'text,x\n"{long}",1\ngood,2\n'}
        lines = "".join(json.dumps({"text": one}) + "\n" for one in (long, "good"))
        path.write_text(plain.get(kind, lines))
    rows = told(path)
    assert signs(rows) == [-1, 1]
    assert len(rows[0]["text"]) >= len(long) - 1


ODD = {
    "mixed languages": ("Отлично! Great service, 很好", 1),
    "HTML": ("<div class='x'><p>The service was <b>terrible</b>&nbsp;!</p></div>", -1),
    "right to left": ("\u202eterrible service\u202c شكرا", -1),
    "zero width": ("ter\u200bri\u200dble\ufeff", -1),
    "broken encoding": ("terr\ufffdble, a terrible service \ufffd\ufffd", -1),
    "emoji only": ("😡😡", -1),
    "a number": ("4", None),
    "a number with a sign": ("-3.50 €", None),
    "blanks": (" \t\u00a0\u3000", None),
    "nothing": (None, None),
    "empty": ("", None),
    "invisible": ("\u200b\u202e", None),
    "controls": ("\x01\x02", None),
    "unknown language": ("ძალიან კარგი", 0),
    "unknown letters": ("\U00013080\U00013081", 0),
}


@pytest.mark.parametrize("kind", ["parquet", "jsonl"])
def test_odd_texts_are_read_as_far_as_they_go(told: Callable[..., Any], tmp_path: Path, kind: str) -> None:
    """Whatever people write or systems break is a row of the result: good, bad, not understood, or no text."""
    texts = [text for text, _ in ODD.values()]
    if kind == "parquet":
        parquet.write_table(pa.table({"text": texts}), tmp_path / "in.parquet")
    else:
        (tmp_path / "in.jsonl").write_text("".join(json.dumps({"text": one}) + "\n" for one in texts))
    found = told(tmp_path / f"in.{kind}", "--backend", "lexicon")
    assert dict(zip(ODD, signs(found), strict=True)) == {name: sign for name, (_, sign) in ODD.items()}


def test_numbers_may_be_texts(told: Callable[..., Any], tmp_path: Path) -> None:
    """A column of another type than text is read as what it shows."""
    parquet.write_table(pa.table({"text": [1, 2]}), tmp_path / "in.parquet")
    assert [one["text"] for one in told(tmp_path / "in.parquet")] == ["1", "2"]


def test_somebodys_model_is_a_backend_here_too(told: Callable[..., Any], tmp_path: Path) -> None:
    """--backend takes what the configuration does; each row says which tier told it."""
    (tmp_path / "in.txt").write_text("good\n12\n")
    (tmp_path / "program.py").write_text("import sys\nfor line in sys.stdin:\n    print(-0.5)\n")
    rows = told(tmp_path / "in.txt", "--backend", f"command:'{sys.executable}' '{tmp_path / 'program.py'}'")
    assert [(one["sentiment"], one["tier"]) for one in rows] == [(-0.5, "model"), (None, None)]


@pytest.mark.parametrize("more", [[], ["--json"]])
def test_reader_that_closes_early_is_no_defect(
    tmp_path: Path, more: list[str], closed_early: Callable[..., str]
) -> None:
    """`retain sentiment FILE | head -0` ends without a traceback, also where the result is large."""
    (tmp_path / "in.txt").write_text("great shop, awful delivery\n" * 3_000)
    assert closed_early("--quiet", "sentiment", tmp_path / "in.txt", *more) == ""
