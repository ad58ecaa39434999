"""The default: nearest presets of the bank, a race between the best of them, then all on the winner.

Each round descends (`descent`), tries what no small step can reach (`swaps`), and where both have stalled, spreads
out around the best (`cma_es`). What was tried, with figures: docs/matching.md.
"""

from __future__ import annotations

import numpy as np

from myna.agents.base import Match, Objective, Spent
from myna.agents.cma_es import Polish
from myna.agents.descent import Descent
from myna.agents.retrieval import nearest_presets
from myna.agents.swaps import change_choices, swap_modules

__all__ = ["Auto"]

# A round that improves the loss by less than this part has stalled.
_STALL = 0.01


class Auto:
    """Retrieval, then polish.

    Args:
        share: of the budget that goes into candidates from the bank, at most `most`.
        starts: candidates that are polished at first, one for each 300 renders of the budget at most; halved after
            each two rounds (successive halving).
        donors: nearest presets that modules are taken from.
        swaps, choices: presets tried in each round with modules swapped, with choices changed.
    """

    def __init__(
        self, share: float = 0.2, most: int = 48, starts: int = 3, donors: int = 100, swaps: int = 12, choices: int = 4
    ) -> None:
        """See the class."""
        self.share, self.most, self.starts = share, most, starts
        self.donors, self.swaps, self.choices = donors, swaps, choices

    def match(self, objective: Objective, generator: np.random.Generator) -> Match:
        """See `Agent.match`."""
        try:
            self._search(objective, generator)
        except Spent:
            pass
        return objective.match()

    def _search(self, objective: Objective, generator: np.random.Generator) -> None:
        donors = nearest_presets(objective, max(self.donors, self.most))
        if objective.start is not None:
            donors = np.concatenate([objective.start[None], donors])
        first = donors[: min(self.most, max(2, round(self.share * objective.budget)))]
        climbs = self._begin(objective, objective.constrain(first))
        while len(climbs) > 1:
            for climb in [*climbs, *climbs]:
                climb.round(donors, self.swaps, self.choices, generator)
            climbs = sorted(climbs, key=lambda climb: climb.loss)[: len(climbs) // 2]
        while True:
            climbs[0].round(donors, self.swaps, self.choices, generator)

    def _begin(self, objective: Objective, u: np.ndarray) -> list[_Climb]:
        losses = objective.evaluate(u)
        residuals = objective.residuals()
        best = np.argsort(losses, kind="stable")[: min(self.starts, max(1, objective.budget // 300))]
        return [_Climb(Descent(objective, u[i], float(losses[i]), residuals[i])) for i in best]


class _Climb:
    """One start and all that is done to better it."""

    def __init__(self, descent: Descent) -> None:
        self.descent = descent
        self.objective = descent.objective
        self.polish: Polish | None = None

    @property
    def loss(self) -> float:
        return self.descent.loss

    def round(self, donors: np.ndarray, swaps: int, choices: int, generator: np.random.Generator) -> None:
        """Descend, swap, and polish if that did little; raises Spent from the objective."""
        before = self.loss
        self.descent.run(generator)
        swapped = swap_modules(self.objective, self.descent.u, donors, swaps, generator)
        tried = np.concatenate([swapped, change_choices(self.objective, self.descent.u, choices, generator)])
        self._keep(tried, self.objective.evaluate(tried))
        if self.loss > (1.0 - _STALL) * before:
            self._polish(generator)

    def _polish(self, generator: np.random.Generator) -> None:
        # An optimiser that has not been overtaken goes on with what it has learned.
        if self.polish is None or not np.array_equal(self.polish.u, self.descent.u):
            self.polish = Polish(self.objective, self.descent.u, generator)
        if self._keep(*self.polish.generation()):
            self.polish.u = self.descent.u

    def _keep(self, u: np.ndarray, losses: np.ndarray) -> bool:
        """Go on from the best of the presets evaluated last, if it is better."""
        best = int(np.argmin(losses))
        better = bool(losses[best] < self.loss)
        if better:
            self.descent.move_to(u[best], float(losses[best]), self.objective.residuals()[best])
        return better
