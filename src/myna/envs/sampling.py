"""From plans to tasks: a target for each, and a start preset that is the default, near to it, or from a bank.

Shapes: n tasks, N probes, P parameters.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from myna.envs.draws import Generators, PresetDraws, choose
from myna.envs.stages import Stage
from myna.envs.target_sounds import TargetSounds, TargetSource
from myna.envs.task import TaskBatch
from myna.errors import UsageError
from myna.features import Features
from myna.synth.base import Probe

__all__ = ["RETRIEVED", "Plan", "Retrieve", "TaskSampler"]

Retrieve = Callable[[Features, Probe, int], Any]
RETRIEVED = 8
"""A retrieved start is one of so many nearest presets."""


@dataclass(frozen=True)
class Plan:
    """What is settled about a task before its target is drawn.

    Attributes:
        stage: that it belongs to.
        distance: of a near start, in [0, 1].
        recorded: whether a recording is wanted; a preset takes its place where there are none.
    """

    stage: Stage
    distance: float
    recorded: bool


class TaskSampler:
    """Makes tasks.

    Args:
        source: of the targets.
        draws: of start presets.
        mode: action mode, whose horizon counts.
        retrieve: see `Curriculum`.
    """

    def __init__(self, source: TargetSource, draws: PresetDraws, mode: str, retrieve: Retrieve | None) -> None:
        """See the class."""
        self._source, self._draws, self._mode, self._retrieve = source, draws, mode, retrieve

    def tasks(self, plans: Sequence[Plan], generators: Generators) -> TaskBatch:
        """A task for each plan, each from its own generator.

        Raises:
            UsageError: no plans.
            MynaError: a target is still silent after many draws.
        """
        recorded = [plan.recorded and self._source.has_recordings for plan in plans]
        parts, order = [], []
        for kind in (False, True):
            rows = [row for row, one in enumerate(recorded) if one == kind]
            if rows:
                parts.append(self._tasks([plans[row] for row in rows], [generators[row] for row in rows], kind))
                order += rows
        if not parts:
            raise UsageError("At least 1 task must be drawn; got 0.")
        return parts[0] if len(parts) == 1 else TaskBatch.cat(parts)[np.argsort(order)]

    def _tasks(self, plans: list[Plan], generators: Generators, recorded: bool) -> TaskBatch:
        stages = [plan.stage for plan in plans]
        sounds = self._source.recorded(generators) if recorded else self._source.rendered(stages, generators)
        start_u, words = self._starts(plans, generators, sounds)
        device = sounds.features.device

        def tensor(values: Any, dtype: torch.dtype) -> torch.Tensor:
            return torch.as_tensor(np.asarray(values), dtype=dtype, device=device)

        return TaskBatch(
            target=sounds.features,
            target_u=tensor(sounds.u, torch.float64),
            start_u=tensor(start_u, torch.float64),
            open=tensor(self._draws.open(stages), torch.bool),
            bound=tensor([stage.bound for stage in stages], torch.float64),
            horizon=tensor([stage.horizon[self._mode] for stage in stages], torch.int64),
            stage=tensor([stage.number for stage in stages], torch.int64),
            probes=sounds.probes,
            names=tuple(f"{name}, from {word}" for name, word in zip(sounds.names, words, strict=True)),
            target_audio=sounds.audio,
        )

    def _starts(self, plans: list[Plan], generators: Generators, sounds: TargetSounds) -> tuple[np.ndarray, list[str]]:
        """Start presets (n, P), and what each is in words."""
        known = [bool(np.isfinite(row).all()) for row in sounds.u]
        kinds = [choose(self._shares(plans[row].stage, known[row]), rng) for row, rng in enumerate(generators)]
        start_u = np.repeat(self._draws.defaults[None], len(plans), axis=0)
        near = [row for row, kind in enumerate(kinds) if kind == "near"]
        if near:
            distance = np.array([plans[row].distance for row in near])
            own = [generators[row] for row in near]
            start_u[near] = self._draws.near(sounds.u[near], [plans[row].stage for row in near], distance, own)
        for row, kind in enumerate(kinds):
            if kind == "retrieved":
                start_u[row] = self._from_bank(plans[row].stage, sounds, row, generators[row])
        return start_u, [_word(kind, plan) for kind, plan in zip(kinds, plans, strict=True)]

    def _shares(self, stage: Stage, known: bool) -> dict[str, float]:
        """The kinds of start that can be had; the default where there is no other."""
        able = {"default": True, "near": known, "retrieved": self._retrieve is not None}
        shares = {kind: share for kind, share in stage.starts.items() if able[kind]}
        return shares if sum(shares.values()) > 0.0 else {"default": 1.0}

    def _from_bank(self, stage: Stage, sounds: TargetSounds, row: int, rng: np.random.Generator) -> np.ndarray:
        assert self._retrieve is not None  # noqa: S101 - `_shares` has looked
        u = np.asarray(self._retrieve(sounds.features[row : row + 1, 0], sounds.probes[row][0], RETRIEVED), np.float64)
        parameters = len(self._draws.table)
        if u.ndim != 2 or u.shape[1] != parameters or not 1 <= len(u) <= RETRIEVED:
            raise UsageError(f"`retrieve` must give 1 to {RETRIEVED} presets of {parameters} values; got {u.shape}.")
        return self._draws.inside(u[rng.integers(len(u))][None], [stage])[0]


def _word(kind: str, plan: Plan) -> str:
    return f"near ({plan.distance:.2f})" if kind == "near" else kind
