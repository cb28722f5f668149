"""An event log read as it was written: a state recorded after the cutoff changes nothing that is said of it."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from pyarrow import parquet

from retain.shipped import shipped
from retain.timeline import DAY, instant

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).parents[2]
LOG = "../../../shared/data/uci_incident/event_log.parquet"
TICKETS = "bundled:uci_incidents.parquet"
CUTOFF = "2016-05-01"
COLUMNS = (
    *("number", "caller_id", "opened_at", "sys_updated_at", "sys_mod_count", "category", "ident_state"),
    *("assigned_to", "reopen_count", "made_sla"),
)
STATES = np.array(["New", "Active", "Awaiting User Info", "Resolved", "Closed", "-100"])

Panels = dict[str, list[Any]]


@pytest.fixture(scope="module")
def made_log() -> pa.Table:
    """Tickets of forty callers around the cutoff, with states, categories and deadlines that change now and then."""
    rng = np.random.default_rng(5)
    rows: list[tuple[Any, ...]] = []
    for number in range(400):
        opened = instant("2016-03-01") + int(rng.integers(0, 75 * DAY)) // 60_000_000 * 60_000_000
        caller, moment, reopened, kept = str(rng.integers(0, 40)), opened, 0, "true"
        for step in range(int(rng.integers(1, 8))):
            state = str(rng.choice(STATES)) if step else "New"
            reopened += bool(step and state == "Active" and rng.random() < 0.3)
            kept = "false" if rng.random() < 0.1 else kept
            category = f"Category {rng.integers(0, 4)}"
            agent = str(rng.choice(["?", "7", "8"]))
            rows.append(
                (
                    f"INC{number}",
                    caller,
                    opened,
                    moment,
                    str(step),
                    category,
                    state,
                    agent,
                    str(reopened),
                    kept,
                )
            )
            moment += int(rng.integers(0, 12 * DAY)) // 60_000_000 * 60_000_000
    columns = dict(zip(COLUMNS, map(list, zip(*rows, strict=True)), strict=True))
    for name in ("opened_at", "sys_updated_at"):
        columns[name] = pa.array(columns[name]).cast(pa.timestamp("us"))
    return pa.table(columns)


@pytest.fixture
def panel_of(cli: Callable[..., Any], tmp_path: Path) -> Callable[[pa.Table, pa.Table], Panels]:
    """A function from a log and its tickets to the panel at the cutoff, read as the shipped configuration says."""

    def computed(log: pa.Table, tickets: pa.Table) -> Panels:
        folder = tmp_path / "home"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        parquet.write_table(log, folder / "log.parquet")
        parquet.write_table(tickets, folder / "tickets.parquet")
        text = shipped("sources/uci_event_log.toml").read_text(encoding="utf-8")
        assert text.count(LOG) == 2
        config = folder / "log.toml"
        config.write_text(text.replace(LOG, "log.parquet").replace(TICKETS, "tickets.parquet"))
        ran = cli(
            *("--config", config, "--workspace", folder / "workspace", "features"),
            *("--cutoff", CUTOFF, "--out", folder / "panel.parquet"),
        )
        assert ran.code == 0, ran.err
        found: Panels = parquet.read_table(folder / "panel.parquet").to_pydict()
        return found

    return computed


def tickets_of(log: pa.Table) -> pa.Table:
    """Who opened each ticket, and when."""
    return log.select(["number", "caller_id", "opened_at"]).group_by("number").aggregate(
        [("caller_id", "min"), ("opened_at", "min")]
    ).rename_columns(["number", "caller_id", "opened_at"])  # fmt: skip


def planted(log: pa.Table) -> pa.Table:
    """The log, and for every ticket opened before the cutoff a state recorded at the cutoff and one of a day later."""
    before = log.filter(pc.less(log["opened_at"], pa.scalar(instant(CUTOFF), pa.timestamp("us"))))
    tickets = before.group_by("number").aggregate([("caller_id", "min"), ("opened_at", "min")])
    rows = len(tickets)
    late = [
        pa.table(
            {
                **dict(zip(("number", "caller_id", "opened_at"), tickets.columns, strict=True)),
                "sys_updated_at": pa.array(np.full(rows, instant(CUTOFF) + later)).cast(pa.timestamp("us")),
                "sys_mod_count": [f"{900 + place}"] * rows,
                "category": ["Category never seen before"] * rows,
                "ident_state": [state] * rows,
                "assigned_to": ["99"] * rows,
                "reopen_count": ["1"] * rows,
                "made_sla": ["false"] * rows,
            }
        ).cast(log.schema)
        for place, (later, state) in enumerate(((0, "Resolved"), (DAY, "Active")))
    ]
    return pa.concat_tables([log, *late])


def known(log: pa.Table) -> pa.Table:
    """The rows that had been written by the cutoff."""
    return log.filter(pc.less(log["sys_updated_at"], pa.scalar(instant(CUTOFF), pa.timestamp("us"))))


def assert_same(one: Panels, two: Panels) -> None:
    """Every customer and feature; what is not known is None in both."""
    assert list(one) == list(two)
    for name, values in one.items():
        assert values == two[name], name


def test_a_planted_late_state_changes_nothing(
    panel_of: Callable[[pa.Table, pa.Table], Panels], made_log: pa.Table
) -> None:
    """Nor do all the rows of the log that were written later."""
    tickets = tickets_of(made_log)
    panel = panel_of(made_log, tickets)
    assert len(panel["customer_id"]) == 40
    for name in (
        "open_tickets",
        "reopened_365d",
        "breached_365d",
        "resolution_hours_median_365d",
        "categories_365d",
    ):
        assert len(set(panel[name])) > 1, name
    assert_same(panel_of(known(made_log), tickets), panel)
    assert_same(panel_of(planted(made_log), tickets), panel)


def test_a_planted_early_state_does_change_something(
    panel_of: Callable[[pa.Table, pa.Table], Panels], made_log: pa.Table
) -> None:
    """The same rows a minute before the cutoff are known, so the test above could have failed."""
    early = planted(made_log)
    moved = pc.subtract(early["sys_updated_at"], pa.scalar(2 * DAY, pa.duration("us")))
    late = pc.equal(early["category"], "Category never seen before")
    place = early.schema.get_field_index("sys_updated_at")
    early = early.set_column(place, "sys_updated_at", pc.if_else(late, moved, early["sys_updated_at"]))
    tickets = tickets_of(made_log)
    before, after = panel_of(made_log, tickets), panel_of(early, tickets)
    for name in ("open_tickets", "reopened_365d", "breached_365d", "categories_365d"):
        assert before[name] != after[name], name
