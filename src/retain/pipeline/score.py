"""`retain score`: every customer of the input once, with a score or the reason why there is none."""

from __future__ import annotations

import hashlib
import json
import math
from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from pyarrow import parquet

from retain import __version__, atomic
from retain.decisions.playbook import TOPICS, load_playbook
from retain.decisions.rules import ContactRules, recommend
from retain.engine.streams import ENDS
from retain.errors import OutputError
from retain.events.batches import in_groups
from retain.events.store import MISSING
from retain.labels import require_within
from retain.modelling.tracking import CHAMPION
from retain.pipeline.given import notes_of
from retain.scoring.languages import ReasonSettings, languages_of
from retain.scoring.scorecard import SCHEMA, STATUSES, Scored, score, scorecard
from retain.scoring.tiers import TIERS
from retain.timeline import instant_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    import numpy.typing as npt
    import pyarrow as pa

    from retain.decisions.playbook import Playbook
    from retain.decisions.rules import Flags, Recommendations
    from retain.engine.panel import FloatArray
    from retain.events.store import EventStore, EventTable, IntArray
    from retain.modelling.bundle import Bundle
    from retain.pipeline.project import Project

SCORES, MANIFEST = "scores.parquet", "run.json"
ROW_GROUP = 2**17
"""Rows that are written at a time."""
HIGH_VALUE_PERCENTILE = 90
"""Customers worth more than this share of those scored count as high in value."""
PROMOTERS = 9
"""Who answers so or higher, of 10, would recommend the company."""
CONSENTS = {"email": "consent_email", "sms": "consent_sms", "phone": "consent_phone", "post": "consent_post"}
"""The column that says whether a channel of the playbook may be used; hyphens and capitals do not matter."""


@dataclass(frozen=True)
class Scores:
    """What `retain score` wrote.

    Attributes:
        as_of: the cutoff.
        folder: holds ``scores.parquet`` and ``run.json``.
        bundle: the model.
        reasons: in which language they are told.
        run_id: decided by data, model, settings and playbook alone.
        notes: what the reader should know.
        statuses: how many customers ended with each status.
        tiers: how many customers are in each tier, the most endangered first.
        actions_taken: for how many each action is recommended.
        money_at_risk: the sum of what the scored customers may be worth no more.
    """

    as_of: int
    folder: Path
    bundle: Bundle
    reasons: ReasonSettings
    run_id: str
    notes: tuple[str, ...]
    statuses: Mapping[str, int]
    tiers: Mapping[str, int]
    actions_taken: Mapping[str, int]
    money_at_risk: float

    @property
    def customers(self) -> int:
        """How many there are, each with a score or the reason why there is none."""
        return sum(self.statuses.values())

    def as_dict(self) -> dict[str, Any]:
        """The run as JSON values."""
        return {
            "as_of": instant_text(self.as_of),
            "run_id": self.run_id,
            "model_version": self.bundle.version,
            "trained_until": self.bundle.known_until,
            "scores": str(self.folder / SCORES),
            "customers": self.customers,
            "statuses": dict(self.statuses),
            "tiers": dict(self.tiers),
            "value_at_risk": self.money_at_risk,
            "actions": dict(self.actions_taken),
            "notes": list(self.notes),
        }


@dataclass(frozen=True)
class ScoringRun(Scores):
    """The same with all that it was made of, in memory.

    Attributes:
        scored: the customers with a score.
        actions: what is recommended for them.
        table: the rows of ``scores.parquet``.
    """

    scored: Scored
    actions: Recommendations
    table: pa.Table


