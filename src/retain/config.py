"""From TOML to frozen settings: an unknown key is an error, a missing one is the default."""

from __future__ import annotations

import dataclasses
import hashlib
import os
import tomllib
import types
import typing
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, is_dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from retain.engine import ENGINES
from retain.engine.views import VIEWS
from retain.errors import ConfigError, UsageError, did_you_mean
from retain.evaluation.profit import ProfitSettings
from retain.events.source import SourceSettings
from retain.features.catalog import FAMILIES, declared, family_names
from retain.features.columns import require_readable
from retain.features.own import OwnSettings, own_features
from retain.features.spec import measures
from retain.labels import LABELS, ChurnSettings
from retain.modelling.learners import LEARNERS
from retain.modelling.tracking import TrackingSettings
from retain.modelling.training import TrainingSettings
from retain.scoring.languages import ReasonSettings
from retain.scoring.tiers import TierSettings
from retain.scoring.value import ValueSettings
from retain.text.backends import TextSettings

if TYPE_CHECKING:
    from retain.features.spec import Feature

T = TypeVar("T")

ENVIRONMENT = "RETAIN_CONFIG"
NAMES = ("retain.toml", "configs/default.toml")
"""Where a configuration is looked for when none is named, from the present folder."""
IN_WORKSPACE = "workspace:"
"""A source path that begins so starts from the workspace instead of the configuration's folder."""


@dataclass(frozen=True)
class FeatureSettings:
    """Which features, and what computes them: the ``[features]`` part of the configuration.

    Attributes:
        families: names of feature families.
        engine: name of the engine.
        own: features of your own, by their names.
    """

    families: tuple[str, ...] = tuple(FAMILIES)
    engine: str = "kernel"
    own: Mapping[str, OwnSettings] = field(default_factory=lambda: types.MappingProxyType({}))

    def __post_init__(self) -> None:
        """Refuse to learn from nothing."""
        if not self.families:
            raise ConfigError("[features] families is empty. Name one at least, such as 'rfm'.")

    @property
    def own_features(self) -> tuple[Feature, ...]:
        """The declarations of the features of your own.

        Raises:
            ConfigError: one means nothing; the message names the key.
        """
        return own_features(self.own, VIEWS)


@dataclass(frozen=True)
class EvaluationSettings:
    """How quality is measured: the ``[evaluation]`` part of the configuration.

    Attributes:
        resamples: bootstrap resamples behind the intervals.
        profit: the money behind the expected maximum profit.
    """

    resamples: int = 500
    profit: ProfitSettings = field(default_factory=ProfitSettings)

    def __post_init__(self) -> None:
        """Refuse intervals that rest on nothing."""
        if self.resamples < 1:
            raise ConfigError(f"[evaluation] resamples is {self.resamples}; it has to be at least 1.")


@dataclass(frozen=True)
class PlaybookSettings:
    """Which retention actions there are: the ``[playbook]`` part of the configuration.

    Attributes:
        path: a playbook of the company's own, relative to the configuration; empty is the shipped one.
    """

    path: str = ""


LEAST_MEMORY_MB = 600
"""The program itself takes more than half of it."""


@dataclass(frozen=True)
class ResourceSettings:
    """What a run may take of the machine: the ``[resources]`` part of the configuration. It changes no result.

    Attributes:
        memory_mb: megabytes of memory; tables that need more are kept on disk in shards of customers. 0: half of what there is.
        workers: processes that work on shards at the same time, as far as memory_mb suffices for all of them. 0: as many as there are cores.
    """

    memory_mb: int = 0
    workers: int = 0

    def __post_init__(self) -> None:
        """Refuse less than a run needs before it reads anything."""
        if self.memory_mb and self.memory_mb < LEAST_MEMORY_MB:
            raise ConfigError(
                f"[resources] memory_mb is {self.memory_mb}; it has to be at least {LEAST_MEMORY_MB}, or 0 for half of what "
                f"the machine has."
            )
        if self.workers < 0:
            raise ConfigError(
                f"[resources] workers is {self.workers}; it has to be 1 or more, or 0 for as many as there are cores."
            )


