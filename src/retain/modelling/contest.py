"""Which learner the validation cutoffs speak for, when luck is set aside."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from retain.evaluation.delong import compare
from retain.evaluation.wilson import Z95

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from retain.modelling.training import Contest, Validated


def chosen_first(
    contests: Iterable[Contest], validated: Sequence[Validated], learners: Sequence[str]
) -> tuple[Contest, ...]:
    """The contests, the chosen learner's first, the others by their mean AUROC.

    The first of the configured learners is chosen, unless another of them is ahead of it by more than luck explains; a
    baseline that is not among them, being the simpler model, needs only to be ahead of the one chosen so far.

    Formula: ahead is a mean difference of AUROC over the validation cutoffs of more than 1.96 times
    ``sqrt(sum of variances) / cutoffs``, each variance that of DeLong's paired test.

    Source: DeLong, DeLong, Clarke-Pearson 1988, Biometrics 44:837-845.

    Args:
        contests: one for each learner.
        validated: what each of them predicted.
        learners: the configured ones, the preferred first.
    """
    ranked = sorted(contests, key=lambda one: one.mean_auroc, reverse=True)
    by_name = {one.learner: one for one in ranked}
    chosen = by_name[learners[0]]
    for one in ranked:
        if one.learner in learners and _surely_ahead(one.learner, chosen.learner, validated):
            chosen = one
            break
    for one in ranked:
        if one.learner not in learners and one.mean_auroc > chosen.mean_auroc:
            chosen = one
            break
    return chosen, *(one for one in ranked if one is not chosen)


def _surely_ahead(one: str, other: str, validated: Sequence[Validated]) -> bool:
    """Whether the first is better by more than luck explains."""
    found = [compare(each.y, each.log_odds[one], each.log_odds[other]).difference for each in validated]
    variance = sum(((difference.high - difference.low) / (2 * Z95)) ** 2 for difference in found)
    return sum(difference.value for difference in found) > Z95 * math.sqrt(variance)
