"""The trials of a file, and what is tried after them."""

from __future__ import annotations

import contextlib
import sqlite3
import sys
from typing import TYPE_CHECKING

import numpy as np
import pytest

from retain.errors import OutputError, UserError
from retain.modelling.hyperparameters import USUAL
from retain.modelling.study import AT_RANDOM, LIBRARIES, NAME, Study, opened, versions
from retain.modelling.training import Contest, TrainingSettings
from retain.modelling.tuning import SPACE, Tried, space_of

if TYPE_CHECKING:
    from pathlib import Path

    from retain.modelling.hyperparameters import Hyperparameters
    from retain.modelling.study import Trial


def judged(told: Hyperparameters) -> Tried:
    """A figure that is best with a learning rate of .05 and half of the rows, at two cutoffs."""
    value = 0.8 - 10 * (told.trees.learning_rate - 0.05) ** 2 - 0.1 * (told.trees.row_share - 0.5) ** 2
    return Tried(told, Contest("blend", 200, (value, value - 0.1)), ())


def tried(study: Study, most: int) -> tuple[Trial, ...]:
    """The study's trials, after as many more as it takes."""
    while len(study.trials) < most:
        proposal = study.proposal(USUAL)
        study.keep(proposal, judged(proposal.hyperparameters), 1.5)
    return study.trials


def test_the_present_settings_come_first(tmp_path: Path) -> None:
    """Then others, each within its range and with few digits; what is kept comes back as it was."""
    with opened(tmp_path / "trials.db", SPACE, 20) as study:
        first = study.proposal(USUAL)
        assert first.hyperparameters == USUAL
        found = tried(study, 15)
    assert [one.number for one in found] == list(range(15))
    assert found[0].hyperparameters == USUAL
    assert found[0].auroc == judged(USUAL).best.auroc
    assert (found[0].learner, found[0].size, found[0].seconds) == ("blend", 200, 1.5)
    assert found[0].mean_auroc == judged(USUAL).best.mean_auroc
    assert len({one.hyperparameters for one in found}) == 15
    for one in found[1:]:
        values = one.hyperparameters.by_key
        for knob in SPACE:
            assert knob.low <= values[knob.key] <= knob.high
            assert values[knob.key] == knob.rounded(values[knob.key])


def test_the_same_seed_tries_the_same_and_another_one_others(tmp_path: Path) -> None:
    """The file's place plays no part."""
    found = []
    for at, seed in enumerate((20, 20, 21)):
        with opened(tmp_path / f"{at}.db", SPACE, seed) as study:
            found.append(tried(study, 14))
    assert found[0] == found[1]
    assert found[0][0] == found[2][0]
    assert not {one.hyperparameters for one in found[0][1:]} & {one.hyperparameters for one in found[2][1:]}


@pytest.mark.parametrize("stops", [(0,), (1,), (3, 3), (5, 12, 13)])
def test_an_interrupted_study_goes_on_with_the_trials_that_it_would_have_had(
    tmp_path: Path, stops: tuple[int, ...]
) -> None:
    """A run that is killed in the middle of a trial, once or again and again, leaves no trace in what comes after."""
    with opened(tmp_path / "whole.db", SPACE, 20) as study:
        whole = tried(study, 16)
    for stop in stops:
        with opened(tmp_path / "parts.db", SPACE, 20) as study:
            tried(study, stop)
            study.proposal(USUAL)
    with opened(tmp_path / "parts.db", SPACE, 20) as study:
        assert tried(study, 16) == whole


def test_later_trials_look_where_earlier_ones_were_good(tmp_path: Path) -> None:
    """Once there are some; those at random do not."""
    with opened(tmp_path / "trials.db", SPACE, 20) as study:
        found = tried(study, 40)
    early, late = found[1:AT_RANDOM], found[25:]
    assert np.mean([one.mean_auroc for one in late]) > np.mean([one.mean_auroc for one in early]) + 0.003


def test_what_is_not_searched_stays_as_it_is(tmp_path: Path) -> None:
    """The trees of whoever trains none are not touched."""
    space = space_of(TrainingSettings(learners=("logistic",)))
    with opened(tmp_path / "trials.db", space, 20) as study:
        found = tried(study, 5)
    assert {one.hyperparameters.trees for one in found} == {USUAL.trees}
    assert len({one.hyperparameters.logistic for one in found}) == 5


def test_any_folder_will_do_and_is_made(tmp_path: Path) -> None:
    """Also one whose name an address could not hold."""
    file = tmp_path / "100% mine?" / "trials.db"
    with opened(file, SPACE, 20) as study:
        tried(study, 2)
    with contextlib.closing(sqlite3.connect(file)) as base:
        assert base.execute("SELECT study_name FROM studies").fetchall() == [(NAME,)]


def test_one_run_at_a_time_adds_trials(tmp_path: Path) -> None:
    """A second one is refused while the first works, and goes on where it was afterwards; anew, trials are forgotten."""
    file = tmp_path / "trials.db"
    with opened(file, SPACE, 20) as study:
        tried(study, 2)
        with (
            pytest.raises(OutputError, match=r"Another run adds trials to .*trials\.db"),
            opened(file, SPACE, 20, anew=True),
        ):
            pass
    with opened(file, SPACE, 20) as study:
        assert len(study.trials) == 2
    with opened(file, SPACE, 20, anew=True) as study:
        assert not study.trials


def test_a_damaged_file_is_named(tmp_path: Path) -> None:
    """With the way out; so is a folder that cannot be."""
    file = tmp_path / "trials.db"
    file.write_bytes(b"no database" * 100)
    with (
        pytest.raises(OutputError, match=r"trials.db cannot be read or written: .* --restart"),
        opened(file, SPACE, 20),
    ):
        pass
    with (
        pytest.raises(OutputError, match=r"cannot be written: .* --workspace"),
        opened(file / "x" / "y.db", SPACE, 20),
    ):
        pass


def test_without_optuna_it_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is an extra; the versions of all that decides a trial are known where it is there."""
    assert list(versions()) == list(LIBRARIES)
    monkeypatch.setitem(sys.modules, "optuna", None)
    with pytest.raises(UserError, match=r"needs Optuna: pip install 'retain\[tune\]'"):
        versions()
    with pytest.raises(UserError, match="needs Optuna"), opened(tmp_path / "trials.db", SPACE, 20):
        pass
    assert not (tmp_path / "trials.db").exists()
