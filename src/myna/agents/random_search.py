"""Random search: the best of as many draws of the musical prior."""

from __future__ import annotations

import numpy as np

from myna.agents.base import Agent, Objective, Search
from myna.presets.generator import MusicalPrior

__all__ = ["RandomSearch"]

_BATCH = 32


class RandomSearch(Agent):
    """Draws presets until the budget is spent."""

    def search(self, objective: Objective, rng: np.random.Generator) -> Search:
        """See `Agent.search`."""
        prior = MusicalPrior(objective.table)
        while True:
            yield prior.sample(_BATCH, rng)
