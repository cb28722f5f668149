"""Learners behind one protocol: boosted trees, logistic regression, and the baseline that they have to beat."""

from __future__ import annotations

import functools
import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np
from scipy.special import logit

from retain.modelling import discriminative, newton
from retain.modelling.contributions import ShapleyTables
from retain.modelling.hazard import Hazard
from retain.modelling.hyperparameters import USUAL, step_of
from retain.modelling.trees import categories_of, read_forest
from retain.registry import Registry

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    import lightgbm
    import numpy.typing as npt

    from retain.modelling.hyperparameters import Hyperparameters

    FloatArray = npt.NDArray[np.float64]
    LabelArray = npt.NDArray[np.int8]


_WORTH = "leaf_value="
"""How LightGBM's text begins the line of what a tree's leaves add."""
_MANY = 100_000
"""Of more rows logistic regression first reads a part."""
_AT_ONCE = 10_000
"""Rows walked through the trees at a time; each takes a number for every tree."""


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
        categories: places of the columns whose values are whole numbers from 1 that stand for words.
        direction: of each column 1 where risk may only rise with it, -1 where it may only fall, else 0.
        size: of the models.
        seed: of whatever is random.
        threads: parts of a model worked on at the same time, 1 unless set; the result is the same whatever this is.
        hyperparameters: what trees and logistic regression are told.
    """

    def __init__(
        self,
        x: FloatArray,
        y: LabelArray,
        names: Sequence[str],
        *,
        size: int,
        seed: int,
        categories: Collection[str] = (),
        rising: Collection[str] = (),
        falling: Collection[str] = (),
        hyperparameters: Hyperparameters = USUAL,
    ) -> None:
        """Nothing is trained yet; ``categories``, ``rising`` and ``falling`` are names of columns."""
        self.x, self.y, self.names = x, y, tuple(names)
        self.categories = tuple(at for at, name in enumerate(self.names) if name in categories)
        self.direction = tuple((name in rising) - (name in falling) for name in self.names)
        self.size, self.seed, self.threads, self.hyperparameters = size, seed, 1, hyperparameters
        self._done: dict[str, Fitted] = {}

    def side_by_side(self, threads: int) -> Task:
        """The same task, of whose models so many parts are trained at the same time."""
        self.threads = threads
        return self

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
    """Boosted trees in LightGBM's own text format.

    Attributes:
        booster: the trees.
        categories: places of the columns that they read as categories.
    """

    booster: lightgbm.Booster
    categories: tuple[int, ...] = ()

    def log_odds(self, x: FloatArray, size: int | None = None) -> FloatArray:
        """Log-odds of churn of each row."""
        rows = _with_a_word_for_unknown(x, self.categories)
        return np.asarray(self.booster.predict(rows, raw_score=True, num_iteration=size or -1, num_threads=1))

    def contributions(self, x: FloatArray) -> FloatArray:
        """Exact TreeSHAP values."""
        return self._tables.contributions(_with_a_word_for_unknown(x, self.categories))

    def text(self) -> str:
        """LightGBM's text format."""
        return str(self.booster.model_to_string())

    @functools.cached_property
    def _tables(self) -> ShapleyTables:
        return ShapleyTables.of(read_forest(self.text()))


def _with_a_word_for_unknown(x: FloatArray, categories: tuple[int, ...]) -> FloatArray:
    """The rows with 0 in place of a category that is not known: the trees may ask for it, as for any other."""
    if not categories:
        return x
    chosen = np.array(categories)
    rows = x.copy()
    rows[:, chosen] = np.where(np.isnan(x[:, chosen]), 0.0, x[:, chosen])
    return rows


