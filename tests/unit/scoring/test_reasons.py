"""Why a score is what it is, in plain words."""

from __future__ import annotations

import numpy as np
import pytest

from retain.features.catalog import EVERY
from retain.features.spec import Feature, FeatureSet, How, Measure
from retain.scoring.reasons import MOST, UNKNOWN, by_topic, explain, topics_of


def feature(name: str, topic: str, phrase: str) -> Feature:
    """A feature of which only the words matter."""
    return Feature(name, Measure("orders", How.COUNT), topic, "Because.", phrase)


FOUND = FeatureSet(
    (
        feature("silent", "recency", "no order for {silent:days}"),
        feature("orders", "frequency", "{orders:order} so far"),
        feature("overdue", "recency", "overdue by {overdue:days}"),
        feature("gap", "rhythm", "an order every {gap:days}"),
        feature("spent", "spend", "spent {spent:,.0f}"),
    )
)
VALUES = np.array([[40.0, 3.0, 12.0, 20.0, 99.0]])


def sentences(values: np.ndarray, contributions: list[float]) -> list[str]:
    """The reasons of one row."""
    return [one.sentence for one in explain(FOUND, values, np.array([contributions]))[0]]


def test_topics_come_in_the_order_they_first_occur() -> None:
    """Each once."""
    assert topics_of(FOUND) == ("recency", "frequency", "rhythm", "spend")
    assert topics_of(FeatureSet(())) == ()


def test_contributions_are_added_up_by_topic() -> None:
    """And nothing is lost on the way."""
    contributions = np.array([[1.0, 2.0, 4.0, 8.0, 16.0], [0.0, 0.0, -1.0, 0.0, 0.5]])
    assert by_topic(FOUND, contributions).tolist() == [[5, 2, 8, 16], [-1, 0, 0, 0.5]]
    assert by_topic(FeatureSet(()), np.empty((2, 0))).shape == (2, 0)


def test_the_strongest_three_come_first() -> None:
    """By size, whichever way they point; each says which."""
    assert sentences(VALUES, [0.3, -0.9, 0.1, 0.2, 0.5]) == [
        "Risk down: 3 orders so far",
        "Risk up: spent 99",
        "Risk up: no order for 40 days",
    ]
    reasons = explain(FOUND, VALUES, np.array([[0.3, -0.9, 0.1, 0.2, 0.5]]))[0]
    assert len(reasons) == MOST == 3
    assert [(one.topic, one.raises) for one in reasons] == [
        ("frequency", False),
        ("spend", True),
        ("recency", True),
    ]
    assert [one.effect for one in reasons] == pytest.approx([-0.9, 0.5, 0.4])


def test_a_topic_speaks_through_the_feature_that_moved_it_most_its_way() -> None:
    """Not through one that pulled against it."""
    assert sentences(VALUES, [-0.5, 0, 0.9, 0, 0]) == ["Risk up: overdue by 12 days"]
    assert sentences(VALUES, [-0.9, 0, 0.5, 0, 0]) == ["Risk down: no order for 40 days"]


def test_what_moves_nothing_is_no_reason() -> None:
    """There may be fewer than three, or none."""
    assert sentences(VALUES, [0.0, 0.0, 0.0, 0.2, 0.0]) == ["Risk up: an order every 20 days"]
    assert sentences(VALUES, [0.0] * 5) == []


@pytest.mark.parametrize("unknown", [np.nan, np.inf])
def test_a_number_that_is_not_known_is_not_said(unknown: float) -> None:
    """The topic's next feature speaks, then words of the topic's own, then that nothing is known."""
    one = VALUES.copy()
    one[0, 2] = unknown
    assert sentences(one, [0.1, 0, 0.9, 0, 0]) == ["Risk up: no order for 40 days"]
    one[0, [0, 3]] = unknown
    assert sentences(one, [0.1, 0, 0.9, 0.5, 0]) == [
        "Risk up: nothing is known of recency yet",
        "Risk up: one order only, so no rhythm yet",
    ]


def test_equal_topics_keep_their_order() -> None:
    """So that the same score always has the same reasons."""
    assert [one.topic for one in explain(FOUND, VALUES, np.array([[0.0, 0.5, 0.5, 0.5, 0.5]]))[0]] == [
        "recency",
        "frequency",
        "rhythm",
    ]


def test_every_row_has_its_own_reasons() -> None:
    """As many lists as rows."""
    contributions = np.array([[1.0, 0, 0, 0, 0], [0, -1.0, 0, 0, 0]])
    found = explain(FOUND, np.repeat(VALUES, 2, axis=0), contributions)
    assert [[one.topic for one in row] for row in found] == [["recency"], ["frequency"]]
    assert explain(FOUND, np.empty((0, 5)), np.empty((0, 5))) == []


def test_words_for_the_unknown_are_of_topics_that_exist() -> None:
    """A renamed topic would otherwise lose them silently."""
    assert UNKNOWN.keys() <= set(topics_of(EVERY))
