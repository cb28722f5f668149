"""Which columns of which tables features are computed from, so that nothing else has to be kept."""

from __future__ import annotations

from typing import TYPE_CHECKING

from retain.engine.streams import STREAMS, stream_columns
from retain.engine.views import order_columns
from retain.events.attributes import TABLE
from retain.features.spec import Attribute, measures

if TYPE_CHECKING:
    from retain.features.spec import FeatureSet


def columns_read(features: FeatureSet) -> dict[str, set[str]]:
    """Of each table that these features read the columns they need, besides customer and times.

    Args:
        features: any. The order of rows of one instant decides none of them, so that columns that are left out, by which rows are
            sorted as well, change no bit.
    """
    found: dict[str, set[str]] = {}
    for feature in features.features:
        if isinstance(feature.formula, Attribute):
            found.setdefault(TABLE, set()).add(feature.formula.column)
            continue
        for one in measures(feature.formula):
            read = [name for name in (one.value, one.where) if name is not None]
            if one.view in STREAMS:
                stream = STREAMS[one.view]
                found.setdefault(stream.table, set()).update(stream_columns(stream, read))
            else:
                found.setdefault("orders", set()).update(order_columns(read))
    return found
