"""Playing Serum-lite and measuring what comes out: what the tests of the synth share.

Shapes: B presets, N probes, T samples.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from myna.synth.base import Probe
from myna.synth.renderer import Renderer
from myna.synth.serum_lite.parameters import TABLE

RATE = 44_100
BLOCK_S = 64 / RATE  # the control period
BRIGHT_HZ = 16_000.0  # up to here oscillators promise to lose less than 1 dB
HELD_S = 60.0  # a gate that outlasts every render
# One oscillator, held at full level from the first block on, quiet enough that the master's bound never bends it.
STEADY: dict[str, Any] = {
    "osc_a.table": "basic_shapes",
    "osc_a.position": 0.0,
    "osc_a.level": 1.0,
    "env_1.attack_s": 0.0,
    "env_1.sustain": 1.0,
    "env_1.release_s": 0.0,
    "master.volume_db": -18.0,
    "master.velocity_sensitivity": 0.0,
}
KAISER = 18.0  # side lobes 170 dB down, below what float32 samples hold; the main lobe is 6 bins to each side
LOBE = 8  # bins


def normalised(*settings: Mapping[str, Any]) -> np.ndarray:
    """Presets (B, P) from settings by name, each upon the table's defaults."""
    return np.stack([TABLE.encode(TABLE.from_dict(s)) for s in settings])


def play(
    *settings: Mapping[str, Any],
    note: float = 60.0,
    seconds: float = 1.0,
    gate_s: float | None = None,
    velocity: float = 100.0,
    rate: int = RATE,
    seed: int = 0,
) -> np.ndarray:
    """Render each preset (STEADY and its own settings) at one note: (B, 2, T), float64; held throughout by default."""
    probe = Probe(note, velocity, HELD_S if gate_s is None else gate_s, seconds)
    renderer = Renderer(sample_rate=rate, threads=1, seed=seed)
    return renderer.render(normalised(*(STEADY | dict(s) for s in settings)), probe)[:, 0].astype(np.float64)


def hz_of(note_midi: float) -> float:
    """Frequency of a MIDI note, A4 = 440 Hz."""
    return 440.0 * 2.0 ** ((note_midi - 69.0) / 12.0)


def midi_of(hz: float) -> float:
    """The inverse of `hz_of`."""
    return 69.0 + 12.0 * np.log2(hz / 440.0)


def telling_note(note_midi: float, rate: int = RATE) -> float:
    """A note close by whose aliases lie 0.38 of the fundamental beside its harmonics, so that none hides there."""
    cycles = rate / hz_of(note_midi)
    return float(midi_of(rate / (max(round(cycles - 0.382), 1) + 0.382)))


def spectrum(x: np.ndarray) -> np.ndarray:
    """Amplitudes (…, T // 2 + 1) of the sines in x (…, T)."""
    window = np.kaiser(x.shape[-1], KAISER)
    return np.abs(np.fft.rfft(x * window)) * (2.0 / window.sum())


def harmonic_amplitudes(amplitudes: np.ndarray, f0_hz: float, highest_hz: float, rate: int = RATE) -> np.ndarray:
    """Amplitude (H,) of each harmonic of f0 up to a frequency, given a `spectrum`: the largest bin nearby."""
    bin_hz = rate / 2 / (len(amplitudes) - 1)
    centres = np.arange(1, int(highest_hz / f0_hz) + 1) * f0_hz / bin_hz
    return np.array([_peak(amplitudes, c) for c in centres])


def _peak(amplitudes: np.ndarray, centre: float) -> float:
    """The height of a peak between bins, by a parabola through the logarithms of the three next to it."""
    i = round(centre)
    a, b, c = np.log(amplitudes[i - 1 : i + 2] + 1e-30)
    if b < max(a, c):  # no peak here: noise
        return float(np.exp(max(a, c)))
    return float(np.exp(b + (a - c) ** 2 / (8 * max(2 * b - a - c, 1e-9))))


def loudest_alias_db(x: np.ndarray, f0_hz: float, rate: int = RATE, top_hz: float = 20_000.0) -> float:
    """The loudest thing from 0 Hz to `top_hz` that is no harmonic of f0, in dB under the loudest partial; x is (T,)."""
    amplitudes = spectrum(x)
    bins = np.arange(len(amplitudes))
    bin_hz = rate / len(x)
    away = np.abs(bins * bin_hz / f0_hz - np.round(bins * bin_hz / f0_hz)) * f0_hz / bin_hz
    beside = (away > LOBE) & (bins * bin_hz < top_hz)
    assert beside.sum() > 0.3 * top_hz / bin_hz, "the note is too low for this length"
    return float(20 * np.log10(amplitudes[beside].max() / amplitudes.max()))


def db(ratio: Any) -> Any:
    """Amplitude ratios in dB."""
    return 20.0 * np.log10(np.maximum(ratio, 1e-30))


def frequency_hz(x: np.ndarray, about_hz: float, rate: int = RATE) -> float:
    """Frequency of the sine in x (T,) near `about_hz`: the turn of its phase between two halves of x."""
    half = len(x) // 2
    window = np.kaiser(half, 10.0)
    at = np.arange(len(x))
    turned = x * np.exp(-2j * np.pi * about_hz * at / rate)
    first, second = np.sum(window * turned[:half]), np.sum(window * turned[half : 2 * half])
    return about_hz + float(np.angle(second * np.conj(first))) / (2 * np.pi) * rate / half


def cents(hz: float, reference_hz: float) -> float:
    """Interval in cents."""
    return 1200.0 * float(np.log2(hz / reference_hz))


def rms(x: np.ndarray) -> np.ndarray:
    """Root of the mean square over the last axis."""
    return np.sqrt(np.mean(np.square(x, dtype=np.float64), axis=-1))


def presets(kind: type, count: int, generator: np.random.Generator) -> np.ndarray:
    """Draw (count, P) from a prior of `myna.presets.generator`."""
    return kind(TABLE).sample(count, generator)


def renders(u: np.ndarray, probes: Sequence[Probe], **options: Any) -> np.ndarray:
    """`Renderer(**options).render(u, probes)`, one thread unless told."""
    return Renderer(**({"threads": 1} | options)).render(u, probes)


def steady(*settings: Mapping[str, Any], note: float, rate: int = RATE) -> np.ndarray:
    """The left channel of a long steady note, (B, T), T a power of two that keeps the note's partials apart."""
    samples = 1 << (17 if note < 40 else 16 if note < 52 else 15)
    seconds = (samples + 0.15 * rate) / rate
    return play(*settings, note=note, seconds=seconds, rate=rate)[:, 0, -samples:]


def lag_of(echo: np.ndarray, burst: np.ndarray) -> int:
    """By how many samples the echo comes later, from the peak of the correlation."""
    size = 1 << int(np.ceil(np.log2(len(echo) + len(burst))))
    across = np.fft.irfft(np.fft.rfft(echo, size) * np.conj(np.fft.rfft(burst, size)))
    return int(np.argmax(across[: len(echo)]))
