"""The sounds inside a report: brought to equal loudness, encoded as 16-bit WAV or MP3, kept within a size.

Shapes: audio (C, T), C = 1 or 2. Units: LUFS, dB; full scale = 1.
"""

from __future__ import annotations

import base64
import io
import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from myna.audio.files import encode_wav
from myna.audio.loudness import loudness_lufs

__all__ = ["Clip", "embed_mp3", "embed_wavs", "equal_gains_db", "wave_path"]

MAX_PEAK = 0.99
MAX_GAIN_DB = 40.0
SILENT_LUFS = -70.0
AUDIO_BUDGET_BYTES = 2_000_000


@dataclass(frozen=True)
class Clip:
    """A sound to listen to.

    Attributes:
        key: the letter or number on its button.
        label: what it is.
        audio: float32 (C, T).
        note: more about it, for example its loss.
    """

    key: str
    label: str
    audio: np.ndarray
    note: str = ""


def equal_gains_db(clips: Sequence[np.ndarray], sample_rate: int) -> list[float]:
    """Gains in dB that bring all clips to one loudness: the first one's, or what the peaks leave room for.

    A silent clip gets 0 dB, and no clip is raised by more than 40 dB.

    Args:
        clips: sounds, each (C, T).
        sample_rate: Hz.

    Example:
        >>> tone = 0.1 * np.sin(2 * np.pi * 440 * np.arange(44_100) / 44_100)[None]
        >>> [round(gain, 1) for gain in equal_gains_db([tone, tone / 2], 44_100)]
        [0.0, 6.0]
    """
    levels = [loudness_lufs(clip, sample_rate) for clip in clips]
    heard = [level for level in levels if level > SILENT_LUFS]
    if not heard:
        return [0.0] * len(levels)
    raw = [min(heard[0] - level, MAX_GAIN_DB) if level > SILENT_LUFS else 0.0 for level in levels]
    peaks = [_peak_db(clip) + gain for clip, gain in zip(clips, raw, strict=True)]
    down_db = max(0.0, max(peaks) - 20.0 * np.log10(MAX_PEAK))
    return [float(gain - down_db) if level > SILENT_LUFS else 0.0 for gain, level in zip(raw, levels, strict=True)]


def _peak_db(clip: np.ndarray) -> float:
    return 20.0 * float(np.log10(max(float(np.abs(clip).max(initial=0.0)), 1e-10)))


def embed_wavs(clips: Sequence[np.ndarray], sample_rate: int, budget_bytes: int = AUDIO_BUDGET_BYTES) -> list[str]:
    """Encode clips as `data:` URIs of 16-bit WAV that together stay within a size.

    What does not fit is reduced in this order: alternatives (the third clip on) to mono at half the rate,
    then all to mono, then all to half the rate; alternatives that still do not fit give an empty string.

    Args:
        clips: sounds (C, T) at their playing level; the first two are the target and the match.
        sample_rate: Hz.
        budget_bytes: most characters for all URIs together.
    """
    plans: list[tuple[tuple[bool, int], tuple[bool, int]]] = [
        ((False, 1), (False, 1)),
        ((False, 1), (True, 2)),
        ((True, 1), (True, 2)),
        ((True, 2), (True, 4)),
    ]
    uris: list[str] = []
    for main, others in plans:
        uris = [_uri(clip, sample_rate, *(main if i < 2 else others)) for i, clip in enumerate(clips)]
        if sum(map(len, uris)) <= budget_bytes:
            return uris
    return _drop_last(uris, budget_bytes)


def _drop_last(uris: list[str], budget_bytes: int) -> list[str]:
    kept, used = [], 0
    for uri in uris:
        used += len(uri)
        kept.append(uri if used <= budget_bytes else "")
    return kept


def _uri(clip: np.ndarray, sample_rate: int, mono: bool, divide: int) -> str:
    if mono or (clip.shape[0] == 2 and np.array_equal(clip[0], clip[1])):
        clip = clip.mean(axis=0, keepdims=True)
    if divide > 1:
        import soxr

        clip = np.ascontiguousarray(soxr.resample(clip.T, sample_rate, sample_rate // divide).T)
    wav = encode_wav(clip.astype(np.float32), sample_rate // divide)
    return "data:audio/wav;base64," + base64.b64encode(wav).decode("ascii")


def embed_mp3(clip: np.ndarray, sample_rate: int, mono: bool = False, compression: float = 0.5) -> str:
    """Encode a clip as a `data:` URI of MP3 with a variable bit rate, which all browsers play without a gap.

    Ogg would be smaller, but not every telephone plays it, and its files bear random numbers.

    Args:
        clip: (C, T) at its playing level.
        sample_rate: Hz.
        mono: whether the channels are averaged, as equal ones are anyway.
        compression: 0 to 1; in mono 0.5 takes about 13 kB a second, 0.8 about 9.
    """
    import soundfile

    if mono or (clip.shape[0] == 2 and np.array_equal(clip[0], clip[1])):
        clip = clip.mean(axis=0, keepdims=True)
    buffer = io.BytesIO()
    soundfile.write(
        buffer,
        np.ascontiguousarray(clip.T, np.float32),
        sample_rate,
        format="MP3",
        subtype="MPEG_LAYER_III",
        compression_level=compression,
        bitrate_mode="VARIABLE",
    )
    return "data:audio/mpeg;base64," + base64.b64encode(buffer.getvalue()).decode("ascii")


def wave_path(clip: np.ndarray, total: int, peak: float, width: int = 300, half_height: float = 24.0) -> str:
    """An SVG path of a clip's outline, `width` steps for `total` samples, mirrored about y = half_height.

    Args:
        clip: (C, T).
        total: samples that span the whole width.
        peak: the amplitude that reaches half_height.
        width: steps, one user unit each.
        half_height: in user units.
    """
    edges = np.linspace(0, total, width + 1).astype(int)
    level = np.abs(clip).max(axis=0)
    tops = [float(level[a:b].max(initial=0.0)) for a, b in itertools.pairwise(edges)]
    heights = [min(1.0, top / max(peak, 1e-9)) * (half_height - 1.0) + 0.4 for top in tops]
    upper = [f"{x + 0.5:.1f} {half_height - h:.1f}" for x, h in enumerate(heights)]
    lower = [f"{x + 0.5:.1f} {half_height + h:.1f}" for x, h in reversed(list(enumerate(heights)))]
    return "M" + "L".join(upper + lower) + "Z"
