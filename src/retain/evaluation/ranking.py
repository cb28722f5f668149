"""Whether the riskiest customers are really first: AUROC, average precision, lift, gain, deciles."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from retain.evaluation.tally import equal_mass_bins, ratio, tally

if TYPE_CHECKING:
    import numpy.typing as npt

    from retain.evaluation.tally import FloatArray, Tally


@dataclass(frozen=True)
class Decile:
    """One band of customers of similar score.

    Attributes:
        rank: 1 for the riskiest band.
        n: how many customers.
        churned: how many of them churned.
        churn_rate: their share.
        lift: their share over the share among all (NaN if nobody churned at all).
        captured: share of all churners in this band and those above it (NaN if nobody churned at all).
        lowest_score: the band's lowest score.
        highest_score: the band's highest score.
        mean_score: the band's mean score.
    """

    rank: int
    n: int
    churned: int
    churn_rate: float
    lift: float
    captured: float
    lowest_score: float
    highest_score: float
    mean_score: float


@dataclass(frozen=True)
class GainPoint:
    """One point of the gain curve.

    Attributes:
        share: share of customers contacted, riskiest first.
        captured: share of all churners among them.
    """

    share: float
    captured: float


def auroc(y: npt.ArrayLike, p: npt.ArrayLike) -> float:
    """The probability that a churner scores higher than a customer who stays; ties count one half.

    Formula: ``(#pairs churner > stayer + #tied pairs / 2) / (#churners · #stayers)``, exact in whole numbers.
    0.5 is chance, 1 is perfect; NaN with one class only.

    Source: Mann, Whitney 1947; Hanley, McNeil 1982, Radiology 143:29-36.

    >>> auroc([0, 0, 1, 1], [0.1, 0.4, 0.4, 0.8])
    0.875
    """
    return float(auroc_each(tally(y, p))[0])


def auroc_each(samples: Tally) -> FloatArray:
    """The AUROC of each sample."""
    below = np.cumsum(samples.stayed, axis=1) - samples.stayed
    twice_won = (samples.churned * (2 * below + samples.stayed)).sum(axis=1)
    return ratio(twice_won, 2 * samples.churners * samples.stayers)


def average_precision(y: npt.ArrayLike, p: npt.ArrayLike) -> float:
    """The mean precision over all churners, each at the threshold that just catches them.

    Formula: ``sum over thresholds of (recall_t - recall_before) · precision_t``, no interpolation. Chance level is
    the churn rate, 1 is perfect; NaN if nobody churned.

    Source: Davis, Goadrich 2006, ICML; Boyd, Eng, Page 2013, ECML.

    >>> round(average_precision([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8]), 4)
    0.8333
    """
    return float(average_precision_each(tally(y, p))[0])


def average_precision_each(samples: Tally) -> FloatArray:
    """The average precision of each sample."""
    caught = np.cumsum(samples.churned[:, ::-1], axis=1)
    flagged = np.cumsum(samples.counts[:, ::-1], axis=1)
    # A resample may lack the highest scores; there nothing is flagged and nothing gained.
    precision = caught / np.maximum(flagged, 1)
    return ratio((samples.churned[:, ::-1] * precision).sum(axis=1), samples.churners)


def lift_at(y: npt.ArrayLike, p: npt.ArrayLike, share: float) -> float:
    """How many times more churners than by chance are among the riskiest ``share`` of customers.

    Formula: ``(captured churners / all churners) / share``. Where the border runs through tied scores, they count in
    proportion: the expectation over every way of breaking the tie. 1 is chance, ``1 / max(share, churn rate)`` the
    best possible; NaN if nobody churned.

    Source: Ling, Li 1998, KDD-98.

    Raises:
        ValueError: the share is not above 0 and at most 1.

    >>> lift_at([1, 1, 0, 0, 0, 0, 0, 0, 0, 0], [0.9, 0.4, 0.8, 0.3, 0.3, 0.2, 0.2, 0.1, 0.1, 0.0], 0.1)
    5.0
    """
    return float(lift_each(tally(y, p), share)[0])


def lift_each(samples: Tally, share: float) -> FloatArray:
    """The lift of each sample's riskiest share."""
    if not 0 < share <= 1:
        raise ValueError(f"a share lies above 0 and at most at 1, not at {share}")
    return captured_each(samples, share) / share


def captured_each(samples: Tally, share: float) -> FloatArray:
    """The share of each sample's churners who are among its riskiest ``share``."""
    counts = samples.counts[:, ::-1]
    before = np.cumsum(counts, axis=1) - counts
    taken = np.clip(share * samples.size[:, np.newaxis] - before, 0, counts)
    caught = (samples.churned[:, ::-1] * (taken / np.maximum(counts, 1))).sum(axis=1)
    return ratio(caught, samples.churners)


def gain_curve(y: npt.ArrayLike, p: npt.ArrayLike, steps: int = 20) -> tuple[GainPoint, ...]:
    """The share of churners reached when the riskiest 0 %, 5 %, ... 100 % of customers are contacted.

    Source: Berry, Linoff 2004, Data Mining Techniques, ch. 4. Empty if nobody churned.

    Args:
        y: 1 where the customer churned.
        p: the score.
        steps: how many equal steps.

    >>> [point.captured for point in gain_curve([1, 0, 1, 0], [0.9, 0.2, 0.8, 0.1], steps=4)]
    [0.0, 0.5, 1.0, 1.0, 1.0]
    """
    return gain_points(tally(y, p), steps)


def gain_points(sample: Tally, steps: int = 20) -> tuple[GainPoint, ...]:
    """The gain curve of the first sample."""
    if not sample.churners[0]:
        return ()
    shares = [step / steps for step in range(steps + 1)]
    return tuple(GainPoint(share, float(captured_each(sample, share)[0])) for share in shares)


def roc_points(y: npt.ArrayLike, p: npt.ArrayLike) -> tuple[FloatArray, FloatArray]:
    """False and true positive rates at every distinct threshold, from (0, 0) to (1, 1).

    Source: Fawcett 2006, Pattern Recognition Letters 27:861-874.

    >>> false_rate, true_rate = roc_points([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8])
    >>> false_rate.tolist(), true_rate.tolist()
    ([0.0, 0.0, 0.5, 0.5, 1.0], [0.0, 0.5, 0.5, 1.0, 1.0])
    """
    sample = tally(y, p)
    caught = np.concatenate([[0], np.cumsum(sample.churned[0, ::-1])])
    disturbed = np.concatenate([[0], np.cumsum(sample.stayed[0, ::-1])])
    return ratio(disturbed, sample.stayers[0]), ratio(caught, sample.churners[0])


def deciles(y: npt.ArrayLike, p: npt.ArrayLike, bins: int = 10) -> tuple[Decile, ...]:
    """The lift table: customers in bands of about equal size, riskiest first; every customer is in exactly one.

    Tied scores stay in one band, so bands differ in size where scores repeat and an empty band is left out.

    Args:
        y: 1 where the customer churned.
        p: the score.
        bins: how many bands.

    >>> [(band.rank, band.n, band.lift) for band in deciles([1, 1, 0, 0], [0.9, 0.8, 0.2, 0.1], bins=2)]
    [(1, 2, 2.0), (2, 2, 0.0)]
    """
    return decile_table(tally(y, p), bins)


def decile_table(sample: Tally, bins: int = 10) -> tuple[Decile, ...]:
    """The lift table of the first sample."""
    counts, churned = sample.counts[0], sample.churned[0]
    # Bins count up from the lowest score and bands down from the highest.
    band_of = bins - equal_mass_bins(sample.counts[:1], bins)[0]
    all_n, all_churned = int(counts.sum()), int(churned.sum())
    table, caught = [], 0
    for rank in sorted(set(band_of.tolist())):
        inside = band_of == rank
        n, lost = int(counts[inside].sum()), int(churned[inside].sum())
        caught += lost
        scores = sample.score[inside]
        table.append(
            Decile(
                rank=rank,
                n=n,
                churned=lost,
                churn_rate=lost / n,
                lift=float(ratio(lost * all_n, n * all_churned)),
                captured=float(ratio(caught, all_churned)),
                lowest_score=float(scores[0]),
                highest_score=float(scores[-1]),
                mean_score=float((scores * counts[inside]).sum() / n),
            )
        )
    return tuple(table)
