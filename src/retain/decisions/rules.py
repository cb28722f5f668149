"""One action per customer: the first rule of the playbook that fits tier, reasons and contact permissions."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
import numpy.typing as npt

from retain.decisions.playbook import ABSENT, CONSENT, NO_REASON, SIGNALS, TOPICS, Playbook
from retain.scoring.languages import DEFAULT, language
from retain.scoring.tiers import TIERS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from retain.decisions.playbook import Action
    from retain.scoring.languages import Language

Flags: TypeAlias = npt.NDArray[np.int8]
_Bools: TypeAlias = npt.NDArray[np.bool_]
_Codes: TypeAlias = npt.NDArray[np.int64]

# How a channel may be used by a customer. Every value above _CLOSED may be recommended.
_CLOSED, _FREE, _NOT_RECORDED, _ASK = range(4)
_REMARKS = {_NOT_RECORDED: "unrecorded", _ASK: "ask"}

# What stopped a rule that would have fitted.
_NOTHING, _COMPLAINT, _NO_CHANNEL = range(3)
_STOPS = {_COMPLAINT: "complaint", _NO_CHANNEL: "no_channel"}

_ANY_REASON, _WITHOUT_REASON, _FIRST_TOPIC = -1, -2, 0


@dataclass(frozen=True)
class ContactRules:
    """What is known about reaching each customer; every array has one entry a customer.

    Flags are 1 (yes), 0 (no) or -1 (not known), as in the event store. What the company does not record at all is
    left out.

    Attributes:
        consent: per channel; a channel without an entry is not recorded, and may be used, which ``why`` then says.
        do_not_contact: 1 must not be contacted at all.
        open_complaint: 1 has a complaint that is not settled, so nothing is sold.
        preferred_channel: the channel the customer asked for, however it is spelt; None where not known.
        signals: by the names in ``SIGNALS``; only 1 counts as yes.
    """

    consent: Mapping[str, Flags] = field(default_factory=lambda: MappingProxyType({}))
    do_not_contact: Flags | None = None
    open_complaint: Flags | None = None
    preferred_channel: Sequence[str | None] | None = None
    signals: Mapping[str, Flags] = field(default_factory=lambda: MappingProxyType({}))

    def __post_init__(self) -> None:
        """Refuse a signal that no rule can ask for."""
        unknown = sorted(set(self.signals) - set(SIGNALS))
        if unknown:
            raise ValueError(f"no such signals: {unknown}; there are {sorted(SIGNALS)}")

    def refuse_unless(self, size: int) -> None:
        """Refuse arrays of another length: one customer's permission must not be spread over all."""
        single = (self.do_not_contact, self.open_complaint, self.preferred_channel)
        given = [one for one in (*single, *self.consent.values(), *self.signals.values()) if one is not None]
        lengths = sorted({len(one) for one in given} - {size})
        if lengths:
            raise ValueError(f"contact rules of lengths {lengths} for {size} customers")


@dataclass(frozen=True)
class Recommendations:
    """What to do, one entry a customer; None in all three where the customer has no tier.

    Attributes:
        action_id: the action.
        channel: where; None where there is nothing to send.
        why: one plain sentence: the tier, the reason that called for it, and the guard that stopped something else.
    """

    action_id: npt.NDArray[np.object_]
    channel: npt.NDArray[np.object_]
    why: npt.NDArray[np.object_]


