"""What betters a preset: descent, and jumps that no small step makes while they help; and races.

Shapes: n presets, P parameters, R residuals.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from typing import NamedTuple

import numpy as np

from myna.agents.base import Objective, Search
from myna.agents.descent import Descent
from myna.agents.lockstep import step

__all__ = ["Candidate", "Climb", "hear", "race"]

_LONGEST_PAUSE = 3
"""Rounds without jumps, at most: 1 after those that won nothing, then 3."""


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
    """One start and all that is done to better it: descents, and jumps for as long as they help.

    Of renders past the first few hundred nearly all that is won is won by descents (docs/matching.md, "Where renders
    go"), so jumps that win nothing are made ever less often.

    Args:
        objective: of the search.
        start: was heard already.
        jumps: presets (n, P) to try from a preset (P,) after a descent.
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
        self._pause, self._left = 0, 0

    @property
    def loss(self) -> float:
        """The lowest so far."""
        return self.descent.loss

    def round(self) -> Search:
        """Descend, and jump unless that is paused."""
        yield from self.descent.run(self.rng)
        if self._left:
            self._left -= 1
            return
        yield self.jumps(self.descent.u)
        self._pause = 0 if self._keep() else min(2 * self._pause + 1, _LONGEST_PAUSE)
        self._left = self._pause

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