def run_scoring(
    project: Project,
    as_of: int | None = None,
    out: Path | None = None,
    model: str | None = None,
    language: str | None = None,
) -> Scores:
    """Scores of every customer, written as a whole or not at all.

    Args:
        project: the data and settings.
        as_of: predictions are made as of then; None is the end of the data.
        out: the folder to write; None is ``scores/<date>`` in the project's part of the workspace.
        model: alias, number or version, or the path of a bundle's folder; None is the champion.
        language: of the reasons, or ``customer``; None is the configuration's.

    Returns:
        A ``ScoringRun`` where the tables fit in memory.

    Raises:
        UsageError: reasons are not told in that language.
        WindowError: the date does not fit the data.
        ModelError: no such model, or it does not fit the data or the definition of churn.
        OutputError: the folder holds something else, or cannot be written.
    """
    reasons = project.config.reasons if language is None else ReasonSettings(language)
    as_of = project.end_of_data() if as_of is None else as_of
    opened, notes = project.model(model or CHAMPION)
    opened = opened.in_season(as_of, project.orders)
    folder = _folder(project, as_of, out)
    _refuse_foreign(folder)
    run: Scores
    if project.shards is None:
        run = made = make_scores(project, as_of, opened, notes, out, reasons)
        with atomic.folder(folder) as temporary:
            write_card(temporary / SCORES, made.table.to_batches())
            _write_manifest(run, project.outline, temporary)
        return run
    with atomic.folder(folder) as temporary:
        from retain.pipeline.score_shards import score_in_shards  # noqa: PLC0415  # it needs what is here

        run = score_in_shards(
            project,
            project.shards,
            as_of,
            opened,
            project.place_of(model or CHAMPION),
            notes,
            reasons,
            temporary / SCORES,
            folder,
        )
        _write_manifest(run, project.outline, temporary)
    project.tell_memory()
    return run


def in_full(project: Project, run: Scores) -> ScoringRun:
    """The run with all that it was made of, made again in memory if it came from shards."""
    if isinstance(run, ScoringRun):
        return run
    made = make_scores(project, run.as_of, run.bundle, (), run.folder, run.reasons)
    return replace(made, notes=run.notes)


def make_scores(
    project: Project,
    as_of: int,
    opened: Bundle,
    notes: Sequence[str] = (),
    out: Path | None = None,
    reasons: ReasonSettings | None = None,
) -> ScoringRun:
    """The same, in memory only, by a model that fits."""
    config, store = project.config, project.store
    reasons = reasons or config.reasons
    notes = checked_notes(project, as_of, opened, notes)
    project.progress("scoring")
    scored = score(store, opened, project.engine, as_of, config.tiers, config.value, reasons.language)
    playbook = playbook_of(project)
    actions = recommend(
        playbook,
        scored.tier.tolist(),
        known_topics(scored),
        contact_rules(store, scored, playbook, as_of, high_value_cut(scored.expected_value)),
        languages_of(store, scored.customers, reasons.language),
    )
    run_id = run_id_of(project, as_of, opened, playbook, reasons)
    table = scorecard(
        store,
        scored,
        as_of=as_of,
        churn=config.churn,
        actions=(actions.action_id.tolist(), actions.channel.tolist(), actions.why.tolist()),
        model_version=opened.version,
        run_id=run_id,
    )
    return ScoringRun(
        as_of,
        _folder(project, as_of, out),
        opened,
        reasons,
        run_id,
        notes,
        by_status(Counter(table["status"].to_pylist())),
        by_tier(Counter(scored.tier.tolist())),
        dict(sorted(Counter(actions.action_id.tolist()).items())),
        float(np.nansum(scored.value_at_risk)),
        scored,
        actions,
        table,
    )


def checked_notes(project: Project, as_of: int, opened: Bundle, notes: Sequence[str]) -> tuple[str, ...]:
    """These notes and what else a reader of scores as of that day should know.

    Raises:
        WindowError: the date does not fit the data.
    """
    if opened.churn.given:
        notes = (*notes, *notes_of(project))
    else:
        require_within(project.observed, as_of, project.config.churn)
    if opened.calibration.shift:
        notes = (*notes, _season_in_words(opened))
    if opened.trained_until <= as_of:
        return tuple(notes)
    flattered = (
        f"The model knew outcomes until {opened.card['training']['until']}, after {instant_text(as_of)}: "
        f"these scores look better than any real forecast of that day."
    )
    return (*notes, flattered)


def _season_in_words(opened: Bundle) -> str:
    """What the forecast of the season does to the scores."""
    shift = opened.calibration.shift
    change, by = ("raised", shift) if shift > 0 else ("lowered", -shift)
    told = (
        f"Orders in the same days a year before speak of a season with {'more' if shift > 0 else 'less'} churn: everybody's "
        f"odds of leaving are {change} by a factor of {math.exp(by):.2f}."
    )
    if opened.season is None or opened.season.proven:
        return told
    return f"{told} Nothing has shown yet that seasons come again."


