"""The state of B episodes: tensors that nobody changes in place; a step makes new ones.

Shapes: B environments, N probes, P parameters, D numbers of a summary, S steps made so far.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace

import torch

from myna.envs.task import TaskBatch
from myna.features import Features, one_core
from myna.loss import Heard

__all__ = ["State"]


@dataclass(frozen=True, eq=False)
class State:
    """Where B episodes are.

    Attributes:
        tasks: what they are about.
        u: (B, P) float64, the current presets, discrete parameters at bin centres.
        raw_u: (B, P) float64, positions before snapping, where integers gather small steps.
        summary: (B, N, D) float32, of the current sounds, standardised.
        goal: the targets as the loss hears them, leading shape (B, N); what it derives is derived once per episode.
        target_summary: (B, N, D) float32, of the targets; made once per episode.
        played: (B, N, 3) float64, of the probes: see `observation.played`.
        loss: (B,) float32, mean over the probes; one whose render is not finite counts BROKEN.
        terms: name → (B,) float32, what the terms and penalties add to `loss`.
        step: (B,) int64, steps made since the episode began.
        moved: (B, P) float64, how far each parameter moved in the last step; 0 at the start.
        best_loss: (B,) float32, the lowest loss of the episode so far.
        best_u: (B, P) float64, the preset that had it, the first of equals.
        best_step: (B,) int64, the step that made it, 0 for the start.
        broken: (B,) bool, the current render holds NaN or infinity.
        terminated: (B,) bool, the episode has ended for good.
        truncated: (B,) bool, it was cut off.
        idle: (B,) int64, steps of others since the episode ended; it stays as it is meanwhile.
        trail_u: presets (B, P) after each step of any, the last one is `u`; as many as the longest horizon needs.
        trail_loss: losses (B,) likewise.
        features: of the current sounds, leading shape (B, N), where a core keeps them; `put` and its like do not.
    """

    tasks: TaskBatch
    u: torch.Tensor
    raw_u: torch.Tensor
    summary: torch.Tensor
    goal: Heard
    target_summary: torch.Tensor
    played: torch.Tensor
    loss: torch.Tensor
    terms: Mapping[str, torch.Tensor]
    step: torch.Tensor
    moved: torch.Tensor
    best_loss: torch.Tensor
    best_u: torch.Tensor
    best_step: torch.Tensor
    broken: torch.Tensor
    terminated: torch.Tensor
    truncated: torch.Tensor
    idle: torch.Tensor
    trail_u: tuple[torch.Tensor, ...]
    trail_loss: tuple[torch.Tensor, ...]
    features: Features | None = None

    def __len__(self) -> int:
        """Number of environments, B."""
        return len(self.loss)

    @property
    def ended(self) -> torch.Tensor:
        """Which episodes are over, (B,) bool."""
        return self.terminated | self.truncated

    def history(self, row: int) -> tuple[torch.Tensor, torch.Tensor]:
        """Presets (S + 1, P) and losses (S + 1,) of one episode, from its start to its last step.

        One that waits for longer than a horizon after its end loses its beginning.
        """
        stop = max(1, len(self.trail_u) - int(self.idle[row]))
        kept = slice(max(0, stop - int(self.step[row]) - 1), stop)
        return torch.stack([u[row] for u in self.trail_u[kept]]), torch.stack([x[row] for x in self.trail_loss[kept]])

    @one_core()
    def put(self, rows: torch.Tensor, other: State) -> State:
        """The same state with the episodes at `rows` (n,) int64 replaced by those of `other`, n that just began."""
        if len(rows) == len(self):
            return other
        changed = {
            field.name: put_rows(getattr(self, field.name), rows, getattr(other, field.name))
            for field in fields(self)
            if isinstance(getattr(self, field.name), torch.Tensor)
        }
        tasks = self.tasks.put(rows, other.tasks)
        return replace(
            self,
            **changed,
            tasks=tasks,
            goal=self.goal.put(rows, other.goal, tasks.target),
            terms={name: put_rows(term, rows, other.terms[name]) for name, term in self.terms.items()},
            trail_u=(*self.trail_u[:-1], changed["u"]),
            trail_loss=(*self.trail_loss[:-1], changed["loss"]),
            features=None,
        )


def put_rows(values: torch.Tensor, rows: torch.Tensor, fresh: torch.Tensor) -> torch.Tensor:
    """A copy of values (B, …) with `rows` (n,) replaced by fresh ones (n, …)."""
    return values.index_copy(0, rows, fresh)
