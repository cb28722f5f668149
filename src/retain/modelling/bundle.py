"""A model as a folder of text, without pickle: written whole, checked by hash, refused when it does not fit."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

from retain import __version__, atomic
from retain.errors import ModelError
from retain.features.attributes import attribute
from retain.features.catalog import EVERY
from retain.features.spec import Attribute, FeatureSet, Holds
from retain.features.written import as_values, from_values
from retain.labels import UNDATED, ChurnSettings
from retain.lifetime.forecast import Forecast
from retain.lifetime.tenure import ContractForecast
from retain.modelling import calibration
from retain.modelling.hyperparameters import USUAL, Hyperparameters
from retain.modelling.learners import LEARNERS, Fitted
from retain.modelling.seasons import Season, Year, shift_at
from retain.timeline import instant, instant_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from pathlib import Path

    from retain.engine.panel import FloatArray
    from retain.events.store import EventStore
    from retain.features.spec import Feature
    from retain.modelling.calibration import Calibration
    from retain.modelling.training import Trained

FORMAT = 8
"""Raised when what a bundle holds changes, so that an older one is refused with a reason."""
CARD = "bundle.json"
_MODEL = "model.txt"
_OWN = "sha256"
"""Where the card keeps the hash of all the rest of it."""
_DECLARED = "declared"
"""Where the card keeps the features that are not of the catalogue: a company's own, and those of other packages."""
_HYPERPARAMETERS = "hyperparameters"
"""Where the card keeps what trees and logistic regression were told; nothing where that is the usual. Another default there
needs another format, for what older bundles do not say would change its meaning."""
_VERSION_DIGITS = 12


@dataclass(frozen=True)
class Bundle:
    """A model ready to score.

    Attributes:
        version: the first 12 digits of its content's SHA-256; the same data, settings and seed give the same.
        card: everything about it that is not the model itself.
        features: the columns it reads: the catalogue's as this version of the software defines them, others as they were
            declared in training.
        churn: the definition that it predicts.
        fitted: the model.
        calibration: from its log-odds to probabilities.
        season: how the level moves with the season; None where nothing can be forecast or the past speaks against it.
        forecast: what customers bring, learned from the same data; None where they taught nothing about it.
    """

    version: str
    card: Mapping[str, Any]
    features: FeatureSet
    churn: ChurnSettings
    fitted: Fitted
    calibration: Calibration
    season: Season | None = None
    forecast: Forecast | ContractForecast | None = None

    @property
    def trained_until(self) -> int:
        """The instant up to which outcomes were known to it."""
        return instant(self.card["training"]["until"])

    @property
    def directions(self) -> dict[str, tuple[str, ...]]:
        """The features with which its risk may only rise, and only fall, by these words."""
        training = self.card["training"]
        return {key: tuple(training.get(key, ())) for key in ("rising", "falling")}

    @property
    def hyperparameters(self) -> Hyperparameters:
        """What trees and logistic regression were told."""
        kept = self.card["training"].get(_HYPERPARAMETERS)
        return USUAL if kept is None else Hyperparameters.of(kept)

    @property
    def known_until(self) -> str | None:
        """The same as text; None where nothing that it learned from has a time."""
        undated = self.churn.given and self.trained_until == UNDATED
        return None if undated else str(self.card["training"]["until"])

    def probabilities(self, x: FloatArray) -> FloatArray:
        """Calibrated probabilities of churn, one a row of the panel."""
        return self.calibration(self.fitted.log_odds(x))

    def in_season(self, cutoff: int, stores: Callable[[], Iterable[EventStore]]) -> Bundle:
        """The same model with the level that the season asks for at that cutoff.

        Args:
            cutoff: predictions are made as of then.
            stores: gives all customers with their orders, in parts; not asked where the level does not move.
        """
        if self.season is None:
            return self
        orders = (Year.of(one, self.churn, cutoff).around(cutoff, 1) for one in stores())
        shift = shift_at(self.season, orders, self.churn, cutoff)
        return replace(self, calibration=replace(self.calibration, shift=shift))


def save(
    trained: Trained,
    folder: Path,
    *,
    data: Mapping[str, str],
    forecast: Forecast | ContractForecast | None = None,
) -> str:
    """The version of the bundle written into that folder, which it replaces.

    Args:
        trained: the model.
        folder: where to.
        data: fingerprints of what it was trained on: the tables, and how their texts were read.
        forecast: what the same customers teach about what each will bring.
    """
    text = trained.fitted.text()
    card = {
        "format": FORMAT,
        "software": __version__,
        "learner": trained.learner,
        "size": trained.size,
        "features": list(trained.features.names),
        **_attributes(trained.features),
        "fingerprint": trained.features.fingerprint,
        **_declarations(trained.features),
        "churn": asdict(trained.churn),
        "calibration": calibration.as_dict(trained.calibration),
        "season": None if trained.season is None else trained.season.as_dict(),
        "forecast": None if forecast is None else forecast.as_dict(),
        "training": {
            "until": instant_text(trained.plan.until),
            "cutoffs": [instant_text(one) for one in trained.plan.cutoffs],
            "validation_cutoffs": [instant_text(one.validation) for one in trained.plan.folds],
            "rows": trained.rows,
            "churn_rate": trained.churn_rate,
            "seed": trained.seed,
            **({"rising": list(trained.rising)} if trained.rising else {}),
            **({"falling": list(trained.falling)} if trained.falling else {}),
            **(
                {_HYPERPARAMETERS: asdict(trained.hyperparameters)}
                if trained.hyperparameters != USUAL
                else {}
            ),
            **({"folds": len(trained.validated)} if trained.churn.given else {}),
            "leaks": [asdict(one) for one in trained.leaks],
            "contests": [{**asdict(one), "mean_auroc": one.mean_auroc} for one in trained.contests],
            "calibration_evidence": [asdict(one) for one in trained.evidence],
            "season_evidence": [
                {**asdict(one), "cutoff": instant_text(one.cutoff)} for one in trained.season_evidence
            ],
        },
        "data": dict(sorted(data.items())),
        "files": {_MODEL: hashlib.sha256(text.encode()).hexdigest()},
    }
    digest = _digest(card)
    with atomic.folder(folder) as temporary:
        (temporary / _MODEL).write_text(text, encoding="utf-8", newline="")
        (temporary / CARD).write_text(_written({**card, _OWN: digest}), encoding="utf-8", newline="")
    return digest[:_VERSION_DIGITS]


