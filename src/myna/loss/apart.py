"""How far the magnitudes of two sounds lie apart: what MR-STFT is made of.

Shapes: … leading dimensions of the candidates, F frames, C bins.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from myna.features import kernels
from myna.loss.reduce import mean_of, sum_of

__all__ = ["item_apart", "magnitudes_apart"]

_FLOOR = 1e-4
"""-80 dBFS: below lie rounding and dither, which no ear compares."""


def magnitudes_apart(one: Tensor, other: Tensor) -> Tensor:
    """Of magnitudes (…, F, C) and those of a target, one for all or each its own.

    Returns:
        (…, 2): the Frobenius norm of the difference, and the mean absolute difference of natural logarithms, floored
        at -80 dBFS. On the CPU the bits of an item depend on it alone.
    """
    if one.device.type != "cpu":
        difference = (one.clamp_min(_FLOOR).log_() - other.clamp_min(_FLOOR).log_()).abs_()
        return torch.stack([sum_of((one - other).square_(), 2).sqrt_(), mean_of(difference, 2)], -1)
    shape = torch.broadcast_shapes(one.shape[:-2], other.shape[:-2])
    items = zip(_items(one, shape), _items(other, shape), strict=True)
    return torch.from_numpy(np.stack([item_apart(a, b) for a, b in items])).reshape(*shape, 2)


def item_apart(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """The same of one pair of magnitudes (F, C) float32, (2,)."""
    sums = np.empty(2)
    kernels.magnitudes_apart(one, other, np.float32(_FLOOR), np.empty(one.shape[1]), sums)
    return np.array([np.sqrt(sums[0]), sums[1] / one.size], np.float32)


def _items(magnitudes: Tensor, shape: torch.Size) -> np.ndarray:
    """(n, F, C) of leading dimensions that are expanded to a shape."""
    expanded = magnitudes.expand(*shape, *magnitudes.shape[-2:])
    return expanded.reshape(-1, *magnitudes.shape[-2:]).numpy()