def recommend(
    playbook: Playbook,
    tiers: Sequence[str | None],
    topics: Sequence[Sequence[str]],
    contact: ContactRules,
    languages: Sequence[Language] | None = None,
) -> Recommendations:
    """The recommended action, channel and reason for every customer.

    The rules are tried in the playbook's order. A rule fits when it is for the customer's tier, when one of its topics
    is among the customer's reasons (no topics: always), and when its signals hold. A rule that fits is passed over
    when it sells something and a complaint is open, or when no channel of it may be used. Among the channels that
    may, the preferred one comes first, then the rule's own order.

    Args:
        playbook: the actions.
        tiers: each customer's risk tier; None for a customer without a score.
        topics: each customer's main reasons, the strongest first.
        contact: what is known about reaching them.
        languages: of each customer's sentence; None is English for all.

    >>> from retain.decisions.playbook import load_playbook
    >>> picked = recommend(load_playbook(), ["high", "low"], [["breadth", "spend"], ["recency"]], ContactRules())
    >>> list(picked.action_id)
    ['tier_benefit', 'no_action']
    >>> print(picked.why[0])
    High risk, a main reason: spending; consent to email is not recorded.
    """
    contact.refuse_unless(len(tiers))
    tier = _tier_codes(tiers)
    pair, pairs = _distinct(tier, topics)
    size = len(tier)
    doors = {name: _doors(playbook, name, contact, size) for name in playbook.channels}
    preferred = _preferred(contact.preferred_channel, tuple(playbook.channels), size)
    complaint = _yes(contact.open_complaint, size)
    forbidden = _yes(contact.do_not_contact, size)

    chosen = np.full(size, -1, np.int64)
    channel = np.full(size, -1, np.int64)
    topic = np.full(size, _ANY_REASON, np.int64)
    stopped = np.full(size, -1, np.int64)
    stop = np.full(size, _NOTHING, np.int64)
    for number, action in enumerate(playbook.actions):
        matches = np.array([_match(action, *one) for one in pairs], np.int64).reshape(-1, 2)
        fits = (chosen < 0) & (matches[pair, 0] == 1)
        for name in action.only_if:
            fits &= _yes(contact.signals.get(name), size)
        if action.channels:
            fits &= ~forbidden
        waits = fits & complaint & action.marketing
        _note(stopped, stop, waits, number, _COMPLAINT)
        rows = np.flatnonzero(fits & ~waits)
        where = _first_channel(action, tuple(playbook.channels), doors, preferred, rows)
        closed = (where < 0) & bool(action.channels)
        _note(stopped, stop, rows[closed], number, _NO_CHANNEL)
        taken = rows[~closed]
        chosen[taken] = number
        channel[taken] = where[~closed]
        topic[taken] = matches[pair[taken], 1]
    remark = np.zeros(size, np.int64)
    for code, name in enumerate(playbook.channels):
        remark = np.where(channel == code, doors[name], remark)
    spoken = [language(DEFAULT)] * size if languages is None else languages
    tongues = {one.code: one for one in spoken}
    tongue = _codes(spoken, tongues)
    facts = np.stack([tongue, chosen, channel, tier, topic, stopped, stop, remark, forbidden], axis=1)
    return _worded(playbook, tuple(tongues.values()), facts)


def _codes(spoken: Sequence[Language], tongues: Mapping[str, Language]) -> _Codes:
    """Each customer's language as its place among those that occur."""
    places = {code: at for at, code in enumerate(tongues)}
    return np.fromiter((places[one.code] for one in spoken), np.int64, len(spoken))


def _tier_codes(tiers: Sequence[str | None]) -> _Codes:
    codes: dict[str | None, int] = {None: -1} | {name: code for code, name in enumerate(TIERS)}
    try:
        return np.fromiter((codes[one] for one in tiers), np.int64, len(tiers))
    except KeyError as cause:
        raise ValueError(f"no such risk tier: {cause}; there are {TIERS}") from cause


def _distinct(
    tier: _Codes, topics: Sequence[Sequence[str]]
) -> tuple[_Codes, list[tuple[int, tuple[str, ...]]]]:
    """Each customer's (tier, topics) as a code, and the distinct ones: rules look at those, not at customers."""
    codes: dict[tuple[int, tuple[str, ...]], int] = {}
    pair = np.fromiter(
        (
            codes.setdefault((one, tuple(few)), len(codes))
            for one, few in zip(tier.tolist(), topics, strict=True)
        ),
        np.int64,
        len(tier),
    )
    unknown = sorted({one for _, few in codes for one in few} - set(TOPICS))
    if unknown:
        raise ValueError(f"no such topics: {unknown}; there are {sorted(TOPICS)}")
    return pair, list(codes)


def _match(action: Action, tier: int, topics: tuple[str, ...]) -> tuple[int, int]:
    """Whether the action is for that tier and those reasons, and which reason called for it."""
    if tier < 0 or TIERS[tier] not in action.tiers:
        return 0, _ANY_REASON
    if not action.topics:
        return 1, _ANY_REASON
    if not topics:
        return int(NO_REASON in action.topics), _WITHOUT_REASON
    for one in topics:
        if one in action.topics:
            return 1, _FIRST_TOPIC + TOPICS.index(one)
    return 0, _ANY_REASON


def _yes(flags: Flags | None, size: int) -> _Bools:
    return np.zeros(size, np.bool_) if flags is None else np.asarray(flags) == 1


