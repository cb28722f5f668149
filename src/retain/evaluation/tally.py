"""Scores and outcomes as counts per distinct score, so that neither row order nor ties can change a metric."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    FloatArray = npt.NDArray[np.float64]
    IntArray = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Tally:
    """How many churned and how many stayed at each distinct score, for one sample or for many resamples of it.

    Attributes:
        score: the distinct scores, ascending, one a column of the counts.
        churned: counts of label 1; one row a sample.
        stayed: counts of label 0; one row a sample.
    """

    score: FloatArray
    churned: IntArray
    stayed: IntArray

    def __post_init__(self) -> None:
        """Refuse counts that do not fit the scores."""
        if self.churned.shape != self.stayed.shape or self.churned.shape[1:] != self.score.shape:
            raise ValueError(
                f"counts of shape {self.churned.shape} and {self.stayed.shape} for {self.score.shape} scores"
            )

    @property
    def counts(self) -> IntArray:
        """How many rows at each score, one row a sample."""
        return self.churned + self.stayed

    @property
    def churners(self) -> IntArray:
        """How many churned in each sample."""
        total: IntArray = self.churned.sum(axis=1)
        return total

    @property
    def stayers(self) -> IntArray:
        """How many stayed in each sample."""
        total: IntArray = self.stayed.sum(axis=1)
        return total

    @property
    def size(self) -> IntArray:
        """How many rows in each sample."""
        return self.churners + self.stayers


def tally(y: npt.ArrayLike, p: npt.ArrayLike) -> Tally:
    """The counts of one sample.

    Args:
        y: 1 where the customer churned, 0 where not.
        p: the score, higher for riskier.

    Raises:
        ValueError: the arrays differ in length, a label is not 0 or 1, or a score is not finite.

    >>> tally([1, 0, 1], [0.5, 0.5, 0.9]).churned.tolist()
    [[1, 1]]
    """
    labels, scores = np.asarray(y), np.asarray(p, dtype=np.float64)
    if labels.ndim != 1 or labels.shape != scores.shape:
        raise ValueError(f"labels of shape {labels.shape} and scores of shape {scores.shape} do not pair up")
    if not np.isin(labels, (0, 1)).all():
        raise ValueError("a label is neither 0 nor 1")
    if not np.isfinite(scores).all():
        raise ValueError("a score is not a finite number")
    # Adding zero turns -0.0 into 0.0: they are equal, but which of them stands for both would depend on row order.
    distinct, position = np.unique(scores + 0.0, return_inverse=True)
    churned = np.bincount(position[labels == 1], minlength=len(distinct)).astype(np.int64)
    stayed = np.bincount(position[labels == 0], minlength=len(distinct)).astype(np.int64)
    return Tally(distinct, churned[np.newaxis], stayed[np.newaxis])


def ratio(top: npt.ArrayLike, bottom: npt.ArrayLike) -> FloatArray:
    """Elementwise division that is NaN, without a warning, where there is nothing to divide by.

    >>> ratio([1.0, 1.0], [2.0, 0.0]).tolist()
    [0.5, nan]
    """
    over, under = np.broadcast_arrays(np.asarray(top, np.float64), np.asarray(bottom, np.float64))
    divided: FloatArray = np.divide(over, under, out=np.full(over.shape, np.nan), where=under != 0)
    return divided


def ranks(scores: FloatArray) -> FloatArray:
    """The place of each score among all, from 1 for the lowest; equals share the mean of theirs.

    >>> ranks(np.array([0.2, 0.5, 0.2])).tolist()
    [1.5, 3.0, 1.5]
    """
    # As scipy.stats.rankdata, which takes most of a second to load.
    _, place, counts = np.unique(scores, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    return np.asarray((last - (counts - 1) / 2)[place])


def equal_mass_bins(counts: IntArray, bins: int) -> IntArray:
    """The bin, from 0 for the lowest scores, of each distinct score, so that bins hold about equally many rows.

    A score goes where the middle of its rows goes, so tied rows are never torn apart; with many ties some bins
    are larger and some stay empty.

    Args:
        counts: rows at each score, ascending in score; one row a sample.
        bins: how many.
    """
    size = counts.sum(axis=1, keepdims=True)
    twice_middle = 2 * np.cumsum(counts, axis=1) - counts
    binned: IntArray = np.minimum(bins * twice_middle // np.maximum(2 * size, 1), bins - 1)
    return binned
