"""What `bench_features.py` has measured so far: kept as numbers, told as a table and as a picture."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

KERNEL, ONE_CUTOFF, SCAN = "kernel", "kernel, one cutoff", "bare scan"
_BEGIN, _END = "<!-- panel: written by bench_features.py -->", "<!-- /panel -->"
_WIDTH, _LEFT, _RIGHT, _ROW, _BAR = 760, 210, 190, 22, 14


@dataclass(frozen=True)
class Way:
    """The medians of one way.

    Attributes:
        read_cpu: seconds of the processor before its first number.
        cpu: seconds of the processor for the panel.
        wall: seconds of the clock for the panel.
        peak_mb: the most memory that it held.
        runs: how many runs these are the medians of.
        features: how many of the features it can express.
    """

    read_cpu: float
    cpu: float
    wall: float
    peak_mb: float
    runs: int
    features: int


@dataclass(frozen=True)
class Size:
    """All ways at one size.

    Attributes:
        lines: order lines.
        customers: how many.
        cutoffs: how many.
        features: how many the kernel computes.
        ways: by name.
    """

    lines: int
    customers: int
    cutoffs: int
    features: int
    ways: Mapping[str, Way]


def keep(size: Size, folder: Path) -> None:
    """Write the size's numbers beside those of other sizes, and tell all of them anew in `features.md` and `features.svg`."""
    numbers = folder / "features.json"
    kept = json.loads(numbers.read_text(encoding="utf-8")) if numbers.exists() else {}
    kept[str(size.lines)] = asdict(size)
    numbers.write_text(json.dumps(kept, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    sizes = [
        Size(**{**one, "ways": {name: Way(**way) for name, way in one["ways"].items()}})
        for one in kept.values()
    ]
    sizes.sort(key=lambda one: one.lines)
    page = folder / "features.md"
    front, rest = page.read_text(encoding="utf-8").split(_BEGIN)
    after = rest.split(_END)[1]
    tables = "\n\n".join(table(one) for one in sizes)
    page.write_text(f"{front}{_BEGIN}\n{tables}\n{_END}{after}", encoding="utf-8")
    (folder / "features.svg").write_text(picture(sizes), encoding="utf-8")


def table(size: Size) -> str:
    """One size as Markdown."""
    rows = [
        (
            f"{size.lines:,} order lines, as many messages, a tenth as many tickets and feedback, of {size.customers:,} customers; "
            f"{size.cutoffs} monthly cutoffs, {size.features} features, one thread."
        ),
        "",
        "| way | features | runs | read, CPU s | compute, CPU s | compute, wall s | peak MB | compute / bare scan | compute / kernel |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for name, one in _in_order(size):
        cells = [
            f"{one.features or ''}",
            f"{one.runs}",
            f"{one.read_cpu:.1f}",
            f"{one.cpu:.2f}",
            f"{one.wall:.2f}",
            f"{one.peak_mb:,.0f}",
            f"{one.cpu / size.ways[SCAN].cpu:.1f}",
            f"{one.cpu / size.ways[KERNEL].cpu:.1f}",
        ]
        rows.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join(rows)


def picture(sizes: list[Size]) -> str:
    """One SVG: for each size a block of bars, of processor seconds as multiples of the kernel's; longer than the page, a bar is cut."""
    height = sum(_ROW * (len(_in_order(one)) + 2) for one in sizes) + 10
    svg = ET.Element("svg", xmlns="http://www.w3.org/2000/svg", viewBox=f"0 0 {_WIDTH} {height}", role="img")
    ET.SubElement(svg, "title").text = "Processor time of a panel of features, by way and size"
    # Readable on white and on black, since a page may be either.
    ET.SubElement(
        svg, "style"
    ).text = "text{font:13px sans-serif;fill:#767676}.head{font-weight:bold}.other{fill:#9aa5b1}.ours{fill:#2f7ed8}"
    top = 0.0
    for size in sizes:
        top += _ROW
        head = f"{size.lines:,} order lines, {size.cutoffs} cutoffs, {size.features} features: CPU seconds (times the kernel's)"
        _text(svg, 10, top - 4, head, "head")
        kernel = size.ways[KERNEL].cpu
        # One way that takes hundreds of times as long would leave nothing to see of the others.
        longest = min(max(one.cpu for one in size.ways.values()), 8 * kernel)
        for name, one in _in_order(size):
            length = min(one.cpu, longest) / longest * (_WIDTH - _LEFT - _RIGHT)
            _text(svg, 10, top + _BAR, name, "")
            ET.SubElement(
                svg,
                "rect",
                {
                    "x": str(_LEFT),
                    "y": f"{top + 3:.0f}",
                    "width": f"{max(length, 1):.1f}",
                    "height": str(_BAR),
                    "class": "ours" if name.startswith(KERNEL) else "other",
                },
            )
            cut = " →" if one.cpu > longest else ""
            _text(svg, _LEFT + length + 6, top + _BAR, f"{one.cpu:,.2f} ({one.cpu / kernel:.1f}){cut}", "")
            top += _ROW
        top += _ROW
    return ET.tostring(svg, encoding="unicode") + "\n"


def _in_order(size: Size) -> list[tuple[str, Way]]:
    """The kernel first, the bare scan last, the others from fast to slow."""

    def place(one: tuple[str, Way]) -> tuple[int, float]:
        name, way = one
        return (0 if name == KERNEL else 1 if name == ONE_CUTOFF else 3 if name == SCAN else 2), way.cpu

    return sorted(size.ways.items(), key=place)


def _text(svg: ET.Element, x: float, y: float, words: str, kind: str) -> None:
    place = {"x": f"{x:.1f}", "y": f"{y:.1f}", **({"class": kind} if kind else {})}
    ET.SubElement(svg, "text", place).text = words
