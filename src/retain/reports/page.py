"""The page itself: content in, one HTML file out that asks nothing of anybody."""

from __future__ import annotations

from importlib.resources import files
from typing import TYPE_CHECKING

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

from retain import atomic
from retain.reports import charts, sentences, wording

if TYPE_CHECKING:
    from pathlib import Path

    from retain.reports.content import ReportContent

FIRST_SHOWN = 10
"""Customers in sight before the list is unfolded."""


def render(content: ReportContent) -> str:
    """The page as HTML: style, charts and figures in one text, no script, no request.

    Args:
        content: what to show; the same content gives the same bytes.
    """
    surroundings = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    surroundings.filters.update(
        count=wording.count,
        percent=wording.percent,
        decimals=wording.decimals,
        compact=wording.compact,
        chance=wording.chance,
        day=wording.day,
        interval=lambda estimate, unit="number": wording.interval(estimate, unit, content.currency),
        measure=lambda value, unit: wording.measure(value, unit, content.currency),
        money=lambda value: wording.money(value, content.currency),
    )
    template = surroundings.from_string(_own("template.html.j2"))
    return template.render(
        content=content,
        sections=_sections(content),
        style=Markup(_own("style.css")),  # noqa: S704 - our own file, nothing of the data in it
        charts=charts,
        say=sentences,
        first_shown=FIRST_SHOWN,
        unknown=wording.UNKNOWN,
    )


def write(content: ReportContent, path: Path) -> Path:
    """The path of the page, written there as a whole or not at all.

    Args:
        content: what to show.
        path: where; missing folders are made.

    Raises:
        OutputError: it cannot be written there.
    """
    with atomic.file(path) as part:
        part.write_bytes(render(content).encode())
    return path


def _own(name: str) -> str:
    return files("retain.reports").joinpath(name).read_text(encoding="utf-8")


def _sections(content: ReportContent) -> dict[str, str]:
    """The sections that have something to show, in order: the anchor and the heading of each."""
    every = (
        ("tiers", "Who is at risk", content.tiers),
        ("reasons", "Why", content.reasons or content.importance),
        ("actions", "What to do", content.actions),
        ("customers", "Whom to see first", content.customers),
        ("base", "The customer base", content.key_figures),
        ("quality", "How far to trust it", content.quality),
        ("model", "How it was made", True),
        ("data", "What it was made from", content.tables or content.statuses or content.warnings),
        ("limits", "What it cannot know", content.caveats),
        ("next", "What comes next", content.next_steps),
    )
    return {anchor: heading for anchor, heading, shown in every if shown}
