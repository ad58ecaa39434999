"""What regression, proxy and cloning share: a network that learns from rows; settings, optimiser, state and card."""

from __future__ import annotations

import dataclasses
import math
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Generic, TypeVar

import torch
from torch import nn

from myna.agents.networks import precision, torch_generator
from myna.agents.weights import save_weights
from myna.envs.callbacks import Episode
from myna.errors import UsageError
from myna.features import one_core
from myna.seeding import generator
from myna.training.data import DataSet
from myna.training.learner import BrokenError

__all__ = ["RowSettings", "Schedule", "Supervised"]


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


@dataclass(frozen=True)
class RowSettings:
    """What all settings have.

    Attributes:
        data: folders of data sets, of `myna collect`.
        schedule: of the optimiser.
        batch: rows, or pairs of them, per step.
        held_out: share of the groups that are judged by and not learnt from.
        bf16: run the network in bfloat16, see `networks.precision`.

    Raises:
        UsageError: a setting that is out of range.
    """

    data: tuple[str, ...] = ()
    schedule: Schedule = field(default_factory=Schedule)
    batch: int = 512
    held_out: float = 0.02
    bf16: bool = False

    def __post_init__(self) -> None:
        """See the class."""
        if self.batch < 1:
            raise UsageError("batch must be 1 or more.")


S = TypeVar("S", bound=RowSettings)
N = TypeVar("N", bound=nn.Module)


class Supervised(ABC, Generic[S, N]):
    """A `Learner` but for what it learns; a step is one of the optimiser.

    Args:
        settings: how it learns.
        total: steps of the whole training.
        seed: of weights and draws.
        data: rows; None opens the settings' folders.
        device: of the network and the rows.

    Raises:
        UsageError, MynaError: data that cannot be opened or split, or what the network needs besides.
    """

    name: str
    on_card: ClassVar[Mapping[str, str]] = {"network": "networks"}
    """Of the settings, what the card tells by itself, and how it calls that."""
    stream: ClassVar[str] = "rows"
    """Of the tree of seeds, where draws come from."""
    shown: Mapping[str, Episode]

    def __init__(
        self, settings: S, total: int, seed: int, *, data: DataSet | None = None, device: torch.device | str = "cpu"
    ) -> None:
        """See the class."""
        self.settings, self.total, self.seed, self.device = settings, total, seed, torch.device(device)
        self.data = data or DataSet.open(*settings.data)
        # The same rows are held out whatever the seed, so that seeds can be compared.
        self.learnt, self.held = self.data.split(settings.held_out, generator(0, "held-out"))
        self.net = self.begun(torch_generator(seed, self.name, "weights")).to(self.device)
        self.rng = torch_generator(seed, self.name, self.stream, device=self.device)
        self.steps_done, self.shown = 0, {}
        schedule = settings.schedule
        self.optimiser = torch.optim.AdamW(self.net.parameters(), schedule.rate, weight_decay=schedule.decay)

    @abstractmethod
    def begun(self, rng: torch.Generator) -> N:
        """The network that learning begins with; `rng` fills new weights, on the CPU."""

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
        with precision(self.device, self.settings.bf16):
            said = self.losses(batch)
        self.optimiser.zero_grad()
        said["loss"].backward()
        norm = nn.utils.clip_grad_norm_(self.net.parameters(), self.settings.schedule.clip)
        told = {name: float(value.detach()) for name, value in said.items()}
        if not math.isfinite(told["loss"] + float(norm)):
            raise BrokenError(f"At step {self.steps_done:,} of {self.name} the loss or a gradient is no number.", batch)
        rate = self.settings.schedule.at(self.steps_done, self.total)
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

    @abstractmethod
    def fits(self) -> dict[str, Any]:
        """What the weights fit, see `agents.weights.fits`."""

    def card(self) -> dict[str, Any]:
        """What is known of the weights."""
        settings = dataclasses.asdict(self.settings)
        told = {name: settings.pop(own) for own, name in self.on_card.items()}
        told["data"] = [
            {"kind": own.origin.kind, "seed": own.origin.seed, "engine": own.origin.engine, "rows": own.rows}
            for own in self.data.manifests
        ]
        del settings["data"]
        return {**self.fits(), **told, "settings": settings, "seed": self.seed, "steps": self.steps_done}

    def save(self, folder: Path) -> None:
        """Write `NAME.safetensors` and its card."""
        save_weights(folder / self.name, self.net.state_dict(), self.card())


def _under(prefix: str, state: Mapping[str, Any]) -> dict[str, Any]:
    return {name.removeprefix(prefix): value for name, value in state.items() if name.startswith(prefix)}
