"""What a vector environment tells while it runs: the hooks that callbacks override.

The environment calls, on each callback in turn (`Callbacks` bundles them):
`on_step` after every step, `on_episode_end` after `on_step` where episodes ended, `on_curriculum` after
every `Curriculum.update`, and `close`. Steps are counted over all environments: a step of B of them is B.

Shapes: B environments, C channels, T samples, S steps, P parameters.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

import numpy as np
import torch

from myna.params import ParameterTable

__all__ = [
    "Callback",
    "Callbacks",
    "Episode",
    "Observed",
    "Sounds",
    "Trail",
]


class Observed(Protocol):
    """The part of a `State` that callbacks read.

    Attributes:
        loss: (B,) of the current presets.
        terms: name → (B,), weighted; they add up to `loss`.
        best_loss: (B,) the lowest of each episode so far.
    """

    @property
    def loss(self) -> torch.Tensor:
        """See the class."""
        ...

    @property
    def terms(self) -> Mapping[str, torch.Tensor]:
        """See the class."""
        ...

    @property
    def best_loss(self) -> torch.Tensor:
        """See the class."""
        ...


@dataclass(frozen=True)
class Sounds:
    """What one episode sounded like: float32 (C, T), full scale = 1, several probes one after the other.

    Attributes:
        target: the sound to imitate.
        start: the preset that the episode began with.
        best: the best preset that it found.
        sample_rate: Hz, of all three.
    """

    target: np.ndarray
    start: np.ndarray
    best: np.ndarray
    sample_rate: int


class Trail(NamedTuple):
    """The presets of one episode, from the start to the last of S steps.

    Attributes:
        table: the synth's parameters.
        u: (S + 1, P) float64, in [0, 1].
        losses: (S + 1,).
        target_u: (P,), of the preset that made the target; None where nobody knows it.
    """

    table: ParameterTable
    u: np.ndarray
    losses: np.ndarray
    target_u: np.ndarray | None


@dataclass(frozen=True)
class Episode:
    """One episode that just ended.

    Attributes:
        env: index of the environment, 0 … B − 1.
        stage: of the curriculum.
        steps: how many steps it took.
        first_loss: of the start preset.
        best_loss: of the best preset, the one that counts; NaN or infinite where nothing could be heard.
        success: ended because the target was reached.
        sounds: renders the three sounds when called; the environment caches them, callbacks call it only when needed.
        edits: the edits in words, oldest first, when called.
        trail: its presets, where they are at hand.
        terms: name → what it adds to `best_loss`, where that is known.
    """

    env: int
    stage: int
    steps: int
    first_loss: float
    best_loss: float
    success: bool
    sounds: Callable[[], Sounds]
    edits: Callable[[], Sequence[str]]
    trail: Trail | None = None
    terms: Mapping[str, float] = field(default_factory=dict)


class Callback:
    """Base of callbacks: every hook does nothing; override those of interest.

    A hook never raises because of a full disk or a dead helper process: it says so once and lets training go on.
    """

    def on_step(self, step: int, state: Observed, info: Mapping[str, Any]) -> None:
        """Follow one step of all environments.

        Args:
            step: environment steps so far, all environments together, this one included.
            state: after the step; of episodes that ended, their last state and not the first of the next.
            info: the step's info; `info["reward_parts"]`, where present, is name → (B,) tensor.
        """

    def on_episode_end(self, step: int, episodes: Sequence[Episode]) -> None:
        """Follow the episodes that ended in this step, in order of their environments."""

    def on_curriculum(self, step: int, state: Mapping[str, Any]) -> None:
        """Follow the curriculum: its `state_dict()` after an update."""

    def close(self) -> None:
        """Write what is pending and release what is held; the last call, and harmless twice."""


class Callbacks(Callback):
    """Several callbacks as one, called in order.

    Example:
        >>> Callbacks([Callback(), Callback()]).on_episode_end(64, [])
    """

    def __init__(self, callbacks: Sequence[Callback]) -> None:
        self.callbacks = tuple(callbacks)

    def on_step(self, step: int, state: Observed, info: Mapping[str, Any]) -> None:
        """Pass it on."""
        for callback in self.callbacks:
            callback.on_step(step, state, info)

    def on_episode_end(self, step: int, episodes: Sequence[Episode]) -> None:
        """Pass it on."""
        for callback in self.callbacks:
            callback.on_episode_end(step, episodes)

    def on_curriculum(self, step: int, state: Mapping[str, Any]) -> None:
        """Pass it on."""
        for callback in self.callbacks:
            callback.on_curriculum(step, state)

    def close(self) -> None:
        """Pass it on."""
        for callback in self.callbacks:
            callback.close()
