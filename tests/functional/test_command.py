"""The command as a tool: help without heavy libraries, clean stdout and stderr, documented endings, nothing personal."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from pyarrow import parquet

from retain import errors
from retain.cli import app as application
from retain.cli.app import BUG, INTERRUPTED, VERBS
from retain.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

HEAVY = ("pandas", "mlflow", "lightgbm", "sklearn", "numpy", "duckdb", "pyarrow", "scipy", "jinja2")
WORDS = tuple(one.__name__.rsplit(".", 1)[-1] for one in VERBS)
LOADED = """
import contextlib, io, json, sys
from retain.cli.app import main
found = {}
for words in json.loads(sys.argv[1]):
    out = io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.suppress(SystemExit):
        main([*words, "--help"])
    loaded = {name.split(".")[0] for name in sys.modules}
    found[" ".join(words)] = ["Usage" in out.getvalue(), sorted(loaded & set(json.loads(sys.argv[2])))]
print(json.dumps(found))
"""


def kinds(one: type[UserError] = UserError) -> list[type[UserError]]:
    """Every kind of mistake."""
    return [one, *(each for below in one.__subclasses__() for each in kinds(below))]


def test_help_loads_no_heavy_library(in_a_process: Callable[..., Any]) -> None:
    """`retain --help` and the help of every verb import none of the libraries that take seconds."""
    asked = [
        [],
        *([verb] for verb in WORDS),
        ["models"],
        *(["models", verb] for verb in ("list", "show", "promote", "rollback")),
    ]
    done = in_a_process("-c", LOADED, json.dumps(asked), json.dumps(HEAVY))
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found == {" ".join(words): [True, []] for words in asked}


def test_help_lists_every_verb_and_says_where_to_begin(in_a_process: Callable[..., Any]) -> None:
    """The help of the real command names each verb, the general options and the first steps."""
    done = in_a_process("-m", "retain", "--help")
    assert done.returncode == 0
    for word in (
        *WORDS,
        "models",
        "--config",
        "--workspace",
        "--json",
        "--quiet",
        "--log-format",
        "retain demo",
    ):
        assert word in done.stdout
    assert done.stderr == ""


@pytest.mark.parametrize("verb", WORDS)
def test_every_verb_explains_itself_with_examples(cli: Callable[..., Any], verb: str) -> None:
    """Each verb's help says what it does, each option with words, and shows a call that can be copied."""
    text = cli(verb, "--help").out
    assert "Examples" in text
    assert f"retain {verb}" in text.replace("retain --config shop.toml", "retain")


def test_version_is_shown(cli: Callable[..., Any]) -> None:
    """`retain --version` names the program and its version."""
    ran = cli("--version")
    assert (ran.code, ran.out.split()[0]) == (0, "retain")


@pytest.mark.parametrize("verb", [["validate"], ["kpis"], ["models", "list"], ["models", "show"], ["score"]])
def test_json_may_stand_before_or_after_the_verb(shop: Any, cli: Callable[..., Any], verb: list[str]) -> None:
    """Wherever the general options stand, stdout is the same single JSON object."""
    first = cli("--json", *shop.words, *verb)
    last = cli(*verb, "--json", f"--config={shop.config}", f"--workspace={shop.workspace}")
    assert first.code == last.code == 0
    assert first.json == last.json


def test_quiet_says_nothing_unless_something_is_wrong(shop: Any) -> None:
    """With --quiet stderr is empty when all goes well, and holds the one message when it does not."""
    for verb in (["validate"], ["score"], ["evaluate", "--cutoff", "2024-09-01"], ["train"], ["kpis"]):
        ran = shop("--quiet", *verb)
        assert (ran.code, ran.err) == (0, ""), verb
        assert ran.out
    ran = shop("--quiet", "score", "--model", "none")
    assert len(ran.err.splitlines()) == 1


def test_progress_goes_to_stderr_with_seconds(shop: Any) -> None:
    """Without --quiet each long step is announced on stderr, and stdout holds the result only."""
    ran = shop("score", "--json")
    assert ran.json
    assert all(line.split()[1] == "s" and float(line.split()[0]) >= 0 for line in ran.err.splitlines())
    assert "reading and checking the tables" in ran.err


def test_log_lines_are_json_for_jobs(shop: Any) -> None:
    """With --log-format json every line of stderr is a JSON object, progress and the final error alike."""
    ran = shop("score", "--as-of", "2031-01-01", "--log-format", "json")
    lines = [json.loads(line) for line in ran.err.splitlines()]
    assert len(lines) > 2
    assert [one["level"] for one in lines] == ["info"] * (len(lines) - 1) + ["error"]
    assert all(set(one) == {"level", "seconds", "message"} for one in lines)
    ran = shop("score", "--log-format=json")
    assert all(json.loads(line)["level"] == "info" for line in ran.err.splitlines())


def test_log_format_that_does_not_exist_is_refused(shop: Any) -> None:
    """Another log format ends with 2 and names the two there are."""
    ran = shop("validate", "--log-format", "xml")
    assert ran.code == 2
    assert "text" in ran.err
    assert "json" in ran.err


