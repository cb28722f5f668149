from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from retain.examples.shop import life, truth, world
from retain.examples.shop.people import People, draw_people

if TYPE_CHECKING:
    from retain.examples.shop.life import Life, State

CLONES = 3000
"""Lives played for each customer; the standard error is below .01."""


@pytest.fixture(scope="module")
def lived() -> tuple[People, Life]:
    """A small block of customers and what they lived through."""
    people = draw_people(5, 0, 600)
    return people, life.live(people, 5, 0)


def clones(people: People, who: np.ndarray[tuple[int], np.dtype[np.int64]]) -> People:
    """Each of these customers many times."""
    pick = np.repeat(who, CLONES)
    columns = {
        name: value[..., pick] for name, value in vars(people).items() if isinstance(value, np.ndarray)
    }
    consent = {name: allowed[pick] for name, allowed in people.consent.items()}
    return People(**{**vars(people), **columns, "consent": consent})


def played(people: People, state: State, cutoff: int, action: int | None) -> list[bool]:
    """Who buys nothing when each life is played out by chance, one customer-day after the other."""
    rng = np.random.default_rng(11)
    n = len(people)
    feels, keen, bought = state.satisfaction, state.interested, np.zeros(n, dtype=np.bool_)
    treated = state.treated if action is None else np.ones(n, dtype=np.bool_)
    for day in range(cutoff, cutoff + world.WINDOW.horizon_days):
        campaign = world.RUNNING[day]
        at_work = world.CAMPAIGNS[campaign].action if campaign >= 0 else None
        if action is not None:
            at_work = action if day < cutoff + world.EFFECT_DAYS else None
        elif campaign >= 0 and world.CAMPAIGNS[campaign].day == day:
            inside = life.in_campaign(people, state.last, day, world.CAMPAIGNS[campaign].action)
            treated = inside & (rng.random(n) < life.propensity(people))
        arriving = state.pending[day % life.LONGEST] if day < cutoff + life.LONGEST else np.zeros(n)
        feels = life.felt(feels, arriving)
        feeling = life.mood(people, feels, day)
        chance = rng.random(n)
        keen = np.where(keen, chance >= life.losing(people, feeling), chance < life.finding(people))
        level = life.intensity(people, feeling, state.last, day)
        level = np.where(keen, level, level * life.WITHOUT_INTEREST)
        if at_work is not None:
            level = np.where(treated, level * np.exp(people.lift[at_work]), level)
        bought |= rng.random(n) < -np.expm1(-level)
    stayed_away: list[bool] = (~bought).tolist()
    return stayed_away


@pytest.mark.parametrize(
    ("date", "action"),
    [("2023-11-01", None), ("2024-01-01", None), ("2024-10-01", None), ("2024-10-01", 0), ("2024-10-01", 1)],
    ids=["campaign at work", "campaign begins", "no campaign", "points", "call"],
)
def test_the_recursion_gives_what_many_played_lives_give(
    lived: tuple[People, Life], date: str, action: int | None
) -> None:
    """The closed form is the frequency of staying away when the rest of a life is played out many times."""
    people, past = lived
    cutoff = world.day_of(date)
    state = past.states[world.CUTOFFS.index(cutoff)]
    # Customers of every kind: some who bought lately, which is what campaigns and experiences under way ask for.
    who = np.flatnonzero(cutoff - state.last < world.ACTIVE_DAYS)[:12]
    exact = truth.no_sale(people, state, cutoff, action)[who]
    pick = np.repeat(who, CLONES)
    start = life.State(
        state.satisfaction[pick],
        state.interested[pick],
        state.last[pick],
        state.treated[pick],
        state.pending[:, pick],
    )
    frequency = np.reshape(played(clones(people, who), start, cutoff, action), (-1, CLONES)).mean(axis=1)
    assert np.abs(frequency - exact).max() < 0.04
    assert abs((frequency - exact).mean()) < 0.01


def test_a_treatment_without_effect_changes_nothing(lived: tuple[People, Life]) -> None:
    """Whoever an action leaves cold has the same probability with and without it."""
    people, past = lived
    cold = replace(people, lift=np.zeros_like(people.lift))
    cutoff, state = world.CUTOFFS[-1], past.states[-1]
    assert np.allclose(truth.no_sale(cold, state, cutoff, 2), truth.no_sale(cold, state, cutoff), rtol=1e-12)
