"""How a spectrum moves from frame to frame: what tells a tone from noise, and a still sound from a smeared one.

Shapes: … leading dimensions, F frames, M mel bands.
"""

from __future__ import annotations

import functools

import numpy as np
import torch
from scipy import signal
from torch import Tensor

from myna.features import FeatureConfig, Features, analyse, frame_sizes
from myna.loss.reduce import sum_of
from myna.seeding import generator

__all__ = ["loud_bands", "movement_db", "roughness"]

_WITHIN_DB = 40.0
_ROUGHEST_DB2 = 16.0
_MOVED_IN_S = 0.03


def loud_bands(mel: Tensor) -> Tensor:
    """Bands within 40 dB of the loudest of their frame, in dB above that, (…, F, M); pauses are empty."""
    top = mel.amax(-1, keepdim=True)
    top = torch.maximum(top, top.amax(-2, keepdim=True) - _WITHIN_DB)
    return (mel - (top - _WITHIN_DB)).clamp_min_(0.0)


def roughness(features: Features, loud: Tensor) -> Tensor:
    """How erratic the loud bands (…, F, M) are, (…): 0 for a steady tone, about 1 for noise in narrow bands."""
    return _bends_db2(loud) / _of_noise_db2(features.config, features.sample_rate)


def movement_db(features: Features, loud: Tensor) -> Tensor:
    """How much the loud bands (…, F, M) change in 30 ms whatever the level, mean absolute dB, (…)."""
    _, hop = frame_sizes(features.config.windows[0], features.config.overlap, features.sample_rate)
    lag = min(max(1, round(_MOVED_IN_S * features.sample_rate / hop)), loud.shape[-2] - 1)
    before, after = loud[..., : loud.shape[-2] - lag, :], loud[..., lag:, :]
    weight = torch.maximum(before, after)
    change = (after - before).abs_().mul_(weight)
    return sum_of(change, 2) / sum_of(weight, 2).clamp_min(1.0)


def _bends_db2(loud: Tensor) -> Tensor:
    """Mean square of half the second difference: slopes and glides do not count, and, cut at 16 dB², nor do attacks."""
    if loud.shape[-2] < 3:
        return loud.new_zeros(loud.shape[:-2])
    weight = loud[..., 1:-1, :]
    bend = (loud[..., 2:, :] + loud[..., :-2, :]).mul_(0.5).sub_(weight).square_().clamp_max_(_ROUGHEST_DB2)
    return sum_of(bend.mul_(weight), 2) / sum_of(weight, 2).clamp_min(1.0)


@functools.cache
def _of_noise_db2(config: FeatureConfig, sample_rate: int) -> float:
    """The same of noise below 500 Hz, heard with this config: frames that overlap more flutter less.

    Bands so low are as narrow as the window can tell; wider ones average and flutter less.
    """
    white = generator(0, "roughness").standard_normal(4 * sample_rate)
    low = np.asarray(signal.sosfilt(signal.butter(2, 500.0, fs=sample_rate, output="sos"), 0.3 * white))
    mono = torch.from_numpy(low).float().reshape(1, 1, -1)
    return float(_bends_db2(loud_bands(analyse(mono, sample_rate, config).mels[0])).mean())
