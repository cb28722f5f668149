from __future__ import annotations

import datetime as dt
import json
from typing import TYPE_CHECKING

import pyarrow as pa
import pytest
from pyarrow import parquet

from retain import __version__
from retain.errors import ContractError, OutputError, SourceError, UsageError
from retain.exports.export import export
from retain.exports.formats import FORMATS
from retain.exports.manifest import NAME, read_manifest, verify

if TYPE_CHECKING:
    from pathlib import Path

CUTOFF = dt.datetime(2011, 6, 1, tzinfo=dt.UTC)
ALL_FORMATS = pytest.mark.parametrize("name", FORMATS.names())


def scores() -> pa.Table:
    """Three customers as scoring leaves them."""
    return pa.table(
        {
            "customer_id": ["b", "a", "c"],
            "as_of": pa.array([CUTOFF] * 3, pa.timestamp("us", "UTC")),
            "status": pa.array(["scored", "scored", "not_eligible"]).dictionary_encode(),
            "churn_probability": [0.12345678, 1.0, None],
            "expected_value": [12.5, float("nan"), 1e-9],
            "tickets_90d": pa.array([3, None, -2], pa.int64()),
            "reason_1": ['Said "no", twice', "=1+1", None],
            "model_version": ["7", "7", None],
            "run_id": ["r1", "r1", "r1"],
        }
    )


def contents(folder: Path) -> dict[str, bytes]:
    return {one.name: one.read_bytes() for one in folder.iterdir()}


def test_csv_looks_as_the_manual_says(tmp_path: Path) -> None:
    """No byte-order mark, LF, quoted texts, six decimals, ISO times, empty nulls, formulas neutralised."""
    export(scores(), tmp_path / "out", "csv")
    assert (tmp_path / "out" / "scores.csv").read_bytes().decode() == (
        '"customer_id","as_of","status","churn_probability","expected_value","tickets_90d","reason_1","model_version","run_id"\n'
        '"a","2011-06-01T00:00:00.000000Z","scored",1.000000,,,"\'=1+1","7","r1"\n'
        '"b","2011-06-01T00:00:00.000000Z","scored",0.123457,12.5,3,"Said ""no"", twice","7","r1"\n'
        '"c","2011-06-01T00:00:00.000000Z","not_eligible",,1e-9,-2,,,"r1"\n'
    )


def test_csv_cells_of_every_other_type(tmp_path: Path) -> None:
    """Dates, naive and zoned times, flags, decimals and headers."""
    sofia = dt.timezone(dt.timedelta(hours=3))
    table = pa.table(
        {
            "customer_id": pa.array(["a"], pa.large_string()),
            "=day": [dt.date(2011, 6, 1)],
            "naive": pa.array([dt.datetime(2011, 6, 1, 12)], pa.timestamp("s")),  # noqa: DTZ001 - meant to be
            "zoned": pa.array([dt.datetime(2011, 6, 1, 12, tzinfo=sofia)], pa.timestamp("s", "Europe/Sofia")),
            "flag": [True],
            "money": pa.array(["-1.50"]).cast(pa.decimal128(9, 2)),
            "nothing": pa.nulls(1),
        }
    )  # fmt: skip
    export(table, tmp_path / "out", "csv")
    assert (tmp_path / "out" / "scores.csv").read_text().splitlines() == [
        '"customer_id","\'=day","naive","zoned","flag","money","nothing"',
        '"a",2011-06-01,"2011-06-01T12:00:00","2011-06-01T09:00:00Z",true,-1.50,',
    ]


def test_csv_refuses_what_fits_no_cell(tmp_path: Path) -> None:
    """A list has no place in a CSV cell; the message names the column and nothing is left behind."""
    table = scores().append_column("topics", pa.array([["a"], [], None]))
    with pytest.raises(OutputError, match=r"column 'topics' holds list.*Export to parquet"):
        export(table, tmp_path / "out", "csv")
    assert list(tmp_path.iterdir()) == []


def test_parquet_keeps_every_type(tmp_path: Path) -> None:
    """Read back it is the very table, sorted by customer, with categories as text."""
    export(scores(), tmp_path / "out", "parquet")
    back = parquet.read_table(tmp_path / "out" / "scores.parquet")
    plain = scores().set_column(2, "status", scores()["status"].cast(pa.string())).sort_by("customer_id")
    assert back.schema == plain.schema
    assert back["customer_id"].to_pylist() == ["a", "b", "c"]
    assert back.drop(["expected_value"]).equals(plain.drop(["expected_value"]))


@ALL_FORMATS
def test_the_manifest_says_what_is_there(name: str, tmp_path: Path) -> None:
    """Format, rows, columns, run, model, cutoff, version; it reads back as what ``export`` returned."""
    got = export(scores(), tmp_path / "out", name)
    verify(tmp_path / "out")
    assert read_manifest(tmp_path / "out") == got
    assert (got.format, got.rows, got.columns) == (name, 3, tuple(scores().column_names))
    assert (got.run_id, got.model_version, got.as_of, got.retain_version) == ("r1", "7", "2011-06-01", __version__)  # fmt: skip
    assert {one.name for one in got.files} | {NAME} == set(contents(tmp_path / "out"))


