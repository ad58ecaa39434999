"""Any agent's best presets, bettered by descent and jumps: the class behind `auto` and every `X+descent`.

A bank that is never rendered (`agents.proxy_bank`) gives starts beside those of the first agent, and modules to swap
in. What was tried, with figures: docs/matching.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import numpy as np

from myna.agents.archive import AUDIBLE_DB
from myna.agents.base import Agent, Objective, Search
from myna.agents.climb import Candidate, Climb, hear, race
from myna.agents.likely import Proposer
from myna.agents.lockstep import only
from myna.agents.proxy_bank import ProxyBank
from myna.agents.swaps import change_choices, swap_modules

__all__ = ["Descended", "plan"]

FIRST, BANKED = (0.3, 16), (0.16, 16)
"""Of the budget, and at most so many renders: for the first agent, and for candidates of the bank."""
RACES = 3


def plan(budget: int, races: int = RACES) -> tuple[int, int, int]:
    """All that a budget decides: renders of the first agent and for the bank, and how many starts race at most.

    >>> plan(50), plan(1000) == plan(2000) == (16, 16, 3)
    ((15, 8, 1), True)
    """
    first, banked = (min(most, max(1, round(share * budget))) for share, most in (FIRST, BANKED))
    return first, banked, min(races, max(1, budget // 300))


class Descended(Agent):
    """Some renders for the first agent and the bank, the others for climbs from the best of both, see `agents.climb`.

    A preset that the goal says to start from is the first that is taken of the bank.

    Args:
        first: the agent whose presets are bettered.
        races: climbs at most, one for each 300 renders of the budget, from starts that differ to the ear; the worse
            half falls out after each two rounds.
        donors: nearest presets of the bank that modules are taken from.
        swaps, choices: presets tried in each round with modules swapped, with choices drawn again.
        proposals: of the first agent in each round, choices changed in the best preset, if it is one that can.

    Raises:
        MynaError: weights of the bank that cannot be used.
    """

    def __init__(
        self,
        first: Agent,
        *,
        races: int = RACES,
        donors: int = 100,
        swaps: int = 6,
        choices: int = 4,
        proposals: int = 4,
    ) -> None:
        """See the class."""
        super().__init__(first.renderer)
        self.first, self.proposals = first, proposals if hasattr(first, "propose") else 0
        self.races, self.donors, self.swaps, self.choices = races, donors, swaps, choices
        self._bank = ProxyBank(first.renderer)

    def search(self, objective: Objective, rng: np.random.Generator) -> Search:
        """See `Agent.search`."""
        first, banked, races = plan(objective.budget, self.races)
        found = yield from hear(objective, only(objective, self.first.search(objective, rng), first))
        donors = self._bank.nearest(objective, self.donors, rng)
        found += yield from hear(objective, only(objective, _ask(donors), banked))

        def jumps(u: np.ndarray) -> np.ndarray:
            swapped = swap_modules(objective, u, donors, self.swaps, rng)
            changed = change_choices(objective, u, self.choices, rng)
            return np.concatenate([swapped, changed, self._proposed(objective, u, rng)])

        yield from race([Climb(objective, start, jumps, rng) for start in _starts(objective, found, races)])

    def _proposed(self, objective: Objective, u: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Presets (n, P) that the first agent would try in place of u (P,), none if u is not the best of all.

        Of all that was heard before, only how the best sounds is kept.
        """
        if not self.proposals or not np.array_equal(u, objective.best_u):
            return np.empty((0, len(u)))
        first = cast(Proposer, self.first)
        return first.propose(objective, u, objective.best_audio, self.proposals, rng)


def _ask(u: np.ndarray) -> Search:
    yield u


def _starts(objective: Objective, found: Sequence[Candidate], count: int) -> list[Candidate]:
    """The best of what was heard that differ to the ear."""
    u, _ = objective.archive.best(count, AUDIBLE_DB)
    by_preset = {one.u.tobytes(): one for one in found}
    return [by_preset[row.tobytes()] for row in u]
