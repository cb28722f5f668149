"""What the store was not told yet."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING

import pytest

from retain.errors import ModelError
from retain.modelling.waiting import Measured, Training, Tuned, TunedTrial, Waiting

if TYPE_CHECKING:
    from pathlib import Path

SAID = Training(
    version="aaaaaaaaaaaa",
    trained_until="2024-02-05",
    params={"seed": "20"},
    metrics={"auroc": 0.1 + 0.2},
    tags={"data.orders": "f" * 64},
    columns=("recency_days", "orders_lifetime", "static_plan"),
    words=("static_plan",),
    rows=((1.5, math.inf, "gold"), (-0.0, 3.0, None)),
    candidate=False,
)
FIGURES = Measured("2024-01-01", "bbbbbbbbbbbb", {"auroc": 0.75, "empc": math.nan})

TUNED = Tuned(
    version="cccccccccccc",
    until="2024-01-01",
    params={"seed": "20"},
    metrics={"best_auroc": 0.1 + 0.2},
    tags={"recommended": "false"},
    trials=(TunedTrial(0, {"trees.leaves": "20"}, {"mean_auroc": 0.7}), TunedTrial(1, {}, {})),
    picture="<svg>\N{GREEK SMALL LETTER ALPHA}</svg>\n",
)


@pytest.fixture
def waiting(tmp_path: Path) -> Waiting:
    """Nothing waits yet, and the folder is not there."""
    return Waiting(tmp_path / "waiting")


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A folder such as a bundle's."""
    folder = tmp_path / "bundle"
    folder.mkdir()
    (folder / "model.txt").write_text("trees", encoding="utf-8")
    return folder


def test_what_waits_comes_back_as_it_was_and_in_its_order(waiting: Waiting, model: Path) -> None:
    """Models with a copy of their bundle, evaluations without what is not known; after the tenth as before it."""
    assert (len(waiting), waiting.entries()) == (0, ())
    for _ in range(6):
        waiting.keep(SAID, model)
        waiting.keep(FIGURES)
    (model / "model.txt").write_text("changed since", encoding="utf-8")
    found = waiting.entries()
    assert [one.said for one in found] == [SAID, FIGURES] * 6
    assert len(waiting) == 12
    assert found[0].bundle.joinpath("model.txt").read_text(encoding="utf-8") == "trees"
    assert FIGURES.metrics == {"auroc": 0.75}
    example = SAID.example()
    assert example.iloc[:, :2].to_numpy().tolist() == [[1.5, math.inf], [-0.0, 3.0]]
    assert example["static_plan"].dropna().tolist() == ["gold"]
    assert list(SAID.example().columns) == list(SAID.columns)


def test_a_tuning_comes_back_as_it_was(waiting: Waiting) -> None:
    """With every trial and the picture; it has no bundle."""
    waiting.keep(TUNED)
    (kept,) = waiting.entries()
    assert kept.said == TUNED
    assert kept.folder.name == "000001-tuning-cccccccccccc"
    assert not kept.bundle.exists()


def test_what_is_done_waits_no_longer(waiting: Waiting, model: Path) -> None:
    """What comes next still stands behind what is left; an interrupted end does not come back."""
    first, second = waiting.keep(SAID, model), waiting.keep(FIGURES)
    first.done()
    assert waiting.entries() == (second,)
    third = waiting.keep(SAID, model)
    assert [one.folder for one in waiting.entries()] == [second.folder, third.folder]
    (waiting.folder / f".{third.folder.name}").mkdir()
    assert len(waiting) == 2
    third.done()
    second.done()
    assert list(waiting.folder.iterdir()) == []


def test_a_damaged_one_is_named(waiting: Waiting, model: Path) -> None:
    """With the folder to delete."""
    kept = waiting.keep(SAID, model)
    for text in ("{", "[]", json.dumps({"kind": "model"}), json.dumps({"kind": "evaluation", "sum": 1})):
        (kept.folder / "said.json").write_text(text, encoding="utf-8")
        with pytest.raises(ModelError, match=f"{kept.folder.name}, which waits .* Delete it"):
            waiting.entries()