@dataclass(frozen=True)
class Config:
    """Everything a run depends on besides the data.

    Attributes:
        name: names the experiment, the registered model and the folder in the workspace.
        source: where the tables are.
        churn: what churn means.
        features: which features.
        text: how texts are read.
        training: how models are trained.
        evaluation: how quality is measured.
        tiers: cuts of the risk tiers.
        value: what a kept customer brings.
        reasons: how reasons are told.
        playbook: which actions there are.
        tracking: where runs and models are kept.
        resources: what a run may take of the machine.
    """

    name: str
    source: SourceSettings
    churn: ChurnSettings = field(default_factory=ChurnSettings)
    features: FeatureSettings = field(default_factory=FeatureSettings)
    text: TextSettings = field(default_factory=TextSettings)
    training: TrainingSettings = field(default_factory=TrainingSettings)
    evaluation: EvaluationSettings = field(default_factory=EvaluationSettings)
    tiers: TierSettings = field(default_factory=TierSettings)
    value: ValueSettings = field(default_factory=ValueSettings)
    reasons: ReasonSettings = field(default_factory=ReasonSettings)
    playbook: PlaybookSettings = field(default_factory=PlaybookSettings)
    tracking: TrackingSettings = field(default_factory=TrackingSettings)
    resources: ResourceSettings = field(default_factory=ResourceSettings)

    @property
    def digest(self) -> str:
        """SHA-256 of what decides a score: everything but where files and stores are."""
        parts = (
            self.churn,
            self.features,
            self.text,
            self.tiers,
            self.value,
            self.source.zone,
            self.source.money_exponent,
        )
        return hashlib.sha256(repr(parts).encode()).hexdigest()


def find_config(named: Path | None) -> Path:
    """The configuration file to read.

    Args:
        named: what the user named; None looks in the environment and then in the present folder.

    Raises:
        ConfigError: there is none.
    """
    if named is not None:
        return named
    if os.environ.get(ENVIRONMENT):
        return Path(os.environ[ENVIRONMENT])
    for name in NAMES:
        if Path(name).is_file():
            return Path(name)
    raise ConfigError(
        f"No configuration: name one with --config FILE, set {ENVIRONMENT}, or put retain.toml here. "
        f"`retain init FOLDER` writes one from your data; `retain demo` needs none."
    )


def load_config(path: Path, workspace: Path) -> Config:
    """The settings of that file.

    Args:
        path: a TOML file.
        workspace: what ``workspace:`` in a source path stands for.

    Raises:
        ConfigError: the file cannot be read, or holds an unknown key or a value that means nothing.
    """
    try:
        # Windows editors put a byte-order mark first.
        values = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError as cause:
        raise ConfigError(
            f"There is no configuration {path}. `retain init FOLDER` writes one from your data."
        ) from cause
    except (OSError, UnicodeDecodeError) as cause:
        raise ConfigError(f"{path} cannot be read: {cause}.") from cause
    except tomllib.TOMLDecodeError as cause:
        raise ConfigError(f"{path} is no TOML: {cause}.") from cause
    try:
        values = {"name": path.stem, "source": {}, **values}
        if isinstance(values["source"], dict):
            # Without tables the message below helps more than one about a missing key.
            values["source"].setdefault("tables", {})
        config = _build(Config, values, "")
        config = dataclasses.replace(config, source=_placed(config.source, path.parent, workspace))
        _require_names(config)
    except (ConfigError, UsageError) as cause:
        raise ConfigError(f"{path}: {cause}") from cause
    return config


def values_of(settings: Any) -> Any:
    """The settings as JSON has them; ``config_of`` makes them again. Where files are that the source names is not in it."""
    if is_dataclass(settings):
        found = {one.name: getattr(settings, one.name) for one in fields(settings)}
        return {
            name: values_of(value)
            for name, value in found.items()
            if value is not None and not isinstance(value, Path)
        }
    if isinstance(settings, Mapping):
        return {name: values_of(value) for name, value in settings.items()}
    return [values_of(one) for one in settings] if isinstance(settings, tuple) else settings


def config_of(values: Mapping[str, Any], base: Path) -> Config:
    """The settings that ``values_of`` gave.

    Args:
        values: as JSON has them.
        base: where relative paths of the source start.
    """
    config = _build(Config, values, "")
    return dataclasses.replace(config, source=dataclasses.replace(config.source, base=base))


