"""The examples in docstrings run, those of every module."""

from __future__ import annotations

import doctest
import importlib
from pathlib import Path

import pytest

import retain

ROOT = Path(str(retain.__file__)).parent
MODULES = [
    ".".join(["retain", *one.relative_to(ROOT).with_suffix("").parts])
    for one in sorted(ROOT.rglob("*.py"))
    if ">>> " in one.read_text(encoding="utf-8")
]


@pytest.mark.parametrize("name", MODULES)
def test_the_examples_of_a_module_run(name: str) -> None:
    """Each prints what the docstring shows."""
    done = doctest.testmod(importlib.import_module(name.removesuffix(".__init__")))
    assert done.attempted > 0
    assert done.failed == 0
