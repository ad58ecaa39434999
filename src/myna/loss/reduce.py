"""Sums whose bits do not depend on the batch."""

from __future__ import annotations

import math

from torch import Tensor

__all__ = ["mean_of", "sum_of"]


def sum_of(values: Tensor, dims: int) -> Tensor:
    """Sum over the last `dims` dimensions.

    One after the other: torch splits a sum over several dimensions by their sizes, the batch's among them, and its
    bits would change with the batch.
    """
    for _ in range(dims):
        values = values.sum(-1)
    return values


def mean_of(values: Tensor, dims: int) -> Tensor:
    """Mean over the last `dims` dimensions, bits as in `sum_of`."""
    return sum_of(values, dims) / math.prod(values.shape[values.ndim - dims :])
