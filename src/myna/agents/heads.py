"""What an action consists of: its heads, which of them are live, and the one vector that a critic reads.

Shapes: B batch, O deltas, C choices, K most options of a choice, M modules, A entries of the vector.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import torch
from torch import nn

from myna.envs.action_layout import ActionLayout
from myna.errors import UsageError

__all__ = ["ActionHeads", "HeadTables", "Live", "hot"]


class Live(NamedTuple):
    """What may move: `delta` (B, O), `choice` (B, C) and `module` (B, M), all bool."""

    delta: torch.Tensor
    choice: torch.Tensor
    module: torch.Tensor


@dataclass(frozen=True)
class ActionHeads:
    """What an action consists of. The critic reads it as one vector: module one-hot, deltas, choices one-hot.

    What is closed is 0 there, and so is what lies outside the selected module: the critic sees what acts.

    Attributes:
        deltas: how many numbers in [-1, 1], O.
        options: how many each choice has, option 0 keeps.
        modules: how many can be selected, M; 0 for no selector.
        owners: module of each delta and then of each choice; empty without a selector.
        entropy_per_delta: target, in nats; -1 is a Gaussian of standard deviation 0.09, and what SAC usually takes.
        choice_rate: target: as random as a head that chooses with this probability, any option alike.
        module_rate: target as a share of the entropy of a free choice among the open modules.
        sharpness: choices are drawn from their probabilities to this power. Cloning makes these as unsure as a sound
            leaves them, and 43 unsure draws spoil every preset; above 1 the policy acts on what is likely.
    """

    deltas: int
    options: tuple[int, ...] = ()
    modules: int = 0
    owners: tuple[int, ...] = ()
    entropy_per_delta: float = -1.0
    choice_rate: float = 0.05
    module_rate: float = 0.5
    sharpness: float = 1.0

    def __post_init__(self) -> None:
        """Refuse what cannot be.

        Raises:
            UsageError: names the setting.
        """
        if self.deltas < 0 or self.deltas + len(self.options) == 0 or min(self.options, default=2) < 2:
            raise UsageError("An action needs a delta or a choice, and a choice two options or more.")
        if self.modules and len(self.owners) != self.deltas + len(self.options):
            raise UsageError(f"Each of {self.deltas + len(self.options)} heads needs a module; got {len(self.owners)}.")
        if not (0.0 < self.choice_rate < 1.0 and 0.0 < self.module_rate < 1.0):
            raise UsageError("choice_rate and module_rate must lie between 0 and 1.")
        if not 0.0 < self.sharpness < math.inf:
            raise UsageError(f"sharpness must be above 0; got {self.sharpness}.")

    @classmethod
    def of(cls, layout: ActionLayout, **targets: Any) -> ActionHeads:
        """Those of an environment; `targets` are the entropy targets."""
        owners = layout.module_of[[*layout.ordered, *layout.choices]].tolist()
        options = tuple((layout.options + 1).tolist())
        if layout.config.mode != "module":
            return cls(len(layout.ordered), options, **targets)
        return cls(len(layout.ordered), options, len(layout.table.modules), tuple(owners), **targets)

    @property
    def size(self) -> int:
        """Entries of the vector that the critic reads, A."""
        return self.modules + self.deltas + sum(self.options)

    @property
    def most(self) -> int:
        """Options of the largest choice, K."""
        return max(self.options, default=1)

    @cached_property
    def choice_targets(self) -> list[float]:
        """Target entropy of each choice, nats."""
        e = self.choice_rate
        return [-(1 - e) * math.log(1 - e) - e * math.log(e / (k - 1)) for k in self.options]

    def all_live(self, count: int, device: torch.device | str = "cpu") -> Live:
        """Everything open, for B = count."""
        sizes = (self.deltas, len(self.options), self.modules)
        return Live(*(torch.ones(count, size, dtype=torch.bool, device=device) for size in sizes))


class HeadTables(nn.Module):
    """The heads as tensors on the device of the networks."""

    place: torch.Tensor
    flat: torch.Tensor
    owners: torch.Tensor
    choice_targets: torch.Tensor

    def __init__(self, heads: ActionHeads) -> None:
        """See the class."""
        super().__init__()
        self.heads = heads
        total = sum(heads.options)
        exists = torch.arange(heads.most) < torch.tensor(heads.options, dtype=torch.int64)[:, None]  # (C, K)
        # Of every option its place in the flat logits; one past the end where there is none.
        place = torch.full(exists.shape, total).masked_scatter(exists, torch.arange(total))
        tables = {
            "place": place,
            "flat": exists.flatten().nonzero().squeeze(-1),
            "owners": torch.tensor(heads.owners, dtype=torch.int64),
            "choice_targets": torch.tensor(heads.choice_targets),
        }
        for name, tensor in tables.items():
            self.register_buffer(name, tensor, persistent=False)

    def acting(self, live: Live, module: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """What is live and in the selected module (B, M, a one-hot): (B, O) and (B, C), float, differentiable."""
        delta, choice = live.delta.float(), live.choice.float()
        if not self.heads.modules:
            return delta, choice
        selected = module[:, self.owners]
        return delta * selected[:, : self.heads.deltas], choice * selected[:, self.heads.deltas :]

    def vector(self, delta: torch.Tensor, choice: torch.Tensor, module: torch.Tensor, live: Live) -> torch.Tensor:
        """What the critic reads, (B, A), of deltas (B, O) and one-hots (B, C, K) and (B, M)."""
        gate_delta, gate_choice = self.acting(live, module)
        options = (choice * gate_choice[..., None]).flatten(1)[:, self.flat]
        return torch.cat([module, delta * gate_delta, options], -1)

    def encode(self, heads: Mapping[str, torch.Tensor], live: Live) -> torch.Tensor:
        """What the critic reads, (B, A), of an action as it was made."""
        delta = heads["delta"].float()
        choice = hot(heads["choice"], self.heads.most) if self.heads.options else delta.new_zeros(len(delta), 0, 1)
        module = hot(heads["module"], self.heads.modules) if self.heads.modules else delta.new_zeros(len(delta), 0)
        return self.vector(delta, choice, module, live)


def hot(index: torch.Tensor, count: int) -> torch.Tensor:
    """One-hot vectors (…, count), float32."""
    return nn.functional.one_hot(index.long(), count).float()
