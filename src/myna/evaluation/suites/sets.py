"""Sets of targets to compare methods on, each made anew from its place in the set: presets of a prior, or recordings.

Shapes: C channels, T samples, P parameters.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from myna.audio.collection import Recording
from myna.audio.target import Target
from myna.presets.generator import MusicalPrior
from myna.seeding import generator
from myna.synth.base import Probe
from myna.synth.renderer import Renderer

__all__ = ["PresetSet", "RecordingSet", "TargetSet"]

NOTES_MIDI = (36, 84)
GATES_S = (0.3, 0.9)
TOTAL_S = 1.0


class TargetSet(Protocol):
    """Targets in an order that never changes; it travels to other processes."""

    @property
    def name(self) -> str:
        """Of the set."""
        ...

    def __len__(self) -> int:
        """How many targets there are."""
        ...

    def target(self, index: int, renderer: Renderer) -> Target:
        """One target, the same whichever others are asked for, at the renderer's sample rate."""
        ...


@dataclass(frozen=True)
class PresetSet:
    """Draws of the musical prior that can be heard, all modules open, canonical: sounds that the synth can make.

    Each is played for 1 s at a drawn note (36 to 84) and gate (0.3 to 0.9 s), at velocity 100, with the renderer's own
    seed, so that the very sound can be reached.

    Attributes:
        name: of the set, and its place in the tree of seeds.
        count: of targets.
        seed: 0 or more.
    """

    name: str
    count: int
    seed: int = 0

    def __len__(self) -> int:
        """How many targets there are."""
        return self.count

    def preset(self, index: int, renderer: Renderer) -> tuple[np.ndarray, Probe]:
        """What a target is the sound of: a preset (1, P), and how it is played. For diagnosis alone."""
        rng = generator(self.seed, "suite", self.name, index)
        note_midi, gate_s = int(rng.integers(NOTES_MIDI[0], NOTES_MIDI[1] + 1)), float(rng.uniform(*GATES_S))
        probe = Probe(note_midi, 100, gate_s, TOTAL_S)
        return MusicalPrior(renderer.table).sample_audible(1, rng, lambda rows: renderer.render(rows, probe)), probe

    def target(self, index: int, renderer: Renderer) -> Target:
        """See `TargetSet.target`."""
        u, probe = self.preset(index, renderer)
        audio: np.ndarray = renderer.render(u, probe)[0, 0]
        name, note_midi, velocity = f"{self.name}_{index:03d}", int(probe.note_midi), int(probe.velocity)
        return Target(audio, renderer.sample_rate, name, note_midi, velocity, probe.gate_s, TOTAL_S, 0.0, True)


@dataclass(frozen=True)
class RecordingSet:
    """Recorded notes with their known notes and gates, at velocity 100.

    Attributes:
        name: of the set.
        recordings: in order.
        about: what it is, for people.
    """

    name: str
    recordings: tuple[Recording, ...]
    about: str = ""

    def __len__(self) -> int:
        """How many targets there are."""
        return len(self.recordings)

    def target(self, index: int, renderer: Renderer) -> Target:
        """See `TargetSet.target`."""
        return self.recordings[index].target(renderer.sample_rate)
