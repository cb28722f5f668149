"""Why a score is what it is, in plain words."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from retain.features.spec import Feature, FeatureSet, How, Measure
from retain.scoring.languages import LANGUAGES, language
from retain.scoring.reasons import MOST, NEAR, by_topic, explain, strongest, topics_of


def feature(name: str, topic: str, phrase: str) -> Feature:
    """A feature of which only the words matter."""
    return Feature(name, Measure("orders", How.COUNT), topic, "Because.", phrase)


FOUND = FeatureSet(
    (
        feature("silent", "recency", "no order for {silent:days}"),
        feature("orders", "frequency", "{orders:order} so far"),
        feature("overdue", "recency", "overdue by {overdue:days}"),
        feature("gap", "rhythm", "an order every {gap:days}"),
        feature("spent", "spend", "spent {spent:money}"),
    )
)
SPEND = FeatureSet(
    (*FOUND.features[:4], feature("spend_lifetime", "spend", "spent {spend_lifetime:money} so far"))
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
    assert sentences(VALUES, [0.3, -0.9, 0.1, 0.2, 0.6]) == [
        "Risk down: 3 orders so far",
        "Risk up: spent 99",
        "Risk up: no order for 40 days",
    ]
    reasons = explain(FOUND, VALUES, np.array([[0.3, -0.9, 0.1, 0.2, 0.6]]))[0]
    assert len(reasons) == MOST == 3
    assert [(one.topic, one.raises) for one in reasons] == [
        ("frequency", False),
        ("spend", True),
        ("recency", True),
    ]
    assert [one.effect for one in reasons] == pytest.approx([-0.9, 0.6, 0.4])


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
        "Risk up: not known yet: time since the last order",
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


def test_a_row_is_told_in_its_own_language() -> None:
    """With the currency where there are amounts."""
    tongues = [language("en"), language("ru")]
    contributions = np.array([[0.0, 0, 0, 0, -0.5]] * 2)
    one, other = explain(SPEND, np.repeat(VALUES, 2, axis=0), contributions, tongues, "GBP")
    assert [each.sentence for each in (*one, *other)] == [
        "Risk down: spent £99 so far",
        "Снижает риск: покупки на 99\N{NO-BREAK SPACE}£ за всё время",
    ]


@pytest.mark.parametrize("code", LANGUAGES)
def test_what_is_not_known_is_told_in_every_language(code: str) -> None:
    """A topic with words of its own, and one without."""
    nothing = np.full((1, 5), np.nan)
    (found,) = explain(FOUND, nothing, np.array([[0.9, 0, 0, 0.5, 0]]), [language(code)])
    tongue = language(code)
    assert [one.sentence for one in found] == [
        tongue.said["up"].format(reason=tongue.said["unknown"].format(topic=tongue.topics["recency"])),
        tongue.said["up"].format(reason=tongue.unknown["rhythm"]),
    ]


def test_effects_that_hardly_differ_stand_in_the_order_of_the_catalogue() -> None:
    """However the last digits fall; a difference that is larger decides."""
    small, large = 0.9 * NEAR, 1.1 * NEAR
    assert strongest(np.array([[0.5, 0.5 + small, -0.5 - small / 2]])).tolist() == [[0, 1, 2]]
    assert strongest(np.array([[0.5, 0.5 + large, -0.5]])).tolist() == [[1, 0, 2]]


def test_nothing_near_nothing_is_named() -> None:
    """A topic without any effect is none, though it is near one that has a little; no topics, no reasons."""
    assert strongest(np.array([[0.0, 0.01, 0.0, -0.02]])).tolist() == [[1, 3, -1]]
    assert strongest(np.empty((1, 0))).tolist() == [[-1, -1, -1]]


ALIKE = FeatureSet(
    (
        replace(feature("silent", "recency", "no order for {silent:days}"), spoken_by="overdue"),
        feature("overdue", "recency", "no order for {silent:days}; usually every {usual:interval}"),
        feature("usual", "rhythm", "usually every {usual:interval}"),
        feature("varies", "rhythm", "give or take {varies:days}"),
    )
)
WHO = np.array([[74.0, 3.5, 21.0, 5.0]])


def alike(contributions: list[float], values: np.ndarray = WHO) -> list[str]:
    """The reasons of one row of features that say much the same."""
    return [one.sentence for one in explain(ALIKE, values, np.array([contributions]))[0]]


def test_features_that_speak_as_one_use_the_phrase_that_says_more() -> None:
    """Whichever of them moved the score."""
    assert (
        alike([0.9, 0.0, 0, 0])
        == alike([0.0, 0.9, 0, 0])
        == ["Risk up: no order for 74 days; usually every 21 days"]
    )
    unknown = np.array([[74.0, np.nan, np.nan, np.nan]])
    assert alike([0.9, 0.1, 0, 0], unknown) == ["Risk up: no order for 74 days"]


def test_parts_that_hardly_differ_speak_through_the_first() -> None:
    """And never through one that pulled the other way."""
    assert alike([0, 0, 0.5, 0.5 + 0.9 * NEAR]) == ["Risk up: usually every 21 days"]
    assert alike([0, 0, 0.5, 0.5 + 1.1 * NEAR]) == ["Risk up: give or take 5 days"]
    assert alike([0, 0, -0.01, 0.03]) == ["Risk up: give or take 5 days"]


def test_a_number_is_said_once() -> None:
    """A weaker reason tells something else of its topic, if that points its way; else it says the number again."""
    assert alike([0.9, 0, 0.5, 0.1]) == [
        "Risk up: no order for 74 days; usually every 21 days",
        "Risk up: give or take 5 days",
    ]
    assert alike([0.9, 0, 0.5, -0.1]) == [
        "Risk up: no order for 74 days; usually every 21 days",
        "Risk up: usually every 21 days",
    ]
    assert alike([0.5, 0, 0.9, 0]) == ["Risk up: usually every 21 days", "Risk up: no order for 74 days"]
    assert (
        alike([0.9, 0, 0.5, 0.1], np.array([[74.0, 3.5, 21.0, np.nan]]))[1]
        == "Risk up: usually every 21 days"
    )


def test_a_phrase_that_shows_a_feature_which_the_model_lacks_is_not_said() -> None:
    """The next one speaks."""
    few = FeatureSet(ALIKE.features[:2])
    (found,) = explain(few, WHO[:, :2], np.array([[0.9, 0.1]]))
    assert [one.sentence for one in found] == ["Risk up: no order for 74 days"]
    both = FeatureSet((ALIKE.features[1], ALIKE.features[3]))
    (found,) = explain(both, WHO[:, [1, 3]], np.array([[0.9, 0.5]]))
    assert [one.sentence for one in found] == [
        "Risk up: not known yet: time since the last order",
        "Risk up: give or take 5 days",
    ]
