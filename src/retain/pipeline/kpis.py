"""`retain kpis`: the customer base in figures, period by period."""

from __future__ import annotations

from typing import TYPE_CHECKING

from retain.kpis import kpi_history
from retain.labels import observed, require_cutoff
from retain.timeline import DAY

if TYPE_CHECKING:
    from retain.kpis import Period
    from retain.pipeline.project import Project


def run_kpis(
    project: Project, until: int | None = None, days: int = 90, periods: int = 1
) -> tuple[Period, ...]:
    """Every key figure of the latest periods, oldest first.

    Args:
        project: the data and settings.
        until: where the last period ends; None is the end of the data.
        days: how long each period is.
        periods: how many, as far as the data reach.

    Raises:
        WindowError: the end does not fit the data.
    """
    until = project.end_of_data() if until is None else until
    require_cutoff(project.store, until, project.config.churn)
    first, _ = observed(project.store, project.config.churn)
    reached = max(1, min(periods, (until - first) // (days * DAY)))
    ends = [until - back * days * DAY for back in range(reached)]
    config = project.config
    return kpi_history(project.store, ends, days, config.churn.active_days, config.value)
