"""The notebooks run from top to bottom, and keep nothing of whoever ran them last."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import nbclient
import nbformat
import pytest

BOOKS = sorted((Path(__file__).parents[2] / "notebooks").glob("*.ipynb"))
KEPT = {"kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"}}


def read(book: Path) -> Any:
    return nbformat.read(book, as_version=4)  # type: ignore[no-untyped-call]  # nbformat's own


@pytest.mark.parametrize("book", BOOKS, ids=lambda one: one.stem)
def test_a_notebook_runs_from_top_to_bottom(
    book: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every cell, in order, in an empty folder, without an error; the folder stays empty."""
    # Threads of the kernel that wait by spinning would slow all tests down.
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    client = nbclient.NotebookClient(
        read(book), timeout=600, kernel_name="python3", resources={"metadata": {"path": str(tmp_path)}}
    )
    done = client.execute()
    assert [one.execution_count for one in done.cells if one.cell_type == "code"][-1] > 1
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("book", BOOKS, ids=lambda one: one.stem)
def test_a_notebook_keeps_no_trace_of_a_run(book: Path) -> None:
    """No outputs, no counts, no paths of a machine, and a kernel that every machine has."""
    made = read(book)
    assert {key: made.metadata[key] for key in KEPT} == KEPT
    for cell in made.cells:
        assert cell.get("outputs", []) == []
        assert cell.get("execution_count") is None
        assert re.search(r"(?:^|[\s\"'(])(?:/|[A-Z]:\\|~/)\w", cell.source) is None


def test_there_are_four() -> None:
    """Each with a number of its own."""
    assert [book.stem[:2] for book in BOOKS] == ["01", "02", "03", "04"]
