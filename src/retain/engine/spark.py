"""The kernel on Spark: one shuffle by customer, then the same checks and the same kernel in every partition.

Tables go in and a table comes out; nothing is collected by the driver. Only DataFrames are used, so Spark Connect will do.
"""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass, field, replace
from functools import cached_property, partial, reduce
from operator import or_
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import Window, functions, types

from retain.engine.kernel import compute
from retain.engine.panel import Snapshots, as_told
from retain.engine.views import columns_at_hand
from retain.errors import ConfigError, SourceError, UsageError, did_you_mean
from retain.events.attributes import AUTO, KINDS, require_static
from retain.events.attributes import TABLE as CUSTOMERS
from retain.events.casts import Shape
from retain.events.checks import Rules
from retain.events.rows import Rows, store_of
from retain.events.schemas import SCHEMAS, Field, Kind
from retain.events.sql import BLANKS
from retain.features.attributes import FEWEST, MOST_LEVELS, attribute_features
from retain.features.catalog import FAMILIES, feature_set, unfed
from retain.features.spec import Attribute, Balance, FeatureSet, How, Measure, measures
from retain.text.lexicon import INTENTS, TOPICS
from retain.text.understood import LEXICON
from retain.timeline import instant, zone_named

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence

    from pyspark.sql import Column, DataFrame

    from retain.events.schemas import Schema
    from retain.events.store import EventStore
    from retain.features.spec import Feature

    Work = Callable[[EventStore], Iterator[pa.RecordBatch]]

BATCH = 10_000
"""Rows handed back to Spark at a time."""

_TYPES = {
    Shape.TEXT: "string",
    Shape.INSTANT: "timestamp",
    Shape.LOCAL: "timestamp_ntz",
    Shape.DOUBLE: "double",
}
_SMALL = ("byte", "short", "integer")
_WORDS = dict.fromkeys(("string", "varchar", "char", *_SMALL, "long"), Shape.TEXT)
_CALENDAR = {"date": Shape.LOCAL, "timestamp_ntz": Shape.LOCAL}
_ACCEPTED: Mapping[Kind, Mapping[str, Shape]] = MappingProxyType(
    {
        Kind.KEY: _WORDS,
        Kind.TEXT: _WORDS,
        Kind.TIME: {"timestamp": Shape.INSTANT, **_CALENDAR},
        Kind.DATE: _CALENDAR,
        # A 64-bit amount may be finer than a double; its digits are exact.
        Kind.MONEY: {
            "decimal": Shape.TEXT,
            "double": Shape.DOUBLE,
            "long": Shape.TEXT,
            **dict.fromkeys(_SMALL, Shape.DOUBLE),
        },
        Kind.NUMBER: {
            "double": Shape.DOUBLE,
            "decimal": Shape.TEXT,
            **dict.fromkeys((*_SMALL, "long"), Shape.DOUBLE),
        },
        Kind.FLAG: dict.fromkeys(("boolean", *_SMALL, "long"), Shape.TEXT),
    }
)
"""Spark's types of each kind of column, and the shape that the column is carried in."""

_HELD = {
    **dict.fromkeys(("date", "timestamp", "timestamp_ntz"), Kind.TIME),
    **dict.fromkeys(_ACCEPTED[Kind.NUMBER], Kind.NUMBER),
}
"""What an attribute of that type holds, where nobody says it; words, if it is none of these."""
_COUNTS = frozenset({How.COUNT, How.SUM, How.DISTINCT})
_WITH_TEXT = tuple(name for name, schema in SCHEMAS.items() if "text" in schema.by_name)
_COUNTED = pa.schema([("column", pa.string()), ("word", pa.string()), ("customers", pa.int64())])
_SAID = tuple(
    Field(name, Kind.NUMBER, "What the text says.", minimum=-1)
    for name in (
        "sentiment",
        *(f"sentiment_{topic}" for topic in TOPICS),
        *(f"intent_{intent}" for intent in INTENTS),
    )
)
"""Columns beside a text that ``retain.text`` makes of it."""


