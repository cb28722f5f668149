from __future__ import annotations

from dataclasses import fields
from pathlib import Path

from retain.events.manual import contract_tables
from retain.events.source import FORMATS, TableSource

PAGE = Path(__file__).parents[3] / "docs" / "data.md"


def test_the_manual_has_the_contract_as_it_is() -> None:
    """The page ends with every table and column of the contract."""
    assert PAGE.read_text(encoding="utf-8").endswith(contract_tables())


def test_the_manual_has_every_setting_and_ending() -> None:
    """A new setting or file ending is not forgotten."""
    page = PAGE.read_text(encoding="utf-8")
    for one in fields(TableSource):
        assert f"| `{one.name}` |" in page
    for ending in FORMATS:
        assert f"`{ending}`" in page
