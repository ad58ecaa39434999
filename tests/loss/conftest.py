"""Sounds to be judged: the recordings and presets as targets, honest poor matches, and cheats.

Shapes: K honest matches, T samples; every sound is (2, T) float32 at RATE.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy import signal

from myna.audio.loudness import loudness_lufs
from myna.audio.target import target_from_file
from myna.presets.factory import load_factory
from myna.presets.generator import MusicalPrior
from myna.seeding import generator
from myna.synth.base import Probe
from myna.synth.renderer import Renderer

RATE = 44_100
HONEST = 15
PRESETS = 64
EXAMPLES = Path(__file__).parents[2] / "examples" / "targets"
# The keys that were played and for how long, from the README beside the recordings.
RECORDINGS = {
    "drawbar_organ": (57, 1.0),
    "electric_piano": (60, 1.0),
    "flute": (72, 1.0),
    "fretless_bass": (43, 0.8),
    "nylon_guitar": (52, 1.0),
    "saw_lead": (57, 0.8),
    "slap_bass": (40, 0.6),
    "square_lead": (60, 0.8),
    "steel_drum": (67, 0.5),
    "string_ensemble": (60, 1.2),
    "trumpet": (65, 0.8),
    "warm_pad": (55, 1.2),
}


@pytest.fixture(autouse=True)
def _one_core():
    """One core is fastest on small tensors, and the other tests run beside."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@dataclass(frozen=True)
class Case:
    """A target, how it is played, and K random presets at its note, set to its loudness, (K, 2, T)."""

    name: str
    audio: np.ndarray
    probe: Probe
    honest: np.ndarray


@pytest.fixture(scope="session")
def cases() -> list[Case]:
    return make_cases()


@pytest.fixture(scope="session")
def longer_cases() -> list[Case]:
    """The same, with half a second of silence after each target in which a candidate may go on."""
    return make_cases(silence_s=0.5)


def make_cases(silence_s: float = 0.0) -> list[Case]:
    """The 12 recordings and 64 presets: 32 of the factory's, 32 of the musical prior."""
    renderer = Renderer(threads=1)
    honest = audible(renderer, HONEST, "honest")
    targets = [*recordings(), *presets(renderer)]
    rendered: dict[Probe, np.ndarray] = {}
    cases = []
    for name, audio, probe in targets:
        audio = np.pad(audio, ((0, 0), (0, round(silence_s * RATE))))
        probe = replace(probe, total_s=audio.shape[1] / RATE)
        if probe not in rendered:
            rendered[probe] = renderer.render(honest, probe)[:, 0, :, : audio.shape[1]]
        cases.append(Case(name, audio, probe, at_loudness_of(audio, rendered[probe])))
    return cases


def audible(renderer: Renderer, count: int, purpose: str) -> np.ndarray:
    probe = Probe(60, 100, 0.6, 1.0)
    prior = MusicalPrior(renderer.table)
    return prior.sample_audible(count, generator(0, "cheats", purpose), lambda u: renderer.render(u, probe))


@functools.cache
def recordings() -> list[tuple[str, np.ndarray, Probe]]:
    found = []
    for name, (note, gate_s) in RECORDINGS.items():
        target = target_from_file(EXAMPLES / f"{name}.flac", note=note, gate=gate_s, max_s=1.5)
        found.append((name, target.audio, Probe(note, 100, target.gate_s, target.total_s)))
    return found


