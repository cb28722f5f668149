"""The level of churn through the seasons, forecast from how busy the same weeks were a year before.

What a model of customers cannot know is the season that is about to begin: after Christmas all of them buy less. How far
it missed the churn rate of a past cutoff follows how busy the label window was beside the active days before the cutoff.
How busy a window will be is not known, but the same window a year before is. ``docs/decisions/0004-calibration.md`` has
the figures.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import numpy as np

from retain.labels import observed, sales_of
from retain.modelling.calibration import miss
from retain.timeline import DAY

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy.typing as npt

    from retain.events.store import EventStore, IntArray
    from retain.labels import ChurnSettings

    FloatArray = npt.NDArray[np.float64]
    LabelArray = npt.NDArray[np.int8]

YEAR = 365 * DAY
FEWEST_CUTOFFS = 3
"""A line through fewer points than this says nothing about others."""


@dataclass(frozen=True)
class Season:
    """How the log-odds of churn move with the season: ``intercept + slope · busyness``.

    Attributes:
        intercept: added at busyness 0, where a day of the label window sells as much as a day before the cutoff.
        slope: below 0, because the busier the shop, the fewer are silent.
    """

    intercept: float
    slope: float

    def shift(self, busyness: float | None) -> float:
        """What is added to everyone's log-odds; 0 where nothing is known of the year before.

        >>> Season(intercept=-0.2, slope=-1.0).shift(-0.5)
        0.3
        """
        return 0.0 if busyness is None else self.intercept + self.slope * busyness

    def as_dict(self) -> dict[str, float]:
        """The season as JSON values."""
        return asdict(self)

    @staticmethod
    def from_dict(kept: Mapping[str, float]) -> Season:
        """The season that ``as_dict`` wrote."""
        return Season(**kept)


@dataclass(frozen=True)
class Year:
    """When this company sold, as far as was known by an instant.

    Attributes:
        sales: instants of sales in ascending order, one for each order of a customer.
        first: the first of all; a window may begin up to a day before it.
        churn: the definition, with its windows.
    """

    sales: IntArray
    first: int
    churn: ChurnSettings

    @staticmethod
    def of(store: EventStore, churn: ChurnSettings, known_by: int) -> Year:
        """The sales of this store that were known before that instant."""
        sales = sales_of(store)
        known = (sales.time < known_by) & (sales.known < known_by)
        orders = np.unique(np.stack([sales.time[known], sales.customer[known]]), axis=1)
        return Year(orders[0], observed(store)[0], churn)

    def busyness(self, cutoff: int, years_before: int = 0) -> float | None:
        """Orders a day in the label window over orders a day in the active days before the cutoff, as a logarithm.

        Args:
            cutoff: an instant of prediction.
            years_before: 0 looks at the label window itself, which has to be over; 1 at the same days a year before.

        Returns:
            None where the data do not reach back so far, or nothing was sold.
        """
        window, back = self.churn.window, years_before * YEAR
        start, end = window.start(cutoff) - back, window.end(cutoff) - back
        before = cutoff - self.churn.active_days * DAY
        if min(start, before) < self.first - DAY:
            return None
        inside, earlier = self._orders(start, end), self._orders(before, cutoff)
        if not (inside and earlier):
            return None
        return float(np.log(inside / (end - start)) - np.log(earlier / (cutoff - before)))

    def _orders(self, start: int, end: int) -> int:
        low, high = np.searchsorted(self.sales, [start, end])
        return int(high - low)


def learn(year: Year, cutoffs: Sequence[tuple[int, FloatArray, LabelArray]]) -> Season | None:
    """The line through the misses of past cutoffs against how busy their label windows were.

    Args:
        year: when the company sold.
        cutoffs: of each, the instant, the model's log-odds and what came of them.

    Returns:
        None where fewer than three cutoffs have enough history, all were equally busy, or the line rises.
    """
    points = [
        (busy, miss(log_odds, y), len(y))
        for cutoff, log_odds, y in cutoffs
        if 0 < y.sum() < len(y) and (busy := year.busyness(cutoff)) is not None
    ]
    if len(points) < FEWEST_CUTOFFS:
        return None
    busy, missed, rows = np.array(points).T
    spread = np.average((busy - np.average(busy, weights=rows)) ** 2, weights=rows)
    if spread < 1e-12:
        return None
    centre, level = np.average(busy, weights=rows), np.average(missed, weights=rows)
    slope = float(np.average((busy - centre) * (missed - level), weights=rows) / spread)
    return Season(float(level - slope * centre), slope) if slope < 0 else None
