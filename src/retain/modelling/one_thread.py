"""Linear algebra by one thread: more of them sum in another order, to other last digits."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def one_thread() -> Iterator[None]:
    """Within it each product of matrices is computed by one thread, whatever the machine and the environment say.

    That holds for threads that are started inside, too. Those must not ask for it themselves: the limit is the process's, and
    the first of them that is done would take it from the others.
    """
    # A library that is loaded later would not know of the limit.
    import scipy.linalg  # noqa: F401, PLC0415  # slow to load
    from threadpoolctl import threadpool_limits  # noqa: PLC0415  # likewise

    with threadpool_limits(1, user_api="blas"):
        yield
