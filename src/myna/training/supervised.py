"""What regression and cloning share: a network that learns from rows, its optimiser, schedule and state."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from myna.agents.networks import precision
from myna.envs.callbacks import Episode
from myna.errors import UsageError
from myna.features import one_core
from myna.training.data import DataSet
from myna.training.learner import BrokenError

__all__ = ["Schedule", "Supervised", "data_card"]


@dataclass(frozen=True)
class Schedule:
    """Of AdamW.

    Attributes:
        rate: at its height: it rises over the first `warm_up` steps and falls along a cosine to 0 at the last.
        decay: of weights.
        warm_up: steps.
        clip: gradients of a larger norm are scaled down to it.

    Raises:
        UsageError: a setting that is out of range.
    """

    rate: float = 1e-3
    decay: float = 1e-2
    warm_up: int = 200
    clip: float = 1.0

    def __post_init__(self) -> None:
        """See the class."""
        if not (self.rate > 0 and self.clip > 0 and self.decay >= 0 and self.warm_up >= 0):
            raise UsageError("rate and clip must be above 0, and decay and warm_up 0 or more.")

    def at(self, step: int, total: int) -> float:
        """The rate of a step, counted from 0."""
        rising = min(1.0, (step + 1) / self.warm_up) if self.warm_up else 1.0
        return self.rate * rising * 0.5 * (1.0 + math.cos(math.pi * min(1.0, step / total)))


class Supervised(ABC):
    """A `Learner` but for what it learns; a step is one of the optimiser.

    Args:
        net: learns.
        schedule: of the optimiser.
        total: steps of the whole training.
        rng: of all draws, on the device.
        bf16: run the network in bfloat16, see `networks.precision`.
    """

    name: str
    shown: Mapping[str, Episode]

    def __init__(self, net: nn.Module, schedule: Schedule, total: int, rng: torch.Generator, bf16: bool) -> None:
        """See the class."""
        self.net, self.schedule, self.total, self.rng, self.bf16 = net, schedule, total, rng, bf16
        self.steps_done, self.shown = 0, {}
        self.optimiser = torch.optim.AdamW(net.parameters(), schedule.rate, weight_decay=schedule.decay)

    @abstractmethod
    def draw(self) -> dict[str, torch.Tensor]:
        """The next batch, by name."""

    @abstractmethod
    def losses(self, batch: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        """Numbers of a batch by name; `loss` is what is learnt by."""

    @one_core()
    def step(self) -> dict[str, float]:
        """Learn from a batch.

        Raises:
            BrokenError: the loss or a gradient is not a number.
        """
        batch = self.draw()
        with precision(self.rng.device, self.bf16):
            said = self.losses(batch)
        self.optimiser.zero_grad()
        said["loss"].backward()
        norm = nn.utils.clip_grad_norm_(self.net.parameters(), self.schedule.clip)
        told = {name: float(value.detach()) for name, value in said.items()}
        if not math.isfinite(told["loss"] + float(norm)):
            raise BrokenError(f"At step {self.steps_done:,} of {self.name} the loss or a gradient is no number.", batch)
        rate = self.schedule.at(self.steps_done, self.total)
        self.optimiser.param_groups[0]["lr"] = rate
        self.optimiser.step()
        self.steps_done += 1
        own = {"learning_rate": rate, "gradient_norm": float(norm), "n_updates": float(self.steps_done)}
        return {f"train/{name}": value for name, value in (told | own).items()}

    def state_dict(self) -> dict[str, Any]:
        """See `Learner`."""
        state = {f"net.{name}": tensor for name, tensor in self.net.state_dict().items()}
        for index, moments in self.optimiser.state_dict()["state"].items():
            state |= {f"optimiser.{index}.{name}": value for name, value in moments.items()}
        return {**state, "rng": self.rng.get_state(), "steps_done": self.steps_done}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """See `Learner`."""
        try:
            self.net.load_state_dict(_under("net.", state))
        except RuntimeError:
            raise UsageError(f"This {self.name} was saved with another network: resume with its settings.") from None
        moments: dict[int, dict[str, torch.Tensor]] = {}
        for key, value in _under("optimiser.", state).items():
            index, name = key.split(".")
            moments.setdefault(int(index), {})[name] = value.clone()
        self.optimiser.load_state_dict({**self.optimiser.state_dict(), "state": moments})
        self.rng.set_state(state["rng"].cpu())
        self.steps_done = int(state["steps_done"])


def _under(prefix: str, state: Mapping[str, Any]) -> dict[str, Any]:
    return {name.removeprefix(prefix): value for name, value in state.items() if name.startswith(prefix)}


def data_card(data: DataSet) -> list[dict[str, Any]]:
    """What a card tells of data: how each set was collected, and its rows."""
    return [
        {"kind": own.origin.kind, "seed": own.origin.seed, "engine": own.origin.engine, "rows": own.rows}
        for own in data.manifests
    ]
