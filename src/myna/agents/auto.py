"""The default: nearest presets of the bank, a race between the best of them, then all on the winner.

Each round descends (`descent`), tries what no small step can reach (`swaps`), and goes on from the best.
"""

from __future__ import annotations

import numpy as np

from myna.agents.base import Match, Objective, Spent
from myna.agents.descent import Descent
from myna.agents.retrieval import nearest_presets
from myna.agents.swaps import change_choices, swap_modules

__all__ = ["Auto"]


class Auto:
    """Retrieval, then polish.

    Args:
        share: of the budget that goes into candidates from the bank (at most `most`).
        starts: candidates that are polished at first; halved after each two rounds.
        donors: nearest presets that modules are taken from.
        swaps, choices: presets tried in each round with modules swapped, with choices changed.
    """

    def __init__(
        self, share: float = 0.2, most: int = 48, starts: int = 1, donors: int = 100, swaps: int = 4, choices: int = 4
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
        runs = self._begin(objective, objective.constrain(first))
        while len(runs) > 1:
            for run in [*runs, *runs]:
                self._round(objective, run, donors, generator)
            runs = sorted(runs, key=lambda run: run.loss)[: len(runs) // 2]
        while True:
            self._round(objective, runs[0], donors, generator)

    def _begin(self, objective: Objective, u: np.ndarray) -> list[Descent]:
        losses = objective.evaluate(u)
        residuals = objective.residuals()
        best = np.argsort(losses, kind="stable")[: self.starts]
        return [Descent(objective, u[i], float(losses[i]), residuals[i]) for i in best]

    def _round(self, objective: Objective, run: Descent, donors: np.ndarray, generator: np.random.Generator) -> None:
        run.run(generator)
        swapped = swap_modules(objective, run.u, donors, self.swaps, generator)
        tried = np.concatenate([swapped, change_choices(objective, run.u, self.choices, generator)])
        losses = objective.evaluate(tried)
        best = int(np.argmin(losses))
        if losses[best] < run.loss:
            run.move_to(tried[best], losses[best], objective.residuals()[best])
