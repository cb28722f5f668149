"""Tests of what belongs to a text."""

from __future__ import annotations

import pytest

from retain.text.clean import LONGEST, cleaned


@pytest.mark.parametrize(
    ("raw", "left"),
    [
        ("<p>Great <b>shop</b></p>", "Great shop"),
        ("3 < 5 and 7 > 2", "3 < 5 and 7 > 2"),
        ("fine &amp; fast &#128077;", "fine & fast 👍"),
        ("see https://shop.example/a?b=c now", "see now"),
        ("www.shop.example is slow", "is slow"),
        ("write to ann@shop.example please", "write to please"),
        ("Thanks!\n> your parcel is late\n> sorry", "Thanks!"),
        ("It broke.\n\nOn Mon, 3 Mar 2025 at 10:00, Shop wrote:\n> great news", "It broke."),
        ("It broke.\n-- \nAnn Smith\nHead of Happiness", "It broke."),
        ("Kaputt.\nAm 03.03.2025 schrieb Laden:\n> wunderbar", "Kaputt."),
        ("Late.\n-----Original Message-----\nwonderful offer", "Late."),
        ("<!-- excellent -->bad", "bad"),
    ],
)
def test_what_came_with_a_text_is_left_out(raw: str, left: str) -> None:
    """Tags, links, addresses, quoted mail and signatures are not the customer's words."""
    assert " ".join(cleaned(raw).split()) == left


def test_a_novel_is_read_to_its_second_page() -> None:
    """Two million characters cost no more than a few thousand."""
    assert len(cleaned("good " * 400_000)) <= LONGEST


def test_an_endless_tag_is_no_trap() -> None:
    """Text that looks like the beginning of many tags is read in time that grows with its length."""
    assert cleaned("<" * 200_000).startswith("<")
