"""`retain models log`: what the model store could not be told when it was made, told now."""

from __future__ import annotations

from typing import TYPE_CHECKING

from retain.errors import GateError, ModelError, StoreError
from retain.modelling import bundle
from retain.modelling.waiting import Training, Tuned
from retain.pipeline.model_card import gate_lines
from retain.pipeline.promote import put_to_gate
from retain.reports.model_card import NAME, with_gate

if TYPE_CHECKING:
    from collections.abc import Iterator

    from retain.modelling.tracking import Registered
    from retain.modelling.training import Trained
    from retain.modelling.waiting import Entry
    from retain.pipeline.project import Project


def log_waiting(project: Project, just: Trained | None = None) -> tuple[Registered, ...]:
    """The models that waited, oldest first; they, the evaluations and the tunings are in the store now, and wait no longer.

    A challenger is put to the gate here, against the champion that there is now.

    Args:
        project: the data and settings.
        just: how the last one came about, if it was trained in this run, which saves the gate some work.

    Raises:
        StoreError: the store does not answer or refuses; the message says what still waits, and where.
        ModelError: what waits is damaged.
    """
    entries = project.waiting.entries()
    try:
        return tuple(_logged(project, entries, just))
    except StoreError as cause:
        left = len(project.waiting)
        raise StoreError(
            f"{cause} Nothing is lost: what could not be logged ({left}) waits in {project.waiting.folder}. The next "
            f"`retain train` logs it, and so does `retain models log`."
        ) from cause


def _logged(project: Project, entries: tuple[Entry, ...], just: Trained | None) -> Iterator[Registered]:
    for entry in entries:
        said = entry.said
        if isinstance(said, Training):
            yield _model(project, entry, said, just if entry is entries[-1] else None)
        elif isinstance(said, Tuned):
            project.tracking.log_tuning(said)
        else:
            project.tracking.log_evaluation(said)
        entry.done()


def _model(project: Project, entry: Entry, said: Training, just: Trained | None) -> Registered:
    """One model, registered, with the gate's verdict if it is a candidate."""
    known = next((one for one in project.tracking.versions() if one.version == said.version), None)
    verdict = known.verdict if known is not None else None
    judge = said.candidate and verdict is None
    if judge:
        try:
            opened = bundle.load(entry.bundle)
        except ModelError as cause:
            raise ModelError(
                f"{cause} It waits to be logged: delete {entry.folder} to go on without it."
            ) from cause
        try:
            verdict = put_to_gate(project, opened, known.number if known is not None else None, just)
        except GateError as cause:
            # The tables have moved on since it was trained: it stays a challenger that nobody judged.
            project.progress(str(cause))
    card = entry.bundle / NAME
    forced = known is not None and known.forced
    text = with_gate(card.read_text(encoding="utf-8"), gate_lines(verdict, forced=forced))
    card.write_text(text, encoding="utf-8", newline="")
    project.progress("logging the run and the model")
    registered = project.tracking.log(entry.bundle, said)
    return project.tracking.judged(registered, verdict) if judge and verdict is not None else registered