@dataclass(frozen=True)
class Tables:
    """Tables of the data contract as Spark DataFrames, with the contract's columns and types.

    Columns that the contract does not name are not read. Where ``feedback`` or ``tickets`` has a column ``sentiment``, it and
    ``sentiment_<topic>`` and ``intent_<name>`` are taken as they are; else the word lists read the column ``text``.

    Attributes:
        frames: by the contract's names of the tables.
        zone: where a time without an offset, a weekday and an hour are read.
        money_exponent: decimal places of the currency's minor unit.
        partitions: how many the one shuffle makes; None leaves it to Spark's settings.
        static: columns of ``customers`` that become features although nothing says since when they have been so, and what each
            holds: ``number``, ``category``, ``date``, or ``auto`` for what its type says.
    """

    frames: Mapping[str, DataFrame]
    zone: str = "UTC"
    money_exponent: int = 2
    partitions: int | None = None
    static: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse tables that do not fit the contract, all that is wrong in one message.

        Raises:
            SourceError: a table or column is missing or of another type.
            ConfigError: there is no such zone, or a column cannot be static.
            UsageError: the number of partitions is none.
        """
        zone_named(self.zone)
        if self.partitions is not None and self.partitions < 1:
            raise UsageError(f"partitions is {self.partitions}; it has to be 1 or more, or None.")
        if not self.frames:
            raise SourceError(f"There are no tables. Give at least one of: {', '.join(SCHEMAS)}.")
        require_static(CUSTOMERS, self.static, {})
        if self.static and CUSTOMERS not in self.frames:
            raise SourceError(f"There is no table '{CUSTOMERS}', of which columns are static. Give it too.")
        wrong = [
            line for table, frame in self.frames.items() for line in _wrong(table, frame.schema, self.static)
        ]
        if wrong:
            raise SourceError(
                "These tables do not fit the data contract (docs/data.md):\n" + "\n".join(wrong)
            )

    def features(self, families: Sequence[str] = tuple(FAMILIES), own: Sequence[Feature] = ()) -> FeatureSet:
        """The features of these families that the tables can feed, your own, and those of static columns.

        Raises:
            ConfigError: there is no such family, none of these can be fed, or one of your own cannot.
        """
        found = FeatureSet((*feature_set(families, self._columns, own).features, *self.attributes))
        if not found.features:
            raise ConfigError(
                f"None of the families {', '.join(families)} can be fed by these tables. Add families, or the tables and "
                f"columns that they read (docs/features.md)."
            )
        return found

    def lacking(self, features: FeatureSet) -> list[str]:
        """The names of those features that these tables cannot feed."""
        return [one.name for one in features.features if unfed(one, self._columns)]

    @cached_property
    def attributes(self) -> tuple[Feature, ...]:
        """The features of the static columns; the words of categories are counted by Spark in a pass over ``customers``."""
        if not self.static:
            return ()
        found = attribute_features(self._empty.tables[CUSTOMERS], self.static)
        formulas = {one.name: one.formula for one in found if one.levels == ()}
        words = self._words([one.column for one in formulas.values() if isinstance(one, Attribute)])
        return tuple(
            replace(one, formula=replace(formula, levels=words.get(formula.column, ())))
            if isinstance(formula := formulas.get(one.name), Attribute)
            else one
            for one in found
        )

    def _words(self, columns: Sequence[str]) -> dict[str, tuple[str, ...]]:
        """The words that are told apart of each of these columns: the most frequent ones."""
        if not columns:
            return {}
        alone = replace(self, frames={CUSTOMERS: self.frames[CUSTOMERS]}, partitions=None)
        parts = alone.on_customers(partial(_word_counts, columns=tuple(columns)), _COUNTED)
        often = (
            parts.groupBy("column", "word")
            .agg(functions.sum("customers").alias("customers"))
            .where(functions.col("customers") >= FEWEST)
        )
        by_number = Window.partitionBy("column").orderBy(functions.desc("customers"), "word")
        told = often.withColumn("place", functions.row_number().over(by_number))
        rows = (
            told.where(functions.col("place") <= MOST_LEVELS).select("column", "word").toArrow().to_pylist()
        )
        return {name: tuple(sorted(one["word"] for one in rows if one["column"] == name)) for name in columns}

    @cached_property
    def _columns(self) -> Mapping[str, Collection[str]]:
        """The views that the tables can fill and the columns of each."""
        return columns_at_hand(self._empty)

    @cached_property
    def _empty(self) -> EventStore:
        """What a partition without rows would see."""
        rules = Rules(self.zone, self.money_exponent, 0)
        return _store(pa.table({name: pa.array([], kind) for name, kind in self._arrow}), self._layout, rules)

    @cached_property
    def _layout(self) -> tuple[_Packed, ...]:
        return tuple(
            _packed(table, self.frames[table].schema, self.static)
            for table in SCHEMAS
            if table in self.frames
        )

    @property
    def _arrow(self) -> list[tuple[str, pa.DataType]]:
        """The columns of a packed row."""
        kinds = {
            Shape.TEXT: pa.string(),
            Shape.INSTANT: pa.timestamp("us", tz="UTC"),
            Shape.LOCAL: pa.timestamp("us"),
            Shape.DOUBLE: pa.float64(),
        }
        slots = {slot: kinds[one.shapes[name]] for one in self._layout for name, slot in one.slots.items()}
        return [(_TABLE, pa.int32()), *slots.items()]

    def on_customers(self, work: Work, answer: pa.Schema) -> DataFrame:
        """What the work makes of all events of each customer, whole customers at a time.

        The work is sent to the cluster, so it has to be importable there. It sees a store of some thousand customers.

        Args:
            work: from a store to rows.
            answer: the columns of these rows.
        """
        rules = Rules(self.zone, self.money_exponent, time.time_ns() // 1000)
        rows = reduce(
            lambda one, two: one.unionByName(two, allowMissingColumns=True),
            [one.packed(self.frames[one.table]) for one in self._layout],
        )
        if self.partitions is None:
            whole = rows.repartition(_CUSTOMER)
        else:
            whole = rows.repartition(self.partitions, _CUSTOMER)
        run = partial(_partition, layout=self._layout, rules=rules, work=work)
        return whole.mapInArrow(run, _spark_schema(answer))


_TABLE, _CUSTOMER = "table", "customer_id"


@dataclass(frozen=True)
class _Packed:
    """Where one table's columns are in the rows that all tables share: columns of one shape share their places.

    Attributes:
        table: its name.
        schema: its contract.
        shapes: its columns.
        slots: the place of each.
    """

    table: str
    schema: Schema
    shapes: Mapping[str, Shape]
    slots: Mapping[str, str]

    @property
    def number(self) -> int:
        """What stands for the table in each of its rows."""
        return list(SCHEMAS).index(self.table)

    def packed(self, frame: DataFrame) -> DataFrame:
        """The table's rows as they travel; those without a customer stay behind."""
        columns = [_carried(name, shape).alias(self.slots[name]) for name, shape in self.shapes.items()]
        rows = frame.where(functions.col(_CUSTOMER).isNotNull())
        return rows.select(functions.lit(self.number).alias(_TABLE), *columns)

    def unpacked(self, rows: pa.Table) -> Rows:
        """This table's rows among those that came."""
        mine = rows.filter(pc.equal(rows[_TABLE], self.number))
        values = pa.table({name: mine[slot] for name, slot in self.slots.items()})
        return Rows(self.schema, self.shapes, values)


