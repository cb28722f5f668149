"""The limit on threads of linear algebra."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
import scipy.linalg  # noqa: F401  # it brings a library of its own
from threadpoolctl import threadpool_info, threadpool_limits

from retain.modelling.one_thread import one_thread


def threads() -> set[int]:
    """How many each library for linear algebra may use."""
    return {one["num_threads"] for one in threadpool_info() if one["user_api"] == "blas"}


def test_within_it_there_is_one_and_afterwards_as_many_as_before() -> None:
    """Also inside another, in threads that are started there, and after a failure."""
    with threadpool_limits(2, user_api="blas"):
        with one_thread():
            with one_thread():
                assert threads() == {1}
            with ThreadPoolExecutor(2) as pool:
                assert {frozenset(one.result()) for one in [pool.submit(threads) for _ in range(4)]} == {
                    frozenset({1})
                }
        assert threads() == {2}
        with pytest.raises(ValueError, match="no"), one_thread():
            raise ValueError("no")
        assert threads() == {2}
