"""The model that comes with the repository: scoring works after a clone, and whatever does not fit is refused."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from pyarrow import parquet

from retain.errors import ModelError
from retain.modelling import bundle
from retain.pipeline.project import open_project

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).parents[2]
CHAMPION = ROOT / "models" / "champion"
DEFAULT = ROOT / "configs" / "default.toml"
LARGEST = 2_000_000


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The model in a folder that a test may spoil."""
    return shutil.copytree(CHAMPION, tmp_path / "champion")


@pytest.fixture
def refused(cli: Callable[..., Any], tmp_path: Path) -> Callable[..., str]:
    """A function that scores with a model that has to be refused, and gives the message."""

    def run(model: Path, *words: object) -> str:
        out = tmp_path / "out"
        ran = cli(
            *("--config", DEFAULT, "--workspace", tmp_path / "workspace", "score", "--as-of", "2011-06-01"),
            *("--model", model, "--out", out, *words),
        )
        assert (ran.code, ran.out) == (8, "")
        assert not out.exists()
        said: str = ran.err
        return said

    return run


def changed(folder: Path, change: Callable[[dict[str, Any]], object]) -> None:
    """The card changed, with a hash that fits, as another release would have written it."""
    card = json.loads((folder / bundle.CARD).read_text(encoding="utf-8"))
    del card["sha256"]
    change(card)
    card["sha256"] = bundle._digest(card)
    (folder / bundle.CARD).write_text(bundle._written(card), encoding="utf-8", newline="")


def test_scoring_works_right_after_a_clone(cli: Callable[..., Any], tmp_path: Path) -> None:
    """Without training, without a model store: every customer has a row, and the scores put leavers first."""
    words = ("--config", DEFAULT, "--workspace", tmp_path / "workspace")
    as_of = ("--as-of", "2011-06-01", "--model", CHAMPION)
    ran = cli(*words, "score", *as_of, "--out", tmp_path / "out", "--json")
    assert ran.code == 0, ran.err
    assert ran.json["statuses"] == {"scored": 2659, "not_eligible": 2274, "no_history": 379, "invalid": 0}
    (note,) = ran.json["notes"]
    assert note.startswith("Orders in the same days a year before speak of a season with less churn")
    assert ran.json["model_version"] == bundle.load(CHAMPION).version
    rows = parquet.read_table(tmp_path / "out" / "scores.parquet").to_pylist()
    scored = [one for one in rows if one["status"] == "scored"]
    assert 0.4 < sum(one["churn_probability"] for one in scored) / len(scored) < 0.6
    assert not list(tmp_path.rglob("mlflow.db"))
    explained = cli(*words, "explain", scored[0]["customer_id"], *as_of, "--json").json
    assert explained["churn_probability"] == scored[0]["churn_probability"]


def test_the_model_is_small_text_with_a_card() -> None:
    """At most 2 MB, no path of the machine that trained it, and a card that speaks of this very model."""
    texts = {one.name: one.read_bytes().decode("utf-8") for one in CHAMPION.iterdir()}
    assert set(texts) == {"bundle.json", "model.txt", "model-card.md"}
    assert sum(map(len, texts.values())) < LARGEST
    assert texts["model-card.md"].startswith(f"# Model {bundle.load(CHAMPION).version} of online_retail_ii\n")
    assert "\n## The gate\n\nIt passed.\n" in texts["model-card.md"]
    for text in texts.values():
        assert str(ROOT.parent) not in text


@pytest.mark.parametrize("name", ["bundle.json", "model.txt"])
def test_one_changed_byte_is_refused(copy: Path, refused: Callable[..., str], name: str) -> None:
    """The message names the file."""
    found = (copy / name).read_bytes()
    at = found.index(b"5", len(found) // 2)
    (copy / name).write_bytes(found[:at] + b"6" + found[at + 1 :])
    assert f"{copy / name} was changed after training" in refused(copy)


def test_another_feature_set_is_refused(
    copy: Path, own: Callable[..., Any], refused: Callable[..., str]
) -> None:
    """Features of another meaning, features that do not exist here, and features that the tables cannot feed."""
    changed(copy, lambda card: card.update(fingerprint="0" * 64))
    assert "was trained on other definitions of its features" in refused(copy)
    changed(copy, lambda card: card["features"].append("moon_phase"))
    assert "reads features that do not exist here: moon_phase" in refused(copy)
    home = own("customer_id,ordered_at\nc1,2022-01-01\nc1,2022-03-01\n")
    ran = home("score", "--model", CHAMPION)
    assert ran.code == 8
    assert "spend_90d" in ran.err
    assert "which these tables and families cannot feed" in ran.err


def test_an_older_contract_is_refused(copy: Path, refused: Callable[..., str]) -> None:
    """A bundle of the format before, and one for another definition of churn."""
    before = bundle.FORMAT - 1
    changed(copy, lambda card: card.update(format=before))
    assert f"a bundle of format {before}; this version of retain reads format {bundle.FORMAT}" in refused(
        copy
    )
    changed(copy, lambda card: card.update(format=bundle.FORMAT))
    changed(copy, lambda card: card["churn"].update(horizon_days=60))
    assert "predicts another definition of churn" in refused(copy)


def test_a_folder_that_is_none_is_refused(tmp_path: Path) -> None:
    """Nothing is guessed from a path."""
    project = open_project(DEFAULT, tmp_path)
    with pytest.raises(ModelError, match="holds no whole model"):
        project.model(str(tmp_path / "nowhere"))
