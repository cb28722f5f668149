"""The catalogue of retention actions, read from TOML and refused when anything in it is off."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

from retain.errors import ConfigError, did_you_mean
from retain.scoring.tiers import TIERS
from retain.shipped import shipped

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

TOPICS = (
    "recency",
    "frequency",
    "spend",
    "rhythm",
    "trend",
    "returns",
    "breadth",
    "habits",
    "tenure",
    "discounts",
    "support",
    "feedback",
    "engagement",
    "contract",
    "delivery",
    "payment",
)
"""What a reason for risk can be about."""

NO_REASON = "none"
"""Stands among an action's topics for a customer at risk without any known reason."""

SIGNALS = ("birthday_soon", "complaint_fixed", "high_value", "promoter")
"""What else can be known of a customer."""

FALLBACK = "no_action"

CONSENT = "consent"
OPEN = "open"
ABSENT = "absent"
_ACCESS = (CONSENT, OPEN, ABSENT)
_UNKNOWN = ("deny", "ask", "allow")


@dataclass(frozen=True)
class Action:
    """One thing that can be done about a customer.

    Attributes:
        id: its name in files and reports.
        what: one plain sentence.
        priority: rules are tried in this order, smallest first.
        tiers: the risk tiers that it is for.
        topics: the reasons that call for it; empty: any reason, or none.
        only_if: signals that have to hold, every one.
        channels: where it can be done, the best first.
        marketing: it sells something, and so rests while a complaint is open.
        guards: conditions for the person who carries it out; the data cannot decide them.
    """

    id: str
    what: str
    priority: int
    tiers: tuple[str, ...]
    channels: tuple[str, ...]
    marketing: bool
    topics: tuple[str, ...] = ()
    only_if: tuple[str, ...] = ()
    guards: tuple[str, ...] = ()


@dataclass(frozen=True)
class Playbook:
    """All actions, in the order in which they are tried; the last one is ``no_action``.

    Attributes:
        actions: sorted by priority.
        channels: per channel ``consent``, ``open`` or ``absent``.
        unknown_consent: ``deny``, ``ask`` or ``allow`` where a customer's consent is not known.
    """

    actions: tuple[Action, ...]
    channels: Mapping[str, str]
    unknown_consent: str

    def __getitem__(self, action_id: str) -> Action:
        """The action of that name."""
        return {one.id: one for one in self.actions}[action_id]


def load_playbook(path: Path | None = None) -> Playbook:
    """The playbook in that file, or the shipped one.

    Args:
        path: a TOML file as ``configs/playbook.toml``; None is the shipped one.

    Raises:
        ConfigError: the file is missing, is no TOML, or holds something that a playbook cannot; the message names
            the file, the action and the nearest right word.

    >>> load_playbook().actions[-1].what
    'Leave the customer alone.'
    """
    source = shipped("playbook.toml") if path is None else path
    try:
        # Windows editors put a byte-order mark first.
        parsed = tomllib.loads(source.read_text(encoding="utf-8-sig"))
    except OSError as cause:
        raise ConfigError(
            f"Cannot read the playbook {source}: {cause.strerror}. Check the path, or leave it out for the shipped one."
        ) from cause
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as cause:
        raise ConfigError(f"The playbook {source} is no TOML: {cause}.") from cause
    return _playbook(_Table(str(source), parsed))


