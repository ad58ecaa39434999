"""A loss as a person reads it."""

from __future__ import annotations

import math

__all__ = ["similarity_percent"]


def similarity_percent(loss: float) -> float:
    """How alike two sounds are: a loss of 0 → 100 %, a random pair (1) → 5 %, falling exponentially.

    >>> round(similarity_percent(0.0)), round(similarity_percent(1.0)), similarity_percent(math.inf)
    (100, 5, 0.0)
    """
    return 100.0 * math.exp(-3.0 * max(loss, 0.0))
