from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import pytest

from retain.reports import charts
from retain.reports.content import (
    Contender,
    Decile,
    Dependence,
    Estimate,
    Importance,
    Reason,
    ReliabilityBin,
    Segment,
    Tier,
)

if TYPE_CHECKING:
    from markupsafe import Markup

    from retain.reports.content import ReportContent


@pytest.fixture(scope="module")
def drawings(content: ReportContent) -> dict[str, Markup]:
    """Every chart of the example page."""
    assert content.quality is not None
    return {
        "strip": charts.tier_strip(content.tiers),
        "tiers": charts.tier_bars(content.tiers),
        "reasons": charts.reason_bars(content.reasons, content.tiers),
        "importance": charts.importance_bars(content.importance),
        "gain": charts.gain_chart(content.quality.contenders),
        "reliability": charts.reliability_chart(content.quality.reliability),
        "deciles": charts.decile_chart(content.quality.deciles),
        "money": charts.money_chart(content.quality.money),
        "order": charts.order_chart(content.quality.segments, content.quality.auroc),
        "level": charts.level_chart(content.quality.segments),
        **{
            f"reads-{at}": charts.dependence_chart(
                one, f"reads-{at}", *charts.probability_range(content.dependence)
            )
            for at, one in enumerate(content.dependence)
        },
    }


def parsed(markup: str) -> ET.Element:
    return ET.fromstring(markup)  # noqa: S314 - our own drawing, made a line above


def test_every_chart_has_a_name_and_says_its_figures(drawings: dict[str, Markup]) -> None:
    """Whoever cannot see a chart hears its title and its numbers."""
    for key, markup in drawings.items():
        svg = parsed(markup)
        assert svg.get("role") == "img"
        assert svg.get("aria-labelledby") == f"{key}-title {key}-description"
        assert svg.findtext("title")
        assert any(digit in (svg.findtext("desc") or "") for digit in "0123456789")


def test_everything_drawn_lies_inside_its_frame(drawings: dict[str, Markup]) -> None:
    """Boxes, dots, lines and the feet of letters stay within the view box."""
    for markup in drawings.values():
        svg = parsed(markup)
        _, _, width, height = map(float, (svg.get("viewBox") or "").split())
        for one in svg.iter():
            across = [float(one.get(name, 0)) for name in ("x", "x1", "x2", "cx")]
            down = [float(one.get(name, 0)) for name in ("y", "y1", "y2", "cy")]
            across.append(across[0] + float(one.get("width", 0)) if one.tag == "rect" else 0)
            down.append(down[0] + float(one.get("height", 0)) if one.tag == "rect" else 0)
            for point in (one.get("points") or "0,0").split():
                across.append(float(point.split(",")[0]))
                down.append(float(point.split(",")[1]))
            assert min(across) >= 0
            assert max(across) <= width + 0.1
            assert min(down) >= 0
            assert max(down) <= height + 0.1


def test_the_same_figures_draw_the_same_bytes(content: ReportContent) -> None:
    """No chart holds a time, a random name or an order of its own."""
    assert charts.tier_bars(content.tiers) == charts.tier_bars(content.tiers)
    assert content.quality is not None
    assert charts.gain_chart(content.quality.contenders) == charts.gain_chart(content.quality.contenders)


def test_bars_are_in_proportion() -> None:
    """Twice the customers is twice the length, and the expected leavers are their part of it."""
    svg = parsed(charts.tier_bars((Tier("high", 200, 0.5, 100.0), Tier("low", 100, 0.1, 10.0))))
    assert [float(box.get("width", 0)) for box in svg.iter("rect")] == [330, 165, 165, 16.5]


def test_a_stack_is_cut_in_proportion() -> None:
    """A reason's bar is cut by its tiers; a tier without customers has no part."""
    tiers = tuple(Tier(name, 9, 0.5, 4.5) for name in ("high", "medium", "low"))
    svg = parsed(charts.reason_bars((Reason("silence", (10, 0, 30)),), tiers))
    boxes = [(box.get("class"), float(box.get("x", 0))) for box in svg.iter("rect")]
    assert boxes == [("risk-5", 0.0), ("risk-1", 82.5)]


def test_our_curve_lies_on_top() -> None:
    """Whatever the order of the contenders, ours is drawn last and marked at the top fifth."""
    line = ((0.0, 0.0), (0.5, 0.8), (1.0, 1.0))
    ours = Contender("ours", Estimate(0.8), ours=True, gain=line)
    others = tuple(Contender(f"baseline {i}", Estimate(0.7), gain=line) for i in range(4))
    svg = parsed(charts.gain_chart((ours, *others, Contender("no curve", Estimate(0.5)))))
    kinds = [one.get("class") for one in svg.iter("polyline")]
    assert kinds == [
        "by-lot",
        "curve other-1",
        "curve other-2",
        "curve other-3",
        "curve other-3",
        "curve ours",
        "guide",
    ]
    assert len(list(svg.iter("circle"))) == 1
    assert "no curve" not in [one.text for one in svg.iter("text")]


