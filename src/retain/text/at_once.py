"""Texts without an order in time, such as those of one file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from retain.cache import Cache
from retain.text.backends import backend_of
from retain.text.tiers import ThroughTime

if TYPE_CHECKING:
    from retain.text.backends import TextSettings
    from retain.text.feed import Feed
    from retain.text.understood import Understood


def at_once(feed: Feed, settings: TextSettings) -> Understood:
    """What each text says, when every rated text may teach and none is read with what it taught."""
    backend, cache = backend_of(settings), Cache(None)
    return backend.at_once(feed, cache) if isinstance(backend, ThroughTime) else backend(feed, cache)
