from __future__ import annotations

import errno
from functools import partial
from typing import TYPE_CHECKING, Any

import duckdb
import pytest

from retain.errors import ConfigError, OutputError, SourceError
from retain.events import checked, load, readers, spill
from retain.events.load import read_events
from retain.events.source import SourceSettings, TableSource
from retain.timeline import instant

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

NOW = instant("2024-01-01")
ORDERS = "customer_id,ordered_at\n" + "".join(f"c{one},2023-01-0{one}\n" for one in range(1, 8))


@pytest.fixture
def source(tmp_path: Path) -> SourceSettings:
    """Seven customers with an order each."""
    (tmp_path / "orders.csv").write_text(ORDERS)
    return SourceSettings({"orders": TableSource("orders.csv")}, tmp_path)


def spilled(source: SourceSettings, folder: Path, rows_each: int = 2) -> spill.Spilled:
    return spill.spill(source, folder, rows_each=rows_each, memory_mb=100, now=NOW)


def test_customers_follow_each_other_in_shards_of_about_that_size(
    source: SourceSettings, tmp_path: Path
) -> None:
    """A shard is a stretch of ids, and knows whose it is."""
    found = spilled(source, tmp_path / "spill")
    customers = [found.store(one).customer_ids.tolist() for one in range(len(found))]
    assert customers == [["c1", "c2"], ["c3", "c4"], ["c5", "c6"], ["c7"]]
    assert [found.shard_of(one) for one in ("a", "c2", "c3", "c7", "z")] == [0, 0, 1, 3, 3]


def test_a_customer_is_never_divided(source: SourceSettings, tmp_path: Path) -> None:
    """However many rows somebody has, they are in one shard."""
    rows = "".join(f"c4,2023-02-{one:02}\n" for one in range(1, 29))
    (tmp_path / "orders.csv").write_text(ORDERS + rows)
    found = spilled(source, tmp_path / "spill")
    stores = [found.store(one) for one in range(len(found))]
    assert [one for each in stores for one in each.customer_ids] == [f"c{one}" for one in range(1, 8)]
    assert max(len(one.tables["orders"]) for one in stores) >= 29


def test_what_is_finished_is_not_read_again(source: SourceSettings, tmp_path: Path) -> None:
    """The files that a whole run has left are enough, even where the source is gone."""
    before = spilled(source, tmp_path / "spill")
    (tmp_path / "orders.csv").unlink()
    assert spilled(source, tmp_path / "spill") == before


def test_what_is_half_done_is_done_again(source: SourceSettings, tmp_path: Path) -> None:
    """Without the last file the others are worth nothing."""
    before = spilled(source, tmp_path / "spill")
    (tmp_path / "spill" / "spilled.json").unlink()
    next((tmp_path / "spill" / "rows").iterdir()).write_bytes(b"half a file")
    again = spilled(source, tmp_path / "spill")
    assert again == before
    assert again.store(0).customer_ids.tolist() == ["c1", "c2"]


@pytest.mark.parametrize("change", ["grows", "went"])
@pytest.mark.parametrize("way", ["at once", "in shards"])
def test_a_file_that_changes_while_it_is_read_is_noticed(
    source: SourceSettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, way: str, change: str
) -> None:
    """What was read may be half of two states, so nothing is made of it."""

    def check(*words: Any) -> checked.Checked:
        found = checked.check(*words)
        if change == "went":
            (tmp_path / "orders-2.csv").unlink()
        else:
            with (tmp_path / "orders-2.csv").open("a") as out:
                out.write("c9,2023-01-09\n")
        return found

    (tmp_path / "orders-2.csv").write_text("customer_id,ordered_at\nc8,2023-01-08\n")
    both = SourceSettings({"orders": TableSource("orders*.csv")}, source.base)
    monkeypatch.setattr(load, "check", check)
    monkeypatch.setattr(spill, "check", check)
    read = partial(read_events, now=NOW) if way == "at once" else partial(spilled, folder=tmp_path / "spill")
    word = "went" if change == "went" else "changed"
    with pytest.raises(SourceError, match=f"'orders-2.csv' {word} while the tables were read"):
        read(both)
    assert not (tmp_path / "spill" / "spilled.json").exists()


