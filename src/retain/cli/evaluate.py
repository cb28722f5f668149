"""`retain evaluate`."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from retain.cli.context import NOT_KNOWN, Context, number, signed, spread, table
from retain.errors import StoreError

if TYPE_CHECKING:
    from retain.evaluation.card import Measures
    from retain.evaluation.delong import Comparison
    from retain.evaluation.intervals import Interval
    from retain.pipeline.evaluate import AgainstChampion, Evaluation

CHANCE = 0.5
SMALLEST = 0.001
"""A smaller p is not worth its digits."""
UNDECIDED = "no difference shown"


def command(
    context: typer.Context,
    cutoff: Annotated[
        str | None,
        typer.Option(
            help="Predict as of this date, and compare with what happened afterwards. Left out where labels are given: each "
            "customer is predicted by models of the others.",
            show_default=False,
        ),
    ] = None,
    model: Annotated[
        str | None,
        typer.Option(
            help="Alias, number or version. Without it: the newest that knew no outcome after the cutoff; if there is "
            "none, one is trained.",
            show_default=False,
        ),
    ] = None,
    report: Annotated[
        Path | None,
        typer.Option(help="Also write an HTML page with the scores as of the cutoff.", show_default=False),
    ] = None,
) -> None:
    """Say how good a model is at a cutoff, or on customers, that it never saw, beside two baselines.

    Examples:

        retain evaluate --cutoff 2011-06-01

        retain evaluate --cutoff 2011-06-01 --json

        retain evaluate --cutoff 2011-06-01 --model 3 --report quality.html
    """
    from retain.pipeline.evaluate import run_evaluation  # noqa: PLC0415  # --help loads nothing heavy

    shared: Context = context.obj
    project = shared.project()
    if report is None:  # a page tells of the rest, too
        project.read_for_models()
    done = run_evaluation(project, None if cutoff is None else project.instant(cutoff), model)
    result = done.as_dict()
    words = _words(done)
    if report is not None:
        from retain.pipeline.report import write_report  # noqa: PLC0415  # as above
        from retain.pipeline.score import make_scores  # noqa: PLC0415  # as above

        as_of = project.end_of_data() if done.folds else done.cutoff
        page = write_report(project, make_scores(project, as_of, done.bundle), done, report)
        result["report"] = str(page)
        words += ["", f"Report: {page}"]
    shared.show(result, words)
    if done.unlogged:
        raise StoreError(done.unlogged)


def _words(done: Evaluation) -> list[str]:
    from retain.evaluation.card import METRICS  # noqa: PLC0415  # --help loads nothing heavy

    measures = done.measures
    columns = {done.bundle.card["learner"]: measures, **done.baselines}
    rows = []
    for name in METRICS:
        own = measures.interval(name)
        others = [number(one.interval(name).value) for one in done.baselines.values()]
        rows.append((name, number(own.value), spread(own.low, own.high), *others))
    how = f"predicted in {done.folds} parts, each by models of the others." if done.folds else ""
    return [
        (
            f"{measures.n:,} customers, {measures.churn_rate:.1%} churned. Model {done.registered.number} "
            f"({done.bundle.version}), {how or 'trained until ' + done.bundle.card['training']['until'] + '.'}"
        ),
        "",
        *table(
            ("metric", next(iter(columns)), "95 % interval", *done.baselines),
            rows,
            right=range(1, 3 + len(done.baselines)),
        ),
        *_money(measures),
        "",
        *_compared(done),
        *_segments(done),
        *(["", f"Note: {done.warning}"] if done.warning else []),
    ]


def _money(measures: Measures) -> list[str]:
    """Why figures by value are not known, or whom it pays to contact."""
    if not measures.value_gain and not math.isfinite(measures.contacted_share):
        return ["", "Without amounts in the orders nothing can be said of lift by value and of savings."]
    return [
        "",
        (
            f"By value: it pays to contact {measures.contacted_share:.1%} of the customers, each by what they are expected to "
            f"bring and the assumptions of [evaluation.profit]."
        ),
    ]


def _compared(done: Evaluation) -> list[str]:
    """The model's AUROC against that of the others on the same customers, and what that comes to."""
    pairs = dict(done.comparisons)
    if done.champion is not None and not done.champion.same_recipe:
        pairs[f"champion ({done.champion.number})"] = done.champion.comparison
    rows = [
        (
            name,
            number(one.auroc_b),
            signed(one.difference.value),
            spread(one.difference.low, one.difference.high, signed),
            "<0.001" if one.p_value < SMALLEST else number(one.p_value),
            verdict(one),
        )
        for name, one in pairs.items()
    ]
    head = ("on the same customers against", "auroc", "difference", "95 % interval", "p", "")
    return [*table(head, rows, right=(1, 2, 3, 4)), *_champion(done.champion), "", order(done)]


def _champion(champion: AgainstChampion | None) -> list[str]:
    """How the champion could be compared at all, where it knew the outcomes."""
    if champion is None or not champion.followed_again:
        return []
    followed = "gives this very model" if champion.same_recipe else "is what it was compared with"
    return [
        (
            f"The champion, model {champion.number}, knew outcomes after this cutoff. Its recipe, followed again on what was "
            f"known then, {followed}."
        )
    ]


def order(done: Evaluation) -> str:
    """How well the model puts customers in order, in a sentence."""
    own = done.measures.auroc
    if not math.isfinite(own.value):
        fate = "All of them churned" if done.measures.churn_rate else "None of them churned"
        return f"{fate}, so nothing can be said of the order in which the model puts them."
    said = f"The model ranks a churner above a stayer {own.value:.1%} of the time"
    if not own.low > CHANCE:
        return f"{said}, and the interval holds one half: its order may be nothing but chance."
    name, best = max(done.comparisons.items(), key=lambda one: one[1].auroc_b)
    ahead = best.difference.value
    said += f", {abs(ahead) * 100:.1f} points {'more' if ahead >= 0 else 'less'} often than the best baseline ({name})"
    return f"{said}." if verdict(best) != UNDECIDED else f"{said}, which chance may explain."


def _segments(done: Evaluation) -> list[str]:
    """The model in every part of the customers that is large enough."""
    if not done.segments:
        return ["", "No part of the customers is large enough to be measured by itself."]
    rows = [
        (
            one.kind,
            one.name,
            f"{one.n:,}",
            f"{one.churn_rate:.1%}",
            *(_with_interval(each) for each in (one.auroc, one.observed_expected, one.calibration_slope)),
        )
        for one in done.segments
    ]
    head = ("part of the customers", "", "n", "churned", "auroc", "observed/expected", "slope")
    return ["", *table(head, rows, right=(2, 3, 4, 5, 6))]


def _with_interval(one: Interval) -> str:
    return f"{number(one.value, 2)} ({spread(one.low, one.high, lambda end: number(end, 2))})"


def verdict(one: Comparison) -> str:
    """What the comparison says, in a word or two."""
    if one.difference.low > 0:
        return "better"
    if one.difference.high < 0:
        return "worse"
    return UNDECIDED if math.isfinite(one.p_value) else NOT_KNOWN
