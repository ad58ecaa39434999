"""The loss as a vector, for methods that learn more from a render than one number.

Shapes: B sounds, R residuals.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from myna.features import Features
from myna.loss.config import FULL_LOSS, LossConfig, scales
from myna.loss.heard import Heard
from myna.loss.perceptual import as_heard
from myna.loss.terms import aligned_envelopes, frame_weight, mel_shares

__all__ = ["residuals"]

_STRETCHES = (24, 48, 96)
_FOLDED = ("log_mel", "mr_stft", "mfcc")


def residuals(features: Features | Heard, target: Features | Heard, config: LossConfig = FULL_LOSS) -> np.ndarray:
    """Signed differences of B sounds from one target whose absolute values add up to about the terms, (B, R) float32.

    The mel bands carry the weights of mr_stft and mfcc too, which are nearly functions of them. Left out are
    `transport`, which is no sum over bands, and the penalties. Mel frames are averaged over stretches, at most
    _STRETCHES of them, since a vector of every frame costs more time than the render.
    """
    sound, goal = as_heard(features), as_heard(target)
    factors = {name: weight / scales(config.scale_set)[name] for name, weight in config.weights.items()}
    folded = sum(config.weights.get(name, 0.0) for name in _FOLDED) / scales(config.scale_set)["log_mel"]
    mels = zip(sound.features.mels, goal.features.mels, mel_shares(sound), _STRETCHES, strict=False)
    parts = [_share(_averaged(a, most) - _averaged(b, most), folded * share) for a, b, share, most in mels]
    for name, difference in _differences(sound, goal).items():
        if name in factors:
            parts.append(_share(difference, factors[name]))
    return torch.cat(parts, -1).cpu().numpy()


def _differences(sound: Heard, goal: Heard) -> dict[str, Tensor]:
    """Signed differences (B, …) by term, such that the mean of their absolute values is about the term."""
    a, b = aligned_envelopes(sound, goal)
    weight = frame_weight(goal, goal) * goal.frame_level.shape[-1]
    contour = sound.momentary_lufs - goal.momentary_lufs
    integrated = (sound.loudness_lufs - goal.loudness_lufs)[..., None].expand_as(contour)
    return {
        "envelope": a - b,
        "stereo": sound.side_db - goal.side_db,
        "centroid": (sound.features.centroid_octaves - goal.features.centroid_octaves) * weight,
        "loudness": torch.cat([contour, integrated], -1),
    }


def _averaged(mel: Tensor, most: int) -> Tensor:
    """Log-mel (…, F, M) averaged over equal stretches of frames, at most `most`; what does not fill one is left out."""
    size = -(-mel.shape[-2] // most)
    count = mel.shape[-2] // size
    return mel[..., : count * size, :].unflatten(-2, (count, size)).mean(-2)


def _share(difference: Tensor, factor: float) -> Tensor:
    flat = difference.flatten(1)
    return flat * (factor / flat.shape[1])
