from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from retain.events.gathered import gathered
from retain.events.load import read_events
from retain.events.source import SourceSettings, TableSource
from retain.events.spill import spill
from retain.timeline import instant

if TYPE_CHECKING:
    from pathlib import Path

NOW = instant("2024-01-01")


def test_all_customers_are_one_store_again(tmp_path: Path) -> None:
    """Rows, codes, ids and accounts are those of reading all at once; only what customers wrote is not there."""
    (tmp_path / "orders.csv").write_text(
        "customer_id,ordered_at,amount,category\n"
        "c,2023-01-02,3.5,x\nb,2023-01-01,1,\na,2023-01-05,2,z\na,2023-01-01,,y\nd,2023-01-01,9,z\ne,soon,1,q\n"
    )
    (tmp_path / "feedback.csv").write_text("customer_id,given_at,nps,text\nd,2023-02-01,9,thanks\n")
    tables = {one: TableSource(f"{one}.csv") for one in ("orders", "feedback")}
    source = SourceSettings(tables, tmp_path, max_bad_share=1.0)
    whole = read_events(source, now=NOW)
    spilled = spill(source, tmp_path / "spill", rows_each=1, memory_mb=100, now=NOW)
    stores = (spilled.store(one) for one in range(len(spilled)))
    found, begins = gathered(stores, read_events(source, now=NOW), tmp_path / "rows")
    assert len(spilled) > 2
    assert begins[-1] == 4
    assert found.customer_ids.tolist() == whole.customer_ids.tolist()
    assert (found.accounts, found.invalid) == (whole.accounts, whole.invalid)
    for name, table in whole.tables.items():
        other = found.tables[name]
        for one in ("customer", "time", "known"):
            assert getattr(other, one).tolist() == getattr(table, one).tolist()
        assert set(other.columns) == set(table.columns) - {"text"}
        for column, values in other.columns.items():
            np.testing.assert_array_equal(values.values, table.columns[column].values)
            levels = table.columns[column].levels
            assert (None if values.levels is None else values.levels.tolist()) == (
                None if levels is None else levels.tolist()
            )


def test_a_table_without_a_row_is_there_all_the_same(tmp_path: Path) -> None:
    """With its columns, of which no file can be mapped."""
    (tmp_path / "orders.csv").write_text("customer_id,ordered_at\na,2023-01-02\nb,2023-01-03\n")
    (tmp_path / "feedback.csv").write_text("customer_id,given_at,channel\na,never,x\n")
    tables = {one: TableSource(f"{one}.csv") for one in ("orders", "feedback")}
    source = SourceSettings(tables, tmp_path, max_bad_share=1.0)
    spilled = spill(source, tmp_path / "spill", rows_each=1, memory_mb=100, now=NOW)
    stores = (spilled.store(one) for one in range(len(spilled)))
    found, _ = gathered(stores, spilled.store(None), tmp_path / "rows")
    assert len(found.tables["feedback"]) == 0
    levels = found.tables["feedback"].columns["channel"].levels
    assert levels is not None
    assert levels.tolist() == []
