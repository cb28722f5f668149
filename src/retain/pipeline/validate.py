"""`retain validate`: what the data hold, what was put aside, and what can be done with the rest."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from retain.engine.attributes import attribute_column
from retain.engine.panel import Snapshots
from retain.errors import TrainingError, WindowError
from retain.events.attributes import TABLE
from retain.features.catalog import EVERY, declared
from retain.features.spec import Attribute
from retain.labels import LABELS, labels_of, observed
from retain.modelling.given import WARNING, labelled
from retain.modelling.training import Plan, make_plan
from retain.pipeline.given import default_until
from retain.timeline import DAY, instant_text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from retain.engine.panel import FloatArray
    from retain.events.store import TableAccount
    from retain.features.spec import Feature
    from retain.pipeline.project import Project
    from retain.text.annotate import Coverage


LATEST = 2**62
"""Later than any instant: every date has come."""


@dataclass(frozen=True)
class AttributeFound:
    """A column of customers that is a feature though it has no time.

    Attributes:
        feature: its name.
        column: where it is read.
        holds: what was found in it: a number, a category or a date.
        known: share of customers of whom it is known.
        different: how many different values it has; of a category, those that are told apart.
        note: what is odd about it; empty where nothing is.
    """

    feature: str
    column: str
    holds: str
    known: float
    different: int
    note: str


@dataclass(frozen=True)
class Validation:
    """What `retain validate` found.

    Attributes:
        accounts: what became of each table's rows.
        quarantine: where the bad rows are.
        warnings: what looks odd but stopped nothing.
        customers: how many there are.
        invalid: how many occur in bad rows only.
        first_event: the first instant observed; None where labels are given.
        last_event: the last.
        active: customers who are eligible at the end of the data.
        coverage: how much of what customers wrote was understood.
        features: names of the features that the data feed.
        unfed: names of those that they cannot feed.
        latest_test_cutoff: the last cutoff whose outcome is known; None when the data are too short for any.
        plan: the cutoffs that would train; None when they do not suffice.
        obstacle: why not.
        attributes: columns of customers that are features though they have no time.
        labelled: where labels are given, how many customers have one that can be learned from.
        churned: how many of them churned.
    """

    accounts: Mapping[str, TableAccount]
    quarantine: str
    warnings: tuple[str, ...]
    customers: int
    invalid: int
    first_event: int | None
    last_event: int | None
    active: int
    coverage: tuple[Coverage, ...]
    features: tuple[str, ...]
    unfed: tuple[str, ...]
    latest_test_cutoff: int | None
    plan: Plan | None
    obstacle: str
    attributes: tuple[AttributeFound, ...] = ()
    labelled: int | None = None
    churned: int | None = None

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
            "first_event": None if self.first_event is None else instant_text(self.first_event),
            "last_event": None if self.last_event is None else instant_text(self.last_event),
            "active_customers": self.active,
            "texts": [one.as_dict() for one in self.coverage],
            "features": list(self.features),
            "features_without_data": list(self.unfed),
            "attributes": [asdict(one) for one in self.attributes],
            **(
                {"labelled": self.labelled, "churned": self.churned, "warning": WARNING}
                if self.labelled is not None
                else {}
            ),
            "latest_test_cutoff": None
            if self.latest_test_cutoff is None
            else instant_text(self.latest_test_cutoff),
            "training_cutoffs": [] if self.plan is None else [instant_text(one) for one in self.plan.cutoffs],
            "obstacle": self.obstacle,
        }


def run_validation(project: Project) -> Validation:
    """The data contract checked, the quarantine written, and whether a model can be trained."""
    store, config = project.store, project.config
    if config.churn.given:
        return _of_given(project)
    first, last = observed(store, config.churn)
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
        first_event=first,
        last_event=last,
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
        attributes=attributes_found(project),
    )


def _of_given(project: Project) -> Validation:
    """The same where labels are given: there are no cutoffs, and everybody is asked about."""
    store, config = project.store, project.config
    label, obstacle = labels_of(store), ""
    until = default_until(project)
    try:
        labelled(store, config.churn, until)
    except TrainingError as cause:
        obstacle = str(cause)
    return Validation(
        accounts=store.accounts,
        quarantine=str(project.folder / "quarantine"),
        warnings=store.warnings,
        customers=len(store.customer_ids),
        invalid=len(store.invalid),
        first_event=None,
        last_event=None,
        active=len(label),
        coverage=project.coverage,
        features=project.features.names,
        unfed=tuple(name for name in EVERY.names if name not in project.features.names),
        latest_test_cutoff=None,
        plan=None,
        obstacle=obstacle,
        attributes=attributes_found(project),
        labelled=int((label >= 0).sum()),
        churned=int((label == 1).sum()),
    )


def attributes_found(project: Project) -> tuple[AttributeFound, ...]:
    """What each admitted column of customers holds."""
    store, found = project.store, project.features.attributes
    if not found:
        return ()
    customers = store.tables[TABLE].customer
    everybody = Snapshots(customers, np.full(len(customers), LATEST, dtype=np.int64))
    return tuple(
        AttributeFound(one.name, one.topic, *_holding(one, attribute_column(store, one, everybody)))
        for one in found
    )


def _holding(feature: Feature, values: FloatArray) -> tuple[str, float, int, str]:
    """What an attribute holds, the share of customers of whom it is known, its different values, and what is odd."""
    known = values[np.isfinite(values)]
    different = len(np.unique(known))
    holds = feature.formula.holds if isinstance(feature.formula, Attribute) else ""
    note = "" if different > 1 else "always the same" if different else "never known"
    if feature.levels is not None and not different:
        note = "no word is had by enough customers"
    return str(holds), len(known) / max(1, len(values)), different, note
