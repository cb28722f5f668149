from __future__ import annotations

from retain.engine.reads import columns_read
from retain.features.catalog import EVERY, FAMILIES
from retain.features.spec import Attribute, Feature, FeatureSet, Holds


def read(*names: str) -> dict[str, set[str]]:
    return columns_read(FeatureSet(tuple(EVERY.by_name[one] for one in names)))


def test_a_feature_reads_its_table_and_what_makes_an_order() -> None:
    """Lines are joined to orders by their ids, and returns are told from sales."""
    assert read("recency_days") == {"orders": {"order_id", "kind"}}


def test_tables_are_read_once_for_all_features() -> None:
    """With the columns of each."""
    found = read("tickets_90d", "recency_days")
    assert set(found) == {"orders", "tickets"}
    assert found["tickets"] == set()


def test_an_attribute_is_a_column_of_customers() -> None:
    """By its own name."""
    plan = Feature("static_plan", Attribute("plan", Holds.NUMBER), "plan", "Why.", "plan is {static_plan}")
    assert columns_read(FeatureSet((plan,))) == {"customers": {"plan"}}


def test_families_without_orders_do_not_read_them() -> None:
    """Messages alone tell of engagement."""
    assert set(columns_read(FeatureSet(FAMILIES["engagement"]))) == {"messages"}
