"""Which learner is chosen, over validation cutoffs with a known winner."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from retain.evaluation.ranking import auroc
from retain.modelling.contest import chosen_first
from retain.modelling.training import Contest, Validated

if TYPE_CHECKING:
    from collections.abc import Sequence


def validated(rows: int, noise: dict[str, float], folds: int = 2) -> tuple[Validated, ...]:
    """Learners who see the same signal through noise of their own."""
    random = np.random.default_rng(5)
    found = []
    for cutoff in range(folds):
        signal = random.normal(size=rows)
        y = (signal + random.logistic(size=rows) > 0).astype(np.int8)
        odds = {name: signal + much * random.normal(size=rows) for name, much in noise.items()}
        found.append(Validated(cutoff, np.arange(rows), y, odds))
    return tuple(found)


def chosen(seen: Sequence[Validated], learners: Sequence[str]) -> list[str]:
    """The names in the order that comes out."""
    contests = [
        Contest(name, 1, tuple(auroc(one.y, one.log_odds[name]) for one in seen)) for name in seen[0].log_odds
    ]
    return [one.learner for one in chosen_first(contests, seen, learners)]


def test_luck_does_not_put_another_before_the_preferred() -> None:
    """One of the two is ahead, though not by more than the test's error: the preferred stays first, whichever it is."""
    seen = validated(300, {"blend": 0.2, "trees": 0.2})
    assert chosen(seen, ["blend", "trees"]) == ["blend", "trees"]
    assert chosen(seen, ["trees", "blend"]) == ["trees", "blend"]


def test_one_that_is_surely_better_is_chosen() -> None:
    """Whatever the order of preference; of two of them the better."""
    seen = validated(20_000, {"blend": 1.0, "trees": 0.5, "lines": 0.3})
    assert chosen(seen, ["blend", "trees", "lines"]) == ["lines", "trees", "blend"]


def test_a_baseline_wins_where_it_is_ahead_at_all() -> None:
    """It is the simpler model: nothing has to be sure, so of the same two the one ahead is first whichever is preferred."""
    seen = validated(300, {"one": 0.5, "other": 0.5})
    assert chosen(seen, ["one"]) == chosen(seen, ["other"])


def test_equal_predictions_leave_the_preferred() -> None:
    """Without any spread there is nothing to be ahead by."""
    seen = validated(300, {"blend": 0.5})
    twice = [
        Validated(one.cutoff, one.customer, one.y, {**one.log_odds, "same": one.log_odds["blend"]})
        for one in seen
    ]
    assert chosen(twice, ["same", "blend"])[0] == "same"
    assert chosen(twice, ["blend"])[0] == "blend"
