"""The verb `analyse`: what a person would want to know of a recording.

Shapes: C channels, T samples, F frames of the spectrum. Units: Hz, seconds, dB re full scale, LUFS, MIDI notes.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field

import numpy as np

from myna.audio.envelope import find_end, find_onset, level_db
from myna.audio.files import Audio, display_name, load_audio
from myna.audio.target import MAX_LENGTH_S, Target, target_from_audio, to_stereo
from myna.errors import BadAudioError
from myna.features import FeatureConfig, Features, analyse
from myna.units import gain_to_db, midi_to_hz, note_name

__all__ = [
    "COLUMNS",
    "CONFIG",
    "HEARD_BELOW_PEAK_DB",
    "MAX_ANALYSED_S",
    "SAMPLE_RATE",
    "SHORTEST_ATTACK_S",
    "Sound",
    "Summary",
    "analyse_file",
    "summarise",
]

SAMPLE_RATE = 44_100
MAX_ANALYSED_S = 60.0
CONFIG = FeatureConfig(windows=(2048,), mels=((2048, 128),))
SHORTEST_ATTACK_S = 0.005
"""The window in which a rise is looked for."""
COLUMNS = 48
"""Levels that the envelope of a summary has, at most."""
_QUIETEST_LUFS, _QUIET_LU = -70.0, 20.0  # the gates of a loudness range, EBU Tech 3342
HEARD_BELOW_PEAK_DB = 40.0
_SMALL_DC, _MANY_CLIPPED = 0.01, 1e-4
_OPPOSITE_WIDTH = 0.75


@dataclass(frozen=True)
class Summary:
    """A sound in numbers that are all finite, or None where there is nothing to tell.

    Attributes:
        name: the file's name, fit to be shown.
        duration_s, sample_rate, channels: of the file.
        level_db: RMS of the middle of the channels.
        peak_db: largest sample of any channel.
        dc: largest mean of any channel, full scale = 1.
        clipped_share: of all samples, at full scale or over it.
        loudness_lufs: integrated, BS.1770-4; a mono file is heard from both speakers.
        momentary_low_lufs, momentary_high_lufs: of the 400 ms blocks within 20 LU of the integrated loudness.
        note_midi, note_name, frequency_hz: None without a clear pitch.
        onset_s, end_s: where the sound starts and where it stays 60 dB under its loudest part.
        attack_s: in which the level rises from 10 % to 90 % of its highest; under 5 ms is at once.
        gate_s: how long the key was held, from the onset; None for less than 20 ms of sound.
        centroid_hz: mean over the sound, weighted by power; brightness.
        centroid_start_hz, centroid_end_hz: of the first and last tenth of what is within 40 dB of the loudest frame.
        centroid_change_octaves: from start to end.
        flatness_db: 0 for white noise, about -50 for a pure note, weighted by power.
        stereo_width: share of the energy in the side: 0 mono, 0.5 unrelated channels, 1 opposite ones.
        envelope_db: RMS of the middle in equal columns, `COLUMNS` at most.
        warnings: one sentence for each thing that was guessed, cut or is odd.
    """

    name: str
    duration_s: float
    sample_rate: int
    channels: int
    level_db: float
    peak_db: float
    dc: float
    clipped_share: float
    loudness_lufs: float
    momentary_low_lufs: float
    momentary_high_lufs: float
    note_midi: float | None
    note_name: str | None
    frequency_hz: float | None
    onset_s: float
    end_s: float
    attack_s: float
    gate_s: float | None
    centroid_hz: float
    centroid_start_hz: float
    centroid_end_hz: float
    centroid_change_octaves: float
    flatness_db: float
    stereo_width: float
    envelope_db: tuple[float, ...]
    warnings: tuple[str, ...] = field(default=())


@dataclass(frozen=True, eq=False)
class Sound:
    """A sound that was analysed.

    Attributes:
        audio: (C, T) float32, one or two channels, at `sample_rate`.
        sample_rate: Hz.
        features: of this one sound, without a leading dimension.
        summary: the same in a few numbers.
    """

    audio: np.ndarray
    sample_rate: int
    features: Features
    summary: Summary


def analyse_file(path: str | os.PathLike[str], note: float | None = None) -> Sound:
    """Load a file through the audio door, at 44.1 kHz, and analyse its first 60 s.

    Args:
        path: the file.
        note: MIDI note, 0 to 127, if known; else estimated.

    Raises:
        BadAudioError: the file cannot be used.
        UsageError: the note is out of range.

    Example:
        >>> analyse_file("a4.wav").summary.note_name  # doctest: +SKIP
        'A4'
    """
    return summarise(load_audio(path, sample_rate=SAMPLE_RATE), display_name(path), note)


def summarise(audio: Audio, name: str, note: float | None = None) -> Sound:
    """Analyse a sound.

    Args:
        audio: not silent; more than two channels are folded down to stereo.
        name: for people.
        note: as for `analyse_file`.

    Raises:
        UsageError: the note is out of range.
    """
    rate = audio.sample_rate
    warnings: list[str] = []
    sound = audio.samples if audio.samples.shape[0] == 1 else to_stereo(audio.samples, warnings)
    longest = round(MAX_ANALYSED_S * rate)
    if sound.shape[1] > longest:
        sound = sound[:, :longest]
        warnings.append(f"The sound lasts {audio.duration_s:.0f} s; only its first {MAX_ANALYSED_S:g} s are analysed.")
    features = analyse(sound[None], rate, CONFIG)[0]
    target = _target(Audio(sound, rate, audio.source_sample_rate), name, note, warnings)
    values = {**_levels(sound, features), **_pitch(target), **_times(sound, rate, target), **_colour(features)}
    warnings += _oddities(values)
    summary = Summary(
        name=name,
        duration_s=audio.duration_s,
        sample_rate=audio.source_sample_rate,
        channels=audio.samples.shape[0],
        envelope_db=_columns(features.envelope_db.numpy()),
        warnings=tuple(warnings),
        **values,
    )
    return Sound(sound, rate, features, summary)


def _target(audio: Audio, name: str, note: float | None, warnings: list[str]) -> Target | None:
    """The note in it, as `myna match` would take it; None where there is too little of one."""
    try:
        target = target_from_audio(audio, name=name, note=note, max_s=MAX_LENGTH_S)
    except BadAudioError as error:
        warnings.append(str(error))
        return None
    warnings += [warning.replace("so middle C (60) is played", "so none is named") for warning in target.warnings]
    return target


def _levels(sound: np.ndarray, features: Features) -> dict[str, float]:
    loudness = float(features.loudness_lufs)
    momentary = features.momentary_lufs
    momentary = momentary[momentary >= max(_QUIETEST_LUFS, loudness - _QUIET_LU)]
    low, high = (float(momentary.min()), float(momentary.max())) if len(momentary) else (loudness, loudness)
    return {
        "level_db": float(features.level_db),
        "peak_db": float(gain_to_db(float(features.peak))),
        "dc": float(features.dc),
        "clipped_share": float(features.clipped),
        "loudness_lufs": loudness,
        "momentary_low_lufs": low,
        "momentary_high_lufs": high,
        "stereo_width": _stereo_width(sound),
    }


def _stereo_width(sound: np.ndarray) -> float:
    if sound.shape[0] == 1:
        return 0.0
    left, right = sound.astype(np.float64)
    middle, side = np.sum((left + right) ** 2), np.sum((left - right) ** 2)
    return float(side / (middle + side))


def _pitch(target: Target | None) -> dict[str, float | str | None]:
    if target is None or not target.voiced:
        return {"note_midi": None, "note_name": None, "frequency_hz": None}
    note = target.note_midi
    return {"note_midi": float(note), "note_name": note_name(note), "frequency_hz": float(midi_to_hz(note))}


def _times(sound: np.ndarray, sample_rate: int, target: Target | None) -> dict[str, float | None]:
    onset = find_onset(sound, sample_rate)
    return {
        "onset_s": onset / sample_rate,
        "end_s": find_end(sound, sample_rate) / sample_rate,
        "attack_s": _attack_s(sound[:, onset:], sample_rate),
        "gate_s": None if target is None else float(target.gate_s),
    }


def _attack_s(sound: np.ndarray, sample_rate: int) -> float:
    step_s = 0.001
    gain = 10.0 ** (level_db(sound, sample_rate, SHORTEST_ATTACK_S, step_s) / 20.0)
    low, high = (int(np.argmax(gain >= share * gain.max())) for share in (0.1, 0.9))
    return (high - low) * step_s


def _colour(features: Features) -> dict[str, float]:
    power = (10.0 ** (features.mels[0].double() / 10.0)).sum(-1).numpy()
    centroid = features.centroid_hz.double().numpy()
    flatness = features.flatness.double().numpy()
    heard = centroid[power >= power.max() * 10.0 ** (-HEARD_BELOW_PEAK_DB / 10.0)]
    tenth = max(1, len(heard) // 10)
    start, end = (float(np.median(part)) for part in (heard[:tenth], heard[-tenth:]))
    return {
        "centroid_hz": float(np.average(centroid, weights=power)),
        "centroid_start_hz": start,
        "centroid_end_hz": end,
        "centroid_change_octaves": float(np.log2(max(end, 1.0) / max(start, 1.0))),
        "flatness_db": float(10.0 * np.log10(np.average(flatness, weights=power))),
    }


def _columns(envelope_db: np.ndarray) -> tuple[float, ...]:
    """Equal stretches of (E,) dB, the mean power of each."""
    parts = np.array_split(10.0 ** (envelope_db.astype(np.float64) / 10.0), min(COLUMNS, len(envelope_db)))
    return tuple(float(10.0 * np.log10(part.mean())) for part in parts)


def _oddities(values: dict[str, float]) -> list[str]:
    found = []
    if values["clipped_share"] >= _MANY_CLIPPED:
        share = f"{100 * values['clipped_share']:.2g} %"
        found.append(f"It clips: {share} of the samples are at full scale, so record it at a lower level.")
    if values["dc"] >= _SMALL_DC:
        found.append(f"It has a constant offset (DC) of {values['dc']:.3f} of full scale: filter it below 20 Hz.")
    if values["stereo_width"] >= _OPPOSITE_WIDTH:
        found.append("Its channels are out of phase and nearly cancel in mono: turn one of them over.")
    return found
