"""What MLflow runs when it loads a logged model: features in, calibrated probabilities out.

MLflow reads this file as the model's code, so nothing has to be pickled; the model itself is the bundle beside it.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import mlflow
import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from retain.modelling.bundle import Bundle


class Served(mlflow.pyfunc.PythonModel):  # type: ignore[misc]  # MLflow ships no types
    """A retain bundle as an MLflow model."""

    _bundle: Bundle

    def load_context(self, context: Any) -> None:
        """Open the bundle; a changed file is refused here."""
        from retain.modelling import bundle  # noqa: PLC0415  # this file is run by path, outside the package

        self._bundle = bundle.load(Path(context.artifacts["bundle"]))

    def predict(self, context, model_input, params=None):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN201, ARG002  # MLflow reads type hints as a schema
        """One row a snapshot with ``churn_probability``; the columns of the input are features, by name."""
        x = model_input[list(self._bundle.features.names)].to_numpy(dtype=np.float64)
        return pd.DataFrame({"churn_probability": self._bundle.probabilities(x)}, index=model_input.index)


mlflow.models.set_model(Served())