@pytest.mark.parametrize(
    ("cause", "kind", "words"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), OutputError, "disk of '.*spill' is full"),
        (OSError(errno.EFBIG, "File too large"), OutputError, "disk of '.*spill' is full"),
        (OSError(errno.EACCES, "Permission denied"), OutputError, "cannot be written: Permission denied"),
        (duckdb.IOException("Could not write: No space left on device"), OutputError, "is full"),
        (
            duckdb.OutOfMemoryException("failed to offload: max_temp_directory_size is reached"),
            OutputError,
            "is full",
        ),
        (duckdb.OutOfMemoryException("could not allocate block"), ConfigError, "memory_mb .* too little"),
        (duckdb.BinderException("a fault of ours"), duckdb.BinderException, "a fault of ours"),
    ],
    ids=lambda one: type(one).__name__ if isinstance(one, Exception) else "",
)
def test_what_the_machine_lacks_is_said_in_our_words(
    source: SourceSettings,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    cause: Exception,
    kind: type[Exception],
    words: str,
) -> None:
    """A full disk and too little memory say what to do; what is our fault is not dressed up as the user's."""

    def fail(*_: object, **__: object) -> None:
        raise cause

    monkeypatch.setattr(spill, "_deal_out", fail)
    with pytest.raises(kind, match=words):
        spilled(source, tmp_path / "spill")


def test_a_table_of_strangers_is_noticed(tmp_path: Path, read_both: Callable[..., Any]) -> None:
    """Ids that are written in another way in one of the tables are told of, as when all is read at once."""
    (tmp_path / "orders.csv").write_text(ORDERS)
    (tmp_path / "feedback.csv").write_text("customer_id,given_at,nps\nC1,2023-01-01,3\nC2,2023-01-02,4\n")
    whole, parts = read_both("orders", "feedback")
    assert parts.warnings == whole.warnings
    assert "No customer of feedback occurs in orders" in parts.warnings[-1]


@pytest.fixture
def read_both(tmp_path: Path) -> Callable[..., Any]:
    """A function that reads some tables at once and in shards."""

    def read(*tables: str) -> tuple[Any, spill.Spilled]:
        source = SourceSettings({one: TableSource(f"{one}.csv") for one in tables}, tmp_path)
        return read_events(source, now=NOW), spilled(source, tmp_path / "spill")

    return read


def test_many_rows_are_cut_by_a_sample_of_the_customers(
    source: SourceSettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the cuts fall may differ; that nobody is lost, and that there are no more shards than wanted, may not."""
    rows = "".join(f"{one:04},2023-01-01\n" for one in range(2000))
    (tmp_path / "orders.csv").write_text("customer_id,ordered_at\n" + rows)
    monkeypatch.setattr(spill, "_MANY_ROWS", 1000)
    found = spilled(source, tmp_path / "spill", rows_each=250)
    assert 4 <= len(found) <= 8
    customers = [one for shard in range(len(found)) for one in found.store(shard).customer_ids]
    assert customers == [f"{one:04}" for one in range(2000)]


@pytest.mark.parametrize("where", ["copy", "stage"])
def test_a_disk_that_is_full_while_a_table_is_read_is_not_the_table_s_fault(
    source: SourceSettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    """Whether the database or a copy in UTF-8 has no place: nobody is told to mend the file."""

    def fail(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    if where == "copy":
        monkeypatch.setattr(readers, "as_utf8", fail)
    else:
        monkeypatch.setattr(checked, "translated", lambda *_: "error('No space left on device')")
    with pytest.raises(OutputError, match=r"The disk of '.*spill' is full.* --workspace"):
        spilled(source, tmp_path / "spill")
    with pytest.raises(OutputError, match=r"The disk of '.*retain-.*' is full.* TMPDIR"):
        read_events(source, now=NOW)
