"""What every verb shares: options anywhere, aligned tables, figures, progress."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from retain.cli.app import _general_first
from retain.cli.context import Context, number, table


def context(*, as_json: bool = False, quiet: bool = False, log_json: bool = False) -> Context:
    """The shared options of a call that began long ago."""
    return Context(None, Path("workspace"), as_json, quiet, log_json, started=0.0)


@pytest.mark.parametrize(
    ("given", "ordered"),
    [
        ("train --json", "--json train"),
        ("train --until 2011-06-01 --workspace w", "--workspace w train --until 2011-06-01"),
        ("train --config=a.toml --quiet", "--config=a.toml --quiet train"),
        ("--json train", "--json train"),
        ("models list --log-format json", "--log-format json models list"),
        ("explain -- --json", "explain -- --json"),
        ("score --out x", "score --out x"),
        ("train --config", "--config train"),
        ("", ""),
    ],
)
def test_general_options_may_stand_anywhere(given: str, ordered: str) -> None:
    """General options go before the verb with their values; others, and all after a bare --, stay in place."""
    assert _general_first(given.split()) == ordered.split()


def test_table_is_aligned() -> None:
    """Columns are as wide as their widest cell, numbers flush right, and no line ends in blanks."""
    lines = table(("name", "count"), [("a", "1,000"), ("longer", "7")], right=(1,))
    assert lines == ["  name    count", "  ------  -----", "  a       1,000", "  longer      7"]


def test_table_without_rows_is_its_head() -> None:
    """Nothing to list still shows what would be listed."""
    assert table(("a", "bc"), []) == ["  a  bc", "  -  --"]


@pytest.mark.parametrize(
    ("value", "digits", "shown"),
    [(1234.5678, 2, "1,234.57"), (None, 3, "not known"), (float("nan"), 3, "not known"), (-0.4, 0, "0")],
)
def test_figure_is_shown_or_said_to_be_unknown(value: float | None, digits: int, shown: str) -> None:
    """Thousands are marked, None and NaN are 'not known', and there is no -0."""
    assert number(value, digits) == shown


def test_result_with_a_nan_is_not_written_as_json() -> None:
    """NaN is no JSON: a verb that lets one through fails instead of writing what no parser takes."""
    with pytest.raises(ValueError, match="not JSON compliant"):
        context(as_json=True).show({"a": float("nan")}, [])


def test_result_is_words_or_json_never_both(capsys: pytest.CaptureFixture[str]) -> None:
    """People get the lines, programs the object."""
    context().show({"a": 1}, ["one", "two"])
    assert capsys.readouterr().out == "one\ntwo\n"
    context(as_json=True).show({"a": "\u044f"}, ["one"])
    assert json.loads(capsys.readouterr().out) == {"a": "\u044f"}


def test_progress_is_silenced_but_errors_are_not(capsys: pytest.CaptureFixture[str]) -> None:
    """Quiet drops progress; an error is said all the same."""
    context(quiet=True).progress("reading")
    assert capsys.readouterr().err == ""
    context(quiet=True).say("error", "broken")
    assert capsys.readouterr().err == "Error: broken\n"


def test_log_lines_hold_level_seconds_and_message(capsys: pytest.CaptureFixture[str]) -> None:
    """A job's log has one JSON object a line, letters as they are."""
    context(log_json=True).progress("\u0447\u0435\u0442\u0435")
    line = capsys.readouterr().err
    assert "\u0447\u0435\u0442\u0435" in line
    assert json.loads(line)["level"] == "info"
