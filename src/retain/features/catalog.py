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
from retain.registry import Registry

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

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
"""Every feature of the catalogue."""

OUTSIDE: Registry[Iterable[Feature]] = Registry("feature family", "retain.features")
"""Families from other packages: each entry point names a function that yields features."""


def family_names() -> tuple[str, ...]:
    """The names of all families, the catalogue's first."""
    return (*FAMILIES, *(name for name in OUTSIDE.names() if name not in FAMILIES))


def declared(families: Sequence[str], own: Sequence[Feature] = ()) -> tuple[Feature, ...]:
    """The features of these families and a company's own, whether or not the data can feed them.

    Args:
        families: names of families.
        own: declared by the company itself.

    Returns:
        In the catalogue's order, then those of other packages by the names of their families, then the company's own.

    Raises:
        ConfigError: there is no family of that name, another package yields what is no feature, or two features
            have one name.
    """
    for name in families:
        if name not in family_names():
            raise ConfigError(f"There is no feature family '{name}'. {did_you_mean(name, family_names())}")
    chosen = [one for name, family in FAMILIES.items() if name in families for one in family]
    for name in sorted(set(families) - set(FAMILIES)):
        chosen += _from_outside(name)
    chosen += own
    names = [one.name for one in chosen]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ConfigError(
            f"[features] declares {', '.join(twice)} twice. Leave out one of the families that have it, or rename your own."
        )
    return tuple(chosen)


def _from_outside(family: str) -> list[Feature]:
    """The features of another package's family."""
    found = list(OUTSIDE.get(family))
    for one in found:
        if not isinstance(one, Feature):
            raise ConfigError(
                f"The feature family '{family}' of another package yields {type(one).__name__}, not Feature. "
                f"Take it out of [features] families, or update the package."
            )
        if one.name in EVERY.names:
            raise ConfigError(
                f"The feature family '{family}' of another package declares '{one.name}', which the catalogue has already."
            )
    return found


def feature_set(
    families: Sequence[str], columns: Mapping[str, Collection[str]], own: Sequence[Feature] = ()
) -> FeatureSet:
    """The features of these families that the data can feed, and a company's own.

    Args:
        families: names of families.
        columns: the views at hand and the columns each has; a family's feature that reads another one is left out.
        own: declared by the company itself.

    Returns:
        The features in the order of ``declared``.

    Raises:
        ConfigError: as ``declared``; or a feature of the company's own reads what the data do not have.
    """
    chosen = declared(families, own)
    for one in own:
        lacking = unfed(one, columns)
        if lacking:
            raise ConfigError(
                f"[features.own.{one.name}] reads {', '.join(lacking)}, which these tables do not have. Map the column "
                f"under [source.tables.NAME] columns, or take the feature out."
            )
    return FeatureSet(tuple(one for one in chosen if not unfed(one, columns)))


def unfed(feature: Feature, columns: Mapping[str, Collection[str]]) -> list[str]:
    """What the feature reads and the data do not have: views, and columns of views."""
    found = []
    for one in measures(feature.formula):
        if one.view not in columns:
            found.append(one.view)
        else:
            read = (name for name in (one.value, one.where) if name is not None)
            found += [f"{one.view}.{name}" for name in read if name not in columns[one.view]]
    return list(dict.fromkeys(found))
