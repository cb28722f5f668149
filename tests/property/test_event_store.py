from __future__ import annotations

import csv
import json
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from hypothesis import given, settings
from hypothesis import strategies as st

from retain.events.load import read_events
from retain.events.source import SourceSettings, TableSource
from retain.timeline import instant

if TYPE_CHECKING:
    from retain.events.store import EventStore

COLUMNS = ("customer_id", "ordered_at", "order_id", "line_id", "amount", "category", "kind")
Row = tuple[str, ...]

_ROWS = st.lists(
    st.tuples(
        st.sampled_from(["", "1", "2", "10", "a", "é", "中"]),
        st.sampled_from(["", "2023-01-01", "2023-01-01 10:00", "2023-02-03T04:05:06Z", "2030-01-01", "soon"]),
        st.sampled_from(["", "o1", "o2"]),
        st.sampled_from(["", "1", "2"]),
        st.sampled_from(["", "1.5", "-2", "0.005", "lots"]),
        st.sampled_from(["", "x", "X", 'say "y", z']),
        st.sampled_from(["", "sale", "return", "gift"]),
    ),
    min_size=1,
    max_size=25,
)
GOOD: Row = ("z", "2022-01-01", "", "", "3", "x", "sale")


def _csv(path: Path, rows: list[Row]) -> None:
    with path.open("w", encoding="utf-8", newline="") as out:
        csv.writer(out).writerows([COLUMNS, *rows])


def _jsonl(path: Path, rows: list[Row]) -> None:
    lines = (json.dumps(dict(zip(COLUMNS, row, strict=True)), ensure_ascii=False) for row in rows)
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def _parquet(path: Path, rows: list[Row]) -> None:
    columns = list(zip(*rows, strict=True))
    table = {name: pa.array(column) for name, column in zip(COLUMNS, columns, strict=True)}
    pq.write_table(pa.table(table), path)


WRITERS = {"csv": _csv, "jsonl": _jsonl, "parquet": _parquet}


def _read(parts: list[list[Row]], form: str = "csv") -> EventStore:
    with TemporaryDirectory() as folder:
        for number, rows in enumerate(parts):
            WRITERS[form](Path(folder) / f"{number}.{form}", rows)
        source = SourceSettings({"orders": TableSource(f"*.{form}")}, Path(folder), max_bad_share=1.0)
        return read_events(source, now=instant("2024-01-01"))


def _assert_same(one: EventStore, two: EventStore) -> None:
    assert one.customer_ids.tolist() == two.customer_ids.tolist()
    assert one.invalid == two.invalid
    assert one.accounts["orders"].fingerprint == two.accounts["orders"].fingerprint
    assert one.accounts["orders"].reasons == two.accounts["orders"].reasons
    a, b = one.tables["orders"], two.tables["orders"]
    assert np.array_equal(a.customer, b.customer)
    assert np.array_equal(a.time, b.time)
    assert np.array_equal(a.known, b.known)
    assert list(a.columns) == list(b.columns)
    for name, column in a.columns.items():
        assert column.values.tobytes() == b.columns[name].values.tobytes()
        if column.levels is not None:
            other = b.columns[name].levels
            assert other is not None
            assert column.levels.tolist() == other.tolist()


@settings(max_examples=25, deadline=None)
@given(rows=_ROWS, data=st.data())
def test_row_order_and_files_do_not_matter(rows: list[Row], data: st.DataObject) -> None:
    """Shuffled rows, split over files anywhere, give the very same store."""
    rows = [GOOD, *rows]
    shuffled = data.draw(st.permutations(rows))
    cut = data.draw(st.integers(1, len(rows)))
    _assert_same(_read([rows]), _read([part for part in (shuffled[:cut], shuffled[cut:]) if part]))


@settings(max_examples=15, deadline=None)
@given(rows=_ROWS)
def test_formats_do_not_matter_and_no_row_is_lost(rows: list[Row]) -> None:
    """CSV, JSON lines and Parquet of the same rows give one store that accounts for every row."""
    rows = [GOOD, *rows]
    stores = [_read([rows], form) for form in WRITERS]
    for store in stores:
        account = store.accounts["orders"]
        assert account.rows_read == len(rows) == account.rows_good + account.rows_bad
        assert account.rows_good == len(store.tables["orders"])
        assert sum(account.reasons.values()) == account.rows_bad
        _assert_same(stores[0], store)
