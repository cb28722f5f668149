"""Processes that work on shards at the same time: each is told which, and says when it is done.

They are started anew and talk in lines of JSON, so that nothing is copied from a process whose libraries have threads of their own.
A worker whose master is gone reads the end of its orders, and ends.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import deque
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import suppress
from threading import Lock
from typing import IO, TYPE_CHECKING, Any, cast

from retain import errors
from retain.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

MODULE = "retain.pipeline.worker"


class WorkerKilledError(Exception):
    """A process that worked on a shard was killed, most likely for want of memory."""


def share(spec: Mapping[str, Any], shards: Iterable[int], count: int, done: Callable[[int], None]) -> None:
    """Nothing; every shard is done afterwards.

    Args:
        spec: what a worker has to know, as JSON has it.
        shards: their numbers.
        count: how many processes.
        done: called with each shard that is done.

    Raises:
        WorkerKilledError: a worker was killed; the others are ended.
        UserError: what a worker could not do, in its words.
    """
    waiting = deque(shards)
    one_at_a_time = Lock()

    def told(shard: int) -> None:
        with one_at_a_time:
            done(shard)

    crew: list[subprocess.Popen[str]] = []
    try:
        crew.extend(_started(spec) for _ in range(count))
        with ThreadPoolExecutor(count) as pool:
            try:
                for one in as_completed([pool.submit(_serve, worker, waiting, told) for worker in crew]):
                    one.result()
            except BaseException:
                # Also Ctrl-C: nobody begins another shard, and nobody is waited for.
                waiting.clear()
                for worker in crew:
                    worker.kill()
                raise
    finally:
        for worker in crew:
            worker.kill()
            with suppress(OSError):  # an order that it did not read any more
                cast("IO[str]", worker.stdin).close()
            cast("IO[str]", worker.stdout).close()
            worker.wait()


def _started(spec: Mapping[str, Any]) -> subprocess.Popen[str]:
    surroundings = {**os.environ, "PYTHONPATH": os.pathsep.join(one for one in sys.path if one)}
    worker = subprocess.Popen(  # noqa: S603  # this very program, without a shell
        # -P: what lies in the present folder is no module.
        [sys.executable, "-P", "-c", f"from {MODULE} import main; main()"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=surroundings,
    )
    _order(worker, json.dumps(spec))
    return worker


def _serve(worker: subprocess.Popen[str], waiting: deque[int], done: Callable[[int], None]) -> None:
    """Give the worker one shard after the other until none is left."""
    while True:
        try:
            shard = waiting.popleft()
        except IndexError:
            return
        _order(worker, str(shard))
        reply = cast("IO[str]", worker.stdout).readline()
        if not reply:
            raise _ended(worker, shard)
        said = json.loads(reply)
        if said:
            raise getattr(errors, said["error"], UserError)(said["words"])
        done(shard)


def _order(worker: subprocess.Popen[str], words: str) -> None:
    orders = cast("IO[str]", worker.stdin)
    # One that is gone is found where its answer is missing.
    with suppress(OSError):
        orders.write(words + "\n")
        orders.flush()


def _ended(worker: subprocess.Popen[str], shard: int) -> Exception:
    code = worker.wait()
    if code >= 0:
        return RuntimeError(f"a worker ended with exit code {code}")
    return WorkerKilledError(
        f"The process that worked on shard {shard + 1} was killed (signal {-code}), most likely because the machine had no memory "
        f"left. Run the same again: it goes on with the shards that are not finished. If it happens again, lower "
        f"[resources] workers or memory_mb."
    )