@pytest.mark.parametrize(
    "words",
    [["score", "--as-off", "x"], ["nosuch"], ["evaluate"], ["explain"], ["models", "nosuch"], ["--config"]],
)
def test_call_that_cannot_be_understood_ends_with_2(cli: Callable[..., Any], words: list[str]) -> None:
    """An unknown option or verb, or a missing argument, ends with 2, on stderr only."""
    ran = cli(*words)
    assert ran.code == 2
    assert ran.out == ""
    assert ran.err


def test_every_mistake_has_its_own_exit_code_and_meaning() -> None:
    """No two kinds of mistake share a code or a meaning, and none has the code of success, a stop or a defect."""
    found = kinds()
    assert {
        one for one in vars(errors).values() if isinstance(one, type) and issubclass(one, UserError)
    } == set(found)
    assert len({one.exit_code for one in found}) == len(found)
    assert len({one.meaning for one in found}) == len(found)
    assert not {one.exit_code for one in found} & {0, BUG, INTERRUPTED}


@pytest.mark.parametrize("kind", kinds(), ids=lambda one: one.__name__)
def test_mistake_ends_with_its_code_and_one_line(
    cli: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, kind: type[UserError]
) -> None:
    """Whatever the mistake, stderr is its message in one line and the process ends with its code."""

    def fail(_: object) -> None:
        raise kind("Something is off. Do something else.")

    monkeypatch.setattr(application, "app", fail)
    ran = cli("validate")
    assert (ran.code, ran.out, ran.err) == (
        kind.exit_code,
        "",
        "Error: Something is off. Do something else.\n",
    )


def test_defect_is_called_a_defect(cli: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """A failure that is not the user's ends with 70, says so, and only then shows where."""

    def fail(_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(application, "app", fail)
    ran = cli("validate")
    assert ran.code == BUG
    assert ran.err.startswith("Error: This is a defect of retain, not of your data: ZeroDivisionError.")
    assert "Traceback" in ran.err


def test_stopping_says_what_is_left(cli: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C ends with 130 and no traceback."""

    def stop(_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(application, "app", stop)
    ran = cli("validate")
    assert ran.code == INTERRUPTED
    assert ran.err == "Error: Stopped. What was complete is kept; nothing half-written is left.\n"


def test_reader_that_closes_early_is_no_defect(shop: Any, closed_early: Callable[..., str]) -> None:
    """`retain kpis | head -0` ends without a traceback."""
    said = closed_early(*shop.words, "--quiet", "kpis", "--periods", "2")
    assert "Traceback" not in said
    assert "defect" not in said


def test_console_without_unicode_still_gets_its_result(
    in_a_process: Callable[..., Any], tmp_path: Path
) -> None:
    """On a console that knows ASCII only, letters come as numbers; JSON stays JSON and nothing fails."""
    (tmp_path / "orders.csv").write_text("customer_id,ordered_at,amount,цвет\n1,2022-01-01,5,синий\n")
    code = "import sys; sys.stdout.reconfigure(encoding='ascii'); from retain.cli import main; main()"
    asked = ("init", tmp_path / "orders.csv", "--out")
    done = in_a_process("-c", code, *asked, tmp_path / "цвет.toml")
    assert done.returncode == 0, done.stderr
    assert r"\u0446\u0432\u0435\u0442.toml" in done.stdout
    done = in_a_process("-c", code, "--json", *asked, tmp_path / "цвета.toml")
    assert done.returncode == 0, done.stderr
    assert "цвет" in json.loads(done.stdout)["files"][0]["columns"]


def test_nothing_personal_is_said_on_stderr(own: Callable[..., Any]) -> None:
    """Ids that are e-mail addresses, in good rows and bad ones, are in the files but in no message."""
    people = [f"maria.{who}@example.org" for who in range(30)]
    lines = [
        f"{one},2022-{1 + month:02}-{1 + who % 28:02},{who}.00,o{who}-{month}"
        for who, one in enumerate(people)
        for month in range(12)
    ]
    bad = [
        "evil.person@example.org,never,1.00,o1",
        'quoted.person@example.org,"2022-01-01,1.00,o2',
        "short.person@example.org",
    ]
    home = own("customer_id,ordered_at,amount,order_id\n" + "\n".join([*lines, *bad]) + "\n")
    spoken = [
        home(*verb)
        for verb in (
            ["validate"],
            ["train"],
            ["score"],
            ["kpis"],
            ["explain", "evil.person@example.org"],
            ["explain", "no.person@example.org"],
        )
    ]
    few = own("customer_id,ordered_at,amount\n" + "\n".join(bad) + "\n")
    spoken += [few("validate"), few("validate", "--log-format", "json")]
    for ran in spoken:
        assert ran.code != BUG, ran.err
        assert "@" not in ran.err, ran.err
        assert "maria" not in ran.err
        assert "evil" not in ran.err


def test_scores_of_people_with_addresses_for_ids_keep_them_out_of_logs(shop: Any, tmp_path: Path) -> None:
    """Training and scoring the shop mention no customer on stderr."""
    ids = parquet.read_table(shop.workspace / "data" / "shop" / "customers")["customer_id"].to_pylist()
    said = shop("score", "--out", tmp_path / "run").err + shop("validate").err + shop("train").err
    assert not [one for one in ids if one in said]
