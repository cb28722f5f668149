"""Charts as inline SVG: readable on a phone, coloured by the page's style sheet, the same bytes every time."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

from markupsafe import Markup

from retain.reports import wording
from retain.reports.content import Estimate

if TYPE_CHECKING:
    from collections.abc import Sequence

    from retain.reports.content import (
        Contender,
        Decile,
        Dependence,
        Importance,
        MoneyCurve,
        Number,
        Reason,
        ReliabilityBin,
        Segment,
        Tier,
    )

WIDTH = 330.0
"""Of every drawing, in its own units: about the width of a phone's column, so that letters keep their size there."""

STEPS = 5
"""Shades of risk in the style sheet, ``risk-1`` (low) to ``risk-5``."""

_LEFT, _RIGHT, _TOP, _PLOT = 40.0, 12.0, 26.0, 236.0
"""Margins of a plot with axes, and its height."""
_ROW, _BAR = 42.0, 13.0
"""Height of a row of labelled bars, and of the bar in it."""
_LONGEST_LABEL = 48
_TICKS = (0.0, 0.25, 0.5, 0.75, 1.0)


def shade(position: int, tiers: int) -> str:
    """The style sheet's class for a tier, by its place below the highest.

    >>> [shade(position, 4) for position in range(4)]
    ['risk-5', 'risk-4', 'risk-2', 'risk-1']
    >>> shade(0, 1)
    'risk-5'
    """
    return f"risk-{STEPS - round((STEPS - 1) * position / max(1, tiers - 1))}"


def tier_strip(tiers: Sequence[Tier]) -> Markup:
    """All scored customers as one bar, cut by risk tier."""
    height = 18.0
    said = "; ".join(f"{tier.name} {wording.count(tier.customers)}" for tier in tiers)
    svg = _drawing("strip", height, "Scored customers by risk tier", said)
    # It holds no letters, so it may fill any width.
    svg.set("preserveAspectRatio", "none")
    _stack(svg, 0, height, WIDTH, [tier.customers for tier in tiers])
    return _finished(svg)


def tier_bars(tiers: Sequence[Tier]) -> Markup:
    """Customers per tier, with the part of them expected to churn in full colour."""
    said = "; ".join(
        f"{tier.name}: {wording.count(tier.customers)} customers, "
        f"{wording.count(tier.expected_churners)} expected to leave"
        for tier in tiers
    )
    svg = _drawing("tiers", _ROW * len(tiers), "Customers and expected leavers by tier", said)
    scale = WIDTH / max([1, *(tier.customers for tier in tiers)])
    for position, tier in enumerate(tiers):
        top = _ROW * position
        colour = shade(position, len(tiers))
        leavers = wording.count(tier.expected_churners)
        _label(svg, top, tier.name.capitalize(), f"{leavers} of {wording.count(tier.customers)}")
        _box(svg, 0, top + 20, tier.customers * scale, _BAR, f"{colour} pale")
        _box(svg, 0, top + 20, _finite(tier.expected_churners) * scale, _BAR, colour)
    return _finished(svg)


def reason_bars(reasons: Sequence[Reason], tiers: Sequence[Tier]) -> Markup:
    """How many customers each topic drives, cut by risk tier."""
    said = "; ".join(f"{reason.topic}: {wording.count(sum(reason.customers))}" for reason in reasons)
    svg = _drawing("reasons", _ROW * len(reasons), "Customers by reason and tier", said)
    longest = max([1, *(sum(reason.customers) for reason in reasons)])
    for position, reason in enumerate(reasons):
        total = sum(reason.customers)
        top = _ROW * position
        _label(svg, top, reason.topic, wording.count(total))
        _stack(svg, top + 20, _BAR, WIDTH * total / longest, reason.customers, len(tiers))
    return _finished(svg)


