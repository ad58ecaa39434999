"""What an agent works on and what it returns: an objective that counts every render, and a match.

Shapes: n presets, P parameters.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from myna.features import Features, analyse
from myna.loss import PerceptualLoss
from myna.synth.base import Probe
from myna.synth.renderer import Renderer

__all__ = ["Agent", "Match", "Objective", "Spent"]

Progress = Callable[[int, int, float], None]


class Spent(Exception):  # noqa: N818 - a signal to stop, not an error
    """The budget is used up, or the person asked to stop."""


@dataclass(frozen=True)
class Match:
    """The outcome: `u` (P,) and its loss, renders spent, the curve of (renders, best loss), other good presets."""

    u: np.ndarray
    loss: float
    renders: int
    curve: list[tuple[int, float]]
    archive_u: np.ndarray
    archive_loss: np.ndarray


@dataclass
class Objective:
    """One target as a function of u, with its budget.

    Attributes:
        renderer, probe: how a candidate is played.
        audio: (C, T) target, as long as the probe.
        budget: renders that may be spent; never exceeded.
        frozen, start: (P,) bool of what must stay, and (P,) u to take it from (locks).
        progress: called with (renders, budget, best loss).
        stop: asked between batches; true ends the search, keeping the best.
    """

    renderer: Renderer
    probe: Probe
    audio: np.ndarray
    budget: int
    frozen: np.ndarray | None = None
    start: np.ndarray | None = None
    progress: Progress | None = None
    stop: Callable[[], bool] | None = None
    renders: int = 0
    best_loss: float = np.inf
    best_u: np.ndarray | None = None
    curve: list[tuple[int, float]] = field(default_factory=list)
    _u: list[np.ndarray] = field(default_factory=list)
    _losses: list[np.ndarray] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Analyse the target once."""
        self.loss = PerceptualLoss()
        self.target: Features = analyse(self.audio[None], self.renderer.sample_rate)
        self.table = self.renderer.table
        self.levels = np.empty(0)

    @property
    def left(self) -> int:
        """Renders that may still be spent."""
        return self.budget - self.renders

    def constrain(self, u: np.ndarray) -> np.ndarray:
        """Snap discrete knobs and put locked ones back, (n, P)."""
        u = self.table.snap(u)
        if self.frozen is not None and self.start is not None:
            u[:, self.frozen] = self.start[self.frozen]
        return u

    def evaluate(self, u: np.ndarray) -> np.ndarray:
        """Scaled losses (n,) of presets u (n, P); `levels` then holds their RMS in dBFS.

        Raises:
            Spent: fewer than n renders are left (what was left has been evaluated), or a stop was asked for.
        """
        if (self.stop is not None and self.stop()) or self.left <= 0:
            raise Spent
        wanted = len(u)
        u = self.constrain(np.asarray(u, np.float64)[: self.left])
        audio = self.renderer.render(u, [self.probe])[:, 0]
        features = analyse(audio, self.renderer.sample_rate)
        losses = np.nan_to_num(self.loss(features, self.target).total, nan=np.inf)
        self.levels = features.level
        self._record(u, losses)
        if len(u) < wanted:
            raise Spent
        return losses

    def _record(self, u: np.ndarray, losses: np.ndarray) -> None:
        self._u.append(u)
        self._losses.append(losses)
        for i, loss in enumerate(losses):
            if loss < self.best_loss:
                self.best_loss, self.best_u = float(loss), u[i]
                self.curve.append((self.renders + i + 1, self.best_loss))
        self.renders += len(u)
        if self.progress is not None:
            self.progress(self.renders, self.budget, self.best_loss)

    def match(self) -> Match:
        """What was found; with nothing evaluated, the start or the default preset at an infinite loss."""
        if self.best_u is None:
            fallback = self.table.encode(self.table.defaults) if self.start is None else self.start
            return Match(fallback, np.inf, 0, [], fallback[None], np.array([np.inf]))
        u, losses = np.concatenate(self._u), np.concatenate(self._losses)
        order = np.argsort(losses, kind="stable")[:256]
        return Match(self.best_u, self.best_loss, self.renders, self.curve, u[order], losses[order])


class Agent(Protocol):
    """A method that searches for a preset."""

    def match(self, objective: Objective, generator: np.random.Generator) -> Match:
        """Spend the objective's budget; every random draw comes from `generator`."""
        ...