def test_baselines_alone_can_be_drawn() -> None:
    """Without a champion there is no mark at the top fifth."""
    svg = parsed(charts.gain_chart((Contender("RFM", Estimate(0.7), gain=((0.0, 0.0), (1.0, 1.0))),)))
    assert not list(svg.iter("circle"))


def test_a_bin_without_an_interval_has_no_whisker() -> None:
    """What is not known is not drawn."""
    bins = (ReliabilityBin(0.2, 0.3, 5), ReliabilityBin(0.7, 0.6, 5, 0.5, 0.7))
    kinds = [one.get("class") for one in parsed(charts.reliability_chart(bins)).iter("polyline")]
    assert kinds == ["by-lot", "whisker"]


def test_a_rate_that_is_not_known_has_no_bar() -> None:
    """An empty tenth is a question mark, not a zero."""
    svg = parsed(charts.decile_chart((Decile(1, 0, 0, float("nan"), None, None),)))
    assert [one.text for one in svg.iter("text")][1] == "?"


def test_nothing_at_all_still_draws() -> None:
    """Empty charts are frames, not failures."""
    for markup in (
        charts.tier_strip((Tier("high", 0, None, None),)),
        charts.tier_bars(()),
        charts.reason_bars((Reason("silence", ()),), ()),
        charts.importance_bars((Importance("recency", 0.0),)),
        charts.gain_chart(()),
        charts.reliability_chart(()),
        charts.decile_chart(()),
        charts.money_chart(()),
        charts.level_chart(()),
        charts.order_chart((), None),
    ):
        assert parsed(markup).tag == "svg"


def test_a_curve_spans_its_plot_and_shares_its_scale() -> None:
    """From the lowest value at the left to the highest at the right, at heights that all features share."""
    one = Dependence("recency", ((5.0, 0.2), (10.0, 0.5), (25.0, 0.4)), (3, 0, 1))
    svg = parsed(charts.dependence_chart(one, "reads-1", *charts.probability_range((one,))))
    points = next(svg.iter("polyline")).get("points")
    assert points == "40,144 109.5,26 318,65.3"
    assert [float(box.get("height", 0)) for box in svg.iter("rect")] == [24, 0, 8]
    texts = [text.text for text in svg.iter("text")]
    assert texts == ["20%", "35%", "50%", "mean probability", "5", "15", "25"]


def test_flat_curves_have_a_range_all_the_same() -> None:
    """A feature that changes nothing is a level line, not a division by zero."""
    flat = Dependence("recency", ((0.0, 0.5), (1.0, 0.5)))
    assert charts.probability_range((flat,)) == (0.5, 0.6)
    assert parsed(charts.dependence_chart(flat, "reads-1", 0.5, 0.6)).tag == "svg"


def test_parts_come_under_their_kind_with_dot_and_interval() -> None:
    """Each kind is named once; what is not known has neither dot nor whisker."""
    known, nan = Estimate(0.7, 0.6, 0.8), Estimate(float("nan"))
    parts = (
        Segment("country", "BG", 300, 0.5, known, known, known),
        Segment("country", "DE", 300, 0.5, Estimate(0.65), nan, nan),
        Segment("customer since", "a year", 300, 0.5, nan, nan, nan),
    )
    svg = parsed(charts.order_chart(parts, 0.75))
    texts = [text.text for text in svg.iter("text")]
    assert texts == [
        "country",
        "BG",
        "0.70",
        "DE",
        "0.65",
        "customer since",
        "a year",
        "not known",
        "0.6",
        "0.8",
        "AUROC",
    ]
    assert [one.get("class") for one in svg.iter("line")] == ["by-lot", "whisker", "axis"]
    assert len(list(svg.iter("circle"))) == 2


def test_hostile_names_are_letters(content: ReportContent) -> None:
    """A name with markup in it is shown, not obeyed; a long one is cut."""
    hostile = "</svg><script>alert(1)</script>" + "x" * 60
    markup = charts.tier_bars((replace(content.tiers[0], name=hostile),))
    assert "<script" not in markup
    label = next(parsed(markup).iter("text")).text or ""
    assert label.endswith("…")
    assert len(label) < 50


def test_shades_darken_with_risk() -> None:
    """However many tiers there are, the highest has the strongest colour and none is stronger than one above it."""
    for tiers in range(1, 9):
        shades = [charts.shade(position, tiers) for position in range(tiers)]
        assert shades[0] == "risk-5"
        assert all(above >= below for above, below in pairwise(shades))


def test_the_curve_is_read_between_its_points() -> None:
    """Straight lines between points, a step at a double point, the end beyond the last."""
    assert charts.found_at(((0.0, 0.0), (0.5, 0.8), (1.0, 1.0)), 0.75) == pytest.approx(0.9)
    assert charts.found_at(((0.0, 0.3), (0.5, 0.8)), 0.0) == 0.3
    assert charts.found_at(((0.0, 0.0), (0.5, 0.8)), 0.9) == 0.8
