"""What customers will bring: how often they buy (BG/NBD) times what they spend (gamma-gamma), discounted."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from retain.errors import TrainingError
from retain.lifetime.bgnbd import BgNbd, fit_bgnbd
from retain.lifetime.gamma_gamma import GammaGamma, fit_gamma_gamma
from retain.lifetime.history import distinct

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import numpy.typing as npt

    from retain.lifetime.gamma_gamma import Spending
    from retain.lifetime.history import History

    FloatArray = npt.NDArray[np.float64]

STEP_DAYS = 30
"""What comes in so many days is discounted as if it came at their end."""
YEAR_DAYS = 365


@dataclass(frozen=True)
class Forecast:
    """What was learned of all customers together; it forecasts each one.

    Attributes:
        rhythm: how often they buy and when they are gone.
        money: what a purchase comes to.
        kept_share: what is left of the sales after returns.
    """

    rhythm: BgNbd
    money: GammaGamma
    kept_share: float

    def __post_init__(self) -> None:
        """Refuse a share that is none."""
        if not 0 <= self.kept_share <= 1:
            raise ValueError(f"kept_share is {self.kept_share}, which is no share")

    def revenue(self, history: History, spent: Spending, days: float, discount_rate: float) -> FloatArray:
        """The discounted revenue of each customer in the next ``days``, whether they stay or not.

        Formula: ``E[M] · kept_share · sum over t of (E[X_t] - E[X_t-1]) / (1 + d)^(days of t / 365)``, t in steps of 30 days.

        Source: Fader, Hardie, Lee 2005, Journal of Marketing Research 42:415-430, with BG/NBD for Pareto/NBD.

        Args:
            history: when each bought.
            spent: and what for.
            days: how far ahead.
            discount_rate: what money loses in a year.
        """
        return self._revenue(
            lambda ahead: self.rhythm.expected_purchases(history, ahead), spent, days, discount_rate
        )

    def revenue_if_kept(
        self, history: History, spent: Spending, days: float, discount_rate: float, within: float
    ) -> FloatArray:
        """The same of customers who will buy at least once in the next ``within`` days: what is lost if they leave."""
        # When the last purchase was does not matter: who buys is there. So many customers are alike.
        row, place = distinct(history.repeats.astype(np.float64), history.age_days)
        alike = history.of(row)
        return self._revenue(
            lambda ahead: self.rhythm.expected_purchases_if_kept(alike, ahead, within)[place],
            spent,
            days,
            discount_rate,
        )

    def _revenue(
        self, purchases: Callable[[float], FloatArray], spent: Spending, days: float, discount_rate: float
    ) -> FloatArray:
        total = np.zeros(len(spent))
        before = np.zeros(len(spent))
        for end in (*np.arange(STEP_DAYS, days, STEP_DAYS, dtype=np.float64).tolist(), float(days)):
            so_far = purchases(end)
            total += (so_far - before) / (1 + discount_rate) ** (end / YEAR_DAYS)
            before = so_far
        revenue: FloatArray = total * self.money.expected_mean(spent) * self.kept_share
        return revenue

    def as_dict(self) -> dict[str, Any]:
        """The forecast as JSON values."""
        return asdict(self)

    @classmethod
    def of(cls, kept: Mapping[str, Any]) -> Forecast:
        """The forecast that ``as_dict`` gave."""
        return cls(BgNbd(**kept["rhythm"]), GammaGamma(**kept["money"]), kept["kept_share"])


def fit_forecast(history: History, spent: Spending, kept_share: float) -> Forecast | None:
    """What these customers teach; None where they are too few, or too much alike, to teach anything.

    Args:
        history: when each bought.
        spent: and what for.
        kept_share: what is left of the sales after returns.
    """
    try:
        # Money is quicker to fail.
        money = fit_gamma_gamma(spent)
        return Forecast(fit_bgnbd(history), money, kept_share)
    except TrainingError:
        return None
