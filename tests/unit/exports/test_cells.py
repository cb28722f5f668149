from __future__ import annotations

import pyarrow as pa
import pytest

from retain.exports.cells import SIGNS, neutralise, restore


def through(texts: list[str | None]) -> list[str | None]:
    done: list[str | None] = neutralise(pa.chunked_array([texts], pa.string())).to_pylist()
    return done


@pytest.mark.parametrize("sign", SIGNS)
@pytest.mark.parametrize("blank", ["", " ", "\u00a0", "\u3000", "\u200b", "\ufeff", "\x00", " \t\n "])
def test_a_formula_gets_an_apostrophe(sign: str, blank: str) -> None:
    """Every sign that begins a formula, whatever blanks stand before it."""
    text = f"{blank}{sign}SUM(A1)"
    assert through([text]) == [f"'{text}"]


@pytest.mark.parametrize("text", ["\tx", "\rx", "\nx", "\t", "\r"])
def test_a_cell_that_begins_with_a_control_gets_one_too(text: str) -> None:
    """A leading tab or line end makes some programs begin a new cell."""
    assert through([text]) == [f"'{text}"]


@pytest.mark.parametrize(
    "text", ["", " ", "a=1", "1-2", "x@y.example", "'", "'quoted'", "\u0416=1", "#N/A", " a"]
)
def test_everything_else_stays(text: str) -> None:
    """A sign inside a text, a lone apostrophe and blanks alone are harmless."""
    assert through([text]) == [text]


def test_nothing_stays_nothing() -> None:
    """A null is not a text."""
    assert through([None]) == [None]


@pytest.mark.parametrize("text", ["=1", "'=1", "''=1", "'a", "' =1", "=\n=2", "'\t"])
def test_restore_gives_the_text_back(text: str) -> None:
    """Also when the original had apostrophes of its own or several lines."""
    assert restore(pa.chunked_array([through([text])])).to_pylist() == [text]
