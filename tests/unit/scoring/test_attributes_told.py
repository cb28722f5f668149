"""Attributes of customers in reasons, in every language."""

from __future__ import annotations

import numpy as np
import pytest

from retain.features.attributes import attribute
from retain.features.spec import Attribute, FeatureSet, Holds
from retain.scoring.languages import LANGUAGES, language
from retain.scoring.reasons import explain

PLAN = attribute("static_plan", Attribute("Plan", Holds.CATEGORY, ("One year", "Two year")))


@pytest.mark.parametrize(
    ("formula", "value", "said"),
    [
        (Attribute("Contract", Holds.CATEGORY, ("One year", "Two year")), 2.0, "Contract is Two year"),
        (Attribute("Fee", Holds.NUMBER), 1234567.5, "Fee is 1,234,567.5"),
        (Attribute("joined", Holds.DATE), 40.2, "joined was 40 days ago"),
    ],
)
def test_values_are_said_in_plain_words(formula: Attribute, value: float, said: str) -> None:
    """A category by its word."""
    assert language("en").say(attribute("static_x", formula), {"static_x": value}) == said


@pytest.mark.parametrize("code", LANGUAGES)
def test_every_language_tells_attributes(code: str) -> None:
    """By their column and word, which no translator knows; also that nothing is known of one."""
    fee = attribute("static_fee", Attribute("Fee", Holds.NUMBER))
    features = FeatureSet((PLAN, fee))
    values, effects = np.array([[1.0, np.nan]]), np.array([[0.9, -0.5]])
    (reasons,) = explain(features, values, effects, [language(code)])
    assert [one.topic for one in reasons] == ["Plan", "Fee"]
    assert "Plan" in reasons[0].sentence
    assert "One year" in reasons[0].sentence
    assert "Fee" in reasons[1].sentence
