"""What an agent observes: the target and the current sound, how far apart they are, the knobs, and the time left.

Shapes: B environments, N probes, P parameters, O ordered parameters, D numbers of an observation.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import gymnasium
import numpy as np
import torch

from myna.envs import summary
from myna.envs.state import State
from myna.envs.task import TaskBatch
from myna.loss import BROKEN
from myna.params import ParameterTable

__all__ = ["CLIP", "LOSS_FLOOR", "ObservationLayout", "Part", "observe", "played"]

CLIP = 5.0
"""Standardised numbers are cut off here, in spreads on either side."""
LOSS_FLOOR = 1e-3
"""Losses below this are told as this: the logarithm has no end."""
_LOSS_LOW, _LOSS_HIGH = math.log10(LOSS_FLOOR), math.log10(BROKEN)


@dataclass(frozen=True)
class Part:
    """One part of an observation.

    Attributes:
        name: its key in the `Dict` form.
        shape: of one environment.
        low, high: bounds of its numbers.
        meaning: in words.
    """

    name: str
    shape: tuple[int, ...]
    low: float
    high: float
    meaning: str

    @property
    def size(self) -> int:
        """How many numbers."""
        return math.prod(self.shape)

    @property
    def space(self) -> gymnasium.spaces.Box:
        """Its space of one environment, float32."""
        low, high = (np.full(self.shape, end, np.float32) for end in (self.low, self.high))
        return gymnasium.spaces.Box(low, high, dtype=np.float32)


class Columns(NamedTuple):
    """Where knobs are read from, on one device.

    Attributes:
        ordered: (O,) parameters with an order.
        chosen: (options,) of each option of all choices, the parameter.
        steps: (options,) how many options that one has.
        option: (options,) which of them this is.
    """

    ordered: torch.Tensor
    chosen: torch.Tensor
    steps: torch.Tensor
    option: torch.Tensor


class ObservationLayout:
    """The parts of an observation and where each lies in the flat vector.

    Args:
        table: the synth's parameters.
        terms: names of what adds up to the loss.
        probes: notes per target, N: what is heard has a slot for each.

    Example:
        >>> from myna.synth.registry import synth_table
        >>> layout = ObservationLayout(synth_table("serum-lite"), ["log_mel", "loudness"])
        >>> layout["target_mel"].shape, layout.slices["target_mel"]
        ((1, 12, 32), slice(0, 384, None))
        >>> layout.split(np.zeros(layout.size))["target_mel"].shape
        (1, 12, 32)
    """

    def __init__(self, table: ParameterTable, terms: Sequence[str], probes: int = 1) -> None:
        """See the class."""
        self.table, self.terms, self.probes = table, tuple(terms), probes
        self.ordered = np.flatnonzero(~table.categorical)
        self.choices = np.flatnonzero(table.categorical)
        self.parts = (*self._heard(), *self._losses(), *self._knobs())
        self._columns: dict[torch.device, Columns] = {}

    def _heard(self) -> list[Part]:
        sounds = {"target": "target", "current": "current sound", "difference": "target minus current"}
        return [
            Part(f"{sound}_{name}", (self.probes, *shape), -CLIP, CLIP, f"{words}: {summary.MEANINGS[name]}")
            for sound, words in sounds.items()
            for name, shape in summary.SHAPES.items()
        ]

    def _losses(self) -> list[Part]:
        low, high = _LOSS_LOW, _LOSS_HIGH
        return [
            Part("terms", (len(self.terms),), low, high, "log10 of what each term and penalty adds to the loss"),
            Part("loss", (1,), low, high, "log10 of the loss"),
            Part("best_loss", (1,), low, high, "log10 of the lowest loss so far"),
            Part("gap", (1,), 0.0, high - low, "`loss` minus `best_loss`: what was lost since the best"),
        ]

    def _knobs(self) -> list[Part]:
        options = int(self.table.steps[self.choices].sum())
        count = len(self.table)
        return [
            Part("probe", (self.probes, 3), 0.0, 1.0, "note / 127, velocity / 127, share of the length that is held"),
            Part("ordered", (len(self.ordered),), -1.0, 1.0, "continuous and integer parameters, unsnapped: 2u − 1"),
            Part("choices", (options,), 0.0, 1.0, "categorical and boolean parameters, one-hot"),
            Part("open", (count,), 0.0, 1.0, "1 for a parameter that may move"),
            Part("previous_action", (count,), -CLIP, CLIP, "how far the last step moved each parameter, in bounds"),
            Part("bound", (1,), 0.0, 1.0, "the largest Δu of a step, either way"),
            Part("time_left", (1,), 0.0, 1.0, "steps that are left, as a share of the horizon"),
        ]

    def on(self, device: torch.device) -> Columns:
        """Where knobs are read from, made once per device."""
        if device not in self._columns:
            steps = self.table.steps[self.choices]
            option = np.concatenate([np.arange(count) for count in steps])
            arrays = (self.ordered, np.repeat(self.choices, steps), np.repeat(steps, steps), option)
            self._columns[device] = Columns(*(torch.from_numpy(array).to(device) for array in arrays))
        return self._columns[device]

    def __getitem__(self, name: str) -> Part:
        """The part of that name; KeyError where there is none."""
        return {part.name: part for part in self.parts}[name]

    @cached_property
    def slices(self) -> dict[str, slice]:
        """Where each part lies in the flat vector."""
        ends = np.cumsum([part.size for part in self.parts]).tolist()
        return {part.name: slice(end - part.size, end) for part, end in zip(self.parts, ends, strict=True)}

    @property
    def size(self) -> int:
        """Numbers of an observation, D."""
        return sum(part.size for part in self.parts)

    def split(self, flat: Any) -> dict[str, Any]:
        """The parts of flat observations (…, D), arrays or tensors, each (…, *shape): the `Dict` form."""
        lead = tuple(flat.shape[:-1])
        return {part.name: flat[..., self.slices[part.name]].reshape(*lead, *part.shape) for part in self.parts}

    @cached_property
    def flat_space(self) -> gymnasium.spaces.Box:
        """The flat form of one environment, (D,) float32."""
        boxes = [part.space for part in self.parts]
        low, high = (np.concatenate([getattr(box, end).ravel() for box in boxes]) for end in ("low", "high"))
        return gymnasium.spaces.Box(low, high, dtype=np.float32)

    @cached_property
    def dict_space(self) -> gymnasium.spaces.Dict:
        """The `Dict` form of one environment."""
        return gymnasium.spaces.Dict({part.name: part.space for part in self.parts})

    def describe(self) -> list[tuple[str, str, str, str, str]]:
        """Rows for people: name, shape, place in the flat vector, range, meaning."""
        rows = []
        for part in self.parts:
            where = self.slices[part.name]
            place = str(where.start) if part.size == 1 else f"{where.start} to {where.stop - 1}"
            rows.append((part.name, str(part.shape), place, f"{part.low:.3g} to {part.high:.3g}", part.meaning))
        return rows


def observe(layout: ObservationLayout, state: State) -> torch.Tensor:
    """Flat observations of a state, (B, D) float32, finite and inside `flat_space`.

    Args:
        layout: of the synth and loss that made the state.
        state: of B environments.
    """
    parts = [_sounds(state), _losses(layout, state), *_knobs(layout, state)]
    return torch.cat([part.to(torch.float32) for part in parts], -1)


def _sounds(state: State) -> torch.Tensor:
    """Of each of the three sounds, part by part, all probes of a part together."""
    three = (state.target_summary, state.summary, state.target_summary - state.summary)
    sizes = [math.prod(shape) for shape in summary.SHAPES.values()]
    parts = [part.flatten(1) for one in three for part in one.split(sizes, -1)]
    return torch.cat(parts, -1).clamp_(-CLIP, CLIP)


def _losses(layout: ObservationLayout, state: State) -> torch.Tensor:
    values = [state.terms[name] for name in layout.terms] + [state.loss, state.best_loss]
    told = torch.stack(values, -1).double().clamp_(LOSS_FLOOR, BROKEN).log10_().clamp_(_LOSS_LOW, _LOSS_HIGH)
    return torch.cat([told, told[:, -2:-1] - told[:, -1:]], -1)


def _knobs(layout: ObservationLayout, state: State) -> list[torch.Tensor]:
    tasks, bound = state.tasks, state.tasks.bound[:, None]
    columns = layout.on(state.u.device)
    return [
        state.played.flatten(1),
        2.0 * state.raw_u.index_select(1, columns.ordered) - 1.0,
        _one_hot(columns, state.u),
        tasks.open,
        (state.moved / bound).clamp_(-CLIP, CLIP),
        bound,
        (tasks.horizon - state.step)[:, None] / tasks.horizon[:, None],
    ]


def played(tasks: TaskBatch) -> torch.Tensor:
    """What the probes are, (B, N, 3): note, velocity and the share of the length that is held, all in [0, 1]."""
    told = [
        [(q.note_midi / 127.0, q.velocity / 127.0, min(1.0, q.gate_s / q.total_s)) for q in own] for own in tasks.probes
    ]
    return torch.tensor(told, dtype=torch.float64, device=tasks.device)


def _one_hot(columns: Columns, u: torch.Tensor) -> torch.Tensor:
    """The options of all choices side by side, (B, options) bool."""
    return torch.floor(u.index_select(1, columns.chosen) * columns.steps) == columns.option
