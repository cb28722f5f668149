"""Features of contracts, worked out by hand, by every engine."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from retain.engine import ENGINES
from retain.engine.panel import Snapshots
from retain.features.catalog import EVERY
from retain.features.spec import FeatureSet
from retain.timeline import instant

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from retain.events.store import EventStore

    Contracts = Callable[..., EventStore]

DATA = """
    customer_id  started_at  ended_at    plan   monthly_price  recorded_at
    a            2023-01-01  2023-05-02  basic  8.00           -
    a            2023-05-02  2024-03-01  plus   15.00          -
    a            2024-03-01  2024-09-01  plus   12.50          -
    a            2024-05-20  -           basic  8.00           2024-06-01
    b            2024-05-31  -           -      -              -
    c            2024-06-01  -           basic  8.00           -
"""


def values(
    store: EventStore, engine: str, name: str, cutoffs: Sequence[str], customer: int = 0
) -> list[float]:
    """One feature of one customer at these cutoffs."""
    asked = Snapshots(np.full(len(cutoffs), customer), np.array([instant(one) for one in cutoffs]))
    panel = ENGINES.get(engine)(store, FeatureSet((EVERY.by_name[name],)), asked)
    return [float(one) for one in panel.values[:, 0]]


@pytest.mark.parametrize("engine", ENGINES.names())
@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        # Before the first, after the first change, when the second has ended, with the one that was recorded late.
        ("contracts_running", [0, 1, 1, 2]),
        ("contracts_begun", [0, 2, 3, 4]),
        ("contract_price_running", [0, 15, 12.5, 20.5]),
        ("contract_price_step_365d", [0, 7, -2.5, -7]),
        ("plan_changes", [0, 1, 1, 2]),
        ("contract_age_days", [np.nan, 30, 92, 12 + 1 / 24]),
        ("contract_tenure_days", [np.nan, 151, 517, 517 + 1 / 24]),
        ("days_since_plan_change", [np.nan, 30, 396, 12 + 1 / 24]),
        ("days_since_contract_end", [np.nan, 30, 92, 92 + 1 / 24]),
    ],
)
def test_contracts_through_time(contracts: Contracts, engine: str, name: str, wanted: list[float]) -> None:
    """Each at four cutoffs: an end ahead is not known, nor is a contract that was not recorded yet."""
    cutoffs = ("2023-01-01", "2023-06-01", "2024-06-01", "2024-06-01T01:00")
    assert values(contracts(DATA), engine, name, cutoffs) == pytest.approx(wanted, nan_ok=True)


@pytest.mark.parametrize("engine", ENGINES.names())
def test_prices_and_plans_that_are_not_known_change_nothing(contracts: Contracts, engine: str) -> None:
    """A contract without either counts as one; a later one has nothing to be compared with."""
    store = contracts(f"{DATA.rstrip()}\nb 2024-06-02 - plus 9.00 -")
    for name, wanted in (
        ("contracts_begun", 2),
        ("contract_price_running", 9),
        ("contract_price_step_365d", 0),
        ("plan_changes", 0),
    ):
        assert values(store, engine, name, ["2024-07-01"], customer=1) == [wanted]


@pytest.mark.parametrize("engine", ENGINES.names())
def test_contracts_of_one_instant_follow_by_price(contracts: Contracts, engine: str) -> None:
    """So that their order in the source changes nothing: from the cheapest to the dearest, and then what comes later."""
    rows = ["a 2024-01-01 - 20.00 x", "a 2024-01-01 - 5.00 y", "a 2024-02-01 - 6.00 x"]
    for order in (rows, rows[::-1]):
        store = contracts("customer_id started_at ended_at monthly_price plan\n" + "\n".join(order))
        assert values(store, engine, "contract_price_step_365d", ["2024-03-01"]) == [15.0 - 14.0]
        assert values(store, engine, "plan_changes", ["2024-03-01"]) == [2.0]


@pytest.mark.parametrize("engine", ENGINES.names())
@pytest.mark.parametrize(
    ("cutoff", "wanted"),
    [
        # Twelve months are 365.25 days; nothing is known at the very start, a renewal is due in a whole term on its day.
        ("2022-01-01", np.nan),
        ("2022-01-02", 364.25),
        ("2023-01-01", 0.25),
        ("2023-01-01T06:00", 365.25),
        # From the second contract on its own term counts, of several the longest, and none where it is not known.
        ("2023-02-11", 30.4375 - 10),
        ("2023-03-11", 3 * 30.4375 - 10),
        ("2023-04-11", np.nan),
        ("2023-05-11", np.nan),
    ],
)
def test_days_to_the_next_renewal(contracts: Contracts, engine: str, cutoff: str, wanted: float) -> None:
    """Of the contract that began last."""
    store = contracts("""
        customer_id  started_at  ended_at  term_months
        a            2022-01-01  -         12
        a            2023-02-01  -         1
        a            2023-03-01  -         3
        a            2023-03-01  -         2
        a            2023-03-01  -         -
        a            2023-04-01  -         -
        a            2023-05-01  -         0
        b            2022-01-01  -         24
    """)
    assert values(store, engine, "days_to_renewal", [cutoff]) == pytest.approx([wanted], nan_ok=True)
