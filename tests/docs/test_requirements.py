"""The pinned environment and the package agree on what is needed."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
GROUPS = ("run", "test")


def wanted(group: str) -> set[str]:
    """The lines of a group's list that name a package."""
    lines = (ROOT / "requirements" / f"{group}.in").read_text("utf-8").splitlines()
    return {line for line in lines if line and line[0] not in "#-"}


def pinned(group: str) -> dict[str, str]:
    """Package to version, as the compiled list has them."""
    text = (ROOT / "requirements" / f"{group}.txt").read_text("utf-8")
    return dict(re.findall(r"^([a-z0-9._-]+)==([^ ;]+)", text, re.MULTILINE))


def test_what_the_package_needs_is_what_is_installed() -> None:
    """Each dependency of the package is in the list that `make setup` installs, with the same least version."""
    assert set(PROJECT["dependencies"]) <= wanted("run")


def test_every_extra_is_tested() -> None:
    """What an extra installs is there when the tests run."""
    extras = {one for each in PROJECT["optional-dependencies"].values() for one in each}
    assert extras <= wanted("test") | wanted("run")


@pytest.mark.parametrize("group", GROUPS)
def test_every_name_is_pinned_with_hashes_and_without_a_host(group: str) -> None:
    """The compiled list names what was asked for, each line is checked by hash, and none says where it comes from."""
    names = {re.split(r"[<>=!~ ]", one)[0].lower().replace("_", "-") for one in wanted(group)}
    found = pinned(group)
    assert names <= set(found)
    text = (ROOT / "requirements" / f"{group}.txt").read_text("utf-8")
    assert text.count("--hash=sha256:") >= len(found)
    assert "://" not in text
    assert "-url" not in text


def test_what_both_groups_have_is_the_same_version() -> None:
    """Installing the test tools changes nothing that running needs."""
    run, test = pinned("run"), pinned("test")
    assert {name: test[name] for name in set(run) & set(test)} == {
        name: run[name] for name in set(run) & set(test)
    }
