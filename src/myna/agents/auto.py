"""The default: nearest presets of the bank, some planned with the proxy, a race of the best, then all on the winner.

Each round descends (`descent`), tries what no small step can reach (`swaps`), and where both have stalled, spreads
out around the best (`cma_es`). What was tried, with figures: docs/matching.md.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import NamedTuple

import numpy as np

from myna.agents.base import Agent, Objective, Search
from myna.agents.cma_es import Polish
from myna.agents.descent import Descent
from myna.agents.lockstep import only, step
from myna.agents.retrieval import nearest_presets
from myna.agents.swaps import change_choices, swap_modules
from myna.synth.renderer import Renderer

__all__ = ["BANKED", "RACES", "STARTED", "Auto", "plan"]

BANKED, STARTED = (0.1, 48), (0.16, 16)
"""Of the budget, and at most so many renders: for candidates from the bank, and from another agent."""
RACES = 3
# A round that improves the loss by less than this part has stalled.
_STALL = 0.01


def plan(
    budget: int, banked: tuple[float, int] = BANKED, started: tuple[float, int] = STARTED, races: int = RACES
) -> tuple[int, int, int]:
    """All that a budget decides: renders for the bank and for the other agent, and how many candidates race at most.

    >>> plan(1000) == plan(2000) == (48, 16, 3)
    True
    """
    shares = [min(most, max(least, round(share * budget))) for (share, most), least in ((banked, 2), (started, 1))]
    return shares[0], shares[1], min(races, max(1, budget // 300))


class Auto(Agent):
    """Retrieval, then polish.

    Args:
        renderer: of candidates.
        share: of the budget that goes into candidates from the bank, at most `most`.
        races: candidates that are polished at first, one for each 300 renders of the budget at most; halved after
            each two rounds (successive halving).
        donors: nearest presets that modules are taken from.
        swaps, choices: presets tried in each round with modules swapped, with choices changed.
        starts: an agent, or the name of one, whose presets are candidates beside those of the bank; None for none.
        starts_share: of the budget that this agent gets besides, at most `starts_most` renders.
    """

    def __init__(
        self,
        renderer: Renderer,
        share: float = BANKED[0],
        most: int = BANKED[1],
        races: int = RACES,
        donors: int = 100,
        swaps: int = 12,
        choices: int = 4,
        starts: Agent | str | None = "proxy",
        starts_share: float = STARTED[0],
        starts_most: int = STARTED[1],
    ) -> None:
        """See the class."""
        from myna.agents.registry import make_agent  # it names this module

        super().__init__(renderer)
        self.share, self.most, self.races = share, most, races
        self.donors, self.swaps, self.choices = donors, swaps, choices
        self.starts = make_agent(starts, renderer) if isinstance(starts, str) else starts
        self.starts_share, self.starts_most = starts_share, starts_most

    def search(self, objective: Objective, rng: np.random.Generator) -> Search:
        """See `Agent.search`."""
        donors = nearest_presets(objective, max(self.donors, self.most))
        if not len(donors):
            return
        if objective.goal.start is not None:
            donors = np.concatenate([objective.goal.start[None], donors])
        climbs = yield from self._begin(objective, donors, rng)
        while len(climbs) > 1:
            for climb in [*climbs, *climbs]:
                yield from climb.round(donors, self.swaps, self.choices, rng)
            climbs = sorted(climbs, key=lambda climb: climb.loss)[: len(climbs) // 2]
        while True:
            yield from climbs[0].round(donors, self.swaps, self.choices, rng)

    def _begin(
        self, objective: Objective, donors: np.ndarray, rng: np.random.Generator
    ) -> Generator[np.ndarray, np.ndarray, list[_Climb]]:
        """Hear the candidates; climbs from the best of them."""
        shares = (self.share, self.most), (self.starts_share, self.starts_most)
        banked, started, races = plan(objective.budget, *shares, self.races)
        found = yield from _hear(objective, _ask(donors[:banked]))
        if self.starts is not None:
            found += yield from _hear(objective, only(objective, self.starts.search(objective, rng), started))
        best = sorted(found, key=lambda one: one.loss)[:races]
        return [_Climb(Descent(objective, *one)) for one in best]


class _Candidate(NamedTuple):
    """A preset (P,), its loss and its residuals (R,)."""

    u: np.ndarray
    loss: float
    residual: np.ndarray


def _ask(u: np.ndarray) -> Search:
    yield u


def _hear(objective: Objective, search: Search) -> Generator[np.ndarray, np.ndarray, list[_Candidate]]:
    """Run a search to its end; all that it asked for."""
    found: list[_Candidate] = []
    losses = None
    while (asked := step(search, losses)) is not None:
        losses = yield asked
        found += map(_Candidate, objective.heard, losses.tolist(), objective.residuals())
    return found


class _Climb:
    """One start and all that is done to better it."""

    def __init__(self, descent: Descent) -> None:
        self.descent = descent
        self.objective = descent.objective
        self.polish: Polish | None = None

    @property
    def loss(self) -> float:
        return self.descent.loss

    def round(self, donors: np.ndarray, swaps: int, choices: int, rng: np.random.Generator) -> Search:
        """Descend, swap, and polish if that did little."""
        before = self.loss
        yield from self.descent.run(rng)
        swapped = swap_modules(self.objective, self.descent.u, donors, swaps, rng)
        yield np.concatenate([swapped, change_choices(self.objective, self.descent.u, choices, rng)])
        self._keep()
        if self.loss > (1.0 - _STALL) * before:
            yield from self._polish(rng)

    def _polish(self, rng: np.random.Generator) -> Search:
        # An optimiser that has not been overtaken goes on with what it has learned.
        if self.polish is None or not np.array_equal(self.polish.u, self.descent.u):
            self.polish = Polish(self.objective, self.descent.u, rng)
        yield from self.polish.generation()
        if self._keep():
            self.polish.u = self.descent.u

    def _keep(self) -> bool:
        """Go on from the best of the presets heard last, if it is better."""
        best = int(np.argmin(self.objective.losses))
        loss = float(self.objective.losses[best])
        if loss < self.loss:
            self.descent.move_to(self.objective.heard[best], loss, self.objective.residuals()[best])
            return True
        return False
