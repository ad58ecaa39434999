"""Loudness after ITU-R BS.1770-4, read from the main spectrogram: K-weights on its bins, blocks of 400 ms, two gates.

Filtering the signal would cost more than everything else together. Hann windows that overlap threefold or more share
out the energy of every sample exactly, so a weighted sum of spectra is the energy of the weighted signal, but for the
window's smear: 21 Hz in frequency, a few ms in time.

Shapes: N sounds, F frames (one extra at either end), K blocks.
"""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass, replace

import numpy as np
import torch
from scipy.linalg import solve_banded
from scipy.signal import sosfreqz
from torch.nn.functional import threshold

from myna.audio.loudness import k_weighting_sos
from myna.features.config import FeatureConfig
from myna.features.mel import decibels
from myna.features.stft import power_frames

__all__ = ["Grid", "bin_weights", "block_power", "block_weights", "main_grid", "side_grid", "told"]

BLOCK_S, STEP_S = 0.4, 0.1
ABSOLUTE_GATE_LUFS, RELATIVE_GATE_LU = -70.0, -10.0
_OFFSET_LU = -0.691


@dataclass(frozen=True)
class Grid:
    """Where the frames of a spectrogram lie: `window`, `hop`, `samples` of the sound, `extra` frames at either end.

    `mean_square` is the window's, and `leak` the share of a tone's power that falls into each of the neighbouring bins.
    """

    sample_rate: int
    samples: int
    window: int
    hop: int
    extra: int
    mean_square: float = 3 / 8
    leak: float = 1 / 6


def block_power(middle: torch.Tensor, side: torch.Tensor | None, grid: Grid, steps: int) -> torch.Tensor:
    """K-weighted mean square of each block, (N, K), summed over the channels.

    Blocks that the sound does not fill are left out; a sound shorter than one block is one block.

    Args:
        middle: power spectra (N, F + 2 extra, bins) from `power_frames`.
        side: audio (N, T), or None; nothing else needs its spectra, so they are made here with half the frames.
        grid: of the frames.
        steps: blocks that begin in 100 ms.
    """
    blocks = _weighted(middle, grid, steps)
    if side is None:
        return blocks
    coarse = side_grid(grid)
    spectra = power_frames(side, coarse.window, coarse.hop, window_power=0.5)
    return blocks + _weighted(spectra, coarse, steps)


def _weighted(power: torch.Tensor, grid: Grid, steps: int) -> torch.Tensor:
    energy = power @ bin_weights(grid, power.device)
    return energy @ block_weights(grid, power.shape[-2], steps, power.device)


def main_grid(samples: int, sample_rate: int, config: FeatureConfig) -> Grid:
    """The frames of the main window, and more at either end: else the first and last samples would count less."""
    return Grid(sample_rate, samples, *config.frames(config.windows[0], sample_rate), extra=(config.overlap - 1) // 2)


def side_grid(grid: Grid) -> Grid:
    """The frames that the side's loudness is read from, half as many: nothing else needs its spectra.

    A root of the Hann window, `power_frames`' window_power of a half, shares out energy evenly at an overlap of two.
    """
    return replace(grid, hop=grid.window // 2, extra=0, mean_square=1 / 2, leak=0.0947)


def told(blocks: torch.Tensor, config: FeatureConfig) -> dict[str, torch.Tensor]:
    """What blocks (N, K) of middle and side come to, by the name of the feature."""
    if config.channels == "sum":
        # left² + right² = 2 (middle² + side²); a single channel is heard from both speakers.
        blocks = blocks * 2
    return {
        "momentary_lufs": momentary_lufs(blocks, config.floor_db),
        "loudness_lufs": integrated_lufs(blocks[:, :: config.momentary_steps], config.floor_db),
    }


def momentary_lufs(blocks: torch.Tensor, floor_db: float) -> torch.Tensor:
    """Loudness of each block (N, K), at least floor_db."""
    return decibels(blocks * 10 ** (_OFFSET_LU / 10), floor_db)


def integrated_lufs(blocks: torch.Tensor, floor_db: float) -> torch.Tensor:
    """Loudness of the blocks (N, K) that pass the absolute and the relative gate, (N,).

    Where the sound is under the absolute gate throughout, the mean of all blocks, at least floor_db: an ungated level
    says more than none.
    """
    absolute = 10 ** ((ABSOLUTE_GATE_LUFS - _OFFSET_LU) / 10)
    loud = threshold(blocks, absolute, 0.0)
    relative = _mean_of_nonzero(loud).mul_(10 ** (RELATIVE_GATE_LU / 10))
    gated = _mean_of_nonzero(loud * (loud > relative))
    return momentary_lufs(torch.where(gated > 0, gated, blocks.mean(-1, keepdim=True))[:, 0], floor_db)


def _mean_of_nonzero(values: torch.Tensor) -> torch.Tensor:
    return values.sum(-1, keepdim=True) / values.sign().sum(-1, keepdim=True).clamp_min_(1)


@functools.lru_cache(64)
def bin_weights(grid: Grid, device: torch.device) -> torch.Tensor:
    """The energy (sum of squares) that a bin's power stands for, under the K-curve, (bins,)."""
    hz = np.linspace(0, grid.sample_rate / 2, grid.window // 2 + 1)
    _, response = sosfreqz(k_weighting_sos(grid.sample_rate), hz, fs=grid.sample_rate)
    weights = 2 * _sharpened(np.abs(response) ** 2, grid.leak)  # twice: the mirror image of the bin is not there
    weights[-1] /= 2
    return torch.from_numpy(weights * grid.hop / (8 * grid.mean_square)).to(device, torch.float32)


def _sharpened(curve: np.ndarray, leak: float) -> np.ndarray:
    """Weights (bins,) that give a sine on each bin the curve's power, though the window spreads it over three bins.

    The two lowest are 0: a constant offset leaks into the second, and the curve leaves nothing of it.
    """
    bands = np.full((3, curve.size - 2), leak)
    bands[1] = 1 - 2 * leak
    return np.concatenate([[0, 0], solve_banded((1, 1), bands, curve[2:])])


@functools.lru_cache(256)
def block_weights(grid: Grid, frames: int, steps: int, device: torch.device) -> torch.Tensor:
    """Share of each frame's energy in each block, over the block's length, (frames, K)."""
    rate, samples = grid.sample_rate, grid.samples
    block = BLOCK_S * rate
    if samples < block:
        return torch.full((frames, 1), 1 / samples).to(device)
    count = 1 + math.floor((samples - block) / (STEP_S * rate) * steps + 1e-9)
    starts = np.arange(count) * STEP_S * rate / steps
    ends = starts + block
    ends = np.where(samples - ends < grid.hop, np.inf, ends)  # past the last sample is only what leaked from before
    starts[0] = -np.inf
    centres = (np.arange(frames)[:, None] - grid.extra) * grid.hop
    shares = np.minimum(ends, centres + grid.hop / 2) - np.maximum(starts, centres - grid.hop / 2)
    return torch.from_numpy(np.clip(shares / grid.hop, 0, 1) / block).to(device, torch.float32)
