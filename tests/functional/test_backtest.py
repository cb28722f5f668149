"""The whole procedure at past cutoffs."""

from __future__ import annotations

import json
from typing import Any

import pytest

from retain.pipeline import backtest
from retain.pipeline.assess import assess

CUTOFFS = "2024-06-01,2024-09-01"


@pytest.fixture(scope="module")
def found(shop: Any) -> Any:
    """Two rounds of the small shop."""
    return shop.well("backtest", "--cutoffs", CUTOFFS)


def test_each_round_is_what_evaluate_says_of_a_model_of_its_day(shop: Any, found: Any) -> None:
    """The shop's first model was trained until the second cutoff; the round of that day measures the same one."""
    alone = shop.well("evaluate", "--cutoff", "2024-09-01")
    last = found["rounds"][-1]
    assert last["cutoff"] == "2024-09-01"
    assert last["measures"]["auroc"] == alone["auroc"]
    assert last["measures"]["ece"] == alone["ece"]
    assert {name: one["auroc"] for name, one in last["baselines"].items()} == {
        name: one["auroc"] for name, one in alone["baselines"].items()
    }


def test_the_summary_is_the_mean_of_the_rounds(found: Any) -> None:
    """Of every metric that is summed up, and of the distance to the best baseline."""
    rounds = found["rounds"]
    assert [one["cutoff"] for one in rounds] == CUTOFFS.split(",")
    aurocs = [one["measures"]["auroc"]["value"] for one in rounds]
    assert found["mean"]["auroc"] == pytest.approx(sum(aurocs) / 2)
    best = [max(each["auroc"]["value"] for each in one["baselines"].values()) for one in rounds]
    ahead = [own - other for own, other in zip(aurocs, best, strict=True)]
    assert found["mean_ahead_of_best_baseline"] == pytest.approx(sum(ahead) / 2)


def test_no_model_of_a_backtest_is_registered(shop: Any, found: Any) -> None:
    """Models of the past are not for scoring."""
    assert found["rounds"]
    assert len(shop.well("models", "list")["models"]) == 2


def test_a_stopped_backtest_goes_on_where_it_was(
    shop: Any, found: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rounds that are whole are kept; only the one that was not is computed."""
    asked: list[int] = []

    def counted(project: Any, cutoff: int, *rest: Any) -> Any:
        asked.append(cutoff)
        return assess(project, cutoff, *rest)

    monkeypatch.setattr(backtest, "assess", counted)
    kept = sorted((shop.workspace / "shop" / "backtest").glob("2024-06-01-*.json"))
    kept[0].unlink()
    again = shop.well("backtest", "--cutoffs", CUTOFFS)
    assert len(asked) == 1
    assert [one["kept"] for one in again["rounds"]] == [False, True]
    same = [{**one, "kept": None} for one in again["rounds"]]
    assert json.dumps(same) == json.dumps([{**one, "kept": None} for one in found["rounds"]])


def test_without_cutoffs_it_steps_back_from_the_last_known_outcome(shop: Any) -> None:
    """As many as asked for, and in words on request."""
    ran = shop("backtest", "--most", "1", "--quiet")
    assert ran.code == 0
    assert ran.err == ""
    assert "2024-10-02" in ran.out
    assert "behind the best baseline at" in ran.out


@pytest.mark.parametrize(
    ("cutoffs", "words"),
    [
        ("2025-06-01", "The data end on 2024-12-31"),
        ("2024-12-01", "closes on 2025-03-01"),
        ("2023-02-01", "No label window has closed"),
        ("soon", "is no date"),
    ],
)
def test_a_cutoff_that_cannot_be_tested_is_refused(shop: Any, cutoffs: str, words: str) -> None:
    """Before anything is trained."""
    ran = shop("backtest", "--cutoffs", cutoffs)
    assert ran.code in (2, 6)
    assert words in ran.err
    assert ran.out == ""


def test_a_history_too_short_for_any_round_says_so(own: Any) -> None:
    """A quarter of orders tests nothing."""
    text = "customer_id,ordered_at,amount\n" + "".join(
        f"c{who},2024-0{month}-0{1 + who % 9},5\n" for who in range(40) for month in (1, 2, 3)
    )
    ran = own(text)("backtest")
    assert ran.code == 6
    assert "No cutoff can be tested" in ran.err
