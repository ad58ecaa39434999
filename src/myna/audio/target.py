"""From a recording to a target: one note, trimmed, at a known pitch, gate and loudness.

Shapes: C channels, T samples. Units: seconds, MIDI notes, dB; full scale = 1.
"""

from __future__ import annotations

import math
import os
from dataclasses import dataclass

import numpy as np

from myna.audio.envelope import find_end, find_gate, find_onset
from myna.audio.files import SILENCE_PEAK, Audio, display_name, load_audio
from myna.audio.loudness import loudness_lufs
from myna.audio.pitch import estimate_note_midi, settle_note
from myna.errors import BadAudioError, UsageError

__all__ = [
    "DEFAULT_NOTE_MIDI",
    "TARGET_LUFS",
    "Target",
    "normalise",
    "target_from_audio",
    "target_from_file",
    "to_stereo",
]

TARGET_LUFS = -18.0
MAX_PEAK = 0.99
SAFE_PEAK = MAX_PEAK * (1.0 - 1e-6)  # leaves room for float32 rounding
DEFAULT_NOTE_MIDI = 60.0
PRE_ROLL_S = 0.003
FADE_OUT_S = 0.05
MIN_SOUND_S = 0.02
PITCH_SPAN_S = 1.5
MIN_LENGTH_S, MAX_LENGTH_S = 0.1, 30.0
# Speaker order of WAV and FLAC by channel count: left, right, centre, x = the low-frequency effects.
LAYOUTS = {3: "lrc", 4: "lrlr", 5: "lrclr", 6: "lrcxlr", 7: "lrcxclr", 8: "lrcxlrlr"}


@dataclass(frozen=True)
class Target:
    """The sound to imitate, and what was played to make it.

    Attributes:
        audio: float32 (2, T), its onset at most 5 ms after sample 0, about -18 LUFS, peak <= 0.99.
        sample_rate: Hz.
        name: for people.
        note_midi: a whole number for a note within 15 cents of a semitone, else rounded to 0.01.
        velocity: 1 to 127.
        gate_s: how long the key was held, 0 < gate_s <= total_s.
        total_s: T / sample_rate.
        gain_db: what normalisation added; audio * 10**(-gain_db / 20) has the recording's own level.
        voiced: whether a pitch was heard or given.
        warnings: one sentence for each thing that was guessed or cut.
    """

    audio: np.ndarray
    sample_rate: int
    name: str
    note_midi: float
    velocity: int
    gate_s: float
    total_s: float
    gain_db: float
    voiced: bool
    warnings: tuple[str, ...] = ()


def target_from_file(
    path: str | os.PathLike[str],
    *,
    sample_rate: int = 44_100,
    name: str | None = None,
    note: float | None = None,
    gate: float | None = None,
    velocity: int = 100,
    max_s: float = 4.0,
) -> Target:
    """Load a file through the audio door and make it a target: see `load_audio` and `target_from_audio`.

    Args:
        path: the file.
        sample_rate: Hz of the target.
        name: the file's name without its ending, unless given.
        note: as for `target_from_audio`, like the rest.
        gate: seconds.
        velocity: 1 to 127.
        max_s: seconds.
    """
    audio = load_audio(path, sample_rate=sample_rate)
    if name is None:
        name = display_name(os.path.splitext(os.path.basename(os.fspath(path)))[0])
    return target_from_audio(audio, name=name, note=note, gate=gate, velocity=velocity, max_s=max_s)


def target_from_audio(
    audio: Audio,
    *,
    name: str,
    note: float | None = None,
    gate: float | None = None,
    velocity: int = 100,
    max_s: float = 4.0,
) -> Target:
    """Make a target of a recording: stereo, trimmed, its note and gate estimated, its loudness fixed.

    Args:
        audio: the recording; the first note in it counts.
        name: for people; also names the sound in errors.
        note: MIDI note, 0 to 127, if known; else estimated.
        gate: seconds from the onset to the release, if known; else estimated.
        velocity: 1 to 127; a recording does not tell, so it is never estimated.
        max_s: longest target in seconds, 0.1 to 30; more is faded out over 50 ms.

    Returns:
        The target. The same audio and arguments give the same bits.

    Raises:
        BadAudioError: silent, or less than 20 ms of sound.
        UsageError: an argument out of its range.

    Example:
        >>> time_s = np.arange(22_050) / 44_100
        >>> a4 = Audio(np.sin(2 * np.pi * 440 * time_s)[None].astype(np.float32), 44_100, 44_100)
        >>> target_from_audio(a4, name="a4").note_midi
        69.0
    """
    _check_arguments(note, gate, velocity, max_s)
    rate = audio.sample_rate
    warnings: list[str] = []
    sound, lead = _cut_out_note(to_stereo(audio.samples, warnings), rate, max_s, name, warnings)
    total_s = sound.shape[1] / rate
    gate_s = _settle_gate(sound, rate, gate, total_s, warnings)
    note_midi, voiced = _settle_pitch(sound[:, lead:], rate, gate_s, note, warnings)
    sound, gain_db = normalise(sound, rate)
    return Target(sound, rate, name, note_midi, velocity, gate_s, total_s, gain_db, voiced, tuple(warnings))


