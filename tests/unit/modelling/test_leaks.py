"""Features that know the outcome are found, and honest ones are left alone."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from retain.errors import LeakError
from retain.modelling import leaks

CUTOFFS = 4
ROWS = 1200
NAMES = ("recency_days", "orders_90d", "tenure_days", "planted")


def panel(seed: int, honest: float = 1.0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Three honest features of some strength and an empty fourth column, outcomes, and cutoffs of each row."""
    random = np.random.default_rng(seed)
    cutoff = np.repeat(np.arange(CUTOFFS), ROWS // CUTOFFS)
    # The level moves with the season, as it does in shops.
    y = (random.random(ROWS) < np.array([0.3, 0.6, 0.45, 0.5])[cutoff]).astype(np.int8)
    x = random.normal(size=(ROWS, 4)) + honest * y[:, None] * np.array([1.0, -0.7, 0.2, 0.0])
    x[random.random(ROWS) < 0.2, 2] = np.nan
    return x, y, cutoff


@given(
    values=st.lists(st.sampled_from([np.nan, np.inf, -1.0, 0.0, 0.5, 2.0]), min_size=4, max_size=30),
    data=st.data(),
)
def test_each_auroc_is_the_share_of_pairs_in_order(values: list[float], data: st.DataObject) -> None:
    """Pair by pair within each cutoff, equals as half, what is not known below all or above all."""
    y, cutoff = (
        np.array(data.draw(st.lists(st.integers(0, 1), min_size=len(values), max_size=len(values))))
        for _ in range(2)
    )
    pairs = [
        (first, second)
        for first in range(len(values))
        for second in range(len(values))
        if y[first] > y[second] and cutoff[first] == cutoff[second]
    ]
    best = 0.5
    for beyond in (-1e9, 1e9):
        known = [one if np.isfinite(one) else beyond for one in values]
        right = sum((known[a] > known[b]) + (known[a] == known[b]) / 2 for a, b in pairs)
        share = right / len(pairs) if pairs else 0.5
        best = max(best, share, 1 - share)
    found = leaks.alone(np.array(values)[:, None], y.astype(np.int8), cutoff)
    assert found.tolist() == [pytest.approx(best, abs=1e-12)]


@given(
    seed=st.integers(0, 10_000),
    wrong=st.floats(0, 0.04),
    missing=st.sampled_from(["none", "churned", "stayed", "some"]),
    turn=st.sampled_from([1, -1]),
    honest=st.floats(0, 1.2),
)
def test_a_planted_leak_is_found(seed: int, wrong: float, missing: str, turn: int, honest: float) -> None:
    """Rising or falling, with noise, or told only by whether a value is there."""
    x, y, cutoff = panel(seed, honest)
    random = np.random.default_rng(seed + 1)
    flipped = random.random(ROWS) < wrong
    known = np.where(flipped, 1 - y, y)
    x[:, 3] = turn * (known + 0.01 * random.random(ROWS))
    if missing == "some":
        x[random.random(ROWS) < 0.03, 3] = np.nan
    elif missing != "none":
        x[known == (1 if missing == "churned" else 0), 3] = np.nan
    found = leaks.find(x, y, cutoff, NAMES)
    assert [one.feature for one in found] == ["planted"]
    assert found[0].auroc > 0.9
    assert found[0].rest == pytest.approx(leaks.alone(x, y, cutoff)[:3].max())


@given(seed=st.integers(0, 10_000), honest=st.floats(0, 1.6))
def test_honest_features_are_left_alone(seed: int, honest: float) -> None:
    """Up to an AUROC of .87, which is more than any feature of a real data set has reached."""
    x, y, cutoff = panel(seed, honest)
    assert leaks.find(x, y, cutoff, NAMES) == ()


def test_a_strong_feature_among_strong_ones_is_no_leak() -> None:
    """Where everything is easy to foresee, .92 beside .88 is a better feature, not another kind."""
    x, y, cutoff = panel(1)
    random = np.random.default_rng(2)
    x[:, 0] = y + random.normal(scale=0.6, size=ROWS)
    x[:, 3] = y + random.normal(scale=0.5, size=ROWS)
    by_itself = leaks.alone(x, y, cutoff)
    assert 0.85 < by_itself[0] < leaks.SUSPICIOUS < by_itself[3]
    assert leaks.find(x, y, cutoff, NAMES) == ()


def test_two_leaks_do_not_hide_each_other() -> None:
    """Each is measured against those that are not suspicious."""
    x, y, cutoff = panel(3)
    x[:, 1] = y
    x[:, 3] = -2.0 * y
    assert [one.feature for one in leaks.find(x, y, cutoff, NAMES)] == ["orders_90d", "planted"]


def test_a_season_is_no_leak() -> None:
    """What only tells one cutoff from another orders nobody within it."""
    x, y, cutoff = panel(4)
    x[:, 3] = np.array([0.3, 0.6, 0.45, 0.5])[cutoff]
    assert leaks.alone(x, y, cutoff)[3] == pytest.approx(0.5)


def test_few_rows_accuse_nobody() -> None:
    """With less than a hundred of a class a perfect order may be luck, and the gate looks at the interval."""
    x, y, cutoff = panel(5)
    x[:, 3] = y
    assert leaks.find(x[:150], y[:150], cutoff[:150], NAMES) == ()
    assert leaks.find(x, np.zeros(ROWS, np.int8), cutoff, NAMES) == ()
    assert leaks.alone(x, np.zeros(ROWS, np.int8), cutoff).tolist() == [0.5] * 4


def test_a_leak_stops_the_run_until_it_is_accepted() -> None:
    """The message names feature and figures, and the line that would accept it beside those accepted already."""
    found = (leaks.Leak("planted", 0.987, 0.781), leaks.Leak("other", 0.95, 0.781))
    with pytest.raises(
        LeakError, match=r"^planted \(AUROC 0\.987 alone\): this .*\.781\. .*= \[\"other\", \"planted\"\]\.$"
    ):
        leaks.require_none(found, ["other"])
    leaks.require_none(found, ["other", "planted"])
    leaks.require_none((), [])


@pytest.mark.parametrize("rare", [False, True])
def test_a_part_of_very_many_rows_finds_the_same_leak(*, rare: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each outcome is thinned out by itself, so that a rare one stays; the figures are equal within chance."""
    parts = [panel(seed) for seed in range(12)]
    x, y, cutoff = (np.concatenate(one) for one in zip(*parts, strict=True))
    random = np.random.default_rng(4)
    if rare:
        kept = (y == 0) | (random.random(len(y)) < 0.05)
        x, y, cutoff = x[kept], y[kept], cutoff[kept]
    x[:, 3] = y + random.normal(size=len(y)) / 3
    (whole,) = leaks.find(x, y, cutoff, NAMES)
    looked_at: list[int] = []
    alone = leaks.alone

    def counted(x: np.ndarray, y: np.ndarray, cutoff: np.ndarray) -> np.ndarray:
        looked_at.extend(np.bincount(y).tolist())
        return alone(x, y, cutoff)

    monkeypatch.setattr(leaks, "MOST", 1_000)
    monkeypatch.setattr(leaks, "alone", counted)
    (some,) = leaks.find(x, y, cutoff, NAMES)
    assert max(looked_at) <= 1_000
    assert looked_at[1] == (y.sum() if rare else looked_at[1]) > 200
    assert some.feature == whole.feature == "planted"
    assert some.auroc == pytest.approx(whole.auroc, abs=0.01)
    assert some.rest == pytest.approx(whole.rest, abs=0.03)
