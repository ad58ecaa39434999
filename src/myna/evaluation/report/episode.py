"""One episode of the environment as it was played: figures, sounds, and words for them.

Shapes: S steps, C channels, T samples, P parameters.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from myna.envs.history import Edit, edits, loss_words, sentences
from myna.params import ParameterTable
from myna.synth.base import Probe

__all__ = ["OUTCOMES", "PlayedEpisode"]

OUTCOMES = {
    "reached": "The target was reached",
    "horizon": "Time ran out",
    "stagnated": "It was given up",
    "broken": "The sound broke",
}
"""How an episode can end, and how to begin a sentence about it."""


@dataclass(frozen=True)
class PlayedEpisode:
    """An episode from its start to its end.

    Attributes:
        stage, stage_name: of the curriculum.
        policy, mode, seed: who played, how actions are decoded, and what everything random hung on.
        horizon: the most steps that there could have been.
        bound: the largest |Δu| of a step.
        open_count: how many parameters could move.
        probes: what was played.
        outcome: one of OUTCOMES.
        success_loss: the loss at which the target counts as reached.
        u: (S + 1, P) presets, from the start to the last.
        target_u: (P,) the preset that made the target, or None for a recording.
        losses: (S + 1,) of the presets.
        terms: S + 1 mappings, name → what it adds to the loss.
        rewards: S mappings, name → what it adds to the reward.
        target_audio: (C, T) float32, probes one after the other.
        sounds: (S + 1, C, T) float32, of the presets.
        sample_rate: Hz.
    """

    stage: int
    stage_name: str
    policy: str
    mode: str
    seed: int
    horizon: int
    bound: float
    open_count: int
    probes: Sequence[Probe]
    outcome: str
    success_loss: float
    u: np.ndarray
    target_u: np.ndarray | None
    losses: Sequence[float]
    terms: Sequence[Mapping[str, float]]
    rewards: Sequence[Mapping[str, float]]
    target_audio: np.ndarray
    sounds: np.ndarray
    sample_rate: int

    @property
    def steps(self) -> int:
        """Steps made, S."""
        return len(self.losses) - 1

    @property
    def best_step(self) -> int:
        """The step whose preset has the lowest loss, the first of equals; 0 is the start."""
        return int(np.argmin(self.losses))

    @property
    def gone_percent(self) -> float:
        """How much of the start's loss the best preset has taken away, 0 to 100."""
        first, best = self.losses[0], self.losses[self.best_step]
        return 100.0 * max(0.0, 1.0 - best / first) if first > 0.0 and math.isfinite(first) else 0.0

    @property
    def total_reward(self) -> float:
        """The return, undiscounted."""
        return sum(sum(parts.values()) for parts in self.rewards)

    def edits(self, table: ParameterTable) -> list[Edit]:
        """What each step moved."""
        return edits(table, self.u, self.losses)

    def story(self, table: ParameterTable) -> list[str]:
        """What to say of the start and of each step, S + 1 sentences without a full stop."""
        told = ["the start preset"]
        for before, after in itertools.pairwise(self.losses):
            told.append(f"nothing moved: {loss_words(before, after)}")
        rows = self.edits(table)
        for step, sentence in zip(dict.fromkeys(edit.step for edit in rows), sentences(table, rows), strict=True):
            told[step] = sentence
        return [sentence[0].upper() + sentence[1:] for sentence in told]

    def verdict(self) -> str:
        """How it ended, and what the best preset is worth."""
        count = f"{OUTCOMES[self.outcome]} after {self.steps} of {self.horizon} steps"
        first, best = self.losses[0], self.losses[self.best_step]
        if self.best_step == 0:
            return f"{count}: nothing was better than the start."
        where = "" if self.best_step == self.steps else f", reached by step {self.best_step}"
        return f"{count}. The loss fell from {first:.2f} to {best:.2f}{where}."

    def summary(self, table: ParameterTable) -> dict[str, Any]:
        """The episode without its sounds, as JSON can hold it: figures, edits and sentences."""
        names = ("stage", "stage_name", "policy", "mode", "seed", "steps", "horizon", "outcome", "success_loss")
        return {
            **{name: getattr(self, name) for name in names},
            "verdict": self.verdict(),
            "best_step": self.best_step,
            "best_loss": _finite(self.losses[self.best_step]),
            "return": _finite(self.total_reward),
            "story": [
                {"step": step, "loss": _finite(loss), "reward_parts": dict(parts), "says": says}
                for step, (loss, parts, says) in enumerate(
                    zip(self.losses, [{}, *self.rewards], self.story(table), strict=True)
                )
            ],
            "edits": [asdict(edit) for edit in self.edits(table)],
        }


def _finite(value: float) -> float | None:
    """A number as JSON can hold it."""
    return float(value) if math.isfinite(value) else None
