"""The changelog's fragments are read as they were meant."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FRAGMENTS = sorted(one.name for one in (ROOT / "changelog.d").glob("*.md"))


@pytest.mark.parametrize("name", FRAGMENTS)
def test_a_fragment_is_named_after_its_issue(name: str) -> None:
    """The issue's number, the kind of change, and a number where there are several."""
    assert re.fullmatch(r"\d+\.(added|changed|fixed)(\.\d+)?\.md", name)


def test_the_draft_shows_every_fragment_with_its_issue() -> None:
    """Towncrier finds all of them and names the issue of each."""
    done = subprocess.run(
        [sys.executable, "-m", "towncrier", "build", "--draft", "--version", "1.0.0", "--date", "2000-01-01"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    for name in FRAGMENTS:
        words = (ROOT / "changelog.d" / name).read_text(encoding="utf-8").split()
        assert f"{' '.join(words)} (#{name.split('.')[0]})" in " ".join(done.stdout.split())
