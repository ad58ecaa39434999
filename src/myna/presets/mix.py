"""New presets out of old ones: part of the way from one to another, or some modules of each.

Shapes: P parameters; `u` normalised.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from myna.params import ParameterTable

__all__ = ["morph", "with_modules"]


def morph(table: ParameterTable, first: np.ndarray, second: np.ndarray, amount: float) -> np.ndarray:
    """The preset a part of the way from the first to the second, (P,) u.

    Knobs with an order move along their curves; switches and choices turn half-way, as there is nothing between.

    Args:
        table: the synth's parameters.
        first: u (P,).
        second: u (P,).
        amount: 0 is the first, 1 the second; values beyond are clipped.
    """
    part = min(max(float(amount), 0.0), 1.0)
    between = (1.0 - part) * np.asarray(first) + part * np.asarray(second)
    turned = np.where(part < 0.5, first, second)
    return table.snap(np.where(table.categorical, turned, between))


def with_modules(table: ParameterTable, u: np.ndarray, other: np.ndarray, modules: Iterable[str]) -> np.ndarray:
    """A preset with the named modules taken from another, (P,) u.

    Args:
        table: the synth's parameters.
        u: (P,) the preset.
        other: (P,) the one to take from.
        modules: names of modules.

    Raises:
        UsageError: an unknown module.
    """
    return np.where(table.mask(modules), other, u)
