"""How well a policy does on fixed tasks that nobody learns from.

Shapes: n tasks, D numbers of an observation.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

import torch

from myna.agents.heads import Live
from myna.agents.rows import RowView
from myna.envs.core import Core
from myna.envs.task import TaskBatch
from myna.features import one_core

__all__ = ["Played", "Policy", "play_out"]

Policy = Callable[[torch.Tensor, Live], Mapping[str, torch.Tensor]]
"""From observations (n, D) and what is live to an action by heads."""
_MOST = 128  # tasks at once


class Played(NamedTuple):
    """How tasks ended, (n,) each: loss of the `start`, lowest loss (`best`), and whether the target was `reached`."""

    start: torch.Tensor
    best: torch.Tensor
    reached: torch.Tensor

    def of(self, rows: torch.Tensor) -> Played:
        """Some of them."""
        return Played(*(values[rows] for values in self))

    def figures(self, name: str) -> dict[str, float]:
        """Medians of both losses and the share of success, under `eval/name/`."""
        return {
            f"eval/{name}/start": float(self.start.double().quantile(0.5)),
            f"eval/{name}/best": float(self.best.double().quantile(0.5)),
            f"eval/{name}/success": float(self.reached.double().mean()),
        }


@one_core()
def play_out(core: Core, tasks: TaskBatch, policy: Policy) -> Played:
    """Play tasks to their end."""
    parts = [_play(core, tasks[row : row + _MOST], policy) for row in range(0, len(tasks), _MOST)]
    return Played(*(torch.cat(values) for values in zip(*parts, strict=True)))


def _play(core: Core, tasks: TaskBatch, policy: Policy) -> Played:
    start = state = core.reset(tasks)
    live = RowView(core.layout, core.decoder).live(tasks.open)
    while not bool(state.ended.all()):
        state = core.step(state, policy(core.observe(state), live)).state
    return Played(start.loss, state.best_loss, state.best_loss <= core.config.ends.success_loss)
