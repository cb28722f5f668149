"""What a model would have said at a past cutoff, had it known only what was known then."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from retain.labels import outcomes
from retain.modelling.learners import Task
from retain.modelling.one_thread import one_thread
from retain.modelling.training import MOST_ROWS, drawn, eligible_snapshots
from retain.timeline import instant

if TYPE_CHECKING:
    from collections.abc import Sequence

    from retain.engine.panel import FloatArray
    from retain.modelling.bundle import Bundle
    from retain.pipeline.project import Project


def recipe(opened: Bundle) -> tuple[object, ...]:
    """What decides a model besides its rows."""
    card = opened.card
    return (
        card["learner"],
        card["size"],
        card["training"]["seed"],
        opened.features.fingerprint,
        tuple(opened.directions.items()),
        opened.hyperparameters,
    )


@one_thread()
def log_odds_then(project: Project, opened: Bundle, plan: Bundle, cutoff: int) -> FloatArray:
    """Log-odds of the eligible at a cutoff from the model as it would have been then.

    A model that knew no outcome after the cutoff speaks for itself. Of another one the recipe is followed again:
    the same learner, size, hyperparameters, seed and features, on the plan's cutoffs whose label window had closed by then.

    Args:
        project: the data and settings.
        opened: the model.
        plan: whose training cutoffs are taken where the recipe is followed again.
        cutoff: the instant of prediction.
    """
    store, churn = project.store, opened.churn
    x = project.engine(store, opened.features, eligible_snapshots(store, [cutoff], churn)).values
    if opened.trained_until <= cutoff:
        return opened.fitted.log_odds(x)
    panel = eligible_snapshots(store, _closed(plan, cutoff), churn)
    y = outcomes(store, panel.customer, panel.cutoff, churn, cutoff)
    rows = drawn(np.arange(len(panel)), opened.card["training"]["seed"], MOST_ROWS)
    task = Task(
        project.engine(store, opened.features, panel).values[rows],
        y[rows],
        opened.features.names,
        size=opened.card["size"],
        seed=opened.card["training"]["seed"],
        categories=opened.features.categories,
        **opened.directions,
        hyperparameters=opened.hyperparameters,
    )
    return np.asarray(task.fitted(opened.card["learner"]).log_odds(x, opened.card["size"]))


def _closed(plan: Bundle, cutoff: int) -> Sequence[int]:
    """The plan's cutoffs whose label window had closed by then."""
    cutoffs = [instant(one) for one in plan.card["training"]["cutoffs"]]
    return [one for one in cutoffs if plan.churn.window.end(one) <= cutoff]
