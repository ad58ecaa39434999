"""What an agent works on and what it returns: an objective that counts every render, and a match.

Shapes: n presets, P parameters, C channels, T samples.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from myna.agents.archive import Archive
from myna.features import FULL, Features, analyse
from myna.loss import Heard, PerceptualLoss, residuals, score
from myna.synth.base import Probe
from myna.synth.renderer import Renderer

__all__ = ["Agent", "Match", "Objective", "Spent"]

Progress = Callable[[int, int, float], None]
Preparing = Callable[[int, int], None]


class Spent(Exception):  # noqa: N818 - a signal to stop, not an error
    """The budget is used up, or the person asked to stop."""


@dataclass(frozen=True)
class Match:
    """The outcome of a search.

    Attributes:
        u: (P,) the best preset, and `loss` its scaled loss.
        audio: (C, T) how it sounds.
        renders: spent on the target.
        curve: (renders, best loss so far) at each improvement.
        archive: all that was tried.
    """

    u: np.ndarray
    loss: float
    audio: np.ndarray
    renders: int
    curve: list[tuple[int, float]]
    archive: Archive


@dataclass
class Objective:
    """One target as a function of u, with its budget: the only way in which an agent hears the target.

    Attributes:
        renderer, probe: how a candidate is played.
        audio: (C, T) target, as long as the probe.
        budget: renders that may be spent; never exceeded.
        frozen, start: (P,) bool of what must stay, and (P,) u to take it from (locks).
        progress: called with (renders, budget, best loss).
        preparing: called with (done, total) while something is built that later targets share (the bank).
        stop: asked between batches; true ends the search, keeping the best.
        waited_s: seconds that went into what later targets share.
        features: of the presets evaluated last.
    """

    renderer: Renderer
    probe: Probe
    audio: np.ndarray
    budget: int
    frozen: np.ndarray | None = None
    start: np.ndarray | None = None
    progress: Progress | None = None
    preparing: Preparing | None = None
    stop: Callable[[], bool] | None = None
    renders: int = 0
    waited_s: float = 0.0
    best_loss: float = np.inf
    curve: list[tuple[int, float]] = field(default_factory=list)
    archive: Archive = field(default_factory=Archive)

    def __post_init__(self) -> None:
        """Analyse the target once."""
        self.loss = PerceptualLoss()
        analysed = analyse(self.audio[None], self.renderer.sample_rate, FULL)
        self.target = Heard(analysed)
        self.features: Features = analysed.lean()
        self.table = self.renderer.table
        self.best_u = self.table.snap(self.table.encode(self.table.defaults) if self.start is None else self.start)
        self.best_audio = np.zeros_like(self.audio)

    @property
    def left(self) -> int:
        """Renders that may still be spent."""
        return self.budget - self.renders

    @property
    def stopped(self) -> bool:
        """Whether the person asked to stop."""
        return self.stop is not None and self.stop()

    @property
    def open(self) -> np.ndarray:
        """Which knobs may be turned, (P,) bool."""
        return np.ones(len(self.table), bool) if self.frozen is None else ~self.frozen

    def constrain(self, u: np.ndarray) -> np.ndarray:
        """Snap discrete knobs and put locked ones back, (n, P)."""
        u = self.table.snap(u)
        if self.frozen is not None and self.start is not None:
            u[:, self.frozen] = self.start[self.frozen]
        return u

    def evaluate(self, u: np.ndarray) -> np.ndarray:
        """Scaled losses (n,) of presets u (n, P), n renders; `features` then holds how they sound.

        Raises:
            Spent: fewer than n renders are left (what was left has been evaluated), or a stop was asked for.
        """
        if self.stopped or self.left <= 0:
            raise Spent
        losses = self._play(self.constrain(np.asarray(u, np.float64)[: self.left]))
        if len(losses) < len(u):
            raise Spent
        return losses

    def residuals(self) -> np.ndarray:
        """Signed differences (n, R) of the presets evaluated last from the target, see `myna.loss.residuals`."""
        return residuals(self.features, self.target)

    def _play(self, u: np.ndarray) -> np.ndarray:
        audio = self.renderer.render(u, [self.probe])[:, 0]
        breakdown, self.features = score(
            audio, self.renderer.sample_rate, self.target, self.loss, self.renderer.threads
        )
        losses = breakdown.total.double().numpy()
        self._record(u, losses, audio)
        return losses

    def _record(self, u: np.ndarray, losses: np.ndarray, audio: np.ndarray) -> None:
        self.archive.add(u, losses, self.features)
        for i, loss in enumerate(losses):
            if loss < self.best_loss:
                self.best_loss, self.best_u, self.best_audio = float(loss), u[i], audio[i].copy()
                self.curve.append((self.renders + i + 1, self.best_loss))
        self.renders += len(u)
        if self.progress is not None:
            self.progress(self.renders, self.budget, self.best_loss)

    def match(self) -> Match:
        """What was found; where a stop came before the first render, the start or the default preset (one render)."""
        if not self.renders:
            self._play(self.best_u[None])
        return Match(self.best_u, self.best_loss, self.best_audio, self.renders, self.curve, self.archive)


class Agent(Protocol):
    """A method that searches for a preset."""

    def match(self, objective: Objective, generator: np.random.Generator) -> Match:
        """Spend the objective's budget; every random draw comes from `generator`."""
        ...
