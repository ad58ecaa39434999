"""Random search: the best of as many draws of the musical prior."""

from __future__ import annotations

import numpy as np

from myna.agents.base import Match, Objective, Spent
from myna.presets.generator import MusicalPrior

__all__ = ["RandomSearch"]

_BATCH = 32


class RandomSearch:
    """Draws presets until the budget is spent."""

    def match(self, objective: Objective, generator: np.random.Generator) -> Match:
        """See `Agent.match`."""
        prior = MusicalPrior(objective.table)
        try:
            while True:
                objective.evaluate(prior.sample(_BATCH, generator))
        except Spent:
            return objective.match()
