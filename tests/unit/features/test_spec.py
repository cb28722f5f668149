"""Declarations refuse nonsense, know their definition, and speak plainly."""

from __future__ import annotations

from dataclasses import replace
from math import nan
from typing import Any

import pytest

from retain.features import spec
from retain.features.spec import Contrast, Feature, FeatureSet, Formula, How, Measure, Ratio, Remedy, measures
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


def test_a_phrase_mentions_the_features_in_its_braces() -> None:
    """As often as they occur."""
    assert replace(IT, phrase="{a:days} and {b:order}, {a:days}").mentioned == ("a", "b", "a")


@pytest.mark.parametrize(
    ("remedy", "before", "after"),
    [
        (Remedy("less", at_most=1.0), 30.0, 1.0),
        (Remedy("less", at_most=1.0), 0.5, 0.5),
        (Remedy("less", at_most=0.0), 2.0, 0.0),
        (Remedy("more", at_least=1.0), 0.25, 1.0),
        (Remedy("more", at_least=0.0), -1.0, 0.0),
        (Remedy("more", at_least=1.0), 1.5, 1.5),
        (Remedy("half", times=0.5), 1.0, 1.0),
        (Remedy("half", times=0.5), 5.0, 3.0),
        (Remedy("half", times=0.5), 8.0, 4.0),
        (Remedy("gone", never=True), 8.0, nan),
        (Remedy("less", at_most=1.0), nan, nan),
        (Remedy("half", times=0.5), nan, nan),
    ],
)
def test_a_remedy_changes_a_value_for_the_better_only(remedy: Remedy, before: float, after: float) -> None:
    """What is as good already stays, numbers of events stay whole, and what is not known is not made up."""
    assert remedy.applied(before) == pytest.approx(after, nan_ok=True)


@pytest.mark.parametrize("given", [{}, {"at_most": 0.0, "times": 0.5}, {"at_least": 1.0, "never": True}])
def test_a_remedy_is_one_thing(given: dict[str, Any]) -> None:
    """None at all, or two at a time, is refused."""
    with pytest.raises(ValueError, match=r"the remedy 'it' needs one of at_most, at_least, times and never$"):
        Remedy("it", **given)