def _doors(playbook: Playbook, channel: str, contact: ContactRules, size: int) -> _Codes:
    """How each customer may be reached there."""
    access = playbook.channels[channel]
    if access == ABSENT:
        return np.full(size, _CLOSED, np.int64)
    if access != CONSENT:
        return np.full(size, _FREE, np.int64)
    if channel not in contact.consent:
        return np.full(size, _NOT_RECORDED, np.int64)
    unknown = {"deny": _CLOSED, "ask": _ASK, "allow": _FREE}[playbook.unknown_consent]
    flags = np.asarray(contact.consent[channel])
    return np.where(flags == 1, _FREE, np.where(flags == 0, _CLOSED, unknown)).astype(np.int64)


def _preferred(names: Sequence[str | None] | None, channels: tuple[str, ...], size: int) -> _Codes:
    """The channel each customer asked for, as its place among the playbook's, or -1."""
    if names is None:
        return np.full(size, -1, np.int64)
    places = {_plain(name): code for code, name in enumerate(channels)}
    by_spelling = {one: places.get(_plain(one), -1) if one else -1 for one in set(names)}
    return np.fromiter((by_spelling[one] for one in names), np.int64, size)


def _plain(name: str) -> str:
    """E-Mail, e_mail and EMAIL are one channel."""
    return "".join(letter for letter in name.casefold() if letter.isalnum())


def _first_channel(
    action: Action, channels: tuple[str, ...], doors: Mapping[str, _Codes], preferred: _Codes, rows: _Codes
) -> _Codes:
    """The open channel that comes first for each of those customers, or -1."""
    where = np.full(len(rows), -1, np.int64)
    for name in reversed(action.channels):
        where[doors[name][rows] != _CLOSED] = channels.index(name)
    for name in action.channels:
        place = channels.index(name)
        where[(preferred[rows] == place) & (doors[name][rows] != _CLOSED)] = place
    return where


def _note(stopped: _Codes, stop: _Codes, rows: _Bools | _Codes, number: int, why: int) -> None:
    """Keep the first rule that was stopped, and by what."""
    at = np.flatnonzero(rows) if rows.dtype == np.bool_ else rows
    at = at[stopped[at] < 0]
    stopped[at] = number
    stop[at] = why


def _worded(playbook: Playbook, tongues: Sequence[Language], facts: _Codes) -> Recommendations:
    """The codes in words; customers alike get the same sentence, which is written once."""
    channels = tuple(playbook.channels)
    _, first, alike = np.unique(_packed(facts), return_index=True, return_inverse=True)
    action_ids = np.empty(len(first), np.object_)
    places = np.empty(len(first), np.object_)
    sentences = np.empty(len(first), np.object_)
    for at, row in enumerate(facts[first].tolist()):
        tongue, chosen, channel, *rest = row
        if chosen >= 0:
            action_ids[at] = playbook.actions[chosen].id
            places[at] = channels[channel] if channel >= 0 else None
            sentences[at] = _why(tongues[tongue], playbook, playbook.actions[chosen], places[at], *rest)
    return Recommendations(action_ids[alike], places[alike], sentences[alike])


def _packed(facts: _Codes) -> _Codes:
    """The row of codes as one number, so that equal rows are found by one sort."""
    low = facts.min(axis=0, initial=0)
    spans = facts.max(axis=0, initial=0) - low + 1
    packed = np.zeros(len(facts), np.int64)
    for column, span in enumerate(spans):
        packed = packed * span + facts[:, column] - low[column]
    return packed


def _why(
    tongue: Language,
    playbook: Playbook,
    action: Action,
    channel: str | None,
    tier: int,
    topic: int,
    stopped: int,
    stop: int,
    remark: int,
    forbidden: int,
) -> str:
    words = tongue.action
    head = words[TIERS[tier]]
    if topic >= _FIRST_TOPIC:
        head = words["reason"].format(tier=head, topic=tongue.topics[TOPICS[topic]])
    elif topic == _WITHOUT_REASON:
        head = words["without_reason"].format(tier=head)
    parts = [head, *(words[name] for name in action.only_if)]
    if forbidden:
        parts.append(words["forbidden"])
    if stop != _NOTHING:
        parts.append(words[_STOPS[stop]].format(action=playbook.actions[stopped].id))
    elif not action.channels and not forbidden:
        parts.append(words["nothing"])
    if remark in _REMARKS:
        parts.append(words[_REMARKS[remark]].format(channel=channel))
    return words["between"].join(parts) + words["end"]
