"""From a name to its implementation: the folder's own table, then anyone's entry points."""

from __future__ import annotations

from dataclasses import dataclass, field
from importlib.metadata import entry_points
from typing import TYPE_CHECKING, Generic, TypeVar

from retain.errors import UsageError, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

T = TypeVar("T")


@dataclass(frozen=True)
class Registry(Generic[T]):
    """The implementations of one kind, by name.

    Attributes:
        kind: what one of them is called in messages, such as ``export format``.
        group: the entry-point group through which other packages add theirs.
        table: the folder's own, each a function of no argument, so that nothing is imported before it is asked for.
    """

    kind: str
    group: str
    table: Mapping[str, Callable[[], T]] = field(default_factory=dict)

    def names(self) -> tuple[str, ...]:
        """All names, the folder's own first, each once."""
        outside = sorted(point.name for point in entry_points(group=self.group))
        return tuple(dict.fromkeys([*self.table, *outside]))

    def get(self, name: str) -> T:
        """The implementation of that name.

        Raises:
            UsageError: no implementation has this name; the message lists those that exist.
        """
        if name in self.table:
            return self.table[name]()
        for point in entry_points(group=self.group, name=name):
            loaded: T = point.load()()
            return loaded
        raise UsageError(f"No {self.kind} is called '{name}'. {did_you_mean(name, self.names())}")