def _check_arguments(note: float | None, gate: float | None, velocity: int, max_s: float) -> None:
    if note is not None and not 0 <= note <= 127:
        raise UsageError(f"The note {note} is outside MIDI 0 to 127: middle C is 60.")
    if gate is not None and not 0 < gate < math.inf:
        raise UsageError(f"The gate {gate} is not a length: give seconds, more than 0.")
    if not 1 <= velocity <= 127:
        raise UsageError(f"The velocity {velocity} is outside 1 to 127.")
    if not MIN_LENGTH_S <= max_s <= MAX_LENGTH_S:
        raise UsageError(f"The longest length {max_s} s is outside {MIN_LENGTH_S:g} to {MAX_LENGTH_S:g} s.")


def to_stereo(samples: np.ndarray, warnings: list[str]) -> np.ndarray:
    """Return (2, T): mono doubled, stereo as it is, surround folded down as in ITU-R BS.775.

    Args:
        samples: (C, T), 1 to 8 channels in the order of WAV and FLAC.
        warnings: gets a sentence where channels were folded.
    """
    channels = samples.shape[0]
    if channels == 1:
        return np.repeat(samples, 2, axis=0)
    if channels == 2:
        return samples.copy()
    warnings.append(f"The {channels} channels were mixed down to stereo.")
    half = math.sqrt(0.5)
    layout = LAYOUTS[channels]
    left = [{"l": 1.0 if i < 2 else half, "c": half}.get(speaker, 0.0) for i, speaker in enumerate(layout)]
    right = [{"r": 1.0 if i < 2 else half, "c": half}.get(speaker, 0.0) for i, speaker in enumerate(layout)]
    return (np.array([left, right]) @ samples).astype(np.float32)


def _cut_out_note(
    samples: np.ndarray, rate: int, max_s: float, name: str, warnings: list[str]
) -> tuple[np.ndarray, int]:
    """Return the sound without the silence around it, and its onset's sample (the pre-roll's length)."""
    if float(np.abs(samples).max(initial=0.0)) < SILENCE_PEAK:
        raise BadAudioError(f"“{name}” is silent once it is in stereo: record it louder.")
    onset = find_onset(samples, rate)
    end = find_end(samples, rate)
    if end - onset < MIN_SOUND_S * rate:
        raise BadAudioError(f"“{name}” holds less than {MIN_SOUND_S * 1000:g} ms of sound: record a longer note.")
    start = max(0, onset - round(PRE_ROLL_S * rate))
    longest = round(max_s * rate)
    sound = samples[:, start : min(end, start + longest)].copy()
    lead = onset - start
    # Only the pre-roll is faded in: the attack itself keeps its shape.
    sound[:, :lead] *= np.linspace(0.0, 1.0, lead, endpoint=False, dtype=np.float32)
    if end - start > longest:
        fade = min(round(FADE_OUT_S * rate), longest)
        sound[:, -fade:] *= np.linspace(1.0, 0.0, fade, dtype=np.float32)
        warnings.append(f"The sound lasts {(end - start) / rate:.2f} s; only the first {max_s:g} s are used.")
    return sound, lead


def _settle_gate(sound: np.ndarray, rate: int, gate: float | None, total_s: float, warnings: list[str]) -> float:
    if gate is None:
        return find_gate(sound, rate)
    if gate > total_s:
        warnings.append(f"The gate of {gate:g} s is longer than the sound, {total_s:.2f} s: it was shortened.")
    return min(float(gate), total_s)


def _settle_pitch(
    sound: np.ndarray, rate: int, gate_s: float, note: float | None, warnings: list[str]
) -> tuple[float, bool]:
    """Return (MIDI note, whether there is one): as given, as heard, or middle C with a warning."""
    if note is not None:
        return float(note), True
    span = round(min(max(gate_s, 0.1), PITCH_SPAN_S) * rate)
    left, right = sound[0, :span], sound[1, :span]
    # Channels out of phase cancel in the middle; one side alone then tells more.
    middle = 0.5 * (left + right)
    side = left if np.sum(left**2) >= np.sum(right**2) else right
    mono = middle if np.sum(middle**2) > 0.1 * np.sum(side**2) else side
    heard = estimate_note_midi(mono, rate)
    if heard is None:
        warnings.append("No clear pitch was heard, so middle C (60) is played: give the note if you know it.")
        return DEFAULT_NOTE_MIDI, False
    return settle_note(heard), True


def normalise(sound: np.ndarray, rate: int) -> tuple[np.ndarray, float]:
    """Return a sound (2, T), not silent, at -18 LUFS, or as near as a peak of 0.99 allows, and the gain in dB."""
    room_db = 20.0 * math.log10(SAFE_PEAK / float(np.abs(sound).max()))
    gain_db = min(TARGET_LUFS - loudness_lufs(sound, rate), room_db)
    return (sound * np.float32(10.0 ** (gain_db / 20.0))).astype(np.float32), gain_db
