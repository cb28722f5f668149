"""A tiny change of what a model makes of a customer does not shuffle the reasons."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from retain.features.catalog import EVERY
from retain.features.spec import Feature, FeatureSet, How, Measure
from retain.scoring.languages import LANGUAGES, language
from retain.scoring.reasons import MOST, NEAR, explain, strongest

if TYPE_CHECKING:
    from random import Random

NOISE = NEAR / 8
TOPICS = ("recency", "frequency", "rhythm", "spend", "support", "delivery")

NAMES = (
    "tenure_days",
    "orders_lifetime",
    "gap_days_max",
    "spend_lifetime",
    "open_tickets",
    "failed_payments_365d",
)

levels = st.integers(1, 9)
signs = st.sampled_from([-1.0, 1.0])
noise = st.floats(-NOISE, NOISE)


@st.composite
def effects(draw: st.DrawFn, size: int) -> tuple[np.ndarray, np.ndarray]:
    """Effects that are nearly equal or clearly not, and the same ones after a tiny change."""
    sizes = np.array(draw(st.lists(levels, min_size=size, max_size=size))) * 4 * NEAR
    sizes *= np.array(draw(st.lists(signs, min_size=size, max_size=size)))
    few = st.lists(noise, min_size=size, max_size=size)
    return sizes + np.array(draw(few)), sizes + np.array(draw(few))


def feature(name: str, topic: str, spoken_by: str = "") -> Feature:
    """A feature of which only topic and phrase matter."""
    return Feature(name, Measure("orders", How.COUNT), topic, "Because.", f"{name} {{{name}:.0f}}", spoken_by)


@given(both=effects(len(TOPICS)))
def test_topics_keep_their_order(both: tuple[np.ndarray, np.ndarray]) -> None:
    """Whoever is nearly as strong stands in the catalogue's order, before and after."""
    before, after = (strongest(one[None, :]) for one in both)
    assert before.tolist() == after.tolist()


@given(both=effects(4))
def test_a_topic_keeps_its_sentence(both: tuple[np.ndarray, np.ndarray]) -> None:
    """The part that it speaks through is the same, whatever noise is on the contributions of its features."""
    features = FeatureSet(tuple(feature(f"part_{at}", "spend") for at in "abcd"))
    values = np.arange(4.0)[None, :]
    before, after = (explain(features, values, np.abs(one)[None, :])[0] for one in both)
    assert [one.sentence for one in before] == [one.sentence for one in after]


@given(
    shares=st.lists(st.floats(0.1, 2), min_size=3, max_size=3),
    other=st.lists(st.floats(0.1, 2), min_size=3, max_size=3),
)
def test_features_that_speak_as_one_may_trade_effects(shares: list[float], other: list[float]) -> None:
    """However a model spreads what it makes of a silence over the features that tell of it."""
    names = ("silent", "overdue", "overdue_too")
    features = FeatureSet(
        tuple(feature(one, "recency", "" if one == "overdue" else "overdue") for one in names)
    )
    values = np.array([[74.0, 3.5, 3.0]])
    said = {explain(features, values, np.array([one]))[0][0].sentence for one in (shares, other)}
    assert said == {"Risk up: overdue 4"}


@given(
    rows=st.lists(st.lists(st.floats(-3, 3), min_size=6, max_size=6), min_size=1, max_size=8),
    order=st.randoms(use_true_random=False),
)
def test_reasons_are_the_customer_s_own(rows: list[list[float]], order: Random) -> None:
    """Whoever else is scored, and in whatever order; never more than three, no topic twice, the strongest among them."""
    features = FeatureSet(tuple(EVERY.by_name[one] for one in NAMES))
    contributions = np.array(rows)
    values = np.abs(contributions) * 10
    places = list(range(len(rows)))
    order.shuffle(places)
    tongues = [language(LANGUAGES[one % len(LANGUAGES)]) for one in range(len(rows))]
    found = explain(features, values, contributions, tongues)
    again = explain(features, values[places], contributions[places], [tongues[one] for one in places])
    assert [found[one] for one in places] == again
    for row, reasons in enumerate(found):
        topics = [one.topic for one in reasons]
        assert len(topics) == len(set(topics)) <= MOST
        sizes = np.sort(np.abs(contributions[row]))[::-1]
        for place, one in enumerate(reasons):
            assert abs(one.effect) >= sizes[place] - NEAR
