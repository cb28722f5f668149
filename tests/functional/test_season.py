"""A shop with a yearly season: the level of the probabilities follows it once a year has shown that it does."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from retain.modelling.seasons import Year
from retain.pipeline.evaluate import run_evaluation
from retain.pipeline.project import open_project
from retain.pipeline.score import run_scoring
from retain.pipeline.train import run_training

if TYPE_CHECKING:
    from retain.pipeline.project import Project

CONFIG = """
name = "season"
[source.tables.orders]
path = "orders.csv"
[churn]
active_days = 90
horizon_days = 30
[training]
learners = ["logistic"]
most_cutoffs = 40
step_days = 15
validation_cutoffs = 6
[evaluation]
resamples = 50
"""


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """Customers at their own pace, who buy four times as much in the months before Christmas as in spring."""
    folder = tmp_path_factory.mktemp("season")
    random = np.random.default_rng(4)
    rows = ["customer_id,ordered_at,amount"]
    for customer, pace in enumerate(random.gamma(2, 0.5, 500)):
        for day in range(900):
            busy = 1.6 ** np.sin(2 * np.pi * (day / 365 - 0.55)) ** 3 * 0.03
            if random.random() < busy * pace:
                at = np.datetime64("2021-01-01") + np.timedelta64(day, "D")
                rows.append(f"c{customer:03},{at},{random.integers(5, 90)}.00")
    (folder / "orders.csv").write_text("\n".join(rows), encoding="utf-8")
    (folder / "retain.toml").write_text(CONFIG, encoding="utf-8")
    return open_project(folder / "retain.toml", folder / "workspace")


def test_the_level_moves_once_it_has_helped(shop: Project) -> None:
    """The model keeps line and evidence; an evaluation is nearer to the truth; scores say what was done to them."""
    cutoff = shop.instant("2023-04-15")
    made = run_training(shop, cutoff)
    assert made.trained.season is not None
    assert made.trained.season.slope < 0
    assert len(made.trained.season_evidence) >= 2
    found = run_evaluation(shop, cutoff, made.registered.version)
    shift = found.bundle.calibration.shift
    assert found.as_dict()["season_shift"] == shift != 0
    run = run_scoring(shop, cutoff, model=made.registered.version)
    assert any("Orders in the same days a year before speak of a season" in one for one in run.notes)
    assert run.bundle.calibration.shift == shift


def test_a_first_year_moves_nothing(shop: Project) -> None:
    """No day of it has a year before."""
    cutoff = shop.instant("2021-12-01")
    made = run_training(shop, cutoff, candidate=False)
    assert (made.trained.season, made.trained.season_evidence) == (None, ())
    run = run_scoring(shop, cutoff, model=made.registered.version)
    assert run.bundle.calibration.shift == 0
    assert not any("season" in one for one in run.notes)


def test_a_second_year_begins_with_what_the_first_one_says(shop: Project) -> None:
    """Nothing has shown yet that a quiet January comes again: it is allowed for, and scores and model card say what is not known."""
    cutoff = shop.instant("2021-12-29")
    made = run_training(shop, cutoff, candidate=False)
    season = made.trained.season
    assert season is not None
    assert (season.proven, made.trained.season_evidence) == (False, ())
    run = run_scoring(shop, cutoff, model=made.registered.version)
    busyness = Year.of(shop.store, shop.config.churn, cutoff).busyness(cutoff, 1)
    assert run.bundle.calibration.shift == season.shift(busyness) > 0
    (note,) = [one for one in run.notes if "speak of a season with more churn" in one]
    assert note.endswith("Nothing has shown yet that seasons come again.")
    card = (shop.workspace / "season" / "bundle" / "model-card.md").read_text(encoding="utf-8")
    assert "nothing has shown yet that seasons come again" in card
