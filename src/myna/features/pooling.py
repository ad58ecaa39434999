"""Small summaries of a sound: its coarsest log-mel averaged over a few stretches of time and pairs of bands.

Shapes: B batch, D = stretches × bands.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np

from myna.features.extractor import SCALES, Features

__all__ = ["frame_at", "pool"]


def frame_at(time_s: float, sample_rate: int) -> int:
    """The frame of the coarsest log-mel that is centred nearest to a time."""
    hop = max(1, round(SCALES[0][1] * sample_rate / 44100))
    return round(time_s * sample_rate / hop)


def pool(features: Features, edges: Sequence[int], bands: int = 64) -> np.ndarray:
    """Average the coarsest log-mel (dB) over stretches of frames and neighbouring bands, (B, D) float32.

    Args:
        features: of B sounds.
        edges: frames where the stretches begin and end, one more than stretches; a stretch past the end of the sound
            repeats its last frame.
        bands: that are left; divides 128.
    """
    mel = features.mels[0]
    mel = mel.reshape(*mel.shape[:2], bands, -1).mean(axis=3)
    last = mel.shape[1] - 1
    spans = [(min(a, last), min(max(b, a + 1), last + 1)) for a, b in itertools.pairwise(edges)]
    return np.stack([mel[:, a:b].mean(axis=1) for a, b in spans], axis=1).reshape(len(mel), -1)
