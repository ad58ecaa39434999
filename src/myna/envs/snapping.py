"""A parameter table for torch: snap, decode and encode with the bits of the numpy table, on any device.

Shapes: P parameters.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch

from myna.errors import UsageError
from myna.params import ParameterTable

__all__ = ["TorchTable"]


class TorchTable:
    """The twin of a `ParameterTable` whose values are float64 tensors.

    `snap` runs at every step of an environment, so it is plain arithmetic on the device. `decode` and `encode`
    ask the numpy table: powers and logarithms of torch differ from numpy's in the last bit.

    Args:
        table: the synth's parameters.
        device: where the tensors live.

    Example:
        >>> from myna.params import Parameter
        >>> twin = TorchTable(ParameterTable("toy", 1, [Parameter("osc.octave", "integer", -1, 2, 0)]))
        >>> twin.snap(torch.tensor([[0.3]])).item()
        0.375
    """

    def __init__(self, table: ParameterTable, device: torch.device | str = "cpu") -> None:
        """See the class."""
        self.table = table
        self.device = torch.device(device)
        self.discrete = torch.from_numpy(table.discrete).to(self.device)
        self.steps = torch.from_numpy(table.steps).to(self.device)  # 0 where continuous
        self._bins = self.steps.clamp(min=1).to(torch.float64)

    def snap(self, u: torch.Tensor) -> torch.Tensor:
        """Move discrete entries of u (…, P) to the centres of their bins, clip the others to [0, 1].

        Values must be finite; nothing checks that here, in the innermost loop.

        Raises:
            UsageError: the last axis is not P long.
        """
        if u.shape[-1:] != self._bins.shape:
            raise UsageError(f"{self.table.synth} has {len(self.table)} parameters; got a tensor of {tuple(u.shape)}.")
        u = u.to(torch.float64).clamp(0.0, 1.0)
        bins = torch.minimum(torch.floor(u * self._bins), self._bins - 1.0)
        return torch.where(self.discrete, (bins + 0.5) / self._bins, u)

    def decode(self, u: torch.Tensor) -> torch.Tensor:
        """Physical values (…, P) of u (…, P); errors as `ParameterTable.decode`."""
        return self._ask(self.table.decode, u)

    def encode(self, values: torch.Tensor) -> torch.Tensor:
        """The u (…, P) of physical values (…, P); errors as `ParameterTable.encode`."""
        return self._ask(self.table.encode, values)

    def _ask(self, method: Callable[[np.ndarray], np.ndarray], array: torch.Tensor) -> torch.Tensor:
        return torch.from_numpy(method(array.detach().cpu().numpy())).to(self.device)
