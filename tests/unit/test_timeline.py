from __future__ import annotations

import pytest

from retain.errors import ConfigError, UsageError
from retain.timeline import (
    DAY,
    HOUR,
    MINUTE,
    NEVER,
    SECOND,
    LabelWindow,
    Lookback,
    cutoffs_back_from,
    instant,
    instant_text,
    midnight_after,
    zone_named,
)


@pytest.mark.parametrize(
    ("text", "zone", "wanted"),
    [
        ("1970-01-01", "UTC", 0),
        (" 1970-01-02 ", "UTC", DAY),
        ("1970-01-01T00:00:00.000001", "UTC", 1),
        ("1969-12-31T23:59:59.999999", "UTC", -1),
        ("1970-01-01T02:00+02:00", "America/New_York", 0),
        ("1970-01-01T03:00", "Europe/Sofia", HOUR),
        ("2024-03-01", "UTC", (54 * 365 + 14 + 31 + 28) * DAY),
        ("2024-10-27T01:30", "Europe/London", instant("2024-10-27T00:30Z")),  # comes twice: the first
        (
            "2024-03-31T01:30",
            "Europe/London",
            instant("2024-03-31T01:30Z"),
        ),  # does not exist: as before the change
    ],
)
def test_a_date_is_an_instant(text: str, zone: str, wanted: int) -> None:
    """Read in the zone given, unless it carries an offset of its own."""
    assert instant(text, zone) == wanted


@pytest.mark.parametrize("text", ["", "yesterday", "2024-02-30", "2024-13-01", "01/02/2024", "2023-02-29"])
def test_what_is_no_date_is_refused(text: str) -> None:
    """The message shows how one is written."""
    with pytest.raises(UsageError, match=f"'{text}' is no date. Write it as YYYY-MM-DD"):
        instant(text)


@pytest.mark.parametrize("name", ["Europe/Atlantis", "Europe", "../etc/passwd", "x" * 300, ""])
def test_what_is_no_time_zone_is_refused(name: str) -> None:
    """Neither a name that there is not, nor a folder of zones, nor what no file can be called."""
    with pytest.raises(ConfigError, match=r"is no time zone\. Use an IANA name such as 'Europe/London'"):
        zone_named(name)


@pytest.mark.parametrize(
    ("moment", "text"),
    [
        (0, "1970-01-01"),
        (-DAY, "1969-12-31"),
        (HOUR, "1970-01-01T01:00:00Z"),
        (HOUR + 2 * MINUTE + 3 * SECOND, "1970-01-01T01:02:03Z"),
        (1, "1970-01-01T00:00:00.000001Z"),
    ],
)
def test_an_instant_is_written_as_short_as_it_can_be(moment: int, text: str) -> None:
    """And reads back as the same instant."""
    assert instant_text(moment) == text
    assert instant(text) == moment


@pytest.mark.parametrize(
    ("moment", "zone", "wanted"),
    [
        ("2024-05-01T00:00Z", "UTC", "2024-05-02T00:00Z"),
        ("2024-05-01T23:59:59.999999Z", "UTC", "2024-05-02T00:00Z"),
        ("2024-05-01T20:59Z", "Europe/Sofia", "2024-05-01T21:00Z"),
        ("2024-05-01T21:00Z", "Europe/Sofia", "2024-05-02T21:00Z"),
        ("2024-03-31T00:00Z", "Europe/London", "2024-03-31T23:00Z"),  # that day has 23 hours
        ("2018-11-03T12:00Z", "America/Sao_Paulo", "2018-11-04T03:00Z"),  # that day begins at one o'clock
    ],
)
def test_the_next_midnight_is_local(moment: str, zone: str, wanted: str) -> None:
    """Of an instant at midnight it is the one a day later."""
    assert midnight_after(instant(moment), zone) == instant(wanted)


def test_a_lookback_ends_before_the_cutoff_or_at_it() -> None:
    """Half-open, and without a beginning when it is the whole life."""
    cutoff = 100 * DAY
    assert (Lookback(30, 7).start(cutoff), Lookback(30, 7).end(cutoff)) == (70 * DAY, 93 * DAY)
    assert (Lookback().start(cutoff), Lookback().end(cutoff)) == (NEVER, cutoff)


@pytest.mark.parametrize(("days", "until"), [(7, 7), (7, 8), (0, 0), (7, -1), (None, -1)])
def test_an_empty_lookback_is_refused(days: int | None, until: int) -> None:
    """It would say 0 of every customer, or look into the future."""
    with pytest.raises(ValueError, match="an empty lookback"):
        Lookback(days, until)


def test_a_label_window_follows_the_lead_time() -> None:
    """It begins where the time to act ends, and closes a horizon later."""
    window = LabelWindow(horizon_days=90, lead_days=14)
    assert (window.start(DAY), window.end(DAY)) == (15 * DAY, 105 * DAY)
    assert window.latest_cutoff(105 * DAY) == DAY


@pytest.mark.parametrize(("horizon", "lead"), [(0, 0), (-1, 0), (1, -1)])
def test_an_impossible_label_window_is_refused(horizon: int, lead: int) -> None:
    """The message shows both figures."""
    with pytest.raises(ConfigError, match=f"they are {horizon} and {lead}"):
        LabelWindow(horizon, lead)


@pytest.mark.parametrize(
    ("last", "first", "step", "most", "wanted"),
    [
        (10, 1, 3, 99, (1, 4, 7, 10)),
        (10, 2, 3, 99, (4, 7, 10)),
        (10, 1, 3, 2, (7, 10)),
        (10, 10, 3, 99, (10,)),
        (10, 11, 3, 99, ()),
        (10, 60, 3, 99, ()),
    ],
)
def test_cutoffs_go_back_in_equal_steps(
    last: int, first: int, step: int, most: int, wanted: tuple[int, ...]
) -> None:
    """The newest are kept, none is before the first, and they are told oldest first."""
    found = cutoffs_back_from(last * DAY, first * DAY, step, most)
    assert found == tuple(one * DAY for one in wanted)


@pytest.mark.parametrize("text", ["9999-12-31T23:59-23:00", "0001-01-01T00:00+14:00"])
def test_an_instant_outside_the_calendar_is_refused(text: str) -> None:
    """What UTC cannot write as a date is no instant."""
    with pytest.raises(UsageError, match="too far away"):
        instant(text)
