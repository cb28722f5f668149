"""Bootstrap intervals of any metrics, all from the same resamples."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from retain.evaluation.tally import Tally, equal_mass_bins

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from retain.evaluation.tally import FloatArray, IntArray

    Metrics = Callable[[Tally], Mapping[str, FloatArray]]
    WeightedMetrics = Callable[[IntArray], Mapping[str, FloatArray]]

_CELLS = 1 << 18
"""Rows drawn at a time: enough to keep NumPy busy, few enough to stay in the processor's cache."""
_MANY, _GROUPS = 5_000, 1_024
"""Of more different scores than this, neighbours are drawn as one: so many groups, of about the same size."""


@dataclass(frozen=True)
class Interval:
    """A figure and the range that it may well have had on other customers of the same kind.

    Attributes:
        value: the figure; NaN where it does not exist.
        low: the lower end; NaN where it does not exist.
        high: the upper end.
    """

    value: float
    low: float
    high: float

    def __post_init__(self) -> None:
        """Refuse an interval that misses its own figure."""
        if self.low > self.value or self.value > self.high:
            raise ValueError(f"the interval {self.low} to {self.high} misses its figure {self.value}")


def bootstrap(
    sample: Tally,
    metrics: Metrics,
    *,
    seed: int,
    resamples: int,
    level: float = 0.95,
) -> dict[str, Interval]:
    """Percentile intervals of several metrics from one pass of resamples.

    Customers are drawn with replacement, both classes together: the churn rate is part of what is uncertain, and
    calibration and profit hang on it. A resample on which a metric does not exist (one class only) does not count
    for that metric. Resampling can only add miscalibration and profit that is not there, so the percentiles of ECE
    and EMPC may all lie above the figure; the interval is then extended to the figure.

    Where there are more than 5,000 different scores, the resamples are drawn from 1,024 groups of neighbours with one
    mean score each, and the interval is moved by what that changes of the figure. The figure itself is always that of
    the scores as they are.

    Source: Efron, Tibshirani 1993, An Introduction to the Bootstrap, ch. 13.

    Args:
        sample: the counts; the first sample is taken.
        metrics: a function that gives each metric, by name, of every sample handed to it.
        seed: the same seed gives the same intervals, whatever the row order.
        resamples: how many.
        level: how often such an interval should cover the truth.

    >>> from retain.evaluation.ranking import auroc_each
    >>> from retain.evaluation.tally import tally
    >>> counts = tally([0, 1, 0, 1, 0, 1] * 50, [0.1, 0.3, 0.2, 0.4, 0.5, 0.6] * 50)
    >>> found = bootstrap(counts, lambda drawn: {"auroc": auroc_each(drawn)}, seed=1, resamples=200)
    >>> interval = found["auroc"]
    >>> interval.low < interval.value < interval.high
    True
    """
    figures = metrics(sample)
    if len(sample.score) <= _MANY:
        return _percentiles(
            figures,
            lambda rows, random: metrics(_resampled(sample, rows, random)),
            int(sample.size[0]),
            seed=seed,
            resamples=resamples,
            level=level,
        )
    few = _grouped(sample)
    moved = {name: figures[name][0] - of_groups[0] for name, of_groups in metrics(few).items()}

    def drawn(rows: int, random: np.random.Generator) -> Mapping[str, FloatArray]:
        found = metrics(_resampled_groups(few, rows, random))
        return {name: one + moved[name] for name, one in found.items()}

    return _percentiles(figures, drawn, 2 * len(few.score), seed=seed, resamples=resamples, level=level)


