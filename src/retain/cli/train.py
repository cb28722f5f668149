"""`retain train`."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

import typer

from retain.cli.context import Context, Until, number, table
from retain.cli.models import gate_words

if TYPE_CHECKING:
    from collections.abc import Sequence

    from retain.modelling.training import Contest


def command(
    context: typer.Context,
    until: Until = None,
) -> None:
    """Train, validate and calibrate a model, register it as challenger, and put it to the gate.

    Trains on every cutoff whose label window has closed; each validation cutoff is predicted by models that saw only
    earlier outcomes. Where labels are given, each part of the customers is predicted by models of the others. The model
    becomes the champion, which `score` uses, if it passes the gate: better than chance,
    calibrated, without a leak, and no worse than the present champion. Where it does not, the reasons are shown and
    the champion stays.

    Examples:

        retain train

        retain train --until 2011-06-01
    """
    from retain.modelling.given import WARNING  # noqa: PLC0415  # --help loads nothing heavy
    from retain.pipeline.train import run_training  # noqa: PLC0415  # --help loads nothing heavy
    from retain.timeline import instant_text  # noqa: PLC0415  # as above

    shared: Context = context.obj
    project = shared.project()
    project.read_for_models()
    made = run_training(project, None if until is None else project.instant(until))
    trained, registered = made.trained, made.registered
    given = trained.churn.given
    shown = () if given else trained.plan.folds
    where = "customers with a label" if given else f"snapshots at {len(trained.plan.cutoffs)} cutoffs"
    result = {
        "model": registered.number,
        "model_version": registered.version,
        "aliases": list(registered.aliases),
        "learner": trained.learner,
        "calibration": trained.calibration.method,
        "trained_until": made.known_until,
        "cutoffs": [] if given else [instant_text(one) for one in trained.plan.cutoffs],
        "validation_cutoffs": [instant_text(one.validation) for one in trained.plan.folds],
        **({"folds": len(trained.validated), "warning": WARNING} if given else {}),
        "rows": trained.rows,
        "churn_rate": trained.churn_rate,
        "validation_auroc": {one.learner: one.mean_auroc for one in trained.contests},
        "promotion": made.promotion.as_dict(),
        "mlflow_run_id": registered.run_id,
        "tracking_uri": project.tracking.shown,
    }
    shared.show(
        result,
        [
            (
                f"Model {registered.number} ({registered.version}): {trained.learner}, calibration {trained.calibration.method}, "
                f"from {trained.rows:,} {where}, {trained.churn_rate:.1%} churned."
            ),
            "",
            *table(
                ("learner", "mean AUROC", *(instant_text(one.validation)[:10] for one in shown)),
                [
                    (one.learner, number(one.mean_auroc), *(number(each) for each in one.auroc[: len(shown)]))
                    for one in trained.contests
                ],
                right=range(1, 2 + len(shown)),
            ),
            *_luck(trained.contests),
            *(["", f"Note: {WARNING}"] if given else []),
            "",
            *gate_words(made.promotion),
            "",
            _where(project.tracking.shown),
        ],
    )


def _luck(contests: Sequence[Contest]) -> list[str]:
    """Why the learner with the best figure is not the one taken, where that is so."""
    best = max(contests, key=lambda one: one.mean_auroc)
    if best.mean_auroc <= contests[0].mean_auroc:
        return []
    return ["", f"{contests[0].learner} is preferred: luck may explain that {best.learner} is ahead of it."]


def _where(store: str) -> str:
    """How to look at the run."""
    if store.startswith(("http://", "https://")):
        return f"See it at {store}"
    return f"See it with: mlflow ui --backend-store-uri {shlex.quote(store)}"
