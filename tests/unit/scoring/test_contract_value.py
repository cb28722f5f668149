"""What running contracts bring, and when they will all have ended."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from retain.contracts import contracts_of
from retain.labels import ChurnSettings
from retain.lifetime.sbg import ShiftedBetaGeometric
from retain.lifetime.tenure import ContractForecast, fit_tenure
from retain.scoring.contract_value import all_end, learn_tenure
from retain.scoring.value import ValueSettings, expected_value, learn
from retain.timeline import DAY, instant

if TYPE_CHECKING:
    from collections.abc import Callable

    from retain.events.store import EventStore

    Contracts = Callable[..., EventStore]

CUTOFF = instant("2024-06-01")
CHURN = ChurnSettings("contract", horizon_days=90)
CURVE = ContractForecast(ShiftedBetaGeometric(alpha=0.9, beta=6.0))
DATA = """
    customer_id  started_at  ended_at    monthly_price
    a            2024-03-03  -           10.00
    b            2024-03-03  2024-06-02  10.00
    c            2023-01-01  2024-05-31  10.00
    d            2024-03-03  -           -
    e            2024-03-03  -           10.00
    e            2023-01-01  -           5.00
    f            2024-06-01  -           10.00
"""


def worth(store: EventStore, forecast: ContractForecast | None, **settings: float) -> dict[str, float]:
    """The value of every customer by name."""
    everybody = np.arange(len(store.customer_ids))
    chosen = ValueSettings(**{"horizon_days": 365, "discount_rate": 0.0, **settings})  # type: ignore[arg-type]
    found = expected_value(store, CUTOFF, everybody, chosen, CHURN, forecast)
    return dict(zip(store.customer_ids.tolist(), found.tolist(), strict=True))


def test_without_a_curve_contracts_go_on(contracts: Contracts) -> None:
    """A year is twelve months of what runs; an end ahead is not known, one that came is, and so is no price."""
    found = worth(contracts(DATA), None)
    assert found == {"a": 120, "b": 120, "c": 0, "d": 0, "e": 180, "f": 0}
    assert worth(contracts(DATA), None, margin_share=0.5, horizon_days=73)["e"] == 18


def test_with_a_curve_they_bring_what_is_left_of_them_after_the_label_window(contracts: Contracts) -> None:
    """In steps of thirty days: all of the first 90, then what the curve leaves; older contracts are left longer."""
    found = worth(contracts(DATA), CURVE, horizon_days=120)
    left = CURVE.curve.survival(np.array([7.0]))[0] / CURVE.curve.survival(np.array([6.0]))[0]
    assert found["a"] == pytest.approx(10 * 12 / 365 * (90 + 30 * left), abs=0.005)
    assert found["e"] - found["a"] > found["a"] / 2
    assert worth(contracts(DATA), CURVE, horizon_days=90) == worth(contracts(DATA), None, horizon_days=90)
    discounted = worth(contracts(DATA), CURVE, horizon_days=60, discount_rate=0.2)["a"]
    months = 30 / 1.2 ** (30 / 365) + 30 / 1.2 ** (60 / 365)
    assert discounted == pytest.approx(10 * 12 / 365 * months, abs=0.005)


def test_without_prices_no_value_is_known(contracts: Contracts) -> None:
    """Not 0, which would be a claim."""
    assert np.isnan(worth(contracts("customer_id started_at\na 2024-01-01"), CURVE)["a"])


def test_all_contracts_of_a_customer_have_to_end(contracts: Contracts) -> None:
    """The probabilities of two are multiplied; who has none is gone already."""
    store = contracts(DATA)
    chance = all_end(store, CUTOFF, CURVE, 90)
    young, old = (CURVE.ends_within(np.array([days]), 90.0)[0] for days in (90.0, 517.0))
    assert chance.tolist() == pytest.approx([young, young, 1, young, young * old, 1])
    assert young > old


def test_the_curve_is_learned_from_what_was_known(contracts: Contracts) -> None:
    """Ends ahead and contracts recorded later change no bit; the order of rows neither."""
    rows = [
        f"c{n:02} 2024-0{1 + n % 4}-0{1 + n % 9} {'-' if n % 3 else f'2024-05-{10 + n}'}" for n in range(20)
    ]
    head = "customer_id started_at ended_at\n"
    found = learn_tenure(contracts(head + "\n".join(rows)), CUTOFF)
    assert found is not None
    later = [f"{row[:-1]}2024-06-0{1 + n % 9}" if row.endswith(" -") else row for n, row in enumerate(rows)]
    ahead = contracts(head + "\n".join([*reversed(later), "zz 2024-06-01 -"]))
    assert learn_tenure(ahead, CUTOFF) == found
    assert learn(ahead, CUTOFF, CHURN) == found
    assert ContractForecast.of(found.as_dict()) == found


def test_contracts_that_were_old_when_the_table_was_begun_tell_how_they_went_on(contracts: Contracts) -> None:
    """Counted from the first end that was seen: as if all their life was watched, they would seem to last too long."""
    old = "\n".join(f"o{n:02} 2020-01-01 {'-' if n % 2 else f'2024-0{1 + n % 5}-15'}" for n in range(40))
    store = contracts(f"customer_id started_at ended_at\n{old}")
    found = learn_tenure(store, CUTOFF)
    assert found is not None
    table = contracts_of(store)
    age = (
        np.where(np.arange(40) % 2 == 1, CUTOFF, table.columns["ended_at"].values.astype(np.int64))
        - table.time
    )
    careless = fit_tenure(age / DAY, np.arange(40) % 2 == 0, np.zeros(40))
    assert careless is not None
    # Half of them ended within five months.
    seen, wished = (one.ends_within(np.array([1470.0]), 150.0)[0] for one in (found, careless))
    assert seen == pytest.approx(0.5, abs=0.1)
    assert wished < 0.2


def test_without_ends_there_is_no_curve(contracts: Contracts) -> None:
    """Nothing is learned from contracts that all go on."""
    assert learn_tenure(contracts("customer_id started_at\na 2024-01-01\nb 2024-01-01"), CUTOFF) is None
