"""A company's own features: what the configuration may say, and that a mistake is told with its key."""

from __future__ import annotations

import tomllib
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from retain.config import FeatureSettings, _value
from retain.engine.views import VIEWS
from retain.errors import ConfigError
from retain.features.catalog import EVERY, feature_set
from retain.features.columns import Columns, require_readable
from retain.features.spec import Balance, Contrast, Feature, FeatureSet, How, Measure, Ratio, measures
from retain.features.written import as_values, from_values
from retain.timeline import Lookback

if TYPE_CHECKING:
    from collections.abc import Mapping

OPENS = Measure("opens", How.COUNT, within=Lookback(90))
CLICKS = Measure("clicks", How.COUNT, within=Lookback(90))
IT = 'view = "orders"\nhow = "mean"\nvalue = "amount"\n'


def declared(text: str) -> tuple[Feature, ...]:
    """The features of a configuration that says this below ``[features]``."""
    settings = _value(FeatureSettings, tomllib.loads(text), "features")
    assert isinstance(settings, FeatureSettings)
    return settings.own_features


@pytest.mark.parametrize(
    ("text", "formula"),
    [
        ('view = "opens"\nhow = "count"\ndays = 90', OPENS),
        (IT, Measure("orders", How.MEAN, "amount")),
        (IT + "days = 90\nuntil_days = 30", Measure("orders", How.MEAN, "amount", Lookback(90, 30))),
        (IT + "until_days = 30", Measure("orders", How.MEAN, "amount", Lookback(None, 30))),
        (
            'view = "orders"\nhow = "sum"\nvalue = "amount"\nwhere = "weekend"',
            Measure("orders", How.SUM, "amount", where="weekend"),
        ),
        (
            'view = "orders"\nhow = "quantile"\nvalue = "gap"\nquantile = 0.9',
            Measure("orders", How.QUANTILE, "gap", quantile=0.9),
        ),
        ('view = "lines"\nhow = "count"\nvalue = "product"', Measure("lines", How.COUNT, "product")),
        ('view = "tickets"\nhow = "since_first"', Measure("tickets", How.SINCE_FIRST)),
        (
            'view = "clicks"\nhow = "count"\ndays = 90\ndivided_by = { view = "opens", how = "count", days = 90 }',
            Ratio(CLICKS, OPENS),
        ),
        (
            'view = "clicks"\nhow = "count"\ndays = 90\ncompared_with = { view = "opens", how = "count", days = 90 }',
            Contrast(CLICKS, OPENS),
        ),
        (
            'view = "clicks"\nhow = "count"\ndays = 90\nless = { view = "opens", how = "count", days = 90 }',
            Balance((CLICKS,), (OPENS,)),
        ),
    ],
)
def test_a_section_is_a_declaration(text: str, formula: object) -> None:
    """The same that a family of the catalogue would hold."""
    (feature,) = declared(f"[own.it]\n{text}")
    assert (feature.name, feature.formula, feature.topic) == ("it", formula, "own")
    assert feature.mentioned == ("it",)
    assert feature.why.endswith(".")


