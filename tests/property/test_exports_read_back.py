from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import pyarrow as pa
from hypothesis import example, given, settings
from hypothesis import strategies as st
from pyarrow import csv, parquet

from retain.exports.cells import SIGNS, restore
from retain.exports.export import export
from retain.exports.manifest import verify

# Formula starts, quotes, separators and blanks are rare in random text, so they are mixed in on purpose.
AWKWARD = st.text(st.sampled_from(SIGNS + "'\"\t\r\n,; \u00a0\u200b\ufeffaж漢0"), max_size=6)
TEXT = st.one_of(AWKWARD, st.text(st.characters(exclude_categories=["Cs"]), max_size=12))
PROBABILITY = st.one_of(st.none(), st.floats(0, 1))
NUMBER = st.one_of(st.none(), st.floats(allow_nan=False))
WHOLE = st.one_of(st.none(), st.integers(-(2**63), 2**63 - 1))
ROWS = st.lists(
    st.tuples(TEXT, st.one_of(st.none(), TEXT), PROBABILITY, NUMBER, WHOLE),
    unique_by=lambda row: row[0],
    max_size=8,
)
NAMES = ("customer_id", "reason_1", "churn_probability", "value", "orders")
TYPES = (pa.string(), pa.string(), pa.float64(), pa.float64(), pa.int64())
SCHEMA = pa.schema(list(zip(NAMES, TYPES, strict=True)))


def table(rows: list[tuple[object, ...]]) -> pa.Table:
    return pa.Table.from_pylist([dict(zip(NAMES, row, strict=True)) for row in rows], schema=SCHEMA)


def expected(rows: list[tuple[object, ...]]) -> list[dict[str, Any]]:
    """What a reader of the CSV should see: sorted by customer as bytes, probabilities to six decimals."""
    listed: list[dict[str, Any]] = table(rows).sort_by("customer_id").to_pylist()
    for row in listed:
        if row["churn_probability"] is not None:
            row["churn_probability"] = round(row["churn_probability"], 6)
    return listed


def restored(read: pa.Table) -> list[dict[str, object]]:
    for at, name in enumerate(NAMES[:2]):
        texts = pa.chunked_array([read[name].combine_chunks().cast(pa.string())])
        read = read.set_column(at, name, restore(texts))
    rows: list[dict[str, object]] = read.to_pylist()
    return rows


@settings(max_examples=150, deadline=None)
@given(ROWS)
@example([("=1", "'=1", 0.5, -1.0, -1), ("", "", None, None, None), ("''+", None, 1e-7, 1e300, 0)])
@example([('"', "\r", 0.0, 5e-324, 2**63 - 1), ("\n", "\ufeff=", 1.0, -0.0, None)])
def test_csv_reads_back_in_arrow(rows: list[tuple[object, ...]]) -> None:
    """Whatever the texts are, an Arrow reader that knows the types gets the table back after ``restore``."""
    with tempfile.TemporaryDirectory() as folder:
        export(table(rows), Path(folder), "csv")
        verify(Path(folder))
        read = csv.read_csv(
            Path(folder) / "scores.csv",
            parse_options=csv.ParseOptions(newlines_in_values=True),
            convert_options=csv.ConvertOptions(
                column_types=SCHEMA, strings_can_be_null=True, quoted_strings_can_be_null=False, null_values=[""]
            ),
        )  # fmt: skip
    assert restored(read) == expected(rows)


@settings(max_examples=60, deadline=None)
@given(ROWS)
def test_csv_reads_back_in_pandas(rows: list[tuple[object, ...]]) -> None:
    """With pandas, which cannot tell an empty text from a missing one, all else is equal."""
    with tempfile.TemporaryDirectory() as folder:
        export(table(rows), Path(folder), "csv")
        read = pd.read_csv(
            Path(folder) / "scores.csv",
            dtype={"customer_id": "str", "reason_1": "str", "orders": "Int64"},
            keep_default_na=False,
            na_values={name: [""] for name in NAMES[2:]},
        )
    wanted = expected(rows)
    for name in NAMES[:2]:
        back = restore(pa.chunked_array([read[name].tolist()], pa.string())).to_pylist()
        assert back == [row[name] or "" for row in wanted]
    for name in NAMES[2:]:
        back = [None if pd.isna(value) else value for value in read[name]]
        assert back == [row[name] for row in wanted]


@settings(max_examples=60, deadline=None)
@given(ROWS)
def test_csv_reads_back_in_duckdb(rows: list[tuple[object, ...]]) -> None:
    """DuckDB, told the types and where quotes are, gets the same rows."""
    with tempfile.TemporaryDirectory() as folder:
        export(table(rows), Path(folder), "csv")
        relation = duckdb.sql(
            f"""select * from read_csv('{folder}/scores.csv', header = true, delim = ',', quote = '"', escape = '"',
            new_line = '\\n', allow_quoted_nulls = false, auto_detect = false, columns = {{'customer_id': 'VARCHAR',
            'reason_1': 'VARCHAR', 'churn_probability': 'DOUBLE', 'value': 'DOUBLE', 'orders': 'BIGINT'}})"""
        )
        assert relation is not None
        read = relation.to_arrow_table()
    assert restored(read) == expected(rows)


@settings(max_examples=100, deadline=None)
@given(ROWS)
def test_no_text_in_a_csv_begins_as_a_formula(rows: list[tuple[object, ...]]) -> None:
    """Read as text, no cell of a text column begins with a dangerous character, blanks skipped or not."""
    with tempfile.TemporaryDirectory() as folder:
        export(table(rows), Path(folder), "csv")
        read = csv.read_csv(
            Path(folder) / "scores.csv",
            parse_options=csv.ParseOptions(newlines_in_values=True),
            convert_options=csv.ConvertOptions(column_types=SCHEMA),
        )
    for name in NAMES[:2]:
        for cell in read[name].to_pylist():
            assert not cell.startswith(("\t", "\r", "\n"))
            assert not cell.strip(" \t\r\n\u00a0\u200b\ufeff").startswith(tuple(SIGNS))


@settings(max_examples=60, deadline=None)
@given(ROWS)
def test_parquet_reads_back_exactly(rows: list[tuple[object, ...]]) -> None:
    """Every value and type as it was, sorted by customer."""
    with tempfile.TemporaryDirectory() as folder:
        export(table(rows), Path(folder), "parquet")
        verify(Path(folder))
        assert parquet.read_table(Path(folder) / "scores.parquet").equals(table(rows).sort_by("customer_id"))
