from __future__ import annotations

import dataclasses
import re
from pathlib import Path
from typing import TYPE_CHECKING

from retain.decisions.playbook import NO_REASON, SIGNALS, TOPICS, Action, load_playbook
from retain.scoring.languages import language
from retain.scoring.tiers import TIERS

if TYPE_CHECKING:
    import pytest

MANUAL = (Path(__file__).parents[2] / "docs" / "playbook.md").read_text(encoding="utf-8")


def rows(heading: str) -> list[tuple[str, ...]]:
    """The cells of the table below that heading."""
    section = MANUAL.split(f"\n## {heading}\n")[1].split("\n## ")[0]
    lines = [line for line in section.splitlines() if line.startswith("|")][2:]
    return [tuple(cell.strip() for cell in line.strip("|").split("|")) for line in lines]


def test_the_table_of_actions_is_the_shipped_playbook() -> None:
    """Same actions, same order, same words."""
    assert rows("Shipped actions") == [
        (
            one.id,
            one.what,
            ", ".join(one.tiers),
            ", ".join(one.topics) or "any",
            ", ".join(one.only_if),
            ", ".join(one.channels),
        )
        for one in load_playbook().actions
    ]


def test_topics_and_signals_are_all_explained() -> None:
    """In the words that a recommendation uses."""
    english = language("en")
    assert rows("Topics") == [(one, english.topics[one]) for one in TOPICS]
    assert rows("Signals") == [(one, english.action[one]) for one in SIGNALS]


def test_every_key_of_an_action_is_explained() -> None:
    """And every tier, and the word for no reason."""
    explained = {cell.strip("`") for cell, _ in rows("The file")}
    assert {one.name for one in dataclasses.fields(Action)} <= explained
    for word in (*TIERS, NO_REASON):
        assert f"`{word}`" in MANUAL


def test_the_example_says_what_it_prints(capsys: pytest.CaptureFixture[str]) -> None:
    """The first block of the manual runs and prints the second."""
    code, printed = re.findall(r"```(?:python|text)\n(.*?)```", MANUAL, re.DOTALL)[:2]
    exec(compile(code, "docs/playbook.md", "exec"), {})  # noqa: S102 - the manual's own example
    assert capsys.readouterr().out == printed