def test_words_of_one_s_own_take_the_place_of_defaults() -> None:
    """Topic, reason and phrase; a phrase may name features of the catalogue and others of one's own."""
    first, second = declared(
        f'[own.big]\n{IT}topic = "spend"\nwhy = "Because."\nphrase = "{{big:.1f}} of {{other:days}}, {{spend_30d}}"\n'
        f"[own.other]\n{IT}"
    )
    assert (first.topic, first.why) == ("spend", "Because.")
    assert first.mentioned == ("big", "other", "spend_30d")
    assert second.phrase == "mean amount over orders: {other:,.2f}"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('view = "opens"\nhow = "count"\ndays = 90', "number of messages opened, last 90 days: 1,234"),
        ('view = "opens"\nhow = "since_last"', "days from the last of messages opened to the cutoff: 1,234"),
        (IT, "mean amount over orders: 1,233.60"),
        (
            'view = "orders"\nhow = "count"\ncompared_with = { view = "returns", how = "count" }',
            "(a - b) / (a + b), a = number of orders, b = number of returns: +123360%",
        ),
        (
            'view = "orders"\nhow = "quantile"\nvalue = "gap"\nquantile = 0.9\ndays = 90',
            "0.9 quantile of gap in days over orders, last 90 days: 1,233.60",
        ),
    ],
)
def test_without_a_phrase_the_formula_is_said(text: str, said: str) -> None:
    """In the words of the manual, with the customer's own number."""
    (feature,) = declared(f"[own.it]\n{text}")
    assert feature.phrase.format(it=1233.6) == said


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("it", 'view = "ordrs"\nhow = "count"', "[features.own.it] view: there is no 'ordrs'. Did you mean 'orders'?"),
        ("it", 'view = "orders"\nhow = "cuont"', "[features.own.it] how: there is no 'cuont'. Did you mean 'count'?"),
        ("it", 'how = "count"', "[features.own.it] lacks 'view'."),
        ("it", 'view = "orders"', "[features.own.it] lacks 'how'."),
        ("it", IT + "dyas = 30", "[features.own.it] has no key 'dyas'. Did you mean 'days'?"),
        ("it", IT + "days = 30.0", "features.own.it.days is 30.0; it has to be a whole number."),
        ("it", 'view = "orders"\nhow = "sum"', "[features.own.it] lacks 'value': sum needs a column to read."),
        (
            "it",
            'view = "orders"\nhow = "sum"\nvalue = "amout"',
            "[features.own.it] value: 'amout' is no number of orders. Did you mean 'amount'?",
        ),
        (
            "it",
            'view = "orders"\nhow = "sum"\nvalue = "weekday"',
            "[features.own.it] value: 'weekday' is no number of orders.",
        ),
        (
            "it",
            'view = "orders"\nhow = "entropy"\nvalue = "weekdays"',
            "[features.own.it] value: 'weekdays' is no category of orders. Did you mean 'weekday'?",
        ),
        (
            "it",
            'view = "orders"\nhow = "distinct"\nvalue = "amount"',
            "[features.own.it] value: 'amount' is no category of orders.",
        ),
        (
            "it",
            'view = "answers"\nhow = "count"\nvalue = "x"',
            "[features.own.it] value: 'x' is no column to count of answers. It has none.",
        ),
        (
            "it",
            'view = "orders"\nhow = "since_last"\nvalue = "amount"',
            "[features.own.it] value: since_last reads only when events happened. Leave value out.",
        ),
        (
            "it",
            IT + 'where = "weekends"',
            "[features.own.it] where: 'weekends' is no yes-or-no column of orders. Did you mean 'weekend'?",
        ),
        (
            "it",
            'view = "orders"\nhow = "quantile"\nvalue = "amount"',
            "[features.own.it] quantile is 0; it has to lie between 0 and 1, such as 0.9.",
        ),
        (
            "it",
            'view = "orders"\nhow = "quantile"\nvalue = "amount"\nquantile = nan',
            "[features.own.it] quantile is nan;",
        ),
        ("it", IT + "quantile = 0.9", "[features.own.it] quantile: mean has none. Leave it out, or set how to quantile."),
        ("it", IT + "days = -1", "[features.own.it] days = -1 and until_days = 0 hold nothing"),
        ("it", IT + "days = 36501", "[features.own.it] days = 36501 and until_days = 0 hold nothing"),
        ("it", IT + "days = 30\nuntil_days = 30", "[features.own.it] days = 30 and until_days = 30 hold nothing"),
        ("it", IT + "until_days = -1", "[features.own.it] days = 0 and until_days = -1 hold nothing"),
        ("it", IT + "divided_by = 3", "[features.own.it.divided_by] has to be a section."),
        (
            "it",
            IT + 'divided_by = { view = "bounces", how = "mean", value = "x" }',
            "[features.own.it.divided_by] value: 'x' is no number of bounces. It has none.",
        ),
        (
            "it",
            IT + 'less = { view = "open", how = "count" }',
            "[features.own.it.less] view: there is no 'open'. Did you mean 'opens'?",
        ),
        (
            "it",
            IT + 'less = { view = "opens", how = "count" }\ndivided_by = { view = "opens", how = "count" }',
            "[features.own.it] has divided_by and less. Keep one of them.",
        ),
        ("It", IT, "[features.own.It]: a feature's name holds small letters, digits and '_' and begins with a letter."),
        ('"a b"', IT, "[features.own.a b]: a feature's name holds"),
        ("static_it", IT, "[features.own.static_it]: names that begin with 'static_' are for attributes of customers."),
        ("recency_days", IT, "[features.own.recency_days]: there is a feature of that name already."),
        ("cutoff", IT, "[features.own.cutoff]: there is a column of that name already."),
        ("it", IT + 'topic = "My topic"', "[features.own.it] topic is 'My topic'; it has to be one word"),
        ("it", IT + 'phrase = "much"', "[features.own.it] phrase names no feature. Put one into braces, such as {it:.1f}."),
        ("it", IT + 'phrase = "{its}"', "[features.own.it] phrase: there is no feature 'its'. Did you mean 'it'?"),
        ("it", IT + 'phrase = "{it"', "[features.own.it] phrase: expected '}' before end of string."),
        (
            "it",
            IT + 'phrase = "{it:order}"',
            "[features.own.it] phrase: a number cannot be shown as 'order'. Write a format such as .1f or .0%, or",
        ),
    ],
)  # fmt: skip
def test_a_mistake_is_told_with_its_key(name: str, text: str, message: str) -> None:
    """And with the nearest name that would have been right."""
    with pytest.raises(ConfigError) as caught:
        declared(f"[own.{name}]\n{text}")
    assert message in str(caught.value)


