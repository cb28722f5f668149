"""Contracts, given labels and attributes of customers where tables do not fit in memory: the same bytes."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from retain.pipeline import project as projects
from retain.pipeline.memory import Budget
from retain.timeline import DAY, instant, instant_text

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

CUSTOMERS = 240
TABLES = """
[source.tables.customers]
path = "customers.csv"
[source.tables.customers.static]
"Fee/month" = "number"
text = "category"
Since = "date"
consent_email = "auto"
[source.tables.orders]
path = "orders.csv"
"""
CONTRACT = """
[source.tables.contracts]
path = "contracts.csv"
[source.tables.feedback]
path = "feedback.csv"
[churn]
definition = "contract"
horizon_days = 60
[training]
learners = ["logistic"]
validation_cutoffs = 2
[evaluation]
resamples = 20
"""
GIVEN = """
[churn]
definition = "given"
[evaluation]
resamples = 20
[value]
currency = "EUR"
"""
BEGIN, END = instant("2022-01-01"), instant("2024-01-01")
ROWS = 1_700
"""Good rows of the tables, about."""


def customers() -> str:
    """Some of them with a word that too few have; nobody knows since when two are there."""
    random = np.random.default_rng(7)
    lines = ["customer_id,Fee/month,text,Since,consent_email,label,country"]
    for at in range(CUSTOMERS):
        plan = str(random.choice(["basic", "plus", "é", ""])) if at % 80 else "rare"
        gone = "yes" if random.random() < (0.7 if plan == "basic" else 0.2) else "no"
        since = "" if at in (3, 200) else f"201{at % 10}-05-11"
        lines.append(f"k{at:03},{at % 40}.5,{plan},{since},{at % 2},{gone},{'AT' if at % 3 else 'DE'}")
    return "\n".join(lines) + "\n"


def contracts() -> str:
    """Contracts that end after a while; a stretch of customers has none, and some have two."""
    random = np.random.default_rng(4)
    lines = ["customer_id,started_at,ended_at,plan,monthly_price"]
    for at in range(CUSTOMERS - 40):
        start = BEGIN + int(random.integers(-300, 400)) * DAY
        while start < END:
            cheap = random.random() < 0.5
            end = start + int(30 * random.geometric(0.12 if cheap else 0.04)) * DAY
            if end >= BEGIN:
                ended = instant_text(end) if end < END else ""
                lines.append(
                    f"k{at:03},{instant_text(start)},{ended},{'a' if cheap else 'b'},{9 if cheap else 19}.9"
                )
            start = end + int(random.integers(20, 300)) * DAY
    return "\n".join(lines) + "\n"


def orders() -> str:
    """A stretch of customers never ordered."""
    random = np.random.default_rng(5)
    rows = [
        f"k{at:03},{instant_text(BEGIN + int(random.integers(0, 729)) * DAY)},{random.integers(100, 9000) / 100}"
        for at in range(60, CUSTOMERS)
        for _ in range(4)
    ]
    return "\n".join(["customer_id,ordered_at,amount", *rows]) + "\n"


FEEDBACK = "customer_id,given_at,nps,text\n" + "".join(
    f"k{at:03},2023-0{1 + at % 9}-1{at % 3},{at % 11},{'terrible service' if at % 2 else 'great thanks'}\n"
    for at in range(0, CUSTOMERS, 2)
)


@dataclass(frozen=True)
class Place:
    """A company with a trained model."""

    workspace: Path
    config: Path
    cli: Callable[..., Any]

    @property
    def words(self) -> tuple[object, ...]:
        """The options that name both."""
        return ("--config", self.config, "--workspace", self.workspace)

    def __call__(self, *words: object) -> Any:
        """The call, which has to succeed."""
        ran = self.cli(*self.words, *words, "--json")
        assert ran.code == 0, ran.err
        return ran


@pytest.fixture(scope="module", params=["contract", "given"])
def place(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    model_store: Path,
    cli: Callable[..., Any],
) -> Place:
    """A telephone company by the ends of its contracts, or by labels; both with attributes of customers."""
    folder = tmp_path_factory.mktemp(request.param)
    (folder / "work").mkdir()
    shutil.copy(model_store, folder / "work" / "mlflow.db")
    tables = {"customers": customers(), "contracts": contracts(), "orders": orders(), "feedback": FEEDBACK}
    for name, text in tables.items():
        (folder / f"{name}.csv").write_text(text, encoding="utf-8")
    more = CONTRACT if request.param == "contract" else GIVEN
    (folder / "own.toml").write_text(TABLES + more, encoding="utf-8")
    made = Place(folder / "work", folder / "own.toml", cli)
    made("train")
    return made


@pytest.fixture
def in_shards(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """A function that makes what follows read its tables in about so many shards."""

    def divide(count: int) -> None:
        monkeypatch.setattr(projects, "needed_mb", lambda *_: float("inf"))
        monkeypatch.setattr(Budget, "rows_each", property(lambda _: max(1, ROWS // count)))

    return divide


@pytest.mark.parametrize("count", [1, 7, 64])
def test_panels_scores_and_exports_are_the_same_bytes(
    place: Place, in_shards: Callable[[int], None], tmp_path: Path, count: int
) -> None:
    """Whether customers are there who have no contract, no order or no row in the table of customers."""

    def made(name: str) -> tuple[list[bytes], str]:
        out = tmp_path / name
        out.mkdir()
        place("features", "--cutoff", "2023-06-01,2023-03-01", "--out", out / "panel.parquet")
        said = place("score", "--model", "1", "--as-of", "2023-11-01", "--out", out / "scores").err
        place("export", "--to", "csv", "--scores", out / "scores", "--out", out / "crm")
        files = sorted(one for one in out.rglob("*") if one.is_file() and one.name != "manifest.json")
        return [one.read_bytes() for one in files], said

    whole, _ = made("whole")
    in_shards(count)
    parts, said = made("parts")
    assert len(whole) > 3
    assert parts == whole
    assert "reading and checking them in shards" in said


@pytest.mark.parametrize(
    "words",
    [
        ("validate",),
        ("train",),
        ("evaluate", "--model", "1"),
        ("backtest", "--cutoffs", "2023-09-01"),
        ("explain", "k070", "--model", "1"),
        ("kpis",),
    ],
    ids=lambda words: words[0],
)
def test_what_needs_all_customers_says_the_same(
    place: Place, in_shards: Callable[[int], None], words: tuple[str, ...]
) -> None:
    """Figures, models and tests come out as they do when the tables fit; so do refusals."""
    whole = place.cli(*place.words, *words, "--json")
    # What a backtest has computed it would read back.
    shutil.rmtree(place.workspace / "own" / "backtest", ignore_errors=True)
    in_shards(7)
    parts = place.cli(*place.words, *words, "--json")
    assert (parts.code, parts.out) == (whole.code, whole.out)
    assert parts.err.splitlines()[-1:] == whole.err.splitlines()[-1:] or not whole.code


def test_another_package_s_definition_is_read_at_once(
    place: Place, in_shards: Callable[[int], None], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Nobody knows what it asks, and a line says so."""
    monkeypatch.setattr(projects, "OURS", frozenset())
    in_shards(7)
    said = place("features", "--cutoff", "2023-06-01", "--out", tmp_path / "panel.csv").err
    assert "may ask all customers at once" in said
    assert "shard 1" not in said
