"""How well the default settings predict, on real data with the outcome known, beside the baselines.

Reads the bundled data, and CDNOW, The Complete Journey, the UCI incident log and IBM Telco where they lie beside the
repository. Telco's customers have a label and no dates: its figures are of customers left out of training.
Run with `python benchmarks/bench_accuracy.py`; prints a Markdown table.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

from retain.errors import SourceError
from retain.pipeline.evaluate import Evaluation, run_evaluation
from retain.pipeline.project import open_project

CONFIGS = Path(__file__).resolve().parents[1] / "configs"
CASES: tuple[tuple[str, str | None], ...] = (
    ("default.toml", "2011-06-01"),
    ("sources/cdnow.toml", "1998-04-01"),
    ("sources/complete_journey.toml", "2017-10-01"),
    ("sources/uci_event_log.toml", "2016-05-01"),
    ("sources/ibm_telco.toml", None),
)


def main() -> None:
    """Print one row a data set."""
    print(
        "| data | customers | churn | AUROC | RFM | BG/NBD | one feature | ECE | slope | O/E | EMPC | seconds |"
    )
    print("|---|---|---|---|---|---|---|---|---|---|---|---|")
    for name, cutoff in CASES:
        with tempfile.TemporaryDirectory() as workspace:
            project = open_project(CONFIGS / name, Path(workspace))
            started = time.perf_counter()
            try:
                done = run_evaluation(project, None if cutoff is None else project.instant(cutoff))
            except SourceError as absent:
                print(f"{project.config.name}: left out, {absent}", file=sys.stderr)
                continue
            print(row(project.config.name, done, time.perf_counter() - started))


def row(name: str, done: Evaluation, seconds: float) -> str:
    """One data set's figures."""
    measures = done.measures
    auroc = measures.auroc
    beside = [
        f"{done.baselines[one].auroc.value:.3f}" if one in done.baselines else ""
        for one in ("rfm_logistic", "bgnbd", "one_feature")
    ]
    level = [
        f"{measures.interval(one).value:.3f}" for one in ("ece", "calibration_slope", "observed_expected")
    ]
    cells = [
        name,
        f"{measures.n:,}",
        f"{measures.churn_rate:.3f}",
        f"{auroc.value:.3f} [{auroc.low:.3f}, {auroc.high:.3f}]",
        *beside,
        *level,
        f"{measures.empc.value:.1f}",
        f"{seconds:.0f}",
    ]
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    main()