def importance_bars(rows: Sequence[Importance]) -> Markup:
    """How far each feature moves the probabilities, strongest first."""
    said = "; ".join(f"{row.name}: {wording.decimals(row.contribution, 3)}" for row in rows)
    svg = _drawing("importance", _ROW * len(rows), "Mean absolute contribution to the log-odds", said)
    largest = max((row.contribution for row in rows), default=0.0) or 1.0
    for position, row in enumerate(rows):
        top = _ROW * position
        _label(svg, top, row.name, wording.decimals(row.contribution, 2))
        _box(svg, 0, top + 20, WIDTH * row.contribution / largest, _BAR, "ours")
    return _finished(svg)


def dependence_chart(one: Dependence, key: str, low: float, high: float) -> Markup:
    """The mean probability by the value of one feature, and below it how many customers have each value.

    Args:
        one: the feature.
        key: names the drawing on the page.
        low: the lowest probability drawn; the same for all features, so that they can be compared.
        high: the highest.
    """
    plot, below = 118.0, 30.0
    floor = _TOP + plot
    (first, begins), (last, ends) = one.curve[0], one.curve[-1]
    said = f"{wording.percent(begins, 0)} at {wording.compact(first)}, {wording.percent(ends, 0)} at {wording.compact(last)}"
    svg = _drawing(key, floor + below + 20, f"Probability by {one.name}", said)
    wide = WIDTH - _LEFT - _RIGHT
    for tick in (low, (low + high) / 2, high):
        y = floor - (tick - low) / (high - low) * plot
        _segment(svg, _LEFT, y, WIDTH - _RIGHT, y, "grid" if tick > low else "axis")
        _text(svg, _LEFT - 6, y + 4, wording.percent(tick, 0), "end", "number")
    _text(svg, 0, 14, "mean probability", kind="small")
    points = [
        (_LEFT + (value - first) / (last - first) * wide, floor - (chance - low) / (high - low) * plot)
        for value, chance in one.curve
    ]
    path = " ".join(f"{_short(x)},{_short(y)}" for x, y in points)
    ET.SubElement(svg, "polyline", {"class": "curve ours", "points": path})
    most = max([1, *one.customers])
    step = wide / max(1, len(one.customers))
    for position, customers in enumerate(one.customers):
        tall = (below - 6) * customers / most
        _box(svg, _LEFT + step * position, floor + below - tall, step * 0.86, tall, "ours pale")
    _segment(svg, _LEFT, floor + below, WIDTH - _RIGHT, floor + below, "axis")
    for value, anchor in ((first, "start"), ((first + last) / 2, "middle"), (last, "end")):
        x = _LEFT + (value - first) / (last - first) * wide
        _text(svg, x, floor + below + 15, wording.compact(value), anchor, "number")
    return _finished(svg)


def probability_range(curves: Sequence[Dependence]) -> tuple[float, float]:
    """The range of whole tens of per cent that holds all these curves.

    >>> from retain.reports.content import Dependence
    >>> probability_range([Dependence("a", ((0.0, 0.31), (1.0, 0.52)))])
    (0.3, 0.6)
    """
    every = [chance for one in curves for _, chance in one.curve]
    low, high = math.floor(10 * min(every)) / 10, math.ceil(10 * max(every)) / 10
    return (low, high) if high > low else (low, low + 0.1)


def gain_chart(contenders: Sequence[Contender]) -> Markup:
    """What share of the churners is found by contacting so many customers, ours against the baselines."""
    curves = [contender for contender in contenders if contender.gain]
    return _gain("gain", "leavers", [(one.name, one.gain, one.ours) for one in curves])


def money_chart(curves: Sequence[MoneyCurve]) -> Markup:
    """What share of the leavers' value is found by contacting so many customers, by how the list is ordered."""
    return _gain("money", "value of leavers", [(one.name, one.gain, one.ours) for one in curves])