def bootstrap_rows(
    rows: int,
    metrics: WeightedMetrics,
    *,
    seed: int,
    resamples: int,
    level: float = 0.95,
) -> dict[str, Interval]:
    """Percentile intervals of metrics that need each row, not only how many rows share a score.

    As ``bootstrap``, for figures in money: every row has its own. The rows have to be in an order that their content
    decides, or the intervals hang on how they came.

    Args:
        rows: how many there are.
        metrics: a function that gives each metric, by name, of every sample handed to it as the number of times that
            each row is in it: samples by rows.
        seed: the same seed gives the same intervals.
        resamples: how many.
        level: how often such an interval should cover the truth.

    >>> money = np.arange(100.0)
    >>> found = bootstrap_rows(
    ...     100, lambda times: {"mean": (times * money).sum(axis=1) / times.sum(axis=1)}, seed=1, resamples=200
    ... )
    >>> found["mean"].low < found["mean"].value == 49.5 < found["mean"].high
    True
    """

    def drawn(samples: int, random: np.random.Generator) -> Mapping[str, FloatArray]:
        row = random.integers(rows, size=(samples, rows)) + rows * np.arange(samples)[:, np.newaxis]
        times = np.bincount(row.ravel(), minlength=samples * rows).reshape(samples, rows)
        return metrics(times)

    once = np.ones((1, rows), dtype=np.int64)
    return _percentiles(metrics(once), drawn, rows, seed=seed, resamples=resamples, level=level)


def _percentiles(
    figures: Mapping[str, FloatArray],
    draw: Callable[[int, np.random.Generator], Mapping[str, FloatArray]],
    n: int,
    *,
    seed: int,
    resamples: int,
    level: float,
) -> dict[str, Interval]:
    """Each figure with the interval of what so many resamples of n rows give."""
    values = {name: float(found[0]) for name, found in figures.items()}
    drawn: dict[str, list[FloatArray]] = {name: [np.empty(0)] for name in values}
    random = np.random.default_rng(seed)
    step = max(1, _CELLS // max(n, 1))
    for start in range(0, resamples if n else 0, step):
        for name, found in draw(min(step, resamples - start), random).items():
            drawn[name].append(found)
    tail = (1 - level) / 2
    return {name: _interval(value, np.concatenate(drawn[name]), tail) for name, value in values.items()}


def _resampled(sample: Tally, rows: int, random: np.random.Generator) -> Tally:
    """So many resamples, as counts: drawing customers is drawing places among the sorted rows."""
    scores = len(sample.score)
    cells = np.concatenate([sample.stayed[0], sample.churned[0]])
    cell_of_row = np.repeat(np.arange(2 * scores), cells)
    cell = cell_of_row[random.integers(len(cell_of_row), size=(rows, len(cell_of_row)))]
    cell += 2 * scores * np.arange(rows)[:, np.newaxis]
    counts = np.bincount(cell.ravel(), minlength=rows * 2 * scores).reshape(rows, 2, scores)
    return Tally(sample.score, counts[:, 1], counts[:, 0])


def _grouped(sample: Tally) -> Tally:
    """The counts of groups of neighbouring scores, each with its mean score, so that as many are expected to churn."""
    # Many customers of one score may leave a group empty.
    _, group = np.unique(equal_mass_bins(sample.counts[:1], _GROUPS)[0], return_inverse=True)
    counts = sample.counts[0]
    score = np.bincount(group, weights=counts * sample.score) / np.bincount(group, weights=counts)
    churned, stayed = (
        np.bincount(group, weights=one[0]).astype(np.int64)[np.newaxis]
        for one in (sample.churned, sample.stayed)
    )
    return Tally(score, churned, stayed)


def _resampled_groups(sample: Tally, rows: int, random: np.random.Generator) -> Tally:
    """So many resamples, as counts: where customers are many and groups few, the counts are drawn themselves."""
    cells = np.concatenate([sample.stayed[0], sample.churned[0]])
    counts = random.multinomial(int(cells.sum()), cells / cells.sum(), size=rows)
    groups = len(sample.score)
    return Tally(sample.score, counts[:, groups:], counts[:, :groups])


def _interval(value: float, drawn: FloatArray, tail: float) -> Interval:
    real = drawn[np.isfinite(drawn)]
    if math.isnan(value) or not len(real):
        return Interval(value, math.nan, math.nan)
    low, high = np.quantile(real, [tail, 1 - tail])
    return Interval(value, min(float(low), value), max(float(high), value))
