"""What the model would say had the company done better: only of what the company itself does, and never as a promise."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    from retain.features.spec import FeatureSet
    from retain.modelling.bundle import Bundle
    from retain.scoring.languages import Language

    FloatArray = npt.NDArray[np.float64]

MOST = 3
LEAST_GAIN = 0.01
"""A smaller difference of the probability is not worth a sentence."""


@dataclass(frozen=True)
class Hint:
    """One thing that could have been done better for one customer.

    Attributes:
        lever: such as ``settle_tickets``.
        features: those that change with it.
        probability: of churn, as the model would have it then.
        sentence: in plain words, beside the probability as it is.
    """

    lever: str
    features: tuple[str, ...]
    probability: float
    sentence: str


def levers_of(features: FeatureSet) -> tuple[str, ...]:
    """What the company could have done better about these features, in the order they first occur."""
    return tuple(dict.fromkeys(one.remedy.lever for one in features.features if one.remedy))


def hints(bundle: Bundle, values: FloatArray, language: Language) -> tuple[Hint, ...]:
    """The levers that would have lowered one customer's probability most, at most three, the strongest first.

    The model scores the customer's own snapshot again, with every feature changed that the lever changes and all others
    as they are.

    Args:
        bundle: the model.
        values: the customer's features as the model read them.
        language: of the sentences.
    """
    levers = levers_of(bundle.features)
    changed = np.repeat(np.asarray(values, dtype=np.float64)[None, :], len(levers) + 1, axis=0)
    for row, lever in enumerate(levers):
        for column, one in enumerate(bundle.features.features):
            if one.remedy and one.remedy.lever == lever:
                changed[row, column] = one.remedy.applied(float(values[column]))
    *after, before = bundle.probabilities(changed).tolist()
    found = []
    for row, (lever, then) in enumerate(zip(levers, after, strict=True)):
        if before - then < LEAST_GAIN:
            continue
        differs = ~np.isclose(changed[row], changed[-1], rtol=0, atol=0, equal_nan=True)
        names = tuple(np.array(bundle.features.names)[differs].tolist())
        found.append(Hint(lever, names, then, _sentence(language, lever, before, then)))
    return tuple(sorted(found, key=lambda one: one.probability)[:MOST])


def _sentence(language: Language, lever: str, before: float, after: float) -> str:
    return language.said["hint"].format(
        lever=language.levers[lever],
        before=language.number(before, ".0%"),
        after=language.number(after, ".0%"),
    )
