"""Data from which little or nothing can be learned: a clear message, or figures that do not pretend."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

START = np.datetime64("2022-01-01")
FAST = (
    "[churn]\nactive_days = 60\nhorizon_days = 30\n[training]\nlearners = ['logistic']\nvalidation_cutoffs = 2\n"
    "[evaluation]\nresamples = 20\n"
)
Row = tuple[str, str, str]


def orders(
    customers: int, stop: Callable[[np.random.Generator, int], float], until: int = 420, seed: int = 13
) -> list[Row]:
    """Orders every four to sixteen days until each customer stops: customer, day, order."""
    random = np.random.default_rng(seed)
    rows: list[Row] = []
    for who in range(customers):
        end = min(stop(random, who), until)
        days = np.cumsum(random.uniform(4, 16, 100))
        rows += [
            (f"c{who}", str(START + int(day)), f"o{who}-{at}") for at, day in enumerate(days[days < end])
        ]
    return rows


def some_leave(random: np.random.Generator, who: int) -> float:
    """Two in three stop at some time."""
    return float(random.uniform(60, 420)) if who % 3 else 500.0


def csv(rows: list[Row], amount: Callable[[int], str] = lambda at: f"{5 + at % 9}.50") -> str:
    lines = [",".join((*row, amount(at))) for at, row in enumerate(rows)]
    return "\n".join(["customer_id,ordered_at,order_id,amount", *lines]) + "\n"


@pytest.mark.parametrize(("fate", "rate"), [("All", 1.0), ("None", 0.0)])
def test_a_cutoff_with_one_outcome_only_has_no_order(
    own: Callable[..., Any], tmp_path: Path, fate: str, rate: float
) -> None:
    """Where all or none churned, evaluate, its page and backtest go on, and what does not exist is null."""
    if rate:
        rows = orders(150, lambda random, who: min(some_leave(random, who), 330))
        rows.append(("late", str(START + 420), "late"))
        cutoff = "2022-12-05"
    else:
        rows = orders(150, lambda random, who: float(random.uniform(60, 250)) if who % 3 else 500.0)
        cutoff = "2023-01-20"
    home = own(csv(rows), settings=FAST)
    home.well("train", "--until", "2022-10-20")
    page = tmp_path / "page.html"
    ran = home("evaluate", "--cutoff", cutoff, "--model", "1", "--report", page)
    assert ran.code == 0, ran.err
    assert f"{fate} of them churned, so nothing can be said of the order" in ran.out
    assert "nan" not in ran.out
    assert "</html>" in page.read_text(encoding="utf-8")
    found = home.well("evaluate", "--cutoff", cutoff, "--model", "1")
    assert found["churn_rate"] == rate
    assert found["auroc"] == {"value": None, "low": None, "high": None}
    assert found["comparisons"]["rfm_logistic"]["p_value"] is None
    assert found["segments"] == []
    if rate:
        # In backtest the round trains on what was known then, which here holds both outcomes.
        again = home("backtest", "--cutoffs", cutoff)
        assert again.code == 0, again.err
        assert "nan" not in again.out
        assert home.well("backtest", "--cutoffs", cutoff)["mean_ahead_of_best_baseline"] is None


def test_a_validation_window_without_a_churner_is_left_out(own: Callable[..., Any]) -> None:
    """The others validate; where none is left the run ends with 7 and says what is needed."""

    def stop(random: np.random.Generator, who: int) -> float:
        calm = 500.0
        return float(random.uniform(60, 300)) if who % 3 == 1 else calm

    home = own(
        csv(orders(200, stop)), settings=FAST.replace("validation_cutoffs = 2", "validation_cutoffs = 4")
    )
    found = home.well("train")
    assert 1 <= len(found["validation_cutoffs"]) < 4
    assert all(one < "2022-12-20" for one in found["validation_cutoffs"])
    home.config.write_text(
        home.config.read_text().replace("validation_cutoffs = 4", "validation_cutoffs = 1")
    )
    ran = home("train")
    assert (ran.code, ran.out) == (7, "")
    assert "No validation cutoff has 5 churners and 5 others, in itself and before it (20" in ran.err


@pytest.mark.parametrize("amount", ["", "7.00"])
def test_columns_that_never_vary_harm_nothing(own: Callable[..., Any], amount: str) -> None:
    """An amount that is always missing, or always the same: probabilities are finite, and no value is made up."""
    home = own(csv(orders(150, some_leave), lambda _: amount), settings=FAST)
    home.well("train")
    scores = parquet.read_table(home.well("score", "--model", "1")["scores"]).to_pandas()
    chances = scores.loc[scores.status == "scored", "churn_probability"]
    assert chances.between(0, 1).all()
    assert chances.nunique() > 10
    found = home.well("evaluate", "--cutoff", "2023-01-20")
    assert found["auroc"]["value"] > 0.6
    assert (found["value_lift_at_10"] is None) == (amount == "")
    assert (found["savings"] is None) == (amount == "")
    said = "Without amounts in the orders" in home("evaluate", "--cutoff", "2023-01-20").out
    assert said == (amount == "")


def test_infinite_values_are_put_aside(own: Callable[..., Any]) -> None:
    """Infinity in a Parquet column is a bad row with its reason, and nothing infinite reaches a model."""
    rows = orders(150, some_leave)
    amounts = [
        float("inf") if at % 40 == 0 else -float("inf") if at % 97 == 0 else 5.0 for at in range(len(rows))
    ]
    customer, day, order = zip(*rows, strict=True)
    buffer = io.BytesIO()
    table = {
        "customer_id": customer,
        "ordered_at": np.array(day, "datetime64[us]"),
        "order_id": order,
        "amount": amounts,
    }
    parquet.write_table(pa.table(table), buffer)
    home = own(buffer.getvalue(), name="orders.parquet", settings=FAST)
    found = home.well("validate")["tables"]["orders"]
    infinite = sum(not np.isfinite(one) for one in amounts)
    assert found["rows_bad"] == infinite
    assert list(found["reasons"].values()) == [infinite]
    home.well("train")
    scores = parquet.read_table(home.well("score", "--model", "1")["scores"]).to_pandas()
    assert np.isfinite(scores.loc[scores.status == "scored", ["churn_probability", "expected_value"]]).all(
        axis=None
    )


def test_thirty_customers_are_enough_for_figures_and_not_for_a_champion(
    own: Callable[..., Any], tmp_path: Path
) -> None:
    """Everything runs, the intervals are wide, and the gate says no; fewer leavers still end with 7."""
    random = np.random.default_rng(6)
    rows = [
        (f"c{who}", str(START + int(day)), f"o{who}-{at}")
        for who in range(30)
        for at, day in enumerate(np.cumsum(random.exponential(30, 40)))
        if day < 420
    ]
    home = own(csv(rows), settings=FAST)
    made = home.well("train")
    assert made["promotion"]["champion"] is False
    found = home.well("evaluate", "--cutoff", "2023-01-20", "--report", tmp_path / "page.html")
    assert found["n"] <= 30
    assert found["auroc"]["high"] - found["auroc"]["low"] > 0.2
    assert home.well("score", "--model", "1")["statuses"]["scored"] <= 30
    calm = own(csv(orders(30, some_leave)), settings=FAST)
    ran = calm("train")
    assert (ran.code, "5 churners and 5 others" in ran.err) == (7, True)


def test_a_purge_that_leaves_nothing_ends_the_run(own: Callable[..., Any]) -> None:
    """With a label window of half of the data, train says what the purge took and evaluate and backtest what they lack."""
    settings = "[churn]\nactive_days = 60\nhorizon_days = 200\n[training]\nstep_days = 10\n"
    home = own(csv(orders(60, some_leave)), settings=settings)
    ran = home("train")
    assert (ran.code, ran.out) == (7, "")
    assert "After the purge nothing is left to train on" in ran.err
    assert "400 days for two label windows" in ran.err
    for verb in (("evaluate", "--cutoff", "2022-08-01"), ("backtest",)):
        refused = home(*verb)
        assert (refused.code, refused.out) == (6, "")
        assert "No label window has closed by" in refused.err


def test_noise_is_called_noise(own: Callable[..., Any], tmp_path: Path) -> None:
    """Nothing tells who comes back: the interval of AUROC holds one half, no champion, and words and page say so."""
    random = np.random.default_rng(21)
    rows = [
        (f"c{who}", str(START + int(day)), f"o{who}-{at}")
        for who in range(300)
        for at, day in enumerate(np.cumsum(random.exponential(35, 40)))
        if day < 420
    ]
    home = own(csv(rows), settings=FAST)
    assert home.well("train")["promotion"]["champion"] is False
    page = tmp_path / "noise.html"
    ran = home("evaluate", "--cutoff", "2023-01-20", "--report", page)
    assert ran.code == 0, ran.err
    assert "the interval holds one half: its order may be nothing but chance." in ran.out
    found = home.well("evaluate", "--cutoff", "2023-01-20")
    assert found["auroc"]["low"] <= 0.5 <= found["auroc"]["high"]
    assert found["champion"] is None
    text = page.read_text(encoding="utf-8")
    assert "Do not act on this yet." in text
    assert "nobody should be contacted because of it" in text
    assert home("score").code == 10
