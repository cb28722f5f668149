"""Every declared feature, over the table: what it says, what it needs, and that it stays what it was."""

from __future__ import annotations

import re

import pytest

from retain.engine.streams import STREAMS
from retain.errors import ConfigError
from retain.features.catalog import EVERY, FAMILIES, feature_set
from retain.features.spec import CATEGORICAL, Feature, measures

FULL = {
    "orders": {
        *("amount", "items", "discount", "gross", "gap"),
        *("hour", "hour_band", "weekday", "weekend"),
    },
    "lines": {"product", "category"},
    "returns": {"amount", "items"},
    **{name: {*stream.numbers, *stream.flags, *stream.categories} for name, stream in STREAMS.items()},
}
CATEGORIES = {"weekday", "hour_band", "product", "category", *STREAMS["tickets"].categories}
FINGERPRINT = "7a4edcba9d53055d6a9b71b3a7372742c35617366ea045dd330e1c4dbcb973ec"
MOVED = (
    ("first_responses", None, "answer_faster"),
    ("first_responses", "within_hour", "answer_faster"),
    ("breaches", "entered", "answer_faster"),
    ("resolutions", "entered", "settle_tickets"),
    ("backlog", None, "settle_tickets"),
    ("backlog", "ended", "settle_tickets"),
    ("answers", None, "answer_feedback"),
    ("messages", None, "write_less"),
    ("parcels", "late", "deliver_on_time"),
    ("payment_failures", None, "mend_payments"),
)
"""What each lever changes: a view, and the flag of its events."""
SHARES = {(view, None) for view in ("opens", "clicks", "deliveries", "bounces", "spam", "unsubscribes")}
"""Shares of the messages sent stay what they are when fewer are sent."""

each_feature = pytest.mark.parametrize("feature", EVERY.features, ids=lambda one: one.name)


def test_the_definitions_are_those_that_models_were_trained_on() -> None:
    """A change of any name, order or formula is noticed, because every model trained before is refused after it."""
    assert EVERY.fingerprint == FINGERPRINT, (
        "The definition of a feature changed, so every bundle trained before will be refused. If that was not meant, "
        "take it back. If it was: put the new fingerprint here, train the shipped model again, and tell users in "
        "changelog.d that they have to train again."
    )


@each_feature
def test_every_phrase_mentions_features_that_exist(feature: Feature) -> None:
    """And one at least, so that a customer reads a number of their own."""
    assert feature.mentioned
    assert set(feature.mentioned) <= set(EVERY.names)


@each_feature
def test_a_feature_speaks_through_one_of_its_own_topic(feature: Feature) -> None:
    """Which speaks for itself."""
    other = EVERY.by_name[feature.spoken_by or feature.name]
    assert other.topic == feature.topic
    assert not other.spoken_by


@each_feature
def test_whatever_reads_what_a_remedy_changes_changes_with_it(feature: Feature) -> None:
    """A snapshot with late deliveries mended in one feature and not in another would be nobody's."""
    lever = feature.remedy and feature.remedy.lever
    read = {(one.view, one.where) for one in measures(feature.formula)}
    for view, where, moved_by in MOVED:
        if (view, where) in read and not (read & SHARES):
            assert lever == moved_by
    assert lever is None or any((view, where) in read for view, where, _ in MOVED)


@each_feature
def test_every_feature_is_described(feature: Feature) -> None:
    """A name that a column can have, and a sentence that says why it is there."""
    assert re.fullmatch(r"[a-z][a-z0-9_]*", feature.name)
    assert re.fullmatch(r"[A-Z].*\.", feature.why)
    assert re.fullmatch(r"[a-z]+", feature.topic)


@each_feature
def test_every_feature_reads_columns_of_the_right_kind(feature: Feature) -> None:
    """A category is counted or spread, a number added or ordered, and each column exists."""
    for one in measures(feature.formula):
        assert one.value is None or one.value in FULL[one.view]
        assert one.where is None or one.where in FULL[one.view]
        assert (one.how in CATEGORICAL) == (one.value in CATEGORIES)


@each_feature
def test_a_feature_without_its_columns_is_left_out(feature: Feature) -> None:
    """Whichever of its views or columns is missing; with all of them it is there."""
    assert feature in feature_set(list(FAMILIES), FULL).features
    for one in measures(feature.formula):
        without = {name: columns for name, columns in FULL.items() if name != one.view}
        assert feature not in feature_set(list(FAMILIES), without).features
        for column in {one.value, one.where} - {None}:
            less = {**FULL, one.view: FULL[one.view] - {column}}
            assert feature not in feature_set(list(FAMILIES), less).features


def test_families_choose_in_the_catalogue_s_order() -> None:
    """However they are named, and each once."""
    chosen = feature_set(["returns", "rfm", "returns"], FULL)
    assert chosen.features == (*FAMILIES["rfm"], *FAMILIES["returns"])
    assert feature_set([], FULL).features == ()
    assert feature_set(list(FAMILIES), FULL) == EVERY


def test_an_unknown_family_is_refused_with_the_nearest() -> None:
    """A misspelt name is not quietly without features."""
    with pytest.raises(ConfigError, match=r"no feature family 'rythm'\. Did you mean 'rhythm'\?"):
        feature_set(["rfm", "rythm"], FULL)
