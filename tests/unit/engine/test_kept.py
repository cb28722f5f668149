"""Panels that are found instead of computed."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from retain.cache import Cache
from retain.engine import ENGINES, kept
from retain.engine.kept import Kept
from retain.engine.panel import Snapshots
from retain.events.store import Column, TableAccount
from retain.features.catalog import EVERY
from retain.features.spec import FeatureSet
from retain.timeline import DAY, instant

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    import pytest

    from retain.engine.panel import Panel
    from retain.events.store import EventStore

    Build = Callable[..., EventStore]

CUTOFFS = tuple(instant(f"2024-{month:02}-01") for month in (3, 4, 5))
NAMES = ("recency_days", "orders_30d", "order_value_mean", "days_since_ticket", "return_rate")


class Counting:
    """The kernel, with what it was asked for."""

    def __init__(self) -> None:
        self.asked: list[tuple[tuple[str, ...], int]] = []

    def __call__(self, store: EventStore, features: FeatureSet, snapshots: Snapshots) -> Panel:
        """The kernel's panel."""
        self.asked.append((features.names, len(snapshots)))
        return ENGINES.get("kernel")(store, features, snapshots)


def rows(build: Build, until: str = "2024-04-20", amount: int = 500) -> EventStore:
    """Two customers' orders and one's ticket, up to some day."""
    orders = [
        {
            "customer_id": who,
            "ordered_at": START + day * DAY,
            "amount": amount + day,
            "kind": "sale",
            "order_id": f"{who}{day}",
        }
        for who, step in (("b", 9), ("c", 14))
        for day in range(0, 200, step)
        if START + day * DAY < instant(until)
    ]
    tickets = [{"customer_id": "c", "ticket_id": "1", "opened_at": START + DAY}]
    return build(orders, others={"tickets": tickets})


START = instant("2024-01-01")


def features(*names: str) -> FeatureSet:
    return FeatureSet(tuple(EVERY.by_name[name] for name in names or NAMES))


def snapshots(cutoffs: Sequence[int] = CUTOFFS, customers: Sequence[int] = (0, 1)) -> Snapshots:
    return Snapshots(
        np.tile(np.array(customers, dtype=np.int64), len(cutoffs)),
        np.repeat(np.array(cutoffs, dtype=np.int64), len(customers)),
    )


def ask(
    folder: Path, store: EventStore, chosen: FeatureSet, some: Snapshots
) -> list[tuple[tuple[str, ...], int]]:
    """What had to be computed, after seeing that the panel is the kernel's."""
    counting = Counting()
    panel = Kept(counting, "kernel", Cache(folder))(store, chosen, some)
    cold = ENGINES.get("kernel")(store, chosen, some).values
    assert panel.values.tobytes() == cold.tobytes()
    assert panel.values.flags.writeable
    assert (panel.features, panel.snapshots) == (chosen, some)
    return counting.asked


def test_a_panel_asked_for_again_is_not_computed(orders_store: Build, tmp_path: Path) -> None:
    """The second time nothing is."""
    store = rows(orders_store)
    assert ask(tmp_path, store, features(), snapshots()) == [(NAMES, 6)]
    assert ask(tmp_path, store, features(), snapshots()) == []
    assert ask(tmp_path, store, features(*NAMES[::-1]), snapshots(CUTOFFS[1:])) == []


def test_one_new_feature_is_computed_alone(orders_store: Build, tmp_path: Path) -> None:
    """Those that were there stay, also those that this run did not ask for."""
    store = rows(orders_store)
    ask(tmp_path, store, features(), snapshots())
    changed = features("tenure_days", *NAMES[1:3])
    assert ask(tmp_path, store, changed, snapshots()) == [(("tenure_days",), 6)]
    assert ask(tmp_path, store, features(*NAMES, "tenure_days"), snapshots()) == []


def test_a_feature_that_is_defined_otherwise_is_computed_again(orders_store: Build, tmp_path: Path) -> None:
    """Even under the same name; what is only said otherwise is not."""
    store = rows(orders_store)
    ask(tmp_path, store, features("orders_30d"), snapshots())
    old, other = EVERY.by_name["orders_30d"], EVERY.by_name["orders_90d"]
    assert ask(tmp_path, store, FeatureSet((replace(old, why="Another reason."),)), snapshots()) == []
    changed = FeatureSet((replace(old, formula=other.formula),))
    assert ask(tmp_path, store, changed, snapshots()) == [(("orders_30d",), 6)]


