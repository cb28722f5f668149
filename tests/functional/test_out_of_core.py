"""Tables that do not fit in the memory that a run may take: the same bytes, whatever happens on the way."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from pyarrow import parquet

from retain.pipeline import project as projects
from retain.pipeline import shards
from retain.pipeline.memory import Budget
from retain.pipeline.shards import Shards

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).parents[2]
BUNDLED = ROOT / "configs" / "default.toml"
MODEL = ROOT / "models" / "champion"
ROWS = {"shop": 27_000, "bundled": 1_040_000}
"""Good rows of the tables, about."""


@pytest.fixture
def in_shards(monkeypatch: pytest.MonkeyPatch) -> Callable[[int, str], None]:
    """A function that makes what follows read its tables in about so many shards."""

    def divide(count: int, what: str = "shop") -> None:
        monkeypatch.setattr(projects, "needed_mb", lambda *_: float("inf"))
        monkeypatch.setattr(Budget, "rows_each", property(lambda _: max(1, ROWS[what] // count)))

    return divide


def left_behind(workspace: Path) -> list[str]:
    """What of a run's own work is still on disk."""
    return [str(one) for one in workspace.rglob("*") if "spill" in one.parts or one.name.startswith(".part-")]


def number_of_shards(said: str) -> int:
    return max(
        (int(line.split()[-1]) for line in said.splitlines() if " of " in line and "shard " in line),
        default=1,
    )


@pytest.mark.parametrize("count", [1, 7, 64])
def test_scores_are_the_same_bytes(
    shop: Any, in_shards: Callable[..., None], tmp_path: Path, count: int
) -> None:
    """The table, its manifest and what the command says do not tell in how many shards they were made."""
    whole = shop.well("score", "--out", tmp_path / "whole")
    in_shards(count)
    ran = shop("score", "--out", tmp_path / "parts", "--json")
    assert {**ran.json, "scores": whole["scores"]} == whole
    assert number_of_shards(ran.err) >= count
    for one in ("scores.parquet", "run.json"):
        assert (tmp_path / "whole" / one).read_bytes() == (tmp_path / "parts" / one).read_bytes()
    assert left_behind(shop.workspace) == []


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_a_panel_is_the_same_bytes(
    shop: Any, in_shards: Callable[..., None], tmp_path: Path, ending: str
) -> None:
    """Rows come by cutoff and customer, with the same bits."""
    cutoffs = "2024-09-01,2024-03-01,2024-06-15"
    whole = shop.well("features", "--cutoff", cutoffs, "--out", tmp_path / f"whole.{ending}")
    in_shards(7)
    parts = shop.well("features", "--cutoff", cutoffs, "--out", tmp_path / f"parts.{ending}")
    assert (tmp_path / f"whole.{ending}").read_bytes() == (tmp_path / f"parts.{ending}").read_bytes()
    assert {**parts, "path": ""} == {**whole, "path": ""}


def test_bundled_orders_are_scored_the_same(
    cli: Callable[..., Any], in_shards: Callable[..., None], tmp_path: Path
) -> None:
    """Real orders, with customers of whom nothing is known yet."""
    words = ("--config", BUNDLED, "--workspace", tmp_path / "workspace", "score", "--as-of", "2010-06-01")
    found = []
    for name in ("whole", "parts"):
        ran = cli(*words, "--model", MODEL, "--out", tmp_path / name, "--json")
        assert ran.code == 0, ran.err
        found.append((tmp_path / name / "scores.parquet").read_bytes())
        in_shards(5, "bundled")
    assert found[0] == found[1]


@pytest.mark.parametrize(
    "words",
    [
        ("validate",),
        ("train", "--until", "2024-09-01"),
        ("evaluate", "--cutoff", "2024-10-01", "--model", "1"),
        ("kpis",),
    ],
    ids=lambda words: words[0],
)
def test_what_needs_all_customers_says_the_same(
    shop: Any, in_shards: Callable[..., None], words: tuple[str, ...]
) -> None:
    """Figures, models and tests come out as they do when the tables fit."""
    whole = shop.well(*words)
    in_shards(5)
    assert shop.well(*words) == whole
    assert left_behind(shop.workspace) == []


