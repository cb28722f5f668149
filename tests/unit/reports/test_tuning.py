"""The picture of a tuning."""

from __future__ import annotations

from dataclasses import replace
from xml.etree import ElementTree as ET

import pytest

from retain.reports.tuning import Picture, Slice, draw

SVG = "{http://www.w3.org/2000/svg}"
PICTURE = Picture(
    (0.75, 0.74, 0.76, 0.755),
    (
        Slice("trees.ridge", log=True, values=(20.0, 0.1, 200.0, 2.0)),
        Slice("trees.leaves", log=False, values=(20, 4, 64, 8)),
        Slice("logistic.strength", log=True, values=(0.01, 0.0001, 10.0, 1.0)),
    ),
    noise=0.02,
)


def circles(picture: Picture) -> list[tuple[str, float, float]]:
    """Kind and place of every dot."""
    found = ET.fromstring(draw(picture)).iter(f"{SVG}circle")  # noqa: S314  # our own text
    return [(one.attrib["class"], float(one.attrib["cx"]), float(one.attrib["cy"])) for one in found]


def test_every_trial_is_a_dot_in_every_plot() -> None:
    """The present settings and the best are told apart, and lie above all others."""
    found = circles(PICTURE)
    assert [kind for kind, _, _ in found] == ["trial", "trial", "best", "present"] * 4
    by_trial = found[:4]
    heights = {kind: y for kind, _, y in by_trial}
    assert heights["best"] < heights["present"] < by_trial[0][2]


def test_what_is_within_noise_lies_in_the_shade() -> None:
    """The shade reaches as far above the present settings as below; where nothing is noise there is none."""

    def shade(noise: float) -> tuple[float, float]:
        root = ET.fromstring(draw(replace(PICTURE, noise=noise)))  # noqa: S314  # our own text
        (one,) = (each for each in root.iter(f"{SVG}rect") if each.attrib["class"] == "noise")
        return float(one.attrib["y"]), float(one.attrib["height"])

    top, height = shade(0.02)
    found = circles(PICTURE)[:4]
    assert all(top < y < top + height for _, _, y in found)
    present = next(y for kind, _, y in found if kind == "present")
    assert present - top == pytest.approx(height / 2, abs=0.1)
    assert shade(0.0)[1] == 0.0
    top, height = shade(0.007)
    best = next(y for kind, _, y in circles(replace(PICTURE, noise=0.007)) if kind == "best")
    assert best < top


def test_every_hyperparameter_has_a_plot_with_its_ends() -> None:
    """By its name, with the least and the greatest value that was tried."""
    said = [one.text for one in ET.fromstring(draw(PICTURE)).iter(f"{SVG}text")]  # noqa: S314  # as above
    assert [one for one in said if one and one.startswith(("trees", "logistic"))] == [
        "trees ridge",
        "trees leaves",
        "logistic strength",
    ]
    assert said[-9:] == [
        "trees ridge",
        "0.1",
        "200",
        "trees leaves",
        "4",
        "64",
        "logistic strength",
        "0.0001",
        "10",
    ]


def test_factors_are_drawn_as_factors() -> None:
    """On a logarithmic scale .1, 2 and 200 lie as far apart as their factors say."""
    shown = circles(Picture(PICTURE.auroc, PICTURE.slices[:1], 0.0))[4:]
    left, middle, right, present = (x for _, x, _ in shown)
    assert left < middle < present < right
    assert (middle - left) / (right - left) == pytest.approx(0.394, abs=0.005)


@pytest.mark.parametrize("auroc", [(0.75,), (0.75, 0.75, 0.75)])
def test_it_is_drawn_where_nothing_differs(auroc: tuple[float, ...]) -> None:
    """A single trial, or trials that are all alike: the first of them is the best."""
    slices = [Slice("trees.leaves", log=True, values=[20] * len(auroc))]
    found = circles(Picture(auroc, slices, 0.0))
    assert [kind for kind, _, _ in found] == (["trial"] * (len(auroc) - 1) + ["present"]) * 2


def test_the_same_trials_are_the_same_bytes_and_need_nothing_else() -> None:
    """No address but the one that names SVG, no script; those who hear it are told what it shows."""
    text = draw(PICTURE)
    assert text == draw(PICTURE)
    assert text.count("://") == 1
    assert "<script" not in text
    said = ET.fromstring(text).attrib["aria-label"]  # noqa: S314  # our own text
    assert said == (
        "4 trials. The present settings reach a mean validation AUROC of 0.7500, the best is trial 2 with 0.7600."
    )
