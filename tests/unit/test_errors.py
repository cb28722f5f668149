from __future__ import annotations

import pytest

from retain import errors
from retain.errors import UserError, did_you_mean

KINDS = [
    one
    for one in vars(errors).values()
    if isinstance(one, type) and issubclass(one, UserError) and one is not UserError
]


def test_every_mistake_has_an_exit_code_of_its_own() -> None:
    """A script can tell them apart; 0 is success and 1 is what has no code of its own."""
    codes = [one.exit_code for one in KINDS]
    assert len(set(codes)) == len(codes) == 11
    assert min(codes) > UserError.exit_code == 1
    assert max(codes) < 126  # what shells use for themselves


@pytest.mark.parametrize("kind", [UserError, *KINDS])
def test_every_mistake_has_a_line_for_the_manual(kind: type[UserError]) -> None:
    """And not its parent's."""
    assert kind.meaning
    assert kind is UserError or kind.meaning != UserError.meaning
    assert str(kind("what is wrong")) == "what is wrong"


@pytest.mark.parametrize(
    ("name", "known", "said"),
    [
        ("kernal", ["reference", "kernel"], "Did you mean 'kernel'?"),
        ("polars", ["reference", "kernel"], "Choose one of: kernel, reference."),
        ("order", ("orders", "order"), "Did you mean 'order'?"),
        ("", ["b", "a"], "Choose one of: a, b."),
    ],
)
def test_the_nearest_name_is_offered(name: str, known: list[str], said: str) -> None:
    """Or all of them, sorted, when none is near."""
    assert did_you_mean(name, known) == said
