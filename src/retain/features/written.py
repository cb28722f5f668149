"""A feature as plain values and back, so that a model carries the declarations that are not in the catalogue."""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from typing import Any

from retain.features.spec import (
    Balance,
    Candidate,
    Contrast,
    Feature,
    Foremost,
    How,
    Measure,
    Ratio,
    Remedy,
    Renewal,
)
from retain.timeline import Lookback

_KINDS: dict[str, type[Any]] = {
    one.__name__: one
    for one in (
        *(Feature, Measure, Remedy, Lookback),
        *(Ratio, Contrast, Balance, Renewal, Foremost, Candidate),
    )
}
_KIND = "is"


def as_values(part: object) -> Any:
    """A feature or a part of one as values that JSON has.

    >>> as_values(Lookback(30))
    {'is': 'Lookback', 'days': 30, 'until_days': 0}
    """
    if is_dataclass(part):
        return {
            _KIND: type(part).__name__,
            **{one.name: as_values(getattr(part, one.name)) for one in fields(part)},
        }
    if isinstance(part, tuple):
        return [as_values(one) for one in part]
    return str(part) if isinstance(part, How) else part


def from_values(values: Any) -> Any:
    """What ``as_values`` was given.

    Raises:
        KeyError, TypeError, ValueError: the values are none of its.

    >>> from_values({"is": "Lookback", "days": 30, "until_days": 0})
    Lookback(days=30, until_days=0)
    """
    if isinstance(values, dict):
        given = {name: from_values(one) for name, one in values.items() if name != _KIND}
        if "how" in given:
            given["how"] = How(given["how"])
        return _KINDS[values[_KIND]](**given)
    return tuple(from_values(one) for one in values) if isinstance(values, list) else values
