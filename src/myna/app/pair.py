"""The two sounds that a session compares, and how they come to their level.

Shapes: audio (2, T) at SAMPLE_RATE, full scale = 1. Units: dB.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from myna.app.guard import read_preset, read_sound
from myna.app.sound import SAMPLE_RATE, at_equal_loudness, listen
from myna.app.state import held
from myna.params import ParameterTable
from myna.presets import Preset
from myna.synth.base import Probe

__all__ = ["LONGEST_S", "Pair", "Sound", "gain_in_words", "pair", "played", "uploaded", "uploaded_preset"]

LONGEST_S = 12.0
"""What is longer is cut: both sounds travel to the browser whole, three times in a blind test."""


@dataclass(frozen=True)
class Sound:
    """A sound of a pair: any name, audio (2, T)."""

    name: str
    audio: np.ndarray

    def __post_init__(self) -> None:
        """Cut it, and make it two channels: one is heard on both sides, of more the first two are heard."""
        audio = np.asarray(self.audio, np.float32)[:2, : round(LONGEST_S * SAMPLE_RATE)]
        object.__setattr__(self, "audio", np.repeat(audio, 2, axis=0) if audio.shape[0] == 1 else audio)


@dataclass
class Pair:
    """What is compared.

    Attributes:
        a, b: the sounds; None until they are chosen.
        equal: whether they are heard at one loudness, the first one's as far as peaks allow, or each at its own level.
    """

    a: Sound | None = None
    b: Sound | None = None
    equal: bool = True

    def put(self, side: str, sound: Sound) -> None:
        """Let a sound be side `a` or `b`."""
        setattr(self, side, sound)

    def swap(self) -> None:
        """Exchange A and B."""
        self.a, self.b = self.b, self.a

    def heard(self) -> list[tuple[np.ndarray, float]]:
        """Both sounds as they are heard, each with its gain in dB; both must be chosen."""
        sounds = [sound.audio for sound in (self.a, self.b) if sound is not None]
        return at_equal_loudness(sounds, SAMPLE_RATE) if self.equal else [(audio, 0.0) for audio in sounds]


def pair() -> Pair:
    """The session's pair."""
    return held("compare.pair", Pair)


def uploaded(upload: Any) -> Sound:
    """A sound that was handed in, through the audio door.

    Raises:
        BadAudioError: it was refused there.
    """
    sound = read_sound(upload)
    return Sound(sound.name, sound.audio.samples)


def played(preset: Preset, probe: Probe) -> Sound:
    """A preset's note."""
    return Sound(preset.name, listen(preset, probe))


def uploaded_preset(upload: Any, table: ParameterTable, probe: Probe) -> Sound:
    """The note of a preset that was handed in, through the strict codec.

    Raises:
        MynaError: it was refused there.
    """
    return played(read_preset(upload, table), probe)


def gain_in_words(gain_db: float) -> str:
    """A gain as it is shown.

    >>> gain_in_words(-3.25), gain_in_words(0.0)
    ('gain −3.2 dB', 'gain 0.0 dB')
    """
    if abs(gain_db) < 0.05:
        return "gain 0.0 dB"
    return f"gain {gain_db:+.1f} dB".replace("-", "−")
