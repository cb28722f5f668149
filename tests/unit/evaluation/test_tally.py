"""Counts per score, and the places of scores."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import rankdata

from retain.evaluation.tally import ranks


@given(st.lists(st.sampled_from([-1.5, 0.0, 1e-300, 0.25, 3.0, 1e9]), max_size=40))
def test_places_are_those_of_the_usual_tool(scores: list[float]) -> None:
    """To the last bit, with equals and without any."""
    wanted = rankdata(scores) if scores else np.empty(0)
    assert ranks(np.array(scores)).tobytes() == wanted.tobytes()


@pytest.mark.parametrize("module", ["scipy.stats", "sklearn", "mlflow"])
def test_measuring_loads_no_large_library(module: str) -> None:
    """Every run of `retain score` loads what measures models, because the gate's verdict is kept beside them."""
    asked = f"import sys, retain.modelling.gate, retain.evaluation.card; print({module!r} in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", asked], check=True, capture_output=True, text=True
    )  # our own words
    assert done.stdout.strip() == "False"
