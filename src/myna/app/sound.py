"""Sounds as a browser gets them: 16-bit WAV of our own at the level they have, and what that level is.

Streamlit's player normalises arrays clip by clip, so it is given bytes only: two clips 6 dB apart stay 6 dB apart.

Shapes: audio (C, T), full scale = 1. Units: dB re full scale, LUFS.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import streamlit as st

from myna.audio.files import load_audio
from myna.audio.loudness import loudness_lufs
from myna.audio.wav import encode_wav
from myna.errors import BadAudioError
from myna.evaluation.report.clips import equal_gains_db
from myna.presets import Preset
from myna.render import render_preset
from myna.synth.base import Probe
from myna.synth.renderer import Renderer
from myna.units import db_to_gain, gain_to_db

__all__ = [
    "SAMPLE_RATE",
    "Level",
    "at_equal_loudness",
    "example_sound",
    "level_of",
    "listen",
    "play_bytes",
    "player",
    "renderer",
    "stored_sound",
]

SAMPLE_RATE = 44_100
EXAMPLE = Probe(48, 100, 0.8, 1.5)


@dataclass(frozen=True)
class Level:
    """How loud a sound is: largest sample and RMS in dB, loudness in LUFS; `clips` above full scale."""

    peak_db: float
    rms_db: float
    loudness_lufs: float

    @property
    def clips(self) -> bool:
        """Whether 16 bits cut its peaks."""
        return self.peak_db > 0.0


def level_of(audio: np.ndarray, sample_rate: int = SAMPLE_RATE) -> Level:
    """Measure a sound (C, T)."""
    rms = float(np.sqrt(np.mean(np.square(audio, dtype=np.float64))))
    peak = float(np.abs(audio).max(initial=0.0))
    return Level(float(gain_to_db(peak)), float(gain_to_db(rms)), loudness_lufs(audio, sample_rate))


def listen(preset: Preset, probe: Probe) -> np.ndarray:
    """Play a preset at SAMPLE_RATE, (2, T)."""
    return render_preset(preset, probe, renderer=renderer(preset.synth))


@functools.cache
def renderer(synth: str) -> Renderer:
    """The one that all sessions share: it keeps nothing of what it renders."""
    return Renderer(synth, sample_rate=SAMPLE_RATE)


def example_sound(preset: Preset) -> bytes:
    """A preset's note as a file, for those who have no sound at hand."""
    return encode_wav(listen(preset, EXAMPLE), SAMPLE_RATE)


def stored_sound(path: Path) -> tuple[np.ndarray, int]:
    """A sound that a job has written, (2, T), with its rate in Hz; silence where there is nothing to hear.

    Raises:
        BadAudioError: the file is gone.
    """
    if not path.exists():
        raise BadAudioError("The sounds of this match are gone: start it again.")
    try:
        audio = load_audio(path, sample_rate=SAMPLE_RATE)
    except BadAudioError:
        return np.zeros((2, SAMPLE_RATE // 10), np.float32), SAMPLE_RATE
    return audio.samples, audio.sample_rate


def at_equal_loudness(sounds: Sequence[np.ndarray], sample_rate: int = SAMPLE_RATE) -> list[tuple[np.ndarray, float]]:
    """Each sound at the loudness of the first, as far as peaks allow, with the gain in dB that this took."""
    gains_db = equal_gains_db(sounds, sample_rate)
    return [(audio * np.float32(db_to_gain(gain)), gain) for audio, gain in zip(sounds, gains_db, strict=True)]


def player(
    audio: np.ndarray, sample_rate: int = SAMPLE_RATE, *, autoplay: bool = False, name: str = "", take: int = 0
) -> None:
    """Show a player for a sound, at its own level; what is above full scale is cut, as in any converter.

    Args:
        audio: (C, T).
        sample_rate: Hz.
        autoplay: start by itself when the sound is new, or the take.
        name: what it is, read out.
        take: counts how often it was asked for, as a browser starts one sound only once by itself.
    """
    play_bytes(encode_wav(audio, sample_rate), autoplay=autoplay, name=f"{name}, take {take}" if take else name)


def play_bytes(wav: bytes, *, autoplay: bool = False, name: str = "") -> None:
    """Show a player for a WAV file; see `player`."""
    st.audio(wav, format="audio/wav", autoplay=autoplay, alt=name or None)