@dataclass(frozen=True)
class _Table:
    """A TOML table that knows where it stands, so that every complaint says it.

    Attributes:
        where: the file, and the action in it.
        values: as parsed.
    """

    where: str
    values: Mapping[str, object]

    def only(self, *keys: str) -> None:
        """Refuse any other key."""
        for key in self.values:
            if key not in keys:
                raise ConfigError(f"{self.where}: unknown key '{key}'. {did_you_mean(key, keys)}")

    def needed(self, key: str) -> object:
        """The value of a key that has to be there."""
        if key not in self.values:
            raise ConfigError(f"{self.where}: '{key}' is missing. Add it.")
        return self.values[key]

    def text(self, key: str) -> str:
        """A text that says something."""
        value = self.needed(key)
        if not isinstance(value, str) or not value.strip():
            raise ConfigError(f'{self.where}: {key} is {value!r}. Write a text, as in {key} = "...".')
        return value

    def number(self, key: str) -> int:
        """A whole number."""
        value = self.needed(key)
        if not isinstance(value, int) or isinstance(value, bool):
            raise ConfigError(f"{self.where}: {key} is {value!r}. Write a whole number, as in {key} = 10.")
        return value

    def flag(self, key: str) -> bool:
        """True or false."""
        value = self.needed(key)
        if not isinstance(value, bool):
            raise ConfigError(f"{self.where}: {key} is {value!r}. Write {key} = true or {key} = false.")
        return value

    def texts(self, key: str) -> tuple[str, ...]:
        """A list of different texts; empty when the key is not there."""
        value = self.values.get(key, [])
        if not isinstance(value, list) or not all(isinstance(one, str) and one.strip() for one in value):
            raise ConfigError(
                f'{self.where}: {key} is {value!r}. Write a list of texts, as in {key} = ["..."].'
            )
        if len(set(value)) < len(value):
            raise ConfigError(f"{self.where}: {key} names something twice. Keep one of each.")
        return tuple(value)

    def choice(self, key: str, known: Iterable[str]) -> str:
        """One of the known words."""
        return self._known(key, self.text(key), known)

    def choices(self, key: str, known: Iterable[str]) -> tuple[str, ...]:
        """Some of the known words."""
        return tuple(self._known(key, one, known) for one in self.texts(key))

    def tables(self, key: str) -> tuple[Mapping[str, object], ...]:
        """The blocks of that name."""
        value = self.values.get(key, [])
        if not isinstance(value, list) or not all(isinstance(one, dict) for one in value):
            raise ConfigError(f"{self.where}: {key} is no list of blocks. Write each one as [[{key}]].")
        return tuple(value)

    def _known(self, key: str, word: str, known: Iterable[str]) -> str:
        if word not in known:
            raise ConfigError(f"{self.where}: unknown word '{word}' in {key}. {did_you_mean(word, known)}")
        return word


def _playbook(table: _Table) -> Playbook:
    table.only("unknown_consent", "channels", "action")
    listed = table.needed("channels")
    if not isinstance(listed, dict):
        raise ConfigError(
            f'{table.where}: channels is no table. Write [channels] and lines such as email = "open".'
        )
    channel_table = _Table(f"{table.where}, [channels]", listed)
    channels = {name: channel_table.choice(name, _ACCESS) for name in listed}
    actions = [
        _action(table.where, number, values, channels)
        for number, values in enumerate(table.tables("action"), 1)
    ]
    actions.sort(key=lambda one: one.priority)
    _refuse_repeats(table.where, actions)
    if not actions or not _always_applies(actions[-1]):
        raise ConfigError(
            f"{table.where}: the last action by priority has to be '{FALLBACK}', for every tier and with nothing that "
            f"it depends on: tiers = {list(TIERS)}, channels = [], marketing = false, no topics, no only_if."
        )
    return Playbook(
        actions=tuple(actions),
        channels=MappingProxyType(channels),
        unknown_consent=table.choice("unknown_consent", _UNKNOWN),
    )


def _action(file: str, number: int, values: Mapping[str, object], channels: Iterable[str]) -> Action:
    nameless = _Table(f"{file}, action number {number}", values)
    table = _Table(f"{file}, action '{nameless.text('id')}'", values)
    table.only("id", "what", "priority", "tiers", "topics", "only_if", "channels", "marketing", "guards")
    action = Action(
        id=table.text("id"),
        what=table.text("what"),
        priority=table.number("priority"),
        tiers=table.choices("tiers", TIERS),
        topics=table.choices("topics", (*TOPICS, NO_REASON)),
        only_if=table.choices("only_if", SIGNALS),
        channels=table.choices("channels", channels),
        marketing=table.flag("marketing"),
        guards=table.texts("guards"),
    )
    if not action.tiers:
        raise ConfigError(
            f"{table.where}: tiers is empty, so it would never be recommended. Name at least one."
        )
    if not action.channels and action.id != FALLBACK:
        raise ConfigError(f"{table.where}: channels is empty. Name at least one; only '{FALLBACK}' has none.")
    return action


def _refuse_repeats(file: str, actions: list[Action]) -> None:
    ids: set[str] = set()
    by_priority: dict[int, str] = {}
    for one in actions:
        if one.id in ids:
            raise ConfigError(f"{file}: two actions are called '{one.id}'. Rename or remove one.")
        if one.priority in by_priority:
            raise ConfigError(
                f"{file}: '{by_priority[one.priority]}' and '{one.id}' both have priority {one.priority}, "
                "so it is open which is tried first. Change one."
            )
        ids.add(one.id)
        by_priority[one.priority] = one.id


def _always_applies(action: Action) -> bool:
    depends = action.topics or action.only_if or action.channels or action.marketing
    return action.id == FALLBACK and set(action.tiers) == set(TIERS) and not depends
