"""A company's own features from the configuration to the reasons: computed, learned from, explained, and guarded."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from pyarrow import csv

from retain.modelling import bundle

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

SETTINGS = (
    "[churn]\nactive_days = 60\nhorizon_days = 30\n[training]\nlearners = ['logistic']\nvalidation_cutoffs = 3\n"
    "[features]\nfamilies = ['rhythm']\n"
)
OWN = """
[features.own.usual_gap_days]
view = "orders"
how = "quantile"
value = "gap"
quantile = 0.8
topic = "pace"

[features.own.silence_in_gaps]
view = "orders"
how = "since_last"
topic = "pace"
divided_by = { view = "orders", how = "quantile", value = "gap", quantile = 0.8 }
phrase = "silent for {silence_in_gaps:.1f} times the usual pause"
"""


@pytest.fixture(scope="module")
def leavers() -> str:
    """Orders of customers of whom two in three stop for good."""
    random = np.random.default_rng(3)
    rows = []
    for who in range(150):
        stops = random.uniform(60, 400) if who % 3 else 400
        days = np.cumsum(random.uniform(4, 16, 80))
        rows += [
            f"c{who:03},{np.datetime64('2022-01-01') + int(day)},o{who}-{at}"
            for at, day in enumerate(days[days < stops])
        ]
    return "customer_id,ordered_at,order_id\n" + "\n".join(rows) + "\n"


@pytest.fixture
def home(own: Callable[..., Any], leavers: str) -> Any:
    """A shop that declares two features, and a model that reads them."""
    made = own(leavers, settings=SETTINGS + OWN)
    made.well("train")
    return made


def test_an_own_feature_is_a_feature_like_any_other(home: Any, tmp_path: Path) -> None:
    """In the panel, in validate, in the model's card, in the reasons and drivers of a customer."""
    found = home.well("features", "--cutoff", "2022-06-01", "--out", tmp_path / "panel.csv")
    assert found["features"][-2:] == ["usual_gap_days", "silence_in_gaps"]
    assert home.well("validate")["features"] == found["features"]
    panel = csv.read_csv(tmp_path / "panel.csv").to_pydict()
    known = [one for one in panel["usual_gap_days"] if one is not None]
    assert all(4 <= one <= 16 for one in known)
    assert max(one for one in panel["silence_in_gaps"] if one is not None) > 2
    said = home.well("explain", "c001", "--as-of", "2022-04-01", "--model", 1)
    assert "silence_in_gaps" in [one["feature"] for one in said["drivers"]]
    assert "times the usual pause" in " ".join(said["reasons"])
    # The folder alone is enough where no configuration is at hand, as when a model is served.
    folder = next(home.workspace.rglob("bundle.json")).parent
    opened = bundle.load(folder)
    assert opened.features.names[-2:] == ("usual_gap_days", "silence_in_gaps")
    assert np.isfinite(opened.probabilities(np.full((1, len(opened.features.names)), np.nan))).all()


def test_a_model_keeps_to_the_definitions_that_it_learned_from(home: Any) -> None:
    """Another definition is refused with what changed, and a feature taken out by its name; words may be mended."""
    text = home.config.read_text(encoding="utf-8")
    home.config.write_text(text.replace("quantile = 0.8\ntopic", "quantile = 0.9\ntopic"), encoding="utf-8")
    ran = home("score", "--as-of", "2022-06-01", "--model", 1)
    assert ran.code == 8
    assert (
        "was trained on other definitions of its features: usual_gap_days was 0.8 quantile of gap in days over orders "
        "and is 0.9 quantile of gap in days over orders now. Run `retain train`, or set the definitions back."
    ) in ran.err
    home.config.write_text(text.replace(OWN, OWN.split("\n\n")[1]), encoding="utf-8")
    ran = home("score", "--as-of", "2022-06-01", "--model", 1)
    assert ran.code == 8
    assert "reads usual_gap_days, which these tables and families cannot feed" in ran.err
    mended = text.replace("times the usual pause", "pauses of the usual length")
    home.config.write_text(mended, encoding="utf-8")
    said = home.well("explain", "c001", "--as-of", "2022-04-01", "--model", 1)
    assert "pauses of the usual length" in " ".join(said["reasons"])


def test_a_mistake_stops_every_verb_before_data_are_read(own: Callable[..., Any]) -> None:
    """With the file, the key and the nearest name."""
    home = own("no table at all", settings=SETTINGS + OWN.replace('value = "gap"', 'value = "gaps"', 1))
    ran = home("validate")
    assert ran.code == 3
    assert (
        "own.toml: [features.own.usual_gap_days] value: 'gaps' is no number of orders. Did you mean 'gap'?"
        in ran.err
    )
