"""What MLflow runs when it loads a logged model."""

from __future__ import annotations

import shutil
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest

from retain.errors import ModelError

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd


# MLflow warns of the type hints that it misses; with them it would guess a schema.
@pytest.mark.filterwarnings("ignore:.*type hint:UserWarning")
def test_what_mlflow_runs_refuses_a_changed_bundle(kept: Path, rows: pd.DataFrame, tmp_path: Path) -> None:
    """It opens the bundle as everybody does; unchanged it predicts, changed it does not."""
    from retain.modelling.served import Served  # noqa: PLC0415  # imports MLflow, which takes seconds

    served = Served()
    served.load_context(SimpleNamespace(artifacts={"bundle": str(kept)}))
    answer = served.predict(None, rows)
    assert answer.columns.tolist() == ["churn_probability"]
    assert answer["churn_probability"].between(0, 1).all()
    spoilt = shutil.copytree(kept, tmp_path / "bundle")
    (spoilt / "model.txt").write_text("another model", encoding="utf-8")
    with pytest.raises(ModelError, match="was changed after training"):
        served.load_context(SimpleNamespace(artifacts={"bundle": str(spoilt)}))
