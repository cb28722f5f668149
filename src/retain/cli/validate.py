"""`retain validate`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from retain.cli.context import Context, table
from retain.cli.sentiment import coverage_table

if TYPE_CHECKING:
    from retain.pipeline.validate import Validation


def command(context: typer.Context) -> None:
    """Check the data against the contract, and say what can be done with them.

    Bad rows are written to the quarantine in the workspace, each with its file, row number and reason.

    Examples:

        retain validate

        retain --config shop.toml validate --json
    """
    from retain.pipeline.validate import run_validation  # noqa: PLC0415  # --help loads nothing heavy

    shared: Context = context.obj
    found = run_validation(shared.project())
    shared.show(found.as_dict(), _words(found))


def _attributes(found: Validation) -> list[str]:
    return [
        "Attributes that are features though nothing says since when they have been so; they may know the outcome:",
        *table(
            ("feature", "column", "holds", "known", "different", "note"),
            [
                (one.feature, one.column, one.holds, f"{one.known:.0%}", f"{one.different:,}", one.note)
                for one in found.attributes
            ],
            right=(3, 4),
        ),
    ]


def _labels(found: Validation) -> list[str]:
    from retain.modelling.given import WARNING  # noqa: PLC0415  # --help loads nothing heavy

    said = (
        f"No model can be trained yet: {found.obstacle}"
        if found.obstacle
        else "A model can be trained, and checked on customers left out of training."
    )
    return [
        (
            f"{found.customers:,} customers, {found.labelled:,} of them with a label, of whom {found.churned:,} churned; "
            f"{len(found.features)} features can be computed."
        ),
        said,
        "",
        f"Note: {WARNING}",
    ]


def _words(found: Validation) -> list[str]:
    from retain.timeline import instant_text  # noqa: PLC0415  # --help loads nothing heavy

    def day(moment: int | None) -> str:
        return "" if moment is None else instant_text(moment)[:10]

    lines = table(
        ("table", "rows", "good", "bad", "from", "to", "read as"),
        [
            (
                name,
                f"{one.rows_read:,}",
                f"{one.rows_good:,}",
                f"{one.rows_bad:,}",
                day(one.first_event),
                day(one.last_event),
                one.format,
            )
            for name, one in found.accounts.items()
        ],
        right=(1, 2, 3),
    )
    bad = [
        f"  {name}: {count:,} x {reason}"
        for name, one in found.accounts.items()
        for reason, count in one.reasons.items()
    ]
    if bad:
        lines += ["", f"Put aside, with file, row and reason, in {found.quarantine}:", *bad]
    if found.coverage:
        lines += ["", *coverage_table(found.coverage)]
    lines += ["", *(f"Note: {words}" for words in found.warnings)]
    if found.attributes:
        lines += ["", *_attributes(found), ""]
    if found.labelled is not None:
        return [*lines, *_labels(found)]
    lines.append(
        f"{found.customers:,} customers, {found.active:,} of them active at the end of the data; "
        f"{len(found.features)} features can be computed."
    )
    if found.unfed:
        lines.append(f"{len(found.unfed)} more need columns that the source lacks, such as {found.unfed[0]}.")
    if found.plan is None or found.latest_test_cutoff is None:
        lines.append(f"No model can be trained yet: {found.obstacle}")
    else:
        lines.append(
            f"A model can be trained on {len(found.plan.cutoffs)} cutoffs and tested at any cutoff "
            f"up to {instant_text(found.latest_test_cutoff)}."
        )
    return lines
