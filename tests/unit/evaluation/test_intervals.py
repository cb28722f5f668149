"""Bootstrap and DeLong intervals, and the paired comparison of two scores."""

from __future__ import annotations

import math

import numpy as np
import pytest

from retain.evaluation import intervals
from retain.evaluation.card import METRICS, Measures, measure
from retain.evaluation.delong import compare, delong_interval
from retain.evaluation.intervals import Interval, bootstrap
from retain.evaluation.ranking import auroc, auroc_each
from retain.evaluation.tally import tally


def sample(seed: int, n: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Labels and two correlated scores, the first the better one."""
    random = np.random.default_rng(seed)
    truth = random.normal(size=n)
    y = (random.random(n) < 1 / (1 + np.exp(-truth))).astype(np.int8)
    return y, truth + random.normal(size=n) * 0.3, truth + random.normal(size=n)


def test_bootstrap_and_delong_agree() -> None:
    """Two roads to the sampling error of an AUROC lead to the same place."""
    y, p, _ = sample(1, 800)
    exact = delong_interval(y, p)
    drawn = bootstrap(tally(y, p), lambda rows: {"auroc": auroc_each(rows)}, seed=1, resamples=2000)["auroc"]
    assert drawn.value == exact.value == pytest.approx(auroc(y, p))
    assert drawn.low == pytest.approx(exact.low, abs=0.005)
    assert drawn.high == pytest.approx(exact.high, abs=0.005)


def test_another_seed_gives_another_interval() -> None:
    """The resamples hang on the seed and on nothing else."""
    y, p, _ = sample(2, 100)

    def drawn(seed: int) -> Interval:
        return bootstrap(tally(y, p), lambda rows: {"auroc": auroc_each(rows)}, seed=seed, resamples=50)[
            "auroc"
        ]

    assert drawn(1) == drawn(1)
    assert drawn(1) != drawn(2)


def test_resamples_in_several_chunks_count_as_one_set() -> None:
    """More rows than fit one draw still give the number of resamples asked for."""
    y, p, _ = sample(3, 100_000)
    sizes: list[int] = []

    def metric(rows: object) -> dict[str, np.ndarray]:
        assert hasattr(rows, "churned")
        sizes.append(len(rows.churned))
        return {"auroc": auroc_each(rows)}  # type: ignore[arg-type]  # any tally will do

    bootstrap(tally(y, np.round(p, 1)), metric, seed=1, resamples=5)
    assert sizes == [1, 2, 2, 1]


def test_interval_is_extended_to_its_figure() -> None:
    """Where resampling only ever adds, the figure itself becomes the lower end."""
    y, p, _ = sample(4, 50)
    calls = iter([np.array([0.1]), np.linspace(0.2, 0.3, 20)])
    found = bootstrap(tally(y, p), lambda _: {"bias": next(calls)}, seed=1, resamples=20)["bias"]
    assert found.value == found.low == 0.1
    assert found.high == pytest.approx(0.3, abs=0.01)


@pytest.mark.parametrize(("low", "high"), [(0.6, 0.7), (0.1, 0.4)])
def test_interval_that_misses_its_figure_is_refused(low: float, high: float) -> None:
    """A figure outside its own interval is nonsense."""
    with pytest.raises(ValueError, match="misses"):
        Interval(0.5, low, high)


def test_comparison_finds_a_real_difference() -> None:
    """The better score wins clearly, and the interval of the difference says so."""
    y, better, worse = sample(5, 2000)
    both = compare(y, better, worse)
    assert both.auroc_a == pytest.approx(auroc(y, better))
    assert both.auroc_b == pytest.approx(auroc(y, worse))
    assert both.difference.low > 0
    assert both.p_value < 1e-6


def test_comparison_of_unrelated_noise_is_rarely_significant() -> None:
    """Under no difference about one in twenty comparisons falls below 5 %."""
    random = np.random.default_rng(6)
    below = 0
    for _ in range(200):
        y, a, b = random.integers(0, 2, 120), random.random(120), random.random(120)
        below += compare(y, a, b).p_value < 0.05
    assert 2 <= below <= 20


def test_variance_of_delong_is_that_of_repeated_samples() -> None:
    """The interval's width is 3.92 standard deviations of the AUROC over fresh samples."""
    values = [auroc(*sample(seed, 300)[:2]) for seed in range(300)]
    width = np.mean(
        [
            delong_interval(*sample(seed, 300)[:2]).high - delong_interval(*sample(seed, 300)[:2]).low
            for seed in range(20)
        ]
    )
    assert width / 3.92 == pytest.approx(np.std(values), rel=0.12)


def test_score_compared_with_its_monotone_image_does_not_differ() -> None:
    """Only the order counts, so there is nothing between them."""
    y, p, _ = sample(7, 200)
    both = compare(y, p, np.exp(p))
    assert both.difference.value == 0.0
    assert both.p_value == 1.0


def test_two_orders_without_spread_differ_for_certain() -> None:
    """One perfect and one perfectly wrong order leave no doubt."""
    both = compare([0, 0, 1, 1], [0.1, 0.2, 0.8, 0.9], [0.9, 0.8, 0.2, 0.1])
    assert (both.difference.value, both.p_value) == (1.0, 0.0)


def test_delong_needs_two_of_each_class() -> None:
    """With one churner the AUROC exists, its spread does not; with none neither does."""
    one = delong_interval([0, 0, 1], [0.1, 0.5, 0.3])
    assert one.value == 0.5
    assert math.isnan(one.low)
    assert math.isnan(delong_interval([0, 0], [0.1, 0.5]).value)
    assert math.isnan(compare([0, 0, 1], [0.1, 0.5, 0.3], [0.1, 0.5, 0.9]).p_value)


def test_perfect_order_has_no_spread() -> None:
    """The interval of an AUROC of 1 is 1."""
    assert delong_interval([0, 0, 1, 1], [0.1, 0.2, 0.8, 0.9]) == Interval(1.0, 1.0, 1.0)


def test_intervals_of_noise_hold_one_half() -> None:
    """Where a score knows nothing, both intervals of its AUROC hold .5 about nineteen times in twenty."""
    drawn = exact = 0
    for seed in range(60):
        random = np.random.default_rng(seed)
        y, p = (random.random(200) < 0.3).astype(np.int8), random.beta(2, 5, 200)
        found = bootstrap(tally(y, p), lambda one: {"auroc": auroc_each(one)}, seed=1, resamples=100)["auroc"]
        drawn += found.low <= 0.5 <= found.high
        alone = delong_interval(y, p)
        exact += alone.low <= 0.5 <= alone.high
    assert 53 <= drawn <= 60
    assert 53 <= exact <= 60


def test_intervals_of_very_many_scores_come_from_groups_of_neighbours(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The figures are the same, and no end is further off than another seed may move it: a sixth of the width."""
    y, score, _ = sample(5, 4_000)
    p = 1 / (1 + np.exp(-score))

    def measured() -> Measures:
        return measure(y, p, seed=1, resamples=400)

    whole = measured()
    monkeypatch.setattr(intervals, "_MANY", 1_000)
    monkeypatch.setattr(intervals, "_GROUPS", 250)
    grouped = measured()
    for name in METRICS:
        one, other = whole.interval(name), grouped.interval(name)
        if math.isnan(one.value):
            assert math.isnan(other.value)
            continue
        assert other.value == one.value
        assert [other.low, other.high] == pytest.approx([one.low, one.high], abs=(one.high - one.low) / 6)
        assert other != one


def test_groups_expect_as_many_churners_as_their_customers() -> None:
    """The counts add up, scores stay ascending, and one score of very many is one group."""
    y, score, _ = sample(6, 5_000)
    p = np.concatenate([1 / (1 + np.exp(-score)), np.full(5_000, 0.5)])
    counts = tally(np.concatenate([y, y]), p)
    few = intervals._grouped(counts)
    assert len(few.score) < intervals._GROUPS
    assert (np.diff(few.score) > 0).all()
    assert (few.churners[0], few.stayers[0]) == (counts.churners[0], counts.stayers[0])
    assert (few.counts[0] * few.score).sum() == pytest.approx((counts.counts[0] * counts.score).sum())
