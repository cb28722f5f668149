from __future__ import annotations

import runpy
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from retain.reports.content import ReportContent


@pytest.fixture(scope="session")
def content() -> ReportContent:
    """A full page's content, as a real run fills it."""
    made: ReportContent = runpy.run_path(str(Path(__file__).with_name("example_content.py")))["example"]()
    return made
