from __future__ import annotations

from importlib.metadata import EntryPoint, EntryPoints
from typing import TYPE_CHECKING

import pytest

from retain import registry
from retain.errors import UsageError
from retain.registry import Registry

if TYPE_CHECKING:
    from collections.abc import Callable


def _never() -> str:
    raise AssertionError("made before it was asked for")


OURS: Registry[str] = Registry("soup", "retain.soups", {"tomato": lambda: "red", "pea": _never})


@pytest.fixture
def outside(monkeypatch: pytest.MonkeyPatch) -> Callable[[dict[str, str]], None]:
    """A function that installs entry points of the group, by name and target."""

    def install(targets: dict[str, str]) -> None:
        def found(*, group: str, name: str | None = None) -> EntryPoints:
            points = [EntryPoint(one, target, "retain.soups") for one, target in targets.items()]
            return EntryPoints(one for one in points if group == "retain.soups" and name in (None, one.name))

        monkeypatch.setattr(registry, "entry_points", found)

    return install


def test_one_is_made_when_it_is_asked_for() -> None:
    """And none of the others, so that what they import is not imported."""
    assert OURS.get("tomato") == "red"
    assert OURS.names() == ("tomato", "pea")


def test_an_unknown_name_is_refused_with_the_nearest() -> None:
    """The message names the kind and offers what there is."""
    with pytest.raises(UsageError, match=r"^No soup is called 'tomatto'\. Did you mean 'tomato'\?$"):
        OURS.get("tomatto")
    with pytest.raises(UsageError, match=r"Choose one of: pea, tomato\.$"):
        OURS.get("zzz")


def test_other_packages_add_theirs(outside: Callable[[dict[str, str]], None]) -> None:
    """Through an entry point that names a function of no argument; their names follow the folder's own."""
    outside({"onion": "builtins:str", "barley": "builtins:str"})
    assert OURS.names() == ("tomato", "pea", "barley", "onion")
    assert OURS.get("onion") == ""
    with pytest.raises(UsageError, match="Did you mean 'onion'"):
        OURS.get("onionn")


def test_the_folder_s_own_comes_first(outside: Callable[[dict[str, str]], None]) -> None:
    """Another package cannot quietly replace one, and its name is listed once."""
    outside({"tomato": "builtins:str"})
    assert OURS.get("tomato") == "red"
    assert OURS.names() == ("tomato", "pea")