def _gain(key: str, what: str, curves: Sequence[tuple[str, Sequence[tuple[float, float]], bool]]) -> Markup:
    """Gain curves by name, the points of each, and whether it is ours."""
    said = "; ".join(
        f"{name} finds {wording.percent(found_at(points, 0.2), 0)} of the {what} in the top 20%"
        for name, points, _ in curves
    )
    svg = _drawing(key, _TOP + _PLOT + 40, f"{what.capitalize()} found by customers contacted", said)
    plot = _Plot(svg)
    plot.axes(
        f"{what} found", "customers contacted, highest risk first" if key == "gain" else "customers contacted"
    )
    plot.line(((0.0, 0.0), (1.0, 1.0)), "by-lot")
    kinds = _kinds([ours for _, _, ours in curves])
    # Ours is drawn last, to lie on top.
    for (_, points, _), kind in sorted(zip(curves, kinds, strict=True), key=lambda pair: pair[0][2]):
        plot.line(points, f"curve {kind}")
    for _, points, ours in curves:
        if ours:
            found = found_at(points, 0.2)
            plot.line(((0.2, 0.0), (0.2, found)), "guide")
            plot.dot(0.2, found, "ours")
    names = [*(name for name, _, _ in curves), "by lot"]
    # Below the diagonal a gain curve hardly ever goes, so the legend has that corner.
    for row, (name, kind) in enumerate(
        zip(names, [*(f"curve {kind}" for kind in kinds), "by-lot"], strict=True)
    ):
        y = _TOP + _PLOT - 14 - 18 * (len(names) - 1 - row)
        _segment(svg, 142, y - 4, 164, y - 4, kind)
        _text(svg, 170, y, _shortened(name, 24), kind="small")
    return _finished(svg)


def order_chart(segments: Sequence[Segment], everyone: Number) -> Markup:
    """AUROC with its interval for each part of the customers; the dotted line is that of all."""
    return _forest("order", "AUROC", segments, [one.auroc for one in segments], everyone)


def level_chart(segments: Sequence[Segment]) -> Markup:
    """Observed over expected churn with its interval for each part of the customers; the dotted line is 1."""
    return _forest("level", "Observed over expected", segments, [one.level for one in segments], 1.0)


def _forest(
    key: str, what: str, segments: Sequence[Segment], estimates: Sequence[Estimate], mark: Number
) -> Markup:
    """A dot and an interval for each part, under the heading of its kind."""
    row, head = 36.0, 26.0
    kinds = list(dict.fromkeys(one.kind for one in segments))
    said = "; ".join(
        f"{one.kind} {one.name}: {wording.decimals(each.value, 2)}"
        for one, each in zip(segments, estimates, strict=True)
    )
    svg = _drawing(
        key, head * len(kinds) + row * len(segments) + 22, f"{what} by part of the customers", said
    )
    known = [
        end
        for one in (*estimates, Estimate(mark))
        for end in (one.value, one.low, one.high)
        if end is not None and math.isfinite(end)
    ]
    low, high = math.floor(10 * min(known, default=0)) / 10, math.ceil(10 * max(known, default=0)) / 10
    span = max(high - low, 0.1)

    def x(value: float) -> float:
        return (value - low) / span * (WIDTH - 12) + 6

    foot = head * len(kinds) + row * len(segments)
    if mark is not None and math.isfinite(mark):
        _segment(svg, x(mark), head - 6, x(mark), foot, "by-lot")
    top, last = 0.0, ""
    for one, each in zip(segments, estimates, strict=True):
        if one.kind != last:
            _text(svg, 0, top + 15, one.kind, kind="small")
            top, last = top + head, one.kind
        _label(svg, top - 2, one.name, wording.decimals(each.value, 2))
        if each.low is not None and each.high is not None and math.isfinite(each.low + each.high):
            _segment(svg, x(each.low), top + 22, x(each.high), top + 22, "whisker")
        if each.value is not None and math.isfinite(each.value):
            at = {"cx": _short(x(each.value)), "cy": _short(top + 22), "r": "4.5"}
            ET.SubElement(svg, "circle", {"class": "dot ours", **at})
        top += row
    _segment(svg, 0, foot, WIDTH, foot, "axis")
    for value, anchor in ((low, "start"), (low + span, "end")):
        _text(svg, x(value), foot + 16, wording.decimals(value, 1), anchor, "number")
    _text(svg, WIDTH / 2, foot + 16, what, "middle", "small")
    return _finished(svg)


