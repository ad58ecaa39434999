"""What a search works on: one sound to imitate, with a budget that counts every render.

Shapes: n presets, P parameters, C channels, T samples, R residuals.
"""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from myna.agents.archive import Archive
from myna.audio.target import Target
from myna.features import FULL, Features, analyse
from myna.loss import Heard, PerceptualLoss, residuals
from myna.params import ParameterTable
from myna.synth.base import Probe
from myna.synth.renderer import Renderer

__all__ = ["Goal", "Objective", "Search", "Watch"]

Search = Generator[np.ndarray, np.ndarray, None]
"""Yields presets (n, P), n at least 1, to be heard, and receives their scaled losses (n,)."""


@dataclass(frozen=True)
class Goal:
    """What is to be imitated.

    Attributes:
        audio: (C, T) float32, as long as the probe.
        probe: how a candidate is played.
        name: for people.
        frozen, start: (P,) bool of what must stay, and (P,) u to take it from (locks).
    """

    audio: np.ndarray
    probe: Probe
    name: str = ""
    frozen: np.ndarray | None = None
    start: np.ndarray | None = None

    @classmethod
    def of(cls, target: Target, renderer: Renderer) -> Goal:
        """A target as agents take it: played as it was, its audio as long as that."""
        probe = Probe(target.note_midi, target.velocity, target.gate_s, target.total_s)
        audio = np.zeros((target.audio.shape[0], probe.samples(renderer.sample_rate)), np.float32)
        length = min(audio.shape[1], target.audio.shape[1])
        audio[:, :length] = target.audio[:, :length]
        return cls(audio, probe, target.name)

    def generator(self, parent: np.random.Generator) -> np.random.Generator:
        """The place below `parent` in the tree of seeds that belongs to this sound, whatever else is matched."""
        sound = np.ascontiguousarray(self.audio, np.float32).tobytes()
        digest = hashlib.sha256(repr(self.probe).encode() + sound).digest()
        root: Any = parent.bit_generator.seed_seq
        words = [int.from_bytes(digest[i : i + 4], "little") for i in range(0, 32, 4)]
        seed = np.random.SeedSequence(root.entropy, spawn_key=(*root.spawn_key, *words))
        return np.random.Generator(np.random.PCG64(seed))


@dataclass
class Watch:
    """Who looks on while agents search.

    Attributes:
        progress: called with (renders, budget, best loss) after each round: sums over the goals, and the median of
            their best losses.
        preparing: called with (done, total) while something is built that later targets share (the bank).
        stop: asked between rounds; true ends the searches, keeping the best.
        log: called with (index of the goal, u (n, P), losses (n,), features (n,) without magnitudes) of all that was
            heard, each goal's in the order of their evaluation.
        improved: called with (index of the goal, renders, its best loss, audio (C, T)) whenever a goal's best improves.
        waited_s: seconds that went into what later targets share.
    """

    progress: Callable[[int, int, float], None] | None = None
    preparing: Callable[[int, int], None] | None = None
    stop: Callable[[], bool] | None = None
    log: Callable[[int, np.ndarray, np.ndarray, Features], None] | None = None
    improved: Callable[[int, int, float, np.ndarray], None] | None = None
    waited_s: float = 0.0

    @property
    def stopped(self) -> bool:
        """Whether the person asked to stop."""
        return self.stop is not None and self.stop()


@dataclass
class Objective:
    """One goal with its budget: all that a search knows of the target.

    Attributes:
        renderer: of candidates.
        goal: what is to be imitated.
        budget: renders that may be spent; never exceeded.
        watch: who looks on, and `index`, the goal's place in what is matched.
        renders: spent so far.
        limit: renders at which the search that runs now must have ended, see `share`.
        target: the goal as it was heard, full features.
        best_u, best_loss, best_audio: (P,), its scaled loss, (C, T); before the first render the start or the default.
        trail: (renders, loss, u) of each improvement.
        archive: all that was tried.
        heard, losses, features, audio: of the presets heard last: (n, P) as they were really rendered, (n,), (n,)
            without magnitudes, (n, C, T).
    """

    renderer: Renderer
    goal: Goal
    budget: int
    watch: Watch = field(default_factory=Watch)
    index: int = 0
    renders: int = 0
    best_loss: float = np.inf
    trail: list[tuple[int, float, np.ndarray]] = field(default_factory=list)
    archive: Archive = field(default_factory=Archive)

    def __post_init__(self) -> None:
        """Analyse the target once."""
        self.limit = self.budget
        self.loss = PerceptualLoss()
        analysed = analyse(self.goal.audio[None], self.renderer.sample_rate, FULL)
        self.target = Heard(analysed)
        start = self.goal.start
        self.best_u: np.ndarray = self.table.snap(self.table.encode(self.table.defaults) if start is None else start)
        self.best_audio = np.zeros_like(self.goal.audio)
        self.heard, self.losses = np.empty((0, len(self.table))), np.empty(0)
        self.features: Features = analysed.lean()[:0]
        self.audio = np.empty((0, *self.goal.audio.shape), np.float32)

    @property
    def table(self) -> ParameterTable:
        """The synth's parameters."""
        return self.renderer.table

    @property
    def left(self) -> int:
        """Renders that the search that runs now may still spend."""
        return self.limit - self.renders

    @property
    def open(self) -> np.ndarray:
        """Which knobs may be turned, (P,) bool."""
        return np.ones(len(self.table), bool) if self.goal.frozen is None else ~self.goal.frozen

    def constrain(self, u: np.ndarray) -> np.ndarray:
        """Snap discrete knobs and put locked ones back, (n, P)."""
        u = self.table.snap(u)
        if self.goal.frozen is not None and self.goal.start is not None:
            u[:, self.goal.frozen] = self.goal.start[self.goal.frozen]
        return u

    def residuals(self) -> np.ndarray:
        """Signed differences (n, R) of the presets heard last from the target, see `myna.loss.residuals`."""
        return residuals(self.features, self.target)

    @contextlib.contextmanager
    def share(self, renders: int) -> Iterator[None]:
        """Within it `left` tells what is left of so many renders, for a search that is a part of another."""
        before, self.limit = self.limit, min(self.limit, self.renders + renders)
        try:
            yield
        finally:
            self.limit = before

    def record(self, u: np.ndarray, losses: np.ndarray, features: Features, audio: np.ndarray) -> None:
        """Count presets (n, P) that were heard, with their losses (n,), features and audio (n, C, T)."""
        self.heard, self.losses, self.features, self.audio = u, losses, features, audio
        self.archive.add(u, losses, features)
        for i, loss in enumerate(losses):
            if loss < self.best_loss:
                self.best_loss, self.best_u, self.best_audio = float(loss), u[i].copy(), audio[i].copy()
                self.trail.append((self.renders + i + 1, self.best_loss, self.best_u))
        self.renders += len(u)
        if self.watch.improved is not None and np.min(losses, initial=np.inf) <= self.best_loss < np.inf:
            self.watch.improved(self.index, self.trail[-1][0], self.best_loss, self.best_audio)
        if self.watch.log is not None:
            self.watch.log(self.index, u, losses, features)
