"""The model card as Markdown."""

from __future__ import annotations

from retain.evaluation.intervals import Interval
from retain.evaluation.segments import Segment
from retain.reports.model_card import CutoffQuality, ModelCard, render, with_gate

UNKNOWN = Interval(float("nan"), float("nan"), float("nan"))
CARD = ModelCard(
    project="shop",
    version="abc",
    churn="Lost is lost.",
    facts=[("learner", "trees")],
    tables=[("orders", 1234, "2024-01-01", "2024-12-31", "ffff")],
    metrics=["AUROC"],
    baselines=["BG/NBD"],
    quality=[CutoffQuality("2024-06-01", 1200, 0.25, [Interval(0.8, 0.75, 0.85)], [UNKNOWN])],
    learners=[("blend", 0.8)],
    segments=[
        Segment(
            kind="country",
            name="A|B\n<script>",
            n=300,
            churn_rate=0.5,
            forecast=0.4,
            auroc=Interval(0.7, 0.6, 0.8),
            observed_expected=Interval(1.25, 1.1, 1.4),
            calibration_slope=UNKNOWN,
        )
    ],
    importance=[("recency_days", 0.5, "Silence tells.")],
    limits=["It knows little."],
)


def test_figures_have_their_intervals() -> None:
    """And what does not exist says so."""
    text = render(CARD, ["It passed."])
    assert "| 2024-06-01 | 1,200 | 25.0% | 0.800 (0.750 to 0.850) |" in text
    assert "| 2024-06-01 | 0.800 (0.750 to 0.850) | not known |" in text
    assert text.endswith("\n## The gate\n\nIt passed.\n")


def test_names_from_the_data_break_no_table() -> None:
    """A country may be called anything; it stays in its cell and is no markup."""
    row = "| country | A/B (script) | 300 | 50.0% | 40.0% | 0.700 (0.600 to 0.800) | 1.250 (1.100 to 1.400) | not known |"
    assert row in render(CARD, [])


def test_without_segments_it_says_why() -> None:
    """Instead of an empty table."""
    empty = ModelCard(**{**vars(CARD), "segments": ()})
    assert "No part of the customers is large enough" in render(empty, [])


def test_the_gate_s_lines_are_replaced() -> None:
    """What the gate says by now stands in place of what it said, and the rest stays."""
    first = render(CARD, ["It passed."])
    again = with_gate(first, ["It did not pass."])
    assert again == render(CARD, ["It did not pass."])
    assert "It passed." not in again
