"""One generated shop for all tests of this folder; nobody writes into it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import duckdb
import pytest

from retain.examples.shop import ShopManifest, write

if TYPE_CHECKING:
    from collections.abc import Callable

    Ask = Callable[[str], list[tuple[Any, ...]]]


@pytest.fixture(scope="session")
def shop(tmp_path_factory: pytest.TempPathFactory) -> ShopManifest:
    """A shop of one full block."""
    return write(tmp_path_factory.mktemp("examples") / "shop", customers=10_000)


@pytest.fixture(scope="session")
def ask(shop: ShopManifest) -> Ask:
    """Answers SQL in which the shop's tables go by their names, and the truth's as truth_churn, truth_effects."""
    con = duckdb.connect()
    con.execute("set timezone = 'UTC'")
    for name, path in shop.paths.items():
        con.execute(f"create view {name.replace('/', '_')} as select * from '{path}/*.parquet'")
    return lambda query: con.execute(query).fetchall()
