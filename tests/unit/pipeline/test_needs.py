from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np
import pytest

from retain.config import Config, FeatureSettings
from retain.events.schemas import SCHEMAS
from retain.events.source import SourceSettings
from retain.events.store import Column, EventStore, EventTable
from retain.labels import ChurnSettings
from retain.pipeline.needs import Needs, columns_needed
from retain.text.annotate import annotated
from retain.text.backends import TextSettings
from retain.text.understood import LEXICON

if TYPE_CHECKING:
    from pathlib import Path

NOTHING = np.empty(0, dtype=np.int64)


@pytest.fixture
def outline() -> EventStore:
    """Every table with every column, and no row."""
    tables = {
        name: EventTable(
            NOTHING,
            NOTHING,
            NOTHING,
            MappingProxyType(
                {
                    one.name: Column(NOTHING.astype(np.int32), np.empty(0, dtype=object))
                    for one in schema.fields
                    if one.name not in ("customer_id", schema.time)
                }
            ),
        )
        for name, schema in SCHEMAS.items()
    }
    store = EventStore(np.empty(0, dtype=object), MappingProxyType(tables), MappingProxyType({}))
    return annotated(store, TextSettings(LEXICON))[0]


def needed(
    outline: EventStore, folder: Path, needs: Needs, families: tuple[str, ...], churn: str = "inactivity"
) -> dict[str, set[str]]:
    config = Config(
        "x", SourceSettings({}, folder), churn=ChurnSettings(churn), features=FeatureSettings(families)
    )
    return columns_needed(needs, config, outline)


def test_features_need_what_they_read_and_who_is_eligible(outline: EventStore, tmp_path: Path) -> None:
    """And the table of customers, which has one row each."""
    found = needed(outline, tmp_path, Needs.FEATURES, ("engagement",))
    assert set(found) == {"messages", "orders", "customers"}
    assert found["orders"] == {"kind"}
    assert "campaign_id" not in found["messages"]


def test_by_contract_the_ends_are_needed_and_orders_are_not(outline: EventStore, tmp_path: Path) -> None:
    """Whatever the families read."""
    found = needed(outline, tmp_path, Needs.FEATURES, ("engagement",), "contract")
    assert found["contracts"] == {"ended_at"}
    assert "orders" not in found


def test_scores_need_money_and_ways_to_reach_customers(outline: EventStore, tmp_path: Path) -> None:
    """Amounts, open tickets, recommendations; but no message where no feature reads one."""
    found = needed(outline, tmp_path, Needs.SCORES, ("rhythm",))
    assert {"amount", "kind"} <= found["orders"]
    assert found["ticket_events"] == {"ticket_id", "state"}
    assert found["feedback"] == {"nps"}
    assert "messages" not in found
    assert "text" not in found["tickets"]


def test_texts_are_kept_where_a_feature_reads_what_they_say(outline: EventStore, tmp_path: Path) -> None:
    """With the marks beside them, which teach what they mean."""
    found = needed(outline, tmp_path, Needs.FEATURES, ("feedback",))
    assert {"text", "language", "rating", "rating_max", "nps", "csat"} <= found["feedback"]


def test_else_everything_is_kept(outline: EventStore, tmp_path: Path) -> None:
    """For verbs that show whatever is there."""
    found = needed(outline, tmp_path, Needs.EVERYTHING, ("rfm",))
    assert set(found) == set(SCHEMAS)
    assert "margin" in found["orders"]