@pytest.mark.parametrize("status", ["scored", "no_history", "not_eligible"])
def test_one_customer_is_explained_the_same(shop: Any, in_shards: Callable[..., None], status: str) -> None:
    """History, drivers, texts and action of a customer in one of the shards."""
    rows = parquet.read_table(next((shop.workspace / "shop" / "scores").glob("*/scores.parquet"))).to_pylist()
    someone = [one["customer_id"] for one in rows if one["status"] == status][-1]
    whole = shop.well("explain", someone)
    in_shards(5)
    assert shop.well("explain", someone) == whole


def test_the_report_of_scores_is_the_same(shop: Any, in_shards: Callable[..., None], tmp_path: Path) -> None:
    """The page says of all customers what it says when they are in memory."""
    shop.well("score", "--out", tmp_path / "whole", "--report", tmp_path / "whole.html")
    in_shards(5)
    shop.well("score", "--out", tmp_path / "parts", "--report", tmp_path / "parts.html")
    assert (tmp_path / "parts.html").read_bytes() == (tmp_path / "whole.html").read_bytes()


def test_two_processes_write_the_same_bytes(
    shop: Any, in_shards: Callable[..., None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A panel and scores; each shard that is done is said."""

    def made(name: str) -> list[bytes]:
        out = tmp_path / name
        shop.well("features", "--cutoff", "2024-09-01,2024-03-01", "--out", out / "panel.parquet")
        shop.well("score", "--out", out / "scores")
        return [one.read_bytes() for one in sorted(out.rglob("*.*"))]

    whole = made("whole")
    in_shards(7)
    monkeypatch.setattr(shards, "PAYS", 0)
    monkeypatch.setattr(Shards, "_reads_texts", property(lambda _: False))
    monkeypatch.setattr(projects, "budget", lambda _: Budget(4000, 2))
    assert made("parts") == whole
    said = shop("features", "--cutoff", "2024-09-01", "--out", tmp_path / "again.csv").err
    assert "shards in 2 processes" in said
    count = said.count(" is done")
    assert count > 6
    assert f"shard {count} of {count} is done" in said
    assert left_behind(shop.workspace) == []


FEW = "customer_id,ordered_at,amount\n" + "".join(
    f"c{one:02},2023-{month:02}-01,{one}.5\n" for one in range(12) for month in range(1, 7)
)
IN_TWELVE = """
import os, resource, signal, sys
from retain.pipeline import project, shards
from retain.pipeline.memory import Budget
from retain.cli.app import main

project.needed_mb = lambda *_: float("inf")
Budget.rows_each = property(lambda _: 6)
deadly, largest = int(sys.argv[1]), int(sys.argv[2])
if largest:
    resource.setrlimit(resource.RLIMIT_FSIZE, (largest, largest))
read = shards.Shards.store

def store(self, shard):
    if shard == deadly:
        os.kill(os.getpid(), signal.SIGKILL)
    return read(self, shard)

shards.Shards.store = store
main(sys.argv[3:])
"""


def test_the_next_run_goes_on_where_a_killed_one_was(
    own: Callable[..., Any], in_a_process: Callable[..., Any], tmp_path: Path
) -> None:
    """Killed in the middle of a shard, a run leaves no half panel; the next one computes the other shards only, and tidies up."""
    home = own(FEW)
    asked = ("features", "--cutoff", "2023-05-15", "--out")
    home.well(*asked, tmp_path / "whole.parquet")
    killed = in_a_process("-c", IN_TWELVE, 7, 0, *home.words, *asked, tmp_path / "parts.parquet")
    assert killed.returncode == -9
    assert "shard 8 of 12" in killed.stderr
    assert not (tmp_path / "parts.parquet").exists()
    assert left_behind(home.workspace)
    done = in_a_process("-c", IN_TWELVE, -1, 0, *home.words, *asked, tmp_path / "parts.parquet")
    assert done.returncode == 0, done.stderr
    assert "reading orders" not in done.stderr
    assert "shard 7 of 12" not in done.stderr
    assert "shard 8 of 12" in done.stderr
    assert (tmp_path / "parts.parquet").read_bytes() == (tmp_path / "whole.parquet").read_bytes()
    assert left_behind(home.workspace) == []


IN_TWO_PROCESSES = """
import os, signal, subprocess, sys
from retain.pipeline import project, shards, workers
from retain.pipeline.memory import Budget
from retain.cli.app import main

project.needed_mb = lambda *_: float("inf")
project.budget = lambda _: Budget(4000, 2)
Budget.rows_each = property(lambda _: 6)
shards.PAYS = 0
dies, note = sys.argv[1], sys.argv[2]
crew, started, told = [], workers._started, project.Project.__init__

def start(spec):
    crew.append(started(spec))
    with open(note, "a") as out:
        print(crew[-1].pid, file=out)
    return crew[-1]

def init(self, config, workspace, progress):
    def tell(words):
        progress(words)
        if words.endswith("is done") and dies != "nobody":
            if dies == "worker":
                os.kill(crew[1].pid, signal.SIGKILL)
            else:
                os.kill(os.getpid(), signal.SIGINT if dies == "stopped" else signal.SIGKILL)
    told(self, config, workspace, tell)

workers._started, project.Project.__init__ = start, init
main(sys.argv[3:])
"""


def runs(pid: int) -> bool:
    """Whether a process is there, other than as a name that nobody has asked after."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


@pytest.mark.parametrize(("dies", "code"), [("worker", 3), ("master", -9), ("stopped", 130)])
def test_whoever_dies_no_process_is_left_and_the_next_run_ends_well(
    own: Callable[..., Any], in_a_process: Callable[..., Any], tmp_path: Path, dies: str, code: int
) -> None:
    """A worker that is killed, all of them at Ctrl-C, or those whose master was killed: no half panel, and finished shards are taken."""
    home = own(FEW)
    asked = ("features", "--cutoff", "2023-05-15", "--out")
    home.well(*asked, tmp_path / "whole.parquet")
    note = tmp_path / "workers"
    words = (*home.words, *asked, tmp_path / "parts.parquet")
    ended = in_a_process("-c", IN_TWO_PROCESSES, dies, note, *words)
    assert ended.returncode == code, ended.stderr
    assert "Traceback" not in ended.stderr
    assert not (tmp_path / "parts.parquet").exists()
    if dies == "worker":
        assert "was killed (signal 9)" in ended.stderr.splitlines()[-1]
    for pid in map(int, note.read_text().split()):
        # Those whose master was killed end with their shard.
        while runs(pid):
            time.sleep(0.05)
    done = in_a_process("-c", IN_TWO_PROCESSES, "nobody", note, *words)
    assert done.returncode == 0, done.stderr
    finished = done.stderr.count(" is done")
    assert finished == 12 if dies == "stopped" else 0 < finished < 12
    assert (tmp_path / "parts.parquet").read_bytes() == (tmp_path / "whole.parquet").read_bytes()
    assert left_behind(home.workspace) == []


def test_what_a_killed_run_left_of_other_tables_goes(
    own: Callable[..., Any], in_a_process: Callable[..., Any], tmp_path: Path
) -> None:
    """A table that changed since is read again, and the old rows do not stay on the disk."""
    home = own(FEW)
    asked = ("features", "--cutoff", "2023-05-15", "--out", tmp_path / "parts.csv")
    in_a_process("-c", IN_TWELVE, 7, 0, *home.words, *asked)
    own(FEW + "c99,2023-05-14,1\n")
    done = in_a_process("-c", IN_TWELVE, -1, 0, *home.words, *asked)
    assert done.returncode == 0, done.stderr
    assert "c99" in (tmp_path / "parts.csv").read_text()
    assert left_behind(home.workspace) == []


def test_a_full_disk_is_one_clear_message(
    own: Callable[..., Any], in_a_process: Callable[..., Any], tmp_path: Path
) -> None:
    """Exit code 9, what is full and what to do; nothing is left of the attempt."""
    home = own(FEW)
    asked = ("features", "--cutoff", "2023-05-15", "--out", tmp_path / "parts.csv")
    done = in_a_process("-c", IN_TWELVE, -1, 300, *home.words, *asked)
    assert done.returncode == 9, done.stderr
    last = done.stderr.splitlines()[-1]
    assert last.startswith("Error: The disk of '")
    assert "Free some space, or choose another disk with --workspace." in last
    assert not (tmp_path / "parts.csv").exists()
    assert left_behind(home.workspace) == []


def test_the_memory_that_was_taken_is_said(shop: Any, in_shards: Callable[..., None], tmp_path: Path) -> None:
    """Before, what the tables need and may take; at the end, what was taken."""
    in_shards(3)
    said = shop("features", "--cutoff", "2024-09-01", "--out", tmp_path / "panel.csv").err
    assert "reading and checking them in shards" in said
    assert "MB of memory were in use at most" in said.splitlines()[-1]
