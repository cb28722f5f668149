"""Learners behind one protocol: boosted trees, logistic regression, and the baseline that they have to beat."""

from __future__ import annotations

import functools
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np
from scipy.special import logit

from retain.modelling import discriminative
from retain.modelling.contributions import ShapleyTables
from retain.modelling.trees import read_forest
from retain.registry import Registry

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import lightgbm
    import numpy.typing as npt

    FloatArray = npt.NDArray[np.float64]
    LabelArray = npt.NDArray[np.int8]


class Fitted(Protocol):
    """A trained model: log-odds, exact contributions, and a text to keep it by."""

    def log_odds(self, x: FloatArray, size: int | None = None) -> FloatArray:
        """Log-odds of churn of each row, of the model cut to a smaller size where it has one."""
        ...

    def contributions(self, x: FloatArray) -> FloatArray:
        """What each feature adds to each row's log-odds (rows by features), exactly; the rest is the base value."""
        ...

    def text(self) -> str:
        """The whole model as text."""
        ...


class Task:
    """Rows to learn from, and every learner's model of them, trained once however many ask for it.

    Attributes:
        x: features, rows by columns.
        y: outcomes.
        names: of the columns.
        size: of the models.
        seed: of whatever is random.
    """

    def __init__(self, x: FloatArray, y: LabelArray, names: Sequence[str], *, size: int, seed: int) -> None:
        """Nothing is trained yet."""
        self.x, self.y, self.names = x, y, tuple(names)
        self.size, self.seed = size, seed
        self._done: dict[str, Fitted] = {}

    def fitted(self, learner: str) -> Fitted:
        """The model of the learner of that name."""
        if learner not in self._done:
            self._done[learner] = LEARNERS.get(learner).fit(self)
        return self._done[learner]


class Learner(Protocol):
    """A way to train a model."""

    @property
    def sizes(self) -> tuple[int, ...]:
        """Model sizes to choose between on the validation cutoffs; one fit at the largest serves them all."""
        ...

    def fit(self, task: Task) -> Fitted:
        """A model of the task's rows and size."""
        ...

    def load(self, text: str) -> Fitted:
        """The model that ``Fitted.text`` wrote."""
        ...


@dataclass(frozen=True)
class _Trees:
    """Boosted trees in LightGBM's own text format."""

    booster: lightgbm.Booster

    def log_odds(self, x: FloatArray, size: int | None = None) -> FloatArray:
        """Log-odds of churn of each row."""
        return np.asarray(self.booster.predict(x, raw_score=True, num_iteration=size or -1, num_threads=1))

    def contributions(self, x: FloatArray) -> FloatArray:
        """Exact TreeSHAP values."""
        return self._tables.contributions(x)

    def text(self) -> str:
        """LightGBM's text format."""
        return str(self.booster.model_to_string())

    @functools.cached_property
    def _tables(self) -> ShapleyTables:
        return ShapleyTables.of(read_forest(self.text()))