def load(folder: Path) -> Bundle:
    """The model of that folder.

    Raises:
        ModelError: a file is missing or was changed, the format is another, or a feature that it reads is defined
            differently now.
    """
    try:
        written = _text(folder / CARD)
        card: dict[str, Any] = json.loads(written)
        if card["format"] != FORMAT:
            raise ModelError(
                f"{folder} is a bundle of format {card['format']}; this version of retain reads format {FORMAT}. "
                f"Train the model again."
            )
        digest = card.pop(_OWN)
        if written != _written({**card, _OWN: digest}) or digest != _digest(card):
            raise ModelError(
                f"{folder / CARD} was changed after training: its SHA-256 is not the one that it states. "
                f"Choose another with --model."
            )
        texts = {name: _text(folder / name) for name in card["files"]}
    except (OSError, UnicodeDecodeError) as cause:
        raise ModelError(f"{folder} holds no whole model: {cause}. Choose another with --model.") from cause
    except (ValueError, KeyError, TypeError, AttributeError) as cause:
        raise ModelError(f"{folder / CARD} is damaged: {cause}. Choose another with --model.") from cause
    for name, expected in card["files"].items():
        if hashlib.sha256(texts[name].encode()).hexdigest() != expected:
            raise ModelError(
                f"{folder / name} was changed after training: its SHA-256 is not the one that {CARD} states. "
                f"Choose another with --model."
            )
    features = _features(folder, card)
    return Bundle(
        version=digest[:_VERSION_DIGITS],
        card=card,
        features=features,
        churn=ChurnSettings(**card["churn"]),
        fitted=LEARNERS.get(card["learner"]).load(texts[_MODEL]),
        calibration=calibration.from_dict(card["calibration"]),
        season=None if card["season"] is None else Season.from_dict(card["season"]),
        forecast=_forecast(card["forecast"]),
    )


def _forecast(kept: Mapping[str, Any] | None) -> Forecast | ContractForecast | None:
    """What ``as_dict`` of either forecast gave, as it was."""
    if kept is None:
        return None
    return ContractForecast.of(kept) if "curve" in kept else Forecast.of(kept)


def _text(file: Path) -> str:
    """All of the file, its line ends as they are, so that the hash speaks of every byte."""
    return file.read_bytes().decode("utf-8")


def _declarations(features: FeatureSet) -> dict[str, Any]:
    """The features that the catalogue does not have, with all that they are; nothing where it has all."""
    others = [
        as_values(one)
        for one in features.features
        if one.name not in EVERY.names and not isinstance(one.formula, Attribute)
    ]
    return {_DECLARED: others} if others else {}


def _features(folder: Path, card: Mapping[str, Any]) -> FeatureSet:
    """The features that the card names, if they still mean the same."""
    try:
        others = {one.name: one for one in map(from_values, card.get(_DECLARED, ()))}
    except (ValueError, KeyError, TypeError, AttributeError) as cause:
        raise ModelError(
            f"{folder} declares features in a way that this version does not read: {cause}. Train the model again."
        ) from cause
    known = {
        **others,
        **EVERY.by_name,
        **{name: _attribute(name, kept) for name, kept in card.get("attributes", {}).items()},
    }
    unknown = [name for name in card["features"] if name not in known]
    if unknown:
        raise ModelError(
            f"{folder} reads features that do not exist here: {', '.join(unknown)}. Train the model again."
        )
    features = FeatureSet(tuple(known[name] for name in card["features"]))
    if features.fingerprint != card["fingerprint"]:
        raise ModelError(f"{folder} was trained on other definitions of its features. Train the model again.")
    return features


def _attributes(features: FeatureSet) -> dict[str, Any]:
    """Which columns of customers the model reads, with the words that its values stand for; nothing if it reads none."""
    told = {one.name: asdict(one.formula) for one in features.attributes}
    return {"attributes": told} if told else {}


def _attribute(name: str, kept: Mapping[str, Any]) -> Feature:
    """The feature that reads an attribute, with the words that its values stood for in training."""
    return attribute(name, Attribute(kept["column"], Holds(kept["holds"]), tuple(kept["levels"])))


def _written(card: Mapping[str, Any]) -> str:
    """The card as text: the same values are the same bytes."""
    return json.dumps(card, indent=1, sort_keys=True, ensure_ascii=False) + "\n"


def _digest(card: Mapping[str, Any]) -> str:
    return hashlib.sha256(_written(card).encode()).hexdigest()