@ALL_FORMATS
def test_the_same_scores_give_the_same_bytes(name: str, tmp_path: Path) -> None:
    """Whatever order and chunks the rows come in, a second export replaces the first by itself."""
    export(scores(), tmp_path / "out", name)
    first = contents(tmp_path / "out")
    shuffled = pa.concat_tables([scores().slice(2), scores().slice(0, 2)])
    renumbered = shuffled["status"].cast(pa.string()).combine_chunks().dictionary_encode()
    shuffled = shuffled.set_column(2, "status", renumbered)
    export(shuffled, tmp_path / "out", name)
    assert contents(tmp_path / "out") == first


@ALL_FORMATS
def test_nobody_to_export_is_a_header(name: str, tmp_path: Path) -> None:
    """An empty run is exported as an empty file that names its columns."""
    got = export(scores().slice(0, 0), tmp_path / "out", name)
    verify(tmp_path / "out")
    assert (got.rows, got.run_id) == (0, None)


def test_scores_without_a_run_are_exported_without_one(tmp_path: Path) -> None:
    """Only the customer is needed."""
    got = export(scores().select(["customer_id"]), tmp_path / "out", "csv")
    assert (got.run_id, got.model_version, got.as_of) == (None, None, None)


def test_another_format_replaces_the_first(tmp_path: Path) -> None:
    """The folder holds one export, not two."""
    export(scores(), tmp_path / "out", "csv")
    export(scores(), tmp_path / "out", "parquet")
    assert set(contents(tmp_path / "out")) == {"scores.parquet", NAME}


@pytest.mark.parametrize("manifest", [None, "{}", "[]", "no json", '{"files": [1]}', '{"files": [], "x": 1}'])
def test_a_folder_with_something_else_is_left_alone(manifest: str | None, tmp_path: Path) -> None:
    """A user's file is never deleted, manifest or not."""
    (tmp_path / "thesis.doc").write_text("mine")
    if manifest is not None:
        (tmp_path / NAME).write_text(manifest)
    before = contents(tmp_path)
    with pytest.raises(OutputError, match="which no export wrote"):
        export(scores(), tmp_path, "csv")
    assert contents(tmp_path) == before


def test_a_file_beside_an_export_is_not_deleted_either(tmp_path: Path) -> None:
    """Notes put into an export's folder stop the next export."""
    export(scores(), tmp_path / "out", "csv")
    (tmp_path / "out" / "notes.txt").write_text("mine")
    with pytest.raises(OutputError, match=r"holds 'notes\.txt'"):
        export(scores(), tmp_path / "out", "csv")


def test_an_empty_folder_is_taken(tmp_path: Path) -> None:
    """A folder made beforehand is as good as none."""
    (tmp_path / "out").mkdir()
    export(scores(), tmp_path / "out", "csv")
    verify(tmp_path / "out")


def test_a_customer_twice_is_refused(tmp_path: Path) -> None:
    """Every customer is in one row."""
    with pytest.raises(ContractError, match="6 rows of scores name 3 customers"):
        export(pa.concat_tables([scores(), scores()]), tmp_path / "out", "csv")


def test_scores_of_two_runs_are_refused(tmp_path: Path) -> None:
    """One export is of one run."""
    mixed = scores().set_column(8, "run_id", pa.array(["r1", "r2", "r1"]))
    with pytest.raises(ContractError, match="2 different values of 'run_id'"):
        export(mixed, tmp_path / "out", "csv")


def test_a_table_without_customers_is_refused(tmp_path: Path) -> None:
    """Something that is no table of scores."""
    with pytest.raises(ContractError, match="no column 'customer_id'"):
        export(scores().select(["status"]), tmp_path / "out", "csv")


def test_an_unknown_format_is_refused(tmp_path: Path) -> None:
    """The message offers the nearest."""
    with pytest.raises(UsageError, match=r"No export format is called 'cvs'\. Did you mean 'csv'\?"):
        export(scores(), tmp_path / "out", "cvs")


def test_verify_finds_a_changed_file(tmp_path: Path) -> None:
    """One byte is enough."""
    export(scores(), tmp_path, "csv")
    with (tmp_path / "scores.csv").open("ab") as opened:
        opened.write(b" ")
    with pytest.raises(SourceError, match=r"scores\.csv is not as it was written"):
        verify(tmp_path)


def test_verify_finds_a_missing_file(tmp_path: Path) -> None:
    """What the manifest lists has to be there."""
    export(scores(), tmp_path, "csv")
    (tmp_path / "scores.csv").unlink()
    with pytest.raises(SourceError, match=r"scores\.csv is in the manifest but missing"):
        verify(tmp_path)


def test_verify_finds_a_file_too_many(tmp_path: Path) -> None:
    """What the manifest does not list must not be taken for part of the export."""
    export(scores(), tmp_path, "csv")
    (tmp_path / "scores-2.csv").write_text("")
    with pytest.raises(SourceError, match=r"scores-2\.csv is not in the manifest"):
        verify(tmp_path)


@pytest.mark.parametrize("damage", ["missing", "not ours"])
def test_verify_needs_a_manifest(damage: str, tmp_path: Path) -> None:
    """A folder without one, or with another program's, is not an export."""
    if damage == "not ours":
        (tmp_path / NAME).write_text(json.dumps({"name": "my web app"}))
    with pytest.raises(SourceError, match=r"Name the folder of an export|is not the manifest of an export"):
        verify(tmp_path)