class Boosting:
    """LightGBM with shallow, strongly regularised trees.

    What they are told is in ``retain.modelling.hyperparameters``.
    """

    sizes = (50, 100, 150, 200, 300)

    def fit(self, task: Task) -> Fitted:
        """Trees grown on the task's rows; the same rows, seed and version of LightGBM give the same text."""
        import lightgbm  # noqa: PLC0415  # takes a second to load

        told = task.hyperparameters.trees
        least = told.rows_of_a_leaf(len(task.y))
        settings: dict[str, object] = {
            "objective": "binary",
            "learning_rate": told.learning_rate,
            "max_depth": told.max_depth,
            "num_leaves": told.leaves,
            "min_data_in_leaf": least,
            "lambda_l2": told.ridge,
            "feature_fraction": told.feature_share,
            "bagging_fraction": told.row_share,
            "bagging_freq": 1,
            "seed": task.seed,
            "deterministic": True,
            "force_row_wise": True,
            # More threads would sum in another order and so give another model; folds run side by side instead.
            "num_threads": 1,
            "verbosity": -1,
        }
        if task.categories:
            # A word of few customers may still be told apart where a leaf of as many may be.
            settings["min_data_per_group"] = min(least, 100)
        if any(task.direction):
            settings["monotone_constraints"] = list(task.direction)
        data = lightgbm.Dataset(
            _with_a_word_for_unknown(task.x, task.categories),
            label=task.y,
            feature_name=list(task.names),
            categorical_feature=list(task.categories),
            free_raw_data=True,
        )
        return _Trees(lightgbm.train(settings, data, num_boost_round=task.size), task.categories)

    def load(self, text: str) -> Fitted:
        """Trees from LightGBM's text format."""
        import lightgbm  # noqa: PLC0415  # takes a second to load

        return _Trees(lightgbm.Booster(model_str=text), categories_of(text))


_TAIL = 0.005
"""Share of known values at either end that logistic regression takes for the last one before them. A straight line
goes on for ever: without this a value that training hardly saw decides alone. ``docs/decisions/0003-training.md`` has
the figures."""


@dataclass(frozen=True)
class _Linear:
    """Logistic regression on ``sign(x) log(1 + |x|)``, held within what is usual, with a column for each unknown value.

    Attributes:
        columns: positions of the features that it reads.
        fill: what stands for an unknown value, after the logarithm.
        low: what stands for anything below it, after the logarithm.
        high: what stands for anything above it, after the logarithm.
        centre: of each column, after the logarithm.
        scale: of each column, after the logarithm.
        weight: of each column.
        weight_unknown: added where the value is not known.
        share_unknown: share of unknown values in training.
        intercept: log-odds of the average row.
        word_column: for each word of a category the position of the feature.
        word: its value; 0 is not known.
        word_weight: added where the feature has that value.
        word_share: share of rows with it in training.
    """

    columns: tuple[int, ...]
    fill: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]
    centre: tuple[float, ...]
    scale: tuple[float, ...]
    weight: tuple[float, ...]
    weight_unknown: tuple[float, ...]
    share_unknown: tuple[float, ...]
    intercept: float
    word_column: tuple[int, ...] = ()
    word: tuple[int, ...] = ()
    word_weight: tuple[float, ...] = ()
    word_share: tuple[float, ...] = ()

    def log_odds(self, x: FloatArray, size: int | None = None) -> FloatArray:  # noqa: ARG002  # one size only
        """Log-odds of churn of each row."""
        # Row by row in memory: else many rows are summed in another order than one, to other last digits.
        parts = np.ascontiguousarray(np.hstack([self._parts(x), self._word_parts(x)]))
        return np.asarray(self.intercept + parts.sum(axis=1))

    def contributions(self, x: FloatArray) -> FloatArray:
        """Weight times distance from the training mean: the exact Shapley value of a linear model."""
        result = np.zeros(x.shape)
        result[:, list(self.columns)] = self._parts(x)
        for column, part in zip(self.word_column, self._word_parts(x).T, strict=True):
            result[:, column] += part
        return result

    def text(self) -> str:
        """JSON; of words only where there are categories."""
        told = [name for name in self.__dataclass_fields__ if self.word or not name.startswith("word")]
        return json.dumps({name: getattr(self, name) for name in told}, indent=1)

    def _word_parts(self, x: FloatArray) -> FloatArray:
        has = _has_word(x, self.word_column, self.word)
        return np.asarray((has - np.array(self.word_share)) * np.array(self.word_weight))

    def _parts(self, x: FloatArray) -> FloatArray:
        logged, unknown = _logged(x[:, list(self.columns)], np.array(self.fill))
        usual = np.clip(logged, self.low, self.high)
        known_part = (usual - np.array(self.centre)) / np.array(self.scale) * np.array(self.weight)
        unknown_part = (unknown - np.array(self.share_unknown)) * np.array(self.weight_unknown)
        return np.asarray(known_part + unknown_part)


def _logged(x: FloatArray, fill: FloatArray | float) -> tuple[FloatArray, FloatArray]:
    """Signed logarithms with unknown values filled in, and where they were unknown."""
    unknown = ~np.isfinite(x)
    logged = np.sign(x) * np.log1p(np.abs(x))
    return np.where(unknown, fill, logged), unknown.astype(np.float64)


