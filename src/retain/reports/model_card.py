"""The model card: what a model predicts, from what, how well, for whom, and its limits, as Markdown."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from retain.evaluation.intervals import Interval
    from retain.evaluation.segments import Segment

NAME = "model-card.md"
"""The file beside the bundle."""
_GATE = "\n## The gate\n"
_UNKNOWN = "not known"


@dataclass(frozen=True)
class CutoffQuality:
    """How good the model was at one validation cutoff.

    Attributes:
        cutoff: as text.
        customers: who were predicted.
        churn_rate: share of them who churned.
        figures: by metric, each with its interval.
        baselines: AUROC of each baseline.
    """

    cutoff: str
    customers: int
    churn_rate: float
    figures: Sequence[Interval]
    baselines: Sequence[Interval]


@dataclass(frozen=True)
class ModelCard:
    """What the card says.

    Attributes:
        project: whose model.
        version: of the bundle.
        churn: the definition in words.
        facts: (name, value) of training.
        tables: (name, rows, from, to, fingerprint) of each table.
        metrics: titles of the figures at each cutoff.
        baselines: titles of the baselines.
        quality: at each validation cutoff, oldest first.
        learners: (name, mean AUROC), the chosen one first.
        segments: with enough customers.
        importance: (feature, mean size of its part in the log-odds, why it tells something), strongest first.
        limits: sentences.
        asked: for whom the model gives which probability, as a sentence.
        checked: on what the figures rest, as a sentence.
        where: what the rows of figures are: cutoffs, or parts of the customers.
    """

    project: str
    version: str
    churn: str
    facts: Sequence[tuple[str, str]]
    tables: Sequence[tuple[str, int, str, str, str]]
    metrics: Sequence[str]
    baselines: Sequence[str]
    quality: Sequence[CutoffQuality]
    learners: Sequence[tuple[str, float]]
    segments: Sequence[Segment]
    importance: Sequence[tuple[str, float, str]]
    limits: Sequence[str]
    asked: str = "For each such customer the model gives the probability of that, as of one instant, from what was known before it."
    checked: str = (
        "Each cutoff was predicted by a model of the same recipe that knew only what was known then, calibrated by the "
        "other cutoffs."
    )
    where: str = "cutoff"


def render(card: ModelCard, gate: Sequence[str]) -> str:
    """The card as Markdown.

    Args:
        card: what it says.
        gate: lines about the gate, which come last.
    """
    parts = [
        f"# Model {card.version} of {card.project}",
        "## What it predicts",
        f"{card.churn} {card.asked}",
        "## What it was trained on",
        _table(("", ""), card.facts),
        _table(
            ("table", "rows", "from", "to", "fingerprint"),
            [(name, f"{rows:,}", first, last, mark) for name, rows, first, last, mark in card.tables],
        ),
        "## How good it was",
        f"{card.checked} In brackets: 95 % intervals.",
        _table(
            (card.where, "customers", "churned", *card.metrics),
            [
                (one.cutoff, f"{one.customers:,}", f"{one.churn_rate:.1%}", *map(_with_interval, one.figures))
                for one in card.quality
            ],
        ),
        (
            "AUROC: how often a customer who left was ranked above one who stayed; .5 is a coin. Lift: churners among the "
            "riskiest tenth against chance. ECE: mean distance of forecast and outcome. Slope: 1 is right, below 1 too "
            "bold. Observed over expected: churners for each one forecast; it moves with the season."
        ),
        "## Beside simpler ways",
        _table(
            (card.where, "this model", *card.baselines),
            [
                (one.cutoff, _with_interval(one.figures[0]), *map(_with_interval, one.baselines))
                for one in card.quality
            ],
        ),
        f"Mean AUROC of all that competed, the chosen one first: {', '.join(f'{name} {_figure(value)}' for name, value in card.learners)}.",
        "## For whom",
        _segments(card.segments),
        "## What it looks at",
        (
            "By the mean size of a feature's part in the log-odds. It moves the score; changing it need not change the "
            "customer."
        ),
        _table(
            ("feature", "part", "why it is there"),
            [(f"`{name}`", f"{size:.3f}", why) for name, size, why in card.importance],
        ),
        "## Limits",
        "\n".join(f"- {one}" for one in card.limits),
    ]
    return with_gate("\n\n".join(parts) + "\n", gate)


def with_gate(text: str, gate: Sequence[str]) -> str:
    """The card with these lines about the gate in place of those that it has."""
    return f"{text.split(_GATE, maxsplit=1)[0]}{_GATE}\n" + "\n".join(gate) + "\n"


def _segments(segments: Sequence[Segment]) -> str:
    if not segments:
        return "No part of the customers is large enough to be measured by itself."
    return _table(
        ("", "", "predictions", "churned", "forecast", "AUROC", "observed/expected", "slope"),
        [
            (
                one.kind,
                one.name,
                f"{one.n:,}",
                f"{one.churn_rate:.1%}",
                f"{one.forecast:.1%}",
                *map(_with_interval, (one.auroc, one.observed_expected, one.calibration_slope)),
            )
            for one in segments
        ],
    )


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(map(_cell, one))} |" for one in lines)


def _cell(text: str) -> str:
    """Text from the data may hold what Markdown or a line end would make something else of."""
    return " ".join(text.replace("|", "/").replace("<", "(").replace(">", ")").split())


def _figure(value: float) -> str:
    return f"{value:.3f}" if math.isfinite(value) else _UNKNOWN


def _with_interval(one: Interval) -> str:
    if not math.isfinite(one.value):
        return _UNKNOWN
    if not math.isfinite(one.low):
        return _figure(one.value)
    return f"{_figure(one.value)} ({_figure(one.low)} to {_figure(one.high)})"
