"""From challenger to champion: who passes, who does not, what is said, and what a leak does to a run."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from retain.config import load_config
from retain.modelling import bundle
from retain.pipeline.project import Project
from retain.pipeline.promote import put_to_gate
from retain.pipeline.train import run_training

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

START = np.datetime64("2022-01-01")
FAST = "[churn]\nactive_days = 60\nhorizon_days = 30\n[training]\nlearners = ['logistic']\nvalidation_cutoffs = 3"


def table(head: str, rows: list[tuple[object, ...]]) -> str:
    return "\n".join([head, *(",".join(map(str, one)) for one in rows)]) + "\n"


@pytest.fixture(scope="module")
def noise() -> str:
    """Orders of 200 customers who all buy at one constant rate, so that nothing tells who comes back."""
    random = np.random.default_rng(12)
    rows: list[tuple[object, ...]] = []
    for who in range(200):
        days = np.cumsum(random.exponential(35, 40))
        rows += [(f"c{who}", START + int(day), f"o{who}-{at}") for at, day in enumerate(days) if day < 420]
    return table("customer_id,ordered_at,order_id", rows)


@pytest.fixture(scope="module")
def leavers() -> tuple[str, str]:
    """Orders of customers of whom two in three stop for good, and cancellations dated back to the last order."""
    random = np.random.default_rng(13)
    orders: list[tuple[object, ...]] = []
    tickets: list[tuple[object, ...]] = []
    for who in range(240):
        stops = random.uniform(60, 420) if who % 3 else 500
        days = np.cumsum(random.uniform(4, 16, 80))
        days = days[days < min(stops, 420)]
        orders += [(f"c{who}", START + int(day), f"o{who}-{at}") for at, day in enumerate(days)]
        if stops < 420 and len(days):
            tickets.append((f"t{who}", f"c{who}", f"{START + int(days[-1])}T23:00"))
    return table("customer_id,ordered_at,order_id", orders), table("ticket_id,customer_id,opened_at", tickets)


@pytest.fixture
def tossed(own: Callable[..., Any], noise: str) -> Any:
    """A workspace whose only model was trained on noise."""
    home = own(noise, settings=FAST)
    made = home("train")
    assert made.code == 0, made.err
    assert "It did not pass the gate, so it is not the champion." in made.out
    assert "nothing but chance" in made.out
    return home


def test_noise_gives_no_champion_and_everyone_says_why(tossed: Any) -> None:
    """Training, list, show, score, explain and promote name what is held against the model, and what to do."""
    made = tossed.well("train")
    assert made["promotion"]["champion"] is False
    assert made["promotion"]["passed"] is False
    assert any("does not exclude .5" in one for one in made["promotion"]["reasons"])
    assert made["aliases"] == ["challenger"]
    listed = tossed.well("models", "list")["models"]
    assert [one["promotion"] for one in listed] == [made["promotion"]]
    assert "refused" in tossed("models", "list").out
    assert "failed  Mean AUROC" in tossed("models", "show", "challenger").out
    for verb in (("score",), ("explain", "c1"), ("models", "show")):
        ran = tossed(*verb)
        assert ran.code == 10, verb
        assert "There is no champion: the challenger, model 1" in ran.err
        assert "does not exclude .5" in ran.err
        assert "--model 1" in ran.err
        assert "`retain models promote 1 --force`" in ran.err
    refused = tossed("models", "promote", "challenger")
    assert (refused.code, refused.out) == (10, "")
    assert "is not promoted. Mean AUROC" in refused.err


def test_scores_without_a_champion_say_so_on_the_page(tossed: Any, tmp_path: Path) -> None:
    """Asked for by number, the model scores; run and report carry the verdict."""
    found = tossed.well("score", "--model", "1", "--report", tmp_path / "page.html")
    assert len(found["notes"]) == 1
    assert found["notes"][0].startswith("The model is no champion: it did not pass the gate. Mean AUROC")
    assert "is no champion: it did not pass the gate" in (tmp_path / "page.html").read_text(encoding="utf-8")


def test_force_makes_a_champion_and_leaves_a_record(tossed: Any) -> None:
    """The override stays with the version and with its scores, and MLflow keeps when it was."""
    made = tossed.well("models", "promote", "1", "--force")
    assert (made["promotion"]["champion"], made["promotion"]["forced"]) == (True, True)
    assert made["promotion"]["passed"] is False
    assert "forced" in tossed("models", "list").out
    assert "made champion by force" in tossed("models", "show").out
    assert (
        "\n## The gate\n\nIt did not pass, and was made champion by force."
        in tossed("models", "show", "--card").out
    )
    assert tossed.well("score")["notes"][0].startswith("The model was made champion by force")
    project = Project(load_config(tossed.config, tossed.workspace), tossed.workspace)
    tracking = project.tracking
    runs = tracking._client.search_runs([tracking._experiment], "params.outcome = 'forced'")
    assert len(runs) == 1
    assert runs[0].info.start_time > 0
    # Putting the champion to the gate again changes nothing.
    assert tossed.well("models", "promote", "champion") == made


def test_a_model_without_a_card_says_so(tossed: Any) -> None:
    """Such as one that an earlier release logged."""
    for one in (tossed.workspace / "mlartifacts").rglob("model-card.md"):
        one.unlink()
    ran = tossed("models", "show", "1", "--card")
    assert (ran.code, "was logged without a card. Train it again." in ran.err) == (8, True)


def test_the_card_tells_what_a_reader_has_to_know(shop: Any) -> None:
    """Each part is there, the figures are those of training, nobody is named, and the same facts are the same bytes."""
    made = shop.well("train")
    found = shop.well("models", "show", "2", "--card")
    text = found["model_card"]
    assert text == shop("models", "show", "2", "--card").out
    assert re.findall(r"^#+ (.*)$", text, re.MULTILINE) == [
        f"Model {made['model_version']} of shop",
        "What it predicts",
        "What it was trained on",
        "How good it was",
        "Beside simpler ways",
        "For whom",
        "What it looks at",
        "Limits",
        "The gate",
    ]
    for cutoff in made["validation_cutoffs"]:
        assert len(re.findall(rf"^\| {cutoff} \| \d+ \| [\d.]+% \| 0\.\d+ \(", text, re.MULTILINE)) == 1
    for learner, value in made["validation_auroc"].items():
        assert f"{learner} {value:.3f}" in text
    for words in (
        *(one["words"] for one in made["promotion"]["checks"]),
        "| customer since |",
        "| expected value |",
    ):
        assert words in text
    assert not re.findall(r"C\d{7}|NaN|nan", text)
    local = (shop.workspace / "shop" / "bundle" / "model-card.md").read_text(encoding="utf-8")
    assert local == text


def test_measuring_makes_no_champion(own: Callable[..., Any], leavers: tuple[str, str]) -> None:
    """A model trained only to be evaluated is neither champion nor challenger; trained in earnest it is both."""
    home = own(leavers[0], settings=FAST)
    home.well("evaluate", "--cutoff", "2023-01-20")
    listed = home.well("models", "list")["models"]
    assert [(one["aliases"], one["promotion"]["passed"]) for one in listed] == [([], None)]
    assert "It was not put to the gate." in home("models", "show", "1").out
    ran = home("score")
    assert ran.code == 10
    assert "no model was put to the gate yet. Run `retain train`" in ran.err
    made = home.well("train", "--until", "2023-01-20")
    assert (made["model"], made["aliases"]) == (1, ["challenger", "champion"])
    assert made["promotion"]["compared_with"] is None


def test_newer_knowledge_takes_over_and_older_does_not(
    own: Callable[..., Any], leavers: tuple[str, str]
) -> None:
    """The same recipe on newer outcomes is champion at once; a model that knows less is held back."""
    home = own(leavers[0], settings=FAST)
    first = home.well("train", "--until", "2023-01-10")
    second = home.well("train")
    assert second["promotion"]["champion"] is True
    assert second["promotion"]["compared_with"] == first["model_version"]
    assert [one["name"] for one in second["promotion"]["checks"]] == [
        "contract", "leaks", "order", "slope", "level", "age", "champion",
    ]  # fmt: skip
    third = home.well("train", "--until", "2022-12-15")
    assert third["promotion"]["champion"] is False
    assert third["promotion"]["reasons"][0].startswith("It knows outcomes until 2022-12-15 only")
    # A champion of another definition of churn could not score: it stops nobody.
    home.config.write_text(home.config.read_text().replace("horizon_days = 30", "horizon_days = 28"))
    other = home.well("train")
    assert other["promotion"]["champion"] is True
    assert other["promotion"]["compared_with"] is None
    refused = home("models", "promote", "1")
    assert (refused.code, "another definition of churn" in refused.err) == (10, True)


def test_training_and_promotion_see_the_same(shop: Any) -> None:
    """Predictions kept from training and the recipe followed again give the same verdict to the last digit."""
    project = Project(load_config(shop.config, shop.workspace), shop.workspace)
    made = run_training(project)
    opened = bundle.load(project.tracking.bundle_of(made.registered))
    again = put_to_gate(project, opened, made.registered.number)
    assert again == put_to_gate(project, opened, made.registered.number, made.trained)
    assert again.compared_with == project.find("champion").version


def test_a_version_without_outcomes_at_hand_is_not_judged(
    own: Callable[..., Any], leavers: tuple[str, str]
) -> None:
    """Where the tables hold nobody at the validation cutoffs any more nothing can be said."""
    home = own(leavers[0], settings=FAST)
    home.well("train", "--until", "2023-01-10")
    home.well("train")
    few = [one for one in leavers[0].splitlines() if one.startswith(("customer_id", "c1,", "c2,"))]
    (home.config.parent / "orders.csv").write_text("\n".join(few) + "\n")
    ran = home("models", "promote", "1")
    assert ran.code == 10
    assert "hold no outcomes at the cutoffs on which model" in ran.err


def test_a_column_that_knows_the_outcome_stops_the_run(
    own: Callable[..., Any], leavers: tuple[str, str]
) -> None:
    """Cancellations dated back to the last order are named; accepted, they are noted, and held against promotion."""
    orders, tickets = leavers
    with_tickets = '[source.tables.tickets]\npath = "tickets.csv"'
    home = own(orders, with_tickets, settings=FAST)
    (home.config.parent / "tickets.csv").write_text(tickets)
    ran = home("train")
    assert (ran.code, ran.out) == (11, "")
    assert "tickets_90d (AUROC " in ran.err
    assert "[training] allow_leaks = [" in ran.err
    accepted = ran.err.split("[training] ")[1].strip().removesuffix(".")
    plain = home.config.read_text()
    home.config.write_text(plain.replace("[training]", f"[training]\n{accepted}"))
    made = home.well("train")
    check = next(one for one in made["promotion"]["checks"] if one["name"] == "leaks")
    assert (check["passed"], "which [training] allow_leaks accepts" in check["words"]) == (True, True)
    home.config.write_text(plain)
    refused = home("models", "promote", "1")
    assert refused.code == 10
    assert "allow_leaks does not name it" in refused.err
