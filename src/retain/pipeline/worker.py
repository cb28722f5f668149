"""What runs in a process of its own that works on shards: orders come as lines on stdin, answers go to stdout."""

from __future__ import annotations

import json
import os
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from retain.config import config_of
from retain.errors import UserError
from retain.pipeline.features import panel_of
from retain.pipeline.needs import Needs
from retain.pipeline.project import Project
from retain.pipeline.score_shards import scores_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    import pyarrow as pa

    from retain.events.store import EventStore

WORKS: Mapping[
    str, Callable[[Project, Mapping[str, Any]], Callable[[EventStore], Iterable[pa.RecordBatch]]]
] = {
    "features": panel_of,
    "scores": scores_of,
}
"""From a project and its orders to what is made of each shard."""


def main() -> None:
    """Do what the first line says with the shards that the others name, until no more come."""
    # Ctrl-C reaches every process of a terminal; the master ends us.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # Whatever a library prints is no answer.
    answers, sys.stdout = sys.stdout, sys.stderr
    spec = json.loads(sys.stdin.readline())
    project = Project(config_of(spec["config"], Path(spec["base"])), Path(spec["workspace"]))
    shards = project.join(Path(spec["folder"]), Needs(spec["needs"]))
    work = WORKS[spec["job"]["verb"]](project, spec["job"])
    for line in sys.stdin:
        reply = {}
        try:
            shards.make(spec["key"], int(line), work)
        except UserError as mistake:
            reply = {"error": type(mistake).__name__, "words": str(mistake)}
        try:
            print(json.dumps(reply), file=answers, flush=True)
        except BrokenPipeError:
            # The master is gone: what is finished stays on disk for the next run.
            os._exit(1)
