"""Tests of texts as dated columns of the store."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from retain.errors import UsageError
from retain.text.annotate import annotated
from retain.text.backends import TextSettings
from retain.text.feed import feed_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from retain.events.store import EventStore

    Build = Callable[..., EventStore]

ORDERS = [{"customer_id": "a", "ordered_at": "2024-01-01", "amount": 100}]
SAID = [
    {"customer_id": "a", "given_at": "2024-01-02", "text": "great delivery", "language": "en"},
    {
        "customer_id": "a",
        "given_at": "2024-01-03",
        "text": "terrible delivery, I want my money back",
        "language": "en",
    },
    {"customer_id": "a", "given_at": "2024-01-04", "text": None, "language": None},
    {"customer_id": "a", "given_at": "2024-01-05", "text": "7", "language": "en"},
]


def test_a_text_becomes_numbers_beside_it(orders_store: Build) -> None:
    """Sentiment, sentiment by topic, and intents; not known where there is no text."""
    store, _ = annotated(orders_store(ORDERS, others={"feedback": SAID}), TextSettings("lexicon"))
    columns = {name: one.values for name, one in store.tables["feedback"].columns.items()}
    assert columns["sentiment"][0] > 0 > columns["sentiment"][1]
    assert np.isnan(columns["sentiment"][2:]).all()
    assert np.array_equal(columns["sentiment_delivery"], columns["sentiment"], equal_nan=True)
    assert np.isnan(columns["sentiment_price"]).all()
    assert columns["intent_refund"].tolist()[:2] == [0, 1]
    assert np.isnan(columns["intent_refund"][2:]).all()
    assert np.array_equal(columns["sentiment"], np.round(columns["sentiment"], 3), equal_nan=True)


def test_coverage_counts_texts_not_rows(orders_store: Build) -> None:
    """Rows without text are in no language; each tier says how many it told."""
    _, coverage = annotated(orders_store(ORDERS, others={"feedback": SAID}), TextSettings("lexicon"))
    assert [one.as_dict() for one in coverage] == [
        {"table": "feedback", "language": "en", "texts": 2, "understood": 2, "tiers": {"lexicon": 2}}
    ]
    assert coverage[0].share == 1


def test_tables_without_text_stay_as_they_are(orders_store: Build) -> None:
    """No column is made up."""
    bare = [{"customer_id": "a", "given_at": "2024-01-02", "rating": 4, "rating_max": 5}]
    store, coverage = annotated(orders_store(ORDERS, others={"feedback": bare}), TextSettings("lexicon"))
    assert set(store.tables["feedback"].columns) == {"rating", "rating_max"}
    assert coverage == ()


def test_a_backend_that_does_not_exist_is_named(orders_store: Build) -> None:
    """With those that do."""
    with pytest.raises(UsageError, match="No sentiment backend is called 'vaderr'"):
        annotated(orders_store(ORDERS), TextSettings("vaderr"))


def test_marks_say_pleased_or_not(orders_store: Build) -> None:
    """Stars over the most there are, then recommendation, then satisfaction; a middling mark says neither."""
    marks: list[dict[str, object]] = [
        {"rating": 5, "rating_max": 5, "nps": 0, "csat": None},
        {"rating": 2, "rating_max": 5, "nps": 10, "csat": None},
        {"rating": 3, "rating_max": 5, "nps": None, "csat": None},
        {"rating": None, "rating_max": None, "nps": 9, "csat": 1},
        {"rating": None, "rating_max": None, "nps": 7, "csat": 5},
        {"rating": None, "rating_max": None, "nps": None, "csat": 2},
        {"rating": None, "rating_max": None, "nps": None, "csat": None},
    ]
    said = [
        {"customer_id": "a", "given_at": f"2024-01-0{day}", "text": "x", "language": None, **mark}
        for day, mark in enumerate(marks, start=1)
    ]
    pleased = feed_of(orders_store(ORDERS, others={"feedback": said}).tables["feedback"]).pleased
    assert np.array_equal(pleased, [1, 0, np.nan, 1, np.nan, 0, np.nan], equal_nan=True)
