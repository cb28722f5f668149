"""For whom a score is good: the same measures for parts of the customers that are large enough to be measured."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from retain.evaluation.clustered import Ranked, mean_auroc
from retain.evaluation.pooled import pooled_level, pooled_slope

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import numpy.typing as npt

    from retain.evaluation.intervals import Interval
    from retain.evaluation.tally import FloatArray, IntArray

FEWEST, FEWEST_OF_A_CLASS = 200, 30
"""A part with fewer predictions, or fewer of either outcome, is not measured by itself."""
_FEWEST_AT_A_CUTOFF = 5
"""A cutoff with fewer of either outcome in a part adds nothing to the part's AUROC."""
MOST_PARTS = 10
"""So many parts without an order of their own, such as countries, are measured; the smaller ones go together."""
OTHERS = "all others"


@dataclass(frozen=True)
class Predicted:
    """The predictions at one cutoff.

    Attributes:
        cutoff: the instant of prediction.
        customer: who, each once.
        y: 1 where they churned, 0 where not.
        p: predicted probability.
    """

    cutoff: int
    customer: IntArray
    y: npt.NDArray[np.int8]
    p: FloatArray


@dataclass(frozen=True)
class Parting:
    """One way to part the customers.

    Attributes:
        kind: what parts them, such as ``country``.
        names: of the parts.
        part: for each cutoff the position in ``names`` of each of its predictions.
        ordered: the parts have an order of their own; the others are shown by size, and small ones go together.
    """

    kind: str
    names: Sequence[str]
    part: Sequence[IntArray]
    ordered: bool


@dataclass(frozen=True)
class Segment:
    """How good a score was for a part of the customers, all cutoffs together.

    Attributes:
        kind: what parts them, such as ``country``.
        name: which part.
        n: how many predictions.
        churn_rate: share of them that ended in churn.
        forecast: their mean probability.
        auroc: mean over the cutoffs.
        observed_expected: churners for each one expected.
        calibration_slope: 1 is right, below 1 too extreme.
    """

    kind: str
    name: str
    n: int
    churn_rate: float
    forecast: float
    auroc: Interval
    observed_expected: Interval
    calibration_slope: Interval

    def as_dict(self) -> dict[str, Any]:
        """The segment as JSON values: what does not exist is None."""
        intervals = {
            name: {end: _json(getattr(getattr(self, name), end)) for end in ("value", "low", "high")}
            for name in ("auroc", "observed_expected", "calibration_slope")
        }
        return {
            "kind": self.kind,
            "name": self.name,
            "n": self.n,
            "churn_rate": self.churn_rate,
            "forecast": self.forecast,
            **intervals,
        }


def segments(seen: Sequence[Predicted], parting: Parting) -> tuple[Segment, ...]:
    """The parts of that kind that have 200 predictions and 30 of either outcome at least, in their order.

    AUROC as ``mean_auroc``, observed over expected as ``pooled_level``, slope as ``pooled_slope``: their intervals
    count a customer once who occurs at several cutoffs. One part that holds everybody tells nothing new and is left out.

    Args:
        seen: the predictions, one a cutoff.
        parting: how to part them.

    >>> import numpy as np
    >>> p = np.tile([0.2, 0.4, 0.6, 0.8], 200)
    >>> y = np.tile(np.array([0, 0, 1, 0, 0, 1, 1, 1], np.int8), 100)
    >>> north = Parting("region", ("north", "south"), [np.repeat([0, 1], 400)], ordered=True)
    >>> [(one.name, one.n, one.churn_rate) for one in segments([Predicted(0, np.arange(800), y, p)], north)]
    [('north', 400, 0.5), ('south', 400, 0.5)]
    """
    sizes = np.zeros(len(parting.names), dtype=np.int64)
    for part in parting.part:
        sizes += np.bincount(part, minlength=len(sizes))
    if np.count_nonzero(sizes) < 2:
        return ()
    return tuple(_measured(seen, parting, _groups(seen, parting, sizes)))


def _groups(seen: Sequence[Predicted], parting: Parting, sizes: IntArray) -> Iterator[tuple[str, list[int]]]:
    """Name and members of each group of parts that is to be measured."""
    if parting.ordered:
        yield from ((name, [at]) for at, name in enumerate(parting.names))
        return
    largest = sorted(range(len(sizes)), key=lambda at: (-int(sizes[at]), parting.names[at]))[:MOST_PARTS]
    alone = [at for at in largest if _enough(np.concatenate(_outcomes(seen, parting, [at])))]
    yield from ((parting.names[at], [at]) for at in alone)
    rest = [at for at in range(len(sizes)) if sizes[at] and at not in alone]
    # A single small part is no larger for being called the others, and with nobody alone they are all customers.
    if alone and len(rest) > 1:
        yield OTHERS, rest


def _outcomes(seen: Sequence[Predicted], parting: Parting, members: list[int]) -> list[npt.NDArray[np.int8]]:
    return [one.y[np.isin(part, members)] for one, part in zip(seen, parting.part, strict=True)]


def _enough(y: npt.NDArray[np.int8], fewest: int = FEWEST, of_a_class: int = FEWEST_OF_A_CLASS) -> bool:
    churners = int(y.sum())
    return len(y) >= fewest and min(churners, len(y) - churners) >= of_a_class


def _measured(
    seen: Sequence[Predicted], parting: Parting, groups: Iterator[tuple[str, list[int]]]
) -> Iterator[Segment]:
    for name, members in groups:
        inside = [np.isin(part, members) for part in parting.part]
        mine = [
            Predicted(one.cutoff, one.customer[rows], one.y[rows], one.p[rows])
            for one, rows in zip(seen, inside, strict=True)
        ]
        y = np.concatenate([one.y for one in mine])
        ranked = [
            Ranked(one.customer, one.y, one.p)
            for one in mine
            if _enough(one.y, 2 * _FEWEST_AT_A_CUTOFF, _FEWEST_AT_A_CUTOFF)
        ]
        if not _enough(y) or not ranked:
            continue
        p = np.concatenate([one.p for one in mine])
        customer = np.concatenate([one.customer for one in mine])
        cutoff = np.concatenate([np.full(len(one.y), one.cutoff, dtype=np.int64) for one in mine])
        yield Segment(
            kind=parting.kind,
            name=name,
            n=len(y),
            churn_rate=float(y.mean()),
            forecast=float(p.mean()),
            auroc=mean_auroc(ranked),
            observed_expected=pooled_level(customer, y, p),
            calibration_slope=pooled_slope(customer, cutoff, y, p),
        )


def _json(value: float) -> float | None:
    return value if math.isfinite(value) else None
