"""`retain models`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from retain.cli.context import Context, number, table

if TYPE_CHECKING:
    from retain.modelling.tracking import Registered

app = typer.Typer(
    help="List, show, promote and roll back registered models.",
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
    known = shared.project().tracking.versions()
    shared.show(
        {"models": [_as_dict(one) for one in known]},
        table(
            ("number", "version", "trained until", "aliases"),
            [(one.number, one.version, one.trained_until, ", ".join(one.aliases)) for one in known],
            right=(0,),
        )
        if known
        else ["No model yet. `retain train` makes one."],
    )


@app.command()
def show(context: typer.Context, model: Reference = "champion") -> None:
    """Show how one version came about.

    Examples:

        retain models show champion
    """
    from retain.labels import ChurnSettings  # noqa: PLC0415  # --help loads nothing heavy

    shared: Context = context.obj
    project = shared.project()
    one = project.tracking.find(model)
    card = project.card_of(one)
    training = card["training"]
    shared.show(
        {**_as_dict(one), "card": dict(card)},
        [
            f"Model {one.number} ({one.version}){''.join(f', {alias}' for alias in one.aliases)}",
            f"  learner      {card['learner']}, {len(card['features'])} features",
            f"  churn        {ChurnSettings(**card['churn']).in_words}",
            f"  trained      until {training['until']} on {len(training['cutoffs'])} cutoffs, {training['rows']:,} snapshots",
            f"  MLflow run   {one.run_id}",
            "",
            *table(
                ("learner", "mean AUROC"),
                [(each["learner"], number(each["mean_auroc"])) for each in training["contests"]],
                right=(1,),
            ),
        ],
    )


@app.command()
def promote(context: typer.Context, model: Reference) -> None:
    """Make a version the champion, which `score` uses.

    Examples:

        retain models promote challenger
    """
    shared: Context = context.obj
    one = shared.project().tracking.promote(model)
    shared.show(_as_dict(one), [f"Model {one.number} ({one.version}) is the champion now."])


@app.command()
def rollback(context: typer.Context) -> None:
    """Make the champion before the present one champion again.

    Examples:

        retain models rollback
    """
    shared: Context = context.obj
    one = shared.project().tracking.rollback()
    shared.show(_as_dict(one), [f"Model {one.number} ({one.version}) is the champion again."])


def _as_dict(one: Registered) -> dict[str, Any]:
    return {
        "model": one.number,
        "model_version": one.version,
        "trained_until": one.trained_until,
        "aliases": list(one.aliases),
        "mlflow_run_id": one.run_id,
    }
