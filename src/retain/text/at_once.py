"""Texts without an order in time, such as one file: every rated text teaches, and none is scored by what it taught."""

from __future__ import annotations

from typing import TYPE_CHECKING

from retain.text.backends import backend_of
from retain.text.cache import Cache

if TYPE_CHECKING:
    from retain.text.backends import TextSettings, Understood
    from retain.text.feed import Feed


def at_once(feed: Feed, settings: TextSettings) -> Understood:
    """What each text says."""
    return backend_of(settings)(feed, Cache(None))