def reliability_chart(bins: Sequence[ReliabilityBin]) -> Markup:
    """Predicted against observed churn, and below it how many customers have each probability."""
    below = 66.0
    said = "; ".join(
        f"predicted {wording.percent(one.predicted, 0)}, observed {wording.percent(one.observed, 0)}"
        for one in bins
    )
    svg = _drawing("reliability", _TOP + _PLOT + 40 + below, "Predicted against observed churn", said)
    plot = _Plot(svg)
    plot.axes("observed churn", "predicted probability")
    plot.line(((0.0, 0.0), (1.0, 1.0)), "by-lot")
    most = max([1, *(one.customers for one in bins)])
    floor = _TOP + _PLOT + 40 + below - 2
    for one in bins:
        if one.low is not None and one.high is not None:
            plot.line(((one.predicted, one.low), (one.predicted, one.high)), "whisker")
        plot.dot(one.predicted, one.observed, "ours")
        tall = 38 * one.customers / most
        _box(svg, plot.x(one.predicted) - 6, floor - tall, 12, tall, "ours pale")
    _segment(svg, _LEFT, floor, WIDTH - _RIGHT, floor, "axis")
    _text(svg, _LEFT, floor - 43, "customers at each probability", kind="small")
    return _finished(svg)


def decile_chart(deciles: Sequence[Decile]) -> Markup:
    """The churn rate in each tenth of the customers, highest probabilities first."""
    said = "; ".join(f"tenth {one.decile}: {wording.percent(one.rate, 0)}" for one in deciles)
    svg = _drawing("deciles", _TOP + _PLOT + 40, "Churn rate by tenth of customers", said)
    floor = _TOP + _PLOT
    step = WIDTH / max(1, len(deciles))
    top_rate = max([_finite(one.rate) for one in deciles] or [0.0]) or 1.0
    scale = (_PLOT - 22) / top_rate
    _text(svg, 0, 14, "share that left", kind="small")
    for position, one in enumerate(deciles):
        middle = step * (position + 0.5)
        tall = _finite(one.rate) * scale
        _box(svg, middle - step * 0.39, floor - tall, step * 0.78, tall, "ours")
        known = one.rate is not None and math.isfinite(one.rate)
        _text(
            svg, middle, floor - tall - 6, wording.percent(one.rate, 0) if known else "?", "middle", "number"
        )
        _text(svg, middle, floor + 16, str(one.decile), "middle", "number")
    _segment(svg, 0, floor, WIDTH, floor, "axis")
    customers = sum(one.customers for one in deciles)
    if customers:
        everyone = sum(one.churners for one in deciles) / customers
        level = floor - min(everyone, top_rate) * scale
        _segment(svg, 0, level, WIDTH, level, "by-lot")
        _text(svg, WIDTH, level - 6, f"all customers {wording.percent(everyone, 0)}", "end", "small")
    _text(svg, WIDTH / 2, floor + 34, "tenth of customers, highest risk first", "middle", "small")
    return _finished(svg)


def found_at(gain: Sequence[tuple[float, float]], contacted: float) -> float:
    """The share of churners found by contacting that share of customers, between the points by a straight line.

    >>> found_at(((0.0, 0.0), (0.5, 0.8), (1.0, 1.0)), 0.25)
    0.4
    """
    before = (0.0, 0.0)
    for point in gain:
        if point[0] >= contacted:
            width = point[0] - before[0]
            return (
                point[1]
                if width == 0
                else before[1] + (point[1] - before[1]) * (contacted - before[0]) / width
            )
        before = point
    return before[1]


def _kinds(ours: Sequence[bool]) -> list[str]:
    """The style of each curve: ours, then one for each of the others."""
    others = iter(range(1, len(ours) + 1))
    return ["ours" if one else f"other-{min(next(others), 3)}" for one in ours]


