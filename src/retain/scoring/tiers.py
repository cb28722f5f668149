"""Risk tiers: fixed cuts on the calibrated probability."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from retain.errors import ConfigError

if TYPE_CHECKING:
    import numpy.typing as npt

    FloatArray = npt.NDArray[np.float64]

TIERS = ("low", "medium", "high", "critical")
"""From the least to the most likely to leave."""


@dataclass(frozen=True)
class TierSettings:
    """The lowest probability of each tier: the ``[tiers]`` part of the configuration.

    Attributes:
        medium: from here on.
        high: from here on.
        critical: from here on.
    """

    medium: float = 0.35
    high: float = 0.6
    critical: float = 0.8

    def __post_init__(self) -> None:
        """Refuse cuts that are no probabilities or do not rise."""
        if not 0 < self.medium < self.high < self.critical < 1:
            raise ConfigError(
                f"[tiers] have to rise between 0 and 1; they are medium = {self.medium}, high = {self.high}, "
                f"critical = {self.critical}."
            )

    @property
    def cuts(self) -> tuple[float, float, float]:
        """The three cuts, rising."""
        return self.medium, self.high, self.critical


def tier_of(probability: FloatArray, settings: TierSettings) -> npt.NDArray[np.object_]:
    """The tier of each probability; a cut belongs to the tier that it opens.

    >>> tier_of(np.array([0.1, 0.6]), TierSettings()).tolist()
    ['low', 'high']
    """
    return np.array(TIERS, dtype=object)[np.searchsorted(settings.cuts, probability, side="right")]
