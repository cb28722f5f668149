"""The rows that cannot be used, each with its file, row number, reason and raw columns."""

from __future__ import annotations

import os
from types import MappingProxyType
from typing import TYPE_CHECKING

import pyarrow.parquet as pq

from retain.errors import OutputError
from retain.events.batches import in_groups
from retain.events.readers import ROW
from retain.events.sql import literal, name

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    import duckdb

    from retain.events.readers import Reading


ROW_GROUP = 2**16
"""Rows that are written at a time: no more than so many are held, however many are bad."""


def bad_rows(con: duckdb.DuckDBPyConnection, checked: str, readings: Sequence[Reading]) -> Mapping[str, int]:
    """How many of a table's rows cannot be used, by reason, the commonest first; they are in the table ``bad`` then.

    The raw columns are read again for these rows only, so that good rows never carry them.

    Args:
        con: holds the checked table and ``malformed``.
        checked: quoted name of the checked table.
        readings: the table's files, in the order of their numbers.
    """
    has_bad = con.execute(
        f"SELECT count(*) FROM (SELECT 1 FROM {checked} WHERE reason IS NOT NULL UNION ALL SELECT 1 FROM malformed)"
    ).fetchall()[0][0]
    if not has_bad:
        return MappingProxyType({})
    # A reader's own row numbers leave out malformed lines; here they count.
    con.execute(
        "CREATE OR REPLACE TEMP TABLE shifts AS SELECT file_no, before, max(n) AS shift FROM ("
        "SELECT file_no, n, row - n AS before FROM (SELECT file_no, row, "
        "row_number() OVER (PARTITION BY file_no ORDER BY row) AS n "
        "FROM (SELECT DISTINCT file_no, row FROM malformed))) GROUP BY file_no, before"
    )
    con.execute(
        "CREATE OR REPLACE TEMP TABLE bad (file VARCHAR, row BIGINT, reason VARCHAR, row_json VARCHAR)"
    )
    counted = con.execute(
        f"SELECT file_no, min(place) FROM {checked} GROUP BY file_no "
        f"HAVING count(reason) > 0 ORDER BY file_no"
    ).fetchall()
    for number, first in counted:
        reading = readings[number]
        con.execute(
            f"INSERT INTO bad SELECT {literal(reading.file.shown)}, b.row + coalesce(s.shift, 0), b.reason, r.raw "
            f"FROM (SELECT file_no, place - {first} + 1 AS row, reason "
            f"FROM {checked} WHERE reason IS NOT NULL AND file_no = {number}) b "
            f"JOIN (SELECT {name(ROW)} AS row, {reading.raw} AS raw "
            f"FROM {reading.numbered}) r ON b.row = r.row "
            f"ASOF LEFT JOIN shifts s ON b.file_no = s.file_no AND b.row > s.before"
        )
    for number, reading in enumerate(readings):
        con.execute(
            f"INSERT INTO bad SELECT {literal(reading.file.shown)}, row, reason, "
            f"CAST(to_json(struct_pack(line := line)) AS VARCHAR) FROM malformed WHERE file_no = {number}"
        )
    counts = con.execute(
        "SELECT reason, count(*) FROM bad GROUP BY reason ORDER BY count(*) DESC, reason"
    ).fetchall()
    return MappingProxyType({str(reason): int(count) for reason, count in counts})


def write_quarantine(con: duckdb.DuckDBPyConnection, folder: Path, table: str) -> Path:
    """Where the table's bad rows now are, sorted by file, row and reason; a file of an earlier run goes if there are none.

    Args:
        con: has them in the table ``bad``, if there are any.
        folder: the quarantine.
        table: whose rows.

    Raises:
        OutputError: the folder cannot be written.
    """
    target = folder / f"{table}.parquet"
    there = con.execute("SELECT 1 FROM duckdb_tables() WHERE table_name = 'bad'").fetchall()
    try:
        if not there:
            target.unlink(missing_ok=True)
            return target
        folder.mkdir(parents=True, exist_ok=True)
        part = folder / f".{table}.parquet.{os.getpid()}"
        found = con.sql("SELECT file, row, reason, row_json FROM bad ORDER BY ALL")
        rows = found.to_arrow_reader(ROW_GROUP)
        with pq.ParquetWriter(part, rows.schema) as writer:
            for group in in_groups(rows, ROW_GROUP):
                writer.write_table(group, row_group_size=ROW_GROUP)
        part.replace(target)
    except OSError as cause:
        raise OutputError(
            f"The quarantine '{folder}' cannot be written: {cause.strerror}. Choose another folder."
        ) from cause
    return target
