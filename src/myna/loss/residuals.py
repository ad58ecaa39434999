"""The loss as a vector, for methods that learn more from a render than one number.

Shapes: B sounds, R residuals.
"""

from __future__ import annotations

import numpy as np

from myna.features import Features
from myna.loss.perceptual import WEIGHTS, above_side_floor, frame_weight, scales

__all__ = ["residuals"]

_STRETCHES = (24, 48, 96)


def residuals(features: Features, target: Features) -> np.ndarray:
    """Signed differences of B sounds from one target whose absolute values add up to about the loss, (B, R) float32.

    Left out is `transport`, which is no sum over bands; mel frames are averaged over stretches, at most _STRETCHES of
    them, since a vector of every frame costs more time than the render.
    """
    parts = [
        _share(_averaged(mel, most) - _averaged(wanted, most), f"mel_{name}")
        for name, most, mel, wanted in zip((2048, 1024, 256), _STRETCHES, features.mels, target.mels, strict=True)
    ]
    parts.append(_share(features.envelope - target.envelope, "envelope"))
    parts.append(_share(above_side_floor(features.side) - above_side_floor(target.side), "stereo"))
    weight = frame_weight(target, target) * target.centroid.shape[1]
    parts.append(_share((features.centroid - target.centroid) * weight, "centroid"))
    parts.append(_share((features.level - target.level)[:, None], "level"))
    return np.concatenate(parts, axis=1)


def _averaged(mel: np.ndarray, most: int) -> np.ndarray:
    """Log-mel (B, F, M) averaged over equal stretches of frames, at most `most`; what does not fill one is left out."""
    size = -(-mel.shape[1] // most)
    count = mel.shape[1] // size
    return mel[:, : count * size].reshape(len(mel), count, size, -1).mean(axis=2)


def _share(difference: np.ndarray, term: str) -> np.ndarray:
    flat = difference.reshape(len(difference), -1)
    return (flat * np.float32(WEIGHTS[term] / scales()[term] / flat.shape[1])).astype(np.float32, copy=False)
