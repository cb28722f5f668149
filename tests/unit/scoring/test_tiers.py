from __future__ import annotations

import numpy as np
import pytest

from retain.errors import ConfigError
from retain.scoring.tiers import TIERS, TierSettings, tier_of


@pytest.mark.parametrize(
    ("probability", "tier"),
    [
        (0.0, "low"),
        (0.3499999999999999, "low"),
        (0.35, "medium"),
        (0.5999999999999999, "medium"),
        (0.6, "high"),
        (0.7999999999999999, "high"),
        (0.8, "critical"),
        (1.0, "critical"),
    ],
)
def test_a_cut_belongs_to_the_tier_that_it_opens(probability: float, tier: str) -> None:
    """The last probability below it does not."""
    assert tier_of(np.array([probability]), TierSettings()).tolist() == [tier]


def test_nobody_has_no_tier() -> None:
    """An empty column stays one."""
    assert tier_of(np.empty(0), TierSettings()).tolist() == []


@pytest.mark.parametrize(
    ("medium", "high", "critical"),
    [
        (0.6, 0.35, 0.8),
        (0.35, 0.6, 0.6),
        (0.0, 0.6, 0.8),
        (0.35, 0.6, 1.0),
        (-0.1, 0.6, 0.8),
        (35.0, 60.0, 80.0),
        (float("nan"), 0.6, 0.8),
    ],
)
def test_cuts_that_do_not_rise_between_0_and_1_are_refused(
    medium: float, high: float, critical: float
) -> None:
    """The message shows all three."""
    with pytest.raises(
        ConfigError, match=rf"rise between 0 and 1; they are medium = {medium}, high = {high}, "
    ):
        TierSettings(medium, high, critical)


def test_there_is_one_cut_less_than_tiers() -> None:
    """So every tier can be reached."""
    assert len(TierSettings().cuts) == len(TIERS) - 1
