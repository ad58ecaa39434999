"""What every synth offers: a table of knobs, and audio for presets × probes.

Shapes: B presets, N probes, C channels, T samples, P parameters.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from myna.errors import UsageError
from myna.params import ParameterTable

__all__ = ["Probe", "Synth"]


@dataclass(frozen=True)
class Probe:
    """What is played.

    Attributes:
        note_midi: MIDI note, 0 to 127; fractions are quarter tones and the like.
        velocity: 1 to 127.
        gate_s: how long the key is held, above 0.
        total_s: length of the audio with its release, up to 60 s.
    """

    note_midi: float = 60.0
    velocity: float = 100.0
    gate_s: float = 0.8
    total_s: float = 1.0

    def __post_init__(self) -> None:
        """Refuse what cannot be played.

        Raises:
            UsageError: a value is out of its range or not finite.
        """
        for name, low, high in (
            ("note_midi", 0.0, 127.0),
            ("velocity", 1.0, 127.0),
            ("gate_s", 0.001, 60.0),
            ("total_s", 0.001, 60.0),
        ):
            value = getattr(self, name)
            if not low <= value <= high:  # also false for NaN
                raise UsageError(f"A probe's {name} must lie in {low:g} to {high:g}; got {value:g}.")

    def samples(self, sample_rate: int) -> int:
        """Length in samples at `sample_rate` (Hz)."""
        return max(1, math.ceil(self.total_s * sample_rate - 1e-9))


class Synth(Protocol):
    """A synth: deterministic, batched, and independent of what else is in the batch."""

    name: str
    table: ParameterTable
    channels: int

    def row_bytes(self, sample_rate: int) -> int:
        """Memory in bytes that a row (one preset at one probe) needs during a call, beyond its audio."""
        ...

    def render(
        self, values: np.ndarray, probes: Sequence[Sequence[Probe]], sample_rate: int, seeds: np.ndarray, out: Any
    ) -> None:
        """Render presets × probes.

        Args:
            values: (B, P) float64 physical values.
            probes: B × N of them, each preset's own.
            sample_rate: Hz.
            seeds: (B,) uint64, one per preset.
            out: (B, N, C, T) float32, zeros; T is the longest probe.
        """
        ...
