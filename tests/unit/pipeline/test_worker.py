from __future__ import annotations

import io
import json
import signal
import sys
from typing import TYPE_CHECKING, Any

import pytest

from retain.config import load_config
from retain.errors import ContractError, OutputError
from retain.pipeline import project as projects
from retain.pipeline import shards, worker
from retain.pipeline.features import run_features
from retain.pipeline.memory import Budget
from retain.pipeline.project import Project
from retain.pipeline.shards import Shards
from retain.timeline import instant

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from pathlib import Path

ORDERS = "customer_id,ordered_at,amount\n" + "".join(
    f"c{one},2023-0{month}-01,{one}.5\n" for one in range(6) for month in range(1, 6)
)


def in_this_process(
    spec: Mapping[str, Any], waiting: Iterable[int], count: int, done: Callable[[int], None]
) -> None:
    """As ``share``, by one worker that is no process of its own."""
    assert count == 2
    numbers = list(waiting)
    answers = io.StringIO()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "stdin", io.StringIO("\n".join([json.dumps(spec), *map(str, numbers)])))
        patch.setattr(sys, "stdout", answers)
        worker.main()
    for number, line in zip(numbers, answers.getvalue().splitlines(), strict=True):
        said = json.loads(line)
        if said:
            assert said["error"] == "OutputError"
            raise OutputError(said["words"])
        done(number)


@pytest.fixture(autouse=True)
def ctrl_c() -> Iterator[None]:
    """It works again after a worker has switched it off."""
    before = signal.getsignal(signal.SIGINT)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture
def opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Project]:
    """A function to a project whose tables are read in six shards, for two workers."""
    (tmp_path / "orders.csv").write_text(ORDERS)

    def project(more: str = "", said: Callable[[str], None] = lambda _: None) -> Project:
        (tmp_path / "own.toml").write_text(f'[source.tables.orders]\npath = "orders.csv"\n{more}')
        return Project(load_config(tmp_path / "own.toml", tmp_path / "work"), tmp_path / "work", said)

    monkeypatch.setattr(projects, "needed_mb", lambda *_: float("inf"))
    monkeypatch.setattr(projects, "budget", lambda _: Budget(4000, 2))
    monkeypatch.setattr(Budget, "rows_each", property(lambda _: 5))
    monkeypatch.setattr(shards, "PAYS", 0)
    monkeypatch.setattr(shards, "share", in_this_process)
    return project


def test_a_worker_makes_what_its_master_would(
    opened: Callable[..., Project], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same bytes; every shard that is done is said."""
    said: list[str] = []
    cutoffs = [instant("2023-04-15")]
    project = opened(said=said.append)
    run_features(project, cutoffs, tmp_path / "shared.parquet")
    assert "6 shards in 2 processes" in said
    assert [one for one in said if one.endswith("is done")] == [
        f"shard {one} of 6 is done" for one in range(1, 7)
    ]
    del project
    monkeypatch.setattr(shards, "PAYS", 1_000)
    run_features(opened(), cutoffs, tmp_path / "alone.parquet")
    assert (tmp_path / "shared.parquet").read_bytes() == (tmp_path / "alone.parquet").read_bytes()


def test_what_a_worker_cannot_do_it_says(
    opened: Callable[..., Project], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In the words of the mistake."""

    def fail(*_: object) -> None:
        raise OutputError("The disk is full.")

    monkeypatch.setattr(Shards, "make", fail)
    with pytest.raises(OutputError, match="The disk is full"):
        run_features(opened(), [instant("2023-04-15")], tmp_path / "panel.parquet")


def test_without_contracts_there_is_no_churn_by_contract(
    opened: Callable[..., Project], tmp_path: Path
) -> None:
    """Nor in shards."""
    project = opened('[churn]\ndefinition = "contract"\n')
    with pytest.raises(ContractError, match="There are no contracts"):
        run_features(project, [instant("2023-04-15")], tmp_path / "panel.parquet")
