"""Families of features that other packages bring, by a package that is really installed."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from retain.config import load_config
from retain.engine.views import VIEWS
from retain.errors import ConfigError
from retain.features.catalog import FAMILIES, declared, family_names, feature_set
from retain.features.spec import Feature, How, Measure
from retain.timeline import Lookback

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    Install = Callable[..., None]

GOOD = """
from retain.features.spec import Feature, How, Measure
from retain.timeline import Lookback


def family():
    yield Feature(
        "calls_14d",
        Measure("tickets", How.COUNT, within=Lookback(14)),
        "support",
        "Who calls has a problem.",
        "{calls_14d:.0f} calls",
    )
"""
FULL = {name: {*one.numbers, *one.flags, *one.categories} for name, one in VIEWS.items()}


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Install]:
    """A function that installs a package with entry points of the group, as pip lays one out."""

    def laid_out(code: str, *families: str) -> None:
        (tmp_path / "crystal.py").write_text(code)
        meta = tmp_path / "crystal-1.0.dist-info"
        meta.mkdir()
        (meta / "METADATA").write_text("Metadata-Version: 2.1\nName: crystal\nVersion: 1.0\n")
        lines = (f"{one} = crystal:family" for one in families)
        (meta / "entry_points.txt").write_text("[retain.features]\n" + "\n".join(lines))
        monkeypatch.syspath_prepend(tmp_path)

    yield laid_out
    sys.modules.pop("crystal", None)


def test_a_family_of_another_package_is_one_more_to_choose(install: Install) -> None:
    """Named in [features] families, its features follow the catalogue's; not named, they are not there."""
    install(GOOD, "calls")
    assert family_names() == (*FAMILIES, "calls")
    found = feature_set(["calls", "rfm"], FULL)
    assert found.names == (*(one.name for one in FAMILIES["rfm"]), "calls_14d")
    assert found.features[-1].formula == Measure("tickets", How.COUNT, within=Lookback(14))
    assert "calls_14d" not in feature_set(list(FAMILIES), FULL).names
    assert feature_set(["calls"], {}).features == ()


def test_a_configuration_may_name_it(install: Install, tmp_path: Path) -> None:
    """And is refused, with the nearest name, where it does not exist."""
    install(GOOD, "calls")
    config = tmp_path / "mine.toml"
    text = '[source.tables.orders]\npath = "orders.csv"\n[features]\nfamilies = ["rfm", "calls"]\n'
    config.write_text(text)
    assert load_config(config, tmp_path).features.families == ("rfm", "calls")
    config.write_text(text.replace("calls", "cals"))
    with pytest.raises(
        ConfigError, match=r"\[features\] families: there is no 'cals'\. Did you mean 'calls'\?"
    ):
        load_config(config, tmp_path)


def test_a_column_that_does_not_exist_is_refused(install: Install, tmp_path: Path) -> None:
    """Before any data is read, with the feature's name."""
    install(GOOD.replace('"tickets"', '"tikets"'), "calls")
    config = tmp_path / "mine.toml"
    config.write_text('[source.tables.orders]\npath = "o.csv"\n[features]\nfamilies = ["calls"]\n')
    with pytest.raises(
        ConfigError, match=r"The feature 'calls_14d', view: there is no 'tikets'\. Did you mean"
    ):
        load_config(config, tmp_path)


def test_a_package_that_yields_something_else_is_refused(install: Install) -> None:
    """The message names the family."""
    install("def family():\n    return [3]\n", "calls")
    with pytest.raises(ConfigError, match=r"family 'calls' of another package yields int, not Feature"):
        declared(["calls"])


def test_a_name_of_the_catalogue_is_refused(install: Install) -> None:
    """Else a model could not know which of the two it reads."""
    install(GOOD.replace("calls_14d", "recency_days"), "calls")
    with pytest.raises(ConfigError, match=r"declares 'recency_days', which the catalogue has already"):
        declared(["calls"])


def test_a_feature_declared_twice_is_refused(install: Install) -> None:
    """By two families, or by a family and the configuration."""
    install(GOOD, "calls", "rings")
    with pytest.raises(ConfigError, match=r"\[features\] declares calls_14d twice"):
        declared(["calls", "rings"])
    own = Feature("calls_14d", Measure("orders", How.COUNT), "own", "Because.", "{calls_14d}")
    with pytest.raises(ConfigError, match=r"\[features\] declares calls_14d twice"):
        declared(["calls"], [own])
