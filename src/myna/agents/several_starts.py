"""The policy from one start after another, as its first edits win most.

Of what it draws at a guess two of three edits help, after the best of 32 was made five times one of thirty, seven times
one of a hundred: there it does better elsewhere. So each start is left as soon as edits fail; the next ones are the
nearest of a bank that is never rendered. Figures: docs/training-log.md, "Several starts".

Shapes: P parameters.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from myna.agents.base import Objective, Search
from myna.agents.policy import SACPolicy
from myna.agents.proxy_bank import ProxyBank
from myna.errors import UsageError
from myna.synth.renderer import Renderer

__all__ = ["SeveralStarts"]

_BANK = 300
"""Draws of the musical prior, and as many of the regression's guess; five times as many were no better."""


class SeveralStarts(SACPolicy):
    """See the file; after the last start it goes on from the best of all.

    Args:
        renderer: of the synth.
        starts: at most so many after the first, one render each.
        tries: edits that fail in a row before the next start is heard.
        worth: a start is edited if its loss is below so many times the best.
        settings: of `EditingAgent`.

    Raises:
        UsageError: a setting that is out of range.
        MynaError: weights that cannot be used.
    """

    def __init__(
        self, renderer: Renderer, starts: int = 8, tries: int = 1, worth: float = 1.2, **settings: Any
    ) -> None:
        """See the class."""
        super().__init__(renderer, **settings)
        if starts < 0 or tries < 1 or not worth >= 0.0:
            raise UsageError("Of starts, tries and worth, tries must be 1 or more, the others 0 or more.")
        self.starts, self.tries, self.worth = starts, tries, worth
        self._bank = ProxyBank(renderer, _BANK, _BANK)

    def search(self, objective: Objective, rng: np.random.Generator) -> Search:
        """See `Agent.search`."""
        aim = self.ear.aim(objective.goal.audio, objective.goal.probe)
        yield self._first(objective, aim)
        yield from self._episode(objective, aim, objective.heard[0], objective.audio, rng, self.tries)
        for start in self._bank.nearest(objective, self.starts, rng):
            best = objective.best_loss
            yield start[None]
            if objective.losses[0] < self.worth * best:
                yield from self._episode(objective, aim, objective.heard[0], objective.audio, rng, self.tries)
        while True:
            yield from self._episode(objective, aim, objective.best_u, objective.best_audio[None], rng)
