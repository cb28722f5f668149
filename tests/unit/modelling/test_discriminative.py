"""BG/NBD fitted to churn: its formula, its slopes, and what it says of orders, recency and tenure."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from scipy.special import logit

from retain.evaluation.ranking import auroc
from retain.lifetime.bgnbd import BgNbd, fit_bgnbd
from retain.lifetime.history import History
from retain.modelling import discriminative
from retain.modelling.discriminative import READS, Discriminative

if TYPE_CHECKING:
    from retain.modelling.discriminative import FloatArray, LabelArray

MODEL = Discriminative((0, 1, 2), (3.0, 0.4, 300.0), 0.4, 60.0, 0.3, 1.5, 90.0, intercept=0.0, slope=1.0)


def lives(customers: int, days: float, seed: int = 5) -> tuple[FloatArray, LabelArray]:
    """Orders, recency and tenure of customers who live as BG/NBD says, and who is silent in the next days."""
    random = np.random.default_rng(seed)
    rows, silent = [], []
    for rate, gone in zip(
        random.gamma(0.8, 1 / 40, customers), random.beta(0.6, 2.0, customers), strict=True
    ):
        age = float(random.uniform(100, 400))
        at, last, orders, after = 0.0, 0.0, 1, False
        while not (orders > 1 and random.random() < gone):
            at += float(random.exponential(1 / rate))
            if at > age:
                after = at < age + days
                break
            last, orders = at, orders + 1
        rows.append((orders, age - last, age))
        silent.append(not after)
    return np.array(rows, dtype=np.float64), np.array(silent, dtype=np.int8)


def test_with_slope_one_it_is_the_published_formula() -> None:
    """The log-odds of no purchase under BG/NBD, computed elsewhere in this package."""
    rows, _ = lives(200, 90)
    history = History(rows[:, 0].astype(np.int64) - 1, rows[:, 2] - rows[:, 1], rows[:, 2])
    published = BgNbd(MODEL.r, MODEL.alpha, MODEL.a, MODEL.b).no_purchase(history, MODEL.days)
    assert MODEL.log_odds(rows) == pytest.approx(logit(published), abs=1e-9)


def test_the_slopes_are_those_of_the_formula() -> None:
    """Against differences of a millionth, for every parameter."""
    rows, _ = lives(60, 90)
    history = rows[:, 0] - 1, rows[:, 2] - rows[:, 1], rows[:, 2]
    at = np.log([0.5, 40.0, 0.6, 1.7, 60.0])
    for position, step in enumerate(np.eye(5) * 1e-6):
        up, down = (discriminative._quiet(at + one, *history)[0] for one in (step, -step))
        assert discriminative._quiet(at, *history)[1][position] == pytest.approx((up - down) / 2e-6, abs=1e-6)


def test_contributions_are_shapley_values_of_rhythm_and_then_of_silence() -> None:
    """Orders and tenure in both orders, with the silence that is usual for them; the true silence comes last."""
    rows, _ = lives(20, 90)
    orders, share, tenure = MODEL.reference

    def of(known: set[int]) -> FloatArray:
        now = np.column_stack([np.full(len(rows), one) for one in (orders, share, tenure)])
        now[:, list(known)] = rows[:, list(known)]
        if 1 not in known:
            now[:, 1] = share * now[:, 2] / now[:, 0]
        return MODEL.log_odds(now)

    expected = np.zeros(rows.shape)
    for order in ((0, 2, 1), (2, 0, 1)):
        for place, player in enumerate(order):
            expected[:, player] += (of({*order[: place + 1]}) - of({*order[:place]})) / 2
    assert MODEL.contributions(rows) == pytest.approx(expected, abs=1e-9)


def test_many_orders_speak_for_a_customer_and_long_silence_against() -> None:
    """Of a frequent buyer who fell silent, it is the silence that raises the risk."""
    orders, recency, _ = MODEL.contributions(np.array([[55.0, 175.0, 636.0]]))[0]
    assert orders < 0 < recency


def test_it_ranks_as_well_as_the_model_that_made_the_data() -> None:
    """On customers who live as BG/NBD says, fitting to churn loses next to nothing against fitting to histories."""
    rows, silent = lives(4_000, 90)
    later, outcome = lives(4_000, 90, seed=6)
    fitted = discriminative.fit(rows, silent, READS)
    generative = fit_bgnbd(
        History(
            rows[:, 0].astype(np.int64) - 1, np.where(rows[:, 0] > 1, rows[:, 2] - rows[:, 1], 0), rows[:, 2]
        )
    )
    truth = generative.no_purchase(
        History(
            later[:, 0].astype(np.int64) - 1,
            np.where(later[:, 0] > 1, later[:, 2] - later[:, 1], 0),
            later[:, 2],
        ),
        90,
    )
    assert auroc(outcome, fitted.log_odds(later)) > auroc(outcome, truth) - 0.005
    assert fitted.log_odds(later).mean() == pytest.approx(float(logit(outcome.mean())), abs=0.4)


def test_of_a_large_panel_a_part_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every third row of three copies is one copy: the same numbers."""
    rows, silent = lives(500, 90)
    whole = discriminative.fit(rows, silent, READS)
    monkeypatch.setattr(discriminative, "_MOST_ROWS", 500)
    thrice = discriminative.fit(np.repeat(rows, 3, axis=0), np.repeat(silent, 3), READS)
    assert thrice == whole
