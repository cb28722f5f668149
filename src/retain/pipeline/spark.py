"""Scoring on Spark: features and the model in the same partitions, tables in and a table out."""

from __future__ import annotations

from dataclasses import asdict, fields, replace
from functools import lru_cache, partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import pyarrow as pa

from retain.engine.kernel import compute
from retain.engine.spark import BATCH
from retain.errors import ModelError
from retain.events.attributes import AUTO, TABLE
from retain.events.schemas import SCHEMAS
from retain.features.spec import Attribute, Holds
from retain.labels import LABELS
from retain.modelling import bundle
from retain.modelling.seasons import Orders, Year, shift_at
from retain.scoring import scorecard
from retain.scoring.languages import ReasonSettings
from retain.scoring.tiers import TierSettings
from retain.scoring.value import ValueSettings
from retain.text.annotate import TABLES as ANNOTATED
from retain.text.backends import TEXTS, TextSettings, reader_of
from retain.text.understood import LEXICON
from retain.timeline import instant

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pyspark.sql import DataFrame

    from retain.engine.spark import Tables
    from retain.events.store import EventStore
    from retain.labels import ChurnSettings
    from retain.modelling.bundle import Bundle

    Texts = tuple[tuple[str, str], ...]

COLUMNS = (
    "customer_id",
    "as_of",
    "status",
    "status_reason",
    "churn_probability",
    "risk_tier",
    "expected_value",
    "value_at_risk",
    "reason_1",
    "reason_2",
    "reason_3",
    "model_version",
)
"""What `retain score` writes of a customer that depends on no other one."""
_AROUND = pa.schema([(one.name, pa.int64()) for one in fields(Orders)])
SCHEMA = pa.schema([scorecard.SCHEMA.field(name) for name in COLUMNS])


def score_on_spark(
    tables: Tables,
    model: Path,
    as_of: str,
    tiers: TierSettings | None = None,
    value: ValueSettings | None = None,
    reasons: ReasonSettings | None = None,
) -> DataFrame:
    """Each customer of the tables once, with a score or the reason why there is none, as `retain score` has them.

    Priority and actions compare customers with each other and are not told.

    Args:
        tables: what is known.
        model: the folder of a bundle, such as the artifact ``bundle`` of a model logged with MLflow.
        as_of: predictions are made as of then: a date or time in ISO 8601, read in the tables' zone.
        tiers: lowest probability of each tier.
        value: what a kept customer brings.
        reasons: the language that they are told in.

    Raises:
        UsageError: the date is none.
        SourceError: an attribute that the model reads is missing or of another type.
        ModelError: the bundle is damaged, or reads features that these tables cannot feed.
    """
    opened = bundle.load(model)
    value = value or ValueSettings()
    static = _static(opened, value)
    needed = {LABELS.get(opened.churn.definition).table, *([TABLE] if static else [])}
    lacking = sorted(tables.lacking(opened.features)) or sorted(needed - set(tables.frames))
    if lacking:
        raise ModelError(
            f"Model {opened.version} reads {', '.join(lacking)}, which these tables cannot feed. "
            f"Give the tables and columns that it was trained on."
        )
    tables = replace(tables, static={**tables.static, **static})
    reader = opened.card["data"].get(TEXTS)
    by_lists = [
        name
        for name in ANNOTATED
        if name in tables.frames
        and "text" in (there := tables.frames[name].columns)
        and "sentiment" not in there
    ]
    if reader is not None and by_lists and reader != reader_of(TextSettings(LEXICON)):
        raise ModelError(
            f"Model {opened.version} was trained on texts that were not read by the word lists alone, as they are here. "
            f'Train it with [text] backend = "lexicon", or put a column sentiment into {" and ".join(by_lists)}.'
        )
    cutoff = instant(as_of, tables.zone)
    work = partial(
        _scores,
        texts=_texts(model, opened),
        as_of=cutoff,
        shift=_shift(tables, opened, cutoff),
        tiers=tiers or TierSettings(),
        value=value,
        reasons=reasons or ReasonSettings(),
    )
    return tables.on_customers(work, SCHEMA)


def _static(opened: Bundle, value: ValueSettings) -> dict[str, str]:
    """The columns of customers that the model and the value read, and what each holds."""
    formulas = (one.formula for one in opened.features.attributes)
    held = {one.column: str(one.holds) for one in formulas if isinstance(one, Attribute)}
    if value.monthly:
        held[value.monthly] = str(Holds.NUMBER)
    # What the contract names holds what the contract says.
    return {name: AUTO if name in SCHEMAS[TABLE].by_name else kind for name, kind in held.items()}


def _texts(folder: Path, opened: Bundle) -> Texts:
    """The bundle's files by their names, as they travel with the work."""
    names = (bundle.CARD, *opened.card["files"])
    return tuple((name, (folder / name).read_bytes().decode("utf-8")) for name in names)


@lru_cache(maxsize=2)
def _opened(texts: Texts) -> Bundle:
    """The model, opened once a process, its hashes checked."""
    with TemporaryDirectory(prefix="retain-") as folder:
        for name, text in texts:
            (Path(folder) / name).write_text(text, encoding="utf-8", newline="")
        return bundle.load(Path(folder))


def _shift(tables: Tables, opened: Bundle, cutoff: int) -> float:
    """What the season adds to everyone's log-odds; orders are counted in a pass of their own, where that is asked for."""
    if opened.season is None:
        return 0.0
    count = partial(_around, churn=opened.churn, cutoff=cutoff)
    rows = tables.on_customers(count, _AROUND).toArrow().to_pylist()
    return shift_at(opened.season, (Orders(**one) for one in rows), opened.churn, cutoff)


def _around(store: EventStore, churn: ChurnSettings, cutoff: int) -> Iterator[pa.RecordBatch]:
    """The orders of a partition's customers around the cutoff."""
    found = Year.of(store, churn, cutoff).around(cutoff, 1)
    yield pa.RecordBatch.from_pylist([asdict(found)], schema=_AROUND)


def _scores(
    store: EventStore,
    texts: Texts,
    as_of: int,
    shift: float,
    tiers: TierSettings,
    value: ValueSettings,
    reasons: ReasonSettings,
) -> Iterator[pa.RecordBatch]:
    """The rows of a partition's customers."""
    opened = _opened(texts)
    opened = replace(opened, calibration=replace(opened.calibration, shift=shift))
    label = LABELS.get(opened.churn.definition)
    if len(store.tables[label.table]):
        scored = scorecard.score(store, opened, compute, as_of, tiers, value, reasons.language)
        # Actions are for those who see all customers.
        nothing: list[str] = [""] * len(scored.customers)
        card = scorecard.scorecard(
            store,
            scored,
            as_of=as_of,
            churn=opened.churn,
            actions=(nothing, nothing, nothing),
            model_version=opened.version,
            run_id="",
        ).select(COLUMNS)
    else:
        why = label.why_not_asked(None, opened.churn)
        card = scorecard.without_history(store, as_of, opened.version, "", why).select(COLUMNS)
    yield from card.to_batches(max_chunksize=BATCH)