@pytest.mark.parametrize("feature", EVERY.features, ids=lambda one: one.name)
def test_a_configuration_may_read_what_the_catalogue_reads(feature: Feature) -> None:
    """Every column of every measure."""
    for one in measures(feature.formula):
        require_readable(one, VIEWS, "here")


def test_a_view_without_such_columns_says_so() -> None:
    """There is none to offer."""
    with pytest.raises(ConfigError, match=r"here where: 'late' is no yes-or-no column of x\. It has none\."):
        require_readable(Measure("x", How.COUNT, where="late"), {"x": Columns()}, "here")


FED: Mapping[str, set[str]] = {"orders": {"amount"}}


def test_own_features_come_after_those_of_the_families() -> None:
    """Whatever the data feed of the families, each of one's own is there."""
    own = declared(f"[own.it]\n{IT}")
    found = feature_set(["rfm"], FED, own)
    assert found.names[-1] == "it"
    assert found.names[:-1] == feature_set(["rfm"], FED).names
    assert found.fingerprint != feature_set(["rfm"], FED).fingerprint


def test_an_own_feature_that_the_data_cannot_feed_is_refused() -> None:
    """It was asked for by name, so it is not left out in silence."""
    own = declared(
        '[own.it]\nview = "opens"\nhow = "count"\ndivided_by = { view = "orders", how = "count", where = "weekend" }'
    )
    with pytest.raises(ConfigError) as caught:
        feature_set(["rfm"], FED, own)
    assert str(caught.value) == (
        "[features.own.it] reads opens, orders.weekend, which these tables do not have. Map the column under "
        "[source.tables.NAME] columns, or take the feature out."
    )


@pytest.mark.parametrize("feature", EVERY.features, ids=lambda one: one.name)
def test_a_declaration_comes_back_from_plain_values(feature: Feature) -> None:
    """Of any formula, with all that it says."""
    again = from_values(as_values(feature))
    assert again == feature
    assert FeatureSet((again,)).fingerprint == FeatureSet((feature,)).fingerprint


def test_a_quantile_comes_back_from_plain_values() -> None:
    """With the share that it asks for; other measures have none."""
    (feature,) = declared('[own.it]\nview = "orders"\nhow = "quantile"\nvalue = "gap"\nquantile = 0.9')
    assert from_values(as_values(feature)) == feature
    assert from_values(as_values(replace(feature, formula=OPENS))).formula == OPENS
