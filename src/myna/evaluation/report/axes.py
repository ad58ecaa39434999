"""Round numbers for the axes of a chart."""

from __future__ import annotations

import math

__all__ = ["nice_ceiling", "ticks"]


def nice_ceiling(value: float) -> float:
    """The next number above that an axis can end at.

    >>> nice_ceiling(0.83), nice_ceiling(1.2), nice_ceiling(17)
    (1.0, 1.5, 20.0)
    """
    step = _step(value, 4)
    return max(step, math.ceil(value / step - 1e-9) * step)


def ticks(end: float, count: int) -> list[float]:
    """Round numbers from 0 to at most `end`, about `count` of them.

    >>> ticks(1.0, 4)
    [0.0, 0.25, 0.5, 0.75, 1.0]
    """
    step = _step(end, count)
    return [i * step for i in range(int(end / step + 1e-6) + 1)]


def _step(end: float, count: int) -> float:
    raw = max(end, 1e-6) / count
    base = 10.0 ** math.floor(math.log10(raw))
    return base * next(step for step in (1.0, 2.0, 2.5, 5.0, 10.0) if step * base >= raw * 0.999)
