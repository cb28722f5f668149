"""Paths in a store that was moved."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

from retain.modelling import moved

if TYPE_CHECKING:
    from pathlib import Path


def test_only_what_lies_below_the_old_place_moves(tmp_path: Path) -> None:
    """Neighbours whose names begin alike, other stores and what is no place at all stay."""
    database = tmp_path / "mlflow.db"
    places = {
        "file:///old/shop": "file:///new/shop",
        "file:///old/shop/models/m-1": "file:///new/shop/models/m-1",
        "file:///old/shops/models/m-1": "file:///old/shops/models/m-1",
        "s3://bucket/file:///old/shop/x": "s3://bucket/file:///old/shop/x",
        "models:/m-1": "models:/m-1",
    }
    with closing(sqlite3.connect(database)) as connection, connection:
        for table in {table for table, _ in moved._PATHS}:
            columns = [column for one, column in moved._PATHS if one == table]
            connection.execute(f"CREATE TABLE {table} ({', '.join(columns)})")
            for place in places:
                connection.execute(
                    f"INSERT INTO {table} VALUES ({', '.join('?' * len(columns))})", [place] * len(columns)
                )
    moved.follow(database, "file:///old/shop", "file:///new/shop")
    with closing(sqlite3.connect(database)) as connection:
        for table, column in moved._PATHS:
            found = [one for (one,) in connection.execute(f"SELECT {column} FROM {table} ORDER BY rowid")]
            assert found == list(places.values())
