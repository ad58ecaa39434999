"""`analyse`: every feature of a batch of sounds in one call, each STFT computed once.

Shapes: … leading dimensions, N sounds, C channels, T samples, F frames, M mel bands, K blocks, E envelope frames.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
import torch

from myna.errors import UsageError
from myna.features import descriptors, loudness
from myna.features.config import FULL, FeatureConfig, frame_sizes
from myna.features.container import Features
from myna.features.mel import decibels, mel_power
from myna.features.mfcc import cepstrum
from myna.features.stft import power_frames
from myna.features.threads import each_item

__all__ = ["LOUDEST", "analyse", "as_audio", "measure"]

LOUDEST = 1e6  # 120 dB over full scale; powers of more overflow
_CLIPPED = 0.999
_DEVICE_CHUNK = 64  # sounds at once where the device is no CPU


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
    with torch.no_grad():
        if flat.device.type == "cpu":
            parts = each_item(lambda i: measure(flat[i : i + 1], sample_rate, config), len(flat), threads)
        else:
            parts = [measure(chunk, sample_rate, config) for chunk in flat.split(_DEVICE_CHUNK)]
        features = Features.cat(parts).reshape(*sounds.shape[:-2])
    if on_bad == "raise" and not bool(features.finite.all()):
        raise UsageError("The audio holds NaN, infinity or values beyond 1e6.")
    return features


def as_audio(audio: torch.Tensor | np.ndarray, config: FeatureConfig) -> torch.Tensor:
    """The sounds that a config listens to, (…, C, T) float32; (…, C, 1, T) where channels count as sounds.

    Raises:
        UsageError: of another shape.
    """
    tensor = audio.detach() if isinstance(audio, torch.Tensor) else torch.from_numpy(np.array(audio, np.float32))
    if tensor.is_complex() or tensor.ndim < 2 or tensor.numel() == 0:
        raise UsageError(f"Audio must have the shape (…, C, T) with samples; got {tuple(tensor.shape)}.")
    if tensor.shape[-2] > 2:
        raise UsageError(f"Audio must have one or two channels in (…, C, T); got {tensor.shape[-2]}.")
    return tensor.float().unsqueeze(-2) if config.channels == "each" else tensor.float()


def measure(sounds: torch.Tensor, sample_rate: int, config: FeatureConfig) -> Features:
    """Features of sounds (N, C, T) at once; the bits of one depend on N, so `analyse` gives the CPU one at a time."""
    samples = sounds.shape[-1]
    peak = _peak(sounds)
    finite = peak <= LOUDEST  # False for NaN
    sounds = torch.where(finite[:, None, None], sounds, 0.0)
    middle, side = _middle_and_side(sounds)
    frame = max(1, round(config.envelope_s * sample_rate))
    floor = config.floor_db
    power = middle.square().mean(-1)
    dc = middle.mean(-1).abs()
    silent_side = torch.full((len(sounds), -(-samples // frame)), floor, device=sounds.device)
    return Features(
        **_spectral(middle, side, sample_rate, config),
        envelope_db=decibels(descriptors.frame_power(middle, frame), floor),
        side_db=silent_side if side is None else decibels(descriptors.frame_power(side, frame), floor),
        level_db=decibels(power, floor),
        peak=torch.where(finite, peak, 0.0),
        dc=dc if side is None else dc + side.mean(-1).abs(),  # |m| + |s| = max(|left|, |right|)
        clipped=(sounds.abs() >= _CLIPPED).sum((-2, -1)) / sounds[0].numel(),
        finite=finite,
        config=config,
        sample_rate=sample_rate,
        samples=samples,
    )


def _peak(sounds: torch.Tensor) -> torch.Tensor:
    low, high = sounds.flatten(1).aminmax(dim=1)
    return torch.maximum(-low, high)


def _middle_and_side(sounds: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor | None]:
    """(N, T) each; None for the side of a single channel."""
    if sounds.shape[1] == 1:
        return sounds[:, 0], None
    half = sounds * 0.5
    return half[:, 0] + half[:, 1], half[:, 0] - half[:, 1]


def _spectral(
    middle: torch.Tensor, side: torch.Tensor | None, sample_rate: int, config: FeatureConfig
) -> dict[str, torch.Tensor | tuple[torch.Tensor, ...]]:
    count, samples = middle.shape
    main, hop = frame_sizes(config.windows[0], config.overlap, sample_rate)
    # One frame more at either end: without them the first and last samples would count less in the loudness.
    wide = power_frames(middle, main, hop, extra=1)
    energy = loudness.weighted_energy(wide, sample_rate, hop)
    if side is not None:
        energy = energy + loudness.weighted_energy(power_frames(side, main, hop, extra=1), sample_rate, hop)
    powers = {config.windows[0]: wide[:, 1:-1]}
    for window in config.windows[1:]:
        powers[window] = power_frames(middle, *frame_sizes(window, config.overlap, sample_rate))
    rows = {window: power.reshape(-1, power.shape[-1]) for window, power in powers.items()}
    first = rows[config.windows[0]]
    bands = [mel_power(rows[window], sample_rate, count) for window, count in config.mels]
    mels = tuple(decibels(band, config.floor_db) for band in bands)
    magnitudes = tuple(power.sqrt() for power in (rows.values() if config.magnitudes else [first]))

    def shaped(tensor: torch.Tensor) -> torch.Tensor:
        return tensor.reshape(count, -1, *tensor.shape[1:])

    return {
        "magnitudes": tuple(shaped(m) for m in magnitudes) if config.magnitudes else (),
        "mels": tuple(shaped(mel) for mel in mels),
        "mfcc": shaped(cepstrum(mels[0], config.mfcc)),
        "centroid_hz": shaped(descriptors.centroid_hz(magnitudes[0], sample_rate)),
        "centroid_octaves": shaped(descriptors.centroid_octaves(bands[0], sample_rate, config.floor_db)),
        "flatness": shaped(descriptors.flatness(first)),
        **_loudness(energy, samples, hop, sample_rate, config),
    }


def _loudness(
    energy: torch.Tensor, samples: int, hop: int, sample_rate: int, config: FeatureConfig
) -> dict[str, torch.Tensor]:
    # left² + right² = 2 (middle² + side²); a single channel is heard from both speakers, unless channels are apart.
    both = energy * 2 if config.channels == "sum" else energy
    blocks = loudness.block_power(both, samples, hop, sample_rate, config.momentary_steps)
    return {
        "momentary_lufs": loudness.momentary_lufs(blocks, config.floor_db),
        "loudness_lufs": loudness.integrated_lufs(blocks[:, :: config.momentary_steps], config.floor_db),
    }