def _has_word(x: FloatArray, columns: Sequence[int], words: Sequence[int]) -> FloatArray:
    """1 where the column holds that word of its category, 0 where another: rows by words; not known is the word 0."""
    codes = x[:, list(columns)]
    return np.asarray(np.where(np.isnan(codes), 0.0, codes) == np.array(words), dtype=np.float64)


def _words_of(x: FloatArray, categories: Sequence[int]) -> tuple[list[int], list[int]]:
    """The columns and words of categories that occur in these rows, one pair each word."""
    pairs = [
        (column, int(word))
        for column in categories
        for word in np.unique(np.where(np.isnan(x[:, column]), 0.0, x[:, column]))
    ]
    return [column for column, _ in pairs], [word for _, word in pairs]


@dataclass(frozen=True)
class Logistic:
    """Logistic regression on all features, or on those named.

    Attributes:
        only: names of the features that it reads, as far as they are there; empty is all.
        strength: inverse of the ridge penalty; None is what the task says.
    """

    only: tuple[str, ...] = ()
    strength: float | None = None
    sizes: tuple[int, ...] = (1,)

    def fit(self, task: Task) -> Fitted:
        """The penalised maximum-likelihood fit.

        Of more than 100,000 rows every second, or third, and so on, says what is ordinary and where the search begins; the
        weights are then those of all rows.
        """
        from sklearn.linear_model import LogisticRegression  # noqa: PLC0415  # takes seconds to load

        strength = task.hyperparameters.logistic.strength if self.strength is None else self.strength
        every = -(-len(task.y) // _MANY)
        if task.y[::every].min() == task.y[::every].max():
            every = 1  # so few of an outcome that a part may have none
        x, y = task.x[::every], task.y[::every]
        chosen = [position for position, name in enumerate(task.names) if not self.only or name in self.only]
        columns = [
            position
            for position in chosen
            if position not in task.categories and np.isfinite(x[:, position]).any()
        ]
        word_columns, words = _words_of(x, [one for one in task.categories if one in chosen])
        if not columns and not words:
            # Nothing that it reads is ever known: the churn rate is all there is to say.
            return _Linear((), (), (), (), (), (), (), (), (), intercept=float(logit(task.y.mean())))
        logged, unknown = _logged(x[:, columns], np.nan)
        low, fill, high = np.nanquantile(logged, (_TAIL, 0.5, 1 - _TAIL), axis=0).reshape(3, len(columns))
        logged = np.clip(np.where(unknown, fill, logged), low, high)
        spread, share = logged.std(axis=0), unknown.mean(axis=0)
        varies = spread > 1e-12
        # A constant column has no scale; centred on its value instead of a rounded mean, it says exactly nothing.
        scale = np.where(varies, spread, 1.0)
        centre = np.where(varies, logged.mean(axis=0), fill)
        has = _has_word(x, word_columns, words)
        word_share = has.mean(axis=0)
        # What is known of everybody says nothing by being known.
        at_times = np.flatnonzero(share)
        kept = np.ones(len(columns) + len(at_times) + len(words), dtype=bool)

        def design(rows: slice) -> FloatArray:
            logged, unknown = _logged(task.x[rows][:, columns], fill)
            usual = np.clip(logged, low, high)
            has = _has_word(task.x[rows], word_columns, words)
            made = np.hstack(
                [(usual - centre) / scale, unknown[:, at_times] - share[at_times], has - word_share]
            )
            # All columns as they are: a copy may lie otherwise in memory, and sum to other last digits.
            return made if kept.all() else made[:, kept]

        wanted = np.zeros(len(kept))
        wanted[: len(columns)] = [task.direction[position] for position in columns]
        while True:
            # Fewer rows weigh as much as all against the penalty.
            model = LogisticRegression(C=strength * every, solver="newton-cholesky", max_iter=200, tol=1e-8)
            model.fit(design(slice(None, None, every)), y)
            line = np.append(model.intercept_[0], model.coef_[0])
            if every > 1:
                line = newton.most_likely(design, task.y, line, strength)
            found = np.zeros(len(kept))
            found[kept] = line[1:]
            # What would move risk the wrong way may not move it at all.
            wrong = found * wanted < 0
            if not wrong.any():
                break
            kept &= ~wrong
        weight = np.zeros(2 * len(columns) + has.shape[1])
        places = [*range(len(columns)), *(len(columns) + at_times), *range(2 * len(columns), len(weight))]
        weight[places] = found
        return _Linear(
            columns=tuple(columns),
            fill=tuple(map(float, fill)),
            low=tuple(map(float, low)),
            high=tuple(map(float, high)),
            centre=tuple(map(float, centre)),
            scale=tuple(map(float, scale)),
            weight=tuple(map(float, weight[: len(columns)])),
            weight_unknown=tuple(map(float, weight[len(columns) : 2 * len(columns)])),
            share_unknown=tuple(map(float, share)),
            intercept=float(line[0]),
            word_column=tuple(word_columns),
            word=tuple(words),
            word_weight=tuple(map(float, weight[2 * len(columns) :])),
            word_share=tuple(map(float, word_share)),
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
        with ThreadPoolExecutor(task.threads) as pool:
            return _Mean(dict(zip(parts, pool.map(task.fitted, parts), strict=True)))

    def load(self, text: str) -> Fitted:
        """All of them from their JSON."""
        kept: Mapping[str, str] = json.loads(text)
        return _Mean({name: LEARNERS.get(name).load(one) for name, one in kept.items()})


class Predictions:
    """Log-odds of the same rows from many models at all their sizes, each model asked once.

    The bits are those of ``Fitted.log_odds`` at each size.
    """

    def __init__(self, x: FloatArray) -> None:
        """Nothing is predicted yet."""
        self._x = x
        self._known: dict[int, tuple[Fitted, Mapping[int, FloatArray]]] = {}

    def of(self, learner: str, fitted: Fitted) -> Mapping[int, FloatArray]:
        """The log-odds at each of the learner's sizes.

        Args:
            learner: its name.
            fitted: its model.
        """
        # The model is kept beside its answer: while it lives no other has its id.
        if id(fitted) not in self._known:
            self._known[id(fitted)] = fitted, self._asked(LEARNERS.get(learner).sizes, fitted)
        return self._known[id(fitted)][1]

    def _asked(self, sizes: tuple[int, ...], fitted: Fitted) -> Mapping[int, FloatArray]:
        if isinstance(fitted, _Trees):
            return _at_sizes(fitted.booster, self._x, sizes)
        if isinstance(fitted, _Mean):
            parts = [self.of(name, one) for name, one in fitted.parts.items()]
            return {
                size: np.asarray(sum(one.get(size, one[max(one)]) for one in parts) / len(parts))
                for size in sizes
            }
        return {size: fitted.log_odds(self._x, size) for size in sizes}


def _at_sizes(booster: lightgbm.Booster, x: FloatArray, sizes: tuple[int, ...]) -> Mapping[int, FloatArray]:
    """Log-odds at each size from one walk of each row through the trees.

    The leaves that a row falls into say what any number of first trees adds up to; they are added in LightGBM's order.
    """
    lines = str(booster.model_to_string()).splitlines()
    trees = [line.removeprefix(_WORTH).split() for line in lines if line.startswith(_WORTH)]
    worth = np.zeros((len(trees), max(map(len, trees))))
    for row, leaves in zip(worth, trees, strict=True):
        row[: len(leaves)] = [float(one) for one in leaves]
    ends = [min(size, len(trees)) - 1 for size in sizes]
    found = np.empty((len(sizes), len(x)))
    for first in range(0, len(x), _AT_ONCE):
        rows = slice(first, first + _AT_ONCE)
        leaf = booster.predict(x[rows], pred_leaf=True, num_threads=1).reshape(-1, len(trees))
        found[:, rows] = worth[np.arange(len(trees)), leaf].cumsum(axis=1)[:, ends].T
    return dict(zip(sizes, found, strict=True))


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
        "tenure_hazard": Hazard,
    },
)
"""Every learner by its name; one of the last two, as churn is defined, is always trained beside the others."""

_OF_TREES = frozenset({"blend", "lightgbm"})
"""Those whose size is a number of trees."""


def sizes_for(learner: str, rows: int) -> tuple[int, ...]:
    """The sizes of a learner to choose between for a model of so many rows: with longer steps fewer trees go as far.

    >>> sizes_for("lightgbm", 50_000), sizes_for("lightgbm", 1_000_000)
    ((50, 100, 150, 200, 300), (50, 100, 150))
    """
    sizes = LEARNERS.get(learner).sizes
    most = max(sizes) // (step_of(rows) if learner in _OF_TREES else 1)
    return tuple(one for one in sizes if one <= most)


def largest_for(learners: Iterable[str], rows: int) -> int:
    """The size to train these learners at for a model of so many rows; what is larger is the same there."""
    return max(max(sizes_for(one, rows)) for one in learners)
