"""Mel bands: torchaudio's triangles (HTK scale, peaks of 1, 30 Hz to 16 kHz), and their power in dBFS.

Shapes: N sounds, F frames, M bands.
"""

from __future__ import annotations

import functools
import math
import warnings

import numpy as np
import torch
import torchaudio.functional as F  # noqa: N812

__all__ = ["LOW_HZ", "TOP_HZ", "band_centres_hz", "decibels", "mel_power", "mel_runs", "mel_weights"]

LOW_HZ = 30.0
TOP_HZ = 16000.0
_GROUP = 32  # bands that one product makes: narrow bands then read few bins they have no weight for


def mel_power(power: torch.Tensor, sample_rate: int, bands: int) -> torch.Tensor:
    """Power by band, (rows, M), of power spectra (rows, bins)."""
    window = 2 * (power.shape[-1] - 1)
    groups = _groups(window, sample_rate, bands, power.device)
    return torch.cat([power[:, first:last] @ weights for first, last, weights in groups], dim=1)


def decibels(power: torch.Tensor, floor_db: float) -> torch.Tensor:
    """Power in dB, at least floor_db."""
    return power.clamp_min(10 ** (floor_db / 10)).log_().mul_(10 / math.log(10))


@functools.lru_cache(64)
def mel_weights(window: int, sample_rate: int, bands: int) -> torch.Tensor:
    """Weights of the triangles, (window / 2 + 1, M) float32; a band that lies between two bins hears the nearest."""
    top_hz = _top_hz(sample_rate)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it warns of the bands between bins
        weights = F.melscale_fbanks(window // 2 + 1, LOW_HZ, top_hz, bands, sample_rate)
    nearest = (band_centres_hz(sample_rate, bands) * window / sample_rate).round().long()
    empty = (weights.sum(0) == 0).nonzero()[:, 0]
    weights[nearest[empty], empty] = 1.0
    return weights


@functools.lru_cache(64)
def band_centres_hz(sample_rate: int, bands: int) -> torch.Tensor:
    """Centres of the bands in Hz, (M,) float64, equally spaced on the HTK mel scale."""
    low, high = (2595 * math.log10(1 + hz / 700) for hz in (LOW_HZ, _top_hz(sample_rate)))
    mels = torch.linspace(low, high, bands + 2, dtype=torch.float64)[1:-1]
    return 700 * (10 ** (mels / 2595) - 1)


def _top_hz(sample_rate: int) -> float:
    return min(TOP_HZ, sample_rate / 2)


@functools.lru_cache(64)
def mel_runs(window: int, sample_rate: int, counts: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The weights without the zeros around them, of all the bands of several scales on one window.

    Returns:
        The first bin (M,) and the number of bins (M,) that a band hears, int64, and its weights there (M, widest).
    """
    scales = [mel_weights(window, sample_rate, bands).numpy() for bands in counts]
    weights = np.concatenate([np.empty((window // 2 + 1, 0), np.float32), *scales], 1).T
    heard = weights > 0
    firsts = heard.argmax(1)
    widths = heard.shape[1] - heard[:, ::-1].argmax(1) - firsts
    runs = np.zeros((len(weights), widths.max(initial=0)), np.float32)
    for run, row, first, width in zip(runs, weights, firsts, widths, strict=True):
        run[:width] = row[first : first + width]
    return firsts, widths, runs


@functools.lru_cache(64)
def _groups(
    window: int, sample_rate: int, bands: int, device: torch.device
) -> tuple[tuple[int, int, torch.Tensor], ...]:
    """Neighbouring bands together: first and last bin that any of them hears, and their weights there."""
    groups = []
    for band in range(0, bands, _GROUP):
        weights = mel_weights(window, sample_rate, bands)[:, band : band + _GROUP]
        heard = weights.sum(1).nonzero()[:, 0]
        first, last = int(heard[0]), int(heard[-1]) + 1
        groups.append((first, last, weights[first:last].contiguous().to(device)))
    return tuple(groups)
