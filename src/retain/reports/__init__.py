"""A run as one self-contained HTML page: what it found, what to do, and how far to trust it."""

from __future__ import annotations

from retain.reports.page import render, write

__all__ = ["render", "write"]
