"""What the pages say can be followed: their links, their commands, their tasks."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

from retain.cli.app import _general_first, app
from retain.decisions.playbook import load_playbook

ROOT = Path(__file__).parents[2]
PAGES = sorted(
    one.relative_to(ROOT).as_posix()
    for place in (".", "docs", "docs/decisions", "models", "src/retain/examples/data")
    for one in (ROOT / place).glob("*.md")
)
APP: Any = get_command(app)
_FENCED = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
_NO_CODE = re.compile(r"^```.*?^```|`[^`\n]*`", re.MULTILINE | re.DOTALL)


def text_of(page: str) -> str:
    return (ROOT / page).read_text(encoding="utf-8")


def calls(page: str) -> list[str]:
    """Every line of code that calls retain, and every call in a sentence that has options."""
    fenced = re.findall(r"^```\w*\n(.*?)^```", text_of(page), re.MULTILINE | re.DOTALL)
    rest = _FENCED.sub("", text_of(page))
    lines = [line for block in fenced for line in block.splitlines()]
    lines += re.findall(r"^ {4}(.*)$", rest, re.MULTILINE)
    lines += re.findall(r"`(retain [^`\n]*--[^`\n]*)`", rest)
    written = [line.split("  #")[0].strip() for line in lines if line.startswith("retain ")]
    return [line for line in written if not {"VERB", "[OPTIONS]"} & set(line.split()) and "[--" not in line]


def anchors(page: Path) -> set[str]:
    """The anchors that the page's headings get."""
    heads = re.findall(r"^#+ (.*)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", head.lower()).replace(" ", "-") for head in heads}


def parse(command: Any, words: list[str], name: str, parent: Any = None) -> None:
    """Nothing, if the command line has these words; nothing is run."""
    context = command.make_context(name, list(words), parent=parent)
    if hasattr(command, "commands"):
        verb, inner, rest = command.resolve_command(context, [*context._protected_args, *context.args])
        parse(inner, rest, verb, context)


@pytest.mark.parametrize("page", PAGES)
def test_every_relative_link_leads_somewhere(page: str) -> None:
    """To a file or folder of the repository, and to a heading where it names one."""
    for target in re.findall(r"\]\(([^)\s]+)\)", _NO_CODE.sub("", text_of(page))):
        if "://" in target:
            continue
        path, _, anchor = target.partition("#")
        file = (ROOT / page).parent / path if path else ROOT / page
        assert file.exists(), f"{page} links to {target}"
        assert not anchor or anchor in anchors(file), f"{page} links to {target}"


@pytest.mark.parametrize(("page", "call"), [(page, call) for page in PAGES for call in calls(page)], ids=str)
def test_every_command_line_is_understood(page: str, call: str) -> None:
    """The verb and its options exist, and nothing that it needs is missing."""
    assert page
    parse(APP, _general_first(shlex.split(call)[1:]), "retain")


@pytest.mark.parametrize("page", PAGES)
def test_every_verb_named_in_a_sentence_exists(page: str) -> None:
    """`retain frobnicate` in a sentence would be refused by the command line too."""
    for call in re.findall(r"`retain ([^`]+)`", text_of(page)):
        words = [word for word in call.split() if word.isalpha() and word.islower()]
        assert not words or words[0] in APP.commands, call


def test_the_readme_begins_with_something_that_runs() -> None:
    """Its first block of code is the two tasks that a newcomer has."""
    first = re.findall(r"```sh\n(.*?)```", text_of("README.md"), re.DOTALL)[0]
    assert [line.split("#")[0].strip() for line in first.splitlines()] == ["make demo", "make test"]


@pytest.mark.parametrize("page", PAGES)
def test_every_task_named_exists(page: str) -> None:
    """The Makefile has a target for each `make` of a page."""
    targets = set(re.findall(r"^\.PHONY: (.*)$", text_of("Makefile"), re.MULTILINE)[0].split())
    named = re.findall(r"(?:^|`)make ([a-z]+)(?=`|\s+#|$)", text_of(page), re.MULTILINE)
    assert set(named) <= targets


def test_the_readme_shows_every_step_of_the_way() -> None:
    """From one's own tables to a file for the CRM."""
    shown = {call.split()[1] for call in calls("README.md")}
    assert {"init", "validate", "train", "evaluate", "score", "export"} <= shown


def test_every_entry_of_the_manual_is_in_its_index() -> None:
    """No page has to be found by chance."""
    for one in (ROOT / "docs").glob("*.md"):
        assert one.name == "index.md" or f"]({one.name})" in text_of("docs/index.md")


@pytest.mark.parametrize("action", [one.id for one in load_playbook().actions])
def test_every_action_is_in_the_manual(action: str) -> None:
    """With a line of its own."""
    assert f"\n| {action} | " in text_of("docs/playbook.md")
