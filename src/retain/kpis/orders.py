"""KPIs that orders allow: who left, who came back, what they spent, what went back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from retain.engine.views import order_of_line
from retain.events.store import MISSING
from retain.kpis.kpi import DEFINITIONS

if TYPE_CHECKING:
    import numpy.typing as npt

    from retain.events.store import EventTable, IntArray
    from retain.kpis.kpi import Kpi

    BoolArray = npt.NDArray[np.bool_]

_NO_SALE = "nobody bought in the period"
_NOBODY_ACTIVE = "nobody was active at the start"


@dataclass(frozen=True)
class Orders:
    """Order rows put together to orders, sorted by customer and time.

    Attributes:
        customer: who.
        time: when the order's first row happened.
        sale: whether any of its rows is a sale; the others are returns.
        amount: sum of its rows in minor units, returns negative; None if amounts are not known.
        margin: sum of its rows' margins; None if margins are not known.
        discounted: whether any row has a discount; None if discounts are not known.
        failed: whether a payment is known to have failed; None if failures are not known.
        promised: the latest instant promised for any row, MISSING without a promise; None if promises are not known.
        late: whether any promised row was not delivered when promised; says nothing before the promise is due.
        returns_known: whether returns can be told from sales at all.
    """

    customer: IntArray
    time: IntArray
    sale: BoolArray
    amount: IntArray | None
    margin: IntArray | None
    discounted: BoolArray | None
    failed: BoolArray | None
    promised: IntArray | None
    late: BoolArray | None
    returns_known: bool


def orders_of(table: EventTable, end: int) -> Orders:
    """The orders that the rows make up, as known before ``end``.

    Rows with one order_id of one customer are one order; without an order_id, rows of one customer at one instant.

    Args:
        table: the rows.
        end: a payment failure from this instant on is not known yet.
    """
    first, order = _grouping(table)

    def column(name: str) -> IntArray | None:
        return table.columns[name].values[order].astype(np.int64) if name in table.columns else None

    amount, returned = column("amount"), np.zeros(len(order), dtype=np.bool_)
    if "kind" in table.columns:
        kind = table.columns["kind"]
        levels = [] if kind.levels is None else kind.levels.tolist()
        returned |= np.isin(kind.values[order], [at for at, name in enumerate(levels) if name == "return"])
    if amount is not None:
        returned |= (amount < 0) & (amount != MISSING)
    sign = np.where(returned, -1, 1)
    discount, failed = column("discount"), column("payment_failed_at")
    promised, delivered = column("promised_at"), column("delivered_at")
    late = None
    if promised is not None and delivered is not None:
        due = promised != MISSING
        arrived = (delivered != MISSING) & (delivered <= promised)
        late = _any(due & ~arrived & ~returned, first)
        promised = (
            np.maximum.reduceat(np.where(returned, MISSING, promised), first) if len(first) else promised
        )
    sale = _any(~returned, first)
    margin = column("margin")
    made = Orders(
        customer=table.customer[order][first],
        time=np.minimum.reduceat(table.time[order], first) if len(first) else table.time[:0],
        sale=sale,
        amount=None if amount is None else _sum(np.abs(_zeroed(amount)) * sign, first),
        # A source may write what a return cost as a positive number.
        margin=None
        if margin is None
        else _sum(np.where(returned, -np.abs(_zeroed(margin)), _zeroed(margin)), first),
        discounted=None if discount is None else _any(_zeroed(discount) > 0, first),
        failed=None if failed is None else _any((failed != MISSING) & (failed < end), first),
        promised=None if late is None else promised,
        late=late,
        returns_known="kind" in table.columns or amount is not None,
    )
    return _by_time(made)


def _by_time(made: Orders) -> Orders:
    """The same orders by customer and time: an order_id says nothing about time."""
    at = np.lexsort([made.sale, made.time, made.customer])
    parts: dict[str, Any] = {
        name: value[at] if isinstance(value := getattr(made, name), np.ndarray) else value
        for name in Orders.__dataclass_fields__
    }
    return Orders(**parts)


def _grouping(table: EventTable) -> tuple[IntArray, IntArray]:
    """Where each order begins, and the order of rows in which it does."""
    group = order_of_line(table)
    order = np.argsort(group, kind="stable")
    fresh = np.ones(len(order), dtype=np.bool_)
    fresh[1:] = group[order][1:] != group[order][:-1]
    return np.flatnonzero(fresh), order


def _zeroed(values: IntArray) -> IntArray:
    return np.where(values == MISSING, 0, values)


def _sum(values: IntArray, first: IntArray) -> IntArray:
    return np.add.reduceat(values, first) if len(first) else values[:0]


def _any(flags: BoolArray, first: IntArray) -> BoolArray:
    return np.logical_or.reduceat(flags, first) if len(first) else flags[:0]


def order_kpis(table: EventTable, start: int, end: int, active: int, unit: float) -> dict[str, Kpi]:
    """The KPIs that orders allow.

    Args:
        table: order rows known before the end.
        start: first instant of the period.
        end: the first instant after it.
        active: how long after a sale a customer counts as active, in microseconds.
        unit: minor units in one unit of money.
    """
    orders = orders_of(table, end)
    return (
        _movements(orders, start, end, active)
        | _purchases(orders, start, end)
        | _money(orders, start, active, unit)
        | _promises(orders, start, end)
    )


def _buyers(orders: Orders, start: int, end: int) -> IntArray:
    """Customers with a sale in ``[start, end)``, each once."""
    return np.unique(orders.customer[orders.sale & (orders.time >= start) & (orders.time < end)])


def _movements(orders: Orders, start: int, end: int, active: int) -> dict[str, Kpi]:
    base = _buyers(orders, start - active, start)
    buyers = _buyers(orders, start, end)
    before = _buyers(orders, MISSING, start)
    new, returning = np.setdiff1d(buyers, before), np.intersect1d(buyers, before)
    lost = np.setdiff1d(base, buyers)
    at_end = _buyers(orders, end - active, end)
    stayed = len(at_end) - len(np.intersect1d(at_end, new))
    define = DEFINITIONS
    return {
        "active_customers": define["active_customers"].of(len(base), len(base)),
        "lost_customers": define["lost_customers"].of(len(lost), len(base)),
        "new_customers": define["new_customers"].of(len(new), len(buyers)),
        "returning_customers": define["returning_customers"].of(len(returning), len(buyers)),
        "churn_rate": define["churn_rate"].share(len(lost), len(base), _NOBODY_ACTIVE),
        "crr_standard": define["crr_standard"].divided(
            stayed, len(base), len(base), _NOBODY_ACTIVE, "customers won back can lift it above 1"
        ),
        "crr_returning": define["crr_returning"].share(len(returning), len(buyers), _NO_SALE),
    }


def _purchases(orders: Orders, start: int, end: int) -> dict[str, Kpi]:
    sold = orders.sale & (orders.time >= start)
    _, per_buyer = np.unique(orders.customer[sold], return_counts=True)
    buyers, count = len(per_buyer), int(sold.sum())
    define = DEFINITIONS
    return {
        "orders": define["orders"].of(count, count),
        "repeat_purchase_rate": define["repeat_purchase_rate"].share(
            int((per_buyer >= 2).sum()), buyers, _NO_SALE
        ),
        "purchase_frequency": define["purchase_frequency"].divided(count, buyers, buyers, _NO_SALE),
        "inter_purchase_ratio": define["inter_purchase_ratio"].median(
            _waiting_ratios(orders.customer[orders.sale], orders.time[orders.sale], end),
            "nobody bought at two different times",
        ),
        "promotion_share": _flagged("promotion_share", "discount", orders.discounted, sold),
        "payment_failure_rate": _flagged("payment_failure_rate", "payment_failed_at", orders.failed, sold),
    }


def _flagged(name: str, column: str, flags: BoolArray | None, sold: BoolArray) -> Kpi:
    if flags is None:
        return DEFINITIONS[name].unknown(f"orders have no column {column}")
    return DEFINITIONS[name].share(int((flags & sold).sum()), int(sold.sum()), _NO_SALE)


def _waiting_ratios(customer: IntArray, time: IntArray, end: int) -> npt.NDArray[np.float64]:
    """Days since the last sale over the own median gap, of each customer who has one above 0."""
    same = customer[1:] == customer[:-1]
    who, gap = customer[1:][same], np.diff(time)[same]
    at = np.lexsort([gap, who])
    who, gap = who[at], gap[at]
    known, first, count = np.unique(who, return_index=True, return_counts=True)
    median = (gap[first + (count - 1) // 2] + gap[first + count // 2]) / 2
    last = time[np.searchsorted(customer, known, side="right") - 1]
    moving = median > 0
    ratios: npt.NDArray[np.float64] = (end - last[moving]) / median[moving]
    return ratios


def _money(orders: Orders, start: int, active: int, unit: float) -> dict[str, Kpi]:
    define = DEFINITIONS
    worth = orders.margin if orders.margin is not None else orders.amount
    inside = orders.time >= start
    sold = int((inside & orders.sale).sum())
    returned = int((inside & ~orders.sale).sum())
    if orders.returns_known:
        returns = define["return_rate"].divided(returned, sold, sold, _NO_SALE)
    else:
        returns = define["return_rate"].unknown("orders have neither a column kind nor a column amount")
    found = {"return_rate": returns}
    if orders.amount is None:
        missing = "orders have no column amount"
        found |= {name: define[name].unknown(missing) for name in ("revenue", "aov")}
    else:
        revenue = int(orders.amount[inside].sum()) / unit
        found["revenue"] = define["revenue"].of(revenue, sold)
        found["aov"] = define["aov"].divided(revenue, sold, sold, _NO_SALE)
    if worth is None:
        missing = "orders have neither a column margin nor a column amount"
        return found | {name: define[name].unknown(missing) for name in ("revenue_churn", "clv_historic")}
    note = "" if orders.margin is not None else "revenue stands in for margin, which orders do not have"
    base = _buyers(orders, start - active, start)
    lost = np.setdiff1d(base, orders.customer[orders.sale & inside])
    earlier = (orders.time >= start - active) & (orders.time < start)
    of_base = int(worth[earlier & np.isin(orders.customer, base)].sum())
    of_lost = int(worth[earlier & np.isin(orders.customer, lost)].sum())
    everyone = np.unique(orders.customer[orders.sale])
    total = int(worth[np.isin(orders.customer, everyone)].sum()) / unit
    found["revenue_churn"] = (
        define["revenue_churn"].of(of_lost / of_base, len(base), note)
        if of_base > 0
        else define["revenue_churn"].unknown("those active at the start had brought in nothing")
    )
    found["clv_historic"] = define["clv_historic"].divided(
        total, len(everyone), len(everyone), "nobody has bought yet", note
    )
    return found


def _promises(orders: Orders, start: int, end: int) -> dict[str, Kpi]:
    one = DEFINITIONS["on_time"]
    if orders.promised is None or orders.late is None:
        return {"on_time": one.unknown("orders lack a column promised_at or delivered_at")}
    due = (orders.promised >= start) & (orders.promised < end)
    kept = int((due & ~orders.late).sum())
    return {"on_time": one.share(kept, int(due.sum()), "nothing was promised for the period")}
