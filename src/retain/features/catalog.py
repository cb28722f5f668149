"""All declared features, and those that a company's tables can feed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from retain.errors import ConfigError, did_you_mean
from retain.features import (
    breadth,
    contract,
    engagement,
    feedback,
    habits,
    returns,
    rfm,
    rhythm,
    service,
    support,
)
from retain.features.spec import Feature, FeatureSet, measures

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

FAMILIES: Mapping[str, tuple[Feature, ...]] = {
    "rfm": rfm.FEATURES,
    "rhythm": rhythm.FEATURES,
    "habits": habits.FEATURES,
    "breadth": breadth.FEATURES,
    "returns": returns.FEATURES,
    "support": support.FEATURES,
    "feedback": feedback.FEATURES,
    "engagement": engagement.FEATURES,
    "service": service.FEATURES,
    "contract": contract.FEATURES,
}
"""Every family by its name, in the order of the panel's columns."""

EVERY = FeatureSet(tuple(one for family in FAMILIES.values() for one in family))
"""Every feature there is."""


def feature_set(families: Sequence[str], columns: Mapping[str, Collection[str]]) -> FeatureSet:
    """The features of these families that the data can feed.

    Args:
        families: names of families.
        columns: the views at hand and the columns each has; a feature that reads another one is left out.

    Returns:
        The features in the catalogue's order.

    Raises:
        ConfigError: there is no family of that name.
    """
    for name in families:
        if name not in FAMILIES:
            raise ConfigError(f"There is no feature family '{name}'. {did_you_mean(name, FAMILIES)}")
    chosen = [one for name, family in FAMILIES.items() if name in families for one in family]
    return FeatureSet(tuple(one for one in chosen if _is_fed(one, columns)))


def _is_fed(feature: Feature, columns: Mapping[str, Collection[str]]) -> bool:
    """Whether every column that the feature reads is there."""
    return all(
        one.view in columns
        and (one.value is None or one.value in columns[one.view])
        and (one.where is None or one.where in columns[one.view])
        for one in measures(feature.formula)
    )
