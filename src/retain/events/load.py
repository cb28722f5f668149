"""From a source to an event store in memory: read, check, put bad rows aside, sort."""

from __future__ import annotations

import time
from pathlib import Path
from tempfile import TemporaryDirectory
from types import MappingProxyType
from typing import TYPE_CHECKING

from retain.events.assemble import all_ids, renumbered, sorted_table
from retain.events.checked import (
    MAIN_TABLES,
    check,
    connection,
    in_database,
    refuse_unusable,
    wanted_tables,
    warnings_of,
)
from retain.events.checks import Rules
from retain.events.content import content_of
from retain.events.disk import in_our_words
from retain.events.source import refuse_changes, states_of
from retain.events.sql import name
from retain.events.store import EventStore

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from retain.events.assemble import SortedTable
    from retain.events.checked import Checked
    from retain.events.content import Content
    from retain.events.source import SourceSettings
    from retain.events.store import TableAccount


def read_events(
    source: SourceSettings,
    *,
    quarantine: Path | None = None,
    now: int | None = None,
    tables: Collection[str] | None = None,
    progress: Callable[[str], None] | None = None,
) -> EventStore:
    """The source's events, checked and sorted.

    Args:
        source: where the tables are.
        quarantine: the folder that takes the bad rows, one Parquet file a table; None writes nothing.
        now: the present, in UTC microseconds; times more than a day after it are in the future. None is the clock's.
        tables: read only these; the tickets come along with their events, which need them.
        progress: told in a few words what is being done.

    Raises:
        ConfigError: a table is asked for that the source does not have, or the zone is none that the database knows.
        SourceError: a file or column is missing or unreadable, or a file changed while it was read.
        ContractError: a table has too many bad rows, or the main table is empty.
        OutputError: the disk for temporary files is full.
    """
    wanted = wanted_tables(source, tables)
    rules = Rules(source.zone, source.money_exponent, time.time_ns() // 1000 if now is None else now)
    tell = progress or (lambda _words: None)
    states = states_of(source, wanted)
    checked: dict[str, Checked] = {}
    rows, contents, invalid = {}, {}, {}
    with (
        TemporaryDirectory(prefix="retain-") as folder,
        in_our_words(Path(folder), "the variable TMPDIR"),
        connection(source, Path(folder)) as con,
    ):
        for table in wanted:
            tell(f"reading {table}")
            one = checked[table] = check(con, table, source, rules, Path(folder), quarantine)
            rows[table] = con.sql(one.good).to_arrow_table()
            contents[table] = content_of(one.schema, rows[table])
            invalid[table] = {str(who): str(why) for who, why in con.execute(one.invalid).fetchall()}
            # From here on the rows are held once, outside the database.
            con.execute(f"DROP TABLE {name(in_database(table))}")
        refuse_changes(states, states_of(source, wanted))
        main = next((one for one in MAIN_TABLES if one in checked), None)
        refuse_unusable(checked, source.max_bad_share, quarantine, main)
        tell("sorting")
        arranged = {table: sorted_table(con, one.schema, rows.pop(table)) for table, one in checked.items()}
    ids = all_ids(one.ids for one in arranged.values())
    return EventStore(
        customer_ids=ids,
        tables=MappingProxyType({table: renumbered(one, ids) for table, one in arranged.items()}),
        accounts=MappingProxyType(
            {table: _account(one, arranged[table], contents[table]) for table, one in checked.items()}
        ),
        invalid=MappingProxyType(only_invalid(invalid.values(), set(ids))),
        warnings=warnings_of(checked, main, strangers(arranged, main)),
        money_exponent=source.money_exponent,
        zone=source.zone,
    )


def only_invalid(tables: Collection[Mapping[str, str]], known: Collection[str]) -> dict[str, str]:
    """Customers who occur in bad rows only, with a reason, in code-point order.

    Args:
        tables: of each table the customers in bad rows, and why these are bad.
        known: customers with a good row.
    """
    found: dict[str, str] = {}
    for one in tables:
        for who, why in one.items():
            if who not in known:
                found.setdefault(who, why)
    return dict(sorted(found.items()))


def strangers(tables: Mapping[str, SortedTable], main: str | None) -> set[str]:
    """Tables with rows, none of whose customers is in the main table."""
    if main is None:
        return set()
    known = set(tables[main].ids)
    return {
        table for table, one in tables.items() if table != main and len(one.ids) and known.isdisjoint(one.ids)
    }


def _account(checked: Checked, table: SortedTable, content: Content) -> TableAccount:
    dated = len(table.events) > 0 and checked.schema.time is not None
    times = table.events.time
    return checked.account(int(times.min()) if dated else None, int(times.max()) if dated else None, content)
