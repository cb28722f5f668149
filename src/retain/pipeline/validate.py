"""`retain validate`: what the data hold, what was put aside, and what can be done with the rest."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from retain.errors import TrainingError, WindowError
from retain.features.catalog import EVERY, declared
from retain.labels import LABELS, observed
from retain.modelling.training import Plan, make_plan
from retain.timeline import DAY, instant_text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from retain.events.store import TableAccount
    from retain.pipeline.project import Project
    from retain.text.annotate import Coverage


@dataclass(frozen=True)
class Validation:
    """What `retain validate` found.

    Attributes:
        accounts: what became of each table's rows.
        quarantine: where the bad rows are.
        warnings: what looks odd but stopped nothing.
        customers: how many there are.
        invalid: how many occur in bad rows only.
        first_order: the first instant observed.
        last_order: the last.
        active: customers who are eligible at the end of the data.
        coverage: how much of what customers wrote was understood.
        features: names of the features that the data feed.
        unfed: names of those that they cannot feed.
        latest_test_cutoff: the last cutoff whose outcome is known; None when the data are too short for any.
        plan: the cutoffs that would train; None when they do not suffice.
        obstacle: why not.
    """

    accounts: Mapping[str, TableAccount]
    quarantine: str
    warnings: tuple[str, ...]
    customers: int
    invalid: int
    first_order: int
    last_order: int
    active: int
    coverage: tuple[Coverage, ...]
    features: tuple[str, ...]
    unfed: tuple[str, ...]
    latest_test_cutoff: int | None
    plan: Plan | None
    obstacle: str

    def as_dict(self) -> dict[str, Any]:
        """The findings as JSON values."""
        return {
            "tables": {
                name: {
                    "rows_read": one.rows_read,
                    "rows_good": one.rows_good,
                    "rows_bad": one.rows_bad,
                    "reasons": dict(one.reasons),
                    "missing_columns": list(one.missing_columns),
                    "first_event": None if one.first_event is None else instant_text(one.first_event),
                    "last_event": None if one.last_event is None else instant_text(one.last_event),
                    "format": one.format,
                    "fingerprint": one.fingerprint,
                }
                for name, one in self.accounts.items()
            },
            "quarantine": self.quarantine,
            "warnings": list(self.warnings),
            "customers": self.customers,
            "invalid_customers": self.invalid,
            "first_order": instant_text(self.first_order),
            "last_order": instant_text(self.last_order),
            "active_customers": self.active,
            "texts": [one.as_dict() for one in self.coverage],
            "features": list(self.features),
            "features_without_data": list(self.unfed),
            "latest_test_cutoff": None
            if self.latest_test_cutoff is None
            else instant_text(self.latest_test_cutoff),
            "training_cutoffs": [] if self.plan is None else [instant_text(one) for one in self.plan.cutoffs],
            "obstacle": self.obstacle,
        }


def run_validation(project: Project) -> Validation:
    """The data contract checked, the quarantine written, and whether a model can be trained."""
    store, config = project.store, project.config
    first, last = observed(store)
    end = project.end_of_data()
    plan, obstacle = None, ""
    try:
        plan = make_plan(store, end, config.churn, config.training)
    except (WindowError, TrainingError) as cause:
        obstacle = str(cause)
    latest = config.churn.window.latest_cutoff(last) // DAY * DAY
    return Validation(
        accounts=store.accounts,
        quarantine=str(project.folder / "quarantine"),
        warnings=store.warnings,
        customers=len(store.customer_ids),
        invalid=len(store.invalid),
        first_order=first,
        last_order=last,
        active=int(np.count_nonzero(LABELS.get(config.churn.definition).eligible(store, end, config.churn))),
        coverage=project.coverage,
        features=project.features.names,
        unfed=tuple(
            name
            for name in dict.fromkeys(
                (*EVERY.names, *(one.name for one in declared(config.features.families)))
            )
            if name not in project.features.names
        ),
        latest_test_cutoff=latest if latest > first else None,
        plan=plan,
        obstacle=obstacle,
    )
