"""Features made of attributes of customers."""

from __future__ import annotations

import numpy as np
import pytest

from retain.errors import ConfigError
from retain.events.store import MISSING, Column, EventTable
from retain.features.attributes import MOST_LEVELS, attribute, attribute_features, plain_phrase
from retain.features.catalog import EVERY
from retain.features.spec import Attribute, FeatureSet, Holds


def words(counts: dict[str, int]) -> Column:
    """A category in which each word occurs so often."""
    levels = sorted(counts)
    codes = np.repeat(np.arange(len(levels), dtype=np.int32), [counts[one] for one in levels])
    return Column(codes, np.array(levels, dtype=object))


def customers(**columns: Column) -> EventTable:
    rows = len(next(iter(columns.values())).values)
    nowhere = np.full(rows, MISSING, dtype=np.int64)
    return EventTable(np.arange(rows, dtype=np.int64), nowhere, nowhere, columns)


def only(name: str, column: Column) -> Attribute:
    (feature,) = attribute_features(customers(**{name: column}), [name])
    assert isinstance(feature.formula, Attribute)
    return feature.formula


def test_each_kind_of_column_becomes_its_feature() -> None:
    """Numbers, words, flags, instants and calendar days."""
    assert only("x", Column(np.zeros(2))).holds is Holds.NUMBER
    assert only("x", Column(np.zeros(2, dtype=np.int64))).holds is Holds.DATE
    assert only("birth_date", words({"2000-01-01": 9})).holds is Holds.DATE
    assert only("consent_sms", Column(np.zeros(2, dtype=np.int8))).levels == ("no", "yes")
    assert only("x", words({"b": 9, "a": 7})) == Attribute("x", Holds.CATEGORY, ("a", "b"))


def test_rare_words_are_not_told_apart() -> None:
    """Four customers are too few; beyond fifty words only the most frequent count."""
    assert only("x", words({"a": 5, "b": 4})).levels == ("a",)
    many = {f"w{at:02}": 5 + (at >= 5) for at in range(MOST_LEVELS + 5)}
    assert only("x", words(many)).levels == tuple(sorted(many)[5:])


def test_names_say_that_there_is_no_time() -> None:
    """With nothing in them that a model's text could not hold."""
    (feature,) = attribute_features(
        customers(**{"Monthly {Fee}, EUR": Column(np.zeros(2))}), ["Monthly {Fee}, EUR"]
    )
    assert feature.name == "static_Monthly_Fee_EUR"
    assert feature.phrase == "Monthly (Fee), EUR is {static_Monthly_Fee_EUR:,.10g}"


def test_two_columns_cannot_share_a_name() -> None:
    """The message says how to part them."""
    table = customers(**{"a b": Column(np.zeros(2)), "a_b": Column(np.zeros(2))})
    with pytest.raises(ConfigError, match="would both be static_a_b"):
        attribute_features(table, ["a b", "a_b"])


def test_an_attribute_is_said_plainly_in_any_language() -> None:
    """Its column and the value; a feature of events has words of its own."""
    number, date = (attribute("static_x", Attribute("x", one)) for one in (Holds.NUMBER, Holds.DATE))
    assert plain_phrase(number) == "x: {static_x:,.10g}"
    assert plain_phrase(date) == "x: {static_x:days}"
    with pytest.raises(TypeError, match="reads events"):
        plain_phrase(EVERY.features[0])


def test_the_fingerprint_knows_the_words_and_the_recipe_does_not() -> None:
    """New words make another feature set of the same recipe; another column or kind makes another of both."""

    def of(*formulas: Attribute) -> FeatureSet:
        return FeatureSet(tuple(attribute(f"static_{at}", one) for at, one in enumerate(formulas)))

    plain, more = (of(Attribute("x", Holds.CATEGORY, levels)) for levels in (("a",), ("a", "b")))
    number = of(Attribute("x", Holds.NUMBER))
    assert plain.fingerprint != more.fingerprint
    assert plain.recipe == more.recipe != number.recipe
    assert plain.categories == ("static_0",)
    assert number.categories == ()
    assert number.attributes == number.features
