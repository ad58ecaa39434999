"""Presets with one choice changed, as a learned agent thinks likely: moves that no small step can make.

Shapes: n presets, P parameters, C choices, K options of the choice that has most.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np

from myna.agents.base import Objective
from myna.agents.knobs import audible_knobs

__all__ = ["Proposer", "likely_changes"]


class Proposer(Protocol):
    """An agent that knows what might be changed in a preset, whoever found it."""

    def propose(
        self, objective: Objective, u: np.ndarray, audio: np.ndarray, count: int, rng: np.random.Generator
    ) -> np.ndarray:
        """Presets (n, P), n at most `count` and perhaps none, to try in place of u (P,), which sounds like (C, T)."""
        ...


def likely_changes(
    objective: Objective, u: np.ndarray, likely: np.ndarray, count: int, rng: np.random.Generator
) -> np.ndarray:
    """Copies (n, P) of u (P,), one audible choice changed in each, all different, drawn by how likely each option is.

    Args:
        objective: whose locks are kept.
        u: the preset.
        likely: (C, K) of each option of the table's categorical parameters; 0 where there is none.
        count: at most so many.
        rng: of the draws.
    """
    table = objective.table
    choices = np.flatnonzero(table.categorical)
    options = table.steps[choices]
    may = (audible_knobs(table, u) & objective.open)[choices]
    weight = np.where(may[:, None], likely, 0.0)
    weight[np.arange(len(choices)), np.minimum(u[choices] * options, options - 1).astype(np.int64)] = 0.0
    flat = weight.ravel() / max(weight.sum(), 1e-300)
    picks = rng.choice(len(flat), min(count, np.count_nonzero(flat)), replace=False, p=flat) if flat.any() else []
    changed = np.repeat(u[None], len(picks), axis=0)
    for child, pick in zip(changed, picks, strict=True):
        choice, option = divmod(int(pick), weight.shape[1])
        child[choices[choice]] = (option + 0.5) / options[choice]
    return objective.constrain(changed)