def _packed(table: str, given: types.StructType, static: Mapping[str, str]) -> _Packed:
    given_types = {one.name: one.dataType.typeName() for one in given}
    schema = SCHEMAS[table]
    if table in _WITH_TEXT and "sentiment" in given_types:
        kept = tuple(one for one in schema.fields if one.name != "text")
        schema = replace(schema, fields=(*kept, *_SAID))
    if table == CUSTOMERS:
        schema = replace(schema, fields=(*schema.fields, *_admitted(static, given_types)))
    shapes = {
        one.name: _accepted(table, one)[given_types[one.name]]
        for one in schema.fields
        if one.name in given_types
    }
    used: Counter[Shape] = Counter()
    slots = {}
    for name, shape in shapes.items():
        if name == _CUSTOMER:
            slots[name] = _CUSTOMER
            continue
        slots[name] = f"{shape}_{used[shape]}"
        used[shape] += 1
    return _Packed(table, schema, shapes, slots)


def _admitted(static: Mapping[str, str], given: Mapping[str, str]) -> Iterator[Field]:
    """The static columns of customers that the contract does not name."""
    for name, said in static.items():
        if name not in SCHEMAS[CUSTOMERS].by_name and name in given:
            kind = _HELD.get(given[name], Kind.TEXT) if said == AUTO else KINDS[said]
            yield Field(name, kind, "An attribute without a time.", planned=True)


