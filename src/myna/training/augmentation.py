"""Other sounds made of recordings, with their notes and gates kept right.

Shapes: C channels, T samples. Units: full scale = 1.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace

import numpy as np
import soxr
from scipy import signal

from myna.audio.target import MAX_PEAK, Target, normalise
from myna.errors import UsageError
from myna.units import db_to_gain, midi_to_hz

__all__ = ["Augmentation", "augmented"]

SEMITONES = 7
NOTES_MIDI = (24.0, 96.0)
SHORTEST_GATE_S = 0.1
RELEASE_S = (0.05, 1.0)  # until -60 dB
PARTNER_DB = (-12.0, -3.0)
NOISE_DB = (-36.0, -12.0)
BELL_DB = (-9.0, 9.0)
LEVEL_DB = (-9.0, 3.0)
FADE_S = 0.02
_TO_60_DB = np.log(1000.0)


@dataclass(frozen=True)
class Augmentation:
    """How often each change is made, as shares of the draws in [0, 1]; 0 switches it off.

    They are made in this order, each with draws of its own: what is switched off changes no other.

    Attributes:
        mixture: another recording of the same pitch class sounds along, 3 to 12 dB softer; the louder one's key counts.
        pitch: played faster or slower (resampled), up to 7 semitones; length and gate change with it.
        gate: the key let go earlier, from where the sound dies away within 0.05 to 1 s (by 60 dB).
        filtering: a low-pass above the note, a high-pass below it, or a bell.
        noise: breath, white to brown, that follows the sound's level 12 to 36 dB under it.
        level: off the usual -18 LUFS, by -9 to 3 dB.

    Raises:
        UsageError: a share outside of [0, 1].
    """

    mixture: float = 0.25
    pitch: float = 0.75
    gate: float = 0.5
    filtering: float = 0.5
    noise: float = 0.25
    level: float = 0.5

    def __post_init__(self) -> None:
        """See the class."""
        for one in fields(self):
            if not 0.0 <= getattr(self, one.name) <= 1.0:
                raise UsageError(f"The share of {one.name} must lie in 0 to 1; got {getattr(self, one.name)}.")


def augmented(
    targets: Sequence[Target], count: int, rng: np.random.Generator, augmentation: Augmentation | None = None
) -> list[Target]:
    """So many new targets, each from a recording that is drawn at random.

    Draw i has its own generator, so that it does not depend on how many are drawn.

    Args:
        targets: recordings at one sample rate.
        count: of draws.
        rng: of all of them.
        augmentation: what may be changed, `Augmentation()` unless given.

    Returns:
        Targets (2, T) at about -18 LUFS but for `level`, peak at most 0.99, with their notes and gates.

    Raises:
        UsageError: no recordings, or of several sample rates.
    """
    if not targets or len({target.sample_rate for target in targets}) > 1:
        raise UsageError("Give at least one recording to augment, and all of one sample rate.")
    shares = augmentation or Augmentation()
    return [_draw(targets, child, shares) for child in rng.spawn(count)]


def _draw(targets: Sequence[Target], rng: np.random.Generator, shares: Augmentation) -> Target:
    target = changed = targets[int(rng.integers(len(targets)))]
    changes = (
        (shares.mixture, lambda t, own: _mixed(t, targets, own)),
        (shares.pitch, _transposed),
        (shares.gate, _let_go),
        (shares.filtering, _filtered),
        (shares.noise, _breathed),
    )
    *children, last = rng.spawn(len(changes) + 1)  # a change that is switched off leaves the draws of others alone
    for (share, change), own in zip(changes, children, strict=True):
        if own.random() < share:
            changed = change(changed, own)
    if changed is not target:
        audio, gain_db = normalise(changed.audio, changed.sample_rate)
        changed = replace(changed, audio=audio, gain_db=changed.gain_db + gain_db, name=f"{changed.name}, varied")
    return _louder(changed, float(last.uniform(*LEVEL_DB))) if last.random() < shares.level else changed


def _with(target: Target, audio: np.ndarray, gate_s: float) -> Target:
    """The target with another sound of its own length."""
    total_s = audio.shape[1] / target.sample_rate
    return replace(target, audio=audio.astype(np.float32), gate_s=min(gate_s, total_s), total_s=total_s)


def _mixed(target: Target, targets: Sequence[Target], rng: np.random.Generator) -> Target:
    """With a partner an octave or more away, or in unison; as it is where there is none."""
    partners = [one for one in targets if one is not target and (one.note_midi - target.note_midi) % 12.0 == 0.0]
    if not partners:
        return target
    partner = partners[int(rng.integers(len(partners)))]
    level_db, release_s = float(rng.uniform(*PARTNER_DB)), _release_s(rng)
    if partner.gate_s > target.gate_s:
        partner = _released(partner, target.gate_s, release_s)
    length = min(target.audio.shape[1], partner.audio.shape[1])
    other = _faded(partner.audio[:, :length], target.sample_rate)
    audio = target.audio.copy()
    audio[:, :length] += other * (db_to_gain(level_db) * _rms(target.audio) / max(_rms(other), 1e-9))
    return replace(_with(target, audio, target.gate_s), name=f"{target.name} with {partner.name}")


def _transposed(target: Target, rng: np.random.Generator) -> Target:
    low, high = (round(edge - target.note_midi) for edge in NOTES_MIDI)
    steps = [step for step in range(-SEMITONES, SEMITONES + 1) if step and low <= step <= high]
    if not steps:
        return target
    step = steps[rng.integers(len(steps))]
    faster = 2.0 ** (step / 12.0)
    rate = float(target.sample_rate)
    audio = soxr.resample(np.ascontiguousarray(target.audio.T), rate * faster, rate).T
    return replace(_with(target, audio, target.gate_s / faster), note_midi=target.note_midi + step)


def _let_go(target: Target, rng: np.random.Generator) -> Target:
    gate_s, release_s = float(rng.uniform(SHORTEST_GATE_S, max(SHORTEST_GATE_S, target.gate_s))), _release_s(rng)
    return target if gate_s >= target.gate_s else _released(target, gate_s, release_s)


def _release_s(rng: np.random.Generator) -> float:
    return float(np.exp(rng.uniform(*np.log(RELEASE_S))))


def _released(target: Target, gate_s: float, release_s: float) -> Target:
    """Dying away from the gate on, by 60 dB within the release, and cut off there."""
    past_s = np.maximum(np.arange(target.audio.shape[1]) / target.sample_rate - gate_s, 0.0)
    end = round((gate_s + release_s) * target.sample_rate)
    return _with(target, (target.audio * np.exp(-_TO_60_DB * past_s / release_s))[:, :end], gate_s)


def _filtered(target: Target, rng: np.random.Generator) -> Target:
    rate, note_hz = target.sample_rate, float(midi_to_hz(target.note_midi))
    kind = ("low-pass", "high-pass", "bell")[rng.integers(3)]
    place, order, gain_db = float(rng.random()), int(rng.integers(1, 3)), float(rng.uniform(*BELL_DB))
    if kind == "bell":
        band = signal.lfilter(*signal.iirpeak(100.0 * 80.0**place, 1.0, rate), target.audio)
        return _with(target, target.audio + (db_to_gain(gain_db) - 1.0) * np.asarray(band), target.gate_s)
    lowest_hz = min(2.0 * note_hz, 8_000.0)
    cutoff_hz = lowest_hz * (12_000.0 / lowest_hz) ** place if kind == "low-pass" else note_hz * 0.25 ** (1.0 - place)
    sos = signal.butter(order, cutoff_hz, kind.replace("-", ""), fs=rate, output="sos")
    return _with(target, np.asarray(signal.sosfilt(sos, target.audio)), target.gate_s)


def _breathed(target: Target, rng: np.random.Generator) -> Target:
    length = target.audio.shape[1]
    level_db, steepness = float(rng.uniform(*NOISE_DB)), float(rng.uniform(0.0, 1.0))
    spectrum = np.fft.rfft(rng.standard_normal(length))
    noise = np.fft.irfft(spectrum / np.maximum(np.arange(len(spectrum)), 1.0) ** steepness, length)
    window = round(FADE_S * target.sample_rate)
    power = signal.oaconvolve((target.audio**2).mean(axis=0), np.full(window, 1.0 / window), mode="same")
    breath = noise / _rms(noise) * np.sqrt(np.maximum(power, 0.0))
    return _with(target, target.audio + db_to_gain(level_db) * breath, target.gate_s)


def _louder(target: Target, gain_db: float) -> Target:
    room_db = 20.0 * float(np.log10(MAX_PEAK / np.abs(target.audio).max()))
    gain_db = min(gain_db, room_db - 1e-3)
    audio = (target.audio * db_to_gain(gain_db)).astype(np.float32)
    return replace(target, audio=audio, gain_db=target.gain_db + gain_db)


def _faded(audio: np.ndarray, rate: int) -> np.ndarray:
    """Its last 20 ms faded out."""
    fade = min(round(FADE_S * rate), audio.shape[1])
    faded = audio.copy()
    faded[:, audio.shape[1] - fade :] *= np.linspace(1.0, 0.0, fade, dtype=np.float32)
    return faded


def _rms(audio: np.ndarray) -> float:
    return float(np.sqrt(np.mean(np.square(audio, dtype=np.float64))))
