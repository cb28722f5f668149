"""A model's folder: whole, checked, and refused when it does not fit."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from retain.engine import ENGINES
from retain.errors import ModelError
from retain.features.catalog import EVERY
from retain.features.spec import Feature, FeatureSet, How, Measure
from retain.labels import ChurnSettings
from retain.lifetime.bgnbd import BgNbd
from retain.lifetime.forecast import Forecast
from retain.lifetime.gamma_gamma import GammaGamma
from retain.modelling import bundle
from retain.modelling.training import Lesson, TrainingSettings, train
from retain.timeline import DAY, instant, instant_text

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from retain.events.store import EventStore
    from retain.modelling.training import Trained

DATA = {"orders": "f" * 64}
END = instant("2023-01-01") + 400 * DAY
CHURN = ChurnSettings(active_days=60, horizon_days=30)
SETTINGS = TrainingSettings(step_days=15, validation_cutoffs=2, learners=("logistic",))


@pytest.fixture
def copy(kept: Path, tmp_path: Path) -> Path:
    """A bundle that a test may spoil."""
    return shutil.copytree(kept, tmp_path / "bundle")


def rewritten(folder: Path, change: Callable[[dict[str, object]], object]) -> None:
    """The card changed and its own hash made to fit, as another version of the software would write it."""
    card = json.loads((folder / bundle.CARD).read_bytes())
    del card["sha256"]
    change(card)
    card["sha256"] = bundle._digest(card)
    (folder / bundle.CARD).write_text(bundle._written(card), encoding="utf-8", newline="")


def test_a_bundle_is_the_model_that_was_saved(trained: Trained, kept: Path) -> None:
    """Its probabilities are the same to the last bit, and so is all that is known of it."""
    opened = bundle.load(kept)
    x = np.random.default_rng(2).exponential(30, (200, len(trained.features.names)))
    x[::3, ::2] = np.nan
    assert opened.probabilities(x).tobytes() == trained.calibration(trained.fitted.log_odds(x)).tobytes()
    assert (opened.features, opened.churn) == (trained.features, trained.churn)
    assert opened.calibration == trained.calibration
    assert opened.trained_until == trained.plan.until
    assert opened.card["learner"] == trained.learner
    assert opened.card["data"] == DATA
    assert opened.card["training"]["rows"] == trained.rows
    assert opened.card["training"]["cutoffs"][-1] == instant_text(trained.plan.cutoffs[-1])
    assert len(opened.card["training"]["contests"]) == len(trained.contests)


def test_a_bundle_keeps_the_forecast_learned_beside_it(trained: Trained, kept: Path, tmp_path: Path) -> None:
    """It comes back with every digit, and another forecast is another version."""
    forecast = Forecast(BgNbd(0.1, 1 / 3, 2.0, 3.0), GammaGamma(1.0, 2.0, 3.0), kept_share=0.7)
    version = bundle.save(trained, tmp_path / "with", data=DATA, forecast=forecast)
    assert bundle.load(tmp_path / "with").forecast == forecast
    assert bundle.load(kept).forecast is None
    assert version != bundle.load(kept).version


def test_a_bundle_is_text(kept: Path) -> None:
    """Two files without a pickle or a byte that is no text."""
    files = sorted(kept.iterdir())
    assert [one.name for one in files] == ["bundle.json", "model.txt"]
    for one in files:
        lines = one.read_bytes().decode("utf-8").split("\n")
        assert all(line.isprintable() for line in lines)


def test_saving_twice_gives_the_same_bytes_and_version(trained: Trained, kept: Path, tmp_path: Path) -> None:
    """So a version names its content."""
    version = bundle.save(trained, tmp_path / "again", data=DATA)
    for one in kept.iterdir():
        assert (tmp_path / "again" / one.name).read_bytes() == one.read_bytes()
    assert version == bundle.load(kept).version
    assert len(version) == 12


@pytest.mark.parametrize("change", ["rows", "data"])
def test_other_content_is_another_version(trained: Trained, kept: Path, tmp_path: Path, change: str) -> None:
    """Whatever differs, be it only what the model was trained on."""
    other = replace(trained, rows=trained.rows + 1) if change == "rows" else trained
    data = {"orders": "0" * 64} if change == "data" else DATA
    assert bundle.save(other, tmp_path / "other", data=data) != bundle.load(kept).version


def test_saving_replaces_what_was_there(trained: Trained, tmp_path: Path) -> None:
    """The whole folder, with nothing left of the old one."""
    (tmp_path / "bundle").mkdir()
    (tmp_path / "bundle" / "old.txt").write_text("old")
    version = bundle.save(trained, tmp_path / "bundle", data=DATA)
    assert not (tmp_path / "bundle" / "old.txt").exists()
    assert bundle.load(tmp_path / "bundle").version == version


@pytest.mark.parametrize("name", ["bundle.json", "model.txt"])
@given(share=st.floats(0, 1, exclude_max=True), byte=st.integers(0, 255))
def test_one_changed_byte_is_refused(kept: Path, name: str, share: float, byte: int) -> None:
    """Wherever it is, line ends and spaces too; the message names the file."""
    original = (kept / name).read_bytes()
    at = int(share * len(original))
    if original[at] == byte:
        byte = (byte + 1) % 256
    try:
        (kept / name).write_bytes(original[:at] + bytes([byte]) + original[at + 1 :])
        with pytest.raises(ModelError, match=str(kept)):
            bundle.load(kept)
    finally:
        (kept / name).write_bytes(original)


@pytest.mark.parametrize("name", ["bundle.json", "model.txt"])
@pytest.mark.parametrize("spoil", ["gone", "empty", "half", "longer", "carriage returns", "no text"])
def test_a_damaged_file_is_refused(copy: Path, name: str, spoil: str) -> None:
    """Missing, cut off, added to, converted or overwritten; what to do is said."""
    original = (copy / name).read_bytes()
    (copy / name).unlink()
    spoilt = {
        "empty": b"",
        "half": original[: len(original) // 2],
        "longer": original + b"\n",
        "carriage returns": original.replace(b"\n", b"\r\n"),
        "no text": b"\xff\xfe" + original,
    }
    if spoil in spoilt:
        (copy / name).write_bytes(spoilt[spoil])
    with pytest.raises(ModelError, match=r"Choose another with --model\."):
        bundle.load(copy)


@pytest.mark.parametrize("card", ["[]", "null", "3", '"x"', "{}", f'{{"format": {bundle.FORMAT}}}'])
def test_json_that_is_no_card_is_refused(copy: Path, card: str) -> None:
    """As damaged, not with a traceback."""
    (copy / bundle.CARD).write_text(card)
    with pytest.raises(ModelError, match=r"bundle\.json is damaged"):
        bundle.load(copy)


def test_a_folder_without_a_bundle_is_refused(tmp_path: Path) -> None:
    """Or no folder at all."""
    with pytest.raises(ModelError, match="holds no whole model"):
        bundle.load(tmp_path)


def test_another_format_is_refused(copy: Path) -> None:
    """By number, before anything else of it is believed."""
    rewritten(copy, lambda card: card.update(format=bundle.FORMAT + 1))
    with pytest.raises(
        ModelError,
        match=f"a bundle of format {bundle.FORMAT + 1}; this version of retain reads format {bundle.FORMAT}",
    ):
        bundle.load(copy)


def test_a_feature_of_the_company_s_own_travels_with_the_model(
    shop: EventStore, trained: Trained, kept: Path, tmp_path: Path
) -> None:
    """With all that it is, so that the folder alone is enough; a model without such features says nothing of it."""
    own = Feature(
        "late_gap", Measure("orders", How.QUANTILE, "gap", quantile=0.9), "own", "Because.", "{late_gap}"
    )
    features = FeatureSet((*trained.features.features, own))
    other = train(Lesson(shop, features, ENGINES.get("kernel"), END, CHURN, SETTINGS))
    bundle.save(other, tmp_path / "own", data=DATA)
    opened = bundle.load(tmp_path / "own")
    assert opened.features == features
    assert opened.features.fingerprint == features.fingerprint
    assert "declared" not in bundle.load(kept).card


@pytest.mark.parametrize(
    "declared",
    [
        3,
        [3],
        [{"is": "Feature"}],
        [{"is": "Moon", "phase": 1}],
        [{"is": "Lookback", "days": 3}],
        ["x"],
        [None],
    ],
)
def test_declarations_that_are_none_are_refused(copy: Path, declared: object) -> None:
    """As another version of the software might write them."""
    rewritten(copy, lambda card: card.update(declared=declared))
    with pytest.raises(
        ModelError, match=r"declares features in a way that this version does not read: .* Train"
    ):
        bundle.load(copy)


def test_an_unknown_feature_is_refused(copy: Path) -> None:
    """The message names all that do not exist here."""
    rewritten(copy, lambda card: card.update(features=["recency_days", "moon_phase", "horoscope"]))
    with pytest.raises(ModelError, match=r"features that do not exist here: moon_phase, horoscope\. Train"):
        bundle.load(copy)


def test_another_definition_of_a_feature_is_refused(
    kept: Path, trained: Trained, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A name is not enough: its formula has to be what the model learned from; its words may be others."""
    first, *rest = EVERY.features
    mended = FeatureSet((replace(first, why="Because."), *rest))
    monkeypatch.setattr(bundle, "EVERY", mended)
    assert bundle.load(kept).features.fingerprint == trained.features.fingerprint
    changed = FeatureSet((replace(first, formula=rest[0].formula), *rest))
    monkeypatch.setattr(bundle, "EVERY", changed)
    with pytest.raises(
        ModelError, match=r"trained on other definitions of its features\. Train the model again"
    ):
        bundle.load(kept)
