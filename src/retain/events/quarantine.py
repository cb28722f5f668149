"""The rows that cannot be used, each with its file, row number, reason and raw columns."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq

from retain.errors import OutputError
from retain.events.readers import ROW
from retain.events.sql import literal, name

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import duckdb

    from retain.events.readers import Reading


def bad_rows(con: duckdb.DuckDBPyConnection, checked: str, readings: Sequence[Reading]) -> pa.Table:
    """The bad rows of a table, sorted by file, row and reason: ``file, row, reason, row_json``.

    The raw columns are read again for these rows only, so that good rows never carry them.

    Args:
        con: holds the checked table and ``malformed``.
        checked: quoted name of the checked table.
        readings: the table's files, in the order of their numbers.
    """
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
    return con.sql("SELECT file, row, reason, row_json FROM bad ORDER BY ALL").to_arrow_table()


def write_quarantine(folder: Path, table: str, rows: pa.Table | None) -> Path:
    """Where the table's bad rows now are; a file of an earlier run goes if there are none.

    Args:
        folder: the quarantine.
        table: whose rows.
        rows: the bad rows, or None.

    Raises:
        OutputError: the folder cannot be written.
    """
    target = folder / f"{table}.parquet"
    try:
        if rows is None:
            target.unlink(missing_ok=True)
            return target
        folder.mkdir(parents=True, exist_ok=True)
        part = folder / f".{table}.parquet.{os.getpid()}"
        pq.write_table(rows, part)
        part.replace(target)
    except OSError as cause:
        raise OutputError(
            f"The quarantine '{folder}' cannot be written: {cause.strerror}. Choose another folder."
        ) from cause
    return target
