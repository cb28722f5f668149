"""What trees and logistic regression are told beside their rows: how fast, how deep, and how much restraint."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from retain.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping

MOST_DEPTH = 8
"""Exact contributions are bounded to so many questions on the way to a leaf; see ``retain.modelling.contributions``."""
MOST_LEAVES = 2**MOST_DEPTH
FEWEST_ROWS = 5
"""A leaf never holds fewer training rows."""
VERY_MANY = 500_000
"""Of more rows half as many trees learn, in steps twice as long; the figures are in ``docs/decisions/0018-very-many-rows.md``."""


def step_of(rows: int) -> int:
    """How many usual steps a tree takes at once where a model learns from so many rows.

    >>> step_of(500_000), step_of(500_001)
    (1, 2)
    """
    return 2 if rows > VERY_MANY else 1


@dataclass(frozen=True)
class TreeSettings:
    """How boosted trees are grown, alone and in the blend: the ``[training.trees]`` part of the configuration.

    How many trees there are is chosen on the validation cutoffs. The figures behind the defaults are in
    ``docs/decisions/0003-training.md``.

    Attributes:
        learning_rate: how much of what is left to explain each tree takes; above 0, at most 1. Of more than 500,000 rows
            each takes twice as much, and there are half as many.
        max_depth: questions on the way to a leaf, 1 to 8, so that exact contributions stay cheap.
        leaves: of each tree at most, 2 to 256; a depth of d reaches at most 2 to the power of d.
        feature_share: of the features, drawn anew for each tree; above 0, at most 1.
        row_share: of the rows, drawn anew for each tree; above 0, at most 1.
        ridge: penalty on the square of what a leaf adds; above 0.
        least_rows: training rows of a leaf, 5 at least; a fiftieth of all rows where that is less.
    """

    learning_rate: float = 0.02
    max_depth: int = 5
    leaves: int = 20
    feature_share: float = 0.4
    row_share: float = 0.6
    ridge: float = 20.0
    least_rows: int = 200

    def __post_init__(self) -> None:
        """Refuse what grows no tree."""
        for name in ("learning_rate", "feature_share", "row_share"):
            if not 0 < getattr(self, name) <= 1:
                raise ConfigError(
                    f"[training.trees] {name} is {getattr(self, name)}; it has to be above 0 and at most 1."
                )
        for name, low, high in (("max_depth", 1, MOST_DEPTH), ("leaves", 2, MOST_LEAVES)):
            if not low <= getattr(self, name) <= high:
                raise ConfigError(
                    f"[training.trees] {name} is {getattr(self, name)}; it has to be from {low} to {high}."
                )
        if not (self.ridge > 0 and math.isfinite(self.ridge)):
            raise ConfigError(f"[training.trees] ridge is {self.ridge}; it has to be above 0.")
        if self.least_rows < FEWEST_ROWS:
            raise ConfigError(
                f"[training.trees] least_rows is {self.least_rows}; it has to be at least {FEWEST_ROWS}."
            )

    def rows_of_a_leaf(self, rows: int) -> int:
        """The least training rows of a leaf where there are so many in all.

        >>> [TreeSettings().rows_of_a_leaf(rows) for rows in (100, 2_000, 50_000)]
        [5, 40, 200]
        """
        return int(np.clip(rows // 50, FEWEST_ROWS, self.least_rows))

    def in_steps_for(self, rows: int) -> TreeSettings:
        """The same for a model of so many rows.

        >>> [TreeSettings().in_steps_for(rows).learning_rate for rows in (50_000, 1_000_000)]
        [0.02, 0.04]
        """
        return replace(self, learning_rate=min(1.0, self.learning_rate * step_of(rows)))


@dataclass(frozen=True)
class LogisticSettings:
    """How logistic regression is restrained, alone and in the blend: the ``[training.logistic]`` part of the configuration.

    Attributes:
        strength: inverse of the ridge penalty, above 0; less restrains more.
    """

    strength: float = 0.01

    def __post_init__(self) -> None:
        """Refuse what is no penalty."""
        if not (self.strength > 0 and math.isfinite(self.strength)):
            raise ConfigError(f"[training.logistic] strength is {self.strength}; it has to be above 0.")


@dataclass(frozen=True)
class Hyperparameters:
    """All that learners are told beside their rows.

    Attributes:
        trees: how boosted trees are grown.
        logistic: how logistic regression is restrained.
    """

    trees: TreeSettings = field(default_factory=TreeSettings)
    logistic: LogisticSettings = field(default_factory=LogisticSettings)

    @property
    def by_key(self) -> dict[str, float]:
        """Each value by the key that it has below ``[training]``.

        >>> Hyperparameters().by_key["trees.max_depth"]
        5
        """
        return {f"{part}.{name}": value for part, one in asdict(self).items() for name, value in one.items()}

    @classmethod
    def of(cls, kept: Mapping[str, Any]) -> Hyperparameters:
        """What ``dataclasses.asdict`` made values of.

        >>> Hyperparameters.of(asdict(Hyperparameters())) == Hyperparameters()
        True
        """
        return cls(TreeSettings(**kept["trees"]), LogisticSettings(**kept["logistic"]))

    def with_values(self, values: Mapping[str, float]) -> Hyperparameters:
        """The same with other values for some keys; a whole number stays one.

        >>> Hyperparameters().with_values({"trees.leaves": 8}).trees.leaves
        8
        """
        every: dict[str, Any] = asdict(self)
        for key, value in values.items():
            part, _, name = key.partition(".")
            every[part][name] = value
        return Hyperparameters.of(every)

    def changed(self) -> dict[str, float]:
        """Those by key that are not the defaults.

        >>> Hyperparameters(logistic=LogisticSettings(0.1)).changed()
        {'logistic.strength': 0.1}
        """
        return {key: value for key, value in self.by_key.items() if value != USUAL.by_key[key]}

    def toml(self) -> tuple[str, ...]:
        """The lines of a configuration that say the same.

        >>> Hyperparameters().toml()[-2:]
        ('[training.logistic]', 'strength = 0.01')
        """
        return tuple(
            line
            for part, one in asdict(self).items()
            for line in (f"[training.{part}]", *(f"{name} = {value!r}" for name, value in one.items()))
        )


USUAL = Hyperparameters()
"""All at their defaults: what a model was told whose bundle says nothing of it."""
