"""From actions to presets: every open parameter at once, or one module at a time.

A Δ is a share of the task's bound. Integers gather small steps in `raw_u`, which is not snapped, so none is too
small to count; booleans and categoricals keep or choose, for their options have no order worth following.

Shapes: B environments, P parameters, M modules, O ordered parameters, C choices, A entries of the flat form.
Parameters' tensors are float64.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import torch

from myna.envs.action_layout import ActionConfig, ActionLayout
from myna.envs.snapping import TorchTable
from myna.errors import UsageError
from myna.params import ParameterTable

__all__ = ["ActionConfig", "ActionDecoder", "ActionLayout", "Heads", "Move"]

Heads = Mapping[str, torch.Tensor]
"""The `Dict` form of B actions: `delta` (B, O), `choice` (B, C) and, in mode `module`, `module` (B,)."""


class Move(NamedTuple):
    """What an action did.

    Attributes:
        raw_u: (B, P) positions before snapping, where integers gather small steps.
        u: (B, P) the presets, snapped.
        moved: (B, P) how far each parameter moved: the change of `raw_u`, and for a changed choice, which has no
            distance, the bound (a whole step); 0 where nothing changed.
    """

    raw_u: torch.Tensor
    u: torch.Tensor
    moved: torch.Tensor

    def effort(self) -> torch.Tensor:
        """‖Δ‖² of what moved, (B,): the reward's price for it."""
        return self.moved.square().sum(-1)


