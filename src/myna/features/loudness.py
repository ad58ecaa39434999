"""Loudness after ITU-R BS.1770-4, read from the main spectrogram: K-weights on its bins, blocks of 400 ms, two gates.

Filtering the signal would cost more than everything else together. Hann windows that overlap by 75 % share out the
energy of every sample exactly, so a weighted sum of spectra is the energy of the weighted signal, but for the window's
smear: 21 Hz in frequency, a few ms in time.

Shapes: N sounds, F frames (one extra at either end), K blocks.
"""

from __future__ import annotations

import functools
import math

import numpy as np
import torch
from scipy.signal import sosfreqz

from myna.audio.loudness import k_weighting_sos
from myna.features.mel import decibels

__all__ = ["block_power", "integrated_lufs", "momentary_lufs", "weighted_energy"]

BLOCK_S, STEP_S = 0.4, 0.1
ABSOLUTE_GATE_LUFS, RELATIVE_GATE_LU = -70.0, -10.0
_OFFSET_LU = -0.691


def weighted_energy(power: torch.Tensor, sample_rate: int, hop: int) -> torch.Tensor:
    """K-weighted energy (sum of squares) that each frame stands for, (rows,), from power spectra (rows, bins)."""
    return power @ _bin_weights(power.shape[-1], sample_rate, power.device) * (hop / 3)


def block_power(energy: torch.Tensor, samples: int, hop: int, sample_rate: int, steps: int) -> torch.Tensor:
    """K-weighted mean square of each block, (N, K), from frames' energies (N, F + 2).

    Blocks that the sound does not fill are left out; a sound shorter than one block is one block.

    Args:
        energy: from `weighted_energy`.
        samples: T of the sound.
        hop: samples.
        sample_rate: Hz.
        steps: blocks that begin in 100 ms.
    """
    return energy @ _block_weights(energy.shape[-1], samples, hop, sample_rate, steps, energy.device)


def momentary_lufs(blocks: torch.Tensor, floor_db: float) -> torch.Tensor:
    """Loudness of each block (N, K), at least floor_db."""
    return decibels(blocks * 10 ** (_OFFSET_LU / 10), floor_db)


def integrated_lufs(blocks: torch.Tensor, floor_db: float) -> torch.Tensor:
    """Loudness of the blocks (N, K) that pass the absolute and the relative gate, (N,).

    Where the sound is under the absolute gate throughout, the mean of all blocks, at least floor_db: an ungated level
    says more than none.
    """
    absolute = 10 ** ((ABSOLUTE_GATE_LUFS - _OFFSET_LU) / 10)
    loud = blocks >= absolute
    relative = _mean_where(blocks, loud) * 10 ** (RELATIVE_GATE_LU / 10)
    gated = _mean_where(blocks, loud & (blocks > relative[:, None]))
    return momentary_lufs(torch.where(loud.any(-1), gated, blocks.mean(-1)), floor_db)


def _mean_where(values: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    return torch.where(mask, values, 0.0).sum(-1) / mask.sum(-1).clamp_min_(1)


@functools.lru_cache(64)
def _bin_weights(bins: int, sample_rate: int, device: torch.device) -> torch.Tensor:
    """The K-curve's power at each bin, (bins,), twice for the bins whose mirror image is not there."""
    hz = np.linspace(0, sample_rate / 2, bins)
    _, response = sosfreqz(k_weighting_sos(sample_rate), hz, fs=sample_rate)
    weights = 2 * np.abs(response) ** 2
    weights[-1] /= 2
    weights[:2] = 0  # a constant offset leaks into the second bin, and the curve leaves nothing of it
    return torch.from_numpy(weights).to(device, torch.float32)


@functools.lru_cache(256)
def _block_weights(
    frames: int, samples: int, hop: int, sample_rate: int, steps: int, device: torch.device
) -> torch.Tensor:
    """Share of each frame's energy in each block, over the block's length, (F + 2, K)."""
    block = BLOCK_S * sample_rate
    if samples < block:
        return torch.full((frames, 1), 1 / samples).to(device)
    count = 1 + math.floor((samples - block) / (STEP_S * sample_rate) * steps + 1e-9)
    starts = np.arange(count) * STEP_S * sample_rate / steps
    ends = starts + block
    ends = np.where(samples - ends < hop, np.inf, ends)  # past the last sample there is only what leaked from before
    starts[0] = -np.inf
    centres = (np.arange(frames)[:, None] - 1) * hop
    shares = np.minimum(ends, centres + hop / 2) - np.maximum(starts, centres - hop / 2)
    return torch.from_numpy(np.clip(shares / hop, 0, 1) / block).to(device, torch.float32)
