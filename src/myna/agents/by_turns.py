"""The policy's edits and planned steps by turns: two ways to the target that fail on different sounds.

Both know the same model of the synth. The policy draws whole edits, choices included, as reward taught it; the planner
turns all knobs down the model's slope and learns from every render, the policy's too, where the model is wrong. Each
goes on from the best of both, as planning with a policy for proposals does (TD-MPC: Hansen et al. 2022, arXiv
2203.04955). What either does alone: docs/training-log.md, "By turns".

Shapes: P parameters.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from myna.agents.base import Objective, Search
from myna.agents.ear import Situation
from myna.agents.policy import SACPolicy
from myna.agents.proxy import Plan
from myna.errors import UsageError
from myna.synth.renderer import Renderer

__all__ = ["ByTurns"]


class ByTurns(SACPolicy):
    """See the file; the first preset is the policy's start, then an edit of the policy, a planned step, and so on.

    Args:
        renderer: of the synth.
        settings: of `EditingAgent`.

    Raises:
        UsageError: a policy without foresight.
        MynaError: weights that cannot be used.
    """

    def __init__(self, renderer: Renderer, **settings: Any) -> None:
        """See the class."""
        super().__init__(renderer, **settings)
        if self.foresight is None:
            raise UsageError("To plan between its edits a policy needs foresight: take weights that have it, or `sac`.")
        self._net = self.foresight.net

    def search(self, objective: Objective, rng: np.random.Generator) -> Search:
        """See `Agent.search`."""
        aim = self.ear.aim(objective.goal.audio, objective.goal.probe)
        yield self._first(objective, aim)
        plan = Plan(self._net, self.ear, objective, aim)
        best, raw_u = self.ear.hear(objective.audio, aim), torch.from_numpy(objective.heard.copy())
        moved, open_ = torch.zeros_like(raw_u), torch.from_numpy(objective.open)[None]
        step = 0
        while True:
            if step % 2 == 0:
                where = Situation(raw_u, moved, open_, best.loss, step % self.horizon, self.horizon, self.bound)
                move = self._move(aim, best, where, rng)
                tried, moved = move.raw_u, move.moved
                yield move.u.numpy()
            else:
                tried = torch.from_numpy(plan.step(rng)[None])
                moved = tried - raw_u
                yield tried.numpy()
            heard = self.ear.hear(objective.audio, aim)
            if plan.keep():
                best, raw_u = heard, tried
            step += 1
