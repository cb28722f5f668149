"""Reasons and hints on the command line: in the language asked for, in the customer's own, and in what is exported."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest
from pyarrow import csv, parquet

from retain.scoring.languages import LANGUAGES, language

if TYPE_CHECKING:
    from pathlib import Path

REASONS = ("reason_1", "reason_2", "reason_3")


def said(scores: pa.Table) -> dict[str, list[str]]:
    """The reasons of each customer who has any."""
    return {
        one["customer_id"]: [one[name] for name in REASONS if one[name]]
        for one in scores.to_pylist()
        if one["status"] == "scored"
    }


def tongue(sentence: str) -> str:
    """The language that begins a reason so."""
    return next(
        code
        for code in LANGUAGES
        if any(sentence.startswith(language(code).said[way].split("{")[0]) for way in ("up", "down"))
    )


@pytest.fixture(scope="module")
def scored(shop: Any, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A function from a setting to the folder and run of the shop's scores with reasons in it."""

    def run(setting: str) -> tuple[Path, Any]:
        folder = tmp_path_factory.mktemp(setting) / "scores"
        return folder, shop.well("score", "--language", setting, "--out", folder)

    return run


def test_every_customer_s_reasons_are_in_their_own_language(shop: Any, scored: Any) -> None:
    """With `customer`; the shop's customers speak all six."""
    folder, _ = scored("customer")
    people = pa.concat_tables(
        parquet.read_table(one, columns=["customer_id", "language"])
        for one in sorted((shop.workspace / "data" / "shop" / "customers").glob("*.parquet"))
    ).to_pylist()
    speaks = {one["customer_id"]: one["language"] for one in people}
    found = said(parquet.read_table(folder / "scores.parquet"))
    for customer, reasons in found.items():
        assert {tongue(one) for one in reasons} == {speaks[customer] or "en"}
    assert {speaks[customer] for customer in found} >= set(LANGUAGES)


def test_a_language_changes_words_and_the_run_s_id_only(scored: Any, tmp_path: Path, shop: Any) -> None:
    """The same customers have as many reasons for the same scores, and the export holds the words that were scored."""
    english, first = scored("en")
    ukrainian, second = scored("uk")
    one, other = (parquet.read_table(folder / "scores.parquet") for folder in (english, ukrainian))
    assert first["run_id"] != second["run_id"]
    assert not any("hint" in name for name in one.column_names), "a hint is for whoever looks at one customer"
    words = [*REASONS, "action_why", "run_id"]
    assert one.drop_columns(words).equals(other.drop_columns(words))
    why = [each for each in other["action_why"].to_pylist() if each]
    assert why
    assert all("ризик" in each for each in why)
    assert {name: len(few) for name, few in said(one).items()} == {
        name: len(few) for name, few in said(other).items()
    }
    assert {tongue(each) for few in said(other).values() for each in few} == {"uk"}
    shop.well("export", "--to", "csv", "--scores", ukrainian, "--out", tmp_path / "crm")
    assert csv.read_csv(tmp_path / "crm" / "scores.csv")["reason_1"].to_pylist() == [
        each or "" for each in other["reason_1"].to_pylist()
    ]


def test_the_configuration_decides_where_nothing_is_said(shop: Any, tmp_path: Path) -> None:
    """`[reasons] language` is what `--language` overrides."""
    config = tmp_path / "shop.toml"
    text = shop.config.read_text(encoding="utf-8")
    config.write_text(f'{text}\n[reasons]\nlanguage = "bg"\n', encoding="utf-8")
    who = next(
        iter(said(parquet.read_table(next((shop.workspace / "shop" / "scores").glob("*/scores.parquet")))))
    )
    found = shop.well("explain", who, "--config", config)["reasons"]
    assert {tongue(one) for one in found} == {"bg"}
    found = shop.well("explain", who, "--config", config, "--language", "kk")["reasons"]
    assert {tongue(one) for one in found} == {"kk"}


@pytest.mark.parametrize("words", [("score",), ("explain", "C0000001")])
def test_a_language_without_words_is_refused(shop: Any, words: tuple[str, ...]) -> None:
    """Before anything is read, with those there are."""
    ran = shop(*words, "--language", "fr")
    assert ran.code == 2
    assert "Reasons are not told in 'fr'. Choose one of: bg, customer, en, kk, ru, uk, zh-Hant." in ran.err


@pytest.fixture(scope="module")
def hinted(shop: Any) -> Any:
    """The explanation of the first customer with a late delivery or the like to be mended."""
    folder = next((shop.workspace / "shop" / "scores").iterdir())
    who = said(parquet.read_table(folder / "scores.parquet"))
    return next(found for one in who if (found := shop.well("explain", one))["hints"])


def test_explain_shows_what_could_have_been_done_better(hinted: Any) -> None:
    """A lower probability by the model itself, the features that change, a sentence, and what it does not prove."""
    assert hinted["hints_caveat"] == language("en").said["caveat"]
    for hint in hinted["hints"]:
        assert hint["churn_probability"] < hinted["churn_probability"]
        assert set(hint["features"]) <= {one["feature"] for one in hinted["drivers"]}
        assert re.search(r"the risk would be \d+% instead of \d+%\.$", hint["sentence"])


def test_explain_says_hints_and_caveat_to_people(shop: Any, hinted: Any) -> None:
    """Below the reasons, in the language asked for."""
    ran = shop("explain", hinted["customer_id"], "--language", "zh-Hant")
    assert ran.code == 0
    assert language("zh-Hant").levers[hinted["hints"][0]["lever"]] in ran.out
    assert language("zh-Hant").said["caveat"] in ran.out
