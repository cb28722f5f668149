"""The contracts that bind the customer: how many, how old, at what price, and what changed.

A contract is known from its start and its recording on, its end only once it has come.
"""

from __future__ import annotations

from retain.features.spec import Balance, Feature, How, Measure, Renewal
from retain.timeline import Lookback

_YEAR = Lookback(365)

FEATURES = (
    Feature(
        "contracts_running",
        Balance((Measure("contracts", How.COUNT),), (Measure("contract_ends", How.COUNT),)),
        "contract",
        "A running contract binds.",
        "contracts running: {contracts_running:.0f}",
    ),
    Feature(
        "contract_tenure_days",
        Measure("contracts", How.SINCE_FIRST),
        "contract",
        "Long contracts last longer.",
        "first contract {contract_tenure_days:days} ago",
    ),
    Feature(
        "days_since_contract_end",
        Measure("contract_ends", How.SINCE_LAST),
        "contract",
        "Who ended a contract often leaves altogether.",
        "a contract ended {days_since_contract_end:days} ago",
    ),
    Feature(
        "contract_age_days",
        Measure("contracts", How.SINCE_LAST),
        "contract",
        "A new contract has not proved itself yet.",
        "latest contract began {contract_age_days:days} ago",
    ),
    Feature(
        "contracts_begun",
        Measure("contracts", How.COUNT),
        "contract",
        "Who has signed again has chosen twice.",
        "contracts so far: {contracts_begun:.0f}",
    ),
    Feature(
        "contract_price_running",
        Balance((Measure("contracts", How.SUM, "price"),), (Measure("contract_ends", How.SUM, "price"),)),
        "contract",
        "What the customer pays a month at present.",
        "running contracts cost {contract_price_running:money} a month",
    ),
    Feature(
        "contract_price_step_365d",
        Measure("contracts", How.SUM, "price_step", _YEAR),
        "contract",
        "A new contract at a higher price is a reason to look around.",
        "new contracts of the last 365 days changed the price by {contract_price_step_365d:+,.2f} a month",
    ),
    Feature(
        "plan_changes",
        Measure("contracts", How.COUNT, where="plan_changed"),
        "contract",
        "Who changes the plan is looking for what fits.",
        "plan changes so far: {plan_changes:.0f}",
    ),
    Feature(
        "days_since_plan_change",
        Measure("contracts", How.SINCE_LAST, where="plan_changed"),
        "contract",
        "A plan just chosen is not left at once.",
        "plan changed {days_since_plan_change:days} ago",
    ),
    Feature(
        "days_to_renewal",
        Renewal(Measure("contracts", How.SINCE_LAST), Measure("contracts", How.LAST, "term")),
        "contract",
        "Contracts end at the end of a term, and the weeks before are the time to talk.",
        "next renewal in {days_to_renewal:days}",
    ),
)
