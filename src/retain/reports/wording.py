"""How a figure, a day or an amount is written for a reader."""

from __future__ import annotations

import math
from datetime import datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from retain.reports.content import Estimate, Number

UNKNOWN = "not known"
_MINUS = "\N{MINUS SIGN}"
_SPACE = "\N{NO-BREAK SPACE}"
_MONTHS = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip
"""Not from the locale, so that the same run gives the same bytes everywhere."""


def decimals(value: Number, places: int = 3) -> str:
    """A number with thousands separators and so many decimals.

    >>> decimals(1234.5678, 2)
    '1,234.57'
    >>> decimals(float("nan"))
    'not known'
    """
    if value is None or not math.isfinite(value):
        return UNKNOWN
    text = f"{abs(value):,.{places}f}"
    negative = value < 0 and any(digit in text for digit in "123456789")
    return f"{_MINUS}{text}" if negative else text


def compact(value: Number) -> str:
    """A number with about three digits, for the foot of a small chart.

    >>> compact(1234.5), compact(42.25), compact(3.5), compact(3.0), compact(0.125)
    ('1,234', '42', '3.5', '3', '0.12')
    """
    if value is None or not math.isfinite(value) or float(value).is_integer() or abs(value) >= 10:
        return decimals(value, 0)
    return decimals(value, 1 if abs(value) >= 1 else 2)


def count(value: Number) -> str:
    """A whole number.

    >>> count(2659)
    '2,659'
    """
    return decimals(value, 0)


def percent(value: Number, places: int = 1) -> str:
    """A share from 0 to 1 in per cent.

    >>> percent(0.3054)
    '30.5%'
    """
    text = decimals(None if value is None else 100 * value, places)
    return text if text == UNKNOWN else f"{text}%"


def chance(value: Number) -> str:
    """A p-value, without the digits that nobody needs.

    >>> chance(0.0123), chance(0.00001)
    ('0.012', 'below 0.001')
    """
    small = value is not None and value < 0.001
    return "below 0.001" if small else decimals(value, 3)


def money(value: Number, currency: str = "") -> str:
    """An amount, without its minor units once it is large enough not to need them.

    >>> money(412345.6, "£")
    '£412,346'
    >>> money(12.5, "£")
    '£12.50'
    """
    small = value is not None and math.isfinite(value) and 0 < abs(value) < 100
    text = decimals(value, 2 if small else 0)
    if text == UNKNOWN or not currency:
        return text
    # A sign stands close to its number, a code such as EUR apart from it.
    gap = _SPACE if currency[-1].isalnum() else ""
    sign, digits = (_MINUS, text[1:]) if text.startswith(_MINUS) else ("", text)
    return f"{sign}{currency}{gap}{digits}"


def measure(value: Number, unit: str, currency: str = "") -> str:
    """A figure in its unit.

    >>> measure(0.251, "share")
    '25.1%'
    >>> measure(3.25, "orders").split()
    ['3.2', 'orders']
    >>> measure(0.134, "ratio")
    '0.13'
    """
    if value is None or not math.isfinite(value):
        return UNKNOWN
    known: dict[str, Callable[[], str]] = {
        "count": lambda: count(value),
        "share": lambda: percent(value),
        "money": lambda: money(value, currency),
        "times": lambda: f"{decimals(value, 1)}\N{MULTIPLICATION SIGN}",
        "ratio": lambda: decimals(value, 2),
        "number": lambda: decimals(value, 3 if abs(value) < 10 else 1),
    }
    if unit in known:
        return known[unit]()
    return f"{decimals(value, 0 if float(value).is_integer() else 1)}{_SPACE}{unit}".rstrip()


def interval(estimate: Estimate, unit: str = "number", currency: str = "") -> str:
    """An estimate's interval, or nothing when it has none.

    >>> from retain.reports.content import Estimate
    >>> interval(Estimate(0.8, 0.75, 0.85))
    '0.750 to 0.850'
    >>> interval(Estimate(0.8))
    ''
    """
    ends = [measure(end, unit, currency) for end in (estimate.low, estimate.high)]
    return "" if UNKNOWN in ends else " to ".join(ends)


def day(text: str) -> str:
    """A day or instant of ISO 8601 as people write it; anything else stays as it is.

    >>> day("2011-06-01").split()
    ['1', 'June', '2011']
    >>> day("2011-06-01T12:30:00Z").split()
    ['1', 'June', '2011,', '12:30', 'UTC']
    """
    try:
        when = datetime.fromisoformat(text)
    except ValueError:
        return text
    date = _SPACE.join([str(when.day), _MONTHS[when.month - 1], str(when.year)])
    if len(text) <= len("2011-06-01"):
        return date
    return f"{date}, {when:%H:%M}{_SPACE}{when.tzname() or ''}".rstrip()


def listed(words: tuple[str, ...], last: str = "and") -> str:
    """Words in a row, as in a sentence.

    >>> listed(("a", "b", "c"))
    'a, b and c'
    """
    head, tail = words[:-1], words[-1:]
    return f" {last} ".join([", ".join(head), *tail]) if head else "".join(tail)
