"""The page about models says what a bundle holds."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np

from retain.features.catalog import EVERY
from retain.features.spec import FeatureSet
from retain.labels import ChurnSettings
from retain.modelling import bundle
from retain.modelling.calibration import Calibration, Evidence
from retain.modelling.learners import LEARNERS, Task
from retain.modelling.training import Contest, Plan, Trained
from retain.timeline import DAY

PAGE = (Path(__file__).parents[2] / "models" / "README.md").read_text(encoding="utf-8")


def test_every_file_and_key_of_a_bundle_is_explained(tmp_path: Path) -> None:
    """A bundle made of four customers has no file and no key that the page leaves out."""
    features = FeatureSet(EVERY.features[:1])
    task = Task(
        np.array([[1.0], [2.0], [3.0], [4.0]]),
        np.array([0, 0, 1, 1], dtype=np.int8),
        features.names,
        size=1,
        seed=1,
    )
    trained = Trained(
        learner="logistic",
        size=1,
        fitted=LEARNERS.get("logistic").fit(task),
        calibration=Calibration(),
        features=features,
        churn=ChurnSettings(),
        plan=Plan(DAY, (0,), ()),
        contests=(Contest("logistic", 1, (0.5,)),),
        evidence=(Evidence("none", 0.7),),
        season=None,
        season_evidence=(),
        rows=4,
        churn_rate=0.5,
        seed=1,
        leaks=(),
        validated=(),
    )
    bundle.save(trained, tmp_path / "made", data={"orders": "a"})
    explained = set(re.findall(r"`([\w.]+)`", "\n".join(re.findall(r"^\| ([^|]*) \|", PAGE, re.MULTILINE))))
    assert {one.name for one in (tmp_path / "made").iterdir()} <= explained
    assert set(json.loads((tmp_path / "made" / bundle.CARD).read_text(encoding="utf-8"))) <= explained
