"""What a panel draws of a Serum-lite preset: a cycle of its wavetable, the filter's response, envelopes and LFOs.

The formulas of the voice in plain numpy: to call the voice's own functions would compile them here, and then the
kernel's sums are rounded elsewhere (see `myna.compiled`). The tests hold the two together. It lies outside
of the engine's folder, as whatever lies in there is part of the engine's key.

Shapes: N points. Values are physical, by name, as in a preset.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from myna import seeding
from myna.synth.serum_lite.parameters import FILTER_TYPES, SUB_SHAPES
from myna.synth.serum_lite.wavetables import FRAMES, LEVEL_HARMONICS, frame

__all__ = ["envelope_levels", "filter_response_db", "lfo_levels", "sub_cycle", "wavetable_cycle"]

Values = Mapping[str, Any]
_LEVEL = LEVEL_HARMONICS.index(42)  # what a picture of 200 points can show
_POINTS = 200
_QUIETEST_DB = -120.0


def wavetable_cycle(values: Values, module: str) -> np.ndarray:
    """One cycle of an oscillator's table at its position, before its warp, (N,)."""
    return _cycle(values[f"{module}.table"], float(values[f"{module}.position"]) * (FRAMES - 1))


def sub_cycle(values: Values, module: str = "sub") -> np.ndarray:
    """One cycle of the sub oscillator, (N,)."""
    return _cycle("basic_shapes", SUB_SHAPES.index(values[f"{module}.shape"]) * ((FRAMES - 1) // 3))


def _cycle(table: str, place: float) -> np.ndarray:
    low = min(int(place), FRAMES - 2)
    part = place - low
    mixed = (1.0 - part) * frame(table, low, _LEVEL) + part * frame(table, low + 1, _LEVEL)
    return mixed[:: len(mixed) // _POINTS]


def filter_response_db(values: Values, frequency_hz: np.ndarray, module: str = "filter") -> np.ndarray:
    """The filter's gain at frequencies (N,), at note 60 and with nothing modulating it, dB.

    The voice's filter below a fourth of the sample rate, where the bilinear transform hardly bends the axis.
    """
    s = 1j * np.asarray(frequency_hz, np.float64) / float(values[f"{module}.cutoff_hz"])
    kind = FILTER_TYPES.index(values[f"{module}.type"])
    response = np.ones_like(s)
    for k in _dampings(float(values[f"{module}.resonance"]), values[f"{module}.slope"]):
        top = (np.ones_like(s), s**2, k * s, s**2 + 1.0)[kind]
        response = response * top / (s**2 + k * s + 1.0)
    mix = float(values[f"{module}.mix"])
    gain = np.abs((1.0 - mix) + mix * response)
    return 20.0 * np.log10(np.maximum(gain, 10.0 ** (_QUIETEST_DB / 20.0)))


def _dampings(resonance: float, slope: str) -> tuple[float, ...]:
    """Damping of each stage, as `filter.damping`."""
    r = min(max(resonance, 0.0), 1.0)
    if slope == "12_db":
        return (1.4142135 * (1.0 - r) + 0.02 * r,)
    return (1.8477591 * (1.0 - r) + 0.9 * r, 0.7653669 * (1.0 - r) + 0.02 * r)


def envelope_levels(values: Values, module: str, time_s: np.ndarray, gate_s: float) -> np.ndarray:
    """An envelope's level at times (N,) of a note whose key is up from `gate_s` on, 0 to 1."""
    knob = {name: float(values[f"{module}.{name}"]) for name in _ENVELOPE}
    time_s = np.asarray(time_s, np.float64)
    held = _held(knob, np.minimum(time_s, gate_s))
    with np.errstate(divide="ignore", invalid="ignore"):
        x = np.where(knob["release_s"] > 0.0, (time_s - gate_s) / knob["release_s"], 1.0)
    released = held * (1.0 - _bend(x, knob["release_curve"]))
    return np.where(time_s <= gate_s, held, released)


_ENVELOPE = (
    "delay_s", "attack_s", "hold_s", "decay_s", "sustain", "release_s", "attack_curve", "decay_curve", "release_curve",
)  # fmt: skip


def _held(knob: Mapping[str, float], t: np.ndarray) -> np.ndarray:
    """Level with the key still down."""
    t = t - knob["delay_s"]
    rise = _bend(t / max(knob["attack_s"], 1e-12), knob["attack_curve"])
    after = t - knob["attack_s"] - knob["hold_s"]
    fall = 1.0 + (knob["sustain"] - 1.0) * _bend(after / max(knob["decay_s"], 1e-12), knob["decay_curve"])
    return np.where(t <= 0.0, 0.0, np.where(t < knob["attack_s"], rise, np.where(after <= 0.0, 1.0, fall)))


def _bend(x: np.ndarray, curve: float) -> np.ndarray:
    x, k = np.clip(x, 0.0, 1.0), 6.0 * curve
    return x if abs(k) < 1e-3 else (1.0 - np.exp(-k * x)) / (1.0 - np.exp(-k))


def lfo_levels(values: Values, module: str, time_s: np.ndarray) -> np.ndarray:
    """An LFO at times (N,), -1 to 1, as if it started with the note; sample-and-hold shows steps like those heard."""
    time_s = np.asarray(time_s, np.float64)
    cycles = float(values[f"{module}.phase"]) + float(values[f"{module}.rate_hz"]) * time_s
    rise_s = float(values[f"{module}.rise_s"])
    fade = np.minimum(time_s / rise_s, 1.0) if rise_s > 0.0 else 1.0
    return fade * _shape(values[f"{module}.shape"], cycles)


def _shape(shape: str, cycles: np.ndarray) -> np.ndarray:
    phase = cycles - np.floor(cycles)
    if shape == "sine":
        return np.sin(2.0 * np.pi * phase)
    if shape == "triangle":
        return 4.0 * np.abs(phase + 0.75 - np.floor(phase + 0.75) - 0.5) - 1.0
    if shape == "saw":
        return 2.0 * phase - 1.0
    if shape == "square":
        return np.where(phase < 0.5, 1.0, -1.0)
    steps = seeding.generator(0, "drawn", "sample_hold").uniform(-1.0, 1.0, 64)
    return steps[np.floor(cycles).astype(int) % len(steps)]
