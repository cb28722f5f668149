"""What the model store is to be told and was not told yet: kept as files until it is."""

from __future__ import annotations

import json
import math
import shutil
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import pandas as pd

from retain import atomic
from retain.errors import ModelError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_MODEL, _MEASURED, _TUNED = "model", "evaluation", "tuning"
_BUNDLE = "bundle"
_SAID = "said.json"


@dataclass(frozen=True)
class Training:
    """What the store is told of a trained model, beside its bundle.

    Attributes:
        version: the bundle's.
        trained_until: ISO date up to which outcomes were known to it.
        params: settings of the training, in words.
        metrics: figures of the validation.
        tags: fingerprints and the like.
        columns: names of the features.
        words: those of them that hold words.
        rows: a few rows of features, which show what it reads.
        candidate: it becomes the challenger; a model made only to be measured does not.
    """

    version: str
    trained_until: str
    params: Mapping[str, str]
    metrics: Mapping[str, float]
    tags: Mapping[str, str]
    columns: tuple[str, ...]
    words: tuple[str, ...]
    rows: tuple[tuple[float | str | None, ...], ...]
    candidate: bool = True

    def example(self) -> pd.DataFrame:
        """The rows as MLflow wants them."""
        return pd.DataFrame(
            {
                name: pd.Series(
                    [row[at] for row in self.rows], dtype="str" if name in self.words else "float64"
                )
                for at, name in enumerate(self.columns)
            }
        )


@dataclass(frozen=True)
class Measured:
    """What the store is told of an evaluation.

    Attributes:
        cutoff: predictions were made as of then, as text.
        version: of the bundle that made them.
        metrics: figures; those that are not known are left out.
    """

    cutoff: str
    version: str
    metrics: Mapping[str, float]

    def __post_init__(self) -> None:
        """Leave out what is not known: a store has no place for it."""
        known = {name: value for name, value in self.metrics.items() if math.isfinite(value)}
        object.__setattr__(self, "metrics", known)


@dataclass(frozen=True)
class TunedTrial:
    """What the store is told of one trial.

    Attributes:
        number: from 0, the present settings.
        params: what was tried, in words.
        metrics: figures of the validation.
    """

    number: int
    params: Mapping[str, str]
    metrics: Mapping[str, float]


@dataclass(frozen=True)
class Tuned:
    """What the store is told of a tuning. The same version again, with more trials, adds these to what is there.

    Attributes:
        version: named by all that the trials depend on, but how many there are.
        until: outcomes known by then were used, as text.
        params: what all trials share, in words.
        metrics: of the best trial beside the present settings.
        tags: the best trial, and the like.
        trials: in the order in which they were tried.
        picture: what came of them, as SVG.
    """

    version: str
    until: str
    params: Mapping[str, str]
    metrics: Mapping[str, float]
    tags: Mapping[str, str]
    trials: tuple[TunedTrial, ...]
    picture: str


Said = Training | Measured | Tuned
_KINDS: Mapping[str, type[Said]] = {_MODEL: Training, _MEASURED: Measured, _TUNED: Tuned}


@dataclass(frozen=True)
class Entry:
    """One thing that waits.

    Attributes:
        folder: its own.
        said: what the store is to be told.
    """

    folder: Path
    said: Said

    @property
    def bundle(self) -> Path:
        """The model's folder, if it is a model."""
        return self.folder / _BUNDLE

    def done(self) -> None:
        """Nothing; it waits no longer."""
        # Renamed first, so that an interruption leaves no half of an entry behind.
        gone = self.folder.with_name(f".{self.folder.name}")
        shutil.rmtree(gone, ignore_errors=True)
        self.folder.replace(gone)
        shutil.rmtree(gone)


@dataclass(frozen=True)
class Waiting:
    """All that waits, in one folder.

    Attributes:
        folder: which.
    """

    folder: Path

    def keep(self, said: Said, bundle: Path | None = None) -> Entry:
        """It waits now, after all that waited before.

        Args:
            said: what the store is to be told.
            bundle: the model's folder, of which a copy is kept.

        Raises:
            OutputError: it cannot be written.
        """
        last = max((int(one.name[:6]) for one in self._folders()), default=0)
        kind = next(name for name, one in _KINDS.items() if isinstance(said, one))
        place = self.folder / f"{last + 1:06}-{kind}-{said.version}"
        with atomic.folder(place) as part:
            if bundle is not None:
                shutil.copytree(bundle, part / _BUNDLE)
            text = json.dumps({"kind": kind, **asdict(said)}, indent=1)
            (part / _SAID).write_text(text, encoding="utf-8", newline="")
        return Entry(place, said)

    def entries(self) -> tuple[Entry, ...]:
        """All that waits, in the order in which it came.

        Raises:
            ModelError: one is damaged.
        """
        return tuple(Entry(one, _read(one)) for one in self._folders())

    def __len__(self) -> int:
        """How many wait."""
        return len(self._folders())

    def _folders(self) -> list[Path]:
        # The name of an unfinished one, and of one that is going, begins with a dot.
        return sorted(self.folder.glob("[0-9]*-*-*"))


def _read(folder: Path) -> Said:
    """What the store is to be told.

    Raises:
        ModelError: the file is damaged.
    """
    try:
        kept: dict[str, Any] = json.loads((folder / _SAID).read_text(encoding="utf-8"))
        kind = _KINDS[kept.pop("kind")]
        if kind is Measured:
            return Measured(**kept)
        if kind is Tuned:
            kept["trials"] = tuple(TunedTrial(**one) for one in kept["trials"])
            return Tuned(**kept)
        for name in ("columns", "words"):
            kept[name] = tuple(kept[name])
        kept["rows"] = tuple(tuple(one) for one in kept["rows"])
        return Training(**kept)
    except (OSError, ValueError, KeyError, TypeError) as cause:
        raise ModelError(
            f"{folder}, which waits to be logged, is damaged: {cause}. Delete it to go on without it."
        ) from cause
