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
    answer = []
    for row, chosen in enumerate(strongest):
        reasons = []
        for at in chosen:
            effect = float(total[row, at])
            if effect != 0:
                mine = columns[topics[at]]
                order = sorted(mine, key=lambda column: -contributions[row, column] * np.sign(effect))
                words = _say(features, values[row], order, topics[at])
                reasons.append(Reason(topics[at], effect, f"Risk {'up' if effect > 0 else 'down'}: {words}"))
        answer.append(tuple(reasons))
    return answer


def _say(features: FeatureSet, values: FloatArray, columns: list[int], topic: str) -> str:
    """The phrase of the first of these features whose numbers are all known."""
    known = {name: value for name, value in zip(features.names, values, strict=True) if np.isfinite(value)}
    for column in columns:
        feature = features.features[column]
        if all(name in known for name in feature.mentioned):
            return feature.say(known)
    return UNKNOWN.get(topic, f"nothing is known of {topic} yet")
