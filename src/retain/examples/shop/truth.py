"""The truth that no pipeline may read: how likely each customer was to stay away, and what each action does.

**True churn probability.** For a customer and a cutoff, the probability of no sale in ``[cutoff, cutoff + 90 days)``
given the whole hidden state at the cutoff (``life.State``: satisfaction, interest, last purchase, the treatment at
work, and how parcels and tickets under way will end) and the public calendar (season, drift, price rises, campaign
days). It is exact, not simulated. As long as a customer buys nothing, satisfaction has no chance left in it; what
chance remains is interest (two values), and the arm of a campaign that begins within the window (two values). So a
forward recursion over these four cells carries the probability of "in this cell and nothing bought so far" from day
to day:

    v[treated] += propensity * v[untreated]                        on the day a campaign begins, for who is in it
    v(interested)' = v(interested) * (1 - losing) + v(not) * found
    v' = v * exp(-intensity of the cell)                           and the sum over the cells after 90 days is the answer

No random number drawn after the cutoff enters, except those that belong to orders placed before it.

**True effect.** At the last closed cutoff, the same recursion once as it is and once with the treatment put to work
on that day: ``effect = 1 - churn_probability_treated / churn_probability``. Negative: the action drives that customer
away. ``log_intensity`` is what the action adds to the log intensity for 60 days, whenever it is given.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from retain.examples.shop import world
from retain.examples.shop.life import (
    LONGEST,
    WITHOUT_INTEREST,
    felt,
    finding,
    in_campaign,
    intensity,
    losing,
    mood,
    propensity,
)

if TYPE_CHECKING:
    from retain.examples.shop.life import State
    from retain.examples.shop.people import People
    from retain.examples.shop.world import Floats


def no_sale(people: People, state: State, cutoff: int, action: int | None = None) -> Floats:
    """Probability of no sale in the label window after that day, given the hidden state.

    Args:
        people: the customers.
        state: theirs at the start of the day.
        cutoff: the day.
        action: index of the action with which everybody is treated on that day; None: nobody is. No campaign of
            the calendar may begin while it works.
    """
    end = cutoff + world.WINDOW.horizon_days
    works = [_action(day) for day in range(cutoff, end)]
    begins = {one.day for one in world.CAMPAIGNS}
    treated = state.treated
    if action is not None:
        works[: world.EFFECT_DAYS] = [action] * world.EFFECT_DAYS
        treated = np.ones(len(people), dtype=np.bool_)
    keen, feels = state.interested, state.satisfaction
    # Cells: untreated and treated, each interested and not.
    cell = np.stack([~treated & keen, ~treated & ~keen, treated & keen, treated & ~keen]).astype(np.float64)
    found, nothing = finding(people), np.zeros(len(people))
    for day, acting in zip(range(cutoff, end), works, strict=True):
        if acting is None or day in begins:
            cell[:2] += cell[2:]
            cell[2:] = 0
        if acting is not None and day in begins:
            moved = cell[:2] * np.where(in_campaign(people, state.last, day, acting), propensity(people), 0.0)
            cell[2:] += moved
            cell[:2] -= moved
        # The buffer holds each day once; a second round would repeat it.
        feels = felt(feels, state.pending[day % LONGEST] if day < cutoff + LONGEST else nothing)
        feeling = mood(people, feels, day)
        lost = losing(people, feeling)
        level = intensity(people, feeling, state.last, day)
        stays = [np.exp(-level), np.exp(-level * WITHOUT_INTEREST)]
        if acting is not None:
            more = level * np.exp(people.lift[acting])
            stays += [np.exp(-more), np.exp(-more * WITHOUT_INTEREST)]
        for at in range(0, len(stays), 2):
            going = cell[at] * lost - cell[at + 1] * found
            cell[at] = (cell[at] - going) * stays[at]
            cell[at + 1] = (cell[at + 1] + going) * stays[at + 1]
    total: Floats = cell.sum(axis=0)
    return total


def _action(day: int) -> int | None:
    """The action of the campaign at work on that day."""
    campaign = world.RUNNING[day]
    return world.CAMPAIGNS[campaign].action if campaign >= 0 else None
