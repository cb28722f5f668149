"""Windows and cutoffs: every range in time is half-open, every instant is UTC microseconds."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import numpy as np

from retain.errors import ConfigError, UsageError

SECOND = 1_000_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR
NEVER = int(np.iinfo(np.int64).min)
"""An instant that is not known; below every real one."""

LONGEST_DAYS = 36_500
"""No window of a company's data is longer than a century."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def zone_named(name: str) -> ZoneInfo:
    """The time zone of that IANA name.

    Raises:
        ConfigError: there is no such zone.
    """
    try:
        return ZoneInfo(name)
    except (
        ZoneInfoNotFoundError,
        ValueError,
        OSError,
    ) as cause:  # OSError: a folder of zones, or no file name
        raise ConfigError(f"'{name}' is no time zone. Use an IANA name such as 'Europe/London'.") from cause


def instant(text: str, zone: str = "UTC") -> int:
    """UTC microseconds since 1970 of a date or time in ISO 8601.

    Args:
        text: ``2011-06-01``, ``2011-06-01T12:00`` or a time with an offset.
        zone: where a text without an offset is read.

    Raises:
        UsageError: the text is no date.

    >>> instant("1970-01-02") == DAY
    True
    >>> instant("2011-06-01", "Europe/Sofia") == instant("2011-05-31T21:00Z")
    True
    """
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError as cause:
        raise UsageError(f"'{text}' is no date. Write it as YYYY-MM-DD or YYYY-MM-DDTHH:MM.") from cause
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=zone_named(zone))
    try:
        return (moment.astimezone(UTC) - _EPOCH) // timedelta(microseconds=1)
    except OverflowError as cause:
        raise UsageError(f"'{text}' is too far away: in UTC it lies outside the years 1 to 9999.") from cause


def instant_text(moment: int) -> str:
    """ISO 8601 in UTC, as short as it can be without losing anything.

    >>> instant_text(instant("2011-06-01"))
    '2011-06-01'
    >>> instant_text(instant("2011-06-01T12:30"))
    '2011-06-01T12:30:00Z'
    """
    when = _EPOCH + timedelta(microseconds=moment)
    if moment % DAY == 0:
        return when.date().isoformat()
    return when.replace(tzinfo=None).isoformat() + "Z"


def midnight_after(moment: int, zone: str) -> int:
    """The first midnight of that time zone after an instant.

    >>> instant_text(midnight_after(instant("2011-08-31T17:16"), "UTC"))
    '2011-09-01'
    """
    local = (_EPOCH + timedelta(microseconds=moment)).astimezone(zone_named(zone))
    return instant((local.date() + timedelta(days=1)).isoformat(), zone)


def today(zone: str) -> int:
    """The last midnight of that time zone, by the clock."""
    return instant(datetime.now(zone_named(zone)).date().isoformat(), zone)


@dataclass(frozen=True, order=True)
class Lookback:
    """A stretch of time before a cutoff: ``[cutoff - days, cutoff - until_days)``.

    Attributes:
        days: how far back it begins; None is the customer's whole known life.
        until_days: how far before the cutoff it ends.
    """

    days: int | None = None
    until_days: int = 0

    def __post_init__(self) -> None:
        """Refuse a window that holds nothing."""
        if self.until_days < 0 or (self.days is not None and self.days <= self.until_days):
            raise ValueError(
                f"an empty lookback: from {self.days} to {self.until_days} days before the cutoff"
            )

    def start(self, cutoff: int) -> int:
        """The first instant inside the window."""
        return NEVER if self.days is None else cutoff - self.days * DAY

    def end(self, cutoff: int) -> int:
        """The first instant after the window."""
        return cutoff - self.until_days * DAY


@dataclass(frozen=True)
class LabelWindow:
    """The stretch in which churn is observed: ``[cutoff + lead, cutoff + lead + horizon)``.

    Attributes:
        horizon_days: its length in days.
        lead_days: days between the cutoff and its start.
    """

    horizon_days: int
    lead_days: int = 0

    def __post_init__(self) -> None:
        """Refuse a window that holds nothing or begins in the past."""
        if not 0 < self.horizon_days <= LONGEST_DAYS or not 0 <= self.lead_days <= LONGEST_DAYS:
            raise ConfigError(
                f"The label window needs horizon_days from 1 to {LONGEST_DAYS} and lead_days from 0 to {LONGEST_DAYS}; "
                f"they are {self.horizon_days} and {self.lead_days}."
            )

    @property
    def days(self) -> int:
        """Days from the cutoff to the window's end."""
        return self.lead_days + self.horizon_days

    def start(self, cutoff: int) -> int:
        """The first instant inside the window."""
        return cutoff + self.lead_days * DAY

    def end(self, cutoff: int) -> int:
        """The first instant after the window."""
        return self.start(cutoff) + self.horizon_days * DAY

    def latest_cutoff(self, closed_by: int) -> int:
        """The last cutoff whose label window has closed by that instant."""
        return closed_by - self.days * DAY


def cutoffs_back_from(last: int, first: int, step_days: int, most: int) -> tuple[int, ...]:
    """Cutoffs from ``last`` backwards in equal steps, none before ``first``, oldest first.

    Args:
        last: the newest cutoff.
        first: none is earlier than this.
        step_days: days between two.
        most: at most so many, the newest kept.

    >>> cutoffs_back_from(10 * DAY, 4 * DAY, 3, 12) == (4 * DAY, 7 * DAY, 10 * DAY)
    True
    """
    count = min(most, (last - first) // (step_days * DAY) + 1)
    return tuple(last - i * step_days * DAY for i in reversed(range(max(0, count))))
