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

    def predict(self, context: Any, model_input: pd.DataFrame, params: Any = None) -> pd.DataFrame:  # noqa: ARG002  # MLflow's own
        """One row a snapshot with ``churn_probability``; the columns of the input are features, by name.

        A category is given by its words, as `retain features` writes it.
        """
        columns = [_numbers(one.levels, model_input[one.name]) for one in self._bundle.features.features]
        x = np.column_stack([np.empty((len(model_input), 0)), *columns])
        return pd.DataFrame({"churn_probability": self._bundle.probabilities(x)}, index=model_input.index)


def _numbers(levels: tuple[str, ...] | None, values: pd.Series[Any]) -> np.ndarray[Any, np.dtype[np.float64]]:
    """The column as the model reads it: words by their places; NaN where not known."""
    if levels is not None:
        values = values.map({word: float(place) for place, word in enumerate(levels, start=1)})
    return values.to_numpy(dtype=np.float64)


mlflow.models.set_model(Served())
