"""Parameters of greatest likelihood, searched for from several starts."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

import numpy as np
from scipy.optimize import minimize

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy.typing as npt

    FloatArray = npt.NDArray[np.float64]

Data = TypeVar("Data")

BOUND = 12.0
"""Parameters stay within exp(-12) and exp(12): beyond, they only say that the data know no better."""


def most_likely(
    cost: Callable[[FloatArray, Data], tuple[float, FloatArray]],
    data: Data,
    starts: Sequence[Sequence[float]],
    *,
    gradient: float,
    change: float = 1e-13,
) -> tuple[float, ...]:
    """The positive parameters under which the data are most probable.

    Args:
        cost: the negative log-likelihood and its slopes in the logarithms of the parameters.
        data: what it is of.
        starts: where the search begins: different enough not to end in one poor hollow.
        gradient: the search ends where no slope is steeper,
        change: or where a step gains no more than this share.

    >>> most_likely(lambda at, x: (float((at[0] - x) ** 2), 2 * (at - x)), 0.0, [(3.0,)], gradient=1e-9)
    (1.0,)
    """
    found = [
        minimize(
            cost,
            np.log(start),
            args=(data,),
            jac=True,
            method="L-BFGS-B",
            bounds=[(-BOUND, BOUND)] * len(start),
            options={"ftol": change, "gtol": gradient, "maxiter": 1000},
        )
        for start in starts
    ]
    best = min(found, key=lambda one: float(one.fun))
    return tuple(float(value) for value in np.exp(best.x))
