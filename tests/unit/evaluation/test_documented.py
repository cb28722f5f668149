"""The manual knows every metric."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import pytest

from retain.evaluation.card import Measures
from retain.evaluation.profit import ProfitSettings

MANUAL = (Path(__file__).parents[3] / "docs" / "metrics.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", [one.name for one in fields(Measures)])
def test_every_metric_of_the_card_is_documented(name: str) -> None:
    """It has a row of its own in the manual's table."""
    assert f"\n| `{name}` |" in MANUAL


@pytest.mark.parametrize("name", [one.name for one in fields(ProfitSettings)])
def test_every_profit_setting_is_documented(name: str) -> None:
    """The manual names it."""
    assert f"`{name}`" in MANUAL
