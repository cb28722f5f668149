"""What the ages of contracts alone say: the baseline of churn by contract, and how long those who stay will pay."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from retain.errors import TrainingError
from retain.lifetime.forecast import STEP_DAYS, YEAR_DAYS
from retain.lifetime.sbg import ShiftedBetaGeometric, Survival, fit_sbg

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy.typing as npt

    FloatArray = npt.NDArray[np.float64]
    BoolArray = npt.NDArray[np.bool_]

PERIOD_DAYS = 30
"""Contracts are renewed, in thought, every so many days."""


@dataclass(frozen=True)
class ContractForecast:
    """What was learned of all contracts together; it forecasts each one.

    Attributes:
        curve: how long contracts last, in periods of 30 days.
    """

    curve: ShiftedBetaGeometric

    def ends_within(self, age_days: FloatArray, days: float) -> FloatArray:
        """The probability that a contract of that age ends in the next ``days``."""
        return self.curve.ends_within(age_days / PERIOD_DAYS, days / PERIOD_DAYS)

    def revenue_if_kept(
        self,
        age_days: FloatArray,
        monthly_price: FloatArray,
        days: float,
        discount_rate: float,
        within: float,
    ) -> FloatArray:
        """The discounted revenue of each contract in the next ``days`` if it does not end in the next ``within``.

        Formula: ``price / month · sum over t of S(age + max(t, within)) / S(age + within) · (days of t) / (1 + d)^(t / 365)``,
        t in steps of 30 days, with S the survival and a month of 365 / 12 days.

        Args:
            age_days: how long it has run.
            monthly_price: what it costs a month.
            days: how far ahead.
            discount_rate: what money loses in a year.
            within: it is known to run so long; within that the curve is not asked.
        """
        total, begin = np.zeros(len(age_days)), 0.0
        kept = self.curve.survival((age_days + within) / PERIOD_DAYS)
        for end in (*np.arange(STEP_DAYS, days, STEP_DAYS, dtype=np.float64).tolist(), float(days)):
            left = self.curve.survival((age_days + max(end, within)) / PERIOD_DAYS) / kept
            total += left * (end - begin) / (1 + discount_rate) ** (end / YEAR_DAYS)
            begin = end
        revenue: FloatArray = monthly_price * 12 / YEAR_DAYS * total
        return revenue

    def as_dict(self) -> dict[str, Any]:
        """The forecast as JSON values."""
        return asdict(self)

    @classmethod
    def of(cls, kept: Mapping[str, Any]) -> ContractForecast:
        """The forecast that ``as_dict`` gave."""
        return cls(ShiftedBetaGeometric(**kept["curve"]))


def fit_tenure(age_days: FloatArray, ended: BoolArray, entered_days: FloatArray) -> ContractForecast | None:
    """What these contracts teach; None where none ended, or none outlasted a month.

    Args:
        age_days: how long each ran, up to its end or the cutoff.
        ended: whether it ended.
        entered_days: how old each was when its end could first have been seen; 0 for one that began later.
    """
    periods, entered = (np.floor(days / PERIOD_DAYS).astype(np.int64) for days in (age_days, entered_days))
    try:
        return ContractForecast(fit_sbg(Survival.counted(periods, ended, entered)))
    except TrainingError:
        return None
