"""`analyse`: every feature of a batch of sounds in one call, each STFT computed once.

Shapes: … leading dimensions, N sounds, C channels, T samples, F frames, M mel bands, K blocks, E envelope frames.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np
import torch

from myna.errors import UsageError
from myna.features import descriptors, loudness
from myna.features.by_kernels import Magnitudes, hear
from myna.features.config import FULL, FeatureConfig
from myna.features.container import Features
from myna.features.mel import decibels, mel_power
from myna.features.mfcc import cepstrum
from myna.features.stft import frame_count, power_frames

__all__ = ["LOUDEST", "analyse", "analyse_each", "as_audio", "measure"]

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
    if flat.device.type != "cpu":
        features = Features.cat([measure(part, sample_rate, config) for part in flat.split(_DEVICE_CHUNK)])
    elif config.magnitudes:
        features = _with_magnitudes(flat, sample_rate, config, threads)
    else:
        features = _by_kernels(flat, sample_rate, config, None, threads)
    features = features.reshape(*sounds.shape[:-2])
    if on_bad == "raise" and not bool(features.finite.all()):
        raise UsageError("The audio holds NaN, infinity or values beyond 1e6.")
    return features


def analyse_each(
    audio: torch.Tensor | np.ndarray, sample_rate: int, config: FeatureConfig, magnitudes: Magnitudes, threads: int = 1
) -> Features:
    """`analyse` on the CPU, with magnitudes handed over while they are in the cache, rather than kept.

    Args:
        audio: (N, C, T); a sound that is not finite is marked.
        sample_rate: Hz.
        config: what is measured; channels must be "sum".
        magnitudes: is given the place of each sound and its magnitudes.
        threads: that share the work.

    Returns:
        Features (N,) without magnitudes.
    """
    return _by_kernels(as_audio(audio, config), sample_rate, config, magnitudes, threads)


def _by_kernels(
    sounds: torch.Tensor, sample_rate: int, config: FeatureConfig, magnitudes: Magnitudes | None, threads: int
) -> Features:
    peak, finite, sounds = _checked(sounds)
    with torch.inference_mode():
        found = hear(sounds, sample_rate, config, magnitudes, threads)
        return _assembled(found, sounds, peak, finite, sample_rate, config)


def _with_magnitudes(flat: torch.Tensor, sample_rate: int, config: FeatureConfig, threads: int) -> Features:
    """`analyse` on the CPU, each sound's magnitudes written where they stay."""
    sizes = [config.frames(window, sample_rate) for window in config.windows]
    room = tuple(flat.new_empty(len(flat), frame_count(flat.shape[-1], hop), size // 2 + 1) for size, hop in sizes)
    places = [place.numpy() for place in room]

    def keep(i: int, magnitudes: Sequence[np.ndarray]) -> None:
        for place, found in zip(places, magnitudes, strict=True):
            place[i] = found

    return dataclasses.replace(_by_kernels(flat, sample_rate, config, keep, threads), magnitudes=room)


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


def measure(sounds: torch.Tensor, sample_rate: int, config: FeatureConfig) -> Features:
    """Features of sounds (N, C, T) at once, by torch, on any device; the bits of one depend on N."""
    peak, finite, sounds = _checked(sounds)
    return _assembled(_heard(sounds, sample_rate, config), sounds, peak, finite, sample_rate, config)


def _checked(sounds: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Peak (N,) of sounds (N, C, T), which of them can be measured, and the sounds with silence for the others."""
    peak = sounds.flatten(1).abs().amax(1)
    finite = peak <= LOUDEST  # False for NaN
    if sounds.device.type != "cpu" or not bool(finite.all()):  # a device is not waited for
        sounds = torch.where(finite[:, None, None], sounds, 0.0)
        peak = torch.where(finite, peak, 0.0)
    return peak, finite, sounds


def _assembled(
    found: Mapping[str, Any],
    sounds: torch.Tensor,
    peak: torch.Tensor,
    finite: torch.Tensor,
    sample_rate: int,
    config: FeatureConfig,
) -> Features:
    silent = sounds.device.type == "cpu" and bool((peak < _CLIPPED).all())
    return Features(
        **{"magnitudes": (), **found},
        peak=peak,
        clipped=torch.zeros_like(peak) if silent else _clipped(sounds),
        finite=finite,
        config=config,
        sample_rate=sample_rate,
        samples=sounds.shape[-1],
    )


def _heard(sounds: torch.Tensor, sample_rate: int, config: FeatureConfig) -> dict[str, Any]:
    """What follows from the samples by torch, by name."""
    parts = _middle_and_side(sounds)
    frame = config.envelope_samples(sample_rate)
    frames = descriptors.frame_power(parts, frame)
    envelopes = decibels(frames, config.floor_db)
    return {
        **_spectral(parts, sample_rate, config),
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


def _spectral(parts: torch.Tensor, sample_rate: int, config: FeatureConfig) -> dict[str, Any]:
    """What is read from the spectra of the middle (N, T) in parts (N, 1 or 2, T), and the loudness."""
    middle = parts[:, 0]
    grid = loudness.main_grid(middle.shape[-1], sample_rate, config)
    wide = power_frames(middle, grid.window, grid.hop, grid.extra)
    powers = {config.windows[0]: wide[:, grid.extra : -grid.extra]}
    for other in config.windows[1:]:
        powers[other] = power_frames(middle, *config.frames(other, sample_rate))
    rows = {window: power.reshape(-1, power.shape[-1]) for window, power in powers.items()}
    main = rows[config.windows[0]]
    bands = [mel_power(rows[window], sample_rate, count) for window, count in config.mels]
    mels = [decibels(band, config.floor_db) for band in bands]
    if config.descriptors == "bins":
        roots = main.sqrt()
        centroid_hz, flatness = descriptors.centroid_hz(roots, sample_rate), descriptors.flatness(main)
    else:
        centroid_hz = descriptors.band_centroid_hz(bands[0], sample_rate)
        flatness = descriptors.band_flatness(bands[0], mels[0])

    def shaped(tensor: torch.Tensor) -> torch.Tensor:
        return tensor.reshape(len(parts), -1, *tensor.shape[1:])

    side = parts[:, 1] if parts.shape[1] > 1 else None
    return {
        "magnitudes": tuple(power.sqrt() for power in powers.values()) if config.magnitudes else (),
        "mels": tuple(map(shaped, mels)),
        "mfcc": shaped(cepstrum(mels[0], config.mfcc)),
        "centroid_octaves": shaped(descriptors.centroid_octaves(bands[0], sample_rate, config.floor_db)),
        "centroid_hz": shaped(centroid_hz),
        "flatness": shaped(flatness),
        **loudness.told(loudness.block_power(wide, side, grid, config.momentary_steps), config),
    }
