from __future__ import annotations

import pytest

from retain.reports.content import Estimate
from retain.reports.wording import UNKNOWN, day, decimals, interval, listed, measure, money, percent


def plain(text: str) -> str:
    return text.replace("\N{NO-BREAK SPACE}", " ").replace("\N{MINUS SIGN}", "-")


@pytest.mark.parametrize("value", [None, float("nan"), float("inf")])
def test_what_is_not_known_is_said_so(value: float | None) -> None:
    """A missing figure reads "not known" in every shape, never "nan"."""
    assert {
        decimals(value),
        percent(value),
        money(value, "£"),
        *(measure(value, unit) for unit in ("count", "share", "money", "times", "number", "orders")),
    } == {UNKNOWN}


@pytest.mark.parametrize(
    ("value", "unit", "said"),
    [
        (2659, "count", "2,659"),
        (0.0004, "share", "0.0%"),
        (412380.4, "money", "EUR 412,380"),
        (-3.5, "money", "-EUR 3.50"),
        (0, "money", "EUR 0"),
        (2.11, "times", "2.1\N{MULTIPLICATION SIGN}"),
        (0.7868, "number", "0.787"),
        (-0.00001, "number", "0.000"),
        (31.25, "number", "31.2"),
        (0.134, "ratio", "0.13"),
        (-1.8, "ratio", "-1.80"),
        (31, "days", "31 days"),
        (31.5, "days", "31.5 days"),
        (3, "", "3"),
    ],
)
def test_a_figure_is_written_in_its_unit(value: float, unit: str, said: str) -> None:
    """Each unit has its decimals, separators and marks."""
    assert plain(measure(value, unit, "EUR")) == said


def test_money_without_a_currency_is_a_bare_number() -> None:
    """Nobody guesses a currency that the data do not name."""
    assert money(1234) == "1,234"


def test_half_an_interval_is_none() -> None:
    """An interval with an end that is not known is left out."""
    assert interval(Estimate(0.8, 0.7, float("nan"))) == ""
    assert interval(Estimate(0.8, 0.7, 0.9), "share") == "70.0% to 90.0%"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("2011-09-01", "1 September 2011"),
        ("2011-09-01T08:05:00Z", "1 September 2011, 08:05 UTC"),
        ("2011-09-01T08:05", "1 September 2011, 08:05"),
        ("last spring", "last spring"),
    ],
)
def test_days_are_written_as_people_do(text: str, said: str) -> None:
    """ISO 8601 becomes a date in words; what is no date stays."""
    assert plain(day(text)) == said


@pytest.mark.parametrize(
    ("words", "said"), [((), ""), (("a",), "a"), (("a", "b"), "a or b"), (("a", "b", "c"), "a, b or c")]
)
def test_words_in_a_row(words: tuple[str, ...], said: str) -> None:
    """Words are joined as in a sentence."""
    assert listed(words, "or") == said
