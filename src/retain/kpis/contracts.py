"""KPIs that contracts allow: who is under contract, who left, and what of the monthly revenue stayed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from retain.contracts import running
from retain.events.store import MISSING
from retain.kpis.kpi import DEFINITIONS

if TYPE_CHECKING:
    import numpy.typing as npt

    from retain.events.store import EventTable, IntArray
    from retain.kpis.kpi import Kpi

    BoolArray = npt.NDArray[np.bool_]

_NOBODY = "nobody was under contract at the start"
_MONEY = ("monthly_recurring_revenue", "gross_revenue_retention", "net_revenue_retention")


def contract_kpis(contracts: EventTable, start: int, end: int, unit: float) -> dict[str, Kpi]:
    """The KPIs of contracts over ``[start, end)``, by name.

    Formula: the gross rate counts of each customer at most what they paid at the start, the net rate what they pay at the end,
    more or less; newcomers count in neither.

    Args:
        contracts: rows known before the end.
        start: first instant of the period.
        end: the first instant after it.
        unit: minor units of money in one of the currency.
    """
    define = DEFINITIONS
    before, after = running(contracts, start, end), running(contracts, end, end)
    base, still = np.unique(contracts.customer[before]), np.unique(contracts.customer[after])
    left = len(np.setdiff1d(base, still))
    earlier = np.unique(contracts.customer[contracts.time < start])
    new = len(np.setdiff1d(contracts.customer, earlier))
    found = {
        "contracted_customers": define["contracted_customers"].of(len(base), len(base)),
        "contracted_customers_lost": define["contracted_customers_lost"].of(left, len(base)),
        "contracted_customers_new": define["contracted_customers_new"].of(new, new),
        "contract_churn_rate": define["contract_churn_rate"].share(left, len(base), _NOBODY),
    }
    if "monthly_price" not in contracts.columns:
        return found | {
            name: define[name].unknown("contracts have no column monthly_price") for name in _MONEY
        }
    price = contracts.columns["monthly_price"].values.astype(np.int64)
    priced = price != MISSING
    unpriced = int((after & ~priced).sum())
    note = f"contracts without a price are left out, {unpriced:,} of those at the end" if unpriced else ""
    paid, pays = (_by_customer(contracts, price, which & priced) for which in (before, after))
    paying = paid > 0
    whole, stayed = int(paid.sum()), int(pays[paying].sum())
    kept = int(np.minimum(pays, paid)[paying].sum())
    found["monthly_recurring_revenue"] = define["monthly_recurring_revenue"].of(
        int(pays.sum()) / unit, int((after & priced).sum()), note
    )
    for name, top in (("gross_revenue_retention", kept), ("net_revenue_retention", stayed)):
        found[name] = define[name].divided(
            top, whole, int(paying.sum()), "nobody paid anything at the start", note
        )
    return found


def _by_customer(contracts: EventTable, price: IntArray, which: BoolArray) -> IntArray:
    """The monthly price of all of a customer's contracts among these, in the place that is the customer's number."""
    found = np.zeros(int(contracts.customer.max(initial=-1)) + 1, dtype=np.int64)
    np.add.at(found, contracts.customer[which], price[which])
    return found