class Boosting:
    """LightGBM with shallow, strongly regularised trees.

    Depth is bounded, so that exact contributions stay cheap. The figures behind the settings are in
    ``docs/decisions/0003-training.md``.
    """

    sizes = (50, 100, 150, 200, 300)

    def fit(self, task: Task) -> Fitted:
        """Trees grown on the task's rows; the same rows, seed and version of LightGBM give the same text."""
        import lightgbm  # noqa: PLC0415  # takes a second to load

        settings = {
            "objective": "binary",
            "learning_rate": 0.02,
            "max_depth": 5,
            "num_leaves": 20,
            "min_data_in_leaf": int(np.clip(len(task.y) // 50, 5, 200)),
            "lambda_l2": 20.0,
            "feature_fraction": 0.4,
            "bagging_fraction": 0.6,
            "bagging_freq": 1,
            "seed": task.seed,
            "deterministic": True,
            "force_row_wise": True,
            # More threads would sum in another order and so give another model; folds run side by side instead.
            "num_threads": 1,
            "verbosity": -1,
        }
        data = lightgbm.Dataset(task.x, label=task.y, feature_name=list(task.names), free_raw_data=True)
        return _Trees(lightgbm.train(settings, data, num_boost_round=task.size))

    def load(self, text: str) -> Fitted:
        """Trees from LightGBM's text format."""
        import lightgbm  # noqa: PLC0415  # takes a second to load

        return _Trees(lightgbm.Booster(model_str=text))


@dataclass(frozen=True)
class _Linear:
    """Logistic regression on ``sign(x) log(1 + |x|)``, centred and scaled, with a column for each unknown value.

    Attributes:
        columns: positions of the features that it reads.
        fill: what stands for an unknown value, after the logarithm.
        centre: of each column, after the logarithm.
        scale: of each column, after the logarithm.
        weight: of each column.
        weight_unknown: added where the value is not known.
        share_unknown: share of unknown values in training.
        intercept: log-odds of the average row.
    """

    columns: tuple[int, ...]
    fill: tuple[float, ...]
    centre: tuple[float, ...]
    scale: tuple[float, ...]
    weight: tuple[float, ...]
    weight_unknown: tuple[float, ...]
    share_unknown: tuple[float, ...]
    intercept: float

    def log_odds(self, x: FloatArray, size: int | None = None) -> FloatArray:  # noqa: ARG002  # one size only
        """Log-odds of churn of each row."""
        return np.asarray(self.intercept + self._parts(x).sum(axis=1))

    def contributions(self, x: FloatArray) -> FloatArray:
        """Weight times distance from the training mean: the exact Shapley value of a linear model."""
        result = np.zeros(x.shape)
        result[:, list(self.columns)] = self._parts(x)
        return result

    def text(self) -> str:
        """JSON."""
        return json.dumps({name: getattr(self, name) for name in self.__dataclass_fields__}, indent=1)

    def _parts(self, x: FloatArray) -> FloatArray:
        logged, unknown = _logged(x[:, list(self.columns)], np.array(self.fill))
        known_part = (logged - np.array(self.centre)) / np.array(self.scale) * np.array(self.weight)
        unknown_part = (unknown - np.array(self.share_unknown)) * np.array(self.weight_unknown)
        return np.asarray(known_part + unknown_part)


def _logged(x: FloatArray, fill: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Signed logarithms with unknown values filled in, and where they were unknown."""
    unknown = ~np.isfinite(x)
    logged = np.sign(x) * np.log1p(np.abs(x))
    return np.where(unknown, fill, logged), unknown.astype(np.float64)


@dataclass(frozen=True)
class Logistic:
    """Logistic regression on all features, or on those named.

    Attributes:
        only: names of the features that it reads, as far as they are there; empty is all.
        strength: inverse of the ridge penalty.
    """

    only: tuple[str, ...] = ()
    strength: float = 0.01
    sizes: tuple[int, ...] = (1,)

    def fit(self, task: Task) -> Fitted:
        """The penalised maximum-likelihood fit."""
        from sklearn.linear_model import LogisticRegression  # noqa: PLC0415  # takes seconds to load

        x = task.x
        chosen = [position for position, name in enumerate(task.names) if not self.only or name in self.only]
        columns = [position for position in chosen if np.isfinite(x[:, position]).any()]
        if not columns:
            # Nothing that it reads is ever known: the churn rate is all there is to say.
            return _Linear((), (), (), (), (), (), (), intercept=float(logit(task.y.mean())))
        known = np.where(np.isfinite(x[:, columns]), x[:, columns], np.nan)
        fill = np.nanmedian(np.sign(known) * np.log1p(np.abs(known)), axis=0)
        logged, unknown = _logged(x[:, columns], fill)
        spread, share = logged.std(axis=0), unknown.mean(axis=0)
        varies = spread > 1e-12
        # A constant column has no scale; centred on its value instead of a rounded mean, it says exactly nothing.
        scale = np.where(varies, spread, 1.0)
        centre = np.where(varies, logged.mean(axis=0), fill)
        design = np.hstack([(logged - centre) / scale, unknown - share])
        model = LogisticRegression(C=self.strength, solver="newton-cholesky", max_iter=200, tol=1e-8).fit(
            design, task.y
        )
        weight = model.coef_[0]
        return _Linear(
            columns=tuple(columns),
            fill=tuple(map(float, fill)),
            centre=tuple(map(float, centre)),
            scale=tuple(map(float, scale)),
            weight=tuple(map(float, weight[: len(columns)])),
            weight_unknown=tuple(map(float, weight[len(columns) :])),
            share_unknown=tuple(map(float, share)),
            intercept=float(model.intercept_[0]),
        )

    def load(self, text: str) -> Fitted:
        """The model from its JSON."""
        kept: Mapping[str, float | list[float]] = json.loads(text)
        return _Linear(**{name: tuple(v) if isinstance(v, list) else v for name, v in kept.items()})  # type: ignore[arg-type]


class BgNbdDiscriminative:
    """BG/NBD with parameters fitted to who churned; see ``retain.modelling.discriminative``."""

    sizes = (1,)

    def fit(self, task: Task) -> Fitted:
        """The seven parameters."""
        return discriminative.fit(task.x, task.y, task.names)

    def load(self, text: str) -> Fitted:
        """The model from its JSON."""
        return discriminative.Discriminative.from_text(text)


@dataclass(frozen=True)
class _Mean:
    """Models that each have the same say.

    Attributes:
        parts: the models by their learners' names.
    """

    parts: Mapping[str, Fitted]

    def log_odds(self, x: FloatArray, size: int | None = None) -> FloatArray:
        """The mean of the models' log-odds."""
        return np.asarray(sum(one.log_odds(x, size) for one in self.parts.values()) / len(self.parts))

    def contributions(self, x: FloatArray) -> FloatArray:
        """The mean of the models' contributions, which is exact for a mean of log-odds."""
        return np.asarray(sum(one.contributions(x) for one in self.parts.values()) / len(self.parts))

    def text(self) -> str:
        """JSON with the text of each."""
        return json.dumps({name: one.text() for name, one in self.parts.items()}, indent=1)


class Blend:
    """The mean in log-odds of boosted trees, logistic regression and, where there are orders, BG/NBD fitted to churn.

    Each is right where another strays. The figures are in ``docs/decisions/0003-training.md``.
    """

    sizes = Boosting.sizes

    def fit(self, task: Task) -> Fitted:
        """All of them, trained on the same rows."""
        parts = ["lightgbm", "logistic"]
        if discriminative.can_read(task.names):
            parts.append("bgnbd_discriminative")
        return _Mean({name: task.fitted(name) for name in parts})

    def load(self, text: str) -> Fitted:
        """All of them from their JSON."""
        kept: Mapping[str, str] = json.loads(text)
        return _Mean({name: LEARNERS.get(name).load(one) for name, one in kept.items()})


RFM = ("recency_days", "orders_lifetime", "spend_lifetime")
"""The three features of the baseline."""


def _rfm() -> Learner:
    # Nearly unpenalised: three features need no restraint, and a weakened baseline would flatter the others.
    return Logistic(only=RFM, strength=1_000.0)


LEARNERS: Registry[Learner] = Registry(
    "learner",
    "retain.learners",
    {
        "bgnbd_discriminative": BgNbdDiscriminative,
        "blend": Blend,
        "lightgbm": Boosting,
        "logistic": Logistic,
        "rfm_logistic": _rfm,
    },
)
"""Every learner by its name; ``rfm_logistic`` is always trained beside the others."""
