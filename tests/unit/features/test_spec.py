"""Declarations refuse nonsense, know their definition, and speak plainly."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from retain.features import spec
from retain.features.spec import Contrast, Feature, FeatureSet, Formula, How, Measure, Ratio, measures
from retain.timeline import Lookback

COUNT = Measure("orders", How.COUNT)
SUM = Measure("orders", How.SUM, "amount")
IT = Feature("it", SUM, "spend", "Because.", "spent {it:,.0f}")


@pytest.mark.parametrize("how", sorted(set(How) - spec.WITHOUT_VALUE - {How.COUNT}))
def test_an_aggregation_needs_what_it_reads(how: How) -> None:
    """All but a count and the times of events need a value column."""
    which = 0.9 if how is How.QUANTILE else None
    assert Measure("orders", how, "amount", quantile=which).value == "amount"
    with pytest.raises(ValueError, match=f"{how} needs a value column"):
        Measure("orders", how, quantile=which)


@pytest.mark.parametrize(
    ("how", "quantile", "message"),
    [
        (How.QUANTILE, None, "quantile needs a quantile"),
        (How.MEDIAN, 0.5, "median reads no quantile"),
        (How.QUANTILE, 0.0, r"a quantile of 0\.0: it lies between 0 and 1"),
        (How.QUANTILE, 1.0, r"a quantile of 1\.0: it lies between 0 and 1"),
        (How.QUANTILE, -0.1, r"a quantile of -0\.1"),
    ],
)
def test_a_quantile_says_which_one(how: How, quantile: float | None, message: str) -> None:
    """Between the smallest and the largest value, which have names of their own; nothing else has one."""
    with pytest.raises(ValueError, match=message):
        Measure("orders", how, "amount", quantile=quantile)


@pytest.mark.parametrize("how", sorted(spec.WITHOUT_VALUE))
def test_the_time_of_an_event_reads_no_value(how: How) -> None:
    """A value given to one of these would be ignored, so it is refused."""
    with pytest.raises(ValueError, match=f"{how} reads no value column"):
        Measure("orders", how, "amount")


def test_a_count_may_have_a_value_or_none() -> None:
    """Without one it counts events, with one those whose value is known."""
    assert COUNT.value is None
    assert Measure("orders", How.COUNT, "amount").value == "amount"


def test_a_formula_lists_its_measures() -> None:
    """In the order they are written."""
    assert list(measures(COUNT)) == [COUNT]
    assert list(measures(Ratio(SUM, COUNT))) == [SUM, COUNT]
    assert list(measures(Contrast(COUNT, SUM))) == [COUNT, SUM]


def test_names_are_unique() -> None:
    """A set with two features of one name says which."""
    with pytest.raises(ValueError, match=r"declared twice: it$"):
        FeatureSet((IT, replace(IT, formula=COUNT), replace(IT, name="other")))


@pytest.mark.parametrize(
    "formula",
    [
        COUNT,
        replace(SUM, how=How.MEAN),
        replace(SUM, value="items"),
        replace(SUM, view="returns"),
        replace(SUM, where="weekend"),
        replace(SUM, within=Lookback(30)),
        replace(SUM, within=Lookback(30, 7)),
        replace(SUM, how=How.QUANTILE, quantile=0.9),
        replace(SUM, how=How.QUANTILE, quantile=0.8),
        Ratio(SUM, COUNT),
        Ratio(COUNT, SUM),
        Contrast(SUM, COUNT),
    ],
)
def test_another_formula_is_another_fingerprint(formula: Formula) -> None:
    """Whatever part of it is changed."""
    assert FeatureSet((replace(IT, formula=formula),)).fingerprint != FeatureSet((IT,)).fingerprint


def test_each_quantile_is_another_fingerprint() -> None:
    """So a model of one does not read another."""
    found = {
        FeatureSet((replace(IT, formula=replace(SUM, how=How.QUANTILE, quantile=one)),)).fingerprint
        for one in (0.1, 0.5, 0.9)
    }
    assert len(found) == 3


def test_a_fingerprint_is_of_names_and_formulas_in_their_order() -> None:
    """Words may be mended without training anew; names, order and number of columns may not."""
    other = replace(IT, name="other")
    mended = replace(IT, topic="money", why="For another reason.", phrase="{it:.2f} spent")
    assert FeatureSet((mended,)).fingerprint == FeatureSet((IT,)).fingerprint
    assert FeatureSet((other,)).fingerprint != FeatureSet((IT,)).fingerprint
    assert FeatureSet((IT, other)).fingerprint != FeatureSet((other, IT)).fingerprint
    assert FeatureSet((IT, other)).fingerprint != FeatureSet((IT,)).fingerprint


def test_a_new_meaning_of_all_declarations_is_a_new_fingerprint(monkeypatch: pytest.MonkeyPatch) -> None:
    """That is what the number of the definition is for."""
    before = FeatureSet((IT,)).fingerprint
    monkeypatch.setattr(spec, "DEFINITION", spec.DEFINITION + 1)
    assert FeatureSet((IT,)).fingerprint != before


@pytest.mark.parametrize(
    ("phrase", "value", "said"),
    [
        ("{it:days}", 0.0, "less than a day"),
        ("{it:days}", 0.4, "less than a day"),
        ("{it:days}", 1.0, "1 day"),
        ("{it:days}", 1.4, "1 day"),
        ("{it:days}", 1.6, "2 days"),
        ("{it:days}", 1234.5, "1,234 days"),
        ("{it:order}", 0.0, "no orders"),
        ("every {it:interval}", 0.3, "every day"),
        ("every {it:interval}", 21.4, "every 21 days"),
        ("{it:order}", 1.0, "1 order"),
        ("{it:order}", 1234.0, "1,234 orders"),
        ("{it:,.0f} of {it:.1f}", 1234.56, "1,235 of 1234.6"),
        ("{it:.0%}", 0.256, "26%"),
    ],
)
def test_numbers_are_said_as_a_person_would(phrase: str, value: float, said: str) -> None:
    """Days and nouns in the plural where it has to be; Python's own formats as they are."""
    assert replace(IT, phrase=phrase).say({"it": value}) == said


def test_a_phrase_needs_only_what_it_mentions() -> None:
    """The features in its braces, each as often as it occurs."""
    feature = replace(IT, phrase="{a:days} and {b:order}, {a:days}")
    assert feature.mentioned == ("a", "b", "a")
    assert feature.say({"a": 2, "b": 1, "c": 3}) == "2 days and 1 order, 2 days"
    with pytest.raises(KeyError, match=re.escape("'b'")):
        feature.say({"a": 2})
