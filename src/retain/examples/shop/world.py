"""What is the same for every customer of the shop: its calendar, season, prices, countries and campaigns."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
import numpy.typing as npt

from retain.timeline import DAY, LabelWindow, instant

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

START = instant("2023-01-01")
END = instant("2025-01-01")
DAYS = (END - START) // DAY
BLOCK = 10_000
"""Customers that are drawn together: one random stream, one Parquet part. Never depends on how many are asked for."""

ACTIVE_DAYS = 180
WINDOW = LabelWindow(horizon_days=90)


def day_of(text: str) -> int:
    """The day of the shop's calendar on which that date falls; 0 is the first.

    >>> day_of("2023-02-01")
    31
    """
    return (instant(text) - START) // DAY


CUTOFFS = tuple(
    day_of(f"{year}-{month:02d}-01")
    for year in (2023, 2024)
    for month in range(1, 13)
    if day_of(f"{year}-{month:02d}-01") >= ACTIVE_DAYS
    and START + day_of(f"{year}-{month:02d}-01") * DAY <= WINDOW.latest_cutoff(END)
)
"""The first of every month that has a full history behind it and a closed label window before it, as days."""


@dataclass(frozen=True)
class Country:
    """Where customers live.

    Attributes:
        code: ISO 3166.
        share: of all customers.
        languages: each with its share.
        late: log odds of a late parcel, beside the average.
    """

    code: str
    share: float
    languages: tuple[tuple[str, float], ...]
    late: float


COUNTRIES = (
    Country("GB", 0.22, (("en", 1.0),), -0.3),
    Country("TW", 0.18, (("zh-Hant", 1.0),), -0.5),
    Country("HK", 0.06, (("zh-Hant", 0.75), ("en", 0.25)), -0.4),
    Country("RU", 0.14, (("ru", 1.0),), 0.3),
    Country("KZ", 0.14, (("kk", 0.65), ("ru", 0.35)), 0.5),
    Country("BG", 0.12, (("bg", 1.0),), 0.1),
    Country("UA", 0.14, (("uk", 0.85), ("ru", 0.15)), 0.3),
)
LANGUAGES = ("en", "zh-Hant", "ru", "kk", "bg", "uk")


@dataclass(frozen=True)
class Action:
    """A retention action of the earlier campaigns.

    Attributes:
        name: its id.
        cost: of treating one customer.
        consent: the channel whose consent it needs.
    """

    name: str
    cost: float
    consent: str


ACTIONS = (
    Action("points_nudge", 1.50, "email"),
    Action("service_recovery_call", 6.00, "phone"),
    Action("surprise_gift_thank_you", 4.00, "post"),
)


@dataclass(frozen=True)
class Campaign:
    """One earlier randomised campaign.

    Attributes:
        name: its id.
        action: index into ACTIONS.
        day: when arms were drawn.
    """

    name: str
    action: int
    day: int


EFFECT_DAYS = 60
"""How long a treatment works. Campaigns are further apart, so no two ever work at the same time."""
QUIET_DAYS = 21
"""Who bought within so many days is left out of a campaign."""

CAMPAIGNS = (
    Campaign("2023-05-points", 0, day_of("2023-05-08")),
    Campaign("2023-08-calls", 1, day_of("2023-08-07")),
    Campaign("2023-10-gifts", 2, day_of("2023-10-16")),
    Campaign("2024-01-points", 0, day_of("2024-01-22")),
    Campaign("2024-04-calls", 1, day_of("2024-04-08")),
    Campaign("2024-06-gifts", 2, day_of("2024-06-24")),
)
RUNNING = tuple(
    next((number for number, one in enumerate(CAMPAIGNS) if one.day <= day < one.day + EFFECT_DAYS), -1)
    for day in range(DAYS)
)
"""By day: the campaign at work, -1 for none."""
PROPENSITY = (0.5, 0.5, 0.6, 0.7)
"""Probability of being treated, by loyalty tier: stratified, so a plain comparison of the arms is biased."""

TIERS = ("bronze", "silver", "gold", "platinum")

PRICE_RISES = (day_of("2023-09-15"), day_of("2024-03-01"))


def _calendar() -> tuple[Floats, Floats]:
    day = np.arange(DAYS, dtype=np.float64)
    dates = [datetime.fromtimestamp(START // 1_000_000 + int(one) * 86_400, UTC) for one in day]
    of_year = np.array([one.timetuple().tm_yday for one in dates], dtype=np.float64)
    weekday = np.array([one.weekday() for one in dates])
    christmas = 0.60 * np.exp(-0.5 * ((of_year - 342) / 13) ** 2)
    january = -0.25 * np.exp(-0.5 * ((of_year - 18) / 14) ** 2)
    summer = -0.30 * np.exp(-0.5 * ((of_year - 208) / 24) ** 2)
    week = np.array([-0.05, -0.10, -0.05, 0.0, 0.12, 0.18, -0.02])[weekday]
    drift = -0.22 * day / 365 + 0.10 * np.sin(2 * np.pi * day / 410)
    resentment = np.zeros(DAYS)
    for rise in PRICE_RISES:
        resentment -= np.where(day >= rise, 0.5 * np.exp(-np.maximum(day - rise, 0) / 150), 0.0)
    return christmas + january + summer + week + drift, resentment


MARKET, RESENTMENT = _calendar()
"""By day: what season, weekday and drift add to everybody's log intensity; what price rises do to satisfaction."""
