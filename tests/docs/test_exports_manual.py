from __future__ import annotations

import dataclasses
import re
from pathlib import Path

import pyarrow as pa
import pytest
from pyarrow import parquet

from retain.exports.as_csv import PROBABILITY_DECIMALS
from retain.exports.formats import FORMATS
from retain.exports.manifest import Manifest

MANUAL = (Path(__file__).parents[2] / "docs" / "exports.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", FORMATS.names())
def test_every_format_is_in_the_manual(name: str) -> None:
    """With the sentence that the format itself carries, and a section of its own."""
    assert f"| {name} | {FORMATS.get(name).about} |" in MANUAL
    assert f"`scores.{name}`" in MANUAL


def test_every_key_of_the_manifest_is_in_the_manual() -> None:
    """What the receiver finds there is explained."""
    section = MANUAL.split("\n## Manifest\n")[1].split("\n## ")[0]
    assert {one.name for one in dataclasses.fields(Manifest)} <= set(re.findall(r"`(\w+)`", section))


def test_the_number_of_decimals_is_the_one_in_the_manual() -> None:
    """The manual writes it as a word."""
    assert PROBABILITY_DECIMALS == 6
    assert "six decimals" in MANUAL


def test_the_example_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first block of the manual exports a table of scores."""
    monkeypatch.chdir(tmp_path)
    parquet.write_table(pa.table({"customer_id": ["a"]}), "scores.parquet")
    code = re.findall(r"```python\n(.*?)```", MANUAL, re.DOTALL)[0]
    exec(compile(code, "docs/exports.md", "exec"), {})  # noqa: S102 - the manual's own example
    assert (tmp_path / "for-the-crm" / "scores.csv").is_file()
