"""The first ear-model: log-mel at three resolutions, level envelopes of middle and side, centroid.

Shapes: B batch, C channels, T samples, M mel bands, F frames. Levels are dBFS: nothing is normalised away.
Source of the scales: our prototype (equal-weight log-mel at three STFT sizes and an RMS contour did best under CMA-ES).
"""

from __future__ import annotations

import functools
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from scipy import fft, sparse

from myna.errors import UsageError

__all__ = ["FLOOR_DB", "LOW_HZ", "SCALES", "Features", "analyse"]

FLOOR_DB = -80.0
LOW_HZ = 30.0
TOP_HZ = 16000.0
# (window, hop, mel bands) in samples at 44.1 kHz; other rates scale the times.
SCALES = ((2048, 512, 128), (1024, 256, 64), (256, 128, 32))
ENVELOPE_S = 0.012
_CHUNK = 4  # its spectra stay in the cache, and small buffers are warm: 64 took twice as long


@dataclass(frozen=True)
class Features:
    """Features of B sounds.

    Attributes:
        mels: one (B, F, M) float32 log-mel of the middle (mean of the channels) per scale, in dB >= FLOOR_DB.
        envelope: (B, F) float32 RMS of the middle in dBFS, frames of 12 ms.
        side: (B, F) float32 RMS of half the difference of the channels in dBFS; FLOOR_DB throughout for mono.
        centroid: (B, F) float32 spectral centroid in octaves above 30 Hz, on the coarsest scale.
        level: (B,) float32 RMS of the middle over the whole in dBFS.
    """

    mels: tuple[np.ndarray, ...]
    envelope: np.ndarray
    side: np.ndarray
    centroid: np.ndarray
    level: np.ndarray

    def __len__(self) -> int:
        """B."""
        return len(self.level)

    def __getitem__(self, index: Any) -> Features:
        """Some of the sounds, by slice or index array."""
        rest = (getattr(self, field.name)[index] for field in fields(self)[1:])
        return Features(tuple(mel[index] for mel in self.mels), *rest)


def analyse(audio: np.ndarray, sample_rate: int, threads: int = 1, scales: int = len(SCALES)) -> Features:
    """Analyse a batch of sounds; each comes out with the same bits whatever the batch and the threads.

    Args:
        audio: (B, C, T) with one or two channels, or (B, T).
        sample_rate: Hz.
        threads: that share the work.
        scales: how many of SCALES are wanted, coarsest first; fewer are faster.

    Raises:
        UsageError: not finite, or of another shape.
    """
    audio = np.asarray(audio, np.float32)
    if audio.ndim not in (2, 3) or audio.shape[-1] == 0 or len(audio) == 0 or audio.shape[-2] == 0:
        raise UsageError(f"Audio must have the shape (B, C, T) or (B, T) with samples; got {audio.shape}.")
    if audio.ndim == 3 and audio.shape[1] > 2:
        raise UsageError(f"Audio must have one or two channels; got {audio.shape[1]}.")
    chunks = [audio[i : i + _CHUNK] for i in range(0, len(audio), _CHUNK)]
    if threads > 1 and len(chunks) > 1:
        with ThreadPoolExecutor(threads) as pool:
            parts = list(pool.map(lambda chunk: _analyse_chunk(chunk, sample_rate, scales), chunks))
    else:
        parts = [_analyse_chunk(chunk, sample_rate, scales) for chunk in chunks]
    return _join(parts)


def _join(parts: list[Features]) -> Features:
    if len(parts) == 1:
        return parts[0]
    rest = (np.concatenate([getattr(part, field.name) for part in parts]) for field in fields(Features)[1:])
    return Features(tuple(np.concatenate(mels) for mels in zip(*(part.mels for part in parts), strict=True)), *rest)


def _analyse_chunk(audio: np.ndarray, sample_rate: int, scales: int) -> Features:
    mono, side = _middle_and_side(audio)
    # Squares of a float32 overflow long before the sum is taken, so this also refuses absurdly large values.
    level = np.mean(mono**2, axis=1)
    if not np.isfinite(level).all() or not np.isfinite(side).all():
        raise UsageError("The audio holds NaN or infinity.")
    mels = []
    for window, hop, bands in SCALES[:scales]:
        scale = sample_rate / 44100
        window, hop = 2 * round(window * scale / 2), max(1, round(hop * scale))
        mels.append(_mel(_power(mono, window, hop), _mel_matrix(sample_rate, window, bands)))
    frame = max(1, round(ENVELOPE_S * sample_rate))
    return Features(
        tuple(_db(mel) for mel in mels),
        _db(_frame_power(mono, frame)),
        _db(_frame_power(side, frame)),
        _centroid(mels[0], sample_rate),
        _db(level),
    )


