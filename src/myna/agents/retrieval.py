"""Retrieval: the nearest presets of the bank, really rendered at the target's note, at the target's level."""

from __future__ import annotations

import numpy as np

from myna.agents.bank import SECONDS, load_bank, pooled
from myna.agents.base import Match, Objective, Spent
from myna.features import analyse

__all__ = ["Retrieval", "retrieve"]


class Retrieval:
    """Renders the budget's worth of nearest presets."""

    def match(self, objective: Objective, generator: np.random.Generator) -> Match:
        """See `Agent.match`; draws nothing."""
        try:
            retrieve(objective, objective.left)
        except Spent:
            pass
        return objective.match()


def retrieve(objective: Objective, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Render up to `count` candidates: the nearest presets, half the budget of them a second time at the right level.

    Returns:
        (u (n, P), losses (n,)), best first.

    Raises:
        Spent: from the objective.
    """
    bank = load_bank(objective.renderer)
    audio = np.zeros((1, objective.audio.shape[0], round(SECONDS * objective.renderer.sample_rate)), np.float32)
    length = min(audio.shape[2], objective.audio.shape[1])
    audio[0, :, :length] = objective.audio[:, :length]
    query = pooled(analyse(audio, objective.renderer.sample_rate))
    first = bank.nearest(query, objective.probe.note_midi, max(1, count // 2))
    u = bank.u[first].astype(np.float64)
    losses = objective.evaluate(u)
    if count < 2:
        return u, losses
    levelled = at_level(objective, u)
    u, losses = np.concatenate([u, levelled]), np.concatenate([losses, objective.evaluate(levelled)])
    order = np.argsort(losses, kind="stable")
    return u[order], losses[order]


def at_level(objective: Objective, u: np.ndarray) -> np.ndarray:
    """The presets just evaluated with the master volume moved by their distance from the target's level."""
    volume = objective.table.index["master.volume_db"]
    parameter = objective.table.parameters[volume]
    moved = u.copy()
    moved[:, volume] = parameter.encode(parameter.decode(u[:, volume]) + objective.target.level - objective.levels)
    return moved
