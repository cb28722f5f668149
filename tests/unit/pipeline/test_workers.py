from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from retain.errors import OutputError
from retain.pipeline import workers
from retain.pipeline.workers import WorkerKilledError, share

if TYPE_CHECKING:
    from pathlib import Path

STRANGE = """
import json, os, signal, sys

def main():
    spec = json.loads(sys.stdin.readline())
    for line in sys.stdin:
        shard = int(line)
        if shard == spec.get("full"):
            print(json.dumps({"error": "OutputError", "words": "The disk is full."}), flush=True)
            continue
        if shard == spec.get("killed"):
            os.kill(os.getpid(), signal.SIGKILL)
        if shard == spec.get("broken"):
            raise SystemExit(1)
        with open(os.path.join(spec["folder"], str(shard)), "x") as out:
            out.write(str(os.getpid()))
        print("{}", flush=True)
"""


@pytest.fixture(autouse=True)
def strange_workers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Workers that write a file a shard, but for shards that are named."""
    (tmp_path / "strange_worker.py").write_text(STRANGE)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(workers, "MODULE", "strange_worker")


def spec(folder: Path, **named: int) -> dict[str, object]:
    (folder / "done").mkdir()
    return {"folder": str(folder / "done"), **named}


def test_every_shard_is_done_once(tmp_path: Path) -> None:
    """By one worker or another, and each is told of."""
    told: list[int] = []
    share(spec(tmp_path), range(9), 3, told.append)
    assert sorted(told) == list(range(9))
    assert len(list((tmp_path / "done").iterdir())) == 9


def test_a_mistake_of_the_user_comes_in_its_own_words(tmp_path: Path) -> None:
    """With its own exit code; the other workers end."""
    with pytest.raises(OutputError, match=r"^The disk is full\.$"):
        share(spec(tmp_path, full=3), range(9), 2, lambda _: None)


def test_a_killed_worker_is_one_clear_message(tmp_path: Path) -> None:
    """Which shard, what it may mean, and what to do."""
    with pytest.raises(
        WorkerKilledError, match=r"shard 4 was killed \(signal 9\).*lower \[resources\] workers"
    ):
        share(spec(tmp_path, killed=3), range(9), 2, lambda _: None)


def test_a_worker_that_breaks_is_a_defect(tmp_path: Path) -> None:
    """What it said is on stderr."""
    with pytest.raises(RuntimeError, match="a worker ended with exit code 1"):
        share(spec(tmp_path, broken=0), range(2), 2, lambda _: None)


def test_a_worker_that_is_gone_before_its_first_order_is_noticed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Writing to it fails, or nothing comes back."""
    (tmp_path / "gone_worker.py").write_text("main = lambda: exit(1)")
    monkeypatch.setattr(workers, "MODULE", "gone_worker")
    with pytest.raises(RuntimeError, match="a worker ended"):
        share(spec(tmp_path), range(500), 1, lambda _: None)


def test_who_is_told_may_stop_all(tmp_path: Path) -> None:
    """As Ctrl-C does: no further shard is begun."""

    def stop(_: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        share(spec(tmp_path), range(500), 2, stop)
    assert len(list((tmp_path / "done").iterdir())) < 500
