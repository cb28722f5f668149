"""`retain models`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from retain.cli.context import Context, number, table

if TYPE_CHECKING:
    from retain.modelling.tracking import Registered
    from retain.pipeline.promote import Promotion

app = typer.Typer(
    help="List, show, promote and roll back registered models; log what waits.",
    no_args_is_help=True,
    rich_markup_mode="markdown",
)
Reference = Annotated[str, typer.Argument(help="Alias, number or version.")]


@app.command(name="list")
def list_models(context: typer.Context) -> None:
    """List every registered version, oldest first.

    Examples:

        retain models list
    """
    shared: Context = context.obj
    project = shared.project()
    known = project.tracking.versions()
    waiting = len(project.waiting)
    left = [f"Not logged yet: {waiting}. `retain models log` does it."] if waiting else []
    shared.show(
        {"models": [_as_dict(one) for one in known], "waiting": waiting},
        [
            *(
                table(
                    ("number", "version", "trained until", "gate", "aliases"),
                    [
                        (
                            one.number,
                            one.version,
                            one.trained_until,
                            _at_the_gate(one),
                            ", ".join(one.aliases),
                        )
                        for one in known
                    ],
                    right=(0,),
                )
                if known
                else ["No model yet. `retain train` makes one."]
            ),
            *left,
        ],
    )


@app.command()
def show(
    context: typer.Context,
    model: Reference = "champion",
    card: Annotated[bool, typer.Option("--card", help="The whole model card, as Markdown.")] = False,
) -> None:
    """Show how one version came about, and what the gate said of it.

    Examples:

        retain models show champion

        retain models show 2 --card
    """
    from retain.labels import ChurnSettings  # noqa: PLC0415  # --help loads nothing heavy
    from retain.pipeline.promote import Promotion  # noqa: PLC0415  # as above

    shared: Context = context.obj
    project = shared.project()
    one = project.find(model)
    if card:
        from retain.pipeline.model_card import card_of  # noqa: PLC0415  # as above

        text = card_of(project, one)
        shared.show({**_as_dict(one), "model_card": text}, [text.rstrip()])
        return
    kept = project.card_of(one)
    training = kept["training"]
    shared.show(
        {**_as_dict(one), "card": dict(kept)},
        [
            f"Model {one.number} ({one.version}){''.join(f', {alias}' for alias in one.aliases)}",
            f"  learner      {kept['learner']}, {len(kept['features'])} features",
            f"  churn        {ChurnSettings(**kept['churn']).in_words}",
            f"  trained      until {training['until']} on {len(training['cutoffs'])} cutoffs, {training['rows']:,} snapshots",
            f"  MLflow run   {one.run_id}",
            "",
            *gate_words(Promotion(one)),
            "",
            *table(
                ("learner", "mean AUROC"),
                [(each["learner"], number(each["mean_auroc"])) for each in training["contests"]],
                right=(1,),
            ),
        ],
    )


@app.command()
def promote(
    context: typer.Context,
    model: Reference,
    force: Annotated[
        bool, typer.Option("--force", help="Whatever is held against it; the override is recorded.")
    ] = False,
) -> None:
    """Put a version to the gate, and make it the champion, which `score` uses.

    The same gate as after training: where something is held against the model, it is not promoted and the reasons
    are shown.

    Examples:

        retain models promote challenger

        retain models promote 3 --force
    """
    from retain.pipeline.promote import run_promotion  # noqa: PLC0415  # --help loads nothing heavy

    shared: Context = context.obj
    made = run_promotion(shared.project(), model, force=force)
    one = made.registered
    shared.show(
        _as_dict(one), [f"Model {one.number} ({one.version}) is the champion now.", "", *gate_words(made)]
    )


@app.command()
def rollback(context: typer.Context) -> None:
    """Make the champion before the present one champion again.

    Examples:

        retain models rollback
    """
    shared: Context = context.obj
    one = shared.project().tracking.rollback()
    shared.show(_as_dict(one), [f"Model {one.number} ({one.version}) is the champion again."])


@app.command(name="log")
def log_models(context: typer.Context) -> None:
    """Log what waits in the workspace because the model store did not answer.

    A model, an evaluation or a tuning that could not be logged is kept, and the run that made it ends with exit code 12. This
    logs all of it, in the order in which it came, and puts the models to the gate. The next `retain train` does the
    same first.

    Examples:

        retain models log
    """
    from retain.modelling.waiting import Tuned  # noqa: PLC0415  # --help loads nothing heavy
    from retain.pipeline.waiting import log_waiting  # noqa: PLC0415  # as above

    shared: Context = context.obj
    project = shared.project()
    waiting = len(project.waiting)
    tunings = sum(isinstance(one.said, Tuned) for one in project.waiting.entries())
    done = log_waiting(project)
    others = f"{waiting - len(done) - tunings} evaluations" + (f", {tunings} tunings" if tunings else "")
    shared.show(
        {"logged": waiting, "models": [_as_dict(one) for one in done]},
        [
            f"Logged what waited: {len(done)} models, {others}.",
            *(f"  Model {one.number} ({one.version}): {_standing(one)}" for one in done),
        ],
    )


def gate_words(promotion: Promotion) -> list[str]:
    """What became of a model at the gate, check by check."""
    found = promotion.as_dict()
    marks = {True: "passed", False: "failed"}
    checks = [f"  {marks[one['passed']]}  {one['words']}" for one in found["checks"]]
    if found["passed"] is None:
        head = "It was not put to the gate."
    elif found["passed"]:
        head = "It passed the gate" + (" and is the champion." if promotion.is_champion else ".")
    elif found["forced"]:
        head = "It did not pass the gate, and was made champion by force."
    else:
        head = "It did not pass the gate, so it is not the champion."
    return [head, *checks]


def _at_the_gate(one: Registered) -> str:
    if one.verdict is None:
        return ""
    return "passed" if one.verdict.passed else "forced" if one.forced else "refused"


def _standing(one: Registered) -> str:
    """What became of it at the gate, in a few words."""
    return ", ".join([f"gate {_at_the_gate(one) or 'not asked'}", *one.aliases])


def _as_dict(one: Registered) -> dict[str, Any]:
    from retain.pipeline.promote import Promotion  # noqa: PLC0415  # --help loads nothing heavy

    return {
        "model": one.number,
        "model_version": one.version,
        "trained_until": one.trained_until,
        "aliases": list(one.aliases),
        "promotion": Promotion(one).as_dict(),
        "mlflow_run_id": one.run_id,
    }