def test_one_new_cutoff_is_computed_alone(orders_store: Build, tmp_path: Path) -> None:
    """The next night has new rows, too; they were not known at the earlier cutoffs."""
    ask(tmp_path, rows(orders_store, "2024-04-01"), features(), snapshots(CUTOFFS[:2]))
    assert ask(tmp_path, rows(orders_store, "2024-05-01"), features(), snapshots()) == [(NAMES, 2)]


def test_rows_that_differ_are_computed_again(orders_store: Build, tmp_path: Path) -> None:
    """But not the features of other tables."""
    ask(tmp_path, rows(orders_store), features(), snapshots())
    others = tuple(name for name in NAMES if name != "days_since_ticket")
    assert ask(tmp_path, rows(orders_store, amount=700), features(), snapshots()) == [(others, 6)]
    size = sum(one.stat().st_size for one in tmp_path.iterdir())
    ask(tmp_path, rows(orders_store), features(), snapshots())
    assert (
        sum(one.stat().st_size for one in tmp_path.iterdir()) == size
    )  # what was true of other rows is gone


def test_the_zone_the_currency_and_the_engine_matter(orders_store: Build, tmp_path: Path) -> None:
    """What another of them gave is not given."""
    store = rows(orders_store)
    ask(tmp_path, store, features(), snapshots())
    for other in (replace(store, zone="Asia/Tokyo"), replace(store, money_exponent=0)):
        assert ask(tmp_path, other, features(), snapshots()) == [(NAMES, 6)]
    counting = Counting()
    Kept(counting, "another", Cache(tmp_path))(store, features(), snapshots())
    assert counting.asked == [(NAMES, 6)]


def test_other_customers_are_another_panel(orders_store: Build, tmp_path: Path) -> None:
    """And customers count by their ids: one more before them moves nothing."""
    store = rows(orders_store)
    ask(tmp_path, store, features(), snapshots())
    assert ask(tmp_path, store, features(), snapshots(customers=(1,))) == [(NAMES, 3)]
    more = rows(lambda *given, **named: orders_store(*given, customers=["a"], **named))
    assert ask(tmp_path, more, features(), snapshots(customers=(1, 2))) == []


def test_rows_of_a_panel_may_be_in_any_order(orders_store: Build, tmp_path: Path) -> None:
    """Those of one cutoff need not stand together."""
    store, some = rows(orders_store), snapshots()
    order = np.array([4, 0, 2, 5, 1, 3])
    mixed = Snapshots(some.customer[order], some.cutoff[order])
    ask(tmp_path, store, features(*NAMES[:3]), mixed)
    assert ask(tmp_path, store, features(), mixed) == [(NAMES[3:], 6)]
    assert ask(tmp_path, store, features(), some) == []


def test_a_damaged_file_is_made_again(orders_store: Build, tmp_path: Path) -> None:
    """Alone, and so is one that holds what a panel cannot hold."""
    store = rows(orders_store)
    for each in CUTOFFS:
        ask(tmp_path, store, features(NAMES[0]), snapshots([each]))
    # The columns that were there stay beside the new ones, so every cutoff has its own file now.
    assert ask(tmp_path, store, features(), snapshots()) == [(NAMES[1:], 6)]
    first, second, *_ = sorted(one for one in tmp_path.iterdir() if _holds(one, {"features", "values"}))
    first.write_bytes(first.read_bytes()[:-100])
    assert ask(tmp_path, store, features(), snapshots()) == [(NAMES, 2)]
    Cache(tmp_path).keep(second.stem, {"features": np.array([b"x"]), "values": np.zeros((7, 1))})
    assert ask(tmp_path, store, features(), snapshots()) == [(NAMES, 2)]
    Cache(tmp_path).keep(second.stem, {"something": np.zeros(2)})
    assert ask(tmp_path, store, features(), snapshots()) == [(NAMES, 2)]
    assert ask(tmp_path, store, features(), snapshots()) == []


def _holds(path: Path, names: set[str]) -> bool:
    return set(Cache(path.parent).find(path.stem) or ()) == names


