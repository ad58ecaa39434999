"""`analyse`: every feature of a batch of sounds in one call, each STFT computed once.

Shapes: … leading dimensions, N sounds, C channels, T samples, F frames, M mel bands, K blocks, E envelope frames.
"""

from __future__ import annotations

import dataclasses
import functools
import math
from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
import torch

from myna.errors import UsageError
from myna.features import descriptors, loudness
from myna.features.config import FULL, FeatureConfig
from myna.features.container import Features
from myna.features.mel import decibels
from myna.features.mfcc import cepstrum
from myna.features.spectra import Spectra, by_kernels, by_torch
from myna.features.stft import frame_count
from myna.features.threads import each_item
from myna.features.traced import Measure, script_for

__all__ = ["LOUDEST", "analyse", "as_audio", "measure"]

LOUDEST = 1e6  # 120 dB over full scale; powers of more overflow
_CLIPPED = 0.999
_DEVICE_CHUNK = 64  # sounds at once where the device is no CPU

# glibc gives memory back to the system after each batch and fetches it again page by page, a sixth of the time, unless
# it has seen a large block freed: from then on it keeps twice as much. The block itself is never touched.
torch.empty(31 << 20, dtype=torch.uint8)


def analyse(
    audio: torch.Tensor | np.ndarray,
    sample_rate: int,
    config: FeatureConfig = FULL,
    threads: int = 1,
    on_bad: Literal["raise", "mark"] = "raise",
) -> Features:
    """Measure a batch of sounds; on the CPU each has the same bits whatever the batch, its place in it and the threads.

    Args:
        audio: (…, C, T) tensor or array with one or two channels; the result is on its device, with the leading shape
            (…), or (…, C) where config.channels is "each". Two dimensions are one sound (C, T), not a batch.
        sample_rate: Hz, 2,000 to 768,000.
        config: what is measured.
        threads: that share the work, on the CPU.
        on_bad: what a sound with NaN, infinity or values beyond 1e6 does: "raise", or "mark" (silence takes its place
            and `finite` is False).

    Raises:
        UsageError: of another shape, or not finite.
    """
    sounds = as_audio(audio, config)
    flat = sounds.reshape(-1, *sounds.shape[-2:])
    size = 1 if flat.device.type == "cpu" else _DEVICE_CHUNK
    # Magnitudes are most of the memory: each is written where it stays, rather than joined afterwards.
    room = _room(flat, sample_rate, config)
    script = None
    if flat.device.type == "cpu" and not config.magnitudes:
        script = script_for(_heard, (flat.shape[1], flat.shape[2]), sample_rate, config, len(flat))

    @torch.inference_mode()
    def part(index: int) -> Features:
        span = slice(index * size, (index + 1) * size)
        return measure(flat[span], sample_rate, config, [place[span] for place in room], script).lean()

    features = Features.cat(each_item(part, -(-len(flat) // size), threads))
    features = dataclasses.replace(features, magnitudes=room).reshape(*sounds.shape[:-2])
    if on_bad == "raise" and not bool(features.finite.all()):
        raise UsageError("The audio holds NaN, infinity or values beyond 1e6.")
    return features


def as_audio(audio: torch.Tensor | np.ndarray, config: FeatureConfig) -> torch.Tensor:
    """The sounds that a config listens to, (…, C, T) float32; (…, C, 1, T) where channels count as sounds.

    Raises:
        UsageError: of another shape.
    """
    if isinstance(audio, torch.Tensor):
        tensor = audio.detach()
    else:
        tensor = torch.from_numpy(np.require(audio, np.float32, ["C", "W"]))
    if tensor.is_complex() or tensor.ndim < 2 or tensor.numel() == 0:
        raise UsageError(f"Audio must have the shape (…, C, T) with samples; got {tuple(tensor.shape)}.")
    if tensor.shape[-2] > 2:
        raise UsageError(f"Audio must have one or two channels in (…, C, T); got {tensor.shape[-2]}.")
    return tensor.float().unsqueeze(-2) if config.channels == "each" else tensor.float()


def measure(
    sounds: torch.Tensor,
    sample_rate: int,
    config: FeatureConfig,
    room: Sequence[torch.Tensor] | None = None,
    script: Measure | None = None,
) -> Features:
    """Features of sounds (N, C, T) at once; the bits of one depend on N, so `analyse` gives the CPU one at a time.

    Magnitudes are written into `room`, (N, F_w, bins_w) for each window, where that is given. For a `script` see
    `script_for`.
    """
    peak = sounds.flatten(1).abs().amax(1)
    finite = peak <= LOUDEST  # False for NaN
    loudest = float(peak.max()) if sounds.device.type == "cpu" else math.inf  # a device is not waited for
    if not loudest <= LOUDEST:
        sounds = torch.where(finite[:, None, None], sounds, 0.0)
    if script is None:
        places = _room(sounds, sample_rate, config) if room is None else room
        found = {**_heard(sounds, sample_rate, config, places), "magnitudes": tuple(places)}
    else:
        found = {**script(sounds), "magnitudes": ()}
    return Features(
        **found,
        peak=peak if loudest <= LOUDEST else torch.where(finite, peak, 0.0),
        clipped=torch.zeros_like(peak) if loudest < _CLIPPED else _clipped(sounds),
        finite=finite,
        config=config,
        sample_rate=sample_rate,
        samples=sounds.shape[-1],
    )


def _heard(
    sounds: torch.Tensor, sample_rate: int, config: FeatureConfig, room: Sequence[torch.Tensor] = ()
) -> dict[str, Any]:
    """What no value of a sample decides on, so that it can be traced; magnitudes go into `room`."""
    parts = _middle_and_side(sounds)
    frame = max(1, round(config.envelope_s * sample_rate))
    frames = descriptors.frame_power(parts, frame)
    envelopes = decibels(frames, config.floor_db)
    return {
        **_spectral(parts, sample_rate, config, room),
        "envelope_db": envelopes[:, 0],
        "side_db": envelopes[:, 1] if parts.shape[1] > 1 else torch.full_like(envelopes[:, 0], config.floor_db),
        "level_db": decibels(frames[:, 0].sum(-1) * (frame / sounds.shape[-1]), config.floor_db),
        "dc": parts.mean(-1).abs().sum(-1),  # |m| + |s| = max(|left|, |right|)
    }


def _clipped(sounds: torch.Tensor) -> torch.Tensor:
    return (sounds.abs() >= _CLIPPED).flatten(1).to(torch.float32).mean(1)


def _middle_and_side(sounds: torch.Tensor) -> torch.Tensor:
    """(N, 2, T); (N, 1, T) for a single channel."""
    return sounds if sounds.shape[1] == 1 else _half_sums(sounds.device) @ sounds


@functools.lru_cache(8)
def _half_sums(device: torch.device) -> torch.Tensor:
    return torch.tensor([[0.5, 0.5], [0.5, -0.5]], device=device)


def _room(sounds: torch.Tensor, sample_rate: int, config: FeatureConfig) -> tuple[torch.Tensor, ...]:
    """Space for the magnitudes of sounds (N, C, T); none where they are not wanted."""
    count, samples = len(sounds), sounds.shape[-1]
    sizes = [config.frames(window, sample_rate) for window in config.windows] if config.magnitudes else []
    return tuple(sounds.new_empty(count, frame_count(samples, hop), window // 2 + 1) for window, hop in sizes)


def _spectral(
    parts: torch.Tensor, sample_rate: int, config: FeatureConfig, room: Sequence[torch.Tensor]
) -> dict[str, Any]:
    """What is read from the spectra of the middle (N, T) in parts (N, 1 or 2, T), and the loudness."""
    window, hop = config.frames(config.windows[0], sample_rate)
    # More frames at either end: without them the first and last samples would count less in the loudness.
    grid = loudness.Grid(sample_rate, parts.shape[-1], window, hop, extra=(config.overlap - 1) // 2)
    read = (by_kernels if room and parts.device.type == "cpu" else by_torch)(parts, config, grid, room)
    bands = [band.flatten(0, 1) for band in read.bands]
    mels = [decibels(band, config.floor_db) for band in bands]

    def shaped(tensor: torch.Tensor) -> torch.Tensor:
        return tensor.reshape(len(parts), -1, *tensor.shape[1:])

    if read.centroid_hz is not None and read.flatness is not None:
        centroid_hz, flatness = read.centroid_hz, read.flatness
    else:
        centroid_hz = shaped(descriptors.band_centroid_hz(bands[0], sample_rate))
        flatness = shaped(descriptors.band_flatness(bands[0], mels[0]))
    return {
        "mels": tuple(map(shaped, mels)),
        "mfcc": shaped(cepstrum(mels[0], config.mfcc)),
        "centroid_octaves": shaped(descriptors.centroid_octaves(bands[0], sample_rate, config.floor_db)),
        "centroid_hz": centroid_hz,
        "flatness": flatness,
        **_loudness(read, grid, config),
    }


def _loudness(read: Spectra, grid: loudness.Grid, config: FeatureConfig) -> dict[str, torch.Tensor]:
    blocks = loudness.block_power(read.energy, grid, config.momentary_steps)
    if read.side_energy is not None:
        blocks = blocks + loudness.block_power(read.side_energy, loudness.side_grid(grid), config.momentary_steps)
    if config.channels == "sum":
        # left² + right² = 2 (middle² + side²); a single channel is heard from both speakers.
        blocks = blocks * 2
    return {
        "momentary_lufs": loudness.momentary_lufs(blocks, config.floor_db),
        "loudness_lufs": loudness.integrated_lufs(blocks[:, :: config.momentary_steps], config.floor_db),
    }
