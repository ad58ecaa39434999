"""Presets of the library as sounds: rendered when asked for, kept by their content, heard in the row."""

from __future__ import annotations

import functools

import numpy as np
import streamlit as st

from myna.app.library_desk import asked, set_address
from myna.app.sound import SAMPLE_RATE, listen, play_bytes
from myna.audio.wav import encode_wav
from myna.presets import Preset, dumps, loads
from myna.synth.base import Probe
from myna.synth.registry import synth_table
from myna.units import note_name

__all__ = ["NOTES", "current_probe", "note_picker", "play", "preset_audio", "preset_wav", "strip"]

NOTES = (24, 36, 48, 60, 72, 84)
GATE_S, TOTAL_S, VELOCITY = 0.8, 1.6, 100
_TAKE = "library.take"


def note_picker() -> None:
    """The note at which all rows play; another one is heard at once where a row plays."""
    st.segmented_control(
        "Play at", NOTES, default=60, format_func=note_name, required=True, key="note", label_visibility="collapsed",
        bind="query-params", on_change=_again,
    )  # fmt: skip


def current_probe() -> Probe:
    """What the rows play."""
    note = st.session_state.get("note")
    return Probe(note if note in NOTES else 60, VELOCITY, GATE_S, TOTAL_S)


def play(entry_id: str) -> None:
    """Let a row play, or stop it; for the callback of its button."""
    set_address(play="" if asked("play") == entry_id else entry_id)
    _again()


def _again() -> None:
    st.session_state[_TAKE] = st.session_state.get(_TAKE, 0) + 1


def strip(preset: Preset) -> None:
    """The player below a row; it starts by itself when a person asked for it, not when a page is opened."""
    take = st.session_state.get(_TAKE, 0)
    name = f"{preset.name[:80]}, {note_name(current_probe().note_midi)}"
    play_bytes(preset_wav(preset), autoplay=take > 0, name=f"{name}, take {take}")


def preset_wav(preset: Preset) -> bytes:
    """A preset's note as a 16-bit WAV file at its own level."""
    return _wav(dumps(preset), preset.synth, current_probe())


def preset_audio(preset: Preset) -> np.ndarray:
    """A preset's note, (2, T) at SAMPLE_RATE."""
    return _audio(dumps(preset), preset.synth, current_probe())


@functools.lru_cache(maxsize=96)
def _wav(text: str, synth: str, probe: Probe) -> bytes:
    return encode_wav(_audio(text, synth, probe), SAMPLE_RATE)


@functools.lru_cache(maxsize=32)
def _audio(text: str, synth: str, probe: Probe) -> np.ndarray:
    return listen(loads(text, synth_table(synth)), probe)
