"""Why a score is what it is: the topics that move it most, in plain words with the customer's own numbers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    from retain.features.spec import FeatureSet

    FloatArray = npt.NDArray[np.float64]

UNKNOWN = {
    "rhythm": "one order only, so no rhythm yet",
    "trend": "no earlier orders to compare with",
    "returns": "nothing was ever returned",
}
"""What to say of a topic while its features are not known."""
MOST = 3


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
    member = np.array(
        [[one.topic == topic for topic in topics] for one in features.features], dtype=np.float64
    )
    return np.asarray(contributions @ member.reshape(len(features.features), len(topics)))


def explain(features: FeatureSet, values: FloatArray, contributions: FloatArray) -> list[tuple[Reason, ...]]:
    """The three topics that move each row's score most, the strongest first.

    Args:
        features: the model's columns.
        values: rows by columns.
        contributions: what each feature adds to each row's log-odds, the same shape.

    Returns:
        For each row up to three reasons; fewer when the model has fewer topics that matter.
    """
    topics = topics_of(features)
    total = by_topic(features, contributions)
    strongest = np.argsort(-np.abs(total), axis=1, kind="stable")[:, :MOST]
    columns = {
        topic: [position for position, one in enumerate(features.features) if one.topic == topic]
        for topic in topics
    }
    known = np.isfinite(values)
    place = {name: position for position, name in enumerate(features.names)}
    mentioned = [
        [(name, place[name]) for name in one.mentioned if name in place] for one in features.features
    ]
    sayable = [
        len(pairs) == len(one.mentioned) for pairs, one in zip(mentioned, features.features, strict=True)
    ]

    def say(row: int, topic: str, effect: float) -> str:
        """The phrase of the topic's strongest feature whose numbers are all known."""
        for column in sorted(columns[topic], key=lambda at: -contributions[row, at] * np.sign(effect)):
            if sayable[column] and all(known[row, at] for _, at in mentioned[column]):
                return features.features[column].say(
                    {name: values[row, at] for name, at in mentioned[column]}
                )
        return UNKNOWN.get(topic, f"nothing is known of {topic} yet")

    answer = []
    for row, chosen in enumerate(strongest):
        effects = [(topics[at], float(total[row, at])) for at in chosen if total[row, at] != 0]
        answer.append(
            tuple(
                Reason(topic, effect, f"Risk {'up' if effect > 0 else 'down'}: {say(row, topic, effect)}")
                for topic, effect in effects
            )
        )
    return answer
