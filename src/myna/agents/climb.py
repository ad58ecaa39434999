"""What betters a preset by all means: descent, jumps that no small step makes, CMA-ES where both stall; and races.

Shapes: n presets, P parameters, R residuals.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from typing import NamedTuple

import numpy as np

from myna.agents.base import Objective, Search
from myna.agents.cma_es import Polish
from myna.agents.descent import Descent
from myna.agents.lockstep import step

__all__ = ["Candidate", "Climb", "hear", "race"]

# A round that improves the loss by less than this part has stalled.
_STALL = 0.01


class Candidate(NamedTuple):
    """A preset (P,), its loss and its residuals (R,)."""

    u: np.ndarray
    loss: float
    residual: np.ndarray


def hear(objective: Objective, search: Search) -> Generator[np.ndarray, np.ndarray, list[Candidate]]:
    """Run a search to its end; all that it asked for."""
    found: list[Candidate] = []
    losses = None
    while (asked := step(search, losses)) is not None:
        losses = yield asked
        found += map(Candidate, objective.heard, losses.tolist(), objective.residuals())
    return found


class Climb:
    """One start and all that is done to better it.

    Args:
        objective: of the search.
        start: was heard already.
        jumps: presets (n, P) to try from a preset (P,) after each descent.
        rng: of all draws.
    """

    def __init__(
        self,
        objective: Objective,
        start: Candidate,
        jumps: Callable[[np.ndarray], np.ndarray],
        rng: np.random.Generator,
    ) -> None:
        """See the class."""
        self.objective, self.jumps, self.rng = objective, jumps, rng
        self.descent = Descent(objective, *start)
        self.polish: Polish | None = None

    @property
    def loss(self) -> float:
        """The lowest so far."""
        return self.descent.loss

    def round(self) -> Search:
        """Descend, jump, and polish if that did little."""
        before = self.loss
        yield from self.descent.run(self.rng)
        yield self.jumps(self.descent.u)
        self._keep()
        if self.loss > (1.0 - _STALL) * before:
            yield from self._polish()

    def _polish(self) -> Search:
        # An optimiser that has not been overtaken goes on with what it has learned.
        if self.polish is None or not np.array_equal(self.polish.u, self.descent.u):
            self.polish = Polish(self.objective, self.descent.u, self.rng)
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


def race(climbs: Sequence[Climb]) -> Search:
    """Two rounds each, the worse half falls out (successive halving); the last one goes on for ever."""
    while len(climbs) > 1:
        for climb in [*climbs, *climbs]:
            yield from climb.round()
        climbs = sorted(climbs, key=lambda climb: climb.loss)[: len(climbs) // 2]
    while True:
        yield from climbs[0].round()
