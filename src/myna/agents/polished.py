"""Any agent's best presets, polished by CMA-ES: the class behind every `X+cma-es`."""

from __future__ import annotations

from typing import cast

import numpy as np

from myna.agents.archive import AUDIBLE_DB
from myna.agents.base import Agent, Objective, Search
from myna.agents.cma_es import Polish
from myna.agents.guide import PLANNED, Guide
from myna.agents.likely import Proposer
from myna.agents.lockstep import only
from myna.agents.proxy_view import Foreteller

__all__ = ["MOST", "RACES", "SHARE", "Polished", "plan"]

SHARE, MOST, RACES = 0.16, 16, 3


def plan(budget: int, share: float = SHARE, most: int = MOST, races: int = RACES) -> tuple[int, int]:
    """All that a budget decides: the renders of the first agent, and how many starts race at most.

    >>> plan(1000) == plan(2000) == (16, 3)
    True
    """
    return min(most, max(1, round(share * budget))), min(races, max(1, budget // 300))


class Polished(Agent):
    """A few renders for the first agent, the others for CMA-ES around what it found.

    Its bests that differ to the ear are the starts; several are raced against one another where the budget allows, and
    the worse half falls out after each heat (successive halving). Small steps never change a choice: after each
    generation the first agent, if it is one that can, proposes a few choices changed in the best preset. Where it knows
    a model of the synth, that guides the optimiser, see `agents.guide`.

    Args:
        first: the agent whose presets are polished.
        share: of the budget that the first agent gets, at most `most` renders: 8 at 50, 16 from 100 on.
        races: starts at most, one for each 300 renders of the budget.
        heat: generations of each start before the worse half falls out.
        sigma, population: of the optimiser.
        proposals: of the first agent after each generation.
        guided: by the first agent's model of the synth, if it has one.
    """

    def __init__(
        self,
        first: Agent,
        *,
        share: float = SHARE,
        most: int = MOST,
        races: int = RACES,
        heat: int = 4,
        sigma: float = 0.05,
        population: int = 12,
        proposals: int = 3,
        guided: bool = True,
    ) -> None:
        """See the class."""
        super().__init__(first.renderer)
        self.first, self.proposals = first, proposals if hasattr(first, "propose") else 0
        self.guided = guided and hasattr(first, "foretell")
        self.share, self.most = share, most
        self.races, self.heat = races, heat
        self.sigma, self.population = sigma, population

    def search(self, objective: Objective, rng: np.random.Generator) -> Search:
        """See `Agent.search`."""
        renders, races = plan(objective.budget, self.share, self.most, self.races)
        yield from only(objective, self.first.search(objective, rng), renders)
        if not objective.renders:
            return
        racing = [_Start(self, objective, *found, rng) for found in _starts(objective, races)]
        while len(racing) > 1:
            for start in racing:
                for _ in range(self.heat):
                    yield from start.generation()
            racing = sorted(racing, key=lambda start: start.loss)[: len(racing) // 2]
        while True:
            yield from racing[0].generation()


def _starts(objective: Objective, count: int) -> list[tuple[np.ndarray, float]]:
    """The best presets so far that differ to the ear, and their losses."""
    u, losses = objective.archive.best(count, AUDIBLE_DB)
    return list(zip(u, losses.tolist(), strict=True))


class _Start:
    """One preset that is polished: the best of what came of it, how that sounds, and the optimiser."""

    def __init__(
        self, agent: Polished, objective: Objective, u: np.ndarray, loss: float, rng: np.random.Generator
    ) -> None:
        self.agent, self.objective, self.rng = agent, objective, rng
        self.u, self.loss = u, loss
        # Of all that was heard before the sound of the best alone was kept.
        self.audio = objective.best_audio if np.array_equal(u, objective.best_u) else None
        self.population = agent.population
        view = cast(Foreteller, agent.first).foretell(objective) if agent.guided else None
        self.guide = Guide(view, self.u, self.audio, rng) if view else None
        self.polish = self._begin()

    def _begin(self) -> Polish:
        return Polish(self.objective, self.u, self.rng, self.agent.sigma, self.population, self.guide)

    def generation(self) -> Search:
        """One generation and what is proposed after it; the optimiser, at its end, begins again with twice as many."""
        if self.polish.optimizer.should_stop():
            self.population *= 2
            self.polish = self._begin()
        yield from self.polish.generation()
        if self.guide:
            self.guide.judge(bool(self.objective.losses[-PLANNED:].min() < self.loss))
        self._keep()
        if self.agent.proposals and self.audio is not None:
            yield from self._proposed(self.audio)

    def _proposed(self, audio: np.ndarray) -> Search:
        first = cast(Proposer, self.agent.first)
        asked = first.propose(self.objective, self.u, audio, self.agent.proposals, self.rng)
        if len(asked):
            yield asked
            if self._keep():
                self.polish.u = self.u.copy()  # which is where all but the optimiser's own knobs are taken from

    def _keep(self) -> bool:
        """Go on from the best of the presets heard last, if it is better."""
        best = int(np.argmin(self.objective.losses))
        better = bool(self.objective.losses[best] < self.loss)
        if self.guide:
            self.guide.learn(self.objective.heard, self.objective.audio, best if better else None)
        if not better:
            return False
        self.u, self.loss = self.objective.heard[best], float(self.objective.losses[best])
        self.audio = self.objective.audio[best]
        return True
