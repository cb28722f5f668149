"""Why a score is what it is: the topics that move it most, in plain words with the customer's own numbers.

Features that say much the same are one part of a reason, and effects that hardly differ count as equal. So a small
change of a customer's record does not shuffle the reasons; docs/decisions/0012-reasons.md has the figures.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from retain.scoring.languages import DEFAULT, language

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy.typing as npt

    from retain.features.spec import Feature, FeatureSet
    from retain.scoring.languages import Language

    FloatArray = npt.NDArray[np.float64]
    IntArray = npt.NDArray[np.int64]
    BoolArray = npt.NDArray[np.bool_]

MOST = 3
NEAR = 0.1
"""Effects on the log-odds that differ by no more count as equal: at even odds it is 2.5 percentage points."""
_NOTHING = -1


@dataclass(frozen=True)
class Reason:
    """One topic's part in one customer's score.

    Attributes:
        topic: such as ``recency``.
        effect: what it adds to the log-odds of churn.
        sentence: in plain words.
    """

    topic: str
    effect: float
    sentence: str

    @property
    def raises(self) -> bool:
        """Whether it speaks for leaving."""
        return self.effect > 0


def topics_of(features: FeatureSet) -> tuple[str, ...]:
    """The topics of these features, in the order they first occur."""
    return tuple(dict.fromkeys(one.topic for one in features.features))


def by_topic(features: FeatureSet, contributions: FloatArray) -> FloatArray:
    """Contributions added up by topic: rows by ``topics_of(features)``."""
    topics = topics_of(features)
    return _added_up([topics.index(one.topic) for one in features.features], len(topics), contributions)


def explain(
    features: FeatureSet,
    values: FloatArray,
    contributions: FloatArray,
    languages: Sequence[Language] | None = None,
    currency: str = "",
) -> list[tuple[Reason, ...]]:
    """The three topics that move each row's score most, the strongest first.

    Topics whose effects differ by no more than ``NEAR`` stand in the catalogue's order. A topic speaks through the part
    that moves the score most its way and whose numbers are known; among parts as near, through the first. It does not
    repeat a number that a stronger reason has said where it has something else to say.

    Args:
        features: the model's columns.
        values: rows by columns.
        contributions: what each feature adds to each row's log-odds, the same shape.
        languages: of each row; None is English for all.
        currency: of amounts.

    Returns:
        For each row up to three reasons; fewer when the model has fewer topics that matter.
    """
    topics = topics_of(features)
    total = by_topic(features, contributions)
    chosen = strongest(total)
    parts = _Parts(features, values, contributions)
    through = {at: parts.speakers(topics[at], total[:, at]) for at in np.unique(chosen[chosen >= 0]).tolist()}
    spoken = languages or [language(DEFAULT)] * len(values)
    answer = []
    for row, few in enumerate(chosen.tolist()):
        tongue, reasons, said = spoken[row], [], set[str]()
        for at in few:
            if at == _NOTHING:
                break
            effect, column = float(total[row, at]), through[at][row]
            if column == _NOTHING:
                words = tongue.unknown.get(topics[at]) or tongue.said["unknown"].format(
                    topic=tongue.topics.get(topics[at], topics[at])
                )
            else:
                one = parts.unlike(said, row, column, effect)
                words = tongue.say(one, parts.told(row, one), currency)
                said.update(one.mentioned)
            pattern = tongue.said["up" if effect > 0 else "down"]
            reasons.append(Reason(topics[at], effect, pattern.format(reason=words)))
        answer.append(tuple(reasons))
    return answer


def strongest(effects: FloatArray, most: int = MOST) -> IntArray:
    """The columns of the largest effects of each row, -1 where nothing more has any.

    Of all that are left, those within ``NEAR`` of the largest count as equal, and the first of them comes next.

    >>> strongest(np.array([[0.50, -0.90, 0.53, 0.0], [0.0, 0.0, 0.0, 0.2]])).tolist()
    [[1, 0, 2], [3, -1, -1]]
    """
    size = np.abs(effects)
    answer = np.full((len(size), most), _NOTHING, dtype=np.int64)
    for place in range(most if size.shape[1] else 0):
        largest = size.max(axis=1)
        first = np.argmax((size > 0) & (size >= largest[:, None] - NEAR), axis=1)
        answer[:, place] = np.where(largest > 0, first, _NOTHING)
        size[np.arange(len(size)), first] = 0
    return answer


def _added_up(groups: Sequence[int], count: int, contributions: FloatArray) -> FloatArray:
    """Columns added up by their groups."""
    member = np.zeros((len(groups), count))
    member[np.arange(len(groups)), groups] = 1
    return np.asarray(contributions @ member)


class _Parts:
    """The parts of topics: features that speak as one, and through which of them."""

    def __init__(self, features: FeatureSet, values: FloatArray, contributions: FloatArray) -> None:
        """Nothing is worked out before a topic asks."""
        self._features = features.features
        self._values = values
        self._contributions = contributions
        self._place: Mapping[str, int] = {name: at for at, name in enumerate(features.names)}
        self._known = np.isfinite(values)

    def told(self, row: int, feature: Feature) -> dict[str, float]:
        """The numbers that the feature's phrase shows."""
        return {name: self._values[row, self._place[name]] for name in feature.mentioned}

    def unlike(self, said: set[str], row: int, column: int, effect: float) -> Feature:
        """That feature; where its phrase repeats what was said, one of its topic that does not and points the same way.

        One of its own part before the others, and the first in the catalogue's order: the strongest would change with
        every small change.
        """
        chosen = self._features[column]
        if said.isdisjoint(chosen.mentioned):
            return chosen
        others: list[tuple[bool, int]] = []
        for at, one in enumerate(self._features):
            same = _part(one) == _part(chosen)
            helps = same or self._contributions[row, at] * effect > 0
            fresh = said.isdisjoint(one.mentioned) and one.topic == chosen.topic
            if fresh and helps and self._is_known(row, one):
                others.append((not same, at))
        return self._features[min(others)[1]] if others else chosen

    def _is_known(self, row: int, feature: Feature) -> bool:
        places = [self._place.get(name, _NOTHING) for name in feature.mentioned]
        return _NOTHING not in places and bool(self._known[row, places].all())

    def speakers(self, topic: str, effect: FloatArray) -> list[int]:
        """For each row the column that the topic speaks through; -1 where no number of it is known."""
        parts: dict[str, list[int]] = {}
        for column, one in enumerate(self._features):
            if one.topic == topic:
                parts.setdefault(_part(one), []).append(column)
        through, strength = [], []
        for name, members in parts.items():
            first = [self._place[name]] if name in self._place else []
            through.append(self._first_known(dict.fromkeys([*first, *members])))
            strength.append(self._contributions[:, members].sum(axis=1) * np.sign(effect))
        columns, force = np.stack(through, axis=1), np.stack(strength, axis=1)
        force = np.where(columns == _NOTHING, -np.inf, force)
        best = force.max(axis=1)
        # Among parts as near, none that pulls the other way.
        near = (force >= best[:, None] - NEAR) & ((force > 0) | (best[:, None] <= 0))
        picked = np.argmax(near, axis=1)
        found = np.where(np.isfinite(best), columns[np.arange(len(columns)), picked], _NOTHING)
        return list(map(int, found))

    def _first_known(self, columns: Mapping[int, None]) -> IntArray:
        """For each row the first of these columns whose phrase shows only known numbers, or -1."""
        found = np.full(len(self._values), _NOTHING, dtype=np.int64)
        for column in reversed(list(columns)):
            found[self._sayable(self._features[column])] = column
        return found

    def _sayable(self, feature: Feature) -> BoolArray:
        if not set(feature.mentioned) <= self._place.keys():
            return np.zeros(len(self._values), dtype=bool)
        return np.asarray(self._known[:, [self._place[one] for one in feature.mentioned]].all(axis=1))


def _part(feature: Feature) -> str:
    """The name of the feature that it speaks through."""
    return feature.spoken_by or feature.name