class ActionDecoder:
    """Applies actions, in either form, to presets.

    Args:
        table: the synth's parameters.
        config: which decoder; all parameters at once by default.
        device: where the tensors live.

    Example:
        >>> from myna.params import Parameter
        >>> decoder = ActionDecoder(ParameterTable("toy", 1, [Parameter("osc.level", "continuous", 0, 1, 1)]))
        >>> u, open = torch.tensor([[0.5]], dtype=torch.float64), torch.tensor([[True]])
        >>> decoder.apply(u, u, torch.tensor([[1.0]]), open, torch.tensor([0.125])).u.item()
        0.625
    """

    def __init__(
        self, table: ParameterTable, config: ActionConfig | None = None, device: torch.device | str = "cpu"
    ) -> None:
        """See the class."""
        self.layout = ActionLayout(table, config)
        self.config = self.layout.config
        self.twin = TorchTable(table, device)
        self.device = self.twin.device
        self.ordered = self._tensor(self.layout.ordered)
        self.choices = self._tensor(self.layout.choices)
        self.options = self._tensor(self.layout.options)
        self.module_of = self._tensor(self.layout.module_of)
        self._owner = self._tensor(self.layout.owner)
        self._scores = self._tensor(_score_index(self.layout.options))
        self._members = torch.nn.functional.one_hot(self.module_of, len(table.modules)).to(torch.float64)  # (P, M)

    def _tensor(self, array: np.ndarray) -> torch.Tensor:
        return torch.from_numpy(np.ascontiguousarray(array)).to(self.device)

    def apply(self, raw_u: torch.Tensor, u: torch.Tensor, action: Any, open: torch.Tensor, bound: torch.Tensor) -> Move:
        """Change presets as actions say; what is closed stays as it is, to the bit.

        Args:
            raw_u: (B, P) positions before snapping, in [0, 1].
            u: (B, P) the presets, snapped.
            action: flat (B, A), or a mapping of heads; tensors or arrays. Numbers beyond [-1, 1] are clipped.
            open: (B, P) bool, which parameters may move.
            bound: (B,) the largest |Δu| of one step, in (0, 1].

        Raises:
            UsageError: a wrong shape, a missing head, an option that does not exist, or numbers that are not finite.
        """
        raw_u, u = raw_u.to(torch.float64), u.to(torch.float64)
        heads = self.to_heads(action, open)
        reach = open & self._selected(heads, open)
        wanted = torch.where(reach, self._positions(raw_u, heads, bound[:, None]), raw_u)
        snapped = torch.where(reach, self.twin.snap(wanted), u)
        return Move(wanted, snapped, self._distance(wanted - raw_u, snapped != u, bound[:, None]))

    def _selected(self, heads: Heads, open: torch.Tensor) -> torch.Tensor:
        if "module" not in heads:
            return torch.ones_like(open)
        return self.module_of == heads["module"][:, None]

    def _positions(self, raw_u: torch.Tensor, heads: Heads, bound: torch.Tensor) -> torch.Tensor:
        """Where the heads want every parameter, open or not, (B, P)."""
        delta = heads["delta"].to(torch.float64)
        from_here = raw_u.index_select(1, self.ordered) + delta * bound
        ordered = (delta + 1.0) / 2.0 if self.config.absolute else from_here
        pick = heads["choice"]
        option = (pick.to(torch.float64) - 0.5) / self.options  # the centre of bin pick - 1
        chosen = torch.where(pick > 0, option, raw_u.index_select(1, self.choices))
        wanted = raw_u.index_copy(1, self.ordered, ordered.clamp(0.0, 1.0))
        return wanted.index_copy(1, self.choices, chosen)

    def _distance(self, change: torch.Tensor, changed: torch.Tensor, bound: torch.Tensor) -> torch.Tensor:
        step = bound.to(torch.float64) * changed.index_select(1, self.choices)
        return change.index_copy(1, self.choices, step)

    # The two forms

    def to_heads(self, action: Any, open: torch.Tensor | None = None) -> dict[str, torch.Tensor]:
        """The `Dict` form of actions in either form, checked; numbers beyond [-1, 1] are clipped.

        Args:
            action: flat (B, A), or a mapping of heads.
            open: (B, P) bool; where given, a flat action selects among the modules with something open.

        Raises:
            UsageError: see `apply`.
        """
        count = None if open is None else len(open)
        if isinstance(action, Mapping):
            return self._check_heads(action, count)
        flat = self._numbers("action", action, self.layout.size, count)
        parts = {head: flat[:, where] for head, where in self.layout.slices.items()}
        heads = {"delta": parts["delta"], "choice": self._best_choice(parts["choice"])}
        if "module" in parts:
            scores = parts["module"]
            closed = torch.zeros_like(scores, dtype=torch.bool) if open is None else ~self.live_heads(open)["module"]
            heads["module"] = scores.masked_fill(closed, -torch.inf).argmax(-1)
        return heads

    def to_flat(self, action: Any) -> torch.Tensor:
        """The flat form (B, A) float32 of actions in either form; `to_heads` gives the heads back exactly.

        A module or an option that is chosen scores 1, the others -1.

        Raises:
            UsageError: see `apply`.
        """
        if not isinstance(action, Mapping):
            return self._numbers("action", action, self.layout.size, None)
        heads = self._check_heads(action, None)
        picks = torch.arange(self._scores.shape[1], device=self.device) == heads["choice"][..., None]
        parts = {"delta": heads["delta"], "choice": _signs(picks)[:, self._scores < self._nowhere]}
        if "module" in heads:
            parts["module"] = _signs(torch.nn.functional.one_hot(heads["module"], self._members.shape[1]))
        return torch.cat([parts[head] for head in self.layout.slices], -1)

    @property
    def _nowhere(self) -> int:
        """The index in the padded scores that stands for no option at all."""
        return int((self.layout.options + 1).sum())

    def _best_choice(self, scores: torch.Tensor) -> torch.Tensor:
        """(B, C) whole numbers from all scores side by side; the first of equals wins, so zeros keep."""
        padded = torch.nn.functional.pad(scores, (0, 1), value=-torch.inf).index_select(1, self._scores.flatten())
        padded = padded.unflatten(1, self._scores.shape)  # (B, C, 1 + most options)
        padded[..., 0] += self.config.keep_margin
        return padded.argmax(-1)

    def _check_heads(self, action: Mapping[str, Any], count: int | None) -> dict[str, torch.Tensor]:
        missing = [head for head in self.layout.slices if head not in action]
        if missing:
            raise UsageError(f"The action lacks {' and '.join(missing)}: it needs {', '.join(self.layout.slices)}.")
        heads = {"delta": self._numbers("delta", action["delta"], len(self.ordered), count)}
        count = len(heads["delta"])
        heads["choice"] = self._whole("choice", action["choice"], (count, len(self.choices)), self.options + 1)
        if "module" in self.layout.slices:
            modules = torch.tensor(self._members.shape[1], device=self.device)
            heads["module"] = self._whole("module", action["module"], (count,), modules)
        return heads

    def _read(self, name: str, value: Any) -> torch.Tensor:
        if isinstance(value, torch.Tensor):
            return value.to(self.device)
        try:
            return torch.tensor(np.asarray(value), device=self.device)  # a copy: arrays may be read-only
        except (TypeError, ValueError):
            raise UsageError(f"The {name} must be an array of numbers; got {type(value).__name__}.") from None

    def _numbers(self, name: str, value: Any, size: int, count: int | None) -> torch.Tensor:
        tensor = self._read(name, value)
        if tensor.ndim != 2 or tensor.shape[1] != size or (count is not None and len(tensor) != count):
            wanted = f"({'B' if count is None else count}, {size})"
            raise UsageError(f"The {name} must have the shape {wanted}; got {tuple(tensor.shape)}.")
        if not torch.isfinite(tensor).all():
            raise UsageError(f"The {name} must be finite; found NaN or infinity.")
        return tensor.clamp(-1.0, 1.0).to(torch.float32)

    def _whole(self, name: str, value: Any, shape: tuple[int, ...], ends: torch.Tensor) -> torch.Tensor:
        tensor = self._read(name, value)
        if tensor.shape != shape or tensor.is_floating_point():
            raise UsageError(f"The {name} must be whole numbers of shape {shape}; got {tuple(tensor.shape)}.")
        tensor = tensor.to(torch.int64)
        if ((tensor < 0) | (tensor >= ends)).any():
            raise UsageError(f"The {name} holds an option that does not exist: count from 0 to {int(ends.max()) - 1}.")
        return tensor

    # Masks

    def live_heads(self, open: torch.Tensor) -> dict[str, torch.Tensor]:
        """Which parts of each head can do something: `delta` (B, O), `choice` (B, C), `module` (B, M), all bool.

        Args:
            open: (B, P) bool.
        """
        live = {"delta": open[:, self.ordered], "choice": open[:, self.choices]}
        if "module" in self.layout.slices:
            live["module"] = (open.to(torch.float64) @ self._members) > 0.0
        return live

    def live(self, open: torch.Tensor) -> torch.Tensor:
        """Which entries of the flat form can do something, (B, A) bool; in mode `module` whichever is selected.

        Args:
            open: (B, P) bool.
        """
        own = open[:, self._owner.clamp(min=0)]
        modules = self.live_heads(open).get("module", own[:, :0])
        return torch.cat([modules, own[:, modules.shape[1] :]], -1)

    def hold(self, raw_u: torch.Tensor) -> dict[str, torch.Tensor]:
        """Heads that leave presets as they are (with `absolute`: to the precision of float32).

        Args:
            raw_u: (B, P) positions before snapping.
        """
        here = (2.0 * raw_u[:, self.ordered] - 1.0).to(torch.float32)
        heads = {"delta": here if self.config.absolute else torch.zeros_like(here)}
        heads["choice"] = torch.zeros((len(raw_u), len(self.choices)), dtype=torch.int64, device=self.device)
        if "module" in self.layout.slices:
            heads["module"] = torch.zeros(len(raw_u), dtype=torch.int64, device=self.device)
        return heads


def _score_index(options: np.ndarray) -> np.ndarray:
    """(C, 1 + most options): where each choice's scores lie side by side, with one index past the end as padding."""
    starts = np.concatenate([[0], np.cumsum(options + 1)])
    place = np.arange(options.max(initial=0) + 1)
    return np.where(place <= options[:, None], starts[:-1, None] + place, starts[-1])


def _signs(chosen: torch.Tensor) -> torch.Tensor:
    """1 where true, -1 elsewhere, float32."""
    return chosen.to(torch.float32) * 2.0 - 1.0
