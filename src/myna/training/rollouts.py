"""Means over the episodes that ended last, as Stable-Baselines3 tells them.

Shapes: B episodes.
"""

from __future__ import annotations

from collections import deque
from typing import NamedTuple

import torch

from myna.envs.state import State

__all__ = ["WINDOW", "Rollouts"]

WINDOW = 100
"""Episodes; Stable-Baselines3's `stats_window_size`."""


class _Ended(NamedTuple):
    reward: float
    length: float
    success: float
    improvement: float


class Rollouts:
    """Remembers the last episodes of a training; figures alone, so a training that is resumed begins to gather anew."""

    def __init__(self) -> None:
        """None so far."""
        self._ended: deque[_Ended] = deque(maxlen=WINDOW)

    def add(self, start: State, end: State, returns: torch.Tensor) -> None:
        """Take a batch that is over: its first and last state, and what it earned, (B,)."""
        reached = end.terminated & ~end.broken
        columns = torch.stack([returns, end.step, reached, start.loss - end.best_loss]).double().T
        self._ended.extend(_Ended(*row) for row in columns.tolist())

    def figures(self) -> dict[str, float]:
        """By name; none before the first episode has ended."""
        if not self._ended:
            return {}
        means = _Ended(*(sum(values) / len(values) for values in zip(*self._ended, strict=True)))
        return {
            "rollout/ep_rew_mean": means.reward,
            "rollout/ep_len_mean": means.length,
            "rollout/success_rate": means.success,
            "match/improvement": means.improvement,
        }
