"""Moves that no small step can make: modules taken from other presets, and switches and choices changed.

Shapes: n presets, m donors, P parameters.
"""

from __future__ import annotations

import numpy as np

from myna.agents.base import Objective
from myna.agents.knobs import audible_knobs

__all__ = ["change_choices", "swap_modules"]

# What is taken over as a whole: knobs of a module only make sense together.
GROUPS = (
    ("osc_a",), ("osc_b",), ("sub",), ("noise",), ("filter",), ("env_1",), ("env_2",), ("env_3",),
    ("lfo_1", "lfo_2", "matrix"), ("distortion",), ("chorus",), ("delay",), ("reverb",), ("eq",),
    ("osc_a", "osc_b", "sub", "noise"), ("env_1", "env_2", "env_3", "filter"),
)  # fmt: skip


def swap_modules(
    objective: Objective, u: np.ndarray, donors: np.ndarray, count: int, generator: np.random.Generator
) -> np.ndarray:
    """Copies (count, P) of u (P,), one or two groups of modules in each taken from a random donor of (m, P)."""
    children = np.repeat(u[None], count, axis=0)
    for child in children:
        for _ in range(int(generator.integers(1, 3))):
            mask = objective.table.mask(GROUPS[generator.integers(len(GROUPS))])
            child[mask] = donors[generator.integers(len(donors)), mask]
    return objective.constrain(children)


def change_choices(objective: Objective, u: np.ndarray, count: int, generator: np.random.Generator) -> np.ndarray:
    """Copies (count, P) of u (P,), one or two audible switches, choices or whole numbers in each drawn again."""
    table = objective.table
    options = np.flatnonzero(table.discrete & audible_knobs(table, u) & objective.open)
    children = np.repeat(u[None], count if len(options) else 0, axis=0)
    for child in children:
        for knob in generator.choice(options, int(generator.integers(1, 3))):
            child[knob] = (generator.integers(table.steps[knob]) + 0.5) / table.steps[knob]
    return objective.constrain(children)
