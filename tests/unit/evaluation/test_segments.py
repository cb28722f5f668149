"""Quality by parts of the customers: which are measured, and what is said of them."""

from __future__ import annotations

import json

import numpy as np
import pytest

from retain.evaluation.calibration import observed_expected
from retain.evaluation.clustered import Ranked, mean_auroc
from retain.evaluation.segments import MOST_PARTS, OTHERS, Parting, Predicted, segments


def predicted(n: int, seed: int = 1, cutoff: int = 0) -> Predicted:
    """Calibrated predictions of so many customers."""
    random = np.random.default_rng(seed)
    p = random.beta(2, 3, n)
    return Predicted(cutoff, np.arange(n), (random.random(n) < p).astype(np.int8), p)


def test_a_part_is_measured_on_its_own_customers() -> None:
    """Each figure is the one of these rows alone."""
    seen = predicted(1000)
    part = (np.arange(1000) % 3 == 0).astype(np.int64)
    found = segments([seen], Parting("group", ("most", "third"), [part], ordered=True))
    assert [(one.kind, one.name, one.n) for one in found] == [("group", "most", 666), ("group", "third", 334)]
    mine = part == 1
    alone = mean_auroc([Ranked(seen.customer[mine], seen.y[mine], seen.p[mine])])
    assert found[1].auroc == alone
    assert found[1].observed_expected.value == pytest.approx(observed_expected(seen.y[mine], seen.p[mine]))
    assert found[1].churn_rate == seen.y[mine].mean()
    assert found[1].forecast == seen.p[mine].mean()
    told = json.loads(json.dumps(found[1].as_dict(), allow_nan=False))
    assert set(told["calibration_slope"]) == {"value", "low", "high"}


def test_parts_too_small_are_not_measured() -> None:
    """Fewer than 200 predictions, or fewer than 30 of an outcome."""
    seen = predicted(1000)
    few = np.zeros(1000, np.int64)
    few[:199] = 1
    assert [one.name for one in segments([seen], Parting("g", ("a", "b"), [few], ordered=True))] == ["a"]
    churned = np.flatnonzero(seen.y == 1)
    stayed = np.flatnonzero(seen.y == 0)
    one_sided = np.zeros(1000, np.int64)
    one_sided[[*churned[:300], *stayed[:29]]] = 1
    assert [one.name for one in segments([seen], Parting("g", ("a", "b"), [one_sided], ordered=True))] == [
        "a"
    ]


def test_parts_without_an_order_come_by_size_and_the_small_ones_together() -> None:
    """Countries: the largest first; those too small to be measured are measured as one."""
    seen = predicted(1400)
    part = np.repeat([0, 1, 2, 3], [300, 800, 150, 150])
    names = ("BG", "DE", "AT", "CH")
    found = segments([seen], Parting("country", names, [part], ordered=False))
    assert [(one.name, one.n) for one in found] == [("DE", 800), ("BG", 300), (OTHERS, 300)]
    alone = segments([predicted(1250)], Parting("country", names, [part[:1250]], ordered=False))
    assert [one.name for one in alone] == ["DE", "BG"]
    many = predicted(13 * 220)
    each = Parting(
        "country", [f"{at:02}" for at in range(13)], [np.repeat(np.arange(13), 220)], ordered=False
    )
    assert [one.n for one in segments([many], each)] == [220] * MOST_PARTS + [660]


def test_one_part_that_holds_everybody_tells_nothing() -> None:
    """A shop that sells in one country has no countries to compare."""
    whole = Parting("country", ("BG", "not known"), [np.zeros(1000, np.int64)], ordered=False)
    assert segments([predicted(1000)], whole) == ()


def test_cutoffs_go_together_where_a_part_has_both_outcomes() -> None:
    """Two cutoffs of 120 customers each are 240 predictions; a cutoff with next to none adds nothing to the order."""
    first, second = predicted(120, 2, 0), predicted(123, 3, 1)
    parts = [np.zeros(120, np.int64), np.repeat([0, 1], [120, 3])]
    found = segments([first, second], Parting("g", ("a", "b"), parts, ordered=True))
    assert [(one.name, one.n) for one in found] == [("a", 240)]
    mostly = [np.repeat([0, 1], [2, 118]), np.zeros(123, np.int64)]
    more = segments(
        [first, predicted(300, 4, 1)], Parting("g", ("a", "b"), [mostly[0], np.zeros(300, int)], ordered=True)
    )
    only = predicted(300, 4, 1)
    assert more[0].auroc == mean_auroc([Ranked(only.customer, only.y, only.p)])
