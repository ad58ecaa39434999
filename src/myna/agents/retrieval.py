"""Retrieval: the nearest presets of the bank, really rendered as the target was played and at its level."""

from __future__ import annotations

import time

import numpy as np

from myna.agents.base import Agent, Objective, Search
from myna.retrieval import load_bank, pooled

__all__ = ["Retrieval", "nearest_presets", "with_gain"]

_BATCH = 32


class Retrieval(Agent):
    """Renders the budget's worth of nearest presets."""

    def search(self, objective: Objective, rng: np.random.Generator) -> Search:
        """See `Agent.search`; draws nothing."""
        u = nearest_presets(objective, objective.left)
        for i in range(0, len(u), _BATCH):
            yield u[i : i + _BATCH]


def nearest_presets(objective: Objective, count: int) -> np.ndarray:
    """The bank's nearest presets to the target, their volume set to its level, nearest first; (n, P), no renders.

    None at all if a stop was asked for while the bank was being built.
    """
    began = time.perf_counter()
    bank = load_bank(objective.renderer, objective.watch.preparing, objective.watch.stop)
    objective.watch.waited_s += time.perf_counter() - began
    if bank is None:
        return objective.heard[:0]
    probe, rate = objective.goal.probe, objective.renderer.sample_rate
    query = pooled(objective.target.features, probe.gate_s, rate)[0]
    chosen, gains_db = bank.nearest(query, probe.gate_s, probe.note_midi, count)
    return with_gain(objective, bank.u[chosen], gains_db)


def with_gain(objective: Objective, u: np.ndarray, gains_db: np.ndarray) -> np.ndarray:
    """Presets u (n, P) with their master volume moved by gains (n,), as far as the knob goes."""
    volume = objective.table.index["master.volume_db"]
    parameter = objective.table.parameters[volume]
    moved = u.copy()
    moved[:, volume] = parameter.encode(parameter.decode(u[:, volume]) + gains_db)
    return moved