def run_id_of(
    project: Project, as_of: int, opened: Bundle, playbook: Playbook, reasons: ReasonSettings
) -> str:
    """A name for the run: the same data, model, settings and playbook give the same."""
    tables = (one.fingerprint for one in project.outline.accounts.values())
    decisive = (project.config.digest, repr(reasons), repr(playbook), *tables)
    return hashlib.sha256("|".join((opened.version, str(as_of), *decisive)).encode()).hexdigest()[:12]


def by_status(counts: Mapping[str, int]) -> dict[str, int]:
    """How many customers ended with each status, those of which there are none too."""
    return {status: counts.get(status, 0) for status in STATUSES}


def by_tier(counts: Mapping[str, int]) -> dict[str, int]:
    """How many customers are in each tier, the most endangered first."""
    return {tier: counts.get(tier, 0) for tier in reversed(TIERS)}


def write_card(path: Path, batches: Iterable[pa.RecordBatch]) -> None:
    """Nothing; the file has these rows of the scoring contract, and its bytes do not tell in what pieces they came."""
    with parquet.ParquetWriter(path, SCHEMA, compression="zstd") as writer:
        for group in in_groups(batches, ROW_GROUP):
            writer.write_table(group, row_group_size=ROW_GROUP)


def _folder(project: Project, as_of: int, out: Path | None) -> Path:
    return out or project.folder / "scores" / instant_text(as_of).replace(":", "")


def _refuse_foreign(folder: Path) -> None:
    """Nothing, unless the folder holds anything that a scoring run does not write."""
    foreign = sorted({one.name for one in folder.iterdir()} - {SCORES, MANIFEST}) if folder.is_dir() else []
    if foreign:
        raise OutputError(
            f"{folder} holds '{foreign[0]}', which no scoring run wrote. Name another folder with --out."
        )


def playbook_of(project: Project) -> Playbook:
    """The company's own playbook, or the shipped one."""
    path = project.config.playbook.path
    return load_playbook(project.config.source.base / path if path else None)


def known_topics(scored: Scored) -> list[tuple[str, ...]]:
    """For each customer the topics that speak for leaving and that a playbook may name: attributes of customers are none."""
    return [tuple(one for one in topics if one in TOPICS) for topics in scored.raising_topics]


def high_value_cut(worth: FloatArray) -> float:
    """What nine in ten of these customers are not worth more than; infinite where nobody's value is known."""
    return float(np.nanpercentile(worth, HIGH_VALUE_PERCENTILE)) if np.isfinite(worth).any() else float("inf")


def contact_rules(
    store: EventStore, scored: Scored, playbook: Playbook, as_of: int, high_value: float
) -> ContactRules:
    """What is known about reaching the scored customers: consent, wishes, and complaints that are open.

    Args:
        store: checked events.
        scored: the customers to be reached, all that are scored or only one of them.
        playbook: names the channels.
        as_of: only what was known before it counts.
        high_value: who is worth more than this counts as high in value.
    """
    chosen = scored.customers
    table = store.tables.get("customers")
    row_of = np.full(len(store.customer_ids), -1, dtype=np.int64)
    if table is not None:
        row_of[table.customer] = np.arange(len(table))
    rows = row_of[chosen]

    there = rows >= 0

    def flags(name: str) -> np.ndarray[Any, np.dtype[np.int8]] | None:
        """The column's values; -1, not known, for customers whom the table lacks."""
        if table is None or name not in table.columns:
            return None
        found = np.full(len(rows), -1, dtype=np.int8)
        found[there] = table.columns[name].values[rows[there]]
        return found

    preferred: list[str | None] | None = None
    if table is not None and "preferred_channel" in table.columns:
        column = table.columns["preferred_channel"]
        levels = [] if column.levels is None else column.levels.tolist()
        codes = np.full(len(rows), -1)
        codes[there] = column.values[rows[there]]
        preferred = [levels[code] if code >= 0 else None for code in codes.tolist()]
    columns = {channel: CONSENTS.get(channel.lower().replace("-", "")) for channel in playbook.channels}
    consent = {
        channel: given
        for channel, name in columns.items()
        if name is not None and (given := flags(name)) is not None
    }
    return ContactRules(
        consent=consent,
        do_not_contact=flags("do_not_contact"),
        open_complaint=_open_tickets(store, chosen, as_of),
        preferred_channel=preferred,
        # An unknown value compares as not above the cut.
        signals={
            "high_value": (scored.expected_value > high_value).astype(np.int8),
            "promoter": _promoters(store, chosen, as_of),
        },
    )