def test_a_panel_in_one_file(orders_store: Build, tmp_path: Path) -> None:
    """Asked for again it is the file itself; other cutoffs and columns find their part of it, and what is written into one stays there."""
    store = rows(orders_store)
    ask(tmp_path, store, features(), snapshots())
    (panel,) = (one for one in tmp_path.iterdir() if _holds(one, {"values"}))
    engine = Kept(Counting(), "kernel", Cache(tmp_path))
    engine(store, features(), snapshots()).values[:] = 7
    assert ask(tmp_path, store, features(), snapshots()) == []
    assert ask(tmp_path, store, features(*NAMES[1:]), snapshots(CUTOFFS[::-1])) == []
    later = rows(orders_store, until="2024-05-20")
    assert ask(tmp_path, later, features(), snapshots([*CUTOFFS[:2], instant("2024-06-01")])) == [(NAMES, 2)]
    panel.write_bytes(panel.read_bytes()[:-65] + b"x" * 65)
    assert ask(tmp_path, store, features(), snapshots()) == [(NAMES, 6)]
    panel.unlink()
    assert ask(tmp_path, store, features(NAMES[0]), snapshots()) == [((NAMES[0],), 6)]


def test_the_reader_s_fingerprint_spares_looking_at_every_row(orders_store: Build, tmp_path: Path) -> None:
    """Where there is one it stands for the rows; rows with another one are looked at."""
    store = rows(orders_store)

    def with_account(fingerprint: str) -> EventStore:
        account = TableAccount(1, 1, 0, {}, (), None, None, "csv", fingerprint)
        return replace(store, accounts={"orders": account})

    ask(tmp_path, with_account("x"), features("recency_days"), snapshots())
    files = len(list(tmp_path.iterdir()))
    assert ask(tmp_path, with_account("x"), features("recency_days"), snapshots()) == []
    assert len(list(tmp_path.iterdir())) == files
    assert ask(tmp_path, with_account("y"), features("recency_days"), snapshots()) == []
    assert len(list(tmp_path.iterdir())) == files + 1


def test_what_was_added_to_rows_counts_beside_their_fingerprint(orders_store: Build, tmp_path: Path) -> None:
    """Another text backend says something else of the very same rows."""
    texts = [{"customer_id": "b", "given_at": START, "text": "great, fast delivery"}]
    store = orders_store([{"customer_id": "b", "ordered_at": START}], others={"feedback": texts})
    account = TableAccount(1, 1, 0, {}, (), None, None, "csv", "x")
    feedback = store.tables["feedback"]
    other = {**feedback.columns, "sentiment": Column(np.array([-0.5]))}
    first, second = (
        replace(store, accounts={"feedback": account}, tables={**store.tables, "feedback": one})
        for one in (feedback, replace(feedback, columns=other))
    )
    name, some = "sentiment_mean_365d", snapshots(customers=(0,))
    assert ask(tmp_path, first, features(name), some) == [((name,), 3)]
    assert ask(tmp_path, second, features(name), some) == [((name,), 3)]
    assert ask(tmp_path, second, features(name), some) == []


def test_files_hold_no_ids(orders_store: Build, tmp_path: Path) -> None:
    """Nor anything else that was written in a table."""
    orders = [{"customer_id": "anna@example.org", "ordered_at": "2024-01-05", "order_id": "ORDER-77"}]
    ask(tmp_path, orders_store(orders), features("recency_days"), snapshots(customers=(0,)))
    content = b"".join(one.read_bytes() for one in tmp_path.iterdir())
    assert content
    assert b"anna" not in content
    assert b"ORDER" not in content


def test_a_panel_beyond_the_bound_is_not_kept(
    orders_store: Build, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And a smaller one pushes out what was used longest ago."""
    store = rows(orders_store)
    monkeypatch.setattr(kept, "MOST_BYTES", 6 * len(NAMES) * 8 - 1)
    assert ask(tmp_path, store, features(), snapshots()) == [(NAMES, 6)]
    assert not list(tmp_path.iterdir())
    ask(tmp_path, store, features(), snapshots(CUTOFFS[:1]))
    (panel,) = tmp_path.iterdir()  # the file that says where its rows are is older
    ask(tmp_path, store, features(), snapshots(CUTOFFS[1:2]))
    assert panel not in tmp_path.iterdir()


def test_nothing_is_kept_of_nothing(orders_store: Build, tmp_path: Path) -> None:
    """An empty panel is as good as found."""
    store = rows(orders_store)
    assert ask(tmp_path, store, FeatureSet(()), snapshots()) == [((), 6)]
    assert ask(tmp_path, store, features(), snapshots(customers=())) == [(NAMES, 0)]
    assert not list(tmp_path.iterdir())
