"""What an action is made of: its heads, as a `Dict` space and as one flat vector of numbers in [-1, 1].

Shapes: P parameters, M modules, O ordered parameters (continuous and integer), C choices (categorical and
boolean), A entries of the flat form.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import gymnasium
import numpy as np

from myna.errors import UsageError
from myna.params import ParameterTable

__all__ = ["MODES", "ActionConfig", "ActionLayout"]

MODES = ("all", "module")


@dataclass(frozen=True)
class ActionConfig:
    """Which decoder.

    Attributes:
        mode: `all` moves every open parameter at once; `module` first selects a module and moves that one alone.
        absolute: the Δ head gives positions instead of steps (an ablation); the task's bound then holds nothing back.
        keep_margin: 0 up to 2. In the flat form a choice is taken where its score beats that of `keep` by more than
            this, so that an actor that starts near 0 leaves the waveforms alone; 0 is plain argmax.

    Raises:
        UsageError: an unknown mode or a margin out of range.
    """

    mode: str = "all"
    absolute: bool = False
    keep_margin: float = 1.0

    def __post_init__(self) -> None:
        """See the class."""
        if self.mode not in MODES:
            raise UsageError(f"The action mode must be one of {', '.join(MODES)}; got {self.mode!r}.")
        if not 0.0 <= self.keep_margin < 2.0:
            raise UsageError(f"keep_margin must lie in 0 up to 2; got {self.keep_margin}.")


class ActionLayout:
    """The heads of an action and where each lies in the flat form.

    Heads, in the order in which the flat form holds them:
        module: (mode `module` alone) which module to change; flat: M scores, the highest among the modules with
            something open wins.
        delta: (O,) in [-1, 1], times the task's bound; with `absolute` the position, -1 at u = 0, 1 at u = 1.
        choice: (C,) whole numbers, 0 keeps, k takes the option k - 1 (off, on for a boolean); flat: a score for
            each, keep first.

    An entry means the same parameter in both modes. In mode `module` those of other modules do nothing.

    Args:
        table: the synth's parameters.
        config: which decoder.

    Example:
        >>> from myna.params import Parameter
        >>> knobs = [Parameter("osc.level", "continuous", 0, 1, 1), Parameter("osc.on", "boolean", 0, 1, 1)]
        >>> ActionLayout(ParameterTable("toy", 1, knobs), ActionConfig("module")).labels
        ('module: osc', 'delta: osc.level', 'choice: osc.on keep', 'choice: osc.on off', 'choice: osc.on on')
    """

    def __init__(self, table: ParameterTable, config: ActionConfig | None = None) -> None:
        """See the class."""
        self.table = table
        self.config = config or ActionConfig()
        self.ordered = np.flatnonzero(~table.categorical)  # columns of the table
        self.choices = np.flatnonzero(table.categorical)
        self.options = table.steps[self.choices]  # (C,) how many there are to choose from, keep not counted
        self.module_of = np.array([table.modules.index(p.module) for p in table.parameters])  # (P,)

    @cached_property
    def slices(self) -> dict[str, slice]:
        """Where each head lies in the flat form."""
        sizes = {"delta": len(self.ordered), "choice": int((self.options + 1).sum())}
        if self.config.mode == "module":
            sizes = {"module": len(self.table.modules), **sizes}
        ends = np.cumsum(list(sizes.values())).tolist()
        return {head: slice(end - size, end) for (head, size), end in zip(sizes.items(), ends, strict=True)}

    @property
    def size(self) -> int:
        """Entries of the flat form, A."""
        return self.slices["choice"].stop

    @cached_property
    def labels(self) -> tuple[str, ...]:
        """What each entry of the flat form is, (A,)."""
        modules = [f"module: {name}" for name in self.table.modules] if "module" in self.slices else []
        deltas = [f"delta: {self.table.names[p]}" for p in self.ordered.tolist()]
        picks = [
            f"choice: {self.table.names[p]} {option}" for p in self.choices.tolist() for option in self._options(p)
        ]
        return (*modules, *deltas, *picks)

    def _options(self, column: int) -> list[str]:
        parameter = self.table.parameters[column]
        return ["keep", *(parameter.choices or ("off", "on"))]

    @cached_property
    def owner(self) -> np.ndarray:
        """The parameter (its column in the table) that each flat entry belongs to, (A,); -1 for a module's score."""
        modules = np.full(self.slices["delta"].start, -1)
        return np.concatenate([modules, self.ordered, np.repeat(self.choices, self.options + 1)])

    @cached_property
    def dict_space(self) -> gymnasium.spaces.Dict:
        """The `Dict` space of one environment: `delta`, `choice`, and `module` in that mode."""
        spaces: dict[str, gymnasium.Space] = {
            "delta": gymnasium.spaces.Box(-1.0, 1.0, (len(self.ordered),), np.float32),
            "choice": gymnasium.spaces.MultiDiscrete(self.options + 1),
        }
        if self.config.mode == "module":
            spaces = {"module": gymnasium.spaces.Discrete(len(self.table.modules)), **spaces}
        return gymnasium.spaces.Dict(spaces)

    @cached_property
    def flat_space(self) -> gymnasium.spaces.Box:
        """The flat form of one environment, (A,) float32 in [-1, 1]."""
        return gymnasium.spaces.Box(-1.0, 1.0, (self.size,), np.float32)
