"""What a model has to show before it is the champion."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.special import expit

from retain.modelling import gate
from retain.modelling.calibration import Calibration
from retain.timeline import instant

START = instant("2024-01-01")


def cutoffs(
    n: int = 3000, *, slope: float = 1.0, level: float = 0.0, noise: float | None = None, seed: int = 1
) -> tuple[gate.Predicted, ...]:
    """Three cutoffs of customers whose true log-odds are drawn, and a challenger that states them in its own way.

    Args:
        n: customers, the same at each cutoff.
        slope: true log-odds of each one that the challenger states; 0 is pure noise.
        level: added to the true log-odds by the season.
        noise: what the champion adds to the challenger's log-odds; None is no champion.
        seed: of everything.
    """
    random = np.random.default_rng(seed)
    made = []
    for number in range(3):
        stated = random.normal(size=n)
        y = (random.random(n) < expit(slope * stated + level)).astype(np.int8)
        champion = None if noise is None else stated + random.normal(scale=noise, size=n)
        made.append(gate.Predicted(START + number, np.arange(n), y, stated, champion))
    return tuple(made)


def names_of(checks: tuple[gate.Check, ...]) -> list[str]:
    return [one.name for one in checks if not one.passed]


def test_a_good_model_passes_what_it_can_show_alone() -> None:
    """Order, slope and level, each with its figure."""
    checks = gate.quality(cutoffs(), Calibration())
    assert [one.name for one in checks] == ["order", "slope", "level"]
    assert names_of(checks) == []
    assert "Mean AUROC at 3 later cutoffs is 0.7" in checks[0].words


@pytest.mark.parametrize("seed", range(8))
def test_pure_noise_has_no_order(seed: int) -> None:
    """Whatever the draw, the interval holds .5 and the words say what that means."""
    checks = gate.quality(cutoffs(600, slope=0.0, seed=seed), Calibration())
    assert "order" in names_of(checks)
    assert "nothing but chance" in checks[0].words


@pytest.mark.parametrize(
    ("slope", "level", "held"),
    [
        (0.5, 0.0, ["slope"]),
        (2.0, 0.0, ["slope"]),
        (1.0, 2.0, ["level"]),
        (1.0, -2.0, ["level"]),
        (1.3, 0.5, []),
    ],
)
def test_probabilities_have_to_mean_what_they_say(slope: float, level: float, held: list[str]) -> None:
    """Too bold, too timid, too few or too many forecast is held against the model; a season's move is not."""
    checks = gate.quality(cutoffs(slope=slope, level=level), Calibration())
    assert names_of(checks) == held
    assert all("outside" in one.words for one in checks if one.name in held)


def test_each_cutoff_is_calibrated_by_the_others() -> None:
    """A model that needs a slope of 2 passes with it, since the other cutoffs teach it, and fails without."""
    timid = cutoffs(slope=2.0)
    assert names_of(gate.quality(timid, Calibration(slope=2.0))) == []
    assert names_of(gate.quality(timid, Calibration())) == ["slope"]


def test_an_equal_model_is_no_worse() -> None:
    """The same scores differ by nothing, for certain."""
    same = [replace(one, champion=one.challenger) for one in cutoffs(50)]
    check = gate.comparison(same)
    assert check.passed
    assert "+0.0000 against the champion's, 95 % interval +0.0000 to +0.0000." in check.words


def test_a_better_model_passes_and_a_worse_one_does_not() -> None:
    """Scores with noise added are worse; put in the challenger's place they are held against it."""
    better = cutoffs(noise=0.5)
    assert gate.comparison(better).passed
    turned = [
        replace(one, challenger=one.champion, champion=one.challenger)
        for one in better
        if one.champion is not None
    ]
    check = gate.comparison(turned)
    assert not check.passed
    assert "does not exclude a loss of more than 0.003" in check.words


def test_too_little_evidence_is_held_against_the_challenger() -> None:
    """As good on average, but on so few customers that it may be far worse."""
    check = gate.comparison(cutoffs(60, noise=0.5))
    assert not check.passed


def test_a_model_that_knows_less_than_the_champion_stays_behind() -> None:
    """Older is held against it; as old is not."""
    assert not gate.age(START, START + 1).passed
    assert gate.age(START, START).passed
    assert "until 2024-01-01" in gate.age(START, START).words


@pytest.mark.parametrize(
    ("found", "allowed", "passed", "words"),
    [
        ([], [], True, "No feature seems"),
        (["a", "b"], ["a"], False, "b seems to know the outcome, and"),
        (["a"], ["a"], True, "which [training] allow_leaks accepts"),
    ],
)
def test_leaks_have_to_be_accepted_by_whoever_promotes(
    found: list[str], allowed: list[str], words: str, *, passed: bool
) -> None:
    """What the configuration says now counts."""
    check = gate.leaks(found, allowed)
    assert (check.passed, words in check.words) == (passed, True)


def test_a_verdict_is_what_its_checks_are() -> None:
    """One failure is enough; its words are the reasons; it reads back from its text."""
    verdict = gate.Verdict((gate.fits(""), gate.fits("It reads x.")), "abc")
    assert (verdict.passed, verdict.reasons) == (False, ("It reads x.",))
    assert gate.Verdict.of(verdict.text()) == verdict
    assert verdict.as_dict()["compared_with"] == "abc"
    assert gate.Verdict((gate.fits(""),), "").as_dict()["compared_with"] is None


def test_parts_of_the_customers_are_called_so() -> None:
    """Where labels are given there are no later cutoffs to speak of."""
    words = ("part", "parts")
    assert "at 3 parts is" in gate.quality(cutoffs(), Calibration(), words)[0].words
    assert "at 1 part is" in gate.quality(cutoffs()[:1], Calibration(), words)[0].words
