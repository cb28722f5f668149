"""Panels asked for again: read back instead of computed, feature by feature and cutoff by cutoff."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from retain import __version__
from retain.cache import key_of, sums_of
from retain.engine.panel import Panel, Snapshots
from retain.engine.streams import STREAMS
from retain.events.attributes import TABLE
from retain.events.content import hashes_of, said_by
from retain.events.schemas import SCHEMAS
from retain.features.spec import Attribute, FeatureSet, measures

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    import numpy.typing as npt

    from retain.cache import Arrays, Cache
    from retain.engine.panel import Engine, FloatArray
    from retain.events.store import EventStore, IntArray
    from retain.features.spec import Feature

    Rows = slice | IntArray
    HashArray = npt.NDArray[np.uint64]

MOST_BYTES = 2**31
"""What a project keeps at most: a hundred features of 140,000 active customers at 19 cutoffs, one training panel. A larger panel is
not kept at all, since it would only push itself out."""


@dataclass(frozen=True)
class Kept:
    """An engine that remembers in a folder; what it gives has the engine's own bits.

    There is one file for the customers asked for at one cutoff. In it a feature stands under its own definition and under what was
    known by the cutoff of the tables that it reads. So one feature that changes is computed alone, and rows that become known later
    leave a cutoff valid: a new night computes its own cutoff and no other. A panel that was new as a whole is one file, in which those of
    its cutoffs only say where they are: asked for again, it is mapped and not copied.

    Attributes:
        engine: computes what is not there.
        name: the engine's.
        cache: where the files are.
    """

    engine: Engine
    name: str
    cache: Cache

    def __call__(self, store: EventStore, features: FeatureSet, snapshots: Snapshots) -> Panel:
        """The features of these snapshots, each as it was known at its cutoff."""
        if not 0 < len(snapshots) * len(features.features) * 8 <= MOST_BYTES:
            return self.engine(store, features, snapshots)
        blocks = self._blocks(store, features, snapshots)
        whole = _key_of_all(blocks)
        found = None if whole is None else self._values(whole, snapshots, features)
        if found is not None:
            return Panel(snapshots, features, found)
        values = np.empty((len(snapshots), len(features.features)))
        calls: dict[tuple[int, ...], list[_Block]] = {}
        panels: dict[str, Arrays] = {}
        for block in blocks:
            # One file after the other, so that no more than one is held beside the panel.
            lacking = () if self._is_filled(block, values) else block.fill(values, self._found(block, panels))
            if lacking:
                calls.setdefault(lacking, []).append(block)
        everything = tuple(range(len(features.features)))
        if len(calls.get(everything, ())) == len(blocks):
            values = self.engine(store, features, snapshots).values
        else:
            whole = None
            for columns, some in calls.items():
                rows = np.concatenate([np.arange(len(snapshots))[one.rows] for one in some])
                part = Snapshots(snapshots.customer[rows], snapshots.cutoff[rows])
                chosen = FeatureSet(tuple(features.features[one] for one in columns))
                values[np.ix_(rows, np.array(columns))] = self.engine(store, chosen, part).values
        self._keep([one for some in calls.values() for one in some], whole, values, panels)
        return Panel(snapshots, features, values)

    def _keep(
        self, blocks: Sequence[_Block], whole: str | None, values: FloatArray, panels: dict[str, Arrays]
    ) -> None:
        """Put these blocks of a panel into their files, or the panel as a whole into one."""
        if whole is not None and not any(self._found(one, panels).place for one in blocks):
            # The panel itself comes last: what was used longest ago goes first.
            for one in blocks:
                self.cache.keep(one.key, one.place_in(whole))
            self.cache.keep(whole, {"values": values})
        else:
            for one in blocks:
                self.cache.keep(one.key, one.content(values, self._found(one, panels)))
        if blocks:
            self.cache.shrink(MOST_BYTES)

    def _values(self, whole: str, snapshots: Snapshots, features: FeatureSet) -> FloatArray | None:
        """A panel that is in one file as it is asked for; None if none is."""
        kept = self.cache.find(whole, private=True)
        shape = (len(snapshots), len(features.features))
        if kept is None or set(kept) != {"values"} or kept["values"].shape != shape:
            return None
        values = kept["values"]
        return values.view(np.float64) if values.dtype == np.float64 else None

    def _blocks(self, store: EventStore, features: FeatureSet, snapshots: Snapshots) -> list[_Block]:
        """The panel's rows at each cutoff, with what is there of them."""
        definitions = [FeatureSet((one,)).fingerprint for one in features.features]
        tables = [tables_of(one) for one in features.features]
        customers = hashes_of(store.customer_ids)
        cutoffs, number = np.unique(snapshots.cutoff, return_inverse=True)
        said = {name: self._said(store, name, customers, cutoffs) for name in sorted({*sum(tables, ())})}
        settings = (__version__, self.name, store.zone, str(store.money_exponent))
        blocks = []
        for place, cutoff in enumerate(cutoffs.tolist()):
            rows = _rows(np.flatnonzero(number == place))
            who = customers[snapshots.customer[rows]]
            key = key_of(["panel", *settings, str(cutoff), who.tobytes()])
            data = {each: key_of(f"{name}={said[name][place]}" for name in each) for each in set(tables)}
            ids = tuple(
                f"{one} {','.join(each)} {data[each]}".encode()
                for one, each in zip(definitions, tables, strict=True)
            )
            blocks.append(_Block(key, rows, len(who), ids))
        return blocks

    def _said(self, store: EventStore, name: str, customers: HashArray, cutoffs: IntArray) -> list[str]:
        """What the table said by each cutoff, in a few letters."""
        table = store.tables[name]

        def make() -> Arrays:
            return {"said": np.array([one.encode() for one in said_by(table, customers, cutoffs)])}

        # The reader's own fingerprint says which rows these are, and what was added to them since is numbers.
        added = sorted(set(table.columns) - {one.name for one in SCHEMAS[name].fields})
        if name in store.accounts and all(table.columns[one].levels is None for one in added):
            values = (part for one in added for part in (one, sums_of(table.columns[one].values)))
            key = key_of(["said", name, store.accounts[name].fingerprint, cutoffs.tobytes(), *values])
            said = self.cache.arrays(key, make)["said"]
        else:
            said = make()["said"]
        return [one.decode() for one in said.tolist()]

    def _is_filled(self, block: _Block, values: FloatArray) -> bool:
        """Whether a block's file holds just what is asked for; its rows are filled then."""
        if not isinstance(block.rows, slice):
            return False
        return self.cache.fill(block.key, {"values": values[block.rows]}, {"features": np.array(block.ids)})

    def _found(self, block: _Block, panels: dict[str, Arrays]) -> _Found:
        """The content of a block's file; nothing if there is none, or it is none of ours.

        Args:
            block: which one.
            panels: those in one file that were looked at before; a file that says that its rows are in another is followed to it.
        """
        kept = self.cache.find(block.key)
        if kept is not None and set(kept) == {"features", "within", "first"}:
            first, whole = int(kept["first"]), bytes(kept["within"]).decode()
            if whole not in panels:
                panels[whole] = self.cache.find(whole) or {}
            some = {name: one[first : first + block.length] for name, one in panels[whole].items()}
            kept = {"features": kept["features"], **some}
        if kept is not None and set(kept) == {"features", "values"}:
            ids, values = kept["features"], kept["values"]
            if values.dtype == np.float64 and values.shape == (block.length, len(ids)):
                return _Found({one: place for place, one in enumerate(ids.tolist())}, values.view(np.float64))
        return _Found({}, np.empty((block.length, 0)))