class _Plot:
    """A square of shares with its axes."""

    def __init__(self, svg: ET.Element) -> None:
        self._svg = svg

    def x(self, share: float) -> float:
        """Where a share is, from the left."""
        return _LEFT + share * (WIDTH - _LEFT - _RIGHT)

    def y(self, share: float) -> float:
        """Where a share is, from the top."""
        return _TOP + (1 - share) * _PLOT

    def axes(self, upright: str, level: str) -> None:
        """Grid, ticks and what they mean."""
        for tick in _TICKS:
            _segment(self._svg, self.x(0), self.y(tick), self.x(1), self.y(tick), "grid" if tick else "axis")
            _text(self._svg, _LEFT - 6, self.y(tick) + 4, wording.percent(tick, 0), "end", "number")
            anchor = "end" if tick == 1 else "middle"
            place = self.x(tick) + (8 if tick == 1 else 0)
            _text(self._svg, place, _TOP + _PLOT + 16, wording.percent(tick, 0), anchor, "number")
        _text(self._svg, 0, 14, upright, kind="small")
        _text(self._svg, self.x(0.5), _TOP + _PLOT + 34, level, "middle", "small")

    def line(self, points: Sequence[tuple[float, float]], kind: str) -> None:
        """A line through points of two shares."""
        path = " ".join(f"{_short(self.x(x))},{_short(self.y(y))}" for x, y in points)
        ET.SubElement(self._svg, "polyline", {"class": kind, "points": path})

    def dot(self, x: float, y: float, kind: str) -> None:
        """A dot at a point of two shares."""
        at = {"cx": _short(self.x(x)), "cy": _short(self.y(y)), "r": "4.5"}
        ET.SubElement(self._svg, "circle", {"class": f"dot {kind}", **at})


def _drawing(key: str, height: float, title: str, description: str) -> ET.Element:
    svg = ET.Element(
        "svg",
        {
            "viewBox": f"0 0 {_short(WIDTH)} {_short(height)}",
            "class": f"chart chart-{key}",
            "role": "img",
            "aria-labelledby": f"{key}-title {key}-description",
        },
    )
    ET.SubElement(svg, "title", {"id": f"{key}-title"}).text = title
    ET.SubElement(svg, "desc", {"id": f"{key}-description"}).text = description
    return svg


def _finished(svg: ET.Element) -> Markup:
    # ElementTree has escaped every text and attribute.
    return Markup(ET.tostring(svg, encoding="unicode"))  # noqa: S704 - escaped already, see above


def _label(svg: ET.Element, top: float, name: str, figure: str) -> None:
    _text(svg, 0, top + 14, _shortened(name, _LONGEST_LABEL - len(figure)))
    _text(svg, WIDTH, top + 14, figure, "end", "number")


def _stack(
    svg: ET.Element, top: float, height: float, width: float, counts: Sequence[int], tiers: int | None = None
) -> None:
    """One bar, cut in proportion to the counts."""
    left, total = 0.0, sum(counts)
    for position, count in enumerate(counts):
        if count:
            part = width * count / total
            # A hair's breadth between neighbours tells them apart without colour.
            gap = 1.5 if left + part < width - 1e-6 and part > 3 else 0.0
            _box(svg, left, top, part - gap, height, shade(position, tiers or len(counts)))
            left += part


def _box(svg: ET.Element, x: float, y: float, width: float, height: float, kind: str) -> None:
    at = {
        "x": _short(x),
        "y": _short(y),
        "width": _short(max(0.0, width)),
        "height": _short(max(0.0, height)),
    }
    ET.SubElement(svg, "rect", {"class": kind, **at})


def _segment(svg: ET.Element, x1: float, y1: float, x2: float, y2: float, kind: str) -> None:
    at = {"x1": _short(x1), "y1": _short(y1), "x2": _short(x2), "y2": _short(y2)}
    ET.SubElement(svg, "line", {"class": kind, **at})


def _text(
    svg: ET.Element, x: float, y: float, words: str, anchor: str = "start", kind: str = "label"
) -> None:
    at = {"x": _short(x), "y": _short(y), "text-anchor": anchor}
    ET.SubElement(svg, "text", {"class": kind, **at}).text = words


def _short(value: float) -> str:
    """A coordinate to a tenth of a unit.

    >>> _short(12.0), _short(0.25)
    ('12', '0.2')
    """
    return f"{value:.1f}".removesuffix(".0")


def _shortened(words: str, most: int) -> str:
    return words if len(words) <= most else f"{words[: most - 1].rstrip()}…"


def _finite(value: float | None) -> float:
    return value if value is not None and math.isfinite(value) else 0.0
