"""The first ear-model: log-mel at three resolutions, level envelope, centroid and spectral distribution.

Shapes: B batch, C channels, T samples, M mel bands, F frames. Levels are dBFS: nothing is normalised away.
Source of the scales: our prototype (equal-weight log-mel at three STFT sizes and an RMS contour did best under CMA-ES).
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import fft, sparse

from myna.errors import UsageError

__all__ = ["FLOOR_DB", "SCALES", "Features", "analyse"]

FLOOR_DB = -80.0
# (window, hop, mel bands) in samples at 44.1 kHz; other rates scale the times.
SCALES = ((2048, 512, 128), (1024, 256, 64), (256, 128, 32))
_CHUNK = 64  # small chunks reuse warm memory: fresh big buffers cost page faults
_LOW_HZ = 30.0


@dataclass(frozen=True)
class Features:
    """Features of B sounds.

    Attributes:
        mels: one (B, F, M) float32 log-mel in dB per scale, floor FLOOR_DB.
        envelope: (B, F) float32 RMS in dBFS, frames of the finest scale averaged to about 12 ms.
        centroid: (B, F) float32 spectral centroid in octaves above 30 Hz, on the coarsest scale.
        level: (B,) float32 RMS of the whole in dBFS.
        peak: (B,) float32 peak, linear.
    """

    mels: tuple[np.ndarray, ...]
    envelope: np.ndarray
    centroid: np.ndarray
    level: np.ndarray
    peak: np.ndarray

    def __len__(self) -> int:
        """B."""
        return len(self.level)

    def __getitem__(self, index: Any) -> Features:
        """Some of the sounds, by slice or index array."""
        return Features(
            tuple(mel[index] for mel in self.mels),
            self.envelope[index],
            self.centroid[index],
            self.level[index],
            self.peak[index],
        )


@functools.cache
def _mel_matrix(sample_rate: int, window: int, bands: int) -> sparse.csr_matrix:
    """Triangles on the HTK mel scale, area-free (peak 1), (bins, M); mel = 2595 log10(1 + f / 700)."""
    top = min(16000.0, sample_rate / 2)
    mels = np.linspace(*(2595 * np.log10(1 + np.array([_LOW_HZ, top]) / 700)), bands + 2)
    edges = 700 * (10 ** (mels / 2595) - 1)
    hz = np.arange(window // 2 + 1) * sample_rate / window
    rising = (hz[:, None] - edges[:-2]) / np.diff(edges)[:-1]
    falling = (edges[2:] - hz[:, None]) / np.diff(edges)[1:]
    weights = np.maximum(0.0, np.minimum(rising, falling))
    # Narrow bands between two bins still listen to the nearest one.
    empty = np.flatnonzero(weights.sum(0) == 0)
    weights[np.argmin(np.abs(hz[:, None] - edges[1:-1][empty]), axis=0), empty] = 1.0
    return sparse.csr_matrix(weights.T.astype(np.float32))


@functools.cache
def _hann(window: int) -> np.ndarray:
    shape = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(window) / window)
    return (shape / (0.5 * window) * np.sqrt(2.0)).astype(np.float32)  # a sine of RMS r shows as r


def _power(mono: np.ndarray, window: int, hop: int) -> np.ndarray:
    """Power spectrogram (B, F, bins); centred frames over a zero-padded signal."""
    padded = np.pad(mono, ((0, 0), (window // 2, window // 2 + hop)))
    frames = np.lib.stride_tricks.sliding_window_view(padded, window, axis=1)[:, ::hop]
    frames = frames[:, : 1 + mono.shape[1] // hop]
    spectrum = fft.rfft(frames * _hann(window), axis=-1)
    return spectrum.real**2 + spectrum.imag**2


def _db(power: np.ndarray) -> np.ndarray:
    return 10.0 * np.log10(np.maximum(power, np.float32(10 ** (FLOOR_DB / 10))))


def _analyse_chunk(mono: np.ndarray, sample_rate: int) -> Features:
    mels, centroid = [], np.empty(0)
    for window, hop, bands in SCALES:
        scale = sample_rate / 44100
        window, hop = 2 * round(window * scale / 2), max(1, round(hop * scale))
        power = _power(mono, window, hop)
        matrix = _mel_matrix(sample_rate, window, bands)
        flat = power.reshape(-1, power.shape[-1])
        mel = np.asarray((matrix @ flat.T).T).reshape(*power.shape[:2], bands)
        if not mels:
            centroid = _centroid(mel)
        mels.append(_db(mel).astype(np.float32))
    envelope = _db(_frame_power(mono, max(1, round(0.012 * sample_rate))))
    level = _db(np.mean(mono**2, axis=1))
    return Features(tuple(mels), envelope.astype(np.float32), centroid, level, np.abs(mono).max(1))


def _frame_power(mono: np.ndarray, size: int) -> np.ndarray:
    count = -(-mono.shape[1] // size)
    padded = np.pad(mono, ((0, 0), (0, count * size - mono.shape[1])))
    return np.mean(padded.reshape(len(mono), count, size) ** 2, axis=2)


def _centroid(mel: np.ndarray) -> np.ndarray:
    """Centroid over mel bands in octaves; silence sits at the bottom."""
    bands = mel.shape[-1]
    top = 2595 * np.log10(1 + 16000 / 700)
    low = 2595 * np.log10(1 + _LOW_HZ / 700)
    mels = np.linspace(low, top, bands + 2)[1:-1]
    octaves = np.log2(700 * (10 ** (mels / 2595) - 1) / _LOW_HZ).astype(np.float32)
    quiet = np.float32(10 ** (FLOOR_DB / 10))
    return (mel @ octaves / (mel.sum(-1) + quiet)).astype(np.float32)


def analyse(audio: np.ndarray, sample_rate: int) -> Features:
    """Analyse a batch of sounds.

    Args:
        audio: (B, C, T) or (B, T); channels are averaged.
        sample_rate: Hz.

    Raises:
        UsageError: not finite, or of another shape.
    """
    audio = np.asarray(audio, np.float32)
    if audio.ndim not in (2, 3) or audio.shape[-1] == 0:
        raise UsageError(f"Audio must have the shape (B, C, T) or (B, T) with samples; got {audio.shape}.")
    mono = audio.mean(axis=1) if audio.ndim == 3 else audio
    if not np.isfinite(mono).all():
        raise UsageError("The audio holds NaN or infinity.")
    parts = [_analyse_chunk(mono[i : i + _CHUNK], sample_rate) for i in range(0, len(mono), _CHUNK)]
    return Features(
        tuple(np.concatenate([p.mels[s] for p in parts]) for s in range(len(SCALES))),
        np.concatenate([p.envelope for p in parts]),
        np.concatenate([p.centroid for p in parts]),
        np.concatenate([p.level for p in parts]),
        np.concatenate([p.peak for p in parts]),
    )