def _promoters(store: EventStore, chosen: IntArray, as_of: int) -> Flags:
    """1 for each customer who last said 9 or 10, 0 for the other answers, -1 where nobody was asked or answered."""
    found = np.full(len(store.customer_ids), -1, dtype=np.int8)
    table = store.tables.get("feedback")
    if table is not None and "nps" in table.columns:
        answers = table.columns["nps"].values.astype(np.float64)
        told = np.flatnonzero((table.known < as_of) & np.isfinite(answers))
        # The last one stays: of a customer the latest, of several at one instant the highest.
        told = told[np.lexsort((answers[told], table.time[told]))]
        found[table.customer[told]] = (answers[told] >= PROMOTERS).astype(np.int8)
    return found[chosen]


def _open_tickets(store: EventStore, chosen: IntArray, as_of: int) -> Flags | None:
    """1 for each customer with a ticket that was open at that instant; None where the source does not say.

    The history of states decides; without one, the times at which tickets were resolved or closed.
    """
    tickets = store.tables.get("tickets")
    if tickets is None:
        return None
    history = store.tables.get("ticket_events")
    ends = [name for name in ("resolved_at", "closed_at") if name in tickets.columns]
    if history is not None and "state" in history.columns:
        still_open = ~_settled(tickets, history, as_of)
    elif ends:
        times = [tickets.columns[name].values.astype(np.int64) for name in ends]
        still_open = np.all([(one == MISSING) | (one >= as_of) for one in times], axis=0)
    else:
        return None
    found = np.zeros(len(store.customer_ids), dtype=np.int8)
    found[tickets.customer[still_open & (tickets.known < as_of)]] = 1
    return np.asarray(found[chosen])


def _settled(tickets: EventTable, history: EventTable, as_of: int) -> npt.NDArray[np.bool_]:
    """For each ticket, whether the last state known before that instant is an end."""
    state, names = history.columns["state"], history.columns["ticket_id"].levels
    mine = tickets.columns["ticket_id"]
    if state.levels is None or names is None or mine.levels is None or not len(names):
        return np.zeros(len(tickets), dtype=bool)
    ends = np.isin(state.values, np.flatnonzero([one in ENDS for one in state.levels]))
    told = state.values.astype(np.int64) >= 0
    rows = np.flatnonzero((history.known < as_of) & told)
    rows = rows[np.argsort(history.time[rows], kind="stable")]
    # Of the rows of one ticket the last one written stays: the latest.
    over = np.zeros(len(names), dtype=bool)
    over[history.columns["ticket_id"].values[rows]] = ends[rows]
    place = np.minimum(np.searchsorted(names, mine.levels), len(names) - 1)
    by_level = over[place] & (names[place] == mine.levels)
    return np.asarray(by_level[mine.values])


def _write_manifest(run: Scores, store: EventStore, folder: Path) -> None:
    """What a night's operator wants to see, as JSON."""
    accounts = {
        name: {
            "rows_read": one.rows_read,
            "rows_good": one.rows_good,
            "rows_bad": one.rows_bad,
            "fingerprint": one.fingerprint,
        }
        for name, one in store.accounts.items()
    }
    with (folder / SCORES).open("rb") as scores:
        digest = hashlib.file_digest(scores, "sha256").hexdigest()
    content = {
        **{key: value for key, value in run.as_dict().items() if key != "scores"},
        "software": __version__,
        "data": accounts,
        "files": {SCORES: digest},
    }
    text = json.dumps(content, indent=1, sort_keys=True, ensure_ascii=False) + "\n"
    (folder / MANIFEST).write_text(text, encoding="utf-8", newline="")
