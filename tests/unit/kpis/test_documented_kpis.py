"""The manual knows every KPI."""

from __future__ import annotations

from pathlib import Path

import pytest

from retain.kpis.kpi import DEFINITIONS

MANUAL = (Path(__file__).parents[3] / "docs" / "metrics.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", DEFINITIONS)
def test_every_kpi_is_documented_with_its_unit(name: str) -> None:
    """It has a row of its own in the manual's table, with the unit it is told in."""
    assert f"\n| `{name}` | {DEFINITIONS[name].unit} |" in MANUAL
