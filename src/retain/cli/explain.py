"""`retain explain`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from retain.cli.context import AsOf, Context, Language, Model, number, one_line, table, words_shown

if TYPE_CHECKING:
    from retain.pipeline.explain import Explanation

SHOWN = 12
"""So many features are listed; --json has all."""


def command(
    context: typer.Context,
    customer: Annotated[str, typer.Argument(help="A customer id, as in the data.")],
    as_of: AsOf = None,
    model: Model = "champion",
    language: Language = None,
) -> None:
    """Show one customer: history, score, what drives it, what could have been done better, and the recommended action.

    Examples:

        retain explain 12748

        retain explain 12748 --as-of 2011-06-01 --json

        retain explain 12748 --language zh-Hant
    """
    from retain.pipeline.explain import run_explanation  # noqa: PLC0415  # --help loads nothing heavy

    shared: Context = context.obj
    project = shared.project()
    cutoff = None if as_of is None else project.instant(as_of)
    found = run_explanation(project, customer, cutoff, model, language)
    shared.show(found.as_dict(), _words(found, project.config.value.currency))


def _texts(found: Explanation) -> list[str]:
    from retain.timeline import instant_text  # noqa: PLC0415  # --help loads nothing heavy

    return [
        "What they wrote last:",
        *table(
            ("given at", "in", "sentiment", "words that moved it", "text"),
            [
                (
                    instant_text(one.given_at),
                    one.table,
                    f"{one.sentiment:+.2f}",
                    words_shown((word.entry, word.weight) for word in one.words),
                    one_line(one.text),
                )
                for one in found.texts
            ],
            right=(2,),
        ),
    ]


def _words(found: Explanation, currency: str) -> list[str]:
    from retain.timeline import instant_text  # noqa: PLC0415  # --help loads nothing heavy

    lines = [
        f"Customer {found.customer_id} as of {instant_text(found.as_of)}, model {found.model_version}",
        "",
    ]
    if found.orders:
        lines += [f"Latest of {found.orders_total:,} order rows known by then:"]
        lines += table(
            ("ordered at", f"amount {currency}".strip()),
            [(instant_text(when), number(amount, 2)) for when, amount in found.orders],
            right=(1,),
        )
        lines.append("")
    if found.texts:
        lines += [*_texts(found), ""]
    if found.probability is None:
        return [*lines, f"Not scored ({found.status.replace('_', ' ')}): {found.status_reason}."]
    lines.append(f"Probability of churn {found.probability:.1%}: {found.tier} risk.")
    if found.value is not None:
        lines.append(f"Expected to bring {found.value:,.2f} {currency}".rstrip() + " if kept.")
    lines += [*(f"  {at}. {words}" for at, words in enumerate(found.reasons, start=1)), ""]
    if found.hints:
        lines += [*(one.sentence for one in found.hints), found.caveat, ""]
    lines += table(
        ("feature", "value", "effect on log-odds"),
        [
            (one.feature, one.word or number(one.value, 2), f"{one.effect:+.3f}")
            for one in found.drivers[:SHOWN]
        ],
        right=(1, 2),
    )
    channel = f" by {found.channel}" if found.channel else ""
    return [*lines, "", f"Recommended: {found.action}{channel}. {found.action_why}"]