def _require_names(config: Config) -> None:
    """Refuse names that name nothing, before any data is read."""
    if not config.source.tables:
        raise ConfigError("There is no [source.tables.NAME] that says where a table is.")
    if not config.name.replace("-", "").replace("_", "").isalnum():
        raise ConfigError(f"name = '{config.name}' may hold letters, digits, '-' and '_' only.")
    ENGINES.get(config.features.engine)
    LABELS.get(config.churn.definition)
    _require_tables(config)
    for name in config.training.learners:
        LEARNERS.get(name)
    for name in config.features.families:
        if name not in family_names():
            raise ConfigError(
                f"[features] families: there is no '{name}'. {did_you_mean(name, family_names())}"
            )
    for feature in declared(config.features.families, config.features.own_features):
        for one in measures(feature.formula):
            require_readable(one, VIEWS, f"The feature '{feature.name}',")


def _require_tables(config: Config) -> None:
    """Refuse labels or values of a table that is not there."""
    customers = config.source.tables.get("customers")
    if config.churn.given and customers is None:
        raise ConfigError(
            "[churn] definition = 'given' needs a table [source.tables.customers] that has a column label."
        )
    monthly = config.value.monthly
    if monthly and (customers is None or monthly not in customers.static):
        raise ConfigError(
            f"[value] monthly = '{monthly}': name a number under [source.tables.customers.static], such as "
            f'{monthly} = "number".'
        )


def _placed(source: SourceSettings, base: Path, workspace: Path) -> SourceSettings:
    """The source with relative paths made to start where they should."""
    tables = {
        name: dataclasses.replace(one, path=str(workspace.resolve() / one.path.removeprefix(IN_WORKSPACE)))
        if one.path.startswith(IN_WORKSPACE)
        else one
        for name, one in source.tables.items()
    }
    return dataclasses.replace(source, tables=types.MappingProxyType(tables), base=base)


def _build(kind: type[T], values: Mapping[str, Any], where: str) -> T:
    """A settings object from a TOML table; every key has to be one of its fields."""
    # Settings modules import these for type checkers only.
    hints = typing.get_type_hints(kind, localns={"Mapping": Mapping, "Path": Path})
    known = {one.name for one in fields(kind) if (kind, one.name) != (SourceSettings, "base")}  # type: ignore[arg-type]
    for key in values:
        if key not in known:
            place = f"[{where}] has no key" if where else "There is no section or key"
            raise ConfigError(f"{place} '{key}'. {did_you_mean(key, known)}")
    built = {
        key: _value(hints[key], value, f"{where}.{key}" if where else key) for key, value in values.items()
    }
    missing = [
        one.name
        for one in fields(kind)  # type: ignore[arg-type]
        if one.name not in built
        and one.default is dataclasses.MISSING
        and one.default_factory is dataclasses.MISSING
    ]
    if missing:
        raise ConfigError(f"[{where}] lacks '{missing[0]}'." if where else f"There is no '{missing[0]}'.")
    return kind(**built)


_WORDS = {str: "a text in quotes", int: "a whole number", float: "a number", bool: "true or false"}


def _value(kind: Any, value: Any, where: str) -> Any:
    """One value, checked against the type that the settings declare."""
    if typing.get_origin(kind) is types.UnionType:
        # TOML has no word for nothing: what is written is never None.
        (kind,) = set(typing.get_args(kind)) - {types.NoneType}
    origin = typing.get_origin(kind)
    if is_dataclass(kind) and isinstance(kind, type):
        if not isinstance(value, Mapping):
            raise ConfigError(f"[{where}] has to be a section.")
        return _build(kind, value, where)
    if origin is Mapping:
        if not isinstance(value, Mapping):
            raise ConfigError(f"{where} has to be a table of names and values.")
        inner = typing.get_args(kind)[1]
        return types.MappingProxyType(
            {key: _value(inner, one, f"{where}.{key}") for key, one in value.items()}
        )
    if origin is tuple:
        if not isinstance(value, list):
            raise ConfigError(f"{where} is {value!r}; it has to be a list in brackets.")
        return tuple(_value(typing.get_args(kind)[0], one, where) for one in value)
    if kind is float and type(value) is int:
        return float(value)
    if type(value) is not kind:
        raise ConfigError(f"{where} is {value!r}; it has to be {_WORDS[kind]}.")
    return value
