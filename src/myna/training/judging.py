"""How well a policy does on fixed tasks that nobody learns from.

Shapes: n tasks, D numbers of an observation.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import torch

from myna.agents.heads import Live
from myna.agents.rows import RowView
from myna.envs.callbacks import Episode
from myna.envs.core import Core
from myna.envs.episodes import episode
from myna.envs.state import State
from myna.envs.task import TaskBatch
from myna.features import one_core

__all__ = ["SLOTS", "Played", "Policy", "over_sets", "play_out", "to_show"]

Policy = Callable[[torch.Tensor, Live], Mapping[str, torch.Tensor]]
"""From observations (n, D) and what is live to an action by heads."""
SLOTS = ("best", "worst", "fixed_1", "fixed_2")
"""Episodes of an evaluation that are worth a look: two that change, and two tasks that stay the same."""
_MOST = 128  # tasks at once
_COLUMNS = ("start", "best", "reached", "reward", "steps")


@dataclass(frozen=True)
class Played:
    """How tasks ended.

    Attributes:
        start: (n,) losses of the starts.
        best: (n,) lowest losses.
        reached: (n,) bool, whether the target was.
        reward: (n,) returns, undiscounted.
        steps: (n,) that were made.
        terms: name → (n,), what adds up to `best`.
        shown: slot → one of the episodes.
    """

    start: torch.Tensor
    best: torch.Tensor
    reached: torch.Tensor
    reward: torch.Tensor
    steps: torch.Tensor
    terms: Mapping[str, torch.Tensor]
    shown: Mapping[str, Episode] = field(default_factory=dict)

    def of(self, rows: torch.Tensor) -> Played:
        """Some of them; none is shown."""
        columns = {name: getattr(self, name)[rows] for name in _COLUMNS}
        return Played(**columns, terms={name: term[rows] for name, term in self.terms.items()})

    def figures(self, name: str) -> dict[str, float]:
        """Medians of both losses, share of success, and means of return and length, under `eval/name/`."""
        return {
            f"eval/{name}/start": float(self.start.double().quantile(0.5)),
            f"eval/{name}/best": float(self.best.double().quantile(0.5)),
            f"eval/{name}/success_rate": float(self.reached.double().mean()),
            f"eval/{name}/mean_reward": float(self.reward.double().mean()),
            f"eval/{name}/mean_ep_length": float(self.steps.double().mean()),
        }

    def term_figures(self, name: str) -> dict[str, float]:
        """Means of the terms of the lowest losses, under `eval/name/`."""
        return {f"eval/{name}/loss_{term}": float(values.double().mean()) for term, values in self.terms.items()}


def over_sets(figures: Mapping[str, float], sets: Sequence[str]) -> dict[str, float]:
    """Means over the sets that count of what Stable-Baselines3 tells of its one, under `eval/`."""
    names = ("mean_reward", "mean_ep_length", "success_rate")
    return {f"eval/{name}": sum(figures[f"eval/{one}/{name}"] for one in sets) / len(sets) for name in names}


@one_core()
def play_out(core: Core, tasks: TaskBatch, policy: Policy) -> Played:
    """Play tasks to their end."""
    parts, ends = zip(
        *(_play(core, tasks[row : row + _MOST], policy) for row in range(0, len(tasks), _MOST)), strict=True
    )
    columns = {name: torch.cat([getattr(part, name) for part in parts]) for name in _COLUMNS}
    terms = {name: torch.cat([part.terms[name] for part in parts]) for name in parts[0].terms}
    return Played(**columns, terms=terms, shown=to_show(core, ends, terms))


def _play(core: Core, tasks: TaskBatch, policy: Policy) -> tuple[Played, State]:
    start = state = core.reset(tasks)
    live = RowView(core.layout, core.decoder).live(tasks.open)
    reward, terms = torch.zeros_like(start.loss, dtype=torch.float64), dict(start.terms)
    while not bool(state.ended.all()):
        before, done = state.best_loss, core.step(state, policy(core.observe(state), live))
        state, reward = done.state, reward + done.reward
        better = state.best_loss < before
        terms = {name: torch.where(better, state.terms[name], term) for name, term in terms.items()}
    reached = state.best_loss <= core.config.ends.success_loss
    return Played(start.loss, state.best_loss, reached, reward, state.step, terms), state


def to_show(core: Core, ends: Sequence[State], terms: Mapping[str, torch.Tensor]) -> dict[str, Episode]:
    """The episodes of the `SLOTS`; they hold on to their own rows alone, and render when they are asked for sounds.

    Args:
        core: that played them.
        ends: last states, of `_MOST` tasks each but for the last one.
        terms: name → (n,), of all lowest losses.
    """
    best = torch.cat([state.best_loss for state in ends]).nan_to_num(nan=torch.inf)
    rows = dict(zip(SLOTS, (int(best.argmin()), int(best.argmax()), 0, len(best) // 2), strict=True))
    return {
        slot: replace(
            episode(core, ends[row // _MOST], row % _MOST), terms={n: float(term[row]) for n, term in terms.items()}
        )
        for slot, row in rows.items()
    }