def _middle_and_side(audio: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    if audio.ndim == 2:
        return audio, np.zeros_like(audio)
    if audio.shape[1] == 1:
        return audio[:, 0], np.zeros_like(audio[:, 0])
    half = np.float32(0.5)
    return half * (audio[:, 0] + audio[:, 1]), half * (audio[:, 0] - audio[:, 1])


def _power(mono: np.ndarray, window: int, hop: int) -> np.ndarray:
    """Power spectrogram (B, F, bins); centred frames over a zero-padded signal."""
    padded = np.pad(mono, ((0, 0), (window // 2, window // 2 + hop)))
    frames = np.lib.stride_tricks.sliding_window_view(padded, window, axis=1)[:, ::hop]
    frames = frames[:, : 1 + mono.shape[1] // hop]
    spectrum = np.asarray(fft.rfft(frames * _hann(window), axis=-1, overwrite_x=True))
    parts = spectrum.view(np.float32)
    np.multiply(parts, parts, out=parts)
    return parts[..., 0::2] + parts[..., 1::2]


@functools.cache
def _hann(window: int) -> np.ndarray:
    shape = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(window) / window)
    return (shape / (0.5 * window) * np.sqrt(2.0)).astype(np.float32)  # a sine of RMS r shows as r


def _mel(power: np.ndarray, matrix: sparse.csr_matrix) -> np.ndarray:
    """Power by mel band, (B, F, M); sparse, since most weights are zero and the order of sums is then fixed."""
    flat = power.reshape(-1, power.shape[-1])
    return np.ascontiguousarray((matrix @ flat.T).T).reshape(*power.shape[:2], -1)


def _mel_edges(sample_rate: int, bands: int) -> np.ndarray:
    """Edges and centres of the bands in Hz, (M + 2,), equally spaced on the HTK mel scale."""
    low, high = 2595 * np.log10(1 + np.array([LOW_HZ, min(TOP_HZ, sample_rate / 2)]) / 700)
    return 700 * (10 ** (np.linspace(low, high, bands + 2) / 2595) - 1)


@functools.cache
def _mel_matrix(sample_rate: int, window: int, bands: int) -> sparse.csr_matrix:
    """Triangles with a peak of 1, (M, bins)."""
    edges = _mel_edges(sample_rate, bands)
    hz = np.arange(window // 2 + 1) * sample_rate / window
    rising = (hz[:, None] - edges[:-2]) / np.diff(edges)[:-1]
    falling = (edges[2:] - hz[:, None]) / np.diff(edges)[1:]
    weights = np.maximum(0.0, np.minimum(rising, falling))
    # Narrow bands between two bins still listen to the nearest one.
    empty = np.flatnonzero(weights.sum(0) == 0)
    weights[np.argmin(np.abs(hz[:, None] - edges[1:-1][empty]), axis=0), empty] = 1.0
    return sparse.csr_matrix(weights.T.astype(np.float32))


def _frame_power(mono: np.ndarray, size: int) -> np.ndarray:
    count = -(-mono.shape[1] // size)
    padded = np.pad(mono, ((0, 0), (0, count * size - mono.shape[1])))
    return np.mean(padded.reshape(len(mono), count, size) ** 2, axis=2)


def _centroid(mel: np.ndarray, sample_rate: int) -> np.ndarray:
    """Centroid over mel bands in octaves, (B, F); silence sits at the bottom."""
    quiet = np.float32(10 ** (FLOOR_DB / 10))
    return np.sum(mel * _octaves(sample_rate, mel.shape[-1]), axis=-1) / (mel.sum(-1) + quiet)


@functools.cache
def _octaves(sample_rate: int, bands: int) -> np.ndarray:
    return np.log2(_mel_edges(sample_rate, bands)[1:-1] / LOW_HZ).astype(np.float32)


def _db(power: np.ndarray) -> np.ndarray:
    """Power in dB, float32, at least FLOOR_DB."""
    floored = np.maximum(power, np.float32(10 ** (FLOOR_DB / 10)))
    return np.float32(10.0 / np.log(10.0)) * np.log(floored)
