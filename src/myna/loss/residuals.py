"""The loss as a vector, for methods that learn more from a render than one number.

Shapes: B sounds, R residuals.
"""

from __future__ import annotations

import numpy as np

from myna.features import Features
from myna.loss.perceptual import WEIGHTS, above_side_floor, frame_weight, scales

__all__ = ["residuals"]


def residuals(features: Features, target: Features) -> np.ndarray:
    """Signed differences of B sounds from one target whose absolute values add up to about the loss, (B, R) float32.

    Left out is `transport`, which is no sum over its frames' bands; neighbouring mel frames are averaged in pairs,
    which halves the work.
    """
    parts = [
        _share(_halved(mel) - _halved(wanted), f"mel_{name}")
        for name, mel, wanted in zip((2048, 1024, 256), features.mels, target.mels, strict=True)
    ]
    parts.append(_share(features.envelope - target.envelope, "envelope"))
    parts.append(_share(above_side_floor(features.side) - above_side_floor(target.side), "stereo"))
    weight = frame_weight(target, target) * target.centroid.shape[1]
    parts.append(_share((features.centroid - target.centroid) * weight, "centroid"))
    parts.append(_share((features.level - target.level)[:, None], "level"))
    return np.concatenate(parts, axis=1)


def _halved(mel: np.ndarray) -> np.ndarray:
    even = mel.shape[1] // 2 * 2
    if even == 0:
        return mel
    return 0.5 * (mel[:, 0:even:2] + mel[:, 1:even:2])


def _share(difference: np.ndarray, term: str) -> np.ndarray:
    flat = difference.reshape(len(difference), -1)
    return (flat * np.float32(WEIGHTS[term] / scales()[term] / flat.shape[1])).astype(np.float32, copy=False)
