"""`retain tune`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from retain.cli.context import Context, Until, number, signed, table
from retain.errors import StoreError

if TYPE_CHECKING:
    from retain.pipeline.tune import Tuning

SHOWN = 5
"""Trials in the table beside the present settings."""


def command(
    context: typer.Context,
    trials: Annotated[
        int, typer.Option(help="So many in all, the present settings among them.", min=1, max=10_000)
    ] = 30,
    minutes: Annotated[
        int | None,
        typer.Option(
            help="After so many no further trial begins. Without it: no limit.", min=1, show_default=False
        ),
    ] = None,
    until: Until = None,
    restart: Annotated[bool, typer.Option("--restart", help="Forget the trials of an earlier run.")] = False,
) -> None:
    """Try other hyperparameters on the same validation as training, and say whether they are better beyond noise.

    The present settings are measured first, and what the other trials will take is said. Trials are kept in the
    workspace, so the same command goes on where a stopped one was; Ctrl-C ends it with what is known so far. The
    configuration is not changed: the lines to put there are shown if they are worth it. Every trial is a nested run
    in MLflow. Needs `pip install 'retain[tune]'`.

    Examples:

        retain tune

        retain tune --trials 100 --minutes 20

        retain tune --until 2011-06-01 --json
    """
    from retain.pipeline.tune import run_tuning  # noqa: PLC0415  # --help loads nothing heavy

    shared: Context = context.obj
    project = shared.project()
    found = run_tuning(
        project, None if until is None else project.instant(until), trials, minutes, restart=restart
    )
    shared.show(found.as_dict(), _words(found))
    if found.unlogged:
        raise StoreError(found.unlogged)
    if found.stopped:
        raise KeyboardInterrupt


def _words(found: Tuning) -> list[str]:
    ranking = sorted(found.trials[1:], key=lambda one: -one.mean_auroc)[:SHOWN]
    keys = list(found.present.hyperparameters.by_key)
    shown = [found.present, *ranking]
    rows = [
        (
            "present" if one.number == 0 else one.number,
            number(one.mean_auroc, 4),
            signed(one.mean_auroc - found.present.mean_auroc, 4),
            f"{one.learner} {one.size}",
            *(f"{one.hyperparameters.by_key[key]:g}" for key in keys),
        )
        for one in shown
    ]
    head = ("trial", "mean AUROC", "ahead by", "model", *(one.split(".")[1] for one in keys))
    return [
        *table(head, rows, right=(1, 2, *range(4, 4 + len(keys)))),
        "",
        *_verdict(found),
        f"Picture: {found.picture}",
        f"Trials are kept in {found.file}",
    ]


def _verdict(found: Tuning) -> list[str]:
    """What to make of it, and the lines for the configuration if that is to change it."""
    from retain.modelling.tuning import WORTH, Verdict  # noqa: PLC0415  # --help loads nothing heavy

    many = len(found.trials)
    if many == 1:
        return ["Only the present settings were measured. More trials: --trials N."]
    if found.best.number == 0:
        return [
            f"None of {many - 1} other settings is better than the present ones: no change is recommended."
        ]
    gap = found.difference
    said = (
        f"The best of {many - 1} other settings is {signed(gap.value, 4)} in mean AUROC against the present ones, 95 % interval "
        f"{signed(gap.low, 4)} to {signed(gap.high, 4)}, wide enough for the luck of the best of so many."
    )
    if found.left_out is not None:
        said += f" Chosen without each validation in turn and measured on it: {signed(found.left_out, 4)}."
    if found.verdict is Verdict.NOISE:
        return [said, "That is within noise: no change is recommended."]
    if found.verdict is Verdict.SMALL:
        return [
            said,
            (
                f"That is more than chance among these customers, but less than {WORTH:g}, which does not last from one cutoff to "
                f"the next: no change is recommended."
            ),
        ]
    return [
        said,
        "That is more than noise. In the configuration:",
        "",
        *(f"    {one}" for one in found.best.hyperparameters.toml()),
        "",
    ]
