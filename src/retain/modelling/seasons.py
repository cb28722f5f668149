"""The level of churn through the seasons, forecast from how busy the same weeks were a year before.

What a model of customers cannot know is the season that is about to begin: after Christmas all of them buy less. How far
it missed the churn rate of a past cutoff follows how busy the label window was beside the active days before the cutoff.
How busy a window will be is not known, but the same window a year before is. ``docs/decisions/0004-calibration.md`` has
the figures.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.special import log_expit

from retain.labels import sales_of
from retain.modelling.calibration import miss
from retain.timeline import DAY, NEVER

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    import numpy.typing as npt

    from retain.events.store import EventStore, IntArray
    from retain.labels import ChurnSettings

    FloatArray = npt.NDArray[np.float64]
    LabelArray = npt.NDArray[np.int8]

YEAR = 365 * DAY
FEWEST_CUTOFFS = 3
"""A line through fewer points than this says nothing about others."""
FEWEST_DAYS = 28
"""Whole weeks of a second year that show whether it goes as the first did."""


@dataclass(frozen=True)
class Season:
    """How the log-odds of churn move with the season: ``intercept + slope · busyness``.

    Attributes:
        intercept: added at busyness 0, where a day of the label window sells as much as a day before the cutoff.
        slope: below 0, because the busier the shop, the fewer are silent.
        least: as long as nothing has shown that seasons come again, a year before counts as no quieter than this, and
            nothing is taken away from the log-odds; None once something has. A young company that grows has a year
            before quieter than any that it has seen, and everybody's first order makes the first weeks of a
            history look busy.
    """

    intercept: float
    slope: float
    least: float | None = None

    @property
    def proven(self) -> bool:
        """Whether something has shown that seasons come again."""
        return self.least is None

    def shift(self, busyness: float | None) -> float:
        """What is added to everyone's log-odds; 0 where nothing is known of the year before.

        >>> Season(intercept=-0.2, slope=-1.0).shift(-0.5)
        0.3
        >>> [Season(intercept=-0.2, slope=-1.0, least=-0.4).shift(busyness) for busyness in (-0.5, 0.5)]
        [0.2, 0.0]
        """
        if busyness is None:
            return 0.0
        if self.least is None:
            return self.intercept + self.slope * busyness
        return max(0.0, self.intercept + self.slope * max(busyness, self.least))

    def as_dict(self) -> dict[str, float | None]:
        """The season as JSON values."""
        return asdict(self)

    @staticmethod
    def from_dict(kept: Mapping[str, Any]) -> Season:
        """The season that ``as_dict`` wrote."""
        return Season(**kept)


@dataclass(frozen=True)
class Orders:
    """How many orders were known around a cutoff; those of parts of the customers add up.

    Attributes:
        first: the instant of the first of all; beyond all times without any.
        inside: in the label window, or in the same days of an earlier year.
        earlier: in the active days before the cutoff.
        earlier_then: in those before the same date of that earlier year.
    """

    first: int
    inside: int
    earlier: int
    earlier_then: int

    def __add__(self, other: Orders) -> Orders:
        """Of both parts."""
        return Orders(
            min(self.first, other.first),
            self.inside + other.inside,
            self.earlier + other.earlier,
            self.earlier_then + other.earlier_then,
        )

    def busyness(self, churn: ChurnSettings, cutoff: int, years_before: int = 0) -> float | None:
        """Orders a day in the label window over orders a day in the active days before it, as a logarithm.

        Of an earlier year both are counted where the data reach back so far, so that growth does not pass for a season;
        else the active days are those before the present cutoff. Days of the window before the first order of all count as
        such days; of the others there must be as many.

        Args:
            churn: the windows.
            cutoff: the instant of prediction that was counted around.
            years_before: how far back the label window was.

        Returns:
            None where the data do not reach back so far, or nothing was sold.
        """
        then, begin = cutoff - years_before * YEAR, self.first - DAY
        whole = then - churn.active_days * DAY >= begin
        earlier = self.earlier_then if whole else self.earlier
        unseen = max(0.0, (begin - churn.window.start(then)) / DAY)
        if cutoff - churn.active_days * DAY < begin or 2 * unseen > churn.horizon_days:
            return None
        if not (self.inside and earlier):
            return None
        a_day = earlier / churn.active_days
        return float(np.log(self.inside + unseen * a_day) - np.log(churn.horizon_days * a_day))


NOTHING = Orders(-(NEVER + 1), 0, 0, 0)


@dataclass(frozen=True)
class Year:
    """When a company, or some of its customers, ordered, as far as was known by an instant.

    Attributes:
        sales: instants of sales in ascending order, one for each order of a customer.
        churn: the definition, with its windows.
    """

    sales: IntArray
    churn: ChurnSettings

    @staticmethod
    def of(store: EventStore, churn: ChurnSettings, known_by: int) -> Year:
        """The sales of this store that were known before that instant."""
        if not len(store.tables["orders"]):
            return Year(np.empty(0, dtype=np.int64), churn)
        sales = sales_of(store)
        known = (sales.time < known_by) & (sales.known < known_by)
        time, customer = sales.time[known], sales.customer[known]
        # The rows are by customer and time, so the lines of an order follow each other.
        another = (np.diff(time, prepend=0) != 0) | (np.diff(customer, prepend=-1) != 0)
        return Year(np.sort(time[another]), churn)

    def around(self, cutoff: int, years_before: int = 0) -> Orders:
        """The orders before a cutoff and in its label window, or in the same days so many years before."""
        if not len(self.sales):
            return NOTHING
        window, active, then = self.churn.window, self.churn.active_days * DAY, cutoff - years_before * YEAR
        stretches = [window.start(then), window.end(then), cutoff - active, cutoff, then - active, then]
        at = np.searchsorted(self.sales, stretches).tolist()
        return Orders(int(self.sales[0]), at[1] - at[0], at[3] - at[2], at[5] - at[4])

    def busyness(self, cutoff: int, years_before: int = 0) -> float | None:
        """See ``Orders.busyness``."""
        return self.around(cutoff, years_before).busyness(self.churn, cutoff, years_before)

    def goes_as_before(self, now: int) -> bool | None:
        """Whether the last days were busier or quieter than those before them as the same days a year before were.

        Of the days that a label window has, those count that have a year before.

        Args:
            now: the end of these days.

        Returns:
            False where "as busy as ever" would have been the better forecast; None where fewer than four weeks have a
            year before, or nothing was sold in them.
        """
        if not len(self.sales):
            return None
        first, active = int(self.sales[0]) // DAY * DAY, self.churn.active_days * DAY
        begin = max(now - self.churn.horizon_days * DAY, first + YEAR)
        if now - begin < FEWEST_DAYS * DAY:
            return None
        back = YEAR if begin - YEAR - active >= first else 0
        ends = [begin - active, begin, now, begin - back - active, begin - back, begin - YEAR, now - YEAR]
        at = np.searchsorted(self.sales, ends)
        counts = np.array([at[1] - at[0], at[2] - at[1], at[4] - at[3], at[6] - at[5]])
        if not counts.all():
            return None
        usual, now_sold, usual_then, then_sold = np.log(counts)
        longer = np.log((now - begin) / active)
        changed, changed_then = now_sold - usual - longer, then_sold - usual_then - longer
        return bool(abs(changed - changed_then) < abs(changed))


def shift_at(season: Season | None, orders: Iterable[Orders], churn: ChurnSettings, cutoff: int) -> float:
    """What a season adds to everyone's log-odds at a cutoff.

    Args:
        season: 0 where there is none.
        orders: around the cutoff, with the label window of a year before; one for each part of the customers. Nothing is
            counted where there is no season.
        churn: the windows.
        cutoff: the instant of prediction.
    """
    if season is None:
        return 0.0
    return season.shift(sum(orders, NOTHING).busyness(churn, cutoff, 1))


@dataclass(frozen=True)
class Past:
    """A past cutoff.

    Attributes:
        cutoff: the instant of prediction.
        log_odds: what a model said, after the slope of its calibration.
        y: what came of it.
    """

    cutoff: int
    log_odds: FloatArray
    y: LabelArray


def learn(year: Year, cutoffs: Sequence[Past], *, proven: bool = True) -> Season | None:
    """The line through the misses of past cutoffs against how busy their label windows were.

    Args:
        year: when the company sold.
        cutoffs: with their outcomes.
        proven: whether something has shown that seasons come again. If not, the line is followed below the quietest of
            these windows as far as the busiest lies above it.

    Returns:
        None where fewer than three cutoffs have enough history, all were equally busy, or the line rises.
    """
    points = [
        (busy, miss(one.log_odds, one.y), len(one.y))
        for one in cutoffs
        if 0 < one.y.sum() < len(one.y) and (busy := year.busyness(one.cutoff)) is not None
    ]
    if len(points) < FEWEST_CUTOFFS:
        return None
    busy, missed, rows = np.array(points).T
    spread = np.average((busy - np.average(busy, weights=rows)) ** 2, weights=rows)
    if spread < 1e-12:
        return None
    centre, level = np.average(busy, weights=rows), np.average(missed, weights=rows)
    slope = float(np.average((busy - centre) * (missed - level), weights=rows) / spread)
    least = None if proven else float(2 * busy.min() - busy.max())
    return Season(float(level - slope * centre), slope, least) if slope < 0 else None


@dataclass(frozen=True)
class Moved:
    """How moving the level did at a past cutoff, with a line learned from what was known then.

    Attributes:
        cutoff: the instant of prediction.
        log_loss: as it was.
        log_loss_moved: with everyone's log-odds moved.
        rows: how many predictions.
    """

    cutoff: int
    log_loss: float
    log_loss_moved: float
    rows: int


def tried(year: Year, cutoffs: Sequence[Past], later: Past) -> Moved | None:
    """What a forecast of the season would have brought at a later cutoff; None where none can be made.

    Args:
        year: when the company sold, as known at the later cutoff.
        cutoffs: those whose outcome was known then.
        later: the cutoff with its outcome.
    """
    ahead = year.busyness(later.cutoff, 1)
    season = None if ahead is None else learn(year, cutoffs)
    if season is None:
        return None
    before, after = (_loss(later.log_odds + by, later.y) for by in (0.0, season.shift(ahead)))
    return Moved(later.cutoff, before, after, len(later.y))


def proven(evidence: Sequence[Moved], year: Year, now: int) -> bool | None:
    """Whether seasons come again; None where nothing speaks for or against it yet.

    That moving the level lowered the log loss, all past cutoffs together, decides; without such a cutoff that orders go as
    a year before.

    Args:
        evidence: from past cutoffs that had a year before.
        year: when the company sold, as known now.
        now: the instant up to which outcomes are known.
    """
    if not evidence:
        return year.goes_as_before(now)
    return sum((one.log_loss - one.log_loss_moved) * one.rows for one in evidence) > 0


def _loss(z: FloatArray, y: LabelArray) -> float:
    return -float((y * log_expit(z) + (1 - y) * log_expit(-z)).mean())
