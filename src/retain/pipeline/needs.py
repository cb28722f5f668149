"""What a verb needs of the tables: in shards nothing else is kept on disk."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from retain.engine.reads import columns_read
from retain.engine.views import columns_at_hand
from retain.events.attributes import TABLE
from retain.events.schemas import SCHEMAS
from retain.features.catalog import feature_set
from retain.labels import LABELS
from retain.text.annotate import TABLES
from retain.text.feed import READ

if TYPE_CHECKING:
    from retain.config import Config
    from retain.events.store import EventStore


class Needs(StrEnum):
    """How much of the tables a verb looks at."""

    FEATURES = "features"
    """Features of customers, and who is eligible."""
    SCORES = "scores"
    """These, what customers are worth, and what decides how they may be reached."""
    EVERYTHING = "everything"
    """Whatever is there."""


_ELIGIBLE = {"orders": {"kind"}, "contracts": {"ended_at"}, TABLE: {"label", "label_at"}}
"""What the definitions of churn read."""
_WORTH = {"orders": {"amount"}, "contracts": {"monthly_price"}}
_REACHED = {
    "feedback": {"nps"},
    "tickets": {"ticket_id", "resolved_at", "closed_at"},
    "ticket_events": {"ticket_id", "state"},
}
"""What contact rules read, beside the table of customers."""


def columns_needed(needs: Needs, config: Config, outline: EventStore) -> dict[str, set[str]]:
    """Of each table the columns that are needed besides customer and times; a table that is not needed is not there.

    Args:
        needs: how much.
        config: the settings.
        outline: has every table and column, with what texts say.
    """
    if needs is Needs.EVERYTHING:
        return {name: set(table.columns) for name, table in outline.tables.items()}
    chosen = config.features
    read = columns_read(feature_set(chosen.families, columns_at_hand(outline), chosen.own_features))
    for name in TABLES:
        # What texts say is made of the text, and of what was marked beside it.
        if read.get(name, set()) - set(SCHEMAS[name].by_name):
            read[name] |= READ
    label = LABELS.get(config.churn.definition).table
    read.setdefault(label, set())
    # Of the table of customers, one row each, everything: attributes, consents, languages.
    for table, columns in _ELIGIBLE.items():
        if table in read or needs is Needs.SCORES:
            read.setdefault(table, set()).update(columns)
    if needs is Needs.SCORES:
        for table, columns in (*_WORTH.items(), *_REACHED.items()):
            read.setdefault(table, set()).update(columns)
    if TABLE in outline.tables:
        read[TABLE] = set(outline.tables[TABLE].columns)
    return {name: columns for name, columns in read.items() if name in outline.tables}