def presets(renderer: Renderer) -> list[tuple[str, np.ndarray, Probe]]:
    factory = load_factory(renderer.table)
    chosen = generator(0, "cheats", "factory").permutation(len(factory))[: PRESETS // 2]
    u = np.concatenate([[factory[i].u(renderer.table) for i in chosen], audible(renderer, PRESETS // 2, "targets")])
    names = [factory[i].name for i in chosen] + [f"prior {i}" for i in range(PRESETS // 2)]
    probes = [Probe((48, 60, 72)[i % 3], 100, 0.6, 1.0) for i in range(PRESETS)]
    audio = renderer.render(u, [[probe] for probe in probes])[:, 0]
    return list(zip(names, audio, probes, strict=True))


def at_loudness_of(target: np.ndarray, sounds: np.ndarray) -> np.ndarray:
    wanted = loudness_lufs(target, RATE)
    gains_db = np.array([wanted - loudness_lufs(sound, RATE) for sound in sounds])
    return sounds * (10 ** (gains_db / 20)).astype(np.float32)[:, None, None]


def stereo(mono: np.ndarray) -> np.ndarray:
    return np.repeat(np.asarray(mono, np.float32)[None], 2, axis=0)


def rms(sound: np.ndarray) -> float:
    return float(np.sqrt(np.mean(np.square(sound, dtype=np.float64))))


def energy_s(audio: np.ndarray) -> float:
    """Over how long the energy is spread: the whole length for a steady sound."""
    power = audio.mean(0, dtype=np.float64) ** 2
    frames = power[: len(power) // 64 * 64].reshape(-1, 64).sum(1)
    return float(frames.sum() ** 2 / np.sum(frames**2)) * 64 / RATE


def loudest(audio: np.ndarray, length: int) -> np.ndarray:
    """The stretch with the most energy."""
    total = np.cumsum(np.pad(audio.mean(0, dtype=np.float64) ** 2, (1, 0)))
    start = int(np.argmax(total[length:] - total[:-length]))
    return audio[:, start : start + length]


def with_spectrum_of(target: np.ndarray, source: np.ndarray, window: int) -> np.ndarray:
    """Filter (T,) to the target's average spectrum, as finely as `window` resolves it, at the target's RMS."""
    middle = target.mean(0, dtype=np.float64)
    wanted, own = (
        np.sqrt(np.mean(np.abs(signal.stft(x, RATE, nperseg=window)[2]) ** 2, axis=1)) for x in (middle, source)
    )
    gain = wanted / np.maximum(own, 1e-3 * own.max())
    fir = signal.firwin2(4 * window + 1, np.linspace(0, 1, len(gain)), gain / gain.max())
    filtered = signal.fftconvolve(source, fir, mode="same")
    return stereo(filtered * (rms(middle) / rms(filtered)))


@functools.cache
def vibrato_saw(note_midi: float, samples: int, semitones: float, rate_hz: float) -> np.ndarray:
    """A band-limited saw, up and down by so many semitones."""
    t = np.arange(samples) / RATE
    hz = 440 * 2 ** ((note_midi - 69 + semitones * np.sin(2 * np.pi * rate_hz * t)) / 12)
    phase = 2 * np.pi * np.cumsum(hz) / RATE
    partials = range(1, min(200, int(18_000 / hz.min())) + 1)
    return np.sum([np.where(k * hz < 18_000, np.sin(k * phase) / k, 0.0) for k in partials], axis=0)


def cheats(case: Case) -> dict[str, np.ndarray]:
    """Ways to score well without sounding alike, by name; all as long as the target."""
    x, samples = case.audio, case.audio.shape[1]
    t = np.arange(samples) / RATE
    middle = x.mean(0, dtype=np.float64)
    white = generator(0, "cheats", "white").standard_normal(samples)
    click = np.zeros(samples)
    click[100] = min(1.0, np.sqrt(np.sum(middle**2)))  # the target's energy in one sample, as far as it goes
    length = max(64, round(energy_s(x) / 8 * RATE))
    burst = np.zeros_like(x)
    burst[:, :length] = loudest(x, length) * np.hanning(length)
    # Three swings within the sound's body at least: fewer are no tremolo.
    tremolo = 0.5 - 0.5 * np.cos(2 * np.pi * max(8.0, 3.0 / energy_s(x)) * t)
    broken = x.copy()
    broken[0, samples // 2] = np.nan
    return {
        "silence": np.zeros_like(x),
        "near silence": 1e-3 * x,
        "a constant": np.full_like(x, rms(middle)),
        "the target on a constant": x + np.float32(2 * rms(x)),
        "clipping": np.clip(x * np.float32(10**1.5), -1, 1),
        "one click": stereo(click),
        "one burst": burst * np.float32(rms(x) / max(rms(burst), 1e-9)),
        "noise, fine spectrum": with_spectrum_of(x, white, 2048),
        "noise, coarse spectrum": with_spectrum_of(x, white, 128),
        "vibrato": with_spectrum_of(x, vibrato_saw(case.probe.note_midi, samples, 4.0, 7.0), 2048),
        "fast vibrato": with_spectrum_of(x, vibrato_saw(case.probe.note_midi, samples, 2.0, 13.0), 2048),
        "far too quiet": x * np.float32(10**-1.2),
        "far too loud": x * np.float32(10**1.2),
        "heavy tremolo": x * (tremolo / np.sqrt(np.mean(tremolo**2))).astype(np.float32),
        "0.25 s late": late(x, 0.25),
        "0.5 s late": late(x, 0.5),
        "NaN": broken,
    }


def late(audio: np.ndarray, seconds: float) -> np.ndarray:
    return np.pad(audio, ((0, 0), (round(seconds * RATE), 0)))[:, : audio.shape[1]]


def going_on(audio: np.ndarray) -> np.ndarray:
    """The sound's loudest 100 ms again and again from where it falls 30 dB under its peak."""
    level = np.abs(audio).max(0)
    end = int(np.flatnonzero(level > level.max() * 10**-1.5)[-1])
    again = np.tile(loudest(audio, RATE // 10), (1, audio.shape[1] // (RATE // 10) + 1))
    return np.concatenate([audio[:, :end], again[:, : audio.shape[1] - end]], axis=1)


def note(
    semitones: float = 0.0,
    gain_db: float = 0.0,
    partials: int = 12,
    decay_s: float = 0.3,
    late_s: float = 0.0,
    seconds: float = 0.5,
) -> np.ndarray:
    """A decaying saw-like tone at 220 Hz, about -20 dBFS."""
    t = np.arange(round(seconds * RATE)) / RATE - late_s
    hz = 220.0 * 2 ** (semitones / 12)
    tone = sum(np.sin(2 * np.pi * k * hz * t) / k for k in range(1, partials + 1))
    return stereo(0.15 * 10 ** (gain_db / 20) * tone * np.exp(-t / decay_s) * (t >= 0))


def white(seed: int = 5, seconds: float = 0.5) -> np.ndarray:
    return stereo(generator(seed, "white").standard_normal(round(seconds * RATE)))
