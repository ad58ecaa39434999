"""Numbers that a spectrum or a waveform is summed up by: centroid, flatness, envelope.

Shapes: N sounds, T samples, F frames, M mel bands, E envelope frames.
"""

from __future__ import annotations

import functools
import math

import torch

from myna.features.mel import LOW_HZ, band_centres_hz

__all__ = [
    "band_centroid_hz",
    "band_flatness",
    "band_octaves",
    "bin_hz",
    "centroid_hz",
    "centroid_octaves",
    "flatness",
    "frame_power",
]

_TINY = 1e-20
_FLATNESS_FLOOR = 1e-10  # power; librosa's amin


def centroid_hz(magnitudes: torch.Tensor, sample_rate: int) -> torch.Tensor:
    """Centre of the magnitudes (rows, bins) in Hz, (rows,), as librosa defines it; 0 where there is no sound."""
    hz = bin_hz(magnitudes.shape[-1], sample_rate, magnitudes.device)
    return (magnitudes @ hz) / magnitudes.sum(-1).clamp_min_(_TINY)


def centroid_octaves(mel_power: torch.Tensor, sample_rate: int, floor_db: float) -> torch.Tensor:
    """Centre of the power by mel band (rows, M) in octaves above 30 Hz, (rows,); silence sits at 0."""
    octaves = band_octaves(mel_power.shape[-1], sample_rate, mel_power.device)
    return (mel_power @ octaves) / (mel_power.sum(-1) + 10 ** (floor_db / 10))


def flatness(power: torch.Tensor) -> torch.Tensor:
    """Geometric over arithmetic mean of the power (rows, bins), (rows,), in (0, 1]: 1 for white noise and silence."""
    heard = power.clamp_min(_FLATNESS_FLOOR)
    bins = heard.shape[-1]
    third = bins // 3
    # One logarithm of a product of three: the most that float32 holds.
    product = heard[:, :third] * heard[:, third : 2 * third] * heard[:, 2 * third : 3 * third]
    logs = product.log_().sum(-1) + heard[:, 3 * third :].log().sum(-1)
    return logs.div_(bins).exp_() / heard.mean(-1)


def band_centroid_hz(mel_power: torch.Tensor, sample_rate: int) -> torch.Tensor:
    """`centroid_hz` from the roots of the power by mel band (rows, M)."""
    roots = mel_power.sqrt()
    hz = _band_hz(roots.shape[-1], sample_rate, roots.device)
    return (roots @ hz) / roots.sum(-1).clamp_min_(_TINY)


def band_flatness(mel_power: torch.Tensor, log_mel_db: torch.Tensor) -> torch.Tensor:
    """`flatness` over mel bands (rows, M), from their power and its floored dB."""
    geometric = (log_mel_db.mean(-1) * (math.log(10) / 10)).exp_()
    return (geometric / mel_power.mean(-1).clamp_min_(_TINY)).clamp_max_(1.0)


def frame_power(audio: torch.Tensor, size: int) -> torch.Tensor:
    """Mean square of frames of `size` samples side by side, (…, E), of audio (…, T); the last is filled with zeros."""
    count, rest = divmod(audio.shape[-1], size)
    whole = audio[..., : count * size].unflatten(-1, (count, size))
    norms = torch.linalg.vector_norm(whole, dim=-1)
    if rest:  # apart: filling up would copy all
        norms = torch.cat([norms, torch.linalg.vector_norm(audio[..., -rest:], dim=-1, keepdim=True)], -1)
    return norms.square_().div_(size)


@functools.lru_cache(64)
def bin_hz(bins: int, sample_rate: int, device: torch.device) -> torch.Tensor:
    """Frequencies of an FFT's bins, (bins,) float32."""
    return torch.linspace(0, sample_rate / 2, bins, dtype=torch.float64).to(device, torch.float32)


@functools.lru_cache(64)
def _band_hz(bands: int, sample_rate: int, device: torch.device) -> torch.Tensor:
    return band_centres_hz(sample_rate, bands).to(device, torch.float32)


@functools.lru_cache(64)
def band_octaves(bands: int, sample_rate: int, device: torch.device) -> torch.Tensor:
    """Centres of mel bands in octaves above 30 Hz, (bands,) float32."""
    return torch.log2(band_centres_hz(sample_rate, bands) / LOW_HZ).to(device, torch.float32)
