from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from retain.reports.content import (
    ChurnDefinition,
    Contender,
    Customer,
    Decile,
    Dependence,
    Estimate,
    Headline,
    Importance,
    MoneyCurve,
    Reason,
    ReliabilityBin,
    Segment,
    TableAccount,
    Tier,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from retain.reports.content import ReportContent


@pytest.mark.parametrize(
    ("make", "complaint"),
    [
        (lambda: Estimate(0.5, 0.6, 0.4), "an interval from 0.6 to 0.4"),
        (lambda: ChurnDefinition("inactivity", 0), "a label window of 0 days"),
        (lambda: ChurnDefinition("inactivity", 90, lead_days=-1), "a label window of 90 days after -1"),
        (lambda: Headline(scored=3, at_risk=4), "4 customers at risk of 3 scored"),
        (lambda: Headline(scored=-1, at_risk=-1), "scored is a count"),
        (lambda: TableAccount("orders", rows=3, good=4), "4 good rows of 3"),
        (lambda: TableAccount("orders", rows=3, good=2, quarantined=(("owner", -1),)), "owner is a count"),
        (lambda: Tier("high", 3, 1.5, 2.0), "mean_probability is a share"),
        (lambda: Decile(1, 3, 4, 1.0, 1.0, 1.0), "4 churners of 3 customers"),
        (lambda: ReliabilityBin(0.5, -0.1, 3), "observed is a share"),
        (lambda: Reason("silence", (1, -2)), "customers is a count"),
        (lambda: Importance("recency", float("nan")), "importance of recency"),
        (lambda: Customer("c1", "high", 97.0), "customer c1: probability is a share"),
        (lambda: Contender("x", Estimate(0.7), gain=((0.0, 0.0), (1.1, 1.0))), "contacted is a share"),
        (lambda: Contender("x", Estimate(0.7), gain=((0.5, 0.6), (0.1, 0.2))), "not in order"),
        (lambda: Contender("x", Estimate(0.7), p_value=1.2), "p_value is a share"),
        (lambda: MoneyCurve("x", ((0.5, 0.6), (0.1, 0.2))), "not in order"),
        (lambda: Segment("country", "BG", -1, 0.5, *[Estimate(1.0)] * 3), "customers is a count"),
        (lambda: Segment("country", "BG", 1, 1.5, *[Estimate(1.0)] * 3), "churn_rate is a share"),
        (lambda: Dependence("x", ((0.0, 0.5),)), "do not ascend"),
        (lambda: Dependence("x", ((1.0, 0.5), (1.0, 0.6))), "do not ascend"),
        (lambda: Dependence("x", ((0.0, 0.5), (1.0, 1.6))), "probability is a share"),
        (lambda: Dependence("x", ((0.0, 0.5), (1.0, 0.6)), (-1,)), "customers is a count"),
    ],
)
def test_refuses_nonsense(make: Callable[[], object], complaint: str) -> None:
    """A figure that cannot be is refused when it is made, not printed."""
    with pytest.raises(ValueError, match=complaint):
        make()


def test_unknown_figures_are_no_nonsense() -> None:
    """What is not known may be None or NaN."""
    assert Tier("high", 0, float("nan"), None).mean_probability != 0


def test_reasons_fit_the_tiers(content: ReportContent) -> None:
    """A reason has a count for every tier, or the columns of the table would not match."""
    with pytest.raises(ValueError, match="1 counts for 4 tiers"):
        replace(content, reasons=(Reason("silence", (3,)),))
