"""What came of a tuning as one picture: the figure by trial, and by the value of each hyperparameter."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import accumulate
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

from retain.reports import wording

if TYPE_CHECKING:
    from collections.abc import Sequence

_WIDTH, _LEFT, _RIGHT = 720.0, 56.0, 16.0
_TOP, _PLOT, _FOOT = 64.0, 190.0, 44.0
_COLUMNS, _GAP = 4, 18.0
_PANEL, _PANEL_HEAD, _PANEL_FOOT = 96.0, 34.0, 26.0
_SPARE = 0.08
"""Of the range of figures, left free above and below."""
_STYLE = """
text { font: 13px system-ui, "Segoe UI", Roboto, "Liberation Sans", Arial, sans-serif; fill: #1c2126; }
.head { font-size: 16px; font-weight: 600; } .small { font-size: 11.5px; fill: #565d63; }
.paper { fill: #fbfaf6; } .noise { fill: #b8500a; opacity: .09; } .axis { stroke: #565d63; } .grid { stroke: #e4e0d5; }
.trial { fill: #0b5f94; opacity: .55; } .present { fill: #b8500a; } .best { fill: #fbfaf6; stroke: #0b5f94; stroke-width: 2.5; }
.so-far { fill: none; stroke: #0b5f94; stroke-width: 2; } .level { stroke: #b8500a; stroke-dasharray: 4 3; }
@media (prefers-color-scheme: dark) {
text { fill: #e6e3db; } .small { fill: #a9abab; } .paper, .best { fill: #15181b; } .grid { stroke: #2b3034; } .axis { stroke: #a9abab; }
.trial { fill: #5eb3e8; } .best, .so-far { stroke: #5eb3e8; } .present { fill: #f0a05a; } .level { stroke: #f0a05a; } }
"""


@dataclass(frozen=True)
class Slice:
    """One hyperparameter and the value that each trial had.

    Attributes:
        key: its name below ``[training]``.
        log: whether it is drawn by factors instead of by steps.
        values: one a trial.
    """

    key: str
    log: bool
    values: Sequence[float]


@dataclass(frozen=True)
class Picture:
    """What is drawn.

    Attributes:
        auroc: the mean validation AUROC of each trial, the present settings first.
        slices: every hyperparameter.
        noise: how far from the present settings a trial may come out by luck alone.
    """

    auroc: Sequence[float]
    slices: Sequence[Slice]
    noise: float


def draw(picture: Picture) -> str:
    """The picture as SVG that needs nothing else; the same content gives the same bytes.

    Above, the figure of each trial and the best so far; below, a panel for each hyperparameter, in which each
    dot is a trial at the value that it had. The ring is the best trial, the full dot the present settings.

    Args:
        picture: what to draw.
    """
    rows = math.ceil(len(picture.slices) / _COLUMNS)
    below = _TOP + _PLOT + _FOOT
    height = below + rows * (_PANEL_HEAD + _PANEL + _PANEL_FOOT) + 8
    svg = ET.Element(
        "svg",
        {
            "xmlns": "http://www.w3.org/2000/svg",
            "viewBox": f"0 0 {_short(_WIDTH)} {_short(height)}",
            "role": "img",
            "aria-label": _said(picture),
        },
    )
    ET.SubElement(svg, "style").text = _STYLE
    _add(svg, "rect", "paper", x=0, y=0, width=_WIDTH, height=height)
    _text(svg, _LEFT, 26, "Mean validation AUROC by trial", "head")
    _text(
        svg,
        _LEFT,
        46,
        "line: best so far; ring: best; full dot and dashes: the present settings; shade: within noise of them",
        "small",
    )
    _trials(svg, picture)
    scale = _Scale.of(picture.auroc)
    wide = (_WIDTH - _LEFT - _RIGHT - (_COLUMNS - 1) * _GAP) / _COLUMNS
    for at, one in enumerate(picture.slices):
        left = _LEFT + at % _COLUMNS * (wide + _GAP)
        top = below + at // _COLUMNS * (_PANEL_HEAD + _PANEL + _PANEL_FOOT) + _PANEL_HEAD
        _panel(svg, picture, one, scale, (left, top, wide))
    return ET.tostring(svg, encoding="unicode") + "\n"


@dataclass(frozen=True)
class _Scale:
    """From values to shares of a side, 0 to 1."""

    low: float
    high: float
    log: bool = False

    @classmethod
    def of(cls, values: Sequence[float], *, log: bool = False) -> _Scale:
        """A scale that holds the values, with room where they are all the same."""
        low, high = min(values), max(values)
        return cls(low, high, log)

    def __call__(self, value: float) -> float:
        """The share; the middle where all values are the same."""
        low, high, here = (math.log(one) if self.log else one for one in (self.low, self.high, value))
        return 0.5 if high <= low else _SPARE + (1 - 2 * _SPARE) * (here - low) / (high - low)


def _trials(svg: ET.Element, picture: Picture) -> None:
    """The upper plot."""
    low, high = picture.auroc[0] - picture.noise, picture.auroc[0] + picture.noise
    scale = _Scale.of((*picture.auroc, low, high))
    floor, wide = _TOP + _PLOT, _WIDTH - _LEFT - _RIGHT
    last = max(1, len(picture.auroc) - 1)
    places = [
        (_LEFT + (0.02 + 0.96 * at / last) * wide, floor - scale(value) * _PLOT)
        for at, value in enumerate(picture.auroc)
    ]
    shade = floor - scale(high) * _PLOT, (scale(high) - scale(low)) * _PLOT
    _add(svg, "rect", "noise", x=_LEFT, y=shade[0], width=wide, height=shade[1])
    for value in dict.fromkeys((scale.low, (scale.low + scale.high) / 2, scale.high)):
        y = floor - scale(value) * _PLOT
        _add(svg, "line", "grid", x1=_LEFT, y1=y, x2=_WIDTH - _RIGHT, y2=y)
        _text(svg, _LEFT - 8, y + 4, wording.decimals(value, 4), "small", "end")
    _add(svg, "line", "axis", x1=_LEFT, y1=floor, x2=_WIDTH - _RIGHT, y2=floor)
    y = floor - scale(picture.auroc[0]) * _PLOT
    _add(svg, "line", "level", x1=_LEFT, y1=y, x2=_WIDTH - _RIGHT, y2=y)
    best = [floor - scale(one) * _PLOT for one in accumulate(picture.auroc, max)]
    steps = [f"{_short(places[0][0])},{_short(best[0])}"]
    for (x, _), before, now in zip(places[1:], best, best[1:], strict=False):
        steps += [f"{_short(x)},{_short(before)}", f"{_short(x)},{_short(now)}"]
    ET.SubElement(svg, "polyline", {"class": "so-far", "points": " ".join(steps)})
    _dots(svg, picture, places)
    for at in dict.fromkeys((0, len(picture.auroc) - 1)):
        _text(svg, places[at][0], floor + 16, str(at), "small", "middle")
    _text(svg, _LEFT + wide / 2, floor + 16, "trial", "small", "middle")


def _panel(
    svg: ET.Element, picture: Picture, one: Slice, scale: _Scale, place: tuple[float, float, float]
) -> None:
    """The trials by the value of one hyperparameter, at (left, top, width)."""
    left, top, wide = place
    floor, across = top + _PANEL, _Scale.of(one.values, log=one.log)
    _text(svg, left, top - 8, one.key.replace(".", " "), "small")
    _add(svg, "line", "axis", x1=left, y1=floor, x2=left + wide, y2=floor)
    y = floor - scale(picture.auroc[0]) * _PANEL
    _add(svg, "line", "level", x1=left, y1=y, x2=left + wide, y2=y)
    places = [
        (left + across(value) * wide, floor - scale(figure) * _PANEL)
        for value, figure in zip(one.values, picture.auroc, strict=True)
    ]
    _dots(svg, picture, places)
    ends = [(across.low, left, "start"), (across.high, left + wide, "end")]
    for value, x, anchor in ends[: 1 + (across.high > across.low)]:
        _text(svg, x, floor + 15, f"{value:.3g}", "small", anchor)


def _dots(svg: ET.Element, picture: Picture, places: Sequence[tuple[float, float]]) -> None:
    """A dot for each trial; the best and the present settings are drawn last, above all others."""
    best = max(range(len(places)), key=lambda at: picture.auroc[at])
    kinds = {best: "best", 0: "present"}
    for at in [one for one in range(len(places)) if one not in kinds]:
        _add(svg, "circle", "trial", cx=places[at][0], cy=places[at][1], r=3.5)
    for at, kind in kinds.items():
        _add(svg, "circle", kind, cx=places[at][0], cy=places[at][1], r=4.5)


def _said(picture: Picture) -> str:
    """The picture for those who hear it."""
    best = max(range(len(picture.auroc)), key=lambda at: picture.auroc[at])
    return (
        f"{len(picture.auroc)} trials. The present settings reach a mean validation AUROC of "
        f"{wording.decimals(picture.auroc[0], 4)}, the best is trial {best} with {wording.decimals(picture.auroc[best], 4)}."
    )


def _add(svg: ET.Element, shape: str, kind: str, **places: float) -> None:
    ET.SubElement(svg, shape, {"class": kind, **{name: _short(one) for name, one in places.items()}})


def _text(svg: ET.Element, x: float, y: float, words: str, kind: str, anchor: str = "start") -> None:
    at = {"x": _short(x), "y": _short(y), "text-anchor": anchor, "class": kind}
    ET.SubElement(svg, "text", at).text = words


def _short(value: float) -> str:
    """A coordinate to a tenth of a unit."""
    return f"{value:.1f}".removesuffix(".0")
