"""The configuration that init writes: every guess in it reads back as what was guessed."""

from __future__ import annotations

import tomllib
from typing import TYPE_CHECKING

import pytest

from retain.config import load_config
from retain.errors import OutputError
from retain.pipeline.init import run_init

if TYPE_CHECKING:
    from pathlib import Path


def test_guesses_are_read_back_as_they_were_made(tmp_path: Path) -> None:
    """Mapped columns and values are in the file, whatever letters, quotes or blanks they have."""
    (tmp_path / 'a "b" ц').mkdir()
    orders = tmp_path / 'a "b" ц' / "orders.csv"
    orders.write_text(
        "Customer ID,Invoice Date,Amount,Type\n7,2022-01-05,5.00,order\n7,2022-01-06,-5.00,refund\n",
        encoding="utf-8",
    )
    made = run_init(orders.parent, tmp_path / "made.toml")
    guessed = made.found.tables["orders"]
    config = load_config(tmp_path / "made.toml", tmp_path)
    read = config.source.tables["orders"]
    assert dict(read.columns) == dict(guessed.columns)
    assert {name: dict(one) for name, one in read.values.items()} == {
        name: dict(one) for name, one in guessed.values.items()
    }
    assert (config.source.base / read.path).samefile(orders)
    assert config.churn.active_days == 180


def test_columns_with_our_names_need_no_mapping(tmp_path: Path) -> None:
    """A table that speaks our language is listed with its path only, and the words say so."""
    (tmp_path / "orders.csv").write_text("customer_id,ordered_at\n7,2022-01-05\n")
    made = run_init(tmp_path / "orders.csv", tmp_path / "made.toml")
    written = tomllib.loads((tmp_path / "made.toml").read_text(encoding="utf-8"))
    assert written["source"]["tables"] == {"orders": {"path": "orders.csv"}}
    assert "orders.csv looks like the table orders: columns have our names" in made.words()


def test_configuration_that_exists_is_never_overwritten(tmp_path: Path) -> None:
    """A second init to the same file is refused and changes nothing."""
    (tmp_path / "orders.csv").write_text("customer_id,ordered_at\n7,2022-01-05\n")
    run_init(tmp_path, tmp_path / "made.toml")
    before = (tmp_path / "made.toml").read_bytes()
    with pytest.raises(OutputError, match="overwrites nothing"):
        run_init(tmp_path, tmp_path / "made.toml")
    assert (tmp_path / "made.toml").read_bytes() == before


LABELLED = "Customer No;Plan;Monthly Charges;Signed up;E-Mail;country;consent_email;Churned\n" + "".join(
    f"{at};{'AB'[at % 2]};{at}.5;2020-01-{1 + at:02};x{at}@example.org;BG;yes;{'left' if at % 3 else 'stayed'}\n"
    for at in range(20)
)


def test_labels_without_orders_are_the_definition(tmp_path: Path) -> None:
    """Columns are admitted by what they hold, but for names, consents and what is different for each customer."""
    (tmp_path / "clients.csv").write_text(LABELLED.replace("Customer No", "client_no"))
    made = run_init(tmp_path / "clients.csv", tmp_path / "made.toml")
    config = load_config(tmp_path / "made.toml", tmp_path)
    customers = config.source.tables["customers"]
    assert config.churn.given
    assert dict(customers.static) == {
        "Plan": "category",
        "Monthly Charges": "number",
        "Signed up": "date",
        "country": "auto",
    }
    assert dict(customers.values["label"]) == {"left": "yes", "stayed": "no"}
    assert config.value.monthly == "Monthly Charges"
    assert made.as_dict()["definition"] == "given"
    words = made.words()
    assert any("There are no orders but labels" in one for one in words)
    assert not any("not used" in one for one in words)


def test_attributes_of_dated_customers_are_proposed_only(tmp_path: Path) -> None:
    """As remarks, for they may know the outcome."""
    (tmp_path / "clients.csv").write_text(LABELLED.replace("Customer No", "client_no"))
    (tmp_path / "orders.csv").write_text("customer_id,ordered_at\n7,2022-01-05\n")
    made = run_init(tmp_path, tmp_path / "made.toml")
    config = load_config(tmp_path / "made.toml", tmp_path)
    assert not config.churn.given
    assert not config.source.tables["customers"].static
    assert '# Plan = "category"' in (tmp_path / "made.toml").read_text(encoding="utf-8")
    assert made.as_dict()["definition"] == "inactivity"


def test_without_a_monthly_column_the_value_is_left_open(tmp_path: Path) -> None:
    """Nothing is claimed."""
    (tmp_path / "clients.csv").write_text("client_id,churn\na,yes\nb,no\n")
    run_init(tmp_path, tmp_path / "made.toml")
    config = load_config(tmp_path / "made.toml", tmp_path)
    assert config.churn.given
    assert (config.value.monthly, config.value.fixed) == ("", 0)


def test_contracts_without_orders_make_churn_the_end_of_contracts(tmp_path: Path) -> None:
    """With orders beside them it is inactivity, until somebody says otherwise."""
    (tmp_path / "contracts.csv").write_text(
        "customer_id,started_at,ended_at,plan,monthly_price\n7,2022-01-05,,basic,9.00\n"
    )
    made = run_init(tmp_path, tmp_path / "made.toml")
    assert load_config(tmp_path / "made.toml", tmp_path).churn.definition == "contract"
    assert "There are contracts and no orders, so churn is the end of contracts." in made.words()
    (tmp_path / "orders.csv").write_text("customer_id,ordered_at\n7,2022-01-05\n")
    run_init(tmp_path, tmp_path / "both.toml")
    assert load_config(tmp_path / "both.toml", tmp_path).churn.definition == "inactivity"
