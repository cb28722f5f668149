from __future__ import annotations

from functools import partial
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import pytest

from retain.errors import ConfigError
from retain.events.store import EventStore
from retain.text import parts as by_parts
from retain.text import tiers
from retain.text.annotate import annotated, together
from retain.text.backends import TextSettings
from retain.text.parts import TextsByParts
from retain.text.understood import by_words

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from retain.events.store import EventTable

    Build = Callable[..., EventStore]

SAID = (
    "great service, fast delivery, thank you",
    "terrible, it came late and broken",
    "the parcel was lost and nobody answers",
    "lovely quality, I am very happy",
    "sehr schlechter Service",
    "alles bestens, gerne wieder",
)


@pytest.fixture
def rows() -> list[dict[str, object]]:
    """Two years of texts of forty customers, who rate what they say."""
    found: list[dict[str, object]] = []
    for number in range(1200):
        which = (number * 7 + number // 5) % len(SAID)
        found.append(
            {
                "customer_id": f"c{number * 13 % 40:02}",
                "given_at": f"20{22 + number // 600}-{number % 12 + 1:02}-{number % 28 + 1:02}",
                "text": f"{SAID[which]} {number % 9}",
                "rating": 5.0 if which in (0, 3, 5) else 1.0,
                "rating_max": 5.0,
            }
        )
    return found


def divided(rows: list[dict[str, object]], orders_store: Build, cuts: tuple[str, ...]) -> list[EventStore]:
    """Stores of the customers before each cut and after the last."""
    edges = ("", *cuts, "~")
    return [
        orders_store([], others={"feedback": [one for one in rows if low <= str(one["customer_id"]) < high]})
        for low, high in pairwise(edges)
    ]


def plain(store: EventStore) -> EventStore:
    """The store before its texts were read."""
    table = store.tables["feedback"]
    kept = {
        name: one for name, one in table.columns.items() if "sentiment" not in name and "intent" not in name
    }
    bare = type(table)(table.customer, table.time, table.known, kept)
    return EventStore(store.customer_ids, {"feedback": bare}, {})


@pytest.mark.parametrize("backend", ["auto", "learned", "self_trained", "lexicon"])
@pytest.mark.parametrize("cuts", [("c10", "c25"), ()], ids=["three parts", "one part"])
def test_texts_by_parts_say_what_they_say_at_once(
    rows: list[dict[str, object]],
    orders_store: Build,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    backend: str,
    cuts: tuple[str, ...],
) -> None:
    """What earlier texts of other parts have taught is known in each part, to the last bit."""
    monkeypatch.setattr(tiers, "_LEAST", {tiers.LEARNED: 300, tiers.SELF_TRAINED: 300})
    settings = TextSettings(backend)
    whole, coverage = annotated(plain(orders_store([], others={"feedback": rows})), settings)
    stores = [plain(one) for one in divided(rows, orders_store, cuts)]

    def table(part: int) -> EventTable:
        return stores[part].tables["feedback"]

    reader = TextsByParts(settings, tmp_path)
    reader.learn("feedback", len(stores), table)
    read = [reader(one) for one in stores]
    for name in ("sentiment", "sentiment_delivery", "intent_cancel"):
        found = np.concatenate([one.tables["feedback"].columns[name].values for one, _ in read])
        assert found.tobytes() == whole.tables["feedback"].columns[name].values.tobytes()
    assert together(one for _, each in read for one in each) == coverage
    if backend in ("auto", "learned"):
        assert any("learned" in one.tiers for one in coverage)
    kept = set(tmp_path.iterdir())
    reader.forget_the_rest()
    assert set(tmp_path.iterdir()) == kept


def test_a_backend_that_may_want_all_texts_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody can tell what a backend of another package looks at, and half of it is not what it asked for."""
    monkeypatch.setattr(by_parts, "backend_of", lambda _: partial(by_words))
    with pytest.raises(ConfigError, match=r"backend = 'auto' may learn .* Raise \[resources\] memory_mb"):
        TextsByParts(TextSettings("auto"), None)
