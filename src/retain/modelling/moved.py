"""A model store that went along with its workspace: MLflow keeps whole paths, which then lead nowhere."""

from __future__ import annotations

import contextlib
import sqlite3
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

_PATHS = (
    ("experiments", "artifact_location"),
    ("runs", "artifact_uri"),
    ("logged_models", "artifact_location"),
    ("model_versions", "source"),
    ("model_versions", "storage_location"),
)
"""Where MLflow's database holds places of files."""


def follow(database: Path, old: str, new: str) -> None:
    """Nothing; what the database says to lie in or below the old place it says to lie at the new one.

    MLflow has no command for this; all of it happens, or nothing.

    Args:
        database: an MLflow store in SQLite.
        old: a URI without a slash at its end.
        new: another.
    """
    with contextlib.closing(sqlite3.connect(database)) as connection, connection:
        for table, column in _PATHS:
            connection.execute(
                f"UPDATE {table} SET {column} = ? || substr({column}, ?) WHERE {column} = ? OR substr({column}, 1, ?) = ?",
                (new, len(old) + 1, old, len(old) + 1, f"{old}/"),
            )
