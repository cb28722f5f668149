from __future__ import annotations

import tomllib
from typing import TYPE_CHECKING

import pytest

from retain import shipped
from retain.errors import ConfigError

if TYPE_CHECKING:
    from pathlib import Path


def test_every_shipped_configuration_is_found_and_reads() -> None:
    """Each name that the message would list leads to a TOML file."""
    assert "playbook.toml" in shipped._names()
    for name in shipped._names():
        assert tomllib.loads(shipped.shipped(name).read_text(encoding="utf-8"))


def test_a_wheel_s_own_folder_comes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An installed package uses what it carries, whatever lies two folders above it."""
    for folder in ("inside", "above"):
        (tmp_path / folder / "sources").mkdir(parents=True)
        (tmp_path / folder / "sources" / "a.toml").write_text("")
    (tmp_path / "above" / "b.toml").write_text("")
    monkeypatch.setattr(shipped, "_FOLDERS", (tmp_path / "inside", tmp_path / "above"))
    assert shipped.shipped("sources/a.toml") == tmp_path / "inside" / "sources" / "a.toml"
    assert shipped.shipped("b.toml") == tmp_path / "above" / "b.toml"


def test_an_unknown_name_is_refused_with_the_nearest() -> None:
    """A misspelt name is a configuration error that offers the right one."""
    with pytest.raises(
        ConfigError, match=r"no configuration 'playbok\.toml'\. Did you mean 'playbook\.toml'\?"
    ):
        shipped.shipped("playbok.toml")
