"""The glossary has one line for one word, in order."""

from __future__ import annotations

from pathlib import Path

ROWS = [
    [cell.strip() for cell in line.strip("|\n").split("|")]
    for line in (Path(__file__).parents[2] / "GLOSSARY.md").read_text(encoding="utf-8").splitlines()
    if line.startswith("| ") and not line.startswith("| word ")
]
WORDS = [row[0].casefold() for row in ROWS]


def test_every_line_is_a_word_and_its_meaning() -> None:
    """Two cells, neither of them empty."""
    assert len(ROWS) > 50
    assert all(len(row) == 2 and all(row) for row in ROWS)


def test_words_are_in_order_and_each_once() -> None:
    """A reader finds a word where the alphabet has it."""
    assert sorted(set(WORDS)) == WORDS
