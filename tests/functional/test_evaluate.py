"""`retain evaluate` as its user meets it: parts of the customers, comparisons on the same customers, money, noise."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

START = np.datetime64("2022-01-01")
SETTINGS = (
    "[churn]\nactive_days = 60\nhorizon_days = 30\n"
    "[training]\nlearners = ['{}']\nvalidation_cutoffs = 2\n[evaluation]\nresamples = 50"
)
CUSTOMERS = 1500


def tables(random: np.random.Generator) -> tuple[str, str]:
    """Orders of customers with a pace of their own, of whom two in three stop; where they live and what they speak."""
    orders = ["customer_id,ordered_at,amount,order_id"]
    people = ["customer_id,country,language"]
    for who in range(CUSTOMERS):
        begins = random.uniform(0, 250)
        stops = begins + random.uniform(20, 300) if who % 3 else 500
        days = begins + np.cumsum(random.uniform(4, 30) * random.uniform(0.7, 1.3, 90))
        spent = random.lognormal(3, 1)
        orders += [
            f"c{who},{START + int(day)},{spent:.2f},o{who}-{at}"
            for at, day in enumerate(days)
            if day < min(stops, 400)
        ]
        country = "DE" if who % 2 else "FR" if who % 20 else ("AT", "CH")[who % 3 % 2]
        people.append(f"c{who},{country},{'fr' if country == 'FR' else 'de'}")
    return "\n".join(orders) + "\n", "\n".join(people) + "\n"


@pytest.fixture
def home(own: Callable[..., Any]) -> Any:
    """A shop of our own with a table of customers, and logistic regression as the only learner."""
    orders, people = tables(np.random.default_rng(5))
    made = own(
        orders, '[source.tables.customers]\npath = "customers.csv"', settings=SETTINGS.format("logistic")
    )
    (made.config.parent / "customers.csv").write_text(people)
    return made


def test_it_says_for_whom_the_model_is_good_and_what_it_is_worth(home: Any) -> None:
    """Every part with enough customers has its figures with intervals; so have lift and savings by value."""
    found = home.well("evaluate", "--cutoff", "2022-10-01")
    parts = {(one["kind"], one["name"]): one for one in found["segments"]}
    assert {kind for kind, _ in parts} == {"country", "language", "customer since", "expected value"}
    assert [name for kind, name in parts if kind == "country"] == ["DE", "FR"], "the others are too few"
    for one in parts.values():
        assert one["n"] >= 200
        assert 0 < one["churn_rate"] < 1
        for name in ("auroc", "observed_expected", "calibration_slope"):
            assert one[name]["low"] < one[name]["value"] < one[name]["high"]
    by_value = [one["n"] for (kind, _), one in parts.items() if kind == "expected value"]
    assert sum(by_value) <= found["n"]
    words = home("evaluate", "--cutoff", "2022-10-01").out
    assert "part of the customers" in words
    for name in ("mpc", "value_lift_at_10", "value_at_risk_lift_at_10", "savings"):
        ends = found["intervals"][name]
        assert ends["low"] <= found[name] <= ends["high"]
    assert found["mpc"] <= found["empc"]
    assert found["value_at_risk_gain"][-1]["captured"] == pytest.approx(1)
    assert f"it pays to contact {found['contacted_share']:.1%} of the customers" in words
    card = home("models", "show", "1", "--card").out
    assert "| country | DE |" in card


def test_few_customers_have_no_parts(shop: Any) -> None:
    """Where no part is large enough the words say so."""
    assert shop.well("evaluate", "--cutoff", "2024-09-15")["segments"] == []
    assert "No part of the customers is large enough" in shop("evaluate", "--cutoff", "2024-09-15").out


def test_the_model_is_compared_on_the_same_customers(home: Any) -> None:
    """With each baseline, and with the champion as it would have been then; the differences add up."""
    home.well("train")
    home.config.write_text(home.config.read_text().replace("['logistic']", "['lightgbm']"))
    found = home.well("evaluate", "--cutoff", "2022-10-01")
    assert set(found["comparisons"]) == set(found["baselines"]) == {"rfm_logistic", "bgnbd"}
    for name, one in found["comparisons"].items():
        assert one["auroc"] == pytest.approx(found["baselines"][name]["auroc"]["value"])
    champion = found["champion"]
    assert (champion["model"], champion["followed_again"]) == (1, True)
    for one in (*found["comparisons"].values(), champion):
        assert one["difference"]["value"] == pytest.approx(found["auroc"]["value"] - one["auroc"])
        assert one["difference"]["low"] <= one["difference"]["value"] <= one["difference"]["high"]
        assert 0 <= one["p_value"] <= 1
        assert (one["p_value"] < 0.05) == (one["difference"]["low"] > 0 or one["difference"]["high"] < 0)
    words = home("evaluate", "--cutoff", "2022-10-01").out
    assert "champion (1)" in words
    assert "followed again on what was known then, is what it was compared with." in words


def test_a_champion_of_the_same_recipe_is_no_opponent(home: Any) -> None:
    """Followed again it gives the very model that is evaluated, and nothing pretends that this is a comparison."""
    home.well("train")
    found = home.well("evaluate", "--cutoff", "2022-10-01")
    assert found["champion"]["same_recipe"] is True
    assert found["champion"]["difference"] == {"value": 0.0, "low": 0.0, "high": 0.0}
    words = home("evaluate", "--cutoff", "2022-10-01").out
    assert "gives this very model." in words
    assert "champion (" not in words


def test_a_champion_that_knew_no_more_speaks_for_itself(home: Any) -> None:
    """A model trained later is compared with the champion's own predictions, and the champion with nobody."""
    home.well("train", "--until", "2022-09-01")
    home.config.write_text(home.config.read_text().replace("['logistic']", "['lightgbm']"))
    home.well("train", "--until", "2022-10-01")
    home.well("models", "promote", "1", "--force")
    found = home.well("evaluate", "--cutoff", "2022-10-01", "--model", "2")
    assert (found["champion"]["model"], found["champion"]["followed_again"]) == (1, False)
    alone = home.well("evaluate", "--cutoff", "2022-10-01", "--model", "1")
    assert alone["champion"] is None
    assert alone["auroc"]["value"] == pytest.approx(found["champion"]["auroc"])


def test_without_amounts_nothing_is_said_by_value(own: Callable[..., Any]) -> None:
    """The figures are null, and the words say why."""
    orders, _ = without_amounts()
    plain = own(orders, settings=SETTINGS.format("logistic"))
    found = plain.well("evaluate", "--cutoff", "2022-10-01")
    assert found["value_lift_at_10"] is None
    assert found["savings"] is None
    assert found["contacted_share"] is None
    assert {one["kind"] for one in found["segments"]} == {"customer since"}
    assert "Without amounts in the orders" in plain("evaluate", "--cutoff", "2022-10-01").out


def without_amounts() -> tuple[str, str]:
    orders, people = tables(np.random.default_rng(5))
    return "\n".join(
        ",".join((row.split(",")[0], row.split(",")[1], row.split(",")[3])) for row in orders.splitlines()
    ), people