def _accepted(table: str, one: Field) -> Mapping[str, Shape]:
    """Spark's types of the column, and the shape that it is carried in; yes and no are words of an attribute."""
    is_word = one.kind is Kind.TEXT and one.name not in SCHEMAS[table].by_name
    return {**_ACCEPTED[one.kind], **({"boolean": Shape.TEXT} if is_word else {})}


def _carried(name: str, shape: Shape) -> Column:
    quoted = name.replace("`", "``")
    column = functions.col(f"`{quoted}`").cast(_TYPES[shape])
    if name != _CUSTOMER:
        return column
    # Rows of one customer meet only if the id is written the same way everywhere. Trimming a set of characters is slow;
    # few ids need it, and looking at their ends makes no new texts.
    ends = (end for blank in BLANKS for end in (column.startswith(blank), column.endswith(blank)))
    return functions.when(reduce(or_, ends), functions.btrim(column, functions.lit(BLANKS))).otherwise(column)


def _wrong(table: str, given: types.StructType, static: Mapping[str, str]) -> Iterator[str]:
    """What is wrong with one table, a line each."""
    if table not in SCHEMAS:
        yield f"- There is no table '{table}'. {did_you_mean(table, SCHEMAS)}"
        return
    schema = SCHEMAS[table]
    # On one machine a ticket's events are given its customer; here that would be a shuffle of its own.
    needed = dict.fromkeys((*schema.required, _CUSTOMER, *(static if table == CUSTOMERS else ())))
    names = [one.name for one in given]
    for name in sorted({one for one in names if names.count(one) > 1}):
        yield f"- {table} has {names.count(name)} columns '{name}'. Keep one."
    for name in needed:
        if name not in names:
            near = did_you_mean(name, names)
            yield f"- {table} has no column '{name}'. {near if near.startswith('Did') else 'Add or rename one.'}"
    more = _SAID if table in _WITH_TEXT else ()
    if table == CUSTOMERS:
        more = tuple(_admitted(static, {one.name: one.dataType.typeName() for one in given}))
    fields = {one.name: one for one in (*schema.fields, *more)}
    for one in given:
        mine = fields.get(one.name)
        if mine is not None and one.dataType.typeName() not in _accepted(table, mine):
            wanted = ", ".join(_accepted(table, mine))
            yield f"- {table}.{one.name} is {one.dataType.simpleString()}. Cast it to one of: {wanted}."


def _spark_schema(answer: pa.Schema) -> types.StructType:
    kinds: dict[pa.DataType, types.DataType] = {
        pa.string(): types.StringType(),
        pa.float64(): types.DoubleType(),
        pa.int64(): types.LongType(),
        pa.timestamp("us", tz="UTC"): types.TimestampType(),
    }
    return types.StructType([types.StructField(one.name, kinds[one.type], one.nullable) for one in answer])


def _partition(
    batches: Iterable[pa.RecordBatch], layout: tuple[_Packed, ...], rules: Rules, work: Work
) -> Iterator[pa.RecordBatch]:
    """What the work makes of one partition's rows."""
    held = list(batches)
    if held:
        yield from work(_store(pa.Table.from_batches(held), layout, rules))


def _store(rows: pa.Table, layout: tuple[_Packed, ...], rules: Rules) -> EventStore:
    """The customers of these rows, with what their texts say."""
    store = store_of({one.table: one.unpacked(rows) for one in layout}, rules)
    if not any("text" in one.shapes for one in layout):
        return store
    # A worker without texts need not load the libraries that read them.
    from retain.text.annotate import annotated  # noqa: PLC0415  # as said
    from retain.text.backends import TextSettings  # noqa: PLC0415  # as said

    # The other backends learn from texts of all customers; the word lists read each text by itself.
    return annotated(store, TextSettings(LEXICON))[0]


