"""The state of B episodes: tensors that nobody changes in place; a step makes new ones.

Shapes: B environments, N probes, P parameters, D numbers of a summary, S steps made so far.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

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
        put = self._combine(self.tasks.put(rows, other.tasks), lambda old, new: put_rows(old, rows, new), other)
        trails = {name: (*getattr(self, name)[:-1], *getattr(put, name)) for name in ("trail_u", "trail_loss")}
        return replace(put, **trails)

    @one_core()
    def pick(self, rows: torch.Tensor) -> State:
        """Some of the episodes, `rows` (n,) int64, that just began."""
        return self._combine(self.tasks[rows], lambda values: values.index_select(0, rows))

    @one_core()
    def join(self, other: State) -> State:
        """Episodes that just began, followed by others that did."""
        tasks = TaskBatch.cat([self.tasks, other.tasks])
        return self._combine(tasks, lambda *values: torch.cat(values), other)

    def _combine(self, tasks: TaskBatch, change: Callable[..., torch.Tensor], *others: State) -> State:
        """What `change` makes of each tensor and those of others in its place; the trail is one step long."""
        every = (self, *others)
        names = [field.name for field in fields(self) if isinstance(getattr(self, field.name), torch.Tensor)]
        changed: dict[str, Any] = {name: change(*(getattr(state, name) for state in every)) for name in names}
        return State(
            **changed,
            tasks=tasks,
            goal=self.goal.combine(tasks.target, change, *(state.goal for state in others)),
            terms={name: change(*(state.terms[name] for state in every)) for name in self.terms},
            trail_u=(changed["u"],),
            trail_loss=(changed["loss"],),
        )


def put_rows(values: torch.Tensor, rows: torch.Tensor, fresh: torch.Tensor) -> torch.Tensor:
    """A copy of values (B, …) with `rows` (n,) replaced by fresh ones (n, …)."""
    return values.index_copy(0, rows, fresh)
