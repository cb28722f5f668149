"""`retain score` for customers who do not fit in memory: one shard after the other, then what compares customers with each other."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from retain.cache import key_of
from retain.decisions.rules import recommend
from retain.engine import ENGINES
from retain.labels import LABELS
from retain.modelling import bundle
from retain.pipeline.score import (
    Scores,
    by_status,
    by_tier,
    checked_notes,
    contact_rules,
    high_value_cut,
    known_topics,
    playbook_of,
    run_id_of,
    write_card,
)
from retain.scoring.languages import languages_of
from retain.scoring.scorecard import SCHEMA, SCORED, score, scorecard, without_history
from retain.scoring.value import priority

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from retain.decisions.playbook import Playbook
    from retain.engine.panel import FloatArray
    from retain.events.store import EventStore
    from retain.modelling.bundle import Bundle
    from retain.pipeline.project import Project
    from retain.pipeline.shards import Shards
    from retain.scoring.languages import ReasonSettings

_ACTION = ("recommended_action", "action_channel", "action_why")
_IF_HIGH = tuple(f"{one} if high in value" for one in _ACTION)
"""Who counts as high in value is known only when everybody's value is: what is then recommended stands beside."""
_PART = pa.schema([*SCHEMA, *(pa.field(one, pa.string()) for one in _IF_HIGH)])


def score_in_shards(
    project: Project,
    shards: Shards,
    as_of: int,
    opened: Bundle,
    place: Path,
    notes: Sequence[str],
    reasons: ReasonSettings,
    path: Path,
    folder: Path,
) -> Scores:
    """What was written: the very bytes that scoring all customers at once writes.

    Args:
        project: the data and settings.
        shards: its events.
        as_of: the cutoff.
        opened: a model that fits.
        place: its folder.
        notes: what the reader should know of it.
        reasons: in which language they are told.
        path: the file to write.
        folder: where it will be.

    Raises:
        WindowError: the date does not fit the data.
    """
    notes = checked_notes(project, as_of, opened, notes)
    playbook = playbook_of(project)
    run_id = run_id_of(project, as_of, opened, playbook, reasons)
    project.progress("scoring")
    work = partial(
        _part,
        project=project,
        opened=opened,
        as_of=as_of,
        playbook=playbook,
        language=reasons.language,
        run_id=run_id,
    )
    job = {
        "verb": "scores",
        "bundle": str(place.resolve()),
        "shift": opened.calibration.shift,
        "as_of": as_of,
        "language": reasons.language,
        "run_id": run_id,
    }
    # The run is named after all that decides a score.
    files = shards.made(key_of(["scores", run_id]), work, job)
    probability, worth, at_risk = (
        np.concatenate([_scored(one, name) for one in files])
        for name in ("churn_probability", "expected_value", "value_at_risk")
    )
    statuses: Counter[str] = Counter()
    tiers: Counter[str] = Counter()
    actions: Counter[str] = Counter()

    def finished() -> Iterator[pa.RecordBatch]:
        ranked, cut, begin = priority(at_risk, probability), high_value_cut(worth), 0
        for file in files:
            with pa.memory_map(str(file)) as raw, pa.ipc.open_file(raw) as part:
                for number in range(part.num_record_batches):
                    batch = part.get_batch(number)
                    scored = np.asarray(pc.equal(batch.column("status"), SCORED))
                    end = begin + int(scored.sum())
                    done = _finished(batch, scored, ranked[begin:end], worth[begin:end] > cut)
                    begin = end
                    statuses.update(done.column("status").to_pylist())
                    tiers.update(done.column("risk_tier").drop_null().to_pylist())
                    actions.update(done.column(_ACTION[0]).drop_null().to_pylist())
                    yield done

    write_card(path, finished())
    return Scores(
        as_of,
        folder,
        opened,
        reasons,
        run_id,
        notes,
        by_status(statuses),
        by_tier(tiers),
        dict(sorted(actions.items())),
        float(np.nansum(at_risk)),
    )


def scores_of(project: Project, job: Mapping[str, Any]) -> Callable[[EventStore], Iterator[pa.RecordBatch]]:
    """What makes the scores of a shard, by the model and as of the date that the job names."""
    opened = project.fitting(bundle.load(Path(job["bundle"])))
    return partial(
        _part,
        project=project,
        opened=replace(opened, calibration=replace(opened.calibration, shift=job["shift"])),
        as_of=job["as_of"],
        playbook=playbook_of(project),
        language=job["language"],
        run_id=job["run_id"],
    )


def _part(
    store: EventStore,
    project: Project,
    opened: Bundle,
    as_of: int,
    playbook: Playbook,
    language: str,
    run_id: str,
) -> Iterator[pa.RecordBatch]:
    """A shard's rows of the scoring contract, with what depends on all customers left open."""
    config = project.config
    label = LABELS.get(opened.churn.definition)
    if len(store.tables[label.table]):
        engine = ENGINES.get(config.features.engine)
        scored = score(store, opened, engine, as_of, config.tiers, config.value, language)

        def card(high_value: float) -> pa.Table:
            rules = contact_rules(store, scored, playbook, as_of, high_value)
            spoken = languages_of(store, scored.customers, language)
            found = recommend(playbook, scored.tier.tolist(), known_topics(scored), rules, spoken)
            return scorecard(
                store,
                scored,
                as_of=as_of,
                churn=config.churn,
                actions=(found.action_id.tolist(), found.channel.tolist(), found.why.tolist()),
                model_version=opened.version,
                run_id=run_id,
            )

        plain = card(float("inf"))
        asks = any("high_value" in one.only_if for one in playbook.actions)
        high = card(-float("inf")) if asks else plain
    else:
        why = label.why_not_asked(None, opened.churn)
        plain = high = without_history(store, as_of, opened.version, run_id, why)
    both = pa.table([*plain.columns, *(high[one] for one in _ACTION)], schema=_PART)
    # One batch, even of no rows.
    yield pa.record_batch([one.combine_chunks() for one in both.columns], schema=_PART)


def _scored(file: Path, name: str) -> FloatArray:
    """A column of those who are scored; NaN where it is not known."""
    with pa.memory_map(str(file)) as raw, pa.ipc.open_file(raw) as part:
        rows = part.read_all()
        mine = rows[name].filter(pc.equal(rows["status"], SCORED))
        return np.asarray(pc.fill_null(mine, np.nan), dtype=np.float64)


def _finished(
    batch: pa.RecordBatch,
    scored: np.ndarray[tuple[int, ...], np.dtype[np.bool_]],
    ranked: FloatArray,
    high: np.ndarray[tuple[int, ...], np.dtype[np.bool_]],
) -> pa.RecordBatch:
    """The rows with their priority, and the action for those who are high in value where they are."""
    rank = np.full(len(batch), np.nan)
    rank[scored] = ranked
    is_high = np.zeros(len(batch), dtype=bool)
    is_high[scored] = high
    columns = {name: batch.column(name) for name in SCHEMA.names}
    columns["priority"] = pa.array(rank, from_pandas=True)
    for name, other in zip(_ACTION, _IF_HIGH, strict=True):
        columns[name] = pc.if_else(pa.array(is_high), batch.column(other), batch.column(name))
    return pa.record_batch(list(columns.values()), schema=SCHEMA)