def _word_counts(store: EventStore, columns: tuple[str, ...]) -> Iterator[pa.RecordBatch]:
    """How many customers of a partition have each word of these columns."""
    table = store.tables[CUSTOMERS]
    for one in columns:
        levels, codes = table.columns[one].levels, table.columns[one].values.astype(np.int64)
        words = [] if levels is None else levels.tolist()
        count = np.bincount(codes[codes >= 0], minlength=len(words))
        arrays = [pa.array([one] * len(words), pa.string()), pa.array(words, pa.string()), pa.array(count)]
        yield pa.RecordBatch.from_arrays(arrays, schema=_COUNTED)


def features(
    tables: Tables,
    cutoffs: Sequence[str],
    families: Sequence[str] = tuple(FAMILIES),
    own: Sequence[Feature] = (),
) -> DataFrame:
    """The features of every customer at every cutoff: ``customer_id``, ``cutoff``, then one column a feature.

    The same bits as the kernel gives on one machine; null where a feature is not known. A customer who is in any table has
    a row at each cutoff, also before the first event.

    Args:
        tables: what is known.
        cutoffs: dates or times in ISO 8601, read in the tables' zone; one that is named twice counts once.
        families: names of families of features.
        own: features of your own, such as ``load_config(...).features.own_features``.

    Raises:
        UsageError: a cutoff is no date, or there is none.
        ConfigError: there is no such family, none of these can be fed, or one of your own cannot.
    """
    return tables.on_customers(*panel_work(tables, cutoffs, families, own))


def panel_work(
    tables: Tables,
    cutoffs: Sequence[str],
    families: Sequence[str] = tuple(FAMILIES),
    own: Sequence[Feature] = (),
    rows: int = BATCH,
) -> tuple[Work, pa.Schema]:
    """What makes the panel of a partition's customers, and the panel's columns; arguments and errors are those of ``features``.

    Args:
        tables: what is known.
        cutoffs: dates or times.
        families: names of families of features.
        own: features of your own.
        rows: of each batch that comes out.
    """
    moments = tuple(dict.fromkeys(instant(one, tables.zone) for one in cutoffs))
    if not moments:
        raise UsageError("There is no cutoff. Give at least one date.")
    chosen = tables.features(families, own)
    answer = pa.schema(
        [
            pa.field("customer_id", pa.string(), nullable=False),
            pa.field("cutoff", pa.timestamp("us", tz="UTC"), nullable=False),
            *(
                pa.field(one.name, as_told(one, np.empty(0)).type, nullable=not _always_known(one))
                for one in chosen.features
            ),
        ]
    )
    return partial(_panel, chosen=chosen, cutoffs=moments, answer=answer, rows=rows), answer


def _always_known(one: Feature) -> bool:
    """Whether nobody lacks it: numbers and sums of events are 0 without any. Spark handles such a column with less ado."""
    counted = all(measure.how in _COUNTS for measure in measures(one.formula))
    return isinstance(one.formula, Measure | Balance) and counted


def _panel(
    store: EventStore, chosen: FeatureSet, cutoffs: tuple[int, ...], answer: pa.Schema, rows: int = BATCH
) -> Iterator[pa.RecordBatch]:
    """The panel of a partition's customers, by cutoff and customer."""
    customers = np.arange(len(store.customer_ids), dtype=np.int64)
    snapshots = Snapshots(
        np.tile(customers, len(cutoffs)), np.repeat(np.array(cutoffs, dtype=np.int64), len(customers))
    )
    values = compute(store, chosen, snapshots).values
    for first in range(0, len(snapshots), rows):
        part = slice(first, first + rows)
        columns = [
            pa.array(store.customer_ids[snapshots.customer[part]], pa.string()),
            pa.array(snapshots.cutoff[part]).cast(answer.field("cutoff").type),
            *map(as_told, chosen.features, np.ascontiguousarray(values[part].T)),
        ]
        yield pa.RecordBatch.from_arrays(columns, schema=answer)
