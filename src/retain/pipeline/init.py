"""`retain init`: a configuration for tables that nobody has described yet."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from retain import atomic
from retain.errors import OutputError
from retain.events.look import Look, look
from retain.events.schemas import SCHEMAS
from retain.labels import ChurnSettings
from retain.pipeline.init_given import given_lines, is_given, notes_left, static_lines

if TYPE_CHECKING:
    from pathlib import Path

    from retain.events.source import TableSource


@dataclass(frozen=True)
class Begun:
    """What `retain init` found and wrote.

    Attributes:
        path: the configuration.
        found: the files, and the guess at what they are.
    """

    path: Path
    found: Look

    @property
    def given(self) -> bool:
        """Whether the tables say who churned, and nothing else tells."""
        return is_given(self.found)

    def as_dict(self) -> dict[str, Any]:
        """The findings as JSON values."""
        return {
            "definition": "given" if self.given else "inactivity",
            "config": str(self.path),
            "files": [
                {
                    "path": one.path,
                    "format": one.format,
                    "rows": one.rows,
                    "columns": [each.name for each in one.columns],
                }
                for one in self.found.files
            ],
            "tables": {
                name: {"path": one.path, "columns": dict(one.columns)}
                for name, one in self.found.tables.items()
            },
            "notes": list(self.found.notes),
        }

    def words(self) -> list[str]:
        """The findings for people."""
        lines = [f"{one.path}: {one.format}, rows looked at: {one.rows:,}" for one in self.found.files]
        lines += [""]
        for name, one in self.found.tables.items():
            mapped = (
                ", ".join(f"{theirs} -> {ours}" for ours, theirs in one.columns.items())
                or "columns have our names"
            )
            lines.append(f"{one.path} looks like the table {name}: {mapped}")
        lines += [f"Note: {note}" for note in notes_left(self.found)]
        if self.given:
            lines.append(
                "There are no orders but labels, so churn is what they say; their columns have no time and may leak."
            )
        elif _by_contract(self.found):
            lines.append("There are contracts and no orders, so churn is the end of contracts.")
        elif "orders" not in self.found.tables:
            lines.append("No table of orders was recognised: name one under [source.tables.orders].")
        return [
            *lines,
            "",
            f"Written: {self.path}. Read it, mend it, then run `retain --config {self.path} validate`.",
        ]


def run_init(folder: Path, out: Path) -> Begun:
    """A configuration that reads the files of a folder as well as can be guessed, written beside nothing else.

    Args:
        folder: with tables, or one file.
        out: the configuration to write.

    Raises:
        SourceError: there is nothing to look at.
        OutputError: the configuration exists already.
    """
    if out.exists():
        raise OutputError(
            f"{out} exists already, and `retain init` overwrites nothing. Name another file with --out."
        )
    found = look(folder)
    base = folder if folder.is_dir() else folder.parent
    with atomic.file(out) as part:
        part.write_text(_config(found, base, out), encoding="utf-8", newline="")
    return Begun(out, found)


def _config(found: Look, base: Path, out: Path) -> str:
    """The configuration as TOML with remarks."""
    churn = ChurnSettings()
    name = "".join(letter if letter.isalnum() else "_" for letter in base.resolve().name).strip("_") or "shop"
    lines = [
        "# Written by `retain init` from a look at the files: check each line. Paths are relative to this file.",
        "# docs/data.md describes every table and column; configs/default.toml shows every setting.",
        "",
        f"name = {_quoted(name)}",
        "",
        "[source]",
        'zone = "UTC"                # the time zone of times without an offset, such as "Europe/London"',
        "money_exponent = 2          # decimal places of the currency's smallest unit",
    ]
    for table, source in found.tables.items():
        lines += ["", f"[source.tables.{table}]", f"path = {_quoted(_relative(source, base, out))}"]
        if source.columns:
            pairs = ", ".join(f"{ours} = {_quoted(theirs)}" for ours, theirs in source.columns.items())
            lines.append(f"columns = {{ {pairs} }}    # ours = theirs")
        for column, values in source.values.items():
            pairs = ", ".join(f"{_quoted(theirs)} = {_quoted(ours)}" for theirs, ours in values.items())
            lines.append(f"values.{column} = {{ {pairs} }}    # theirs = ours")
    given = is_given(found)
    lines += static_lines(found)
    if "orders" not in found.tables and not given and not _by_contract(found):
        required = ", ".join(SCHEMAS["orders"].required)
        lines += ["", f"# [source.tables.orders]    # needed: columns {required}", '# path = "orders.csv"']
    lines += ["", *(f"# Not used: {note}" for note in notes_left(found))]
    if given:
        return "\n".join([*lines, *given_lines(found)])
    meaning = [
        f"active_days = {churn.active_days}           # who ordered in so many days before the cutoff is asked about",
        f"horizon_days = {churn.horizon_days}           # no order in so many days afterwards counts as churn",
    ]
    if _by_contract(found):
        meaning = [
            'definition = "contract"     # who has a running contract is asked about',
            f"horizon_days = {churn.horizon_days}           # no contract left after so many days counts as churn",
        ]
    lines += [
        "",
        "[churn]",
        *meaning,
        f"lead_days = {churn.lead_days}               # days between the cutoff and that window, in which to act",
        "",
    ]
    return "\n".join(lines)


def _by_contract(found: Look) -> bool:
    """Whether contracts, and no orders, say who is a customer."""
    return "contracts" in found.tables and "orders" not in found.tables


def _relative(source: TableSource, base: Path, out: Path) -> str:
    """The source's path as seen from the configuration's folder."""
    return os.path.relpath(base.resolve() / source.path, out.resolve().parent)


def _quoted(text: str) -> str:
    """A TOML basic string; JSON escapes the same characters."""
    return json.dumps(text, ensure_ascii=False)
