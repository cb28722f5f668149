"""How well the value of a customer is forecast, on real data with the outcome known, beside the pace of the last year.

What each active customer spent in the time after the cutoff is compared with the forecast, returns taken off. "Stayed" are
those who bought in the label window, of whom `expected_value` speaks. Reads the bundled data, and CDNOW and The Complete Journey
where they lie beside the repository. Run with `python benchmarks/bench_value.py`; prints a Markdown table.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import numpy as np
from scipy.stats import spearmanr

from retain.errors import SourceError
from retain.events.store import MISSING
from retain.labels import LABELS, observed, orders_of
from retain.pipeline.project import Project, open_project
from retain.scoring.value import ValueSettings, expected_value, learn_forecast, purchases
from retain.timeline import DAY

CONFIGS = Path(__file__).resolve().parents[1] / "configs"
CASES = (
    ("default.toml", (("2010-06-01", 365), ("2010-09-01", 364), ("2010-12-01", 270), ("2011-03-01", 180))),
    ("sources/cdnow.toml", (("1997-07-01", 364), ("1997-10-01", 270), ("1998-01-01", 180))),
    ("sources/complete_journey.toml", (("2017-05-01", 180), ("2017-07-01", 120), ("2017-08-01", 90))),
)


def main() -> None:
    """Print two rows a cutoff: those who stayed, and everybody active."""
    print(
        "| data | cutoff, days ahead | of | n | MAE forecast / pace | rank correlation | forecast / actual |"
    )
    print("|---|---|---|---|---|---|---|")
    for name, cases in CASES:
        with tempfile.TemporaryDirectory() as workspace:
            project = open_project(CONFIGS / name, Path(workspace))
            try:
                for day, ahead in cases:
                    rows(project, day, ahead)
            except SourceError as absent:
                print(f"{project.config.name}: left out, {absent}", file=sys.stderr)


def rows(project: Project, day: str, ahead: int) -> None:
    """One cutoff's figures."""
    store, churn, cutoff = project.store, project.config.churn, project.instant(day)
    label = LABELS.get(churn.definition)
    active = np.flatnonzero(label.eligible(store, cutoff, churn))
    stayed = ~label.churned(store, cutoff, churn, observed(store, churn)[1] + 1)[active]
    settings = ValueSettings(horizon_days=ahead, discount_rate=0.0)
    forecast, known = learn_forecast(store, cutoff), purchases(store, cutoff)
    kept, pace = (
        expected_value(store, cutoff, active, settings, one, churn.window.days) for one in (forecast, None)
    )
    anyhow = np.zeros(len(store.customer_ids))
    anyhow[known.customer] = forecast.revenue(known.history, known.spent, ahead, 0.0)
    truth = spent(project, cutoff, ahead)[active]
    everybody = np.ones(len(active), dtype=bool)
    for who, mine, ours in (("stayed", stayed, kept), ("all", everybody, anyhow[active])):
        errors = [np.abs(one - truth)[mine].mean() for one in (ours, pace)]
        ranks = [spearmanr(one[mine], truth[mine]).statistic for one in (ours, pace)]
        levels = [one[mine].sum() / truth[mine].sum() for one in (ours, pace)]
        cells = [
            project.config.name,
            f"{day}, {ahead}",
            who,
            f"{mine.sum():,}",
            " / ".join(f"{one:,.0f}" for one in errors),
            " / ".join(f"{one:.3f}" for one in ranks),
            " / ".join(f"{one:.2f}" for one in levels),
        ]
        print(f"| {' | '.join(cells)} |")


def spent(project: Project, cutoff: int, ahead: int) -> np.ndarray:
    """What every customer spent in so many days after the cutoff, never below 0."""
    store, orders = project.store, orders_of(project.store)
    amount = orders.columns["amount"].values.astype(np.int64)
    later = (orders.time >= cutoff) & (orders.time < cutoff + ahead * DAY) & (amount != MISSING)
    total = np.zeros(len(store.customer_ids), dtype=np.int64)
    np.add.at(total, orders.customer[later], amount[later])
    return np.maximum(total, 0) / 10**store.money_exponent


if __name__ == "__main__":
    main()
