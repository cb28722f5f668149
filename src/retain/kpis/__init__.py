"""The customer base in figures: how many leave, come back, complain, answer; and what is not known."""

from __future__ import annotations

from retain.kpis.base import Period, kpi_history, kpis
from retain.kpis.kpi import Kpi

__all__ = ["Kpi", "Period", "kpi_history", "kpis"]