@dataclass(frozen=True)
class _Found:
    """What a file holds: the place of each column, and the values, rows by columns."""

    place: Mapping[bytes, int]
    values: FloatArray


@dataclass(frozen=True)
class _Block:
    """The rows of a panel at one cutoff, which one file keeps.

    Attributes:
        key: names the file.
        rows: where in the panel.
        length: how many.
        ids: of each column its definition, the tables that it reads, and what these say, with spaces between.
    """

    key: str
    rows: Rows
    length: int
    ids: tuple[bytes, ...]

    def fill(self, values: FloatArray, found: _Found) -> tuple[int, ...]:
        """The columns that the file lacks; the others are in the panel now."""
        there = [(column, found.place[one]) for column, one in enumerate(self.ids) if one in found.place]
        for into, out in _runs(there):
            values[self.rows, into] = found.values[:, out]
        return tuple(column for column, one in enumerate(self.ids) if one not in found.place)

    def content(self, values: FloatArray, found: _Found) -> Arrays:
        """The file's next content: this panel's columns, and those it had besides, unless their tables are known to say something else now."""
        mine = values[self.rows]
        current = dict(one.split()[1:] for one in self.ids)
        others = [one for one in found.place if one not in self.ids and _is_current(one, current)]
        if others:
            mine = np.column_stack([mine, found.values[:, [found.place[one] for one in others]]])
        return {"features": np.array([*self.ids, *others]), "values": np.ascontiguousarray(mine)}

    def place_in(self, whole: str) -> Arrays:
        """The file's content where the rows are in the file of the whole panel."""
        first = self.rows.start if isinstance(self.rows, slice) else 0
        return {"features": np.array(self.ids), "within": np.array(whole.encode()), "first": np.array(first)}


def _key_of_all(blocks: Sequence[_Block]) -> str | None:
    """Names the file of a panel that has just these blocks; None if the rows of a cutoff do not stand together."""
    parts: list[str | bytes] = []
    for one in blocks:
        if not isinstance(one.rows, slice):
            return None
        parts += [one.key, str(one.rows.start), b"\n".join(one.ids)]
    return key_of(["whole panel", *parts])


def _is_current(column: bytes, current: Mapping[bytes, bytes]) -> bool:
    """Whether the tables of a column still say what it was computed from, as far as that was asked."""
    _, tables, data = column.split()
    return current.get(tables, data) == data


def _rows(places: IntArray) -> Rows:
    """The same ascending places, as a slice if none is between them: quicker to read and write."""
    first, last = int(places[0]), int(places[-1])
    return slice(first, last + 1) if last - first == len(places) - 1 else places


def _runs(pairs: list[tuple[int, int]]) -> Iterator[tuple[slice, slice]]:
    """The same pairs of places as pairs of slices, for copies by the stretch.

    >>> list(_runs([(3, 0), (4, 1), (9, 2)]))
    [(slice(3, 5, None), slice(0, 2, None)), (slice(9, 10, None), slice(2, 3, None))]
    """
    first = 0
    for end in range(1, len(pairs) + 1):
        if end == len(pairs) or pairs[end] != (pairs[end - 1][0] + 1, pairs[end - 1][1] + 1):
            (into, out), length = pairs[first], end - first
            yield slice(into, into + length), slice(out, out + length)
            first = end


def tables_of(feature: Feature) -> tuple[str, ...]:
    """The tables that a feature reads."""
    if isinstance(feature.formula, Attribute):
        return (TABLE,)
    views = {one.view for one in measures(feature.formula)}
    return tuple(sorted({STREAMS[view].table if view in STREAMS else "orders" for view in views}))
